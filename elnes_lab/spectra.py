"""Energy grids, broadening, normalization, shifting, alignment and peaks of spectra, in pure NumPy.

Arrays are `(..., energy)`: every function works on all leading axes at once. Energies are in eV and lie on one uniform,
ascending grid per call; the intensity's unit is carried through.
"""

import math

import numpy as np

from elnes_lab.errors import DataError

# Width (FWHM, eV) that the stored spectra already carry: the Lorentzian of 0.4 eV half width in docs/method.md.
STORED_LORENTZIAN_FWHM = 0.8
# Natural width (FWHM, eV) of the O 1s level: Nicolas and Miron, J. Electron Spectrosc. 185, 267 (2012).
CORE_HOLE_FWHM = 0.15
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
    energy, step, intensity = _checked(energy, intensity)
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


def broaden(energy, intensity, *, gaussian_fwhm=0.0, lorentzian_fwhm=0.0):
    """Spectra convolved with a Gaussian, a Lorentzian or, if both widths are given, a Voigt profile, `(..., energy)`.

    Widths are FWHM in eV, scalars or arrays that broadcast with the leading axes; 0 means none. They come on top of
    what the data carry (`STORED_LORENTZIAN_FWHM` in the stored spectra): Lorentzian widths add, Gaussian widths add in
    quadrature. At both ends the spectrum is continued by its mirror image, not wrapped: the sum over the window is
    conserved, successive broadenings compose exactly, a constant stays one, and within about one FWHM of an end the
    curve levels off. The kernel is exact for what the grid resolves; an unresolved jump rings if the Gaussian is
    narrower than two steps. A NaN makes its whole spectrum NaN: broaden before shifting.
    Raises DataError for a negative or undefined width or a grid that is not uniform.
    """
    energy, step, intensity = _checked(energy, intensity)
    frequency = _frequencies(energy.size, step)
    lorentzian = 0.5 * _width(lorentzian_fwhm, "Lorentzian")[..., None]
    return _from_cosines(_to_cosines(intensity) * np.exp(-lorentzian * frequency) * _gaussian(gaussian_fwhm, frequency))


def broaden_lifetime(
    energy,
    intensity,
    onset,
    *,
    core_hole_fwhm=CORE_HOLE_FWHM,
    slope=0.1,
    gaussian_fwhm=0.0,
    present_fwhm=0.0,
):
    """Spectra with lifetime broadening that grows above the onset, and instrumental broadening, `(..., energy)`.

    The intensity at energy E is spread into a Lorentzian of FWHM
    core_hole_fwhm + slope * max(E - onset, 0) - present_fwhm (never below 0), then a Gaussian of FWHM gaussian_fwhm
    follows; all in eV, slope in eV per eV. Pass present_fwhm=STORED_LORENTZIAN_FWHM for stored spectra, lest their
    Lorentzian count twice. onset (eV, on the energy axis given) is a scalar or an array that broadcasts with the
    leading axes. Ends of the window: as in `broaden`.
    Raises DataError for undefined onsets and for negative or undefined widths.
    Linear final-state width with slope 0.1: Weijs et al., Phys. Rev. B 41, 11899 (1990), as in OptaDOS (Nicholls et
    al., J. Phys. Conf. Ser. 371, 012062 (2012)), which also takes the width at the energy of the final state: so the
    area is conserved.
    """
    energy, step, intensity = _checked(energy, intensity)
    onset = np.asarray(onset, float)[..., None]
    if not np.all(np.isfinite(onset)):
        raise DataError(
            f"No onset is known for {listed_rows(~np.isfinite(onset[..., 0]))}, so the lifetime above it is not "
            "either. Leave those spectra out or use a constant width."
        )
    width = _width(core_hole_fwhm, "core-hole")[..., None] - _width(present_fwhm, "present")[..., None]
    width = np.maximum(width + _width(slope, "final-state")[..., None] * np.maximum(energy - onset, 0), 0)
    frequency = _frequencies(energy.size, step)

    # exp(-width |k| / 2) depends on energy and on k. As a Chebyshev series in log(width + step) it becomes a short sum
    # of products, so that a few transforms replace one dense kernel per spectrum.
    low, high = np.log(width.min() + step), np.log(width.max() + step)
    middle, half = (low + high) / 2, (high - low) / 2
    x = (np.log(width + step) - middle) / (half or 1.0)
    angles = np.pi * (np.arange(64) + 0.5) / 64
    nodes = np.exp(middle + half * np.cos(angles)) - step
    series = np.cos(np.outer(np.arange(64), angles)) @ np.exp(-0.5 * np.outer(nodes, frequency)) / 32
    series[0] /= 2
    terms = np.flatnonzero(np.abs(series).max(axis=1) > 1e-8)[-1] + 1

    before, weighted = x * intensity, intensity * np.ones_like(x)  # T(-1) = T(1) starts the recurrence
    spectrum = 0.0
    for coefficients in series[:terms]:
        spectrum = spectrum + coefficients * _to_cosines(weighted)
        before, weighted = weighted, 2 * x * weighted - before
    return _from_cosines(spectrum * _gaussian(gaussian_fwhm, frequency))


