"""What an instrument and a sample do to a spectrum: shift, broadening, plural scattering, background, counted noise.

A quantifier is trained on spectra of the database treated so, and tested on them. Nothing here goes into the database.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ...spectra import broaden, shift

SHIFTS = (-0.5, 0.5)  # eV
WIDTHS = (0.3, 2.0)  # eV, FWHM of the Gaussian on top of the stored Lorentzian of 0.4 eV half width
COUNTS = (100.0, 10_000.0)  # in the maximum of the spectrum, per channel of 0.1 eV
# In training: who has learnt from noisier spectra errs less on noisy ones and no more on clear ones, and the noise of a
# background that was subtracted is like that of fewer counts.
TRAINED_COUNTS = (25.0, 5_000.0)
BACKGROUNDS = (-0.1, 0.1)  # remainder of the background just below the edge, in shares of the maximum
PLURALS = (0.0, 0.3)  # thickness in mean free paths that deconvolution left over
EXPONENT = 3.0  # of the power law of the background
ONSET = 532.0  # eV of energy loss, about the edge; only the slope of the power law hangs on it
PLASMON = (23.0, 17.0)  # eV: energy and FWHM of the plasmon of silica, as Drude's loss function


@dataclass(frozen=True, eq=False)
class Conditions:
    """Of n spectra: shift (n,) eV; fwhm (n,) eV, Gaussian; counts (n,) in the maximum, infinite for no noise;
    background (n,), share of the maximum just below the edge; plural (n,), mean free paths; subtracted (n,): background
    that was subtracted, just below the edge, in maxima of the spectrum: its noise stays."""

    shift: np.ndarray
    fwhm: np.ndarray
    counts: np.ndarray
    background: np.ndarray
    plural: np.ndarray
    subtracted: np.ndarray

    @classmethod
    def drawn(cls, n: int, random: np.random.Generator, counts: tuple[float, float] = COUNTS) -> Conditions:
        """n conditions spread over the whole range: counts evenly on a logarithmic scale, the rest evenly; nothing was
        subtracted."""
        even = lambda pair: random.uniform(*pair, n)
        return cls(
            even(SHIFTS), even(WIDTHS), np.exp(even(np.log(counts))), even(BACKGROUNDS), even(PLURALS), np.zeros(n)
        )

    @classmethod
    def constant(
        cls,
        n: int,
        *,
        shift=0.0,
        fwhm=0.0,
        counts=np.inf,
        background=0.0,
        plural=0.0,
        subtracted=0.0,
    ) -> Conditions:
        """The same for n spectra; by default as they are stored."""
        return cls(*(np.full(n, float(value)) for value in (shift, fwhm, counts, background, plural, subtracted)))

    def replaced(self, **values) -> Conditions:
        """With some of the conditions set to one number."""
        return dataclasses.replace(self, **{name: np.full(len(self.shift), float(v)) for name, v in values.items()})


def measured(energy, intensity, zero, conditions: Conditions, random: np.random.Generator | None = None) -> np.ndarray:
    """Spectra (n, m) on a uniform grid (m,) in eV as an instrument would record them, (n, m), maximum 1 before noise.

    zero (n,): the edge of each on that grid, eV. In this order: broadening, plural scattering (Poisson series of a
    plasmon of the low loss), shift, remainder of a power-law background of exponent 3, counted noise (normal, with the
    counts as its variance, those of the background that was subtracted among them, one at least). Raises DataError for
    conditions of another number and for noise without `random`.
    """
    energy, intensity = np.asarray(energy, float), np.atleast_2d(np.asarray(intensity, float))
    if len(conditions.shift) != len(intensity):
        raise DataError(
            f"There are {len(conditions.shift)} conditions for {len(intensity)} spectra. Give one for each."
        )
    noisy = np.isfinite(conditions.counts)
    if noisy.any() and random is None:
        raise DataError("Counted noise is drawn at random. Pass a numpy random generator.")
    curves = broaden(energy, intensity, gaussian_fwhm=conditions.fwhm)
    curves = plural_scattering(energy, curves, conditions.plural)
    moved = shift(energy, curves, conditions.shift)
    ends = np.where(conditions.shift[:, None] > 0, curves[:, :1], curves[:, -1:])
    curves = np.where(np.isfinite(moved), moved, ends)
    curves = curves / curves.max(1, keepdims=True)
    loss = np.maximum(energy - np.asarray(zero, float)[:, None] + ONSET, 1.0)
    power = (loss / ONSET) ** -EXPONENT
    curves = curves + conditions.background[:, None] * power
    if noisy.any():
        counts = conditions.counts[noisy, None]
        variance = (curves + conditions.subtracted[:, None] * power)[noisy] * counts
        curves[noisy] += random.normal(size=variance.shape) * np.sqrt(np.maximum(variance, 1.0)) / counts
    return curves


def plural_scattering(energy, intensity, thickness) -> np.ndarray:
    """Spectra (n, m) with plural scattering of thickness (n,), in inelastic mean free paths: (n, m).

    Convolution with the Poisson series of the low loss, up to two plasmons (Egerton, Electron Energy-Loss Spectroscopy,
    chapter 4); the plasmon is Drude's loss function of silica, normalized, so that `thickness` is the ratio of the
    first plasmon to the zero-loss peak.
    """
    step = energy[1] - energy[0]
    loss = step * np.arange(energy.size)
    centre, width = PLASMON
    single = loss * width / ((loss**2 - centre**2) ** 2 + (loss * width) ** 2)
    single /= single.sum()
    size = 2 * energy.size
    transform = np.fft.rfft(single, size)
    once = np.asarray(thickness, float)[:, None] * transform
    start = intensity[:, :1]  # zero below the edge: what lies there is not part of the edge
    spread = np.fft.irfft(np.fft.rfft(intensity - start, size) * (1 + once + once**2 / 2), size)
    return start + spread[:, : energy.size]
