"""Baselines and the out-of-domain score in made-up worlds whose answer is known."""

import dataclasses

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from elnes_lab.errors import DataError
from elnes_lab.learning.baselines import BASELINES, Features, GroundState, KernelRidge, Ridge, inner_folds, joined
from elnes_lab.learning.choices import InputChoice, TargetChoice
from elnes_lab.learning.dataset import Dataset
from elnes_lab.learning.domain import DomainScore

INPUT = InputChoice(channels=("O p", "Si p"), window=(-2, 10), alignment="cbm", scalars=("band_gap",))
TARGET = TargetChoice(window=(-2, 10), alignment="onset")


@pytest.fixture(autouse=True)
def one_thread():
    """As on a worker; many small matrices on many threads take ten times longer."""
    with threadpool_limits(1):
        yield


def world(n=60, structures=12, seed=0, rule=None, choice=INPUT):
    """Smooth random inputs of n sites; targets by rule(inputs, scalars, random)."""
    random = np.random.default_rng(seed)
    energy = -2 + choice.step * (np.arange(choice.bins) + 0.25)
    peaks = random.uniform(0, 8, (n, len(choice.channels), 4, 1))
    inputs = (random.uniform(0.2, 1, peaks.shape) * np.exp(-((energy - peaks) ** 2))).sum(2) + 0.05
    scalars = random.uniform(4, 6, (n, len(choice.scalars)))
    targets = rule(inputs, scalars, random) if rule else inputs[:, 0]
    names = np.array([f"s{k % structures}" for k in range(n)], dtype=object)
    return Dataset(
        inputs.astype(np.float32),
        scalars.astype(np.float32),
        targets.astype(np.float32),
        energy,
        energy,
        np.array([f"{s}/O{k}" for k, s in enumerate(names)], dtype=object),
        names,
        np.full(n, "crystal", dtype=object),
        names.copy(),
        np.ones(n),
        choice,
        TARGET,
    )


def parts(data, last=5):
    """Train, validation and held-out rows: whole structures."""
    number = np.array([int(g[1:]) for g in data.groups])
    return [data.subset(rows) for rows in (number < last, (number >= last) & (number < last + 2), number >= last + 2)]


def error(model, data):
    return ((model.predict(data) - data.targets) ** 2).mean()


def linear(inputs, scalars, random):
    matrix = np.abs(np.random.default_rng(5).normal(size=(inputs[0].size, inputs.shape[-1])))
    return 1 + inputs.reshape(len(inputs), -1) @ matrix / matrix.shape[0]


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_is_deterministic_positive_and_beats_the_mean_in_a_learnable_world(name):
    train, validation, held = parts(world(80, 16, rule=linear), last=10)
    model, again, mean = (BASELINES[n]().fit(train, validation, 1) for n in (name, name, "mean spectrum"))
    assert np.array_equal(model.predict(held), again.predict(held))
    assert model.predict(held).min() >= 0 and model.interval(held) is None
    if name not in ("mean spectrum", "pdos itself"):
        assert error(model, held) < 0.95 * error(mean, held)


def test_linear_methods_are_exact_in_a_linear_world():
    train, validation, held = parts(world(400, 40, rule=linear), last=30)
    variance = held.targets.var(axis=0).mean()
    assert error(Ridge().fit(train, validation), held) < 1e-4 * variance
    assert error(BASELINES["pls"]().fit(train, validation), held) < 0.1 * variance


def test_kernel_ridge_beats_ridge_where_the_truth_is_not_linear():
    def rule(inputs, scalars, random):
        return 1 + (scalars - 5) ** 2 * np.ones(inputs.shape[-1])

    train, validation, held = parts(world(200, 20, rule=rule), last=13)
    assert error(KernelRidge().fit(train, validation), held) < error(Ridge().fit(train, validation), held)


def test_ridge_predicts_the_mean_for_the_mean_input_and_learns_a_scalar_alone():
    def rule(inputs, scalars, random):
        return 1 + 0.2 * (scalars - 5) * np.ones(inputs.shape[-1])

    train, validation, held = parts(world(120, 12, rule=rule))
    model, pool = Ridge().fit(train, validation), joined(train, validation)
    assert error(model, held) < 0.05 * held.targets.var(axis=0).mean()
    middle = dataclasses.replace(
        held.subset([0]), inputs=pool.inputs.mean(0, keepdims=True), scalars=pool.scalars.mean(0, keepdims=True)
    )
    assert model.predict(middle)[0] == pytest.approx(pool.targets.mean(0), abs=1e-4)


