"""Models on disk: what comes back, and what is refused unopened."""

import dataclasses
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from elnes_lab.errors import DataError
from elnes_lab.learning.card import sealed
from elnes_lab.learning.dataset import InputChoice, make_split
from elnes_lab.learning.store import CARD, LAYOUT, WEIGHTS, check, load, read_card, save
from elnes_lab.learning.training import train


@pytest.fixture(scope="session")
def stored(small_model, tmp_path_factory):
    return save(
        small_model[0], tmp_path_factory.mktemp("models") / "a" / "model", metrics={"crystal": {"mse_median": 0.02}}
    )


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "model")


def forge(folder, *, weights=None, **changes):
    """Change a stored model and seal it again: both checksums are right, whatever the card says. Parts of the card that
    are dicts are updated; a value of None takes an entry away.
    """
    if weights is not None:
        (folder / WEIGHTS).write_bytes(weights)
    card = json.loads((folder / CARD).read_text())
    card["weights_sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    for name, value in changes.items():
        card[name] = {**card.get(name, {}), **value} if isinstance(value, dict) else value
        card[name] = {k: v for k, v in card[name].items() if v is not None} if isinstance(value, dict) else value
        if value is None:
            del card[name]
    (folder / CARD).write_text(json.dumps(sealed(card)))


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


def refused(folder, says):
    """load refuses with one sentence or two, and does not build a network on the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.Module.load_state_dict", lambda *arguments, **options: pytest.fail("it was built"))
        with pytest.raises(DataError, match=says) as problem:
            load(folder)
    text = str(problem.value)
    assert text.endswith(".") and "\n" not in text and len(text) < 600, text


ARRAYS = {  # what the message names -> change of the arrays
    "weight_0": lambda a: a.pop("weight_0"),
    "more": lambda a: a.update(more=torch.zeros(2)),
    "offset_0": lambda a: a.update(offset_0=torch.zeros(5, 1, 3)),
    "'target_mean' is float64": lambda a: a.update(target_mean=a["target_mean"].double()),
    "type BF16": lambda a: a.update(target_mean=a["target_mean"].bfloat16()),
    "undefined numbers in 'target_mean'": lambda a: a["target_mean"].mul_(float("nan")),
    "undefined numbers in 'weight_0'": lambda a: a["weight_0"][0, 0, :1].fill_(float("inf")),
    "'weight_1' reaches": lambda a: a["weight_1"][0, 0, :1].fill_(-1e30),
    "'input_scale' is 0": lambda a: a["input_scale"][:1].fill_(0),
    "'output_scale' is -1": lambda a: a["output_scale"].fill_(-1),
    "'scalar_scale' is 1e-20": lambda a: a["scalar_scale"].fill_(1e-20),
    "'output_scale' reaches": lambda a: a["output_scale"].fill_(1e20),
    "'energy' are not the energies": lambda a: a.update(energy=a["energy"].flip(0)),
    "'target_energy' are not": lambda a: a["target_energy"].add_(0.1),
    "widths": lambda a: a["widths"].mul_(-1),
    "widths that": lambda a: a.update(widths=a["widths"].flip(0) + torch.arange(6)[:, None].flip(0)),
    "widths that cannot": lambda a: a["widths"].mul_(float("nan")),
}


@pytest.mark.parametrize("says", ARRAYS)
def test_arrays_that_cannot_be_the_cards_are_refused(copy, says):
    arrays = load_file(copy / WEIGHTS)
    ARRAYS[says](arrays)
    save_file(arrays, copy / WEIGHTS, {"layout": LAYOUT})
    refused(copy, "not the file that its card describes|BF16")
    forge(copy)
    refused(copy, says)


def test_a_width_may_be_unknown_but_weights_may_not(copy, small_model, tmp_path):
    """Infinite widths are of levels that too few structures were there for."""
    arrays = load_file(copy / WEIGHTS)
    arrays["widths"][-1] = float("inf")
    save_file(arrays, copy / WEIGHTS, {"layout": LAYOUT})
    forge(copy)
    assert np.isinf(load(copy).widths[-1]).all()
    torn = load(copy)
    torn.network.skip_offset[0] = float("nan")
    with pytest.raises(DataError, match="undefined"):
        save(torn, tmp_path / "torn")
    assert not (tmp_path / "torn").exists()
    with pytest.raises(DataError, match="no finite spectrum"):
        torn.predict(small_model[1])


def header(content, change):
    """The file with its header changed by a function of the parsed one, or replaced by bytes."""
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    made = change(table) if callable(change) else change
    text = made if isinstance(made, bytes) else json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


HEADERS = {
    "would have": lambda content: (2**62).to_bytes(8, "little") + content[8:],
    "the layout": lambda content: header(content, lambda t: t["__metadata__"].update(layout="ELNES Lab model 0")),
    "given twice": lambda content: header(content, b'{"a": 1, "a": 2}'),
    "nested too deep": lambda content: header(content, b'{"a":' + b"[" * 30000 + b"]" * 30000 + b"}"),
    "numbers in": lambda content: header(content, lambda t: t["weight_0"].update(shape=[5, 2**40, 2**40])),
    "the shape": lambda content: header(content, lambda t: t["weight_0"].update(shape=[-5, -1])),
    "the type": lambda content: header(content, lambda t: t["weight_0"].update(dtype="F128")),
    "not described": lambda content: header(content, lambda t: t.update(weight_0=[1])),
    "one after another": lambda content: header(
        content,
        lambda t: t["offset_0"].update(
            data_offsets=[0, t["offset_0"]["data_offsets"][1] - t["offset_0"]["data_offsets"][0]]
        ),
    ),
    "its arrays have": lambda content: content[:-40],
    "and there are": lambda content: content + bytes(8),
    "no safetensors": lambda content: b"",
}


@pytest.mark.parametrize("says", HEADERS)
def test_a_header_that_the_file_does_not_bear_out_is_refused(copy, says):
    forge(copy, weights=HEADERS[says]((copy / WEIGHTS).read_bytes()))
    refused(copy, says)


CARDS = [
    ({"layout": "ELNES Lab model 1"}, "layout"),
    ({"layout": None}, "layout"),
    ({"weights_sha256": None}, "lacks weights_sha256"),
    ({"weights_sha256": "0" * 64}, "not the file"),
    ({"weights_sha256": 5}, "weights_sha256"),
    ({"data_sha256": "newest"}, "no sha256"),
    ({"colour": "red"}, "colour"),
    ({"inputs": {"channels": ["O q"]}}, "O q"),
    ({"inputs": {"channels": None}}, "lack channels"),
    ({"inputs": {"channels": [["O p"]]}}, "no list of names"),
    ({"inputs": {"channels": 7}}, "no list of names"),
    ({"inputs": {"colour": 7}}, "colour"),
    ({"inputs": {"scalars": ["structure"]}}, "text, not numbers"),
    ({"inputs": {"window": [0, 10**400]}}, "farther than"),
    ({"inputs": {"window": [0, "5"]}}, "pair of energies"),
    ({"inputs": {"step": 10**400}}, "step"),
    ({"inputs": {"step": -(10**400)}}, "step"),
    ({"inputs": {"broadening": 1e6}}, "broadening"),
    ({"inputs": [1]}, "inputs"),
    ({"inputs": InputChoice(window=(0, 5)).to_dict()}, "bins"),
    ({"target": {"polarization": {}}}, "polarization"),
    ({"target": {"polarization": "xyz"}}, "targets"),
    ({"hyper_parameters": {"widht": 3}}, "width"),
    ({"hyper_parameters": {"members": 10**400}}, "members"),
    ({"hyper_parameters": {"members": 3.0}}, "members"),
    ({"hyper_parameters": {"skip": "no"}}, "skip"),
    ({"hyper_parameters": {"kind": ["mlp"]}}, "kind"),
    ({"hyper_parameters": {"width": 17}}, "offset_0"),
    ({"hyper_parameters": {"kind": "conv"}}, "filter_0"),
    ({"sizes": {"bins": None}}, "bins"),
    ({"sizes": {"inputs": "x"}}, "inputs"),
    ({"sizes": {"inputs": -1}}, "inputs"),
    ({"sizes": {"coefficients": 0}}, "coefficients"),
    ({"sizes": {"coefficients": 2**60}}, "coefficients"),
    ({"sizes": {"channels": True}}, "channels"),
    ({"training": {"split": None}}, "trained and validated"),
    ({"training": {"split": {"train": "all", "validation": []}}}, "no list of names"),
    ({"training": {"seed": "x"}}, "seed"),
    ({"metrics": {"crystal": {"mse_median": "small"}}}, "mse_median"),
    ({"metrics": {"crystal": 3}}, "mse_median"),
    ({"interval_levels": [0.9]}, "intervals"),
    ({"versions": {"torch": 2}}, "versions"),
]


@pytest.mark.parametrize("change, says", CARDS, ids=[str(k) for k in range(len(CARDS))])
def test_cards_that_cannot_be_meant_are_refused(copy, change, says):
    forge(copy, **change)
    refused(copy, says)


def test_one_changed_digit_is_noticed_in_either_file(copy):
    card = (copy / CARD).read_text()
    (copy / CARD).write_text(card.replace("0.02", "0.01"))
    refused(copy, "changed or damaged")
    (copy / CARD).write_text(card)
    content = bytearray((copy / WEIGHTS).read_bytes())
    content[-100] ^= 1
    (copy / WEIGHTS).write_bytes(content)
    refused(copy, "not the file that its card describes")
    with pytest.raises(DataError, match="not the file"):
        check(copy)


TEXTS = {
    "nothing": b"",
    "half": b"{",
    "not UTF-8": b"\xff\xfe{}",
    "byte-order mark": b"\xef\xbb\xbf{}",
    "twice": b'{"a": 1, "a": 1}',
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "surrogate": b'{"a": "\\ud800"}',
    "digits": b'{"a": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "less deep": b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}",
    "array": b"[]",
    "text": b'"card"',
    "long": b" " * (5 * 2**20) + b"{}",
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts_that_are_no_card_are_refused(copy, what):
    (copy / CARD).write_bytes(TEXTS[what])
    refused(copy, "cannot be read|layout|bytes")


def test_what_is_no_file_is_refused_and_not_waited_for(copy, tmp_path, small_model):
    with pytest.raises(DataError, match="no model in"):
        load(tmp_path / "nothing")
    for name in (CARD, WEIGHTS):
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        if name == WEIGHTS:
            refused(copy, "There is no")
        os.mkfifo(copy / name)
        refused(copy, "no file but")
        (copy / name).unlink()
        (copy / name).mkdir()
        refused(copy, "no file but")
        (copy / name).rmdir()
        (copy / name).symlink_to(copy / name)
        refused(copy, "cannot be read")
        (copy / name).unlink()
        (copy / name).write_bytes(content)
    load(copy)
    with pytest.raises(DataError, match="cannot be written into"):
        save(small_model[0], copy / CARD)


def test_metrics_that_a_card_cannot_hold_are_refused_before_anything_is_written(small_model, tmp_path):
    deep = []
    for _ in range(100):
        deep = [deep]
    for metrics in ({"mse": float("nan")}, {"a": deep}, {"a": {1: "x", "1": "y"}}, {"a": "\ud800"}, {"a": b"x"}):
        with pytest.raises(DataError, match="JSON"):
            save(small_model[0], tmp_path / "new", metrics=metrics)
    assert not (tmp_path / "new").exists()


def test_a_card_cannot_make_a_network_larger_than_its_file(copy):
    """612 kB took 3 GB: sizes and hyper-parameters are compared with the header before memory is asked for."""
    forge(copy, hyper_parameters={"members": 256, "width": 4096, "depth": 8})
    code = (
        "import resource, sys; from pathlib import Path; import torch, elnes_lab.learning.model; "
        "from elnes_lab.learning.store import load\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: load(sys.argv[1])\nexcept ValueError as problem: print(problem)\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000"
    )
    done = subprocess.run([sys.executable, "-c", code, copy], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "does not fit its card" in done.stdout, done.stderr
