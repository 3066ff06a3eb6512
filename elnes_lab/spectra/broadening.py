"""Broadening of spectra: Gaussian, Lorentzian, Voigt, and lifetimes that shorten with the energy above the edge.

On top of `broaden` and `broaden_lifetime`, which take widths, `Broadening` is a choice with a name: what an instrument and
the life of the final state add to a stored spectrum.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .grid import checked, listed_rows

# Width (FWHM, eV) that the stored spectra already carry: the Lorentzian of 0.4 eV half width in docs/method.md.
STORED_LORENTZIAN_FWHM = 0.8
# Natural width (FWHM, eV) of the O 1s level: Nicolas and Miron, J. Electron Spectrosc. 185, 267 (2012).
CORE_HOLE_FWHM = 0.15
# Final-state width (eV per eV above the first empty level): Weijs et al., Phys. Rev. B 41, 11899 (1990), as in OptaDOS.
LIFETIME_SLOPE = 0.1
# Energy resolution (FWHM of the zero-loss peak, eV) of electron energy-loss spectra by the source of the electrons, as it is
# met in practice: the spread of the source (cold field emission above 0.25 eV, Schottky above 0.5 eV, thermionic above 1 eV:
# Kimoto et al., Micron 36, 185 (2005)) with some tenths of an eV for spectrometer and high tension. Typically 1 eV, towards 0.1 eV
# with a monochromator: Egerton, Rep. Prog. Phys. 72, 016502 (2009), abstract.
INSTRUMENTS = {"monochromated": 0.1, "cold field emission": 0.4, "Schottky": 0.8, "thermionic": 1.5}


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
    energy, step, intensity = checked(energy, intensity)
    frequency = _frequencies(energy.size, step)
    lorentzian = 0.5 * _width(lorentzian_fwhm, "Lorentzian")[..., None]
    return _from_cosines(_to_cosines(intensity) * np.exp(-lorentzian * frequency) * _gaussian(gaussian_fwhm, frequency))


def broaden_lifetime(
    energy,
    intensity,
    onset,
    *,
    core_hole_fwhm=CORE_HOLE_FWHM,
    slope=LIFETIME_SLOPE,
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
    Linear final-state width with slope `LIFETIME_SLOPE`: Weijs et al., Phys. Rev. B 41, 11899 (1990), as in OptaDOS (Nicholls et
    al., J. Phys. Conf. Ser. 371, 012062 (2012)), which also takes the width at the energy of the final state: so the
    area is conserved.
    """
    energy, step, intensity = checked(energy, intensity)
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


@dataclass(frozen=True)
class Broadening:
    """What is added to the width that a stored spectrum has (`STORED_LORENTZIAN_FWHM`).

    gaussian: FWHM in eV of the instrument, such as one of `INSTRUMENTS`. lorentzian: FWHM in eV, the same at all energies.
    slope: eV by which the width of the final state grows per eV above the first empty level, `LIFETIME_SLOPE` in the
    literature; the level's own width is then that of the O 1s hole, `CORE_HOLE_FWHM`, and what the stored spectrum carries
    already counts once: the widths differ from it from 6.5 eV above the edge on. In an insulator an electron below one band
    gap above the edge can excite no other, so that there the linear law is an upper bound.
    Raises DataError for a width that is negative or undefined.
    """

    gaussian: float = 0.0
    lorentzian: float = 0.0
    slope: float = 0.0

    def __post_init__(self):
        for name, value in (("Gaussian", self.gaussian), ("Lorentzian", self.lorentzian), ("final-state", self.slope)):
            _width(value, name)

    @classmethod
    def of(cls, value):
        """The Broadening itself, or the one with a Gaussian whose FWHM in eV is the number `value`."""
        return value if isinstance(value, cls) else cls(gaussian=float(value))

    def __bool__(self):
        return bool(self.gaussian or self.lorentzian or self.slope)

    def __str__(self):
        """What is added, in words; an empty text for nothing."""
        parts = []
        if self.slope:
            parts.append(
                f"lifetimes: {CORE_HOLE_FWHM + self.lorentzian:g} eV and {self.slope:g} eV per eV above the first empty level, "
                f"where that is more than {STORED_LORENTZIAN_FWHM:g} eV, full width at half maximum"
            )
        elif self.lorentzian:
            parts.append(f"a Lorentzian of {self.lorentzian:g} eV full width at half maximum")
        if self.gaussian:
            parts.append(f"a Gaussian of {self.gaussian:g} eV full width at half maximum")
        return ", then ".join(parts)

    @property
    def short(self):
        """The same in a few words, for a title."""
        parts = [f"{self.gaussian:g} eV Gaussian"] if self.gaussian else []
        parts += [f"{self.lorentzian:g} eV Lorentzian"] if self.lorentzian else []
        return " and ".join([*parts, *(["lifetime"] if self.slope else [])])

    def spectra(self, energy, intensity, onset):
        """Stored spectra `(..., energy)` with it; onset `(...)`: first empty level in eV on the energy axis given."""
        if self.slope:
            return broaden_lifetime(
                energy,
                intensity,
                onset,
                core_hole_fwhm=CORE_HOLE_FWHM + self.lorentzian,
                slope=self.slope,
                gaussian_fwhm=self.gaussian,
                present_fwhm=STORED_LORENTZIAN_FWHM,
            )
        return self.states(energy, intensity)

    def states(self, energy, density):
        """Densities of states `(..., energy)` with its Gaussian and its Lorentzian; they are no final states that decay."""
        if not (self.gaussian or self.lorentzian):
            return density
        return broaden(energy, density, gaussian_fwhm=self.gaussian, lorentzian_fwhm=self.lorentzian)
