"""Attribution: contributions add up, derivatives are derivatives, and what is not used gets nothing."""

import dataclasses

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.learning.attribution import integrated_gradients, jacobian
from elnes_lab.learning.dataset import make_split
from elnes_lab.learning.training import train


@pytest.mark.parametrize("kind", ["mlp", "conv", "linear"])
def test_contributions_add_up_to_the_difference(made_up, kind):
    data = made_up(16)
    model = train(data, make_split(data), kind=kind, members=2, width=16, epochs=8, filters=2, kernel=3).fit()
    parts = integrated_gradients(model, data, window=(3, 6))
    inside = (model.target_energy >= 3) & (model.target_energy <= 6)
    np.testing.assert_allclose(parts.value, model.predict(data).mean[:, inside].mean(1), rtol=1e-4)
    scale = np.abs(parts.value - parts.reference).max()
    assert scale > 0.05 and np.abs(parts.completeness).max() < 1e-3 * scale
    one = data.subset([3])
    from_one = integrated_gradients(model, data, window=(3, 6), reference=one)
    assert np.abs(from_one.completeness).max() < 1e-3 * scale
    np.testing.assert_allclose(from_one.inputs[3], 0, atol=1e-7)


def test_jacobian_is_the_derivative(small_model):
    model, data, _ = small_model
    few = data.subset([0, 5])
    exact = jacobian(model, few)
    assert exact.shape == (2, data.targets.shape[1], *data.inputs.shape[1:])
    step, random = 1e-2, np.random.default_rng(0)
    direction = random.normal(size=few.inputs.shape).astype(np.float32)
    up, down = (model.predict(dataclasses.replace(few, inputs=few.inputs + s * direction)).mean for s in (step, -step))
    np.testing.assert_allclose(
        np.einsum("nmcb,ncb->nm", exact, direction),
        (up - down) / (2 * step),
        atol=2e-3 * np.abs(exact).sum((2, 3)).max(),
    )


def test_an_ensemble_has_no_derivatives_and_says_so():
    for what in (lambda m: jacobian(m, None), lambda m: integrated_gradients(m, None, window=(0, 2))):
        with pytest.raises(DataError, match="Take a network"):
            what(object())


def test_an_input_that_never_varies_in_training_gets_nothing(made_up):
    """A channel that is constant in training carries no contribution; the gap, on which the peak depends, does."""
    data = made_up(24)
    fixed = data.inputs.copy()
    fixed[:, 1] = fixed[:1, 1]
    data = dataclasses.replace(data, inputs=fixed)
    model = train(data, make_split(data), members=2, width=16, epochs=15, shift=0.0).fit()
    parts = integrated_gradients(model, data, window=(5, 8))
    assert np.abs(parts.inputs[:, 1]).max() == 0
    assert np.abs(parts.scalars).mean() > 0.1 * np.abs(parts.inputs.sum((1, 2))).mean()


def test_windows_without_energies_and_wrong_references_are_refused(small_model):
    model, data, _ = small_model
    with pytest.raises(DataError, match="No energy"):
        integrated_gradients(model, data, window=(90, 95))
    with pytest.raises(DataError, match="give one"):
        integrated_gradients(model, data, window=(1, 3), reference=data)
    other = dataclasses.replace(data, choice=dataclasses.replace(data.choice, broadening=0.3))
    with pytest.raises(DataError, match="model.choice"):
        model.predict(other)
