"""The two kernel models of one set of training sites, of which the structure route has several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..descriptors import NUMBERS
from ..errors import DataError
from ..subject import Subject
from .kernels import CONSTANT, KernelModel
from .site_dataset import SiteDataset
from .surroundings import (
    DIRECTED_START,
    SITE_START,
    STEPS,
    UNITS,
    WORDS,
    directed_blocks,
    directed_features,
    site_blocks,
    site_features,
)

NAMED = 3  # reasons of a site


@dataclass(frozen=True, eq=False)
class Part:
    """The two models of one set of training sites: rows (n,) of all known sites, with their numbers (n, k)."""

    site: KernelModel
    directed: KernelModel
    rows: np.ndarray
    numbers: np.ndarray

    @classmethod
    def fit(cls, data: SiteDataset, rows) -> tuple[Part, np.ndarray, np.ndarray]:
        """The models of some rows; of each row left out with its group the residuals (n, m + b + v) of spectrum, PDOS and
        values, and the variance (n,). Raises DataError for less than two groups."""
        rows = np.asarray(rows)
        data, groups = data.subset(rows), np.asarray(data.groups[rows], str)
        if len(set(groups)) < 2:
            raise DataError(
                "All training spectra belong to one structure, so nothing can be tried on another. Train "
                "on two structures or more."
            )
        m, targets = data.targets.shape[1], site_targets(data)
        site, left = KernelModel.of_samples(
            site_features(data.features, data.numbers),
            site_blocks(data.elements),
            targets,
            groups,
            SITE_START,
            steps=STEPS,
            directions=1,
            searched=slice(0, m),
        )
        directed, _ = KernelModel.of_samples(
            directed_features(data.features, data.numbers),
            directed_blocks(data.elements),
            data.directed.targets.reshape(-1, m),
            groups.repeat(3),
            DIRECTED_START,
            steps=STEPS,
        )
        return cls(site, directed, rows, data.numbers), left.curves, left.variance

    def curves(self, features, numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets (n, m + b + v) of sites, spectra (n, 3, m) along x, y, z, and the variance (n,)."""
        values, variance = self.site.values(site_features(features, numbers))
        along = self.directed.curves(directed_features(features, numbers))[0]
        m = along.shape[-1]
        values[:, :m] = np.maximum(values[:, :m], 0)
        return values, np.maximum(along - along.mean(1, keepdims=True) + values[:, None, :m], 0), variance

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest of the numbers of the training sites, in units of `NUMBERS`."""
        return self.numbers.min(0) / UNITS, self.numbers.max(0) / UNITS

    def beyond(self, numbers) -> np.ndarray:
        """How far numbers (n, k) lie outside the training range, in units of `NUMBERS`, below 0 inside: (n, k)."""
        low, high = self.bounds
        return np.maximum(low - numbers / UNITS, numbers / UNITS - high)

    def similarity(self, features, numbers) -> np.ndarray:
        """Likeness of sites to the training sites, from 0 to 1 (the same surroundings): (n, training)."""
        return self.site.similar(site_features(features, numbers)) - CONSTANT


def site_targets(data: SiteDataset) -> np.ndarray:
    """Spectrum, PDOS and values of sites, (n, m + b + v)."""
    return np.concatenate([data.targets, data.pdos, data.values], 1).astype(np.float32)


def explain(part: Part, beyond, numbers, far: float, subject: Subject) -> str:
    """Why a site is strange: its numbers (k,) outside the range of a part's training sites, the gravest first."""
    found = []
    for k in np.argsort(-beyond)[:NAMED]:
        if beyond[k] > 1e-6:
            name, unit, digits = WORDS[list(NUMBERS)[k]]
            name = subject.words(name)
            low, high = (bound[k] * UNITS[k] for bound in part.bounds)
            bound, side = (low, "below the smallest") if numbers[k] < low else (high, "above the largest")
            space = "" if unit in ("", "°") else " "
            found.append(
                f"{name} {numbers[k]:.{digits}f}{space}{unit} lies {side} in training ({bound:.{digits}f}{space}{unit})"
            )
    if far > 1:
        found.append("its surroundings as a whole are unlike those of any training site")
    return "; ".join(found)
