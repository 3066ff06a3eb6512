"""The linear part: principal components, and the ridge regression that every network starts from. Pure NumPy."""

from __future__ import annotations

import numpy as np

PENALTIES = 10.0 ** np.arange(-5, 2.1, 0.5)  # relative to the mean eigenvalue of the covariance times the rows
MOST_COMPONENTS = 96


def components(values: np.ndarray, share: float, most: int = MOST_COMPONENTS) -> np.ndarray:
    """Directions (f, p) of norm 1 that keep `share` of the variance of centred rows (n, f), the strongest first, at
    most `most`.
    """
    variance, vectors = np.linalg.eigh(values.T.astype(float) @ values)
    variance, vectors = np.maximum(variance[::-1], 0), vectors[:, ::-1]
    kept = np.searchsorted(np.cumsum(variance), share * variance.sum()) + 1
    return vectors[:, : min(kept, most, np.count_nonzero(variance > 1e-12 * variance[0]) or 1)]


def ridge(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights (p, r), offset (r,) and penalty of the ridge regression of y (n, r) on x (n, p).

    The penalty is the one that predicts whole groups best when each is left out in turn. Leaving rows g out of a linear
    smoother H changes their residual from r to (1 - H_gg)^-1 r, so that no regression is repeated:
    Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., section 7.10 (here for blocks).
    """
    x, y = x.astype(float), y.astype(float)
    x_mean, y_mean = x.mean(0), y.mean(0)
    left, singular, right = thin_svd(x - x_mean)
    square, projected = singular**2, left.T @ (y - y_mean)
    members = [np.flatnonzero(groups == name) for name in dict.fromkeys(groups)]
    best = (np.inf, 0.0)
    for penalty in PENALTIES * max(square.sum() / max(len(square), 1), np.finfo(float).tiny):
        shrunk = square / (square + penalty)
        residual = (y - y_mean) - left @ (shrunk[:, None] * projected)
        error = 0.0
        if len(members) > 1:
            for rows in members:
                own = (left[rows] * shrunk) @ left[rows].T + 1 / len(x)
                error += (np.linalg.solve(np.eye(len(rows)) - own, residual[rows]) ** 2).sum()
        else:  # nothing to leave out: the strongest penalty
            error = -penalty
        best = min(best, (error, penalty))
    weights = right.T @ ((singular / (square + best[1]))[:, None] * projected)
    return weights, y_mean - x_mean @ weights, best[1]


def thin_svd(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left vectors (n, q), singular values (q,), right vectors (q, p) of x (n, p), from the smaller of its two Gram
    matrices: many times faster than an SVD of many rows. Directions below 1e-6 of the largest are rounding and are left
    out.
    """
    if len(x) < x.shape[1]:
        right, singular, left = thin_svd(x.T)
        return left.T, singular, right.T
    square, vectors = np.linalg.eigh(x.T @ x)
    kept = square > 1e-12 * max(square[-1], np.finfo(float).tiny)
    singular, vectors = np.sqrt(square[kept]), vectors[:, kept]
    return (x @ vectors) / singular, singular, vectors.T
