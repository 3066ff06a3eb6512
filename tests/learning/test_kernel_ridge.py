"""Kernel ridge as a model: what the evaluation's method says, intervals by structures left out, files."""

import json

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.learning.baselines import KernelRidge
from elnes_lab.learning.card import sealed
from elnes_lab.learning.intervals import coverage
from elnes_lab.learning.kernel_ridge import train_kernel_ridge
from elnes_lab.learning.splits import make_split
from elnes_lab.learning.store import CARD, WEIGHTS, check, load, read_card, save


@pytest.fixture(scope="module")
def trained(made_up):
    data = made_up(structures=30)
    split = make_split(data, seed=1)
    training = train_kernel_ridge(data, split, seed=1)
    (record,) = training
    return data, split, training, record


def test_it_is_the_method_of_the_evaluation(trained):
    data, split, training, record = trained
    peer = KernelRidge().fit(data.subset(split.train), data.subset(split.validation))
    assert training.model.settings == peer.settings
    held = data.subset(split.test)
    np.testing.assert_allclose(training.model.predict(held).mean, peer.predict(held), atol=1e-4)
    assert record.validation_loss > record.train_loss > 0


def test_intervals_hold_what_was_left_out(trained, made_up):
    data, split, training, _ = trained
    new = made_up(structures=200, seed=5)
    prediction = training.model.predict(new)
    assert 0.8 < coverage(new.targets, prediction.lower, prediction.upper).mean() <= 1


def test_it_comes_back_the_same_and_damage_is_refused(trained, tmp_path):
    data, _, training, _ = trained
    folder = save(training.model, tmp_path / "model", metrics={"crystal": {"mse_median": 0.02}})
    back = load(folder)
    for name in ("mean", "lower", "upper"):
        before = getattr(training.model.predict(data), name)
        np.testing.assert_array_equal(before, getattr(back.predict(data), name))
    assert back.settings == training.model.settings and back.facts == training.model.facts
    assert check(folder)["method"] == "kernel ridge"
    card = read_card(folder)
    for change in (
        {"method": "magic"},
        {"settings": {"alpha": -1.0}},
        {"known": 0},
        {"known": card["known"] + 1},
        {"intervals": 0},
        {"inputs": card["inputs"] | {"channels": ["O p"]}},
    ):
        (folder / CARD).write_text(json.dumps(sealed(card | change)))
        with pytest.raises(DataError, match="Train it again"):
            load(folder)
    (folder / CARD).write_text(json.dumps(sealed(card)))
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:-8])
    with pytest.raises(DataError, match="safetensors"):
        load(folder)
