"""The recursion against dense diagonalization of the same generalized problem, and the sum rules of the continued
fraction."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh

from elnes_lab.sources.qe import core_hole
from elnes_lab.sources.qe.hamiltonian import CoreHole, coarser, gaunt, plane_waves, real_harmonics
from elnes_lab.sources.qe.recursion import dipole_strength, recursions, strength_of_states
from elnes_lab.sources.qe.settings import RYDBERG, Settings

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


def test_the_screened_coefficients_are_the_integrals_of_potential_and_augmentation(pseudos):
    """Summed here over every component of the potential; there over half of them, as it is real."""
    one = hole(pseudos, 1)
    n, atom, pseudo = one.potential.shape, 1, pseudos["Oh"]
    v = np.fft.fftn(one.potential) / one.potential.size
    m = np.stack(np.meshgrid(*[np.fft.fftfreq(k, 1 / k).astype(int) for k in n], indexing="ij"), -1).reshape(-1, 3)
    g = m @ one.reciprocal
    keep = (g**2).sum(1) < 4 * one.cutoff
    m, g, v = m[keep], g[keep], v.reshape(-1)[keep]
    q, y = np.linalg.norm(g, axis=1), real_harmonics(g)
    wanted = np.zeros((len(pseudo.rows), len(pseudo.rows)))
    for i, (bi, li) in enumerate(pseudo.rows):
        for j, (bj, lj) in enumerate(pseudo.rows):
            wanted[i, j] = pseudo.d0[bi, bj] if li == lj else 0
            for (a, b, l), f in pseudo.qfunc.items():
                if (a, b) != (min(bi, bj), max(bi, bj)):
                    continue
                radial = pseudo.bessel(f, l, 2.1 * np.sqrt(one.cutoff))(q)
                for lm in range(l * l, (l + 1) ** 2):
                    wave = 4 * np.pi * (-1j) ** l * radial * y[lm] * np.exp(-2j * np.pi * m @ POSITIONS[atom])
                    wanted[i, j] += gaunt()[lm, li, lj] * (v.conj() @ wave).real
    assert one.blocks()[atom][0] == pytest.approx(wanted, abs=1e-10 * np.abs(wanted).max())


def test_a_coarser_grid_keeps_the_low_components_and_the_spectrum():
    """A potential of components that both grids resolve is the same function on them; higher ones are cut off."""
    n = (20, 24, 18)
    wave = lambda size, h: np.cos(
        2 * np.pi * sum(k * x for k, x in zip(h, np.ix_(*[np.arange(s) / s for s in size]))) + sum(h)
    )
    low, high = [(1, 2, 3), (-4, 5, 0), (6, -6, 5)], [(9, 0, 0), (2, 11, -8)]
    potential = sum(wave(n, h) for h in (*low, *high))
    found = coarser(potential, 0.75, (3, 3, 3))
    assert found.shape == (15, 18, 14) and found == pytest.approx(sum(wave(found.shape, h) for h in low), abs=1e-12)
    assert coarser(potential, 1.0, (3, 3, 3)) is potential
    assert coarser(potential, 0.5, (17, 3, 3)).shape[0] >= 17, "the plane waves must fit"


def test_three_quarters_of_the_grid_give_the_same_spectrum(pseudos):
    """The potential's components fit on both grids, and a product's that do not come back onto no plane wave."""
    energy, found = np.linspace(-30, 120, 301), []
    for share in (1.0, 0.75):
        one = hole(pseudos, 1)
        one.grid = share
        a, b, norm = recursions([one], K, 40)
        found.append(dipole_strength(a[0, :, 1], b[0, :, 1], norm[0, 1], energy, hwhm=6.0, occupied=-np.inf))
    assert found[1] == pytest.approx(found[0], abs=1e-6 * found[0].max())


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


def test_densities_of_one_lattice_by_other_vectors_never_share_a_cell(planned, monkeypatch):
    """Potentials are on the grid of their own vectors: two versions may have reduced the same supercell differently."""
    structure, seen = planned["LAU"], []
    matrices = [np.array([[0, -1, 1], [1, 0, 1], [0, 1, 1]]), np.array([[-1, 0, -1], [0, 1, -1], [0, -1, -1]])]
    densities = [
        {"site": site, "supercell": matrices[k], "homo": 0.0, "lumo": 6.0, "potential": k}
        for site, k in ((12, 0), (16, 1), (18, 0))
    ]
    monkeypatch.setattr(
        core_hole, "CoreHole", lambda cell, species, at, kinds, site, core, v, **_: seen.append((site, v, cell))
    )
    monkeypatch.setattr(core_hole, "special_points", lambda cell, tolerance: (np.empty((0, 3)), 0.0))
    for name in ("check_convergence", "check_strength"):
        monkeypatch.setattr(core_hole.checks, name, lambda *values: None)
    pseudos = SimpleNamespace(kinds={"Oh": SimpleNamespace(core=None), "O": SimpleNamespace(core=None)})
    rows = core_hole.spectra(structure, densities, Settings(), pseudos)
    assert [row["site"] for row in rows] == [12, 16, 18]
    assert sorted(site for site, *_ in seen) == [12, 16, 18]
    for _, v, cell in seen:
        assert cell == pytest.approx(matrices[v] @ structure.cell)
