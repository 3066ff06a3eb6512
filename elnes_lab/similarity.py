"""How alike two spectra are: measures of pairs on one grid, in pure NumPy.

a and b are `(..., energy)`; the leading axes broadcast and the result has their shape, so one spectrum against all is
`mse(one, all)`. Normalize both alike and cut both to one window first (`spectra.normalize`, `spectra.cut`): the rms of
docs/method.md is that of spectra of mean 1 over 3 to 35 eV. A NaN in a spectrum makes the result NaN, and spectra that do
not fit together raise DataError.
"""

import numpy as np

from elnes_lab.errors import DataError
from elnes_lab.spectra import grid_step, peak_position


def mse(a, b):
    """Mean square difference, `(...)`, in the square of the intensity's unit; 0 for equal spectra."""
    a, b = _pair(a, b)
    return ((a - b) ** 2).mean(axis=-1)


def rms(a, b):
    """Root mean square difference, `(...)`, in the intensity's unit; 0 for equal spectra."""
    return np.sqrt(mse(a, b))


def cosine(a, b):
    """Cosine of the angle between two spectra, `(...)`, -1 to 1, blind to scale; NaN if one is all zero."""
    a, b = _pair(a, b)
    return (_unit(a) * _unit(b)).sum(axis=-1)


def pearson(a, b):
    """Pearson's correlation, `(...)`, -1 to 1, blind to scale and offset; NaN if one spectrum is constant."""
    a, b = _pair(a, b)
    return (_unit(_centered(a)) * _unit(_centered(b))).sum(axis=-1)


def spearman(a, b):
    """Spearman's rank correlation, `(...)`, -1 to 1, blind to any increasing change of scale; ties share their rank."""
    a, b = _pair(a, b)
    return pearson(_ranks(a), _ranks(b))


def wasserstein(energy, a, b):
    """Earth mover's distance, `(...)`, in eV: how far intensity moves, on average, to turn a into b.

    Both count as distributions of area 1; negative values (rounding, noise) count as 0. In one dimension the distance
    is the area between the cumulative distributions: Vallender, Theory Probab. Appl. 18, 784 (1974).
    Raises DataError for a spectrum without positive intensity.
    """
    a, b = _pair(a, b)
    step = grid_step(energy)
    if len(energy) != a.shape[-1]:
        raise DataError(f"There are {len(energy)} energies for spectra of {a.shape[-1]} points. Cut them alike.")
    return step * np.abs(np.cumsum(_distribution(a), axis=-1) - np.cumsum(_distribution(b), axis=-1)).sum(axis=-1)


def share(a, b):
    """Area that two spectra of area 1 have in common, `(...)`, 0 (apart) to 1 (equal); negative values count as 0.

    Raises DataError for a spectrum without positive intensity.
    """
    a, b = _pair(a, b)
    return np.minimum(_distribution(a), _distribution(b)).sum(axis=-1)


def peak_position_error(energy, a, b, *, window=None):
    """Position of b's highest peak minus that of a, `(...)`, in eV, within window = (low, high) eV."""
    a, b = _pair(a, b)
    return peak_position(energy, b, window=window) - peak_position(energy, a, window=window)


def _pair(a, b):
    """Both as float arrays; DataError unless they share the energy axis and broadcast."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    try:
        np.broadcast_shapes(a.shape, b.shape)
        fits = a.ndim > 0 and b.ndim > 0 and a.shape[-1] == b.shape[-1] > 0
    except ValueError:
        fits = False
    if not fits:
        raise DataError(
            f"Spectra of the shapes {a.shape} and {b.shape} cannot be compared. Bring them onto one energy "
            "grid, and give as many of one as of the other, or a single one."
        )
    return a, b


def _unit(x):
    """Spectra divided by their Euclidean norm; NaN where that is zero."""
    x = x / np.maximum(np.abs(x).max(axis=-1, keepdims=True), np.finfo(float).tiny)  # squares must not underflow
    norm = np.sqrt((x**2).sum(axis=-1, keepdims=True))
    return np.divide(x, norm, out=np.full_like(x, np.nan), where=norm != 0)


def _centered(x):
    """Spectra less their mean: exactly zero for a constant, whatever the rounding."""
    return np.where(np.ptp(x, axis=-1, keepdims=True) == 0, 0.0, x - x.mean(axis=-1, keepdims=True))


def _ranks(x):
    """Ranks along the last axis, equal values sharing their mean rank; NaN throughout a spectrum with a NaN."""
    order = np.argsort(x, axis=-1)
    ordered = np.take_along_axis(x, order, axis=-1)
    place = np.arange(x.shape[-1])
    differs = np.diff(ordered, axis=-1) != 0
    edge = np.ones(x.shape[:-1] + (1,), bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=-1), place, 0), axis=-1)
    last = np.where(np.concatenate([differs, edge], axis=-1), place, place[-1])
    last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, (first + last) / 2, axis=-1)
    return np.where(np.isnan(x).any(axis=-1, keepdims=True), np.nan, ranks)


def _distribution(x):
    """Spectra without negative values and of sum 1; DataError where the sum is zero."""
    x = np.where(x < 0, 0.0, x)
    total = x.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        raise DataError(
            f"{int((total == 0).sum())} of the spectra to compare have no positive intensity. "
            "Choose another window or leave those spectra out."
        )
    return x / total
