"""What is computed for a structure that somebody brings: its smallest cell, which oxygen stands for which, what it costs."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ...structure import Environment
from ...symmetry import by_spglib
from ..qe.plan import duration, estimate, supercell_atoms
from ..qe.settings import Settings
from ..qe.structures import ATOMS, SOURCES, Structure, plain, structure

LONGEST = 60  # letters of the name of a file in the id of its structure
SPREAD = "half of such estimates lie between 0.7 and 1.9 times what it takes"


@dataclass(frozen=True, eq=False)
class Request:
    """title: name of the file; given: ASE Atoms of the cell as it was brought; structure: what is computed, its primitive
    cell; standing: inequivalent oxygen of `given` -> the oxygen of `structure` that is computed for it."""

    title: str
    given: object
    structure: Structure
    standing: dict[int, int]


class Cost(NamedTuple):
    """atoms of the cell with the core hole; seconds of one idle core for the ground state, and for one site after it."""

    atoms: int
    ground: float
    site: float

    @property
    def seconds(self) -> float:
        return self.ground + self.site

    def __str__(self) -> str:
        return f"{self.atoms} atoms in the cell with the core hole, about {duration(self.seconds)} of one core"


def request(atoms, title: str, sites) -> Request:
    """The Request for ASE Atoms, periodic, whose inequivalent oxygens are `sites` (indices).

    Raises DataError for what cannot be computed; for a cell that is too large it says what that would need."""
    title = Path(title).name or "structure"
    small, images = primitive(atoms)
    stem = plain(Path(title).stem, "-")[:LONGEST].rstrip(".-") or "structure"
    sid = f"{stem}-{fingerprint(small)}"
    small.info = {"name": Path(title).stem, "source": SOURCES[-1]}
    if len(small) > ATOMS:
        rough = Structure(
            sid, stem, SOURCES[-1], small.cell.array, tuple(small.symbols), small.get_scaled_positions(), ()
        )
        raise DataError(
            f"{title} has {len(small)} atoms in its smallest cell; it would take {cost(rough)}. Cells of up to {ATOMS} "
            "atoms can be computed: choose a smaller model."
        )
    found = structure(small, sid)
    equivalent = Environment(found.cell, found.symbols, found.positions).equivalent_atoms
    return Request(title, atoms.copy(), found, {int(i): int(equivalent[images[i]]) for i in sites})


def cost(structure: Structure, settings: Settings | None = None) -> Cost:
    """What the ground state and one site of a structure cost; takes seconds for a cell of few atoms."""
    settings = settings or Settings()
    site = estimate("density", structure, settings, neutral=True) + estimate("spectra", structure, settings)
    return Cost(supercell_atoms(structure, settings), estimate("ground", structure, settings), site)


def primitive(atoms):
    """ASE Atoms of the primitive cell, neither turned nor moved, and the atom of it that each given one is an image of (n,)."""
    from ase import Atoms

    found = by_spglib("get_symmetry_dataset", (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers))
    images = np.arange(len(atoms)) if found is None else np.asarray(found.mapping_to_primitive)
    numbers, first = np.unique(images, return_index=True)
    if len(numbers) == len(atoms):
        return Atoms(atoms.symbols, cell=atoms.cell, positions=atoms.positions, pbc=True), np.arange(len(atoms))
    cell = np.array(found.primitive_lattice)
    if np.linalg.det(cell) < 0:
        cell = cell[[1, 0, 2]]
    small = Atoms(atoms.symbols[first], cell=cell, positions=atoms.positions[first], pbc=True)
    small.wrap()
    return small, np.searchsorted(numbers, images)


def fingerprint(atoms) -> str:
    """Six digits that tell structures of one file name apart."""
    digest = hashlib.sha256("".join(atoms.get_chemical_symbols()).encode())
    for values in (atoms.cell.array, atoms.get_scaled_positions()):
        digest.update((np.round(values, 4) + 0.0).tobytes())
    return digest.hexdigest()[:6]


def same(one, other) -> bool:
    """Whether two ASE Atoms are one structure in one cell, atom by atom."""
    return (
        one.get_chemical_symbols() == other.get_chemical_symbols()
        and np.allclose(one.cell.array, other.cell.array, atol=1e-4)
        and np.allclose(one.positions, other.positions, atol=1e-4)
    )
