"""Structure and PDOS together: the surroundings in the ensemble, its store, and prediction from a computed ground state."""

import dataclasses
import shutil

import numpy as np
import pytest

from elnes_lab.cli.program import main
from elnes_lab.errors import DataError
from elnes_lab.learning.choices import InputChoice, TargetChoice
from elnes_lab.learning.crossfit import cross_fit
from elnes_lab.learning.dataset import Dataset, elnes_bins, make_split, usable
from elnes_lab.learning.domain import DomainScore
from elnes_lab.learning.ensemble import train_ensemble
from elnes_lab.learning.from_pdos import GroundRows, ground_dataset, predict_ground, predict_known
from elnes_lab.learning.kernels import block_features
from elnes_lab.learning.store import load, read_card, save
from elnes_lab.sources.quantum_espresso import read_ground, read_site
from elnes_lab.store import data_directory

SMALL = {"members": 3, "width": 16, "depth": 1, "epochs": 3, "parts": 3}
CHOICE = InputChoice(step=0.5, directed=True, surroundings=("O", "Si"))
RAW = data_directory() / "raw"


@pytest.fixture(scope="module")
def sites(shipped):
    rows = shipped[usable(shipped, CHOICE)[0]]
    crystal = np.flatnonzero(rows["kind"] == "crystal")[::4]
    return rows[np.unique(np.concatenate([crystal, np.flatnonzero(rows["structure"] == "coesite")]))]


@pytest.fixture(scope="module")
def data(sites):
    return Dataset.from_database(sites, CHOICE)


@pytest.fixture(scope="module")
def model(data):
    return cross_fit(data, folds=3, **SMALL).fit()


def test_the_kernel_sees_the_surroundings_and_the_networks_do_not(data):
    plain = dataclasses.replace(data, choice=dataclasses.replace(CHOICE, surroundings=()), surroundings=None)
    features, sizes = block_features(data)
    known, few = block_features(plain)
    assert np.array_equal(features[:, : known.shape[1]], known) and len(sizes) == len(few) + 3
    assert sum(sizes) == features.shape[1]
    split = make_split(data, seed=0)
    one, other = (
        train_ensemble(d, split, seed=1, models=("network",), **SMALL).fit().predict(d).mean for d in (data, plain)
    )
    assert np.array_equal(one, other)
    one, other = (train_ensemble(d, split, models=("kernel",)).fit() for d in (data, plain))
    held = data.subset(split.test)
    errors = [
        ((m.predict(d).mean - held.targets) ** 2).mean() for m, d in ((one, held), (other, plain.subset(split.test)))
    ]
    assert errors[0] != errors[1] and errors[0] < 1.2 * errors[1]


