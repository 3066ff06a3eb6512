"""Several predictions as one, and how far to trust it: non-negative stacking, and a scale for the error of each row.

Both are fitted to predictions of training rows by models that did not see the row's structure. Pure NumPy and SciPy.
"""
from __future__ import annotations

import numpy as np

SMALLEST = 1e-3  # of a term of `Difficulty` in a logarithm


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
    firm = 1e3 * np.sqrt((y * y).sum())                   # the sum is 1 as nearly as matters
    square = x.T @ x + firm**2
    factor = np.linalg.cholesky(square + 1e-10 * np.trace(square) / len(square) * np.eye(len(square)))
    weights = nnls(factor.T, np.linalg.solve(factor, x.T @ y + firm**2))[0]
    return weights / weights.sum()


class Difficulty:
    """The error to be expected: root mean square over rows at each energy (m,), times a factor of the row.

    factor^2 = sum of terms (n, t) times coefficients (t,), none negative: a constant, the variance of the process, and
    how far the models are apart. They are those of the highest likelihood of the rows' mean square errors if these
    are distributed as a Gamma distribution of that mean; each group counts the same.
    """

    def __init__(self, profile: np.ndarray, coefficients: np.ndarray):
        self.profile, self.coefficients = np.asarray(profile), np.asarray(coefficients)

    @classmethod
    def fit(cls, residuals: np.ndarray, variance: np.ndarray, apart: np.ndarray, groups: np.ndarray) -> "Difficulty":
        """residuals (n, m) of rows left out, variance (n,), apart (n, m): the models' standard deviation."""
        from scipy.optimize import minimize

        _, inverse, counts = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
        weight = 1 / (counts[inverse] * len(counts))
        profile = np.sqrt(np.maximum(weight @ residuals**2, 1e-12))
        square = ((residuals / profile) ** 2).mean(1)
        terms = cls(profile, np.ones(3)).terms(variance, apart)
        typical = np.maximum(weight @ terms, 1e-9)

        def loss(logarithms):
            mean = (terms / typical) @ np.exp(logarithms)
            slope = weight * (1 / mean - square / mean**2)
            pull = 0.01 * (logarithms - np.log(1 / 3))
            return (weight * (np.log(mean) + square / mean)).sum() + 0.5 * (pull @ pull) / 0.01, (
                np.exp(logarithms) * (slope @ (terms / typical)) + pull
            )

        at = minimize(loss, np.full(3, np.log(1 / 3)), jac=True, method="L-BFGS-B", bounds=[(np.log(SMALLEST), 3)] * 3).x
        return cls(profile, np.exp(at) / typical)

    def terms(self, variance, apart) -> np.ndarray:
        return np.stack([np.ones(len(variance)), variance, ((apart / self.profile) ** 2).mean(1)], axis=1)

    def __call__(self, variance: np.ndarray, apart: np.ndarray) -> np.ndarray:
        """The error to be expected of each row and energy, (n, m)."""
        return np.sqrt(self.terms(variance, apart) @ self.coefficients)[:, None] * self.profile
