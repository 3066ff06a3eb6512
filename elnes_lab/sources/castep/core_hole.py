"""The spectrum of a row: from the eigenvalues and matrix elements of a CASTEP calculation with a core hole."""

from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ...schema import ENERGY_STEP
from ...structure import Environment
from ...symmetry import by_spglib
from .ground import electrons_of
from .matrix import Orbitals, read_matrix
from .optados import read_core_edge
from .run import Run

HWHM = 0.4  # eV, Lorentzian, as in all rows
START, STOP = -5.0, 40.0  # eV above the highest occupied level
MARGIN = 1.0  # eV below the end of the bands, where what lies beyond would add less than its tail
MATCH = 0.1  # angstrom between an atom of the crystal and of the core-hole cell, and between lattice vectors
ALIKE = 0.9  # least correlation with OptaDOS's core-edge spectrum


@dataclass(frozen=True)
class Place:
    """Where a core hole is in the crystal: matrix (3, 3) integers of its supercell, site (index of the crystal's atom
    that stands for it), rotation (3, 3) Cartesian, by which the crystal maps the hole's surroundings to those of that
    atom."""

    matrix: np.ndarray
    site: int
    rotation: np.ndarray


def absorber(run: Run) -> int:
    """Index of the atom with the hole in the cell file. DataError if it is not one."""
    label = run.report.hole
    found = [i for i, other in enumerate(run.cell.labels) if other.startswith("O:")]
    if len(found) != 1:
        raise DataError(
            f"{run.seed}: {len(found)} oxygens of its cell file have a label, where {label} is the one with the hole"
        )
    return found[0]


def place(run: Run, environment: Environment) -> Place:
    """Where the hole is. DataError if the cell is no supercell of the crystal, or its atoms are not the crystal's."""
    cell, crystal = run.cell, environment.cell
    exact = cell.cell @ np.linalg.inv(crystal)
    matrix = np.round(exact).astype(int)
    copies = round(abs(np.linalg.det(matrix)))
    if np.abs(matrix @ crystal - cell.cell).max() > MATCH or not copies:
        raise DataError(
            f"{run.seed}: its lattice vectors are no whole multiples of the crystal's; compute both in one orientation"
        )
    if len(cell.labels) != copies * len(environment.symbols):
        raise DataError(f"{run.seed}: {len(cell.labels)} atoms in {copies} cells of {len(environment.symbols)}")
    inside = cell.positions @ matrix  # fractional in the crystal's cell, whatever the strain between the two
    apart = inside[:, None] - environment.positions
    distance = np.linalg.norm((apart - np.round(apart)) @ crystal, axis=2)
    distance[cell.symbols[:, None] != environment.symbols] = np.inf
    nearest = distance.argmin(1)
    if distance.min(1).max() > MATCH or (np.bincount(nearest, minlength=len(environment.symbols)) != copies).any():
        raise DataError(
            f"{run.seed}: an atom lies {distance.min(1).max():.2f} angstrom from where the crystal has one of its "
            "element; the hole's cell must be the crystal's, with the same origin and not relaxed"
        )
    atom = int(nearest[absorber(run)])
    site, rotation = environment.to_representative(atom)
    return Place(matrix, site, rotation)