def test_the_pdos_itself_finds_shift_and_scale():
    def rule(inputs, scalars, random):
        return 3 * np.stack([np.roll(row, 5) for row in inputs[:, 0]])  # 5 bins of 0.2 eV

    data = world(rule=rule)
    train, validation, held = parts(data)
    model = GroundState().fit(train, validation)
    assert model.settings["shift"] == pytest.approx(1.0) and model.settings["fwhm"] == 0
    assert model.settings["scale"] == pytest.approx(3, rel=1e-3)
    assert model.predict(held)[:, 6:] == pytest.approx(held.targets[:, 6:], abs=1e-3)
    with pytest.raises(DataError, match="O p"):
        GroundState().fit(
            *(
                dataclasses.replace(d, choice=dataclasses.replace(INPUT, channels=("DOS", "Si p")))
                for d in (train, validation)
            )
        )


def test_a_bin_that_hardly_varies_in_training_does_not_explode():
    train, validation, held = parts(world(80, 16, rule=linear), last=10)
    for data in (train, validation):
        data.inputs[:, 1, -10:] = 0.05 + 1e-6 * data.inputs[:, 0, :10]  # the known trap of standardizing per bin
    assert np.abs(Features(joined(train, validation))(held)).max() < 50
    assert error(Ridge().fit(train, validation), held) < 2 * error(
        BASELINES["mean spectrum"]().fit(train, validation), held
    )


def test_inner_folds_hold_whole_groups_once_and_need_two():
    groups = np.array(list("aaabbbccdef"))
    folds = inner_folds(groups, 3)
    assert np.sum([outside for _, outside in folds], axis=0).tolist() == [1] * len(groups)
    for inside, outside in folds:
        assert np.array_equal(inside, ~outside) and not set(groups[inside]) & set(groups[outside])
    with pytest.raises(DataError, match="one structure"):
        inner_folds(np.array(["a", "a"]))


def test_prediction_before_fit_is_refused():
    with pytest.raises(DataError, match="fit"):
        Ridge().predict(world(3, 3))


def test_domain_score_is_low_inside_and_names_what_lies_outside():
    data = world(120, 24)
    train, _, held = parts(data, last=15)
    score = DomainScore.fit(train)
    inside = score.score(held)
    assert np.median(inside) < 1
    strange = held.subset([0, 1, 2])
    strange.inputs[0, 1, 40:] += 5.0
    strange.scalars[1] = 9.0
    values, reasons = score.score(strange), score.reasons(strange)
    assert values[0] > 3 * inside.max() and reasons[0].startswith("Si p above 6.0 eV lies higher")
    assert "band gap 9.00 eV lies above the largest in training" in reasons[1]
    assert "band gap" not in reasons[2]


def test_domain_score_sees_an_unfamiliar_shape_within_familiar_ranges():
    data = world(120, 24)
    data.inputs[:, 1] = data.inputs[:, 0]  # in training one channel always copies the other
    train, _, held = parts(data, last=15)
    score = DomainScore.fit(train)
    swapped = held.subset(np.arange(10))
    swapped.inputs[:, 1] = swapped.inputs[::-1, 1]
    assert np.median(score.score(swapped)) > 3 * np.median(score.score(held))
    other = dataclasses.replace(held, choice=dataclasses.replace(INPUT, channels=("O s", "Si p")))
    with pytest.raises(DataError, match="same choice"):
        score.score(other)


def test_nothing_in_training_lies_outside_training():
    train = parts(world(120, 24), last=15)[0]
    score = DomainScore.fit(train)
    assert not any("lies" in reason.split(", but")[0] and "its range" not in reason for reason in score.reasons(train))
    assert np.median(score.score(train)) < 1


def test_a_hair_outside_a_densely_filled_range_is_familiar():
    data = world(10, 5)
    train = data.subset(np.tile(np.arange(10), 4))  # each structure has its copies: none lies outside the others
    train.groups[:] = np.repeat([f"net {k}" for k in range(4)], 10)
    score, height = DomainScore.fit(train), data.inputs[:, 0].max(0)
    highest = train.inputs[:, 0, 5].argmax()
    near, far = train.subset([highest]), train.subset([highest])
    near.inputs[0, 0, 5], far.inputs[0, 0, 5] = height[5] + 1e-6, height[5] + 1
    assert 0 < score.score(near)[0] < 5 < score.score(far)[0] < 1e4
