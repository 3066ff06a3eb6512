"""Where spectra have their peaks, their edge and their centre."""

import numpy as np

from ..errors import DataError
from .broadening import broaden
from .grid import checked, cut, grid_step
from .scales import normalize


def first_peak(energy, intensity, edge, *, prominence=0.05):
    """Energy in eV of the first peak above the edge, `(...)`; NaN if there is none.

    The first local maximum above edge (eV, scalar or per spectrum) that stands out on both sides by at least prominence
    times the maximum above the edge (topographic prominence), refined by a parabola through three points.
    Raises DataError for a prominence that is not positive.
    """
    energy, step, intensity = checked(energy, intensity)
    if not prominence > 0:
        raise DataError(f"A peak of prominence {prominence} is none. Give a share of the maximum, such as 0.05.")
    above = np.where(energy >= np.asarray(edge, float)[..., None] - 1e-3 * step, intensity, np.nan)
    need = np.fmax.reduce(above, axis=-1)[..., None]
    need = np.where(need > 0, prominence * need, np.nan)  # nothing exceeds NaN: no peak
    risen = np.maximum.accumulate(above - np.fmin.accumulate(above, axis=-1) >= need, axis=-1)
    climb = np.where(risen, above, np.nan)
    fallen = np.fmax.accumulate(climb, axis=-1) - climb >= need
    end = fallen.argmax(axis=-1)[..., None]
    index = np.where(risen & (np.arange(energy.size) <= end), above, -np.inf).argmax(axis=-1)
    return np.where(fallen.any(axis=-1), _vertex(energy, step, intensity, index), np.nan)


def half_height(energy, intensity, *, share=0.5, fwhm=1.0):
    """Energy in eV at which spectra, broadened by a Gaussian of FWHM fwhm (eV), first reach a share of their maximum.

    `(...)`; linear between grid points; the first energy where a spectrum begins above it, NaN where it has no positive
    intensity. A rise defined by the spectrum itself: unlike a single level it does not depend on the supercell.
    Raises DataError for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise DataError(f"A share of {share} of the maximum is reached nowhere. Give one between 0 and 1, such as 0.5.")
    energy, step, intensity = checked(energy, intensity)
    curves = broaden(energy, intensity, gaussian_fwhm=fwhm)
    level = share * curves.max(axis=-1, keepdims=True)
    index = (curves >= level).argmax(axis=-1)[..., None]
    before = np.maximum(index - 1, 0)
    low, high = (np.take_along_axis(curves, i, axis=-1) for i in (before, index))
    below = np.divide(high - level, high - low, out=np.zeros_like(high), where=high > low)
    return np.where(level > 0, energy[index] - step * below * (index > 0), np.nan)[..., 0]


def peak_position(energy, intensity, *, window=None):
    """Energy in eV of the highest point within window = (low, high) eV, `(...)`, refined by a parabola."""
    energy, intensity = cut(energy, intensity, window)
    return _vertex(energy, grid_step(energy), intensity, intensity.argmax(axis=-1))


def centroid(energy, intensity, *, window=None):
    """Mean energy in eV weighted by intensity within window = (low, high) eV, `(...)`.

    Raises DataError naming the spectra without positive area there.
    """
    energy, intensity = cut(energy, normalize(energy, intensity, by="mean", window=window), window)
    return (energy * intensity).mean(axis=-1)


def _vertex(energy, step, intensity, index):
    """Vertex in eV of the parabola through the points around index `(...)`; the grid point itself at the ends."""
    inner = np.clip(index, 1, energy.size - 2)
    left, middle, right = np.moveaxis(np.take_along_axis(intensity, inner[..., None] + np.arange(-1, 2), -1), -1, 0)
    curvature = left - 2 * middle + right
    offset = np.divide(0.5 * (left - right), curvature, out=np.zeros_like(curvature), where=curvature != 0)
    return energy[index] + step * np.where(inner == index, offset, 0.0)