def levels_of(run: Run) -> tuple[float, float, bool]:
    """Highest occupied and lowest empty level (eV) of the core-hole cell, and whether it is neutral (an electron in the
    conduction band) or charged. DataError for another number of electrons."""
    electrons = electrons_of(run.cell.symbols)
    extra = run.bands.electrons.sum() - electrons
    if (
        abs(extra - round(extra)) > 0.01
        or round(extra) not in (0, 1)
        or abs(1 - round(extra) - run.report.charge) > 0.01
    ):
        raise DataError(
            f"{run.seed}: {run.bands.electrons.sum():g} electrons and a charge of {run.report.charge:+g}; a cell with "
            f"a full core hole has {electrons} and +1, or {electrons + 1} and 0"
        )
    homo, lumo = run.bands.edges(electrons // 2)
    if lumo <= homo:
        raise DataError(f"{run.seed}: no gap between its levels, {homo:.3f} and {lumo:.3f} eV")
    return homo, lumo, round(extra) == 1


def reach(run: Run) -> float:
    """Energy (eV above the highest occupied level) up to which the spectrum is complete."""
    return run.bands.complete - levels_of(run)[0] - MARGIN


def spectrum(run: Run, rotation: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """energy (e,) eV above the highest occupied level up to `top`, and strength (3, e) in bohr^2/eV for x, y, z of the
    crystal.

    sum_f |<f|r_a|1s>|^2 over states above the middle of the gap, of one spin (the mean of both, if there are two),
    with a Lorentzian. The transition tensor is kept whole, so that it can be turned. Where CASTEP reduced the k points
    by symmetry, it is averaged over the operations that leave the hole in its place. DataError if the files do not fit
    each other.
    """
    homo, lumo, _ = levels_of(run)
    path = next((p for p in (run.file(".elnes_bin"), run.file(".eels_mat")) if p.exists()), None)
    if path is None:
        raise DataError(
            f"{run.seed}: no core-loss matrix elements beside it ({run.seed}.elnes_bin or .eels_mat). A core-edge file "
            "of OptaDOS alone lacks the polarizations"
        )
    elements = read_matrix(path, lambda orbitals: core_level(run, orbitals, path.name))[1]
    if elements.shape[:3] != run.bands.levels.shape:
        raise DataError(
            f"{path.name} has (k points, spins, bands) {elements.shape[:3]}, {run.seed}.bands "
            f"{run.bands.levels.shape}; keep those of one run"
        )
    tensor = (elements[..., :, None] * elements[..., None, :].conj()).real
    weights = run.bands.weights[:, None, None] / elements.shape[1] * (run.bands.levels > (homo + lumo) / 2)
    energy = np.linspace(START, top, round((top - START) / ENERGY_STEP) + 1)
    used = weights > 0
    distance = energy[:, None] + homo - run.bands.levels[used]
    lines = HWHM / np.pi / (distance**2 + HWHM**2) * weights[used]
    curves = (lines @ tensor[used].reshape(-1, 9)).reshape(-1, 3, 3)
    if run.report.symmetries > 1:
        operations = site_operations(run)
        curves = np.mean([r @ curves @ r.T for r in operations], axis=0)
    compare(run, energy, curves.trace(axis1=1, axis2=2))
    return energy, np.diagonal(rotation @ curves @ rotation.T, axis1=1, axis2=2).T.copy()


def core_level(run: Run, orbitals: Orbitals, name: str) -> int:
    """Index of the 1s orbital of the atom with the hole. DataError if the file's atoms are not the report's."""
    for number, (label, count) in enumerate(run.report.species, 1):
        present = orbitals.atom[orbitals.species == number]
        if len(present) and present.max() != count:
            raise DataError(
                f"{name}: {present.max()} atoms of species {number}, which is {label} with {count} in {run.path.name}; "
                "keep the files of one run"
            )
    number = 1 + [label for label, _ in run.report.species].index(run.report.hole)
    found = np.flatnonzero((orbitals.species == number) & (orbitals.shell == 1) & (orbitals.channel == 1))
    if len(found) != 1:
        raise DataError(
            f"{name}: {len(found)} 1s levels of {run.report.hole}; compute the matrix elements with the hole's "
            "on-the-fly pseudopotential"
        )
    return int(found[0])


def site_operations(run: Run) -> np.ndarray:
    """Rotations (n, 3, 3), Cartesian, of the core-hole cell. DataError if they are not as many as CASTEP used."""
    cell, hole = run.cell, absorber(run)
    numbers = [1 if i == hole else 8 if symbol == "O" else 14 for i, symbol in enumerate(cell.symbols)]
    found = by_spglib("get_symmetry", (cell.cell, cell.positions, numbers))
    count = 0 if found is None else len(found["rotations"])
    if count != run.report.symmetries:
        raise DataError(
            f"{run.seed}: CASTEP reduced the k points by {run.report.symmetries} operations where the cell with its "
            f"hole has {count}; run it without symmetry, or the polarizations cannot be told apart"
        )
    return np.array([cell.cell.T @ r @ np.linalg.inv(cell.cell.T) for r in found["rotations"]])


def compare(run: Run, energy: np.ndarray, isotropic: np.ndarray) -> None:
    """DataError if OptaDOS's spectrum of the same calculation, where it is there, has another shape at any shift."""
    path = run.file("_core_edge.dat")
    if not path.exists():
        return
    edges = {name: edge for name, edge in read_core_edge(path).items() if name.startswith("O ") and " K1" in name}
    label = run.report.hole.partition(":")[2]
    own = [edge for name, edge in edges.items() if name.endswith(f" {label}")] or list(edges.values())
    if len(own) != 1:
        raise DataError(
            f"{path.name} has {len(own)} K edges of oxygen, and none of them is called {run.report.hole}; take it "
            "away, or run OptaDOS again"
        )
    there, values = own[0]
    other, best = broadened(there, values), 0.0
    for shift in np.arange(energy[0] - there[-1], energy[-1] - there[0], 0.1) if values.max() > 0 else ():
        inside = (energy > there[0] + shift) & (energy < there[-1] + shift)
        if inside.sum() > 0.6 * len(energy):
            curve = np.interp(energy[inside] - shift, there, other)
            best = max(
                best, float(curve @ isotropic[inside] / (np.linalg.norm(curve) * np.linalg.norm(isotropic) + 1e-300))
            )
    if best < ALIKE:
        raise DataError(
            f"{path.name} has another spectrum than the matrix elements give (correlation {best:.2f} at the best); it "
            "is that of another run"
        )


def broadened(energy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A curve (e,) on uniform energies (e,) with the rows' Lorentzian, which is cut off 20 eV away."""
    step = energy[1] - energy[0]
    half = min(len(energy), int(20 / step))
    kernel = HWHM / np.pi / ((np.arange(-half, half + 1) * step) ** 2 + HWHM**2) * step
    return np.convolve(values, kernel, "full")[half : half + len(values)]
