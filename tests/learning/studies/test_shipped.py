"""The models that come with the repository: made by one call, measured only on what they never saw."""

import numpy as np
import pytest

import elnes_lab
from elnes_lab.errors import DataError
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
        db, tmp_path, members=2, epochs=3, report=lambda inputs, record: seen.append((inputs, record.epoch))
    )
    assert [f.name for f in folders] == list(FOLDERS.values()) and {inputs for inputs, _ in seen} == set(FOLDERS)
    records = evaluate_shipped(db, tmp_path)
    assert {(r["inputs"], r["group"]) for r in records} == {(i, g) for i in FOLDERS for g in ("crystal", "amorphous")}
    for r in records:
        assert r["warning"] == "" and 0 < r["mse_median"] <= r["deciles"][-1]
    model = load(folders[0], db)
    parts = unseen(model, Dataset.from_database(db, model.choice))
    trained = Dataset.from_database(db, model.choice)
    touched = set(
        trained.groups[np.isin(trained.structures, model.facts["split"]["train"] + model.facts["split"]["validation"])]
    )
    assert not touched & set(parts["crystal"].groups) and len(parts["amorphous"]) == 5
    with pytest.raises(DataError):
        evaluate_shipped(db, tmp_path / "elsewhere")
