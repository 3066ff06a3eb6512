"""Scales and averages of spectra: normalized intensity, another zero of energy, shifting, means over groups."""

import math

import numpy as np

from ..errors import DataError
from .grid import checked, cut, grid_step, listed_rows

# Window (eV, zero at the valence-band maximum) in which docs/method.md compares spectra of mean 1.
RMS_WINDOW = (3.0, 35.0)
# Constant (eV) from pseudopotential total energies to experimental energy losses, docs/method.md: it puts the first peak of
# alpha-quartz at 538 eV. The database's column `onset` already contains it: never add it again.
EXPERIMENTAL_OFFSET = 742.2
ENERGY_TITLES = {
    "vbm": "Energy above the valence-band maximum (eV)",
    "onset": "Energy above the conduction-band edge (eV)",
    "first_peak": "Energy relative to the first peak (eV)",
    "loss": "Energy loss (eV)",
}

_TAPS = np.arange(-4, 6)  # points of the local interpolation polynomial, around the interval [0, 1]


def magnitude(energy, intensity, *, by="area", window=None):
    """The "area", "peak" or "mean" of spectra in a window, `(...)`: what `normalize` divides by. Errors: as there."""
    energy, step, intensity = checked(energy, intensity)
    part = cut(energy, intensity, window)[1]
    scales = {"area": lambda: step * part.sum(-1), "peak": lambda: part.max(-1), "mean": lambda: part.mean(-1)}
    if by not in scales:
        raise DataError(f"Spectra cannot be normalized by '{by}'. Choose area, peak or mean.")
    scale = scales[by]()
    bad = ~(scale > 0)
    if bad.any():
        raise DataError(
            f"The {by} of {listed_rows(bad)} is zero, negative or undefined, so nothing can be divided by it. "
            "Choose another window or leave those spectra out."
        )
    return scale


def normalize(energy, intensity, *, by="area", window=None):
    """Spectra divided by their "area", "peak" or "mean" in a window, `(..., energy)`: 1/eV for area, else unitless.

    window is (low, high) in eV, `None` for all energies; the area is step times sum, which `broaden` conserves.
    docs/method.md compares spectra with by="mean", window=RMS_WINDOW.
    Raises DataError naming the spectra whose scale is not positive, and for an unknown `by`.
    """
    return np.asarray(intensity, float) / magnitude(energy, intensity, by=by, window=window)[..., None]


def shift(energy, intensity, by, *, grid=None, fill=np.nan):
    """Spectra moved up by `by` eV, on the same grid or another uniform one, `(..., energy of the grid)`.

    by is a scalar or an array that broadcasts with the leading axes; a NaN (zero of energy unknown) gives a NaN
    spectrum. fill is the value outside the data: NaN because nothing is known there and plots leave a gap; pass 0.0
    where a sum is wanted. Local interpolation by polynomials through ten points: exact on grid points, error about 1e-4
    of the peak for a Lorentzian of 0.4 eV half width on steps of 0.1 eV. A coarser grid does not smooth: broaden first.
    A NaN in the data also blanks the five points on either side.
    Raises DataError for a grid that is not uniform or data of fewer than ten points.
    """
    energy, step, intensity = checked(energy, intensity)
    grid = energy if grid is None else np.asarray(grid, float)
    if energy.size < _TAPS.size:
        raise DataError(f"Shifting needs spectra of at least {_TAPS.size} points; these have {energy.size}.")
    same_step = abs(grid_step(grid) - step) * grid.size < 1e-4 * step
    by = np.asarray(by, float)[..., None]
    lead = np.broadcast_shapes(intensity.shape[:-1], by.shape[:-1])
    known = np.isfinite(by)
    position = (grid - np.where(known, by, 0) - energy[0]) / step
    outside = (position < -1e-3) | (position > energy.size - 1 + 1e-3)
    ends = intensity[..., :1], intensity[..., -1:]
    margin = 1 - _TAPS[0]
    padded = np.concatenate(
        [2 * ends[0] - intensity[..., margin:0:-1], intensity, 2 * ends[1] - intensity[..., -2 : -2 - margin : -1]],
        axis=-1,
    )
    padded = np.broadcast_to(padded, lead + padded.shape[-1:])

    if same_step:  # one fraction per spectrum: a short correlation instead of a search per point
        start = np.floor(position[..., :1])
        weights = np.stack([_weight(position[..., :1] - start, k) for k in _TAPS], axis=-1)
        first = start.astype(int) + np.arange(grid.size + _TAPS.size - 1) + margin + _TAPS[0]
        points = np.take_along_axis(padded, _fit(first, lead, padded.shape[-1]), axis=-1)
        result = (weights @ np.lib.stride_tricks.sliding_window_view(points, grid.size, axis=-1))[..., 0, :]
    else:
        start = np.floor(position)
        fraction, first = position - start, start.astype(int) + margin
        result = sum(
            _weight(fraction, k) * np.take_along_axis(padded, _fit(first + k, lead, padded.shape[-1]), axis=-1)
            for k in _TAPS
        )
    np.copyto(result, fill, where=outside)
    np.copyto(result, np.nan, where=~known)
    return result


