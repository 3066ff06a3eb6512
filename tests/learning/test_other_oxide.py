"""Nothing is wired to silicon: a database of another oxide is built, learnt from and predicted, and kept apart from silica.

The files are those of silica with germanium written on its silicon in a cell 8 % longer: no computed germania, only what a folder
of it would look like.
"""

import shutil

import numpy as np
import pytest

from elnes_lab.build import build
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.learning.choices import InputChoice
from elnes_lab.learning.dataset import Dataset, make_split, usable
from elnes_lab.learning.ensemble import train_ensemble
from elnes_lab.learning.from_structure import predict_structure
from elnes_lab.learning.site_dataset import SiteDataset
from elnes_lab.learning.store import load, save
from elnes_lab.learning.structure_route import train_route
from elnes_lab.learning.structure_store import load_route, read_route_card, save_route
from elnes_lab.store import data_directory

SOME = ("ACO", "SOD", "coesite", "cristobalite", "prototype-10", "prototype-13", "prototype-17", "quartz-alpha")
STRETCH = 1.08  # Ge-O over Si-O


def germanium(path, **more):
    """Rewrites a ground state of silica as one of germania."""
    with np.load(path) as file:
        arrays = dict(file)
    arrays["symbols"] = np.where(arrays["symbols"] == "Si", "Ge", arrays["symbols"])
    arrays["cell"] = arrays["cell"] * STRETCH
    arrays["method"] = np.array("a test: silica with germanium written on its silicon")
    arrays["electrons"] = np.array(16.0 * (arrays["symbols"] == "Ge").sum())
    np.savez_compressed(path, **{k: v for k, v in (arrays | more).items() if v is not None})


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("germania")
    for name in SOME:
        shutil.copytree(data_directory() / "raw" / name, folder / name)
        germanium(folder / name / "ground.npz")
    return folder


@pytest.fixture(scope="module")
def germania(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("germania-built")
    info = build(raw, folder)
    assert info["rejected"] == [] and info["subject"] == "O K edge of oxides of Ge"
    with open_database(folder) as db:
        yield db


@pytest.fixture(scope="module")
def route(germania, tmp_path_factory):
    trained = train_route(SiteDataset.from_database(germania), folds=3, seed=0)
    return load_route(save_route(trained, tmp_path_factory.mktemp("route") / "germania"), germania)


def test_the_file_says_what_it_is_of(germania, small):
    assert germania.subject.elements == ("O", "Ge") and germania.subject.label == "O K"
    assert germania.store.attribute("title") == "O K-edge ELNES of oxides of Ge from first principles"
    assert germania.dataset["si_o_mean"].attrs["long_name"] == "Ge-O length, mean"
    assert small.subject.elements == ("O", "Si") and "silicon oxides" in small.store.attribute("title")
    del small.store.attributes["elements"], small.store.attributes["absorber"], small.store.attributes["edge"]
    assert small.store.read_subject() == small.subject  # a file of before


def test_the_structure_route_learns_it_and_knows_no_silica(germania, route, small, shipped):
    assert route.elements == ("O", "Ge") and route.warning == ""
    data = SiteDataset.from_database(germania)
    found = route.predict(germania)
    # Of eight structures the directions are learnt before the rest is.
    wrong = lambda curves: ((curves - data.directed.targets) ** 2).mean()
    assert wrong(found.polarized) < 0.8 * wrong(data.targets.mean(0))
    quartz = germania.atoms("quartz-alpha")
    one = predict_structure(quartz, "quartz of GeO2", route=route).prediction
    assert one.nearest[0][0][0].startswith("quartz-alpha/") and one.nearest[0][0][1] > 0.99 and one.score[0] < 2
    quartz.set_cell(quartz.cell * 1.15, scale_atoms=True)
    assert "Ge-O length" in route.predict_atoms(quartz, [3]).reasons[0]
    with pytest.raises(DataError, match="contains Si.*O and Ge"):
        predict_structure(shipped.atoms("quartz-alpha"), route=route)
    with pytest.raises(DataError, match="contains Ge"):
        predict_structure(germania.atoms("quartz-alpha"))  # by the shipped one, of silica
    with pytest.raises(DataError, match="contains Si"):
        route.predict(small)


def test_a_card_whose_elements_are_others_is_refused(route, germania, tmp_path):
    folder = save_route(route, tmp_path / "route")
    assert read_route_card(folder)["elements"] == ["O", "Ge"]
    import json

    from elnes_lab.learning.card import sealed

    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(sealed(card | {"elements": ["O", "Ge", "Si"]})))
    with pytest.raises(DataError, match="does not fit its card"):
        load_route(folder)
    (folder / "card.json").write_text(json.dumps(sealed(card | {"elements": ["O", "Xx"]})))
    with pytest.raises(DataError, match="not those of an oxide"):
        load_route(folder)


def test_a_model_of_the_pdos_and_of_both_learns_it(germania, small, tmp_path):
    for around in ((), germania.subject.elements):
        choice = InputChoice(directed=True, step=0.5, surroundings=around)
        data = Dataset.from_database(germania, choice)
        model = train_ensemble(data, make_split(data, seed=0), models=("kernel",)).fit()
        again = load(save(model, tmp_path / f"model-{len(around)}"), germania)
        assert again.choice == choice and again.warning == ""
        assert np.array_equal(again.predict(germania).mean, model.predict(data).mean)
    mask, reasons = usable(small, choice)
    assert not mask.any() and "a structure with Si" in reasons[0]
    with pytest.raises(DataError, match="Si, which a model of O and Ge does not know"):
        model.predict(small)


def test_what_a_folder_must_say(raw, tmp_path):
    """Without the valence electrons germania is refused; another edge belongs into another folder; no absorber but oxygen."""
    folder = tmp_path / "raw"
    for name in ("ACO", "SOD", "coesite", "cristobalite", "quartz-alpha"):
        shutil.copytree(raw / name, folder / name)
    germanium(folder / "coesite" / "ground.npz", electrons=None)
    germanium(folder / "cristobalite" / "ground.npz", edge=np.array("L1"))
    info = build(folder, tmp_path / "out")
    reasons = {row["site"]: row["reason"] for row in info["rejected"]}
    assert info["structures"] == 3 and "'electrons'" in reasons["coesite/O8"] and "it has Ge" in reasons["coesite/O8"]
    assert "its edge is O L1, the others' is O K" in next(
        text for site, text in reasons.items() if "cristobalite" in site
    )
    germanium(folder / "cristobalite" / "ground.npz", absorber=np.array("Ge"))
    reasons = {row["site"]: row["reason"] for row in build(folder, tmp_path / "out")["rejected"]}
    assert any("absorbing element is 'Ge'" in text for text in reasons.values())