def test_stored_and_loaded_it_predicts_the_same(model, data, sites, tmp_path):
    folder = save(model, tmp_path / "both")
    again = load(folder, sites)
    assert read_card(folder)["inputs"]["surroundings"] == ["O", "Si"] and again.warning == ""
    first, second = model.predict(data), again.predict(sites)
    for name in ("mean", "lower", "polarized", "spread"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_the_score_names_the_surroundings_that_are_strange(data):
    domain = DomainScore.fit(data)
    numbers = data.surroundings.numbers.copy()
    numbers[0, 3] = 2.15
    strange = dataclasses.replace(data, surroundings=dataclasses.replace(data.surroundings, numbers=numbers))
    assert "longest Si-O length 2.15" in domain.reasons(strange)[0]
    assert domain.score(strange)[0] > domain.score(data)[0]


def test_a_ground_state_alone_is_predicted_as_the_same_rows_of_the_database(model, shipped):
    known, found = predict_known(shipped, "coesite", model=model), predict_ground(RAW / "coesite", model=model)
    assert [str(site) for site in found.prediction.sites] == [str(site) for site in known.prediction.sites]
    assert found.prediction.mean == pytest.approx(known.prediction.mean, abs=1e-3)
    assert found.prediction.lower == pytest.approx(known.prediction.lower, abs=1e-3)
    assert np.array_equal(found.weights, known.weights) and found.zero == "edge"
    weights = found.weights / found.weights.sum()
    assert found.average == pytest.approx(weights @ found.prediction.mean, abs=1e-5)
    number = model.folds["coesite"]
    alone = dataclasses.replace(model, parts=[model.parts[number]], folds={})
    assert alone.predict(shipped[known.prediction.sites]).mean == pytest.approx(known.prediction.mean, abs=1e-6)


def test_what_lacks_something_is_refused_with_a_reason(model, shipped, tmp_path, alter):
    with pytest.raises(DataError, match="no structure 'nowhere'"):
        predict_known(shipped, "nowhere", model=model)
    with pytest.raises(DataError, match="There is no"):
        predict_ground(tmp_path / "ground.npz", model=model)
    folder = shutil.copytree(RAW / "quartz-alpha", tmp_path / "quartz-alpha")
    alter(folder / "ground.npz", dos=None)
    with pytest.raises(DataError, match="ground.npz cannot be used: .*it has no dos"):
        predict_ground(folder, model=model)
    ground = read_ground(RAW / "quartz-alpha" / "ground.npz")
    with pytest.raises(DataError, match="x, y and z"):
        ground_dataset(dataclasses.replace(ground, pdos_pxyz=ground.pdos_pxyz * np.nan), CHOICE)
    with pytest.raises(DataError, match="contains Si"):
        ground_dataset(ground, dataclasses.replace(CHOICE, surroundings=("O", "Ge")))
    with pytest.raises(DataError, match="onset is not known"):
        ground_dataset(ground, dataclasses.replace(CHOICE, scalars=("onset",)))


@pytest.mark.parametrize(
    "choice, says",
    [
        ({"surroundings": ("Si", "O")}, "absorbing element"),
        ({"surroundings": ("O", "Xx")}, "not those of an oxide"),
        ({"surroundings": ("O", "Si", "Ge")}, "in that order"),
        ({"surroundings": ("O", "Si"), "directed": False}, "directed=True"),
        ({"surroundings": 5}, "no list of names"),
    ],
)
def test_surroundings_that_cannot_be_meant(choice, says):
    with pytest.raises(DataError, match=says):
        InputChoice(**{"directed": True, **choice})


def test_the_command_takes_a_ground_state(model, tmp_path, monkeypatch, capsys):
    import elnes_lab.learning.from_pdos as module

    monkeypatch.setattr(module, "shipped_model", lambda: model)
    out = tmp_path / "coesite.csv"
    assert main(["predict", str(RAW / "coesite" / "ground.npz"), str(out)]) == 0
    assert "5 sites" in capsys.readouterr().out
    lines = out.read_text().splitlines()
    assert "structure and PDOS" in lines[1] and lines[2].startswith("energy_eV,coesite/O8,coesite/O8 lower")
    assert main(["predict", str(RAW / "coesite")]) == 0 and capsys.readouterr().out.splitlines()[2:] == lines[2:]
    assert main(["predict", str(RAW / "coesite"), str(out)]) == 2 and "exists" in capsys.readouterr().err


def test_the_spectrum_of_the_files_is_that_of_the_database(shipped):
    ground = read_ground(RAW / "quartz-alpha" / "ground.npz")
    rows = GroundRows(ground, atoms=[3], holes=[read_site(RAW / "quartz-alpha" / "O3.npz", ground)])
    target, stored = TargetChoice(), shipped[["quartz-alpha/O3"]]
    assert elnes_bins(rows, target)[1] == pytest.approx(elnes_bins(stored, target)[1], abs=1e-5)
    assert rows["si_o_si_angle"] == pytest.approx(stored["si_o_si_angle"]) and rows.weights.tolist() == [6]
    for atoms in ([0], [99], [-1], []):
        with pytest.raises(DataError, match="atoms, counted from 0"):
            GroundRows(ground, atoms=atoms)