def shift_together(energy, intensity, by):
    """Spectra (n, energy) moved up by `by` (n,) eV each, all on one grid that holds them: energies (m,) and intensity (n, m).

    The grid has the step of `energy` and lies on multiples of it; NaN outside the data, and for a spectrum whose `by` is NaN.
    """
    step = round(float(grid_step(energy)), 6)  # 0.1 eV, whatever precision the axis was stored with
    known = by[np.isfinite(by)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    start = np.floor((energy[0] + low) / step) * step
    grid = start + step * np.arange(int(np.ceil((energy[-1] + high - start) / step)) + 1)
    return grid, shift(energy, intensity, by, grid=grid)


def zero_shift(zero, homo, lumo, *, onset=None, first_peak=None):
    """Shift in eV to add to the stored energies of each spectrum, `(...)`, so that they count from the zero chosen.

    zero is a key of `ENERGY_TITLES`: "vbm" (as stored: highest occupied level of the core-hole cell), "onset" (its
    first empty level), "first_peak" (position from `first_peak`) or "loss" (experimental energy loss: lumo - homo goes
    to the column onset, which contains EXPERIMENTAL_OFFSET). homo, lumo, onset and first_peak are `(...)` in eV; where
    one that is needed is NaN the shift is NaN.
    Raises DataError for an unknown zero and for a missing column.
    """
    edge = np.asarray(lumo, float) - np.asarray(homo, float)
    if zero in ("vbm", "onset"):
        return np.zeros_like(edge) if zero == "vbm" else -edge
    if zero not in ENERGY_TITLES:
        raise DataError(f"'{zero}' is not a zero of energy. Choose one of {', '.join(ENERGY_TITLES)}.")
    name, values = ("first_peak", first_peak) if zero == "first_peak" else ("onset", onset)
    if values is None:
        raise DataError(
            f"The zero '{zero}' needs the values of {name} for these spectra, which were not given. "
            "Pass them or choose another zero."
        )
    return -np.asarray(values, float) if zero == "first_peak" else np.asarray(values, float) - edge


def _weight(fraction, k):
    """Lagrange weight of the point k for a position `fraction` above point 0."""
    return math.prod((fraction - j) / (k - j) for j in _TAPS if j != k)


def _fit(index, lead, size):
    """Indices clipped into an axis of that size and broadcast over the leading axes."""
    return np.broadcast_to(np.clip(index, 0, size - 1), lead + index.shape[-1:])


def group_average(values, groups, weights):
    """The groups `(k,)`, in the order in which they come, and the weighted mean of `values` in each, `(k, ...)`.

    values `(n, ...)`: spectra, or any other numbers of the rows; groups `(n,)`: what each row belongs to, such as the id of
    its structure; weights `(n,)`, not negative: how often a row counts, such as the multiplicity of a site. A NaN stays one:
    leave out rows that are not known.
    Raises DataError where lengths differ, weights are negative or undefined, or a group has none that is positive.
    """
    values, groups, weights = np.asarray(values, float), np.asarray(groups), np.asarray(weights, float)
    if groups.shape != weights.shape or groups.shape != values.shape[:1]:
        raise DataError(
            f"{len(values)} rows need one group and one weight each; got {groups.size} groups and {weights.size} weights."
        )
    bad = ~(weights >= 0) | ~np.isfinite(weights)
    if bad.any():
        raise DataError(f"The weights of {listed_rows(bad)} are negative or undefined. Give how often each one counts.")
    labels = list(dict.fromkeys(groups.tolist()))
    means = np.empty((len(labels), *values.shape[1:]))
    for k, label in enumerate(labels):
        rows = groups == label
        total = weights[rows].sum()
        if not total > 0:
            raise DataError(f"All weights of {label} are zero. Give one that is positive.")
        means[k] = np.tensordot(weights[rows] / total, values[rows], axes=1)
    return np.array(labels, dtype=groups.dtype), means
