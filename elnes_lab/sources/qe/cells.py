"""Supercells with core holes far apart, and the k points of each step."""

from functools import lru_cache

import numpy as np

# A crystal's lattice has vectors of equal length, among which the last digit would choose: another processor, another
# supercell. A strain far below any physical difference, and without any symmetry, decides instead.
STRAIN = np.eye(3) + 1e-7 * np.array([[1.0, 0.31, -0.17], [0.31, -0.59, 0.43], [-0.17, 0.43, 0.23]])
REACH = 40.0  # angstrom; lattice vectors that the k points of a spectrum must integrate
DECAY = 3.0  # angstrom


def heights(cell: np.ndarray) -> np.ndarray:
    """Distances (3,) between opposite faces of the cell (3, 3)."""
    volume = abs(np.linalg.det(cell))
    return np.array([volume / np.linalg.norm(np.cross(cell[(k + 1) % 3], cell[(k + 2) % 3])) for k in range(3)])


def k_mesh(cell: np.ndarray, length: float) -> np.ndarray:
    """Divisions (3,) along each reciprocal vector: `length` (angstrom) over the height of the cell, rounded up."""
    return np.ceil(length / heights(cell)).astype(int)


def k_shift(mesh: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(3,) booleans: half a step where the mesh is even and the crystal has no symmetry but inversion, which halves
    the mesh."""
    none = (np.abs(np.trace(rotations, axis1=1, axis2=2)) == 3).all()
    return (mesh % 2 == 0) & none


def supercell(cell: np.ndarray, atoms: int, wanted: float, most: int) -> tuple[np.ndarray, float]:
    """Integer matrix (3, 3) of the smallest supercell whose images are `wanted` angstrom apart, and their distance.

    Of all supercells, skewed ones included: one per Hermite normal form, its vectors reduced. Where none of at most
    `most` atoms reaches the distance, the best of them; a cell of more atoms stays as it is.
    """
    matrix, distance = _searched(tuple(np.asarray(cell, float).ravel()), atoms, wanted, most)
    return matrix.copy(), distance


def same_supercell(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two integer matrices (3, 3) make supercells of one lattice, by whatever vectors: then their atoms, total
    energies and spectra are the same."""
    change = np.asarray(one, float) @ np.linalg.inv(np.asarray(other, float))
    return bool(np.abs(change - np.rint(change)).max() < 1e-6 and abs(abs(np.linalg.det(change)) - 1) < 1e-6)


def farthest(cell: np.ndarray, steps: int = 24) -> float:
    """Distance in angstrom from the lattice points of a cell (3, 3) to the point farthest from all of them, on a grid of
    `steps` along each vector."""
    from ase.geometry import minkowski_reduce

    reduced, _ = minkowski_reduce(np.asarray(cell, float))
    points = np.stack(np.meshgrid(*[np.arange(steps) / steps] * 3, indexing="ij"), -1).reshape(-1, 3) @ reduced
    near = np.stack(np.meshgrid(*[np.arange(-1, 3)] * 3, indexing="ij"), -1).reshape(-1, 3) @ reduced
    nearest = ((near**2).sum(1) - 2 * points @ near.T).min(1) + (points**2).sum(1)  # squared, to the nearest of them
    return float(np.sqrt(nearest.max()))


@lru_cache(maxsize=1024)
def _searched(flat: tuple, atoms: int, wanted: float, most: int) -> tuple[np.ndarray, float]:
    """`supercell` of a cell as nine numbers: seconds for a small cell, and asked for again and again."""
    from ase.geometry import minkowski_reduce

    cell = np.reshape(flat, (3, 3))
    largest = max(1, most // atoms)
    # No lattice is denser than close packing: smaller cells cannot reach the distance, and count only where none does.
    least = int(np.ceil(wanted**3 / np.sqrt(2) / abs(np.linalg.det(cell)) - 1e-6))
    # A supercell reaches the distance where no shorter vector of the cell's lattice is one of its own: all of a size are
    # asked that at once, and reduced, which is slow, only then. Where none reaches it, all must be.
    short, _ = lattice_vectors(cell, wanted - 1e-3)
    best, matrix = 0.0, np.eye(3, dtype=int)
    for reaching in (True, False):
        for n in (*range(max(least, 1), largest + 1), *range(1, min(least, largest + 1))):
            forms, bounds = hermite_forms(cell, n)
            tried = ~contain(forms, short) if reaching else np.ones(len(forms), bool)
            for hermite, bound in zip(forms[tried], bounds[tried]):
                if bound < best - 1e-5:
                    continue
                _, change = minkowski_reduce(hermite @ cell @ STRAIN)
                distance = np.linalg.norm(change @ hermite @ cell, axis=1).min()
                if distance > best + 1e-6:
                    best, matrix = distance, change @ hermite
            if best >= wanted:
                return matrix, float(best)
    return matrix, float(best)


def hermite_forms(cell: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Hermite normal forms (m, 3, 3) of determinant n, and the shortest (m,) of some lattice vectors of each supercell
    (angstrom), which its distance between images cannot exceed."""
    forms = np.array(
        [
            [[a, b, d], [0, c, e], [0, 0, n // a // c]]
            for a in (d for d in range(1, n + 1) if n % d == 0)
            for c in (d for d in range(1, n // a + 1) if (n // a) % d == 0)
            for b, d, e in np.ndindex(c, n // a // c, n // a // c)
        ]
    )
    some = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    some = some[some @ [100, 10, 1] > 0]
    return forms, np.min([np.linalg.norm(row @ forms @ cell, axis=-1) for row in some], axis=0)


def contain(forms: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Whether (m,) lattices with rows (m, 3, 3) have any of the integer vectors (n, 3)."""
    steps = vectors @ np.linalg.inv(forms)
    return (np.abs(steps - np.rint(steps)).max(-1) < 1e-6).any(-1)


def lattice_vectors(cell: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Lattice vectors (n, 3) shorter than `reach` (angstrom), one of R and -R, as integers; and their lengths (n,)."""
    most = np.ceil(reach * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    vectors = np.stack(np.meshgrid(*[np.arange(-t, t + 1) for t in most], indexing="ij"), -1).reshape(-1, 3)
    length = np.linalg.norm(vectors @ cell, axis=1)
    half = (vectors @ [1e6, 1e3, 1] > 0) & (length < reach)
    return vectors[half], length[half]


def aliasing_weights(cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lattice vectors R (n, 3) within REACH, one of R and -R, as integers; and exp(-R/3 angstrom)/R^2 of each."""
    vectors, length = lattice_vectors(cell, REACH)
    return vectors, np.exp(-length / DECAY) / length**2


def aliasing_sum(cell: np.ndarray, points: np.ndarray) -> float:
    """What the k points (n, 3), fractional and equally weighted, leave of the lattice vectors of `cell` (angstrom).

    A sample integrates exp(i k.R) wrongly by its mean over the sample; the sum weighs the squares, which follows the
    error measured on quartz.
    """
    vectors, weight = aliasing_weights(cell)
    return float((np.cos(2 * np.pi * points @ vectors.T).mean(0) ** 2 * weight).sum())


def special_points(cell: np.ndarray, tolerance: float, most: int = 6, grid: int = 8) -> tuple[np.ndarray, float]:
    """The fewest k points (n, 3), fractional, whose aliasing sum is below `tolerance`, and that sum; `most` points if
    none is.

    Chosen among those of a grid x grid x grid mesh, one after the other and then exchanged while that helps.
    """
    vectors, weight = aliasing_weights(cell)
    g = np.arange(grid) / grid
    points = np.stack(np.meshgrid(g[: grid // 2 + 1], g, g, indexing="ij"), -1).reshape(-1, 3)
    cosines = np.cos(2 * np.pi * points @ vectors.T)
    product = (cosines * weight) @ cosines.T
    own = np.diag(product)
    best, found = np.inf, []
    for n in range(1, most + 1):
        for first in range(0, len(points), 1 if n < 3 else 4):
            chosen = [first]
            while len(chosen) < n:
                chosen.append(int((own + 2 * product[:, chosen].sum(1)).argmin()))
            for _ in range(2):
                for i in range(n):
                    rest = chosen[:i] + chosen[i + 1 :]
                    chosen[i] = int((own + 2 * product[:, rest].sum(1)).argmin())
            total = product[np.ix_(chosen, chosen)].sum() / n**2
            if total < best - 1e-12:
                best, found = total, chosen
        if best < tolerance:
            break
    return points[found], float(best)
