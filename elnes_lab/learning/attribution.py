"""Which PDOS energies drive which part of a predicted spectrum: exact derivatives and integrated gradients.

>>> parts = integrated_gradients(model, data.subset([0]), window=(0, 2))
>>> parts.inputs[0], parts.energy                           # contribution of each channel and bin to the mean intensity
there
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..errors import DataError

ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Attribution:
    """Contributions to the mean of the predicted spectrum over `window`, in the target's unit: inputs (n, c, b) per
    PDOS bin, scalars (n, s). value, reference (n,): what the model says for the row and for the reference input.
    completeness (n,): sum of contributions minus (value - reference), 0 but for the accuracy of the integral.
    """

    inputs: np.ndarray
    scalars: np.ndarray
    value: np.ndarray
    reference: np.ndarray
    energy: np.ndarray
    window: tuple[float, float]

    @property
    def completeness(self) -> np.ndarray:
        return self.inputs.sum((1, 2)) + self.scalars.sum(1) - (self.value - self.reference)


def integrated_gradients(model, data, *, window: tuple[float, float], reference=None, points: int = 32) -> Attribution:
    """Contributions of every input to the mean intensity in window = (low, high) eV, for each row of a Database or
    Dataset.

    The gradient of the ensemble's mean is integrated along the straight line from a reference input to the row's, by
    Gauss-Legendre quadrature of `points` points: Sundararajan, Taly, Yan, ICML 2017, arXiv:1703.01365. reference: a
    Dataset of one row; default: the mean of the training inputs, so that contributions say how the row differs from an
    average oxygen. Raises DataError for a window without target bins or a reference that does not fit.
    """
    data, select = differentiable(model).dataset(data), target_bins(model, window)
    x, s = torch.from_numpy(data.inputs), torch.from_numpy(data.scalars)
    if reference is None:
        x0, s0 = model.network.input_mean[None], model.network.scalar_mean[None]
    else:
        reference = model.dataset(reference)
        if len(reference) != 1:
            raise DataError(f"The reference has {len(reference)} rows; give one.")
        x0, s0 = torch.from_numpy(reference.inputs), torch.from_numpy(reference.scalars)
    nodes, weights = np.polynomial.legendre.leggauss(points)
    sums = [torch.zeros(x.shape, dtype=torch.float64), torch.zeros(s.shape, dtype=torch.float64)]
    with torch.no_grad():
        value, base = mean_intensity(model, x, s, select), mean_intensity(model, x0, s0, select)
    for node, weight in zip((nodes + 1) / 2, weights / 2):
        for rows in torch.arange(len(x)).split(ROWS_AT_ONCE):
            here = [
                (x0 + float(node) * (x[rows] - x0)).requires_grad_(),
                (s0 + float(node) * (s[rows] - s0)).requires_grad_(),
            ]
            total = mean_intensity(model, *here, select).sum()
            for part, gradient in zip(sums, torch.autograd.grad(total, here, allow_unused=True)):
                if gradient is not None:
                    part[rows] += float(weight) * gradient
    inputs, scalars = sums[0] * (x - x0), sums[1] * (s - s0)
    return Attribution(
        inputs.numpy(), scalars.numpy(), value.numpy(), base.expand(len(x)).numpy(), model.energy, tuple(window)
    )


def jacobian(model, data) -> np.ndarray:
    """Derivative of the ensemble's mean spectrum by every PDOS bin, (n, m, c, b), in the target's unit per
    states/eV/atom.
    """
    data = differentiable(model).dataset(data)
    found = np.empty((len(data), model.network.sizes["targets"], *data.inputs.shape[1:]), np.float32)
    for start in range(0, len(data), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        inputs = torch.from_numpy(data.inputs[rows]).requires_grad_()
        sums = (
            model.network(inputs, torch.from_numpy(data.scalars[rows])).mean(0).sum(0)
        )  # rows do not mix: one pass per bin
        for bin_, total in enumerate(sums):
            found[rows, bin_] = torch.autograd.grad(total, inputs, retain_graph=True)[0].numpy()
    return found


def differentiable(model):
    """The model; DataError for an ensemble with a kernel model, which has no derivatives here."""
    if not hasattr(model, "network"):
        raise DataError(
            "An ensemble of kernel models and networks has no derivatives by its inputs. Take a network: "
            "`elnes-lab train FOLDER`, or `learning.train`."
        )
    return model


def mean_intensity(model, inputs, scalars, select) -> torch.Tensor:
    """Mean over members and the selected target bins, (n,)."""
    return model.network(inputs, scalars).mean(0)[:, select].mean(1)


def target_bins(model, window) -> torch.Tensor:
    """Positions of the target bins inside a window, of all curves."""
    low, high = window
    inside = np.tile((model.target_energy >= low - 1e-6) & (model.target_energy <= high + 1e-6), model.target.curves)
    if not inside.any():
        raise DataError(
            f"No energy of the spectrum lies between {low:g} and {high:g} eV: the model predicts "
            f"{model.target_energy[0]:.1f} to {model.target_energy[-1]:.1f} eV. Choose a window in there."
        )
    return torch.from_numpy(np.flatnonzero(inside))
