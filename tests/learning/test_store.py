"""Models on disk: what comes back, and what is refused unopened."""
import dataclasses
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from elnes_lab.errors import DataError
from elnes_lab.learning.dataset import InputChoice, make_split
from elnes_lab.learning.store import CARD, LAYOUT, WEIGHTS, load, read_card, save
from elnes_lab.learning.training import train


@pytest.fixture(scope="session")
def stored(small_model, tmp_path_factory):
    return save(
        small_model[0], tmp_path_factory.mktemp("models") / "a" / "model", metrics={"crystal": {"mse_median": 0.02}}
    )


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "model")


@pytest.mark.parametrize("kind", ["mlp", "conv", "linear"])
def test_a_model_comes_back_the_same(small_model, tmp_path, kind):
    _, data, split = small_model
    model = train(data, split, kind=kind, members=3, width=8, epochs=2, filters=2, kernel=3).fit()
    back = load(save(model, tmp_path))
    before, after = model.predict(data, level=0.8), back.predict(data, level=0.8)
    np.testing.assert_array_equal(before.members, after.members)
    np.testing.assert_array_equal(before.upper, after.upper)
    np.testing.assert_array_equal(before.energy, after.energy)
    assert (back.choice, back.target, back.hyper, back.facts) == (model.choice, model.target, model.hyper, model.facts)


def test_the_card_says_what_it_was_trained_on(stored, small_model):
    model, data, split = small_model
    card = read_card(stored)
    assert card["metrics"] == {"crystal": {"mse_median": 0.02}} and card["data_sha256"] == data.checksum
    assert card["training"]["split"]["test"] == sorted(set(data.structures[split.test]))
    assert card["hyper_parameters"]["width"] == 16 and {"torch", "numpy", "elnes_lab"} <= set(card["versions"])
    assert card["training"]["calibration_groups"] == len(set(data.groups[split.development]))


def test_other_data_are_told(real, shipped, tmp_path):
    model = train(real, make_split(real), members=2, width=4, epochs=1).fit()
    folder = save(model, tmp_path)
    assert load(folder, shipped).warning == "" and load(folder).warning == ""
    other = save(dataclasses.replace(model, checksum="f" * 64), tmp_path / "other")
    warning = load(other, shipped).warning
    assert "ffffffffffff" in warning and shipped.version in warning
    predicted = load(folder).predict(shipped.query("kind == 'amorphous'"))
    assert predicted.mean.shape == (len(shipped.query("kind == 'amorphous'")), model.target.bins)


def test_a_pickle_is_never_opened(copy):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("the pickle was run",)
    (copy / WEIGHTS).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match="pickle"):
        load(copy)
    torch.save({"weight": torch.zeros(3)}, copy / WEIGHTS)
    with pytest.raises(DataError, match="pickle"):
        load(copy)


def test_files_of_another_layout_are_refused(copy):
    arrays = load_file(copy / WEIGHTS)

    def again(arrays, layout=LAYOUT):
        save_file(arrays, copy / WEIGHTS, {"layout": layout})
    for changed, says in [({k: v for k, v in arrays.items() if k != "weight_0"}, "weight_0"),
                          ({**arrays, "more": torch.zeros(2)}, "more"),
                          ({**arrays, "offset_0": torch.zeros(5, 1, 3)}, "offset_0"),
                          ({**arrays, "target_mean": arrays["target_mean"] * float("nan")}, "undefined")]:
        again(changed)
        with pytest.raises(DataError, match=says):
            load(copy)
    again(arrays, "ELNES Lab model 0")
    with pytest.raises(DataError, match="layout"):
        load(copy)
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:-40])
    with pytest.raises(DataError, match="not a whole safetensors"):
        load(copy)
    (copy / WEIGHTS).unlink()
    with pytest.raises(DataError, match="There is no"):
        load(copy)


@pytest.mark.parametrize(
    "change,says",
    [
        ({"layout": "x"}, "layout"),
        ({"inputs": {"channels": ["O q"]}}, "O q"),
        ({"hyper_parameters": {"widht": 3}}, "width"),
        ({"sizes": {}}, "sizes"),
        ({"inputs": InputChoice(window=(0, 5)).to_dict()}, "energy"),
    ],
)
def test_cards_that_do_not_fit_are_refused(copy, change, says):
    card = {**json.loads((copy / CARD).read_text()), **change}
    (copy / CARD).write_text(json.dumps(card))
    with pytest.raises(DataError, match=says):
        load(copy)


def test_missing_and_broken_cards(copy, tmp_path, small_model):
    with pytest.raises(DataError, match="no model in"):
        load(tmp_path / "nothing")
    (copy / CARD).write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        load(copy)
    with pytest.raises(DataError, match="JSON"):
        save(small_model[0], tmp_path / "new", metrics={"mse": float("nan")})
    assert not (tmp_path / "new").exists()
