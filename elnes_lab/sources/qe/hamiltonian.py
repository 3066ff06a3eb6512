"""The frozen Kohn-Sham Hamiltonian of a supercell with one core hole, from the potential that pp.x wrote. Rydberg and
bohr inside."""

import numpy as np
import scipy.fft

from .settings import BOHR
from .upf import Pseudopotential

XYZ = (2, 3, 1)  # rows of real_harmonics that are x, y, z


def real_harmonics(g: np.ndarray) -> np.ndarray:
    """Real spherical harmonics up to l = 2 at the vectors g (n, 3): shape (9, n); the index of l, m is l*l + m."""
    r = np.linalg.norm(g, axis=1)
    x, y, z = (g / np.maximum(r, 1e-12)[:, None]).T
    p, d = np.sqrt(3 / (4 * np.pi)), np.sqrt(15 / (4 * np.pi))
    out = np.array(
        [
            np.full(len(g), np.sqrt(1 / (4 * np.pi))),
            p * z,
            p * x,
            p * y,
            np.sqrt(5 / (16 * np.pi)) * (3 * z * z - 1),
            d * x * z,
            d * y * z,
            d / 2 * (x * x - y * y),
            d * x * y,
        ]
    )
    out[1:, r < 1e-12] = 0
    return out


def gaunt() -> np.ndarray:
    """Coefficients of Y_i Y_j = sum_L c[L, i, j] Y_L for i, j up to l = 1: shape (9, 4, 4)."""
    t, w = np.polynomial.legendre.leggauss(16)
    cos, phi = np.meshgrid(t, np.arange(32) * 2 * np.pi / 32, indexing="ij")
    sin = np.sqrt(1 - cos**2)
    y = real_harmonics(np.stack([sin * np.cos(phi), sin * np.sin(phi), cos], -1).reshape(-1, 3))
    return np.einsum("Lp,ip,jp,p->Lij", y, y[:4], y[:4], np.repeat(w, 32) * 2 * np.pi / 32)


