"""The recursion against dense diagonalization of the same generalized problem, and the sum rules of the continued
fraction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh

from elnes_lab.sources.qe.hamiltonian import CoreHole, gaunt, plane_waves, real_harmonics
from elnes_lab.sources.qe.recursion import dipole_strength, recursions, strength_of_states
from elnes_lab.sources.qe.settings import RYDBERG

CELL = np.array([[3.1, 0.0, 0.2], [0.4, 2.9, 0.0], [0.0, -0.3, 3.3]])
SPECIES, POSITIONS = ["Si", "O", "O"], np.array([[0.02, 0.1, 0.0], [0.5, 0.45, 0.2], [0.1, 0.6, 0.7]])
K = np.array([0.125, 0.0, 0.375])


def hole(pseudos, absorber: int, dtype=np.complex128) -> CoreHole:
    """A skewed cell with three atoms in a smooth potential without any symmetry."""
    n = (18, 16, 20)
    grid = np.stack(np.meshgrid(*[np.arange(k) / k for k in n], indexing="ij"))
    potential = -0.6 + sum(
        0.2 / (1 + sum(h)) * np.cos(2 * np.pi * np.tensordot(h, grid, 1) + sum(h)) for h in np.ndindex(3, 3, 3)
    )
    species = ["Oh" if i == absorber else s for i, s in enumerate(SPECIES)]
    return CoreHole(CELL, species, POSITIONS, pseudos, absorber, pseudos["Oh"].core, potential, cutoff=5.0, dtype=dtype)


def dense(hole: CoreHole):
    """H, S (n, n) and starting vectors (3, n) over the plane waves at K, written down term by term."""
    m, q, form, phase = plane_waves(hole, K)
    v = np.fft.fftn(hole.potential) / hole.potential.size
    difference = (m[:, None] - m[None]) % hole.potential.shape
    h = np.diag(q**2).astype(complex) + v[tuple(np.moveaxis(difference, -1, 0))]
    s = np.eye(len(m), dtype=complex)
    for atom, (d, overlap) in hole.blocks().items():
        beta = form[hole.species[atom]] * phase(atom)
        h += beta.T @ d @ beta.conj()
        s += beta.T @ overlap @ beta.conj()
    return h, s, form["start"] * phase(hole.absorber)


@pytest.mark.parametrize("absorbers", [[1], [1, 2]])
def test_recursion_gives_the_spectrum_of_dense_diagonalization(pseudos, absorbers):
    """|<f|u>|^2 over all states, also when two core holes share the passes."""
    holes = [hole(pseudos, i) for i in absorbers]
    energy, hwhm = np.linspace(-30, 120, 301), 2.0
    sizes = len(plane_waves(holes[0], K)[0])
    a, b, norm = recursions(holes, K, iterations=min(sizes, 160))
    for i, one in enumerate(holes):
        h, s, start = dense(one)
        assert np.abs(h - h.conj().T).max() < 1e-10 and eigh(s, eigvals_only=True).min() > 0.05
        level, states = eigh(h, s)
        weight = np.abs(start.conj() @ states) ** 2
        assert norm[i] ** 2 == pytest.approx(weight.sum(1), rel=1e-8)
        assert a[i, 0] == pytest.approx((weight @ level) / weight.sum(1), rel=1e-8)
        middle = RYDBERG * (level[2] + level[3]) / 2
        for axis in range(3):
            above = RYDBERG * level > middle
            lorentzian = hwhm / np.pi / ((energy[:, None] - RYDBERG * level[above]) ** 2 + hwhm**2)
            exact = lorentzian @ weight[axis, above]
            found = dipole_strength(a[i, :, axis], b[i, :, axis], norm[i, axis], energy, hwhm=hwhm, occupied=middle)
            assert found == pytest.approx(exact, abs=2e-3 * exact.max())


def test_single_precision_is_enough(pseudos):
    """The coefficients part after the first few (a Lanczos recursion forgets), the spectrum does not."""
    energy, found = np.linspace(-30, 120, 301), []
    for dtype in (np.complex128, np.complex64):
        a, b, norm = recursions([hole(pseudos, 1, dtype)], K, 40)
        found.append(
            (a[0, :8], norm[0], dipole_strength(a[0, :, 1], b[0, :, 1], norm[0, 1], energy, hwhm=6.0, occupied=-np.inf))
        )
    for exact, fast in zip(*found):
        assert fast == pytest.approx(exact, abs=1e-3 * np.abs(exact).max())


@settings(max_examples=15, deadline=None)
@given(st.integers(30, 80), st.integers(0, 10**6), st.floats(0.2, 3), st.floats(0.01, 5))
def test_the_spectrum_integrates_to_the_strength_of_the_states_left_in(steps, seed, hwhm, norm):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=steps), random.uniform(0.5, 1.5, steps)
    level = np.linalg.eigvalsh(np.diag(a) + np.diag(b[:-1], 1) + np.diag(b[:-1], -1)) * RYDBERG
    everything = strength_of_states(a, b, norm, occupied=-np.inf)
    assert everything == pytest.approx(norm**2)
    occupied = (level[steps // 3] + level[steps // 3 + 1]) / 2
    energy = np.arange(-4000, 4000, hwhm / 3)
    for limit in (-np.inf, occupied):
        spectrum = dipole_strength(a, b, norm, energy, hwhm=hwhm, occupied=limit)
        assert spectrum.sum() * hwhm / 3 == pytest.approx(strength_of_states(a, b, norm, occupied=limit), rel=5e-3)


def test_harmonics_are_orthonormal_and_their_products_are_the_table():
    t, w = np.polynomial.legendre.leggauss(12)
    cos, phi = np.meshgrid(t, np.arange(24) * np.pi / 12, indexing="ij")
    sin = np.sqrt(1 - cos**2)
    points, weight = (
        np.stack([sin * np.cos(phi), sin * np.sin(phi), cos], -1).reshape(-1, 3),
        np.repeat(w, 24) * np.pi / 12,
    )
    y = real_harmonics(points)
    assert (y * weight) @ y.T == pytest.approx(np.eye(9), abs=1e-12)
    other = np.random.default_rng(0).normal(size=(50, 3))
    z = real_harmonics(other)
    assert np.einsum("Lij,Lp->ijp", gaunt(), z) == pytest.approx(z[:4, None] * z[None, :4], abs=1e-12)
