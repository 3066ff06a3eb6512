"""What one strong, local potential does to a density of states: the Koster-Slater response, NumPy only.

A core hole is, for the states of its own atom, a potential U that acts on one orbital. With the Green's function G of
that orbital in the ground state, whose density is -Im G / pi, the orbital with the potential has G / (1 - U G):
Koster and Slater, Phys. Rev. 95, 1167 (1954). An attractive U moves weight to the edge, as a core hole does; U = 0
gives the density back, and the integral over all energies stays.

>>> response(energy, density, strength=-20.0)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

WIDTH = 0.4  # eV, half width of the Lorentzian: that of the stored spectra


@lru_cache(maxsize=8)
def hilbert(start: float, step: float, count: int, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (count, count), float32, from a density on an even grid to the real part of G and to -Im G / pi.

    Row i holds the integrals of 1 / (E - E' + i width) over the steps around each E'.
    """
    energy = start + step * np.arange(count)
    apart = energy[:, None] - energy + 1j * width
    whole = np.log(apart + step / 2) - np.log(apart - step / 2)
    return whole.real.astype(np.float32), (-whole.imag / np.pi).astype(np.float32)


def green(energy, density, width: float = WIDTH, *, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Real part of G and -Im G / pi, both (..., e - start), of densities (..., e), states/eV, on an even axis (e,) in
    eV, from its point number `start` on.

    G(E) is the integral of density(E') / (E - E' + i width); what lies outside the axis is taken as 0.
    """
    energy = np.asarray(energy, float)
    step = (energy[-1] - energy[0]) / (len(energy) - 1)
    real, imaginary = hilbert(round(float(energy[0]), 6), round(float(step), 9), len(energy), float(width))
    rows = np.asarray(density, np.float32).reshape(-1, len(energy))  # one product of matrices, not many small ones
    shape = *np.shape(density)[:-1], len(energy) - start
    return tuple((rows @ matrix[start:].T).reshape(shape) for matrix in (real, imaginary))


def response(energy, density, strength: float, width: float = WIDTH, *, parts=None) -> np.ndarray:
    """-Im[G / (1 - U G)] / pi, (..., e): the density with a potential U = strength, eV per state, on its orbital.

    parts: what `green` gave, if it is known already.
    """
    real, density = green(energy, density, width) if parts is None else parts
    return density / ((1 - strength * real) ** 2 + (np.pi * strength * density) ** 2)
