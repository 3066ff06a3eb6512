"""Structures to compute, from a file or a list of them, refused where they cannot be computed."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...structure import Environment
from .settings import ELECTRONS

SOURCES = ("mineral", "prototype", "framework", "search", "melt-quench", "user")  # the last: what says nothing or else
VOLUME = (4.0, 100.0)  # cubic angstrom for an atom; 7.8 (stishovite) to 24 (open frameworks)
ATOMS = 300  # of a cell; its projectors then take 2 GB of memory, its sites an hour each


@dataclass(frozen=True, eq=False)
class Structure:
    """sid: id, the name of its folder; cell (3, 3) angstrom; symbols (n,); positions (n, 3) fractional; oxygens:
    (atom, multiplicity) of each inequivalent one."""

    sid: str
    name: str
    source: str
    cell: np.ndarray
    symbols: tuple[str, ...]
    positions: np.ndarray
    oxygens: tuple[tuple[int, int], ...]

    @property
    def volume(self) -> float:
        return float(abs(np.linalg.det(self.cell)))

    @property
    def numbers(self) -> np.ndarray:
        from ase.data import atomic_numbers

        return np.array([atomic_numbers[s] for s in self.symbols])

    def supercell(self, matrix: np.ndarray) -> tuple[np.ndarray, list[str], np.ndarray]:
        """cell, symbols, positions of the supercell; atom i of the cell is atom i of it."""
        from ase import Atoms
        from ase.build import make_supercell

        large = make_supercell(
            Atoms(list(self.symbols), cell=self.cell, scaled_positions=self.positions, pbc=True), matrix
        )
        return np.array(large.cell), large.get_chemical_symbols(), large.get_scaled_positions()


def read_structures(path: Path | str) -> tuple[list[Structure], list[tuple[str, str]]]:
    """The structures of a file, and (id, reason) of those in it that cannot be computed.

    A CIF or POSCAR is one structure, named after the file and reduced to its primitive cell; extended XYZ holds any
    number of them, each taken as it is, with `sid` (or `structure`, as the shipped database's list has it), `name` and
    `source` in its second line. DataError if the file holds none that can be computed.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise DataError(f"There is no file {path}. Name a CIF, a POSCAR or an extended XYZ file.")
    found, refused = [], []
    one = path.suffix.lower() not in (".xyz", ".extxyz")
    for number, make in enumerate(frames(path, one)):
        sid = f"{path.stem}-{number}" if number else path.stem
        try:
            atoms = make()
            sid = str(atoms.info.get("sid", atoms.info.get("structure", sid)))
            found.append(structure(atoms, sid, primitive=one))
        except DataError as reason:
            refused.append((sid, str(reason)))
    twice = sorted({s.sid for s in found if sum(s.sid == t.sid for t in found) > 1}) if len(found) < 5000 else []
    if twice:
        raise DataError(f"{path.name} has two structures with the id {twice[0]}. Give each a `sid` of its own.")
    if not found:
        raise DataError(
            f"{path.name} holds no structure that can be computed. {refused[0][1] if refused else 'It is empty.'}"
        )
    return found, refused


def frames(path: Path, one: bool) -> list:
    """Functions that return one ASE Atoms each, or raise DataError."""
    if path.suffix.lower() in (".cif", ".mcif"):
        return [lambda: from_cif(path)]
    from ase.io import read

    try:
        frames = read(path, ":", format="vasp" if one else "extxyz")
    except Exception as problem:  # the readers raise whatever they stumble upon
        detail = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(
            f"{path.name} is not readable as {'POSCAR' if one else 'extended XYZ'} ({detail[:200]})."
        ) from None
    return [lambda atoms=atoms: atoms for atoms in frames]


def from_cif(path: Path):
    import warnings

    from ase import Atoms
    from pymatgen.io.cif import CifParser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            crystal = CifParser(path, occupancy_tolerance=100).parse_structures(primitive=False)[0]
    except Exception as problem:
        detail = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(f"{path.name} holds no crystal structure that can be read ({detail[:200]}).") from None
    partial = next((site for site in crystal if not site.is_ordered or sum(site.species.values()) > 1 + 1e-6), None)
    if partial is not None:
        raise DataError(
            f"{path.name} has a partially occupied position, {partial.species_string} at "
            f"{np.round(partial.frac_coords, 3).tolist()}. Choose one ordered arrangement of the atoms."
        )
    symbols = [site.specie.symbol for site in crystal]
    return Atoms(
        symbols, cell=crystal.lattice.matrix, scaled_positions=crystal.frac_coords, pbc=True, info={"name": path.stem}
    )


def structure(atoms, sid: str, *, primitive: bool = False) -> Structure:
    """Structure of ASE Atoms. primitive: reduced to the primitive cell, not turned. DataError if it cannot be
    computed.

    The id becomes a folder, id and name go into labels and files: characters that cannot are replaced.
    """
    sid = plain(sid, "-") or "structure"
    source = str(atoms.info.get("source", SOURCES[-1]))
    strange = sorted(set(atoms.get_chemical_symbols()) - set(ELECTRONS))
    if strange:
        raise DataError(
            f"{sid} contains {', '.join(strange)}, for which there is no pseudopotential: only Si and O can be "
            "computed."
        )
    if abs(np.linalg.det(atoms.cell.array)) < 1e-6 or not np.isfinite(atoms.positions).all():
        raise DataError(
            f"{sid} has no cell of three dimensions. Give the lattice vectors too: only crystals and periodic models "
            "can be computed."
        )
    cell, positions, symbols = atoms.cell.array, atoms.get_scaled_positions(), atoms.get_chemical_symbols()
    if primitive:
        cell, positions, symbols = to_primitive(cell, positions, atoms.numbers)
    if len(symbols) > ATOMS:
        raise DataError(
            f"{sid} has {len(symbols)} atoms; cells of up to {ATOMS} can be computed. Choose a smaller model."
        )
    volume = abs(np.linalg.det(cell)) / len(symbols)
    if not VOLUME[0] <= volume <= VOLUME[1]:
        raise DataError(
            f"{sid} has {volume:.3g} cubic angstrom for an atom, which no silicon oxide has. Check its cell; "
            "molecules and surfaces with vacuum cannot be computed."
        )
    environment = Environment(cell, symbols, positions)
    return Structure(
        sid,
        plain(str(atoms.info.get("name", sid)), " ()") or sid,
        source if source in SOURCES else SOURCES[-1],
        np.array(cell),
        tuple(symbols),
        np.array(positions),
        tuple(environment.inequivalent_oxygens),
    )


def plain(text: str, also: str) -> str:
    """At most 80 ASCII letters, digits and ._+- or one of `also`, the first of which stands for anything else.

    The first is a letter or digit; "" if nothing is left.
    """
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return (
        re.sub(rf"[^A-Za-z0-9._+{re.escape(also)}-]+", also[0], text).lstrip(f"._+-{also}")[:80].rstrip(f".-{also[0]}")
    )


def to_primitive(cell, positions, numbers):
    """cell, positions, symbols of the primitive cell in the same orientation; as given if there is no smaller one."""
    from ase.data import chemical_symbols

    from ...symmetry import by_spglib

    found = by_spglib("standardize_cell", (cell, positions, numbers), to_primitive=True, no_idealize=True)
    if found is not None and len(found[2]) < len(numbers):
        cell, positions, numbers = found
    return cell, positions, [chemical_symbols[n] for n in numbers]
