"""A measured spectrum as a sum of structures' spectra with weights that are not negative."""

import numpy as np

from ..errors import DataError
from .fit import Overlay
from .matching import STEP, Library, window_of

LEAST = 0.03  # share below which a part is left out, and the rest fitted again
CAUTION = (
    "The shares are of oxygen atoms, if the computed strengths are right. Structures with much the same spectrum can stand "
    "for one another: a part that is named need not be in the specimen."
)


def mixture(energy, intensity, library: Library, *, within: float = 1.0, least: float = LEAST) -> Overlay:
    """The non-negative sum of a library's spectra, all with one shift within ±`within` eV, that is nearest to a measured one.

    Non-negative least squares (Lawson and Hanson, Solving Least Squares Problems, 1974) for every shift; parts with a share below
    `least` are then left out, one after the other, and the rest is fitted again. The parts of the Overlay: (label, curve (w,),
    share), largest first. Raises DataError if nothing fits, and what `match` raises about the window.
    """
    from scipy.optimize import nnls

    grid, values, _ = window_of(energy, intensity, library, within, None)
    values = values / values.mean()
    reach, first = int(round(within / STEP)), int(round((grid[0] - library.energy[0]) / STEP))
    # The reduced problem: with the triangular factor of all spectra in the place of the spectra, a shift costs a few milliseconds.
    best = None
    for by in range(-reach, reach + 1):
        part = library.curves[:, first - by : first - by + len(grid)]
        factor = np.linalg.qr(np.column_stack([part.T, values]), mode="r")
        weights, rest = nnls(factor[:, :-1], factor[:, -1], maxiter=20 * len(part))
        if best is None or rest < best[0]:
            best = rest, by, weights
    _, by, weights = best
    if not weights.any():
        raise DataError(
            "No sum of the database's spectra is like this one. Look at the background and at the calibration."
        )
    part = library.curves[:, first - by : first - by + len(grid)]
    while True:
        share = weights / weights.sum()
        small = np.flatnonzero((share > 0) & (share < least))
        if not len(small) or np.count_nonzero(weights) == 1:
            break
        kept = np.setdiff1d(np.flatnonzero(weights), small[share[small].argmin()])
        weights = np.zeros(len(share))
        weights[kept] = nnls(part[kept].T, values)[0]
    order = np.argsort(-weights)[: np.count_nonzero(weights)]
    parts = tuple((str(library.labels[i]), weights[i] * part[i], float(weights[i] / weights.sum())) for i in order)
    return Overlay("mixture", grid, values, weights @ part, float(by * STEP), float(weights.sum()), library.fwhm, parts)
