"""Direction-resolved models: left-out predictions, stacking, equivariance, cross-fitting and storage, on real sites."""

import dataclasses
import hashlib
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from elnes_lab.errors import DataError
from elnes_lab.learning.card import sealed
from elnes_lab.learning.choices import InputChoice, TargetChoice
from elnes_lab.learning.combine import Difficulty, stacking
from elnes_lab.learning.crossfit import cross_fit
from elnes_lab.learning.dataset import Dataset, grouped_folds, make_split, usable
from elnes_lab.learning.ensemble import network_curves, train_ensemble
from elnes_lab.learning.intervals import coverage
from elnes_lab.learning.kernels import KernelModel, LeaveOut, block_features, matern, squared, start
from elnes_lab.learning.store import CARD, ENSEMBLE, WEIGHTS, check, load, read_card, save

SMALL = {"members": 3, "width": 16, "depth": 1, "epochs": 3, "parts": 3}
CHOICE = InputChoice(step=0.5, directed=True, scalars=("band_gap",))
TARGET = TargetChoice(step=0.5)


@pytest.fixture(scope="module")
def sites(shipped):
    """Every third crystal site and a few of the glass."""
    rows = shipped[usable(shipped, CHOICE, TARGET)[0]]
    crystal = np.flatnonzero(rows["kind"] == "crystal")[::3]
    return rows[np.concatenate([crystal, np.flatnonzero(rows["kind"] == "amorphous")[:5]])]


@pytest.fixture(scope="module")
def data(sites):
    return Dataset.from_database(sites, CHOICE, TARGET)


@pytest.fixture(scope="module")
def split(data):
    return make_split(data, seed=0)


@pytest.fixture(scope="module")
def model(data, split):
    return train_ensemble(data, split, **SMALL).fit()


@pytest.fixture(scope="module")
def crossed(data):
    return cross_fit(data, folds=4, **SMALL).fit()


def swapped(data, order):
    """The same sites in axes turned into one another."""
    found = data.directed
    return dataclasses.replace(
        data, directed=dataclasses.replace(found, inputs=found.inputs[:, order], targets=found.targets[:, order])
    )


def test_variance_and_curves_are_those_of_the_regression_in_double_precision(data):
    kernel, _ = KernelModel.fit(data, steps=0)
    features = block_features(data)[0]
    weighted = (features * kernel.scales).astype(float)
    similar = matern(squared(weighted))[0] + 1.0
    solved = np.linalg.inv(similar + kernel.ridge * np.eye(len(similar))) @ similar
    curves, variance = kernel.values(features)
    expected = similar[0, 0] + kernel.ridge - (similar * solved).sum(0)
    np.testing.assert_allclose(variance, np.maximum(expected, kernel.ridge), rtol=1e-3)
    np.testing.assert_allclose(curves, solved.T @ (kernel.targets - kernel.mean) + kernel.mean, atol=1e-3)
    other = kernel.values(0.5 * features)[1]  # unlike all: little is explained
    assert other.min() > 1.5 * variance.max()


def test_what_the_kernel_says_of_a_group_left_out_is_what_a_fit_without_it_says(data):
    """The closed form against doing it, for every group, with the hyper-parameters held."""
    kernel, left = KernelModel.fit(data, steps=0)
    features, _ = block_features(data)
    weighted = features * kernel.scales
    similar = matern(squared(weighted))[0] + 1.0
    y = data.directed.targets.reshape(3 * len(data), -1) - kernel.mean
    groups = np.repeat(data.groups.astype(str), 3)
    for name in sorted(set(groups))[:6]:
        out = groups == name
        weights = np.linalg.solve(similar[~out][:, ~out] + kernel.ridge * np.eye((~out).sum()), y[~out])
        expected = similar[out][:, ~out] @ weights + kernel.mean
        np.testing.assert_allclose(left.curves.reshape(y.shape)[out], expected, atol=2e-3)


def test_the_gradient_of_the_left_out_error(data):
    part = data.subset(np.arange(30))
    features, sizes = block_features(part)
    distances = np.stack([squared(b) for b in np.split(features, np.cumsum(sizes)[:-1], axis=1)])
    y = part.directed.targets.reshape(3 * len(part), -1).astype(float)
    distances /= distances.mean((1, 2))[:, None, None]
    search = LeaveOut(distances, y - y.mean(0), np.repeat(part.groups.astype(str), 3))
    at = start(len(sizes))
    theta = at + np.random.default_rng(0).normal(0, 0.3, at.size)
    numerical = [
        (search.error(theta + step, at)[0] - search.error(theta - step, at)[0]) / 2e-4
        for step in 1e-4 * np.eye(at.size)
    ]
    np.testing.assert_allclose(search.error(theta, at)[1], numerical, atol=1e-5)


