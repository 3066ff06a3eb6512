"""A quantifier: spectra remembered, and how much each of them counts for a new one. Pure NumPy and SciPy.

Kernel ridge regression: the nearer a spectrum of training, recorded as an instrument would, the more it says. The model is
cross-fitted: each part has never seen the nets of one fold, and the intervals come from what each part says of its own
fold, as the database holds it and as an instrument would record it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...errors import unknown
from .domain import from_arrays
from .prepare import roughness
from .properties import CURVES, LIMITS, PROPERTIES

PLACED, SHAPE = "placed", "shape"
MODES = (PLACED, SHAPE)  # with the edge's place on the energy-loss scale, or by the shape of the spectrum alone
REFERENCE = 535.0  # eV of energy loss; about where the zero of the edge lies in silicon oxides
PLACE = 1.0  # eV; a difference of place that counts as much as spectra of average difference
LENGTH = 1.6  # of the kernel, in units of the spread of the training spectra
SHARP = 8  # power of the kernel that says which spectra are near
WIDE = 3  # bins that the model reads as one: 0.75 eV, finer than any peak
INFORMATIVE = 0.75  # an interval is worth naming if it is narrower than this share of that without a spectrum
OUTPUTS = len(PROPERTIES) + len(CURVES)
TERMS = 5  # of `difficulty_terms`
LEAST = 1e-3  # of the roughness, and of what neighbors differ by, in standard deviations


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matern's kernel of order 3/2 between inputs (n, k) and (m, k): (n, m), 1 for equal ones."""
    from scipy.spatial.distance import cdist

    distance = np.sqrt(3) / LENGTH * cdist(a, b)
    return (1 + distance) * np.exp(-distance)


class Calibration(NamedTuple):
    """Of one mode: coefficients (outputs, terms) of the logarithm of the expected error (`difficulty_terms`), widths
    (outputs,): the half width of the interval in units of that error."""

    coefficients: np.ndarray
    widths: np.ndarray

    def expected(self, terms: np.ndarray) -> np.ndarray:
        """Expected error (n, outputs), in standard deviations of the targets, of terms (n, outputs, terms)."""
        return np.exp((terms * self.coefficients).sum(-1))


