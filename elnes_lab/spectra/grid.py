"""Uniform energy grids of spectra, and the part of a spectrum within a window."""

import numpy as np

from ..errors import DataError


def make_grid(start, stop, step):
    """Uniform energy grid, `(energy,)` in eV, from start to stop, both included if the step fits.

    Raises DataError if the numbers give no grid of two points or more.
    """
    if not (np.all(np.isfinite([start, stop, step])) and step > 0 and stop - start >= step * (1 - 1e-9)):
        raise DataError(
            f"No energy grid runs from {start} to {stop} eV in steps of {step} eV. "
            "Give a positive step and a stop at least one step above the start."
        )
    return np.round(start + step * np.arange(int(np.floor((stop - start) / step + 1e-6)) + 1), 10)


def grid_step(energy):
    """Step of a uniform grid, a float in eV, from its energies `(energy,)`.

    Raises DataError unless the grid is one-dimensional, finite, ascending and uniform to a thousandth of its step
    (single-precision energies are).
    """
    energy = np.asarray(energy, float)
    if energy.ndim != 1 or energy.size < 2 or not np.all(np.isfinite(energy)):
        raise DataError(
            f"The energies must be one list of at least two finite numbers in eV. They have the shape {energy.shape}."
        )
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    if step <= 0 or np.abs(energy - energy[0] - step * np.arange(energy.size)).max() > 1e-3 * step:
        raise DataError(
            "The energies are not equally spaced and ascending, which broadening and shifting need. "
            "Interpolate the spectrum onto a uniform grid first, for example with numpy.interp."
        )
    return step


def cut(energy, intensity, window):
    """The part of spectra within window = (low, high) in eV, ends included: energies `(m,)`, intensity `(..., m)`.

    `None` keeps all. Raises DataError if the window holds fewer than three grid points.
    """
    energy, step, intensity = checked(energy, intensity)
    if window is None:
        return energy, intensity
    low, high = window
    inside = (energy >= low - 1e-3 * step) & (energy <= high + 1e-3 * step)
    if inside.sum() < 3:
        raise DataError(
            f"Fewer than three energies lie between {low} and {high} eV: the spectra run from "
            f"{energy[0]:.1f} to {energy[-1]:.1f} eV. Choose a wider window inside that range."
        )
    return energy[inside], intensity[..., inside]


def checked(energy, intensity):
    """Energies, step and intensity as float arrays; DataError if they do not fit together."""
    step, energy, intensity = grid_step(energy), np.asarray(energy, float), np.asarray(intensity, float)
    if intensity.shape[-1:] != energy.shape:
        raise DataError(
            f"The intensities have the shape {intensity.shape}; their last axis must match the {energy.size} energies."
        )
    return energy, step, intensity


def listed_rows(bad):
    """'spectrum 3' or 'spectra 3, 17 and 5 more' for a Boolean array over the leading axes."""
    if np.ndim(bad) == 0:
        return "the spectrum"
    found = [str(i[0]) if len(i) == 1 else str(tuple(int(j) for j in i)) for i in np.argwhere(bad)]
    rest = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"spectr{'um' if len(found) == 1 else 'a'} {', '.join(found[:5])}{rest}"