def normalize(energy, intensity, *, by="area", window=None):
    """Spectra divided by their "area", "peak" or "mean" in a window, `(..., energy)`: 1/eV for area, else unitless.

    window is (low, high) in eV, `None` for all energies; the area is step times sum, which `broaden` conserves.
    docs/method.md compares spectra with by="mean", window=RMS_WINDOW.
    Raises DataError naming the spectra whose scale is not positive, and for an unknown `by`.
    """
    energy, step, intensity = _checked(energy, intensity)
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
    return intensity / scale[..., None]


def shift(energy, intensity, by, *, grid=None, fill=np.nan):
    """Spectra moved up by `by` eV, on the same grid or another uniform one, `(..., energy of the grid)`.

    by is a scalar or an array that broadcasts with the leading axes; a NaN (zero of energy unknown) gives a NaN
    spectrum. fill is the value outside the data: NaN because nothing is known there and plots leave a gap; pass 0.0
    where a sum is wanted. Local interpolation by polynomials through ten points: exact on grid points, error about 1e-4
    of the peak for a Lorentzian of 0.4 eV half width on steps of 0.1 eV. A coarser grid does not smooth: broaden first.
    A NaN in the data also blanks the five points on either side.
    Raises DataError for a grid that is not uniform or data of fewer than ten points.
    """
    energy, step, intensity = _checked(energy, intensity)
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


def first_peak(energy, intensity, edge, *, prominence=0.05):
    """Energy in eV of the first peak above the edge, `(...)`; NaN if there is none.

    The first local maximum above edge (eV, scalar or per spectrum) that stands out on both sides by at least prominence
    times the maximum above the edge (topographic prominence), refined by a parabola through three points.
    Raises DataError for a prominence that is not positive.
    """
    energy, step, intensity = _checked(energy, intensity)
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
    energy, step, intensity = _checked(energy, intensity)
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


def _checked(energy, intensity):
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


def _width(width, what):
    """A broadening width as an array; DataError if negative or undefined."""
    width = np.asarray(width, float)
    if not np.all(width >= 0) or not np.all(np.isfinite(width)):
        raise DataError(f"The {what} width must be zero or positive. Give it in eV as a full width at half maximum.")
    return width


def _frequencies(size, step):
    """Angular frequencies (1/eV) of the cosine transform of a window of `size` points."""
    return np.pi * np.arange(size + 1) / (size * step)


def _gaussian(fwhm, frequency):
    """Fourier transform of a Gaussian, `(..., frequency)`."""
    sigma = _width(fwhm, "Gaussian")[..., None] / np.sqrt(8 * np.log(2))
    return np.exp(-0.5 * (sigma * frequency) ** 2)


def _to_cosines(intensity):
    """Fourier transform of spectra followed by their mirror image."""
    return np.fft.rfft(np.concatenate([intensity, intensity[..., ::-1]], axis=-1))


def _from_cosines(spectrum):
    """Inverse of `_to_cosines`."""
    size = spectrum.shape[-1] - 1
    return np.fft.irfft(spectrum, 2 * size)[..., :size]


def _weight(fraction, k):
    """Lagrange weight of the point k for a position `fraction` above point 0."""
    return math.prod((fraction - j) / (k - j) for j in _TAPS if j != k)


def _fit(index, lead, size):
    """Indices clipped into an axis of that size and broadcast over the leading axes."""
    return np.broadcast_to(np.clip(index, 0, size - 1), lead + index.shape[-1:])


def _vertex(energy, step, intensity, index):
    """Vertex in eV of the parabola through the points around index `(...)`; the grid point itself at the ends."""
    inner = np.clip(index, 1, energy.size - 2)
    left, middle, right = np.moveaxis(np.take_along_axis(intensity, inner[..., None] + np.arange(-1, 2), -1), -1, 0)
    curvature = left - 2 * middle + right
    offset = np.divide(0.5 * (left - right), curvature, out=np.zeros_like(curvature), where=curvature != 0)
    return energy[index] + step * np.where(inner == index, offset, 0.0)