class Estimate(NamedTuple):
    """Of n spectra: value, lower, upper, informative (n, properties); curve, curve_lower, curve_upper, curve_informative
    (n, curves, radius)."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    informative: np.ndarray
    curve: np.ndarray
    curve_lower: np.ndarray
    curve_upper: np.ndarray
    curve_informative: np.ndarray


@dataclass(frozen=True, eq=False)
class Quantifier:
    """scale: what wide bins are divided by. known (rows, inputs): the spectra remembered, place last, in the order of the
    copies of the sites; fold (sites,): the part that never saw each; targets (sites, out) in units of their spread.
    weights (parts, modes, rows, out): what each row counts, 0 for those of the part's own fold. folds: structure -> part.
    mean, deviation (properties,): of the targets. radius (m,) angstrom; curve_mean, curve_profile (curves, m): mean and
    error profile of the radial distributions; components (curves, k, m), with the spread in them. calibrations: mode ->
    Calibration. prior (2, properties), prior_curve (curves, m): the 90 % interval without any spectrum, and half its
    width. place (2,): lowest and highest edge in training, eV of energy loss. quality (2,): roughest and smoothest spectrum
    in training (`roughness`, `smoothness`). domain: arrays of `domain.to_arrays`.
    checksum: sha256 of the raw data. facts: of the training, for the card."""

    scale: np.ndarray
    known: np.ndarray
    fold: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    folds: dict[str, int]
    mean: np.ndarray
    deviation: np.ndarray
    radius: np.ndarray
    curve_mean: np.ndarray
    curve_profile: np.ndarray
    components: np.ndarray
    calibrations: dict[str, Calibration]
    prior: np.ndarray
    prior_curve: np.ndarray
    place: np.ndarray
    quality: np.ndarray
    domain: dict[str, np.ndarray]
    checksum: str = ""
    facts: dict = field(default_factory=dict)
    warning: str = ""

    def estimate(self, features: np.ndarray, place: np.ndarray | None = None, *, held_out=None) -> Estimate:
        """Estimates for prepared spectra (n, bins), place (n,): the zero of each edge in eV of energy loss, or None to
        read the shape alone. held_out: structures (n,) or one for all: only the part that never saw its net answers."""
        outputs, terms = self.outputs(features, place, held_out)
        calibration = self.calibrations[SHAPE if place is None else PLACED]
        return self.intervals(outputs, calibration.expected(terms) * calibration.widths)

    def outputs(self, features, place=None, held_out=None) -> tuple[np.ndarray, np.ndarray]:
        """What the parts say, (n, out), in units of the targets' spread; and `difficulty_terms` (n, outputs, terms)."""
        inputs, size = inputs_of(features, place, float(self.scale[0])), self.known.shape[1]
        mode, used = (SHAPE, size - 1) if place is None else (PLACED, size)
        near = kernel(inputs[:, :used], self.known[:, :used])
        part = np.full(len(inputs), -1)
        weights = self.weights[:, MODES.index(mode)]
        if held_out is not None:
            names = np.broadcast_to(np.asarray(held_out, str), len(inputs))
            wrong = [name for name in names if name not in self.folds]
            if wrong:
                raise unknown(str(wrong[0]), self.folds, "structure")
            part = np.array([self.folds[name] for name in names])
        found = np.zeros((len(inputs), weights.shape[2]))
        for k in np.unique(part):
            found[part == k] = near[part == k] @ (weights[k] if k >= 0 else weights.mean(0))
        fold = np.tile(self.fold, len(self.known) // len(self.fold))
        near = np.where(part[:, None] == fold, 0.0, near)
        return found, difficulty_terms(features, near, self.targets)

    def curves(self, outputs) -> np.ndarray:
        """Radial distributions (n, curves, m) of outputs (n, out)."""
        weights = outputs[:, len(PROPERTIES) :].reshape(len(outputs), len(CURVES), -1)
        return self.curve_mean + np.einsum("nck,ckm->ncm", weights, self.components)

    def intervals(self, outputs, half) -> Estimate:
        """Values in their units with intervals of half widths (n, outputs), in units of the targets' spread."""
        count = len(PROPERTIES)
        value = self.mean + self.deviation * outputs[:, :count]
        width = self.deviation * half[:, :count]
        informative = 2 * width < INFORMATIVE * (self.prior[1] - self.prior[0])
        curve, band = self.curves(outputs), half[:, count:, None] * self.curve_profile
        clip = lambda x: np.clip(x, LIMITS[:, 0], LIMITS[:, 1])
        return Estimate(
            clip(value),
            clip(value - width),
            clip(value + width),
            informative,
            np.maximum(curve, 0),
            np.maximum(curve - band, 0),
            np.maximum(curve + band, 0),
            band < INFORMATIVE * self.prior_curve,
        )

    @cached_property
    def score(self):
        """The out-of-domain score, a `learning.domain.DomainScore`."""
        return from_arrays(self.domain)


def inputs_of(features, place=None, scale: float = 1.0) -> np.ndarray:
    """Inputs (n, k) of the kernel: means over wide bins, so scaled that their squared distance is a mean square; and the
    place of the edge from `REFERENCE` (0 where there is none to read)."""
    wide = wide_bins(features)
    place = np.zeros(len(wide)) if place is None else (np.asarray(place, float) - REFERENCE) / PLACE
    return np.concatenate([wide / (scale * np.sqrt(wide.shape[1])), place[:, None]], axis=1)


def wide_bins(features) -> np.ndarray:
    """Means (n, k) over `WIDE` neighboring bins of prepared spectra (n, bins)."""
    return features[:, : features.shape[1] // WIDE * WIDE].reshape(len(features), -1, WIDE).mean(2)


def smoothness(features) -> np.ndarray:
    """One over the root mean square step between wide bins of prepared spectra (n, bins), (n,): large for blurred ones."""
    return 1 / np.maximum(np.sqrt((np.diff(wide_bins(features), axis=1) ** 2).mean(1)), LEAST)


def difficulty_terms(features, near, targets) -> np.ndarray:
    """(n, outputs, 5): 1, and logarithms of what makes an error larger: the roughness of a spectrum (noise), its
    smoothness (broadening: one over the root mean square of its steps), its distance from the nearest remembered ones,
    and how much the targets of near ones differ. near (n, rows): kernel; targets (sites, out)."""
    share = (near**SHARP).reshape(len(near), -1, len(targets)).sum(1)
    total = np.maximum(share.sum(1, keepdims=True), 1e-300)
    variance = np.maximum(share @ targets**2 / total - (share @ targets / total) ** 2, 0)
    count = len(PROPERTIES)
    curves = variance[:, count:].reshape(len(near), len(CURVES), -1).mean(2)
    spread = np.sqrt(np.concatenate([variance[:, :count], curves], axis=1)) + 0.03
    apart = 0.01 - np.log(np.maximum(near.max(1), 1e-12))
    shared = [
        np.broadcast_to(x[:, None], spread.shape) for x in (roughness(features) + LEAST, smoothness(features), apart)
    ]
    return np.stack([np.ones_like(spread), *(np.log(x) for x in (*shared, spread))], axis=2)
