"""Peaks and shoulders of a spectrum, for comparison with published ones."""

from typing import NamedTuple

import numpy as np

from ..errors import DataError

PEAK = 0.015  # prominence over the maximum: above the ripple that a Lanczos recursion leaves
SHOULDER = 0.05  # prominence of a minimum of the second derivative over its deepest
APART = 0.5  # eV from a shoulder to the nearest peak, below which they are one feature


class Feature(NamedTuple):
    """energy: eV on the axis given; height: over the maximum of the spectrum; kind: "peak" or "shoulder"."""

    energy: float
    height: float
    kind: str


def features(
    energy, intensity, *, start: float = -np.inf, peak: float = PEAK, shoulder: float = SHOULDER
) -> list[Feature]:
    """Peaks and shoulders from `start` (eV) on, by energy; energy (e,) eV on an even grid, intensity (e,), any unit.

    A peak is a local maximum whose topographic prominence is at least `peak` times the maximum of the spectrum. A
    shoulder is a minimum of the second derivative, as prominent as `shoulder` times its deepest, where the curve bends
    down at least that much and no peak is within APART. Positions are refined by a parabola. The curve must be as
    smooth as the features are wide: broaden it first. DataError for shapes that do not fit or values that are not
    finite.
    """
    from scipy.signal import find_peaks

    energy, intensity = np.asarray(energy, float), np.asarray(intensity, float)
    if energy.ndim != 1 or energy.shape != intensity.shape or energy.size < 5 or not np.isfinite(intensity).all():
        raise DataError(
            "Features need one spectrum of five points or more, all of them finite. Cut it to where it has data."
        )
    step, top = energy[1] - energy[0], intensity[energy >= start].max(initial=0)
    if not top > 0:
        return []
    curve = intensity / top
    found = [
        Feature(float(energy[0] + step * place), float(np.interp(place, np.arange(curve.size), curve)), "peak")
        for place in refined(curve, find_peaks(curve, prominence=peak)[0])
    ]
    bend = -np.gradient(np.gradient(curve, step), step)
    sharpest = bend[energy >= start].max()
    if sharpest > 0:
        places = find_peaks(bend, prominence=shoulder * sharpest, height=shoulder * sharpest)[0]
        for place in refined(bend, places):
            at = float(energy[0] + step * place)
            if all(abs(at - other.energy) >= APART for other in found if other.kind == "peak"):
                found.append(Feature(at, float(np.interp(place, np.arange(curve.size), curve)), "shoulder"))
    return sorted((f for f in found if f.energy >= start), key=lambda f: f.energy)


def refined(values, index) -> list[float]:
    """Place of each local maximum on the scale of indices, by the parabola through it and its neighbors."""
    places = []
    for i in index:
        left, middle, right = values[i - 1 : i + 2]
        curvature = left - 2 * middle + right
        places.append(float(i + (0.5 * (left - right) / curvature if curvature < 0 else 0.0)))
    return places
