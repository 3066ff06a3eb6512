"""Networks, training and intervals: what is learned, what is kept, what repeats, what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.learning.dataset import Split, grouped_folds, make_split
from elnes_lab.learning.hyper import Hyper
from elnes_lab.learning.intervals import LEVELS, coverage, half_widths
from elnes_lab.learning.linear import components, ridge
from elnes_lab.learning.training import AdamW, shifted_rows, train

FAST = {"members": 5, "width": 24, "depth": 1, "epochs": 25, "shift": 0.0, "dropout": 0.0}


def mse(model, data):
    return float(((model.predict(data).mean - data.targets) ** 2).mean())


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_network_learns_what_a_ridge_regression_cannot(made_up, kind):
    data = made_up(40)
    split = make_split(data, seed=1)
    longer = {**FAST, "kernel": 5, "seed": 2, "epochs": 60 if kind == "conv" else 25, "patience": 40}
    errors = {k: mse(train(data, split, kind=k, **longer).fit(), data.subset(split.test)) for k in ("linear", kind)}
    assert errors[kind] < {"mlp": 0.6, "conv": 0.8}[kind] * errors["linear"]
    assert errors["linear"] < 0.5 * data.subset(split.test).targets.var(0).mean()


def test_on_real_spectra_the_network_beats_its_ridge_and_the_mean(real):
    split = grouped_folds(real, 3, seed=0)[0]
    test = real.subset(split.test)
    settings_ = {"members": 5, "width": 64, "epochs": 60}
    linear, network = (mse(train(real, split, kind=kind, **settings_).fit(), test) for kind in ("linear", "mlp"))
    assert network < linear < ((test.targets - real.targets[split.development].mean(0)) ** 2).mean()


@pytest.mark.parametrize("kind", ["mlp", "conv", "linear"])
def test_predictions_are_positive_and_members_average_to_the_mean(made_up, kind):
    data = made_up(12)
    model = train(data, make_split(data), kind=kind, members=3, width=8, epochs=2, filters=2, kernel=3, seed=3).fit()
    far = dataclasses.replace(data, inputs=data.inputs * -30, scalars=data.scalars + 50)
    prediction = model.predict(far)
    assert (prediction.members > 0).all() and np.isfinite(prediction.members).all()
    np.testing.assert_allclose(prediction.members.mean(0), prediction.mean, rtol=1e-5)
    assert (
        prediction.members.shape == (3, len(data), data.targets.shape[1])
        and prediction.energy.shape == data.target_energy.shape
    )


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_members_trained_together_are_independent(made_up, kind):
    """The gradient of one member does not depend on the others: their targets and rows can change without effect."""
    data = made_up(12)
    training = train(data, make_split(data), kind=kind, members=2, width=8, filters=2, kernel=3)
    training.prepare()
    network = training.network
    parameters = dict(network.named_parameters())
    for p in parameters.values():
        p.data.normal_(generator=torch.Generator().manual_seed(0))
    spectra = network(torch.from_numpy(data.inputs), torch.from_numpy(data.scalars))
    gradients = torch.autograd.grad(spectra[0].sum(), list(parameters.values()))
    for name, gradient in zip(parameters, gradients):
        first, second = gradient.view(2, -1)
        assert first.abs().max() > 0, name
        assert second.abs().max() == 0, name


def test_same_seed_same_weights_whatever_ran_before(made_up):
    data = made_up(12)
    split = make_split(data)
    weights = []
    for seed, threads in ((7, 1), (7, 2), (8, 1)):
        torch.manual_seed(len(weights))
        torch.set_num_threads(threads)
        model = train(data, split, members=2, width=8, epochs=4, seed=seed).fit()
        assert torch.get_num_threads() == threads
        weights.append(torch.cat([p.flatten() for p in model.network.parameters()]))
    torch.set_num_threads(1)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_stopped_training_keeps_its_best_weights(made_up):
    data = made_up(16)
    split = make_split(data)
    training = train(
        data, split, learning_rate=0.3, members=2, width=16, epochs=200, shift=0.0
    )  # so large that it gets worse
    records = []
    for record in training:
        records.append(record)
        if record.validation_loss > 1.3 * record.best_validation:
            break
    training.close()
    assert list(training) == []
    assert [r.epoch for r in records] == list(range(len(records))) and len(records) < 200
    assert record.best_validation <= min(r.validation_loss for r in records)
    own = training.model
    for k, held in enumerate(training.held_out):
        rows = training.data.subset(held)
        linear = own.network.coefficients(
            own.network.encode(torch.from_numpy(rows.inputs), torch.from_numpy(rows.scalars))
        )[k]
        spectra = (linear @ own.network.target_components + own.network.target_mean) * own.network.output_scale
        assert float(((spectra.detach().numpy() - rows.targets) ** 2).mean()) == pytest.approx(
            training.best[k], rel=0.02
        )
    later = mse(own, data.subset(split.test))
    assert later == mse(training.model, data.subset(split.test))


def test_before_the_first_epoch_the_model_is_the_ridge_regression(made_up):
    data = made_up(16)
    split = make_split(data)
    start = train(data, split, members=3, width=8).model
    linear = train(data, split, kind="linear", members=3).fit()
    np.testing.assert_allclose(start.predict(data).mean, linear.predict(data).mean, atol=1e-5)


def test_patience_ends_training_and_the_rate_decays(made_up):
    data = made_up(12)
    records = list(train(data, make_split(data), members=2, width=4, epochs=300, patience=3, learning_rate=0.1))
    assert len(records) < 300 and records[-1].epoch - records[-1].best_epoch == 3
    assert all(a.learning_rate > b.learning_rate for a, b in zip(records, records[1:]))
    assert all(a.seconds < b.seconds for a, b in zip(records, records[1:]))


def test_every_development_row_is_held_out_and_no_structure_is_on_both_sides(made_up):
    data = made_up(16, amorphous=3)
    split = make_split(data)
    training = train(data, split, members=5)
    assert set(training.data.sites) == set(data.sites[split.development])
    assert training.held_out.any(0).all()
    for held in training.held_out:
        assert not set(training.data.groups[held]) & set(training.data.groups[~held])
    alone = train(data, split, members=1)
    assert set(alone.data.sites[alone.held_out[0]]) == set(data.sites[split.validation])


def test_one_member_gives_no_interval_and_an_ensemble_one_with_width(made_up, small_model):
    model, data, split = small_model
    prediction = model.predict(data)
    assert (prediction.upper - prediction.lower > 0).all() and (prediction.lower >= 0).all()
    assert (prediction.upper >= model.predict(data, level=0.5).upper).all()
    assert model.predict(data, level=0.99).lower is None  # 99 % would need 99 structures
    alone = train(data, split, members=1, width=8, epochs=2).fit().predict(data)
    assert alone.lower is None and alone.upper is None
    with pytest.raises(DataError, match="calibrated for"):
        model.predict(data, level=0.42)


@pytest.mark.parametrize("per_group", [1, 6])
def test_intervals_cover_new_structures_as_promised(per_group):
    """Coverage over many draws of calibration and one new structure, whose sites share most of their error."""
    random, groups, draws, inside = np.random.default_rng(0), 19, 400, []
    for _ in range(draws):
        common = random.standard_t(3, (groups + 1, 1, 5)) * 2
        errors = common + random.normal(0, 0.5, (groups + 1, per_group, 5))
        names = np.repeat(np.arange(groups), per_group)
        width = half_widths(errors[:-1].reshape(-1, 5), names, (0.9,))[0]
        inside.append((np.abs(errors[-1]) <= width).mean())
    assert 0.885 < np.mean(inside) < 0.955  # 0.9 promised; at most 1 / (groups + 1) above


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(0, 99))
def test_interval_is_the_finite_sample_quantile(n, seed):
    errors = np.random.default_rng(seed).normal(size=(n, 1))
    widths = half_widths(errors, np.arange(n))[:, 0]
    for level, width in zip(LEVELS, widths):
        rank = int(np.ceil(level * (n + 1) - 1e-9))
        assert width == (np.inf if rank > n else np.sort(np.abs(errors[:, 0]))[rank - 1])


def test_coverage_counts_energies():
    truth = np.array([[1.0, 2, 3, 4], [0, 0, 0, 0]])
    np.testing.assert_array_equal(coverage(truth, truth - [1, 0, -1, 1], truth + 1), [0.75, 0.75])
    with pytest.raises(DataError, match="do not match"):
        coverage(truth, truth[:1], truth)


def test_ridge_leaves_groups_out_exactly():
    """The shortcut by blocks of the smoother agrees with regressions that really leave each group out."""
    random = np.random.default_rng(1)
    x, groups = random.normal(size=(40, 6)), np.repeat(np.arange(8), 5)
    y = x @ random.normal(size=(6, 3)) + 3 + random.normal(0, 2, (8, 3))[groups]
    _, _, chosen = ridge(x, y, groups)
    from elnes_lab.learning.linear import PENALTIES

    def left_out(penalty):
        error = 0
        for g in range(8):
            a, b = x[groups != g], y[groups != g]
            w = np.linalg.solve(
                (a - a.mean(0)).T @ (a - a.mean(0)) + penalty * np.eye(6), (a - a.mean(0)).T @ (b - b.mean(0))
            )
            error += ((b.mean(0) + (x[groups == g] - a.mean(0)) @ w - y[groups == g]) ** 2).sum()
        return error

    penalties = PENALTIES * ((x - x.mean(0)) ** 2).sum() / 6
    errors = [left_out(p) for p in penalties]
    assert left_out(chosen) <= 1.05 * min(errors) < 0.9 * max(errors)
    weights, offset, penalty = ridge(x, y, groups)
    np.testing.assert_allclose((x - x.mean(0)).T @ (y - x @ weights - offset), penalty * weights, atol=1e-6)


def test_components_keep_the_variance_asked_for():
    values = np.random.default_rng(0).normal(size=(50, 8)) * 2.0 ** -np.arange(8)
    values -= values.mean(0)
    for share in (0.6, 0.99):
        basis = components(values, share)
        kept = ((values @ basis) ** 2).sum() / (values**2).sum()
        fewer = ((values @ basis[:, :-1]) ** 2).sum() / (values**2).sum()
        assert fewer < share <= kept + 1e-9
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-10)


def test_optimizer_is_adamw():
    """Against the paper's algorithm 2, step by step, with the schedule multiplier in the rate (importing torch.optim
    takes seconds).
    """
    parameters = [
        torch.nn.Parameter(torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).double()),
        torch.nn.Parameter(torch.ones(4).double()),
    ]
    theta = np.concatenate([p.detach().numpy().ravel() for p in parameters])
    own, m, v = AdamW(parameters, 0.1), np.zeros(10), np.zeros(10)
    for t in range(1, 21):
        rate, aim = 0.02 / t, t / 10
        own.step(sum(((p - aim) ** 4).sum() for p in parameters), rate)
        g = 4 * (theta - aim) ** 3
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        theta = theta - rate * (m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.99**t)) + AdamW.SMALL) + 0.1 * theta)
    np.testing.assert_allclose(np.concatenate([p.detach().numpy().ravel() for p in parameters]), theta, rtol=1e-9)


def test_shifted_rows_move_both_curves_by_the_same_energy(real):
    shifted = list(shifted_rows(real, 0.8))
    assert len(shifted) == 9
    np.testing.assert_array_equal(shifted[4][0], real.inputs)
    np.testing.assert_array_equal(shifted[4][1], real.targets)
    x, y = shifted[6]  # up by two bins of both
    np.testing.assert_array_equal(x[..., 2:], real.inputs[..., :-2])
    np.testing.assert_array_equal(y[:, 2:], real.targets[:, :-2])
    np.testing.assert_array_equal(y[:, 0], real.targets[:, 0])


def test_constant_inputs_do_not_explode(made_up):
    data = made_up(12)
    still = dataclasses.replace(
        data, inputs=data.inputs * np.array([1, 0], np.float32)[:, None], scalars=np.full_like(data.scalars, 5)
    )
    model = train(still, make_split(still), members=2, width=8, epochs=3).fit()
    new = dataclasses.replace(still, inputs=still.inputs + 0.05, scalars=still.scalars + 0.01)
    assert mse(model, still) < 1 and np.abs(model.predict(new).mean).max() < 50


@pytest.mark.parametrize(
    "wrong,says",
    [
        ({"kind": "transformer"}, "kind"),
        ({"width": 0}, "width"),
        ({"members": 2.5}, "whole number"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"kernel": 4}, "odd"),
        ({"epoch": 5}, "epochs"),
        ({"kind": "linear", "skip": False}, "nothing"),
    ],
)
def test_hyper_parameters_that_mean_nothing_are_refused(wrong, says):
    with pytest.raises(DataError, match=says):
        Hyper.of(wrong)
    assert Hyper.of(Hyper(width=12).to_dict()) == Hyper(width=12)


def test_bad_rows_are_refused_before_training(made_up):
    data = made_up(8)
    split = make_split(data)
    inputs = data.inputs.copy()
    inputs[split.train[0], 0, 3] = np.nan
    with pytest.raises(DataError, match=f"inputs of {data.sites[split.train[0]]}"):
        train(dataclasses.replace(data, inputs=inputs), split)
    with pytest.raises(DataError, match="no target"):
        train(dataclasses.replace(data, targets=np.empty((len(data), 0))), split)
    with pytest.raises(DataError, match="nothing to train on"):
        train(data, Split(split.train, split.train[:0], split.test, split.amorphous), members=1)
    one = np.flatnonzero(data.groups == data.groups[0])
    with pytest.raises(DataError, match="two different structures"):
        train(data, Split(one[:1], one[1:], split.test, split.amorphous), members=5)
