"""Dipole strength of a core-hole atom by a Lanczos recursion, without a single empty band.

The method is that of XSpectra (Taillefumier et al., Phys. Rev. B 66, 195107, 2002; Gougoussis et al., Phys. Rev. B
80, 075102, 2009): the PAW-reconstructed dipole vector starts a recursion in S^-1 H, and a continued fraction gives
the spectrum. Two things differ: the three polarizations, and several core holes of one supercell, share every pass
over the projectors; and any k point can follow a density made at Gamma. The coefficients agree with those of
xspectra.x to 1e-5.
"""

import numpy as np
from scipy.linalg import block_diag, eigh_tridiagonal

from .hamiltonian import CoreHole, plane_waves
from .settings import RYDBERG


def recursions(holes: list[CoreHole], k, iterations: int = 400):
    """Lanczos coefficients at the fractional k point for core holes on several atoms of one supercell.

    Returns a, b (holes, iterations, 3 for x, y, z) in Ry and norms (holes, 3) in bohr. Together, because reading the
    projectors from memory takes the time: they differ between holes in those of the absorber alone.
    """
    first, dtype = holes[0], holes[0].dtype
    m, q, form, phase = plane_waves(first, k)
    plain = ["O" if s == "Oh" else s for s in first.species]
    atoms = [i for s in first.pseudos for i, t in enumerate(plain) if t == s]
    beta = np.concatenate([(form[plain[i]] * phase(i)).astype(dtype) for i in atoms])
    begin = dict(zip(atoms, np.cumsum([0] + [len(form[plain[i]]) for i in atoms])))
    bra = beta.conj()
    gram = (bra @ beta.T).astype(complex)
    runs = [Recursion(hole, m, q, form, phase, beta, gram, begin, atoms) for hole in holes]
    for _ in range(iterations):
        h = np.concatenate([run.local(run.w) for run in runs])
        projections = h @ bra.T
        e = np.concatenate(
            [run.coefficients(h[3 * i : 3 * i + 3], projections[3 * i : 3 * i + 3]) for i, run in enumerate(runs)]
        )
        h += e @ beta
        for i, run in enumerate(runs):
            run.step(h[3 * i : 3 * i + 3])
    return (
        np.array([run.alphas for run in runs]),
        np.array([run.betas for run in runs]),
        np.array([run.norm for run in runs]),
    )


class Recursion:
    """State of the recursion of one hole: w = S^-1 u (3, n) of the step, its projections c = beta* w (3,
    projectors)."""

    def __init__(
        self,
        hole,
        m,
        q,
        form,
        phase,
        beta,
        gram,
        begin,
        atoms,
    ):
        dtype = hole.dtype
        self.real = q.astype(dtype).real.dtype
        n = len(form["Oh"])
        self.rows = slice(begin[hole.absorber], begin[hole.absorber] + n)
        self.own = (form["Oh"] * phase(hole.absorber)).astype(dtype)  # projectors of the absorber
        self.bra = self.own.conj()
        gram = gram.copy()
        mixed = (self.bra @ beta.T).astype(complex)
        gram[self.rows], gram[:, self.rows] = mixed, mixed.conj().T
        gram[self.rows, self.rows] = self.bra @ self.own.T
        blocks = hole.blocks()
        d, s = (block_diag(*[blocks[i][part] for i in atoms]) for part in (0, 1))
        inverse = np.linalg.solve(np.eye(len(s)) + s @ gram, s)  # S^-1 = 1 - beta inverse beta+
        self.s, self.d, self.inverse, self.gram = (x.T.astype(dtype) for x in (s, d, inverse, gram))
        self.local = hole.local(m, q)
        u = (form["start"] * phase(hole.absorber)).astype(dtype)
        c = u @ beta.conj().T
        c[:, self.rows] = u @ self.bra.T
        e = -(c @ self.inverse)
        w, c = u + self.add(e, e.copy(), beta), c + e @ self.gram
        self.norm = np.sqrt(dot(u, w))
        self.w, self.c = (x / self.norm.astype(self.real)[:, None] for x in (w, c))
        self.old, self.cold, self.b = np.zeros_like(self.w), np.zeros_like(self.c), np.zeros(3)
        self.alphas, self.betas = [], []

    def add(self, e, common, beta):
        common[:, self.rows] = 0
        return common @ beta + e[:, self.rows] @ self.own

    def coefficients(self, h, projections):
        """What the projectors add to h = (T + V) w, so that it becomes S^-1 H w; those of the absorber are added
        here."""
        projections[:, self.rows] = h @ self.bra.T
        dw = self.c @ self.d
        self.a = dot(self.w, h) + dot(self.c, dw)
        e = dw - (projections + dw @ self.gram) @ self.inverse
        self.next = projections + e @ self.gram
        h += e[:, self.rows] @ self.own
        e[:, self.rows] = 0
        return e

    def step(self, h):
        a, b = self.a.astype(self.real)[:, None], self.b.astype(self.real)[:, None]
        w = h - a * self.w - b * self.old
        c = self.next - a * self.c - b * self.cold
        self.b = np.sqrt(dot(w, w) + dot(c, c @ self.s))
        scale = (1 / self.b).astype(self.real)[:, None]
        self.old, self.cold, self.w, self.c = self.w, self.c, w * scale, c * scale
        self.alphas.append(self.a)
        self.betas.append(self.b)


def dot(x, z):
    """Real parts (n,) of the inner products of the rows of x and z."""
    return np.einsum("ij,ij->i", x.conj(), z).real.astype(float)


def dipole_strength(
    a,
    b,
    norm,
    energy,
    *,
    hwhm: float,
    occupied: float,
    window: int = 25,
    states: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Sum over final states of |<f|r|1s>|^2 with Lorentzians (half width `hwhm`, eV), in bohr^2/eV, at `energy` (eV).

    a, b (iterations,) and norm as from `recursions`, of one polarization. The fraction ends as if the mean of the
    last `window` coefficients went on for ever. States below `occupied` (eV) are left out. states: those of
    `chain_states(a, b)`, if they are known.
    """
    z = (energy + 1j * hwhm) / RYDBERG
    am, bm = a[-window:].mean(), b[-window - 1 : -1].mean()
    root = np.sqrt((z - am) ** 2 - 4 * bm**2)
    tail = np.where((z - am - root).imag < 0, z - am - root, z - am + root) / 2
    for i in range(len(a) - 1, 0, -1):
        tail = b[i - 1] ** 2 / (z - a[i] - tail)
    green = 1 / (z - a[0] - tail)
    level, weight = states or chain_states(a, b)
    below = level * RYDBERG < occupied
    green -= (weight[below] / (z[:, None] - level[below])).sum(1)
    return -green.imag * norm**2 / (np.pi * RYDBERG)


def chain_states(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Levels (iterations,) in Ry of the recursion's chain, and the weight of its first vector in each; they add up to 1."""
    level, vector = eigh_tridiagonal(a, b[:-1])
    return level, vector[0] ** 2


def strength_of_states(a, b, norm, *, occupied: float, states=None) -> float:
    """What `dipole_strength` integrates to over all energies: the weight of the recursion's states above `occupied`
    (eV), bohr^2."""
    level, weight = states or chain_states(a, b)
    return float(norm**2 * weight[level * RYDBERG >= occupied].sum())
