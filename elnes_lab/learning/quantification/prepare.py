"""From any O K-edge spectrum to the numbers a model reads: zero at the spectrum's own edge, bins, mean 1.

The zero never comes from the energy axis: an instrument's calibration may be off by an electron volt. It is where the
spectrum, broadened by 1 eV, first reaches half of its maximum near the edge, less 1.4 eV, as everywhere in the package
(`spectra.half_height`). So a constant shift changes nothing. What the spectrum has just below its edge is subtracted:
the constant part of a background. Training spectra and measured ones go the same way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...spectra import half_height, make_grid
from ..choices import EDGE_BELOW_HALF_HEIGHT

STEP = 0.1  # eV, of the uniform grid that spectra are brought to, as in the database
WINDOW = (-3.0, 30.0)  # eV from the zero, that the model reads
BIN = 0.25  # eV
BELOW, ABOVE = 8.0, 14.0  # eV around the rough edge, where the maximum and the edge are looked for
SIDE = 4.0  # eV on either side of a rise, whose means are compared to find it
BASE = (-6.0, -2.5)  # eV from the zero: what is there is the background
EDGES = make_grid(*WINDOW, BIN)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2


class Prepared(NamedTuple):
    """n spectra ready to be read: features (n, bins), mean 1; zero (n,) in eV on the axis given; rise (n,): mean of the
    spectrum in the window above what lies below the edge, in its unit."""

    features: np.ndarray
    zero: np.ndarray
    rise: np.ndarray


def prepare(energy: np.ndarray, intensity: np.ndarray, search: tuple[float, float] | None = None) -> Prepared:
    """Spectra (n, m) on one uniform grid of energies (m,) in eV, any zero, any unit; see `Prepared`.

    search: (low, high) in eV, where the edge is looked for; default: wherever there is `SIDE` on both sides. The grid
    must reach from `SIDE` below the edge to the top of `WINDOW` above it (`read.checked` sees to it); beyond its ends
    the last value counts. Rows without a rise come out as NaN.
    """
    energy, intensity = np.asarray(energy, float), np.atleast_2d(np.asarray(intensity, float))
    rough = first_rise(energy, intensity, search)[:, None]
    near = (energy >= rough - BELOW) & (energy <= rough + ABOVE)
    first = near & (energy <= rough - SIDE)
    first = np.where(first.any(1, keepdims=True), first, near & (energy <= rough - 1))
    curves = intensity - mean(intensity, first)
    zero = half_height(energy, np.where(near, curves, 0.0)) - EDGE_BELOW_HALF_HEIGHT
    below = (energy >= zero[:, None] + BASE[0]) & (energy <= zero[:, None] + BASE[1])
    curves = intensity - mean(intensity, np.where(below.any(1, keepdims=True), below, first))
    zero = half_height(energy, np.where(near, curves, 0.0)) - EDGE_BELOW_HALF_HEIGHT
    features = binned(energy, curves, zero[:, None] + EDGES)
    rise = features.mean(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Prepared(np.where(rise[:, None] > 0, features / rise[:, None], np.nan), zero, rise)


def first_rise(energy, intensity, search=None) -> np.ndarray:
    """Energy (n,) in eV of the edge, roughly: where the mean of the next `SIDE` eV exceeds that of the last by most, near
    the first energy where it does so by half as much as anywhere. A resonance above the edge may rise by more."""
    step = energy[1] - energy[0]
    side = int(round(SIDE / step))
    total = np.concatenate([np.zeros((len(intensity), 1)), np.cumsum(intensity, axis=1)], axis=1)
    at = np.arange(side, energy.size - side)
    rise = total[:, at + side] - 2 * total[:, at] + total[:, at - side]
    if search is not None:
        rise = np.where((energy[at] >= search[0]) & (energy[at] <= search[1]), rise, -np.inf)
    first = (rise >= 0.5 * rise.max(1, keepdims=True)).argmax(1)[:, None]
    within = np.arange(at.size) - first
    return energy[at[np.where((within >= 0) & (within <= side), rise, -np.inf).argmax(1)]]


def mean(intensity, mask) -> np.ndarray:
    """Mean of each row where the mask is true, (n, 1)."""
    return (intensity * mask).sum(1, keepdims=True) / np.maximum(mask.sum(1, keepdims=True), 1)


def binned(energy, intensity, edges) -> np.ndarray:
    """Means of spectra (n, m) on a uniform grid between neighbors of edges (n, bins + 1) in eV: (n, bins)."""
    step = energy[1] - energy[0]
    total = (
        np.concatenate(
            [np.zeros((len(intensity), 1)), np.cumsum((intensity[:, 1:] + intensity[:, :-1]) / 2, axis=1)], axis=1
        )
        * step
    )
    position = (edges - energy[0]) / step
    known = np.isfinite(position)
    position = np.where(known, position, 0.0)
    index = np.clip(np.floor(position).astype(int), 0, energy.size - 2)
    fraction = position - index
    left, right = (np.take_along_axis(intensity, index + k, axis=1) for k in (0, 1))
    inner = np.clip(fraction, 0, 1)  # the integral of a straight line, and of the last value beyond
    part = left * inner + 0.5 * (right - left) * inner**2
    part = part + np.where(fraction < 0, fraction * left, 0) + np.where(fraction > 1, (fraction - 1) * right, 0)
    integral = np.take_along_axis(total, index, axis=1) + step * part
    return np.where(known[:, 1:] & known[:, :-1], np.diff(integral, axis=1) / np.diff(edges, axis=1), np.nan)


def roughness(features: np.ndarray) -> np.ndarray:
    """Noise of prepared spectra (n, bins) relative to their mean, (n,): from fourth differences, which smooth parts do
    not have (white noise gives its standard deviation; a sharp first peak leaves a little)."""
    return np.median(np.abs(np.diff(features, 4, axis=1)), axis=1) / (0.6745 * np.sqrt(70))
