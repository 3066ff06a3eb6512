"""A quantifier: networks from prepared spectra to properties, with intervals calibrated by structure. Pure NumPy.

It is cross-fitted: each part has never seen the nets of one fold, and the intervals come from what each part says of
its own fold, as the database holds it and as an instrument would record it.
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
MODES = (PLACED, SHAPE)         # with the edge's place on the energy-loss scale, or by the shape of the spectrum alone
REFERENCE = 535.0               # eV of energy loss; about where the zero of the edge lies in silicon oxides
INFORMATIVE = 0.75              # an interval is worth naming if it is narrower than this share of that without a spectrum
OUTPUTS = len(PROPERTIES) + len(CURVES)
LEAST = 1e-3                    # of the spread of members, in standard deviations of the target


class Part(NamedTuple):
    """Networks of equal shape: weights [(members, in, out)], biases [(members, out)] of each layer; tanh between."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs (members, n, out) for inputs (n, in)."""
        x = np.broadcast_to(inputs, (len(self.weights[0]), *inputs.shape))
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = (np.tanh(x) if i else x) @ weight + bias[:, None]
        return x


class Calibration(NamedTuple):
    """Of one mode: coefficients (outputs, 3) of the logarithm of the expected error (constant, roughness, spread of the
    members), widths (outputs,): the half width of the interval in units of that error."""

    coefficients: np.ndarray
    widths: np.ndarray

    def expected(self, rough: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Expected error (n, outputs) in standard deviations of the targets."""
        terms = difficulty_terms(rough, spread)
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
    """parts: networks of each fold; folds: structure -> the part that never saw its net. centre, scale (bins + 2,):
    of the inputs. mean, deviation (properties,): of the targets. radius (m,) angstrom; curve_mean, curve_profile
    (curves, m): mean and error profile of the radial distributions; components (curves, k, m), with the spread in them.
    calibrations: mode -> Calibration. prior (2, properties), prior_curve (curves, m): the 90 % interval without any
    spectrum, and half its width. place (2,): lowest and highest edge in training, eV of energy loss. domain: arrays of
    `domain.to_arrays`. checksum: sha256 of the raw data. facts: of the training, for the card."""

    parts: list[Part]
    folds: dict[str, int]
    centre: np.ndarray
    scale: np.ndarray
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
    domain: dict[str, np.ndarray]
    checksum: str = ""
    facts: dict = field(default_factory=dict)
    warning: str = ""

    def estimate(self, features: np.ndarray, place: np.ndarray | None = None, *, held_out=None) -> Estimate:
        """Estimates for prepared spectra (n, bins), place (n,): the zero of each edge in eV of energy loss, or None to
        read the shape alone. held_out: structures (n,) or one for all: only the part that never saw its net answers."""
        outputs, spread = self.outputs(features, place, held_out)
        calibration = self.calibrations[SHAPE if place is None else PLACED]
        half = calibration.expected(roughness(features), spread) * calibration.widths
        return self.intervals(outputs, half)

    def outputs(self, features, place=None, held_out=None) -> tuple[np.ndarray, np.ndarray]:
        """Mean of the networks (n, out) in units of the targets' spread, and how far they are apart (n, outputs)."""
        inputs = (model_inputs(features, place) - self.centre) / self.scale
        if held_out is None:
            every = np.concatenate([part(inputs) for part in self.parts])
            return every.mean(0), self.spread(every)
        names = np.broadcast_to(np.asarray(held_out, str), len(inputs))
        wrong = [name for name in names if name not in self.folds]
        if wrong:
            raise unknown(str(wrong[0]), self.folds, "structure")
        fold = np.array([self.folds[name] for name in names])
        found, spread = np.zeros((len(inputs), self.size)), np.zeros((len(inputs), OUTPUTS))
        for k in np.unique(fold):
            every = self.parts[k](inputs[fold == k])
            found[fold == k], spread[fold == k] = every.mean(0), self.spread(every)
        return found, spread

    @property
    def size(self) -> int:
        """Numbers that a network gives: properties, then components of each curve."""
        return len(PROPERTIES) + self.components.shape[0] * self.components.shape[1]

    def spread(self, every) -> np.ndarray:
        """Standard deviation of outputs (members, n, out), one for each property and curve: (n, outputs)."""
        apart = every.std(0)
        curves = apart[:, len(PROPERTIES):].reshape(len(apart), len(CURVES), -1)
        return np.concatenate([apart[:, : len(PROPERTIES)], np.sqrt((curves**2).mean(2))], axis=1)

    def curves(self, outputs) -> np.ndarray:
        """Radial distributions (n, curves, m) of outputs (n, out)."""
        weights = outputs[:, len(PROPERTIES):].reshape(len(outputs), len(CURVES), -1)
        return self.curve_mean + np.einsum("nck,ckm->ncm", weights, self.components)

    def intervals(self, outputs, half) -> Estimate:
        """Values in their units with intervals of half widths (n, outputs), in units of the targets' spread."""
        count = len(PROPERTIES)
        value = self.mean + self.deviation * outputs[:, :count]
        width = self.deviation * half[:, :count]
        informative = 2 * width < INFORMATIVE * (self.prior[1] - self.prior[0])
        curve, band = self.curves(outputs), half[:, count:, None] * self.curve_profile
        clip = lambda x: np.clip(x, LIMITS[:, 0], LIMITS[:, 1])
        return Estimate(clip(value), clip(value - width), clip(value + width), informative,
                        np.maximum(curve, 0), np.maximum(curve - band, 0), np.maximum(curve + band, 0),
                        band < INFORMATIVE * self.prior_curve)

    @cached_property
    def score(self):
        """The out-of-domain score, a `learning.domain.DomainScore`."""
        return from_arrays(self.domain)


def model_inputs(features, place=None) -> np.ndarray:
    """Inputs (n, bins + 2) of networks: the spectrum, the place of its edge from `REFERENCE` and 1; 0 and 0 where it is
    not known (None or NaN)."""
    place = np.full(len(features), np.nan) if place is None else np.broadcast_to(np.asarray(place, float), len(features))
    known = np.isfinite(place)
    return np.concatenate([features, np.stack([np.where(known, place - REFERENCE, 0.0), known], axis=1)], axis=1)


def difficulty_terms(rough, spread) -> np.ndarray:
    """(n, outputs, 3): 1, logarithm of the roughness and of the spread of the members."""
    spread = np.log(np.maximum(spread, LEAST))
    rough = np.broadcast_to(np.log(np.maximum(rough, LEAST))[:, None], spread.shape)
    return np.stack([np.ones_like(spread), rough, spread], axis=2)
