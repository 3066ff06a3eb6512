"""How far to trust what the structure route says: intervals and limits, from predictions of structures left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .combine import Difficulty
from .intervals import LEVELS, half_widths
from .site_dataset import VALUES, SiteDataset

LEVEL = 0.8  # share of held-out training sites that score below 1, as in `domain`
GRACE = 0.1  # of a unit of `NUMBERS`, that the numbers may lie outside on the mean before it counts


@dataclass(frozen=True, eq=False)
class Band:
    """Intervals of one kind of curve: how hard each site is, and half widths (level, m) in units of that."""

    difficulty: Difficulty
    widths: np.ndarray

    @classmethod
    def fit(cls, residuals, variance, groups) -> Band:
        nothing = np.zeros(residuals.shape)
        difficulty = Difficulty.fit(residuals, variance, nothing, groups)
        return cls(difficulty, half_widths(residuals / difficulty(variance, nothing), groups).astype(np.float32))

    def half(self, variance, level: float) -> np.ndarray:
        """Half widths (n, m) for sites of this variance (n,); infinite where there was too little to calibrate on."""
        nothing = np.zeros((len(variance), len(self.difficulty.profile)))
        return self.difficulty(variance, nothing) * self.widths[LEVELS.index(level)]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What residuals of structures left out say of the errors to come. spectrum, average (of all sites of a structure)
    and pdos: Band; values (level, v): half widths, eV; limits (2,): variance, and numbers outside the range, that
    `LEVEL` of the sites left out stay below."""

    spectrum: Band
    average: Band
    pdos: Band
    values: np.ndarray
    limits: np.ndarray

    @classmethod
    def fit(cls, data: SiteDataset, residuals, variance, beyond) -> Calibration:
        """residuals (n, m + b + v), variance (n,) and beyond (n, k) of the rows of a dataset."""
        m, b = data.targets.shape[1], data.pdos.shape[1]
        groups, names = np.asarray(data.groups, str), np.asarray(data.structures, str)
        first = [np.flatnonzero(names == name) for name in dict.fromkeys(names)]
        mean = lambda values: np.stack([np.average(values[rows], 0, data.weights[rows]) for rows in first])
        own = groups[[rows[0] for rows in first]]
        average = mean(residuals)
        values = half_widths(residuals[:, m + b :], groups)
        gap = half_widths(average[:, m + b + VALUES.index("band_gap")][:, None], own)  # one of a structure
        values[:, VALUES.index("band_gap")] = gap[:, 0]
        limits = np.quantile(variance, LEVEL), max(np.quantile(outside(beyond), LEVEL), GRACE)
        return cls(
            Band.fit(residuals[:, :m], variance, groups),
            Band.fit(average[:, :m], mean(variance), own),
            Band.fit(residuals[:, m : m + b], variance, groups),
            values.astype(np.float32),
            np.array(limits),
        )


def outside(beyond: np.ndarray) -> np.ndarray:
    """Root of the sum of squares (n,) of what lies outside (n, k)."""
    return np.sqrt((np.maximum(beyond, 0) ** 2).sum(1))
