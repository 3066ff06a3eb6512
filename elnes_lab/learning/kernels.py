"""A direction-resolved kernel model: Gaussian-process regression from the samples of `directions`. NumPy and SciPy.

Two samples are as alike as a Matern-5/2 kernel of their distance says. Each channel has a weight in the distance, and
there is one ridge; all of them minimise the error on whole structures left out, in closed form: leaving rows g out of
the regression with P = (K + ridge)^-1 and a = P y changes their prediction by P_gg^-1 a_g. Nothing but the training
structures takes part. Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapters 4 and 5.

>>> model = KernelModel.fit(dataset)
>>> model.predict(dataset)                                # (n, 3, m)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from .directions import BLOCKS, directed
from .linear import components

# Where the search begins, and where it is drawn to: logarithms of the channels' weights and of the ridge.
START = dict(zip(BLOCKS, (-3.3, -1.9, -1.2, -3.9, -3.9, -3.3, -4.9, -3.4)))
START_SCALAR, START_RIDGE = -3.0, -2.8
PULL = 0.01  # on the mean square distance from there, beside the logarithm of the error
# The same of the blocks of `surroundings`, and of the ridge with them.
START_AROUND, RIDGE_AROUND = (-2.0, -1.0, -1.0), -3.0
STEPS = 8  # of the search; more change the error by less than 1 %
STEPS_AROUND = 12  # with the surroundings
ISOTROPIC_SHARE = 0.7  # of the error that is that of the mean over the directions
CONSTANT = 1.0  # prior variance of a curve common to all, in units of the kernel
TARGET_SHARE = 0.995  # of the variance of the targets that the search looks at
LARGEST_HALF = 60_000.0  # that float16 holds, with room


class LeftOut(NamedTuple):
    """What each sample's own group cannot have told: curves (n, 3, m), and the variance (n, 3) of the process there."""

    curves: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class KernelModel:
    """A fitted model: what it was trained on and how it weighs that. scales (f,): what features are multiplied by;
    features (3 n, f) and targets (3 n, m): training samples; mean (m,); theta: logarithms of weights and ridge. The
    rest follows from these and is made when it is asked for, as it would be most of a stored model.
    """

    scales: np.ndarray
    features: np.ndarray
    targets: np.ndarray
    mean: np.ndarray
    theta: np.ndarray

    @classmethod
    def fit(cls, dataset, *, steps: int | None = None) -> tuple[KernelModel, LeftOut]:
        """The model of all rows of a Dataset, and what it says of each group without that group.

        Raises DataError for a dataset without directions, without targets, or of one group only.
        """
        y = directed(dataset).targets.reshape(3 * len(dataset), -1)
        if y.shape[1] == 0:
            raise DataError("The dataset has no target to learn. Make it with a TargetChoice.")
        groups = np.repeat(np.asarray(dataset.groups, str), 3)
        if len(set(groups)) < 2:
            raise DataError(
                "All training spectra belong to one structure, so nothing can be tried on another. Train on two "
                "structures or more."
            )
        if dataset.target.normalization == "mean":  # near 1, as float16 likes it
            y = half(y)
        features, sizes = block_features(dataset)
        curves = sum(sizes[: len(BLOCKS)])
        features[:, :curves] = half(features[:, :curves])
        around = dataset.surroundings is not None
        if steps is None:
            steps = STEPS_AROUND if around else STEPS
        model, left = cls.of_samples(features, sizes, y, groups, start(len(sizes), around), steps=steps)
        shape = len(dataset), 3, -1
        return model, LeftOut((y - left.curves).reshape(shape), left.variance.reshape(shape[:2]))

    @classmethod
    def of_samples(
        cls,
        features,
        sizes,
        y,
        groups,
        theta,
        *,
        steps: int = STEPS,
        directions: int = 3,
        searched: slice = slice(None),
    ) -> tuple[KernelModel, LeftOut]:
        """The model of samples: features (s, f) in blocks of these sizes, targets y (s, m), groups (s,), `directions`
        samples of a site in a row; the search begins at theta and looks at the targets `searched`. Of each sample left
        out with its group the residual (s, m) and the variance (s,)."""
        blocks = np.split(features, np.cumsum(sizes)[:-1], axis=1)
        distances = np.stack([squared(block) for block in blocks])
        unit = np.maximum(distances.mean((1, 2)), np.finfo(np.float32).tiny)
        distances /= unit[:, None, None]
        mean = y.astype(float).mean(0)
        search = LeaveOut(distances, y - mean, groups, directions, searched)
        theta = search.minimum(np.asarray(theta, float), steps)
        scales = np.repeat(np.sqrt(np.exp(theta[:-1]) / unit), sizes)
        model = cls(*(np.asarray(a, np.float32) for a in (scales, features, y, mean, theta)))
        return model, search.left_out(theta)

    @property
    def ridge(self) -> float:
        return float(np.exp(self.theta[-1]))

    @cached_property
    def known(self) -> np.ndarray:
        """Weighted features of the training samples, (3 n, f)."""
        return self.features * self.scales

    @cached_property
    def lengths(self) -> np.ndarray:
        """Their squares, (3 n,)."""
        return (self.known**2).sum(1)

    @cached_property
    def solved(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower Cholesky factor of the training samples' kernel with its ridge (3 n, 3 n), and the dual weights (3 n, m).
        DataError if there is none."""
        from scipy.linalg import cho_solve, cholesky

        kernel = similarity(squared(self.known))
        kernel[np.diag_indices_from(kernel)] += self.ridge
        try:
            factor = cholesky(kernel.T, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            raise DataError("The kernel model has no solution: its numbers are of no use. Train it again.") from None
        dual = cho_solve((factor, True), (self.targets - self.mean).astype(float), check_finite=False)
        return factor.astype(np.float32), dual.astype(np.float32)

    @property
    def factor(self) -> np.ndarray:
        return self.solved[0]

    @property
    def dual(self) -> np.ndarray:
        return self.solved[1]

    def similar(self, features: np.ndarray) -> np.ndarray:
        """Kernel (3 k, 3 n) between samples, given by the features (3 k, f) of `block_features`, and the training
        samples."""
        if features.shape[1] != len(self.scales):
            raise DataError(
                f"The dataset has {features.shape[1]} features a sample, the model was trained on {len(self.scales)}. "
                "Make it with the choice of the model."
            )
        weighted = features * self.scales
        return similarity((weighted**2).sum(1)[:, None] + self.lengths - 2 * weighted @ self.known.T)

    def predict(self, dataset) -> np.ndarray:
        """Curves (k, 3, m) of the sites of a Dataset."""
        return self.curves(block_features(dataset)[0])[0]

    def curves(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Curves (k, 3, m) from features (3 k, f), and the variance of the process (k, 3), in units of the kernel."""
        curves, variance = self.values(features)
        return curves.reshape(len(features) // 3, 3, -1), variance.reshape(-1, 3)

    def values(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets (s, m) of samples from their features (s, f), and the variance of the process (s,)."""
        from scipy.linalg import solve_triangular

        kernel = self.similar(features)
        explained = solve_triangular(self.factor, kernel.T, lower=True, check_finite=False)
        left = 1 + CONSTANT + self.ridge - np.einsum("ij,ij->j", explained, explained)
        return kernel @ self.dual + self.mean, np.maximum(left, self.ridge)


def half(values: np.ndarray) -> np.ndarray:
    """Values rounded as a stored model keeps them, float16, so that it predicts what it predicted before."""
    return np.clip(values, -LARGEST_HALF, LARGEST_HALF).astype(np.float16).astype(np.float32)


def block_features(dataset) -> tuple[np.ndarray, list[int]]:
    """Features (3 n, f) float32, channel by channel, then the scalars, then the surroundings if there are any; the number of
    features of each block."""
    found = directed(dataset).samples()
    scalars = np.repeat(dataset.scalars, 3, axis=0)
    sizes = [found.shape[2]] * found.shape[1] + [1] * scalars.shape[1]
    parts = [found.reshape(len(found), -1), scalars]
    if dataset.surroundings is not None:
        parts.append(dataset.surroundings.directed())
        sizes += dataset.surroundings.blocks
    return np.concatenate(parts, axis=1), sizes


def start(blocks: int, around: bool = False) -> np.ndarray:
    """Logarithms of weights and ridge to begin with; around: the last blocks are those of the surroundings."""
    last, ridge = (START_AROUND, RIDGE_AROUND) if around else ((), START_RIDGE)
    return np.array([*START.values(), *[START_SCALAR] * (blocks - len(START) - len(last)), *last, ridge])


def squared(rows: np.ndarray) -> np.ndarray:
    """Squared distances between rows; float64, as small ones are differences of large numbers."""
    rows = rows.astype(float)
    found, lengths = rows @ rows.T, (rows**2).sum(1)  # of a matrix with itself: half the work
    found *= -2
    found += lengths[:, None]
    found += lengths
    return np.maximum(found, 0, out=found)


def similarity(square: np.ndarray) -> np.ndarray:
    """Kernel with its constant, in place of squared distances: `matern` in a third of its time."""
    square *= 5
    r = np.sqrt(np.maximum(square, 0, out=square), out=square)
    value = r * (1 / 3)
    value += 1
    value *= r
    value += 1
    value *= np.exp(np.negative(r, out=r), out=r)
    value += CONSTANT
    return value


def matern(square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern-5/2 kernel of squared distances, and its derivative by them."""
    r = np.sqrt(5 * square)
    decay = np.exp(-r)
    return (1 + r + r * r / 3) * decay, (-5 / 6) * (1 + r) * decay


class LeaveOut:
    """The error on groups left out as a function of theta, with its gradient.

    distances (blocks, n, n) per channel, targets (n, m) centred, groups (n,) with x, y, z (as many as there are
    directions) of a site in a row. A group counts with the root of its number of samples, so that a structure of many
    sites does not outweigh all others. The error is that of the targets `searched`.
    """

    def __init__(
        self,
        distances: np.ndarray,
        targets: np.ndarray,
        groups: np.ndarray,
        directions: int = 3,
        searched: slice = slice(None),
    ):
        self.distances, self.targets, self.directions = distances, targets, directions
        self.groups = [np.flatnonzero(groups == name) for name in dict.fromkeys(groups)]
        main = components(targets[:, searched], TARGET_SHARE)
        self.main = targets[:, searched] @ main

    def kernel(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """P, the derivative of the kernel by the squared distance, both (n, n); y' P for the main components."""
        from scipy.linalg import cholesky, lapack

        value, slope = matern(np.tensordot(np.exp(theta[:-1]), self.distances, 1))
        value += CONSTANT
        value[np.diag_indices_from(value)] += np.exp(theta[-1])
        inverse, _ = lapack.dpotri(cholesky(value, lower=True, overwrite_a=True, check_finite=False), lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        return inverse, slope, inverse @ self.main

    def error(self, theta: np.ndarray, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Logarithm of the weighted squared error of the groups left out, pulled towards `at`; its gradient."""
        inverse, slope, dual = self.kernel(theta)
        total, z, middle = 0.0, np.empty_like(dual), np.zeros_like(inverse)
        for rows in self.groups:
            own = inverse[np.ix_(rows, rows)]
            left = np.linalg.solve(own, dual[rows])
            sites = left.reshape(-1, self.directions, left.shape[1])
            share = ISOTROPIC_SHARE * sites.mean(1, keepdims=True) + (1 - ISOTROPIC_SHARE) * sites
            share = share.reshape(left.shape) / self.directions / (len(rows) / self.directions) ** 0.5
            total += (left * share).sum()
            z[rows] = np.linalg.solve(own, share)
            middle[np.ix_(rows, rows)] = left @ z[rows].T
        # d(left out) = P_gg^-1 (da_g - dP_gg left), with dP = -P dK P and da = -P dK a
        gradient = 2 * (inverse @ (middle @ inverse) - (inverse @ z) @ dual.T)
        by_distance = gradient * slope
        found = np.exp(theta) * np.array([*(np.vdot(by_distance, d) for d in self.distances), np.trace(gradient)])
        away = theta - at
        return np.log(total) + PULL * (away**2).mean(), found / total + 2 * PULL * away / len(away)

    def minimum(self, theta: np.ndarray, steps: int) -> np.ndarray:
        """theta after at most `steps` of L-BFGS."""
        from scipy.optimize import minimize

        bounds = [(low - 6, low + 6) for low in theta]
        return (
            minimize(
                self.error,
                theta,
                args=(theta,),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": steps, "maxfun": 2 * steps},
            ).x
            if steps
            else theta
        )

    def left_out(self, theta: np.ndarray) -> LeftOut:
        """Of each sample left out with its group the residual (n, m) and the variance (n,)."""
        inverse = self.kernel(theta)[0]
        residual, variance = inverse @ self.targets, np.empty(len(inverse))
        for rows in self.groups:
            own = np.linalg.inv(inverse[np.ix_(rows, rows)])
            residual[rows], variance[rows] = own @ residual[rows], np.diag(own)
        return LeftOut(residual, variance)