class CoreHole:
    """One supercell with one core hole: potential, projectors, starting vectors.

    cell (3, 3) angstrom; species: a key of `pseudos` per atom, "Oh" the absorber's; positions (atoms, 3) fractional;
    potential (n1, n2, n3) Ry on the FFT grid; core: 1s radial function of the absorber on its mesh; cutoff: plane
    waves, Ry; grid: points along each axis over those of the potential, where it acts on plane waves; dtype: complex64
    is enough.
    """

    def __init__(
        self,
        cell,
        species,
        positions,
        pseudos: dict[str, Pseudopotential],
        absorber: int,
        core,
        potential,
        *,
        cutoff: float,
        grid: float = 1.0,
        dtype=np.complex64,
    ):
        self.cell, self.dtype, self.cutoff = np.array(cell) / BOHR, dtype, cutoff
        self.volume, self.reciprocal = abs(np.linalg.det(self.cell)), 2 * np.pi * np.linalg.inv(self.cell).T
        self.species, self.positions, self.pseudos = list(species), np.array(positions), pseudos
        self.absorber, self.potential, self.grid = absorber, potential, grid
        self.order = [i for s in pseudos for i, t in enumerate(self.species) if t == s]
        top, own = np.sqrt(cutoff) * 1.05, pseudos[species[absorber]]
        self.beta = {s: [p.bessel(b * p.r, l, top) for b, l in zip(p.beta, p.l)] for s, p in pseudos.items()}
        self.start = [(own.bessel(b * own.r, 1, top), d) for b, d in own.dipole_projectors(core)]
        self.screen()

    def screen(self) -> None:
        """Sets `d` = D0 + int V Q and `s` = int Q: one block per atom, in the order of the projectors.

        The potential is real, so of G and -G one is summed, twice.
        """
        n, coupling = self.potential.shape, gaunt()
        v = scipy.fft.fftn(self.potential) / self.potential.size
        m = np.stack(np.meshgrid(*[np.fft.fftfreq(k, 1 / k).astype(int) for k in n], indexing="ij"), -1).reshape(-1, 3)
        g = m @ self.reciprocal
        alone = (2 * np.abs(m) == n).any(1) | (m == 0).all(1)  # -G is not on the grid, or the same
        inside = ((g**2).sum(1) < 4 * self.cutoff) & ((m @ [n[1] * n[2], n[2], 1] > 0) | alone)
        m, g, v = m[inside], g[inside], v.reshape(-1)[inside] * np.where(alone[inside], 1, 2)
        q, y = np.linalg.norm(g, axis=1), real_harmonics(g)
        self.d, self.s = [], []
        for s, p in self.pseudos.items():
            radial = {k: p.augmentation(k, 2.1 * np.sqrt(self.cutoff))(q) for k in p.qfunc}
            keys = [(k, lm) for k in radial for lm in range(k[2] ** 2, (k[2] + 1) ** 2)]
            weight = np.array([v.conj() * radial[k] * y[lm] * (-1j) ** k[2] for k, lm in keys])
            for atom in (i for i in self.order if self.species[i] == s):
                phase = np.prod(
                    [
                        np.exp(-2j * np.pi * np.arange(-k, k + 1) * x)[m[:, i] + k]
                        for i, (k, x) in enumerate(zip(n, self.positions[atom]))
                    ],
                    axis=0,
                )
                value = dict(zip(keys, 4 * np.pi * (weight @ phase).real))
                d, overlap = np.zeros((2, len(p.rows), len(p.rows)))
                for i, (bi, li) in enumerate(p.rows):
                    for j, (bj, lj) in enumerate(p.rows):
                        if li == lj:
                            d[i, j], overlap[i, j] = p.d0[bi, bj], p.q[bi, bj]
                        d[i, j] += sum(
                            coupling[lm, li, lj] * x
                            for (k, lm), x in value.items()
                            if k[:2] == (min(bi, bj), max(bi, bj))
                        )
                self.d.append(d)
                self.s.append(overlap)

    def local(self, m: np.ndarray, q: np.ndarray):
        """The function x -> (T + V) x for x (3, plane waves); m (plane waves, 3) integers, q (plane waves,) = |k + G|.

        An axis is transformed only where the plane waves reach.
        """
        half = np.abs(m).max(0)
        potential = coarser(self.potential, self.grid, 2 * half + 1)
        n = potential.shape
        keep = [np.r_[0 : h + 1, size - h : size] for h, size in zip(half, n)]
        size = (len(keep[0]), len(keep[1]), n[2])
        flat = np.ravel_multi_index((m[:, 0] % size[0], m[:, 1] % size[1], m[:, 2] % size[2]), size)
        real = q.astype(self.dtype).real.dtype
        v, kinetic = potential.astype(real), (q**2).astype(real)
        small, middle = np.zeros((3, *size), self.dtype), np.zeros((3, size[0], n[1], n[2]), self.dtype)
        large = np.zeros((3, *n), self.dtype)

        def apply(x):
            small.reshape(3, -1)[:, flat] = x
            middle[:, :, keep[1]] = scipy.fft.ifft(small, axis=3)
            large[:, keep[0]] = scipy.fft.ifft(middle, axis=2)
            y = scipy.fft.ifft(large, axis=1)
            y *= v
            y = scipy.fft.fft(y, axis=1, overwrite_x=True)[:, keep[0]]
            y = scipy.fft.fft(y, axis=2, overwrite_x=True)[:, :, keep[1]]
            return kinetic * x + scipy.fft.fft(y, axis=3, overwrite_x=True).reshape(3, -1)[:, flat]

        return apply

    def blocks(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Atom -> its blocks of `d` and `s`."""
        return {atom: (d, s) for atom, d, s in zip(self.order, self.d, self.s)}


def coarser(potential: np.ndarray, share: float, least) -> np.ndarray:
    """The potential on `share` of its points along each axis, at least `least` (3,), its components beyond cut off.

    A product with a plane wave then still has all components that the grid resolves; with three quarters those are the
    plane waves' own and half as much on either side, as in other programs' usual grids.
    """
    size = [min(n, scipy.fft.next_fast_len(int(max(np.ceil(share * n), m)))) for n, m in zip(potential.shape, least)]
    if tuple(size) == potential.shape:
        return potential
    within = lambda n, s: np.r_[0 : (s + 1) // 2, n - (s - 1) // 2 : n]
    out = np.zeros(size, complex)
    out[np.ix_(*[within(s, s) for s in size])] = scipy.fft.fftn(potential)[
        np.ix_(*[within(n, s) for n, s in zip(potential.shape, size)])
    ]
    return scipy.fft.ifftn(out).real * (out.size / potential.size)


def plane_waves(hole: CoreHole, k: np.ndarray):
    """At the fractional k point: integer vectors (n, 3), lengths |k + G| (n,) in 1/bohr, form factors by species,
    phase(atom) (n,).

    The form factors of a species are those of its projectors (rows, n); "start" (3, n) is the dipole vector for x, y
    and z.
    """
    reach = [int(np.sqrt(hole.cutoff) * np.linalg.norm(v) / (2 * np.pi)) + 2 for v in hole.cell]
    m = np.stack(np.meshgrid(*[np.arange(-a, a + 1) for a in reach], indexing="ij"), -1).reshape(-1, 3)
    g = (m + k) @ hole.reciprocal
    inside = (g**2).sum(1) <= hole.cutoff
    m, g = m[inside], g[inside]
    q, y, pref = np.linalg.norm(g, axis=1), real_harmonics(g), 4 * np.pi / np.sqrt(hole.volume)
    form = {
        s: np.array([pref * hole.beta[s][b](q) * y[lm] * (-1j) ** p.l[b] for b, lm in p.rows])
        for s, p in hole.pseudos.items()
    }
    form["start"] = sum(dipole * table(q) for table, dipole in hole.start) * pref / np.sqrt(3) * -1j * y[list(XYZ)]
    return m, q, form, lambda atom: np.exp(-2j * np.pi * ((m + k) @ hole.positions[atom]))
