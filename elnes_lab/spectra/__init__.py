"""Energy grids, broadening, normalization, shifting, alignment, peaks and averages of spectra, in pure NumPy.

Arrays are `(..., energy)`: every function works on all leading axes at once. Energies are in eV and lie on one uniform,
ascending grid per call; the intensity's unit is carried through.
"""

from .broadening import (
    CORE_HOLE_FWHM,
    INSTRUMENTS,
    LIFETIME_SLOPE,
    STORED_LORENTZIAN_FWHM,
    Broadening,
    broaden,
    broaden_lifetime,
)
from .grid import cut, grid_step, listed_rows, make_grid
from .peaks import centroid, first_peak, half_height, peak_position
from .scales import (
    ENERGY_TITLES,
    EXPERIMENTAL_OFFSET,
    RMS_WINDOW,
    group_average,
    magnitude,
    normalize,
    shift,
    shift_together,
    zero_shift,
)

__all__ = [
    "CORE_HOLE_FWHM",
    "ENERGY_TITLES",
    "EXPERIMENTAL_OFFSET",
    "INSTRUMENTS",
    "LIFETIME_SLOPE",
    "RMS_WINDOW",
    "STORED_LORENTZIAN_FWHM",
    "Broadening",
    "broaden",
    "broaden_lifetime",
    "centroid",
    "cut",
    "first_peak",
    "grid_step",
    "group_average",
    "half_height",
    "listed_rows",
    "magnitude",
    "make_grid",
    "normalize",
    "peak_position",
    "shift",
    "shift_together",
    "zero_shift",
]