def test_axes_turned_into_one_another_turn_the_prediction(data, model):
    part = data.subset(np.arange(0, len(data), 7))
    straight, turned = model.predict(part), model.predict(swapped(part, [2, 0, 1]))
    # to the rounding of single precision, which differs with the number of threads
    np.testing.assert_allclose(turned.polarized, straight.polarized[:, [2, 0, 1]], rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(turned.mean, straight.mean, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(straight.mean, straight.polarized.mean(1), atol=1e-6)


def test_the_directions_are_learnt(data, model, split):
    """Held-out polarised spectra come out better than by the isotropic prediction in all three directions."""
    held = data.subset(split.test)
    prediction, wanted = model.predict(held), held.directed.targets
    own = ((prediction.polarized - wanted) ** 2).mean()
    assert own < 0.8 * ((prediction.mean[:, None] - wanted) ** 2).mean()
    assert own < 0.5 * ((data.directed.targets[split.train].mean((0, 1)) - wanted) ** 2).mean()


def test_training_uses_its_own_structures_only(data, split):
    """Other numbers in test and glass rows leave weights, calibration and predictions of the rest as they are."""
    spoilt = np.concatenate([split.test, split.amorphous])
    found = data.directed
    inputs, targets, flat = found.inputs.copy(), found.targets.copy(), data.targets.copy()
    inputs[spoilt], targets[spoilt], flat[spoilt] = 7.0, -3.0, 11.0
    other = dataclasses.replace(data, targets=flat, directed=dataclasses.replace(found, inputs=inputs, targets=targets))
    first, second = (train_ensemble(d, split, **SMALL).fit() for d in (data, other))
    np.testing.assert_array_equal(first.parts[0].weights, second.parts[0].weights)
    np.testing.assert_array_equal(first.widths, second.widths)
    rows = data.subset(split.train[:5])
    np.testing.assert_array_equal(first.predict(rows).mean, second.predict(rows).mean)


def test_training_can_be_watched_and_stopped(data, split):
    training = train_ensemble(data, split, **SMALL)
    first = next(training)
    training.close()
    assert first.epoch == 0 and first.validation_loss > 0 and list(training) == []
    assert np.isfinite(training.model.predict(data.subset([0])).mean).all()
    assert training.epochs == len(list(train_ensemble(data, split, **SMALL))) == SMALL["epochs"]
    only = train_ensemble(data, split, models=("kernel",))
    assert only.epochs == len(list(only)) == 1 and only.model.parts[0].network is None


@pytest.mark.parametrize(
    "wrong, words", [({"models": ()}, "nothing"), ({"models": ("forest",)}, "forest"), ({"epochs": -1}, "epochs")]
)
def test_wrong_choices_fail_before_any_work(data, split, wrong, words):
    with pytest.raises(DataError, match=words):
        train_ensemble(data, split, **wrong)
    with pytest.raises(DataError, match="directed=True"):
        train_ensemble(dataclasses.replace(data, directed=None), split)


@given(st.integers(0, 2**31), st.floats(0.05, 0.95))
@settings(max_examples=25, deadline=None)
def test_stacking_finds_the_weights_and_none_is_negative(seed, share):
    random = np.random.default_rng(seed)
    good, also, noise = random.normal(size=(3, 40, 6))
    target, groups = share * good + (1 - share) * also, np.repeat(np.arange(10), 4)
    weights = stacking(np.stack([good, also, 50 + noise]), target, groups)
    np.testing.assert_allclose(weights, [share, 1 - share, 0], atol=1e-3)


def test_difficulty_finds_rows_of_larger_error():
    random = np.random.default_rng(0)
    variance = random.uniform(0.1, 2.0, 300)
    residuals = random.normal(size=(300, 40)) * np.sqrt(variance)[:, None] * np.linspace(0.5, 1.5, 40)
    found = Difficulty.fit(residuals, variance, np.zeros((300, 40)), np.arange(300))
    scale = found(variance, np.zeros((300, 40)))
    assert np.corrcoef(scale.mean(1), np.sqrt(variance))[0, 1] > 0.99
    assert (residuals / scale).std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(scale.mean(0), np.linspace(0.5, 1.5, 40))[0, 1] > 0.95


def test_every_crystal_is_predicted_by_a_part_that_never_saw_its_group(data, crossed):
    """Each part's training list against the folds; predictions are those of that part alone, of the glass of all."""
    splits = grouped_folds(data, 4, seed=0)
    for number, s in enumerate(splits):
        assert {crossed.folds[str(name)] for name in data.structures[s.test]} == {number}
        assert not set(data.groups[s.test]) & set(data.groups[s.development])
        alone = dataclasses.replace(crossed, parts=[crossed.parts[number]], folds={})
        some = data.subset(s.test[:4])
        np.testing.assert_allclose(crossed.predict(some).mean, alone.predict(some).mean, atol=1e-6)
        rows = len(crossed.parts[number].kernel.known)
        assert rows == 3 * len(s.development)
    glass = data.subset(splits[0].amorphous)
    each = [dataclasses.replace(crossed, parts=[part], folds={}).predict(glass).mean for part in crossed.parts]
    np.testing.assert_allclose(crossed.predict(glass).mean, np.mean(each, 0), atol=1e-5)


def test_cross_fitted_intervals_hold_what_they_promise(data, crossed):
    crystal = data.subset(data.kinds == "crystal")
    prediction = crossed.predict(crystal)
    held = coverage(crystal.targets, prediction.lower, prediction.upper)
    by_group = [held[crystal.groups == name].mean() for name in set(crystal.groups)]
    assert 0.87 < np.mean(by_group) < 0.95
    wider = crossed.predict(crystal, level=0.95)
    assert (wider.upper >= prediction.upper).all() and (wider.lower <= prediction.lower).all()
    error = ((prediction.mean - crystal.targets) ** 2).mean(1)
    high = prediction.spread.mean(1) > np.median(prediction.spread.mean(1))
    assert np.median(error[high]) > np.median(error[~high])


def test_a_cross_fit_that_was_stopped_gives_no_model(data):
    training = cross_fit(data, folds=4, **SMALL)
    progress = next(training)
    training.close()
    assert (progress.part, progress.parts) == (0, 4)
    with pytest.raises(DataError, match="0 of 4 parts"):
        training.model


def test_round_trip(tmp_path, sites, data, crossed):
    folder = save(crossed, tmp_path / "model", metrics={"mse": 0.01})
    assert read_card(folder) == check(folder) and read_card(folder)["layout"] == ENSEMBLE
    again = load(folder, sites)
    first, second = crossed.predict(data), again.predict(sites)
    for name in ("mean", "lower", "upper", "polarized", "spread"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=2e-5)
    assert (again.warning, again.choice, again.facts) == ("", crossed.choice, json.loads(json.dumps(crossed.facts)))


def test_what_is_stored_is_rounded_and_stored_once(tmp_path, data, split, crossed):
    """Training sites are shared by the parts; rounding to float16 changes spectra by less than 1e-3."""
    folder = save(crossed, tmp_path)
    with safe_open(folder / WEIGHTS, "numpy") as file:
        known = file.get_tensor("known.targets")
        assert len(known) == (data.kinds == "crystal").sum() < sum(len(p.kernel.features) // 3 for p in crossed.parts)
        assert {
            name.partition(".")[2]
            for name in file.keys()
            if file.get_tensor(name).size > 20_000 and file.get_tensor(name).dtype != "float16"
        } == set()
    training = train_ensemble(data, split, **SMALL)
    made, held = training.fit(), data.subset(split.test)
    features = block_features(held)[0]
    exact = network_curves(training.training.model, features)
    assert 0 < np.sqrt(((network_curves(made.parts[0].network, features) - exact) ** 2).mean()) < 1e-3


def forge(folder, change=None, arrays=None):
    """Change the card or the arrays of a stored ensemble, both checksums right again."""
    card = json.loads((folder / CARD).read_text())
    if arrays is not None:
        found = load_file(folder / WEIGHTS)
        arrays(found)
        save_file(found, folder / WEIGHTS, {"layout": card["layout"]})
    card["weights_sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    if change is not None:
        change(card)
    (folder / CARD).write_text(json.dumps(sealed(card)))


def refused(folder, words):
    """Said in a sentence or two, before a network is built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.Module.load_state_dict", lambda *a, **o: pytest.fail("it was built"))
        with pytest.raises(DataError, match=words) as problem:
            load(folder)
    assert str(problem.value).endswith(".") and "\n" not in str(problem.value) and len(str(problem.value)) < 600


CARDS = [
    (lambda card: card["folds"].update({"quartz-alpha": 9}), "a part that is not there"),
    (lambda card: card["folds"].update({"quartz-alpha": True}), "a part that is not there"),
    (lambda card: card.update(parts=card["parts"] * 2), "does not fit its card"),
    (lambda card: card.update(parts=card["parts"] * 21), "parts"),
    (lambda card: card.update(parts=[{"kernel": None, "network": None}]), "same models"),
    (lambda card: card.update(parts=[7]), "a part of it is 7"),
    (lambda card: card["parts"][0].update(kernel=10**9), "training sites"),
    (lambda card: (card.update(known=10**6), card["parts"][0].update(kernel=10**6)), "pairs"),
    (lambda card: card.update(known=10**5), "does not fit its card"),
    (lambda card: card["parts"][0]["network"]["sizes"].update(inputs=10**12), "inputs"),
    (lambda card: card["parts"][0]["network"]["hyper_parameters"].update(width=4096, depth=8), "does not fit"),
    (lambda card: card["parts"][0]["network"].update(sizes=[]), "network"),
    (lambda card: card["inputs"].update(step=0.2), "bins"),
    (lambda card: card["inputs"].update(directed=False), "directions"),
    (lambda card: card.update(channels=[]), "channels"),
    (lambda card: card.update(weights_sha256="0" * 64), "not the file"),
    (lambda card: card.update(weights_sha256="0"), "no sha256"),
    (lambda card: card.pop("target"), "lacks target"),
    (lambda card: card.update(intervals=0), "does not fit its card"),
    (lambda card: card.update(layout="ELNES Lab ensemble 1"), "layout"),
    (lambda card: card.update(colour=1), "colour"),
    (lambda card: card["training"].pop("split"), "trained and validated"),
]


@pytest.mark.parametrize("change, words", CARDS, ids=[str(k) for k in range(len(CARDS))])
def test_what_does_not_belong_together_is_refused(tmp_path, model, change, words):
    folder = save(model, tmp_path)
    forge(folder, change)
    refused(folder, words)


ARRAYS = {
    "undefined numbers in '0.kernel.scales'": lambda a: a["0.kernel.scales"].fill(np.nan),
    "'0.kernel.scales' is negative": lambda a: a["0.kernel.scales"].fill(-1),
    "'0.kernel.theta' is far": lambda a: a["0.kernel.theta"].fill(90),
    "'0.rows' names": lambda a: a["0.rows"].fill(10**6),
    "'0.weights' has the sum 2": lambda a: a["0.weights"].fill(1),
    "'0.network.output_scale' is -1": lambda a: a["0.network.output_scale"].fill(-1),
    "undefined numbers in 'known.along'": lambda a: a["known.along"].fill(np.inf),
    "'known.scalars' reaches": lambda a: a["known.scalars"].fill(1e20),
    "'coefficients' is negative": lambda a: a["coefficients"].fill(-1),
    "widths that cannot be": lambda a: a["widths"].fill(-1),
    "'known.targets' is float64": lambda a: a.update({"known.targets": a["known.targets"].astype(float)}),
    "'1.rows' is": lambda a: a.update({"1.rows": a["0.rows"]}),
    "'0.network.weight_0' is nothing": lambda a: a.pop("0.network.weight_0"),
    "'energy' are not the energies": lambda a: a["energy"].__iadd__(1),
}


@pytest.mark.parametrize("words", ARRAYS)
def test_arrays_that_cannot_be_the_cards_are_refused(tmp_path, model, words):
    folder = save(model, tmp_path)
    forge(folder, arrays=ARRAYS[words])
    refused(folder, words)


def test_a_damaged_or_foreign_file_is_refused(tmp_path, model):
    folder = save(model, tmp_path / "model")
    weights = folder / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[:-7])
    refused(folder, "not a whole safetensors")
    weights.write_bytes(content[:-1] + b"7")
    refused(folder, "not the file")
    weights.unlink()
    refused(folder, "There is no")
    weights.write_bytes(content)
    card = (folder / CARD).read_text()
    (folder / CARD).write_text(card.replace('"seed": 0', '"seed": 1'))
    refused(folder, "changed or damaged")
    (folder / CARD).unlink()
    os.symlink("/dev/zero", folder / CARD)
    refused(folder, "no file but")
    (folder / CARD).unlink()
    os.mkfifo(folder / CARD)
    refused(folder, "no file but")
    with pytest.raises(DataError, match="There is no model"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="JSON"):
        save(model, tmp_path / "new", metrics={"mse": float("nan")})
    assert not (tmp_path / "new").exists()
