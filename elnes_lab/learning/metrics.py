"""How good a predicted spectrum is: one number per site and measure, before any averaging.

The figure of merit is the MSE per spectrum of spectra normalized to mean 1 in the target window, that of Kiyohara,
Tsubaki and Mizoguchi, npj Comput. Mater. 6, 68 (2020). The reference has noise of its own, which no model can be asked
to beat: one crystal computed in two supercells (`reference.study_twins`).
"""

import numpy as np

from .. import similarity, spectra
from ..errors import DataError
from ..spectra import make_grid

# Half of the MSE between twins in different supercells, counted from their half heights: lowest and highest but one of
# twelve pairs (docs/learning.md, "The noise of the reference"). Half, as both of a pair are noisy.
REFERENCE_MSE = (0.0023, 0.0064)
PROMINENCE = 0.05  # of the highest point: less is no peak
EDGE_WINDOW = (-2.0, 15.0)  # eV above the conduction-band edge: where PDOS and ELNES are both known
EDGE_WIDTH = 4.0  # eV above it: the exciton peak and its shoulder
MEASURES = ("mse", "cosine", "peak_error", "peaks_05", "peaks_10")


def mse(dataset, predicted) -> np.ndarray:
    """The first of `measures` alone, (n,): without peaks, whose search imports 50 MB of SciPy."""
    return _mean(similarity.mse(*_curves(dataset, predicted)))


def measures(dataset, predicted) -> dict[str, np.ndarray]:
    """Measures (n,) of predicted targets (n, curves * m) against those of a dataset; of three polarizations, their
    mean.

    mse in the square of the target's unit; cosine; peak_error: eV between the highest peaks; peaks_05, peaks_10:
    share of the reference's peaks that have a predicted peak within 0.5 and 1 eV, NaN if it has none.
    """
    reference, predicted = _curves(dataset, predicted)
    energy = dataset.target_energy
    found = {
        "mse": similarity.mse(reference, predicted),
        "cosine": similarity.cosine(reference, predicted),
        "peak_error": np.abs(similarity.peak_position_error(energy, reference, predicted)),
        "peaks_05": matched(energy, reference, predicted, 0.5),
        "peaks_10": matched(energy, reference, predicted, 1.0),
    }
    return {name: _mean(values) for name, values in found.items()}


def matched(energy, reference, predicted, within: float) -> np.ndarray:
    """Share of the peaks of reference (..., m) that have a peak of predicted (..., m) within some eV, shape (...)."""
    lead = reference.shape[:-1]
    shares = [
        _share(energy[peaks(a)], energy[peaks(b)], within)
        for a, b in zip(reference.reshape(-1, energy.size), predicted.reshape(-1, energy.size))
    ]
    return np.array(shares).reshape(lead)


def peaks(curve) -> np.ndarray:
    """Indices of the local maxima that stand out by `PROMINENCE` of the highest point."""
    from scipy.signal import find_peaks

    return find_peaks(curve, prominence=PROMINENCE * max(curve.max(), np.finfo(float).tiny))[0]


def edge_weight(energy, curves) -> np.ndarray:
    """Share (...) of the intensity in `EDGE_WINDOW` that lies in the first `EDGE_WIDTH` eV above the edge, 0 to 1.

    energy (m,) counts from the conduction-band edge. The core hole draws intensity to the edge: this share, less that
    of the ground-state PDOS, measures how much. Raises DataError if the axis does not cover the window.
    """
    if energy[0] > EDGE_WINDOW[0] + 0.2 or energy[-1] < EDGE_WINDOW[1] - 0.2:
        raise DataError(
            f"The core-hole effect is measured from {EDGE_WINDOW[0]:g} to {EDGE_WINDOW[1]:g} eV above the edge, but "
            f"the spectra run from {energy[0]:.1f} to {energy[-1]:.1f} eV. Widen the target's window."
        )
    inside = (energy >= EDGE_WINDOW[0]) & (energy <= EDGE_WINDOW[1])
    first = inside & (energy <= EDGE_WIDTH)
    return curves[..., first].sum(-1) / curves[..., inside].sum(-1)


def exciton(energy, curves) -> tuple[np.ndarray, np.ndarray]:
    """Position (...) in eV above the edge and height (...) of the highest point of the first `EDGE_WIDTH` + 2 eV."""
    window = (EDGE_WINDOW[0], EDGE_WIDTH + 2)
    part = spectra.cut(energy, curves, window)[1]
    return spectra.peak_position(energy, curves, window=window), part.max(-1)


def ground_state(db, energy, fwhm: float = 0.0) -> np.ndarray:
    """The spectrum without a core hole, up to matrix elements: O p PDOS (n, m) at energy (m,) above the
    conduction-band edge, with the Lorentzian width of the stored spectra and a Gaussian fwhm more, states/eV/atom.

    Where the PDOS is cut off (`pdos_top`) it is NaN.
    """
    values = db.pdos[:, db.channels.index("O p")].astype(float)
    values = spectra.broaden(db.pdos_energy, values, lorentzian_fwhm=spectra.STORED_LORENTZIAN_FWHM, gaussian_fwhm=fwhm)
    gap, step = db["band_gap"].astype(float), energy[1] - energy[0]
    fine = make_grid(energy[0] - step / 2 + 0.05, energy[-1] + step / 2, 0.1)
    moved = spectra.shift(db.pdos_energy, values, -gap, grid=fine)
    curves = np.stack([np.interp(energy, fine, row) for row in moved])
    return np.where(energy <= (db["pdos_top"] - gap)[:, None], curves, np.nan)


def _curves(dataset, predicted):
    """Reference and predicted spectra (n, curves, m)."""
    shape = len(dataset), -1, dataset.target_energy.size
    return tuple(np.asarray(x, float).reshape(shape) for x in (dataset.targets, predicted))


def _share(wanted, found, within: float) -> float:
    if not len(wanted):
        return np.nan
    return float((np.abs(wanted[:, None] - found).min(axis=1, initial=np.inf) <= within + 1e-9).mean())


def _mean(values) -> np.ndarray:
    """Mean over polarizations of what is defined; NaN where nothing is."""
    known = np.isfinite(values)
    return np.divide(
        np.where(known, values, 0).sum(axis=1),
        known.sum(axis=1),
        out=np.full(len(values), np.nan),
        where=known.any(axis=1),
    )
