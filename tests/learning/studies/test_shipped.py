"""The models that come with the repository: made by one call, measured only on what they never saw."""

import dataclasses

import numpy as np
import pytest

import elnes_lab
from elnes_lab.errors import DataError
from elnes_lab.learning.crossfit import crossed
from elnes_lab.learning.dataset import Dataset, TargetChoice, usable
from elnes_lab.learning.store import load
from elnes_lab.learning.studies.shipped import FOLDERS, evaluate_shipped, train_shipped, unseen


def test_trained_stored_and_measured_on_unseen_structures(tmp_path):
    db = elnes_lab.open_database()
    db = db[usable(db, target=TargetChoice())[0]]
    crystals = db.query("kind == 'crystal'")
    chosen = crystals[np.isin(crystals["structure"].astype(str), list(map(str, crystals.structures[:10])))]
    db = db[[*chosen.sites, *db.query("kind == 'amorphous'").sites[:5]]]
    seen = []
    folders = train_shipped(
        db, tmp_path, members=2, epochs=3, folds=3, report=lambda inputs, progress: seen.append((inputs, progress.part))
    )
    assert [f.name for f in folders] == list(FOLDERS.values()) and set(seen) == {
        (i, k) for i in FOLDERS for k in range(3)
    }
    records = evaluate_shipped(db, tmp_path)
    assert {(r["inputs"], r["group"]) for r in records} == {(i, g) for i in FOLDERS for g in ("crystal", "amorphous")}
    for r in records:
        assert r["warning"] == "" and 0 < r["mse_median"] <= r["deciles"][-1]
    model = load(folders[0], db)
    data = Dataset.from_database(db, model.choice)
    parts = unseen(model, data)
    assert set(parts["crystal"].structures) == set(chosen.structures) and len(parts["amorphous"]) == 5
    assert records[0]["n"] == len(parts["crystal"]) == len(chosen)
    with pytest.raises(DataError):
        evaluate_shipped(db, tmp_path / "elsewhere")


def test_a_crystal_whose_twin_the_part_has_seen_is_no_test(narrow_rows):
    """A twin that came after the training is predicted by all parts; groups that two folds share are no test either."""
    data = narrow_rows
    names = list(dict.fromkeys(map(str, data.structures)))
    groups = dict(zip(names, "aabbcc"))
    data = dataclasses.replace(data, groups=np.array([groups[str(name)] for name in data.structures]))
    folds = {names[0]: 0, names[1]: 0, names[2]: 0, names[3]: 1, names[4]: 1}
    seen = {str(name) for name in data.structures[crossed(folds, data)]}
    assert seen == {names[2], names[3], names[5]} and not crossed({}, data).any()


@pytest.fixture
def narrow_rows(shipped):
    rows = shipped[usable(shipped, target=TargetChoice())[0]].query("kind == 'crystal'")
    first = list(map(str, rows.structures[:6]))
    return Dataset.from_database(rows[np.isin(rows["structure"].astype(str), first)])
