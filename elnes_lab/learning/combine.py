"""Several predictions as one, and how far to trust it: non-negative stacking, and a scale for the error of each row.

Both are fitted to predictions of training rows by models that did not see the row's structure. Pure NumPy and SciPy.
"""

from __future__ import annotations

import numpy as np

SMOOTH_ERROR, SMOOTH_APART = 7, 5  # points; about 1 eV: peaks are about as wide
PULL = 0.002  # of the logarithms of the coefficients towards equal shares


def stacking(predictions: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Weights (k,), none negative, of sum 1, with which predictions (k, n, m) of rows left out come nearest to the
    targets (n, m); each group counts with the root of its number of rows.

    Breiman, Machine Learning 24, 49 (1996): weights fitted to what the models say of their own training rows would
    favour the one that remembers best.
    """
    from scipy.optimize import nnls

    _, inverse, counts = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    root = counts[inverse][:, None] ** -0.25
    x = np.stack([(p * root).ravel() for p in np.asarray(predictions, float)], axis=1)
    y = (np.asarray(targets, float) * root).ravel()
    firm = 1e3 * np.sqrt((y * y).sum())  # the sum is 1 as nearly as matters
    square = x.T @ x + firm**2
    factor = np.linalg.cholesky(square + 1e-10 * np.trace(square) / len(square) * np.eye(len(square)))
    weights = nnls(factor.T, np.linalg.solve(factor, x.T @ y + firm**2))[0]
    return weights / weights.sum()


class Difficulty:
    """The error to be expected of each row and energy: root of a sum of terms, with coefficients (3,) none negative.

    The terms are the mean square error over rows at each energy, the root of which is profile (m,); the same times the
    variance of the process at the row; and the square of how far the models are apart there, smoothed. The
    coefficients are those of the highest likelihood if squared errors are distributed as a Gamma distribution of that
    mean; each group counts the same.
    """

    def __init__(self, profile: np.ndarray, coefficients: np.ndarray):
        self.profile, self.coefficients = np.asarray(profile, float), np.asarray(coefficients, float)

    @classmethod
    def fit(cls, residuals: np.ndarray, variance: np.ndarray, apart: np.ndarray, groups: np.ndarray) -> Difficulty:
        """residuals (n, m) of rows left out, variance (n,), apart (n, m): the models' standard deviation."""
        from scipy.optimize import minimize

        _, inverse, counts = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
        weight = 1 / (counts[inverse] * len(counts))
        residuals = np.asarray(residuals, float)
        profile = np.sqrt(np.maximum(weight @ residuals**2, 1e-12))
        square = smoothed(residuals**2, SMOOTH_ERROR)
        bare = cls(profile, np.ones(3))
        terms, floor = bare.terms(variance, apart), bare.floor
        typical = np.maximum((weight @ terms).mean(1), 1e-12)
        share = weight[:, None] / square.shape[1]

        def loss(logarithms):
            factors = np.exp(logarithms) / typical
            mean = np.tensordot(factors, terms, 1) + floor
            slope = share * (1 / mean - square / mean**2)
            away = logarithms - np.log(1 / 3)
            found = (share * (np.log(mean) + square / mean)).sum() + PULL * (away @ away)
            return found, factors * np.tensordot(terms, slope, 2) + 2 * PULL * away

        at = minimize(loss, np.full(3, np.log(1 / 3)), jac=True, method="L-BFGS-B", bounds=[(-7, 3)] * 3).x
        # A term that is 0 throughout, as of a single model that is never apart from others, counts 0.
        return cls(profile, np.where(typical > 1e-12, np.exp(at) / typical, 0.0))

    def terms(self, variance, apart) -> np.ndarray:
        """The three terms, (3, n, m)."""
        square = np.broadcast_to(self.profile**2, np.shape(apart))
        return np.stack([square, square * np.asarray(variance)[:, None], smoothed(np.square(apart), SMOOTH_APART)])

    def __call__(self, variance: np.ndarray, apart: np.ndarray) -> np.ndarray:
        """The error to be expected of each row and energy, (n, m)."""
        return np.sqrt(np.tensordot(self.coefficients, self.terms(variance, apart), 1) + self.floor)

    @property
    def floor(self) -> float:
        """Least square of it: two models that agree by chance are not sure."""
        return 1e-4 * float((self.profile**2).mean())


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Running means over `width` points of curves (n, m); the end values stand in at the ends."""
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(np.asarray(values, float), width, axis=-1, mode="nearest")
