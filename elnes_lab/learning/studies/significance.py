"""How sure a difference is: bootstrap intervals and paired tests that respect which sites belong together.

Sites of one structure are not independent: the structure is what is drawn, and what a test counts. Where there are
fewer than `ENOUGH` structures (one glass, say) sites are drawn instead, and the result says so: it then speaks of
that glass only.
"""

from typing import NamedTuple

import numpy as np

from ...errors import DataError

ENOUGH = 5  # structures; fewer cannot show any difference at the 5 % level
LEVEL = 0.95


class Interval(NamedTuple):
    """Estimate with the bounds of its 95 % bootstrap interval, in the unit of the values; unit drawn: structure or
    site."""

    value: float
    low: float
    high: float
    unit: str


class PairedTest(NamedTuple):
    """Median difference a - b, two-sided p of Wilcoxon's signed-rank test, share of the pairs with a < b, number of
    pairs."""

    difference: float
    p: float
    share_better: float
    pairs: int
    unit: str


def units(structures) -> tuple[np.ndarray, str]:
    """Codes (n,) of the units to draw, and their name."""
    names, codes = np.unique(np.asarray(structures, str), return_inverse=True)
    return (codes, "structure") if len(names) >= ENOUGH else (np.arange(len(codes)), "site")


def bootstrap(values, structures, statistic=np.median, *, draws: int = 2000, seed: int = 0) -> Interval:
    """Percentile interval of statistic(values), values (n,) or (n, k), drawing structures (n,) with replacement.

    statistic maps (n,) to a number; of values (n, k) it gets the k columns as arguments. The same seed draws the same
    structures, so that two calls can be compared. Efron and Tibshirani, An Introduction to the Bootstrap (1993).
    Raises DataError if there are no values.
    """
    values = np.asarray(values, float)
    if not len(values):
        raise DataError("There are no values to draw from. Choose a group that has spectra.")
    columns = values.reshape(len(values), -1)
    codes, unit = units(structures)
    rows = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    random = np.random.default_rng(seed)
    drawn = []
    for picks in random.integers(len(rows), size=(draws, len(rows))):
        chosen = np.concatenate([rows[i] for i in picks])
        drawn.append(statistic(*columns[chosen].T))
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(statistic(*columns.T)), float(low), float(high), unit)


def paired_test(a, b, structures) -> PairedTest:
    """Wilcoxon's signed-rank test of a against b (n,), paired by the mean of each structure.

    Wilcoxon, Biometrics Bulletin 1, 80 (1945). p is 1 if all pairs are equal.
    """
    from scipy.stats import wilcoxon

    a, b = np.asarray(a, float), np.asarray(b, float)
    codes, unit = units(structures)
    count = np.bincount(codes)
    difference = np.bincount(codes, a - b) / count
    p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
    return PairedTest(float(np.median(difference)), p, float((difference < 0).mean()), len(difference), unit)
