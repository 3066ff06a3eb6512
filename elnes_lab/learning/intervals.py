"""Conformal prediction intervals, calibrated on crystal structures that the predicting members did not see. Pure
NumPy.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError

LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)


def check_level(level) -> None:
    """DataError for a level that no interval is calibrated for."""
    if level not in LEVELS:
        raise DataError(f"Intervals are calibrated for {', '.join(f'{x:g}' for x in LEVELS)}; not for {level!r}.")


def around(mean: np.ndarray, widths: np.ndarray | None, level: float) -> tuple:
    """(lower, upper) of spectra (n, m), not negative, with half widths (level, m); (None, None) where there are none."""
    width = None if widths is None else widths[LEVELS.index(level)]
    if width is None or not np.isfinite(width).all():
        return None, None
    return np.maximum(mean - width, 0), mean + width


def half_widths(residuals: np.ndarray, groups: np.ndarray, levels=LEVELS) -> np.ndarray:
    """Half widths (level, m) of intervals that hold a new structure's spectrum with those probabilities, energy by
    energy.

    residuals (n, m): truth minus prediction for rows that were held out; groups (n,): structure group of each row.
    Sites of one structure are alike, so structures are counted, not rows: with G groups each row weighs 1 / ((G + 1) *
    rows of its group), a last share 1 / (G + 1) lies at infinity, and the half width is the quantile of |residual|
    under these weights. That covers a random site of a new, exchangeable structure with at least the level's
    probability, for any finite G: Lee, Barber, Willett, arXiv:2306.06342 (hierarchical conformal prediction). Infinite
    where G is too small for the level (90 % needs 9 groups).
    """
    size = np.sort(np.abs(np.asarray(residuals, float)), axis=0)
    order = np.argsort(np.abs(residuals), axis=0)
    names, inverse, counts = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    weight = 1 / ((len(names) + 1) * counts[inverse])
    reached = np.cumsum(weight[order], axis=0)
    found = np.full((len(levels), size.shape[1]), np.inf)
    for i, level in enumerate(levels):
        if len(names) / (len(names) + 1) >= level - 1e-9:
            at = np.minimum((reached < level - 1e-9).sum(0), len(size) - 1)
            found[i] = np.take_along_axis(size, at[None], 0)[0]
    return found


def coverage(targets: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Share of energies of each spectrum inside its interval, (n,); targets, lower and upper are (n, m)."""
    targets, lower, upper = (np.asarray(x, float) for x in (targets, lower, upper))
    if not targets.shape == lower.shape == upper.shape:
        raise DataError(
            f"Spectra {targets.shape} and bounds {lower.shape}, {upper.shape} do not match. Predict the same rows."
        )
    return ((targets >= lower) & (targets <= upper)).mean(-1)
