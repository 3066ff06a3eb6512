"""One spectrum of the database laid over a measured one: shift, scale and broadening, fitted or by hand."""

from dataclasses import dataclass

import numpy as np

from ..spectra import broaden
from .matching import STEP, Library, scale_of, window_of

WIDEST = 3.0  # eV of Gaussian FWHM


@dataclass(frozen=True)
class Overlay:
    """energy (w,) eV, measured (w,) of mean 1, computed (w,) = scale * the database's spectrum, moved and broadened.

    shift and fwhm in eV; rms: of the residual, in units of the mean of the measured spectrum; parts: (name, curve, share) of a
    mixture, or empty.
    """

    label: str
    energy: np.ndarray
    measured: np.ndarray
    computed: np.ndarray
    shift: float
    scale: float
    fwhm: float
    parts: tuple = ()

    @property
    def residual(self):
        return self.measured - self.computed

    @property
    def rms(self):
        return float(np.sqrt(np.mean(self.residual**2)))

    def record(self):
        """Numbers for an export."""
        return {
            "label": self.label,
            "shift_eV": round(self.shift, 4),
            "scale": self.scale,
            "fwhm_eV": round(self.fwhm, 4),
            "rms_residual": self.rms,
        }


def overlay(
    energy,
    intensity,
    library: Library,
    label: str,
    *,
    shift: float,
    fwhm: float,
    scale: float | None = None,
    within: float = 1.0,
) -> Overlay:
    """A spectrum of a library with a shift and a broadening (eV) over a measured one; scale None: the one that fits best."""
    row = library.find(label)
    grid, values, _ = window_of(energy, intensity, library, within, None)
    values = values / values.mean()
    computed = np.interp(grid - shift, library.energy, broaden(library.energy, library.raw[row], gaussian_fwhm=fwhm))
    factor = scale_of(values, computed) if scale is None else float(scale)
    return Overlay(label, grid, values, factor * computed, float(shift), factor, float(fwhm))


def fit(energy, intensity, library: Library, label: str, *, within: float = 1.0) -> Overlay:
    """The overlay with the shift (within ±`within` eV) and the broadening (up to 3 eV) of the least residual."""
    from scipy.optimize import minimize

    row = library.find(label)
    grid, values, _ = window_of(energy, intensity, library, within, None)
    values = values / values.mean()
    widths = np.arange(0, WIDEST + 0.01, 0.25)
    curves = broaden(library.energy, library.raw[row][None], gaussian_fwhm=widths)
    shifts = np.arange(-round(within / STEP), round(within / STEP) + 1) * STEP

    def residual(curve, by):
        computed = np.interp(grid - by, library.energy, curve)
        return float(np.mean((values - scale_of(values, computed) * computed) ** 2))

    coarse = np.array([[residual(curve, by) for by in shifts] for curve in curves])
    k, j = np.unravel_index(coarse.argmin(), coarse.shape)

    def smooth(p):
        return residual(broaden(library.energy, library.raw[row], gaussian_fwhm=abs(p[1])), p[0])

    found = minimize(
        smooth,
        (shifts[j], widths[k]),
        method="Nelder-Mead",
        bounds=[(-within, within), (0, WIDEST)],
        options={
            "xatol": 0.002,
            "fatol": 1e-9,
            "maxiter": 120,
            "initial_simplex": [(shifts[j], widths[k]), (shifts[j] + 0.05, widths[k]), (shifts[j], widths[k] + 0.1)],
        },
    )
    return overlay(
        energy,
        intensity,
        library,
        label,
        shift=float(np.clip(found.x[0], -within, within)),
        fwhm=float(np.clip(found.x[1], 0, WIDEST)),
        within=within,
    )
