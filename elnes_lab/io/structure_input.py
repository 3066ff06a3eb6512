"""A structure that somebody brings, read from a file, its bytes or an object, and judged before anything is predicted.

>>> crystal = read_structure("quartz.cif")
>>> crystal.sites, crystal.remarks
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..structure import Environment

MOST_BYTES, MOST_LINES, MOST_COLUMNS = 4 * 2**20, 20_000, 100
ATOMS = 500  # of a cell
VOLUME = (4.0, 100.0)  # cubic angstrom for an atom; stishovite has 7.8, open frameworks 24
# What silicon oxides have; beyond it a structure is read, but it is said. g/cm^3; angstrom; angstrom.
DENSITY, SHORTEST_BOND, SHORTEST_O_O = (1.3, 4.7), 1.5, 2.1
FLAT = 0.02  # volume of a cell over the product of its edges; a cube has 1
SUFFIXES = {".cif": "cif", ".mcif": "cif", ".xyz": "extxyz", ".extxyz": "extxyz", ".vasp": "vasp", ".poscar": "vasp"}
TITLES = {"cif": "CIF", "extxyz": "extended XYZ", "vasp": "POSCAR"}
CHOICES = "Give a CIF, a POSCAR or an extended XYZ file of a crystal or a periodic model"


@dataclass(frozen=True, eq=False)
class Crystal:
    """One structure: name; atoms, ASE Atoms of the cell as it was given; sites (index, equivalent ones in the cell) of each
    inequivalent oxygen; format; remarks: what is unusual about it, sentences; relaxed: how it was relaxed after it was read
    (sources.potential.Relaxed), or None."""

    name: str
    atoms: object
    environment: Environment
    sites: tuple[tuple[int, int], ...]
    format: str = ""
    remarks: tuple[str, ...] = field(default=())
    relaxed: object = None

    @property
    def formula(self) -> str:
        """Its composition in whole numbers, oxygen last."""
        symbols, counts = np.unique(self.atoms.get_chemical_symbols(), return_counts=True)
        counts = counts // np.gcd.reduce(counts)
        order = np.argsort(symbols == "O", kind="stable")
        return "".join(f"{symbols[k]}{counts[k] if counts[k] > 1 else ''}" for k in order)

    @cached_property
    def coordination(self) -> dict[str, dict[int, int]]:
        """Element -> number of bonds -> number of atoms."""
        e, found = self.environment, {}
        for i, symbol in enumerate(e.symbols):
            counts = found.setdefault(str(symbol), {})
            counts[len(e.bonds(i).index)] = counts.get(len(e.bonds(i).index), 0) + 1
        return {symbol: dict(sorted(counts.items())) for symbol, counts in found.items()}


def read_structure(source, name: str | None = None, *, elements=("Si", "O"), absorber: str = "O") -> Crystal:
    """The structure of a file (path), of a file's content (bytes, with its name), or of ASE Atoms or a pymatgen Structure.

    elements: those that it may hold; absorber: the one whose sites are listed. Raises DataError, one or two sentences, for
    what cannot be read, is no periodic solid, or cannot be: partial occupation, other elements, no absorber, atoms on top
    of each other, isolated molecules, silicon without oxygen, too many atoms, a flat cell."""
    kind, several = "", 1
    if isinstance(source, (bytes, bytearray, str, os.PathLike)):
        name, content = content_of(source, name)
        kind = format_of(name, content)
        atoms, several = parsed(name, content, kind)
    else:
        atoms, name = as_atoms(source), name or "structure"
    name = "".join(letter if letter.isprintable() else "?" for letter in name)  # a line of an export and of a message
    title = Path(name).name[:80]
    strange = sorted(set(atoms.get_chemical_symbols()) - set(elements))
    if strange:
        raise DataError(
            f"{title} contains {', '.join(strange)}. The models that are loaded know {' and '.join(elements)} "
            "only, so nothing can be said of it."
        )
    if absorber not in atoms.get_chemical_symbols() or len(set(atoms.get_chemical_symbols())) < len(elements):
        lacking = [symbol for symbol in (absorber, *elements) if symbol not in atoms.get_chemical_symbols()]
        raise DataError(
            f"{title} contains no {lacking[0]}, and the spectrum is that of {absorber} in an oxide. {CHOICES}."
        )
    if len(atoms) > ATOMS:
        raise DataError(
            f"{title} has {len(atoms):,} atoms; cells of up to {ATOMS} are read. Give the primitive cell, or a "
            "smaller model."
        )
    atoms, remarks = right_handed(atoms, title)
    if several > 1:
        remarks.append(f"The file holds {several:,} structures; this is the first.")
    environment = environment_of(atoms, title)
    remarks += judged(environment, title)
    sites = tuple(environment.inequivalent_oxygens)
    return Crystal(title, atoms, environment, sites, TITLES.get(kind, ""), tuple(remarks))


def content_of(source, name: str | None) -> tuple[str, bytes]:
    """Name and bytes of a path or of what was uploaded. DataError for what is not there, no file, empty or too large."""
    if isinstance(source, (bytes, bytearray)):
        name, content = str(name or "structure"), bytes(source)
    else:
        path = Path(source)
        if not os.path.isfile(path):
            raise DataError(f"There is no file {path}. {CHOICES}.")
        try:
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as problem:
            raise DataError(
                f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}. {CHOICES}."
            ) from None
        name = name or path.name
    if len(content) > MOST_BYTES or content.count(b"\n") > MOST_LINES:
        raise DataError(
            f"{name[:80]} is larger than any file of a cell of {ATOMS} atoms ({MOST_BYTES >> 20} MB, {MOST_LINES:,} "
            f"lines). {CHOICES}."
        )
    if not content.decode("utf-8", "replace").strip("\ufeff \r\n\t"):
        raise DataError(f"{name[:80]} is empty. {CHOICES}.")
    if b"\0" in content:
        raise DataError(f"{name[:80]} is no text. {CHOICES}.")
    return name, content


def format_of(name: str, content: bytes) -> str:
    """cif, extxyz or vasp: by what the content looks like, and by the suffix where that does not tell."""
    text = content[:MOST_BYTES].decode("utf-8", "replace")
    lines = text.lstrip("\ufeff \r\n\t").splitlines()
    if re.search(r"^\s*_cell_length_a\b", text, re.M | re.I) or re.match(r"data_\S*\s*$", lines[0], re.I):
        return "cif"
    if re.fullmatch(r"\s*\d+\s*", lines[0]) and (len(lines) < 2 or "=" in lines[1] or len(lines[-1].split()) >= 4):
        return "extxyz"
    return SUFFIXES.get(Path(name).suffix.lower(), "vasp")


def parsed(name: str, content: bytes, kind: str):
    """ASE Atoms of the first structure, and how many the file holds."""
    from ..sources.qe.structures import frames

    if kind == "extxyz":  # the reader would wait for as many lines as are said
        widths = re.findall(rb":[A-Za-z]:(\d+)", (content.split(b"\n", 2) + [b""])[1])
        if any(int(width[:9]) > MOST_COLUMNS for width in widths):  # each becomes a field in memory
            raise DataError(
                f"{name[:80]} is not readable as extended XYZ: it says more than {MOST_COLUMNS} columns of one kind. "
                f"{CHOICES}."
            )
        first, lines = (
            content.split(b"\n", 1)[0].decode("utf-8", "replace").strip("\ufeff \r\t"),
            content.count(b"\n") + 1,
        )
        if not first.isdecimal() or not 0 < int(first[:12]) <= lines - 2:
            raise DataError(
                f"{name[:80]} is not readable as extended XYZ: its first line is no number of atoms that it has "
                f"lines for. {CHOICES}."
            )
    if kind == "vasp":
        heads = [line.split(b"!")[0].split() for line in content.splitlines()[5:7]]
        counts = [
            [int(word[:12]) for word in words] for words in heads if words and all(word.isdigit() for word in words)
        ]
        if any(sum(numbers) > content.count(b"\n") for numbers in counts):
            raise DataError(f"{name[:80]} is not readable as POSCAR: it says more atoms than it has lines. {CHOICES}.")
    suffix = {"cif": ".cif", "extxyz": ".extxyz", "vasp": ".poscar"}[kind]
    stem = re.sub(r"[^\w.+-]+", "-", Path(name).stem)[:60].strip(".-") or "structure"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}{suffix}"
        path.write_bytes(content)
        try:
            found = frames(path, kind != "extxyz")
            if not found:
                raise DataError(f"{name[:80]} holds no structure. {CHOICES}.")
            atoms = found[0]()
        except DataError as problem:
            raise DataError(
                " ".join(str(problem).replace(str(path), name[:80]).replace(path.name, name[:80]).split())
            ) from None
    if kind == "extxyz" and not atoms.cell.array.any():
        raise DataError(
            f'{name[:80]} has no cell: an XYZ file of a crystal says Lattice="..." in its second line. {CHOICES}.'
        )
    return atoms, len(found)


def as_atoms(source):
    """ASE Atoms of an object. DataError for anything else."""
    if hasattr(source, "get_scaled_positions") and hasattr(source, "cell"):
        return source.copy()
    if hasattr(source, "lattice") and hasattr(source, "frac_coords"):
        if not source.is_ordered:
            raise DataError(
                "The structure has partially occupied positions. Choose one ordered arrangement of the atoms."
            )
        from ase import Atoms

        return Atoms(
            [site.specie.symbol for site in source],
            cell=source.lattice.matrix,
            pbc=True,
            scaled_positions=source.frac_coords,
        )
    raise DataError(f"A {type(source).__name__} is no structure. Give a path, ASE Atoms or a pymatgen Structure.")


def right_handed(atoms, title: str):
    """The atoms in a cell of three dimensions whose vectors are right-handed, and remarks. DataError for a flat cell."""
    cell = atoms.cell.array
    if not (np.isfinite(cell).all() and np.isfinite(atoms.positions).all()):
        raise DataError(f"{title} has a cell or positions that are no numbers. Check the file.")
    edges, volume = np.linalg.norm(cell, axis=1), np.linalg.det(cell)
    if abs(volume) < FLAT * np.prod(edges) or abs(volume) < 1e-6:
        raise DataError(
            f"{title} has a flat cell: its three vectors lie in a plane or on a line, {abs(volume):.3g} cubic "
            f"angstrom. {CHOICES}, with three vectors."
        )
    if edges.max() > 500:
        raise DataError(
            f"{title} has a cell edge of {edges.max():.0f} angstrom. Lengths are in angstrom; give a smaller cell."
        )
    share = abs(volume) / len(atoms)
    if not VOLUME[0] <= share <= VOLUME[1]:
        what = (
            "an isolated molecule, or a surface with much vacuum; the models know solids only"
            if share > VOLUME[1]
            else "which no solid has; lengths are in angstrom"
        )
        raise DataError(f"{title} has {share:.3g} cubic angstrom for an atom: {what}. Check its cell.")
    remarks = []
    atoms = atoms.copy()
    if volume < 0:
        atoms.set_cell(cell[[1, 0, 2]])
        remarks.append(
            "The vectors of its cell are left-handed: the first two were exchanged, the atoms stay where they are."
        )
    atoms.pbc = True
    return atoms, remarks


def environment_of(atoms, title: str) -> Environment:
    """The Environment of atoms; its DataError begins with the name of the file."""
    try:
        made = Environment.of(atoms)
        made.space_group  # noqa: B018 - whether there is one is part of what is asked
        return made
    except DataError as problem:
        raise DataError(f"{title}: {problem}") from None


def judged(environment: Environment, title: str) -> list[str]:
    """What is unusual about an oxide, sentences. DataError for what is none: no bonds, or isolated molecules."""
    if set(environment.symbols[environment.cations]) != {"Si"}:
        return judged_other(environment, title)
    e, remarks = environment, []
    bonds = [len(e.bonds(i).index) for i in range(len(e.symbols))]
    silicon, oxygen = (np.flatnonzero(e.symbols == symbol) for symbol in ("Si", "O"))
    counts = np.array(bonds)
    if not counts[silicon].any():
        raise DataError(
            f"{title} has no silicon with an oxygen within 2.2 angstrom: it is no silicon oxide. Check the "
            "lengths of its cell and its positions."
        )
    if not extends(e):
        raise DataError(
            f"{title} consists of isolated molecules: its Si-O bonds lead from no cell to the next. The models "
            "know networks only, and a molecule's spectrum is another one."
        )
    if (counts[silicon] < 4).mean() > 0.5:
        raise DataError(
            f"{title}: {(counts[silicon] < 4).sum()} of {len(silicon)} silicon atoms have fewer than four "
            "oxygens within 2.2 angstrom. That is no silicon oxide; check the lengths of its cell and its "
            "positions."
        )
    said = lambda n, what, has: f"{n} {what}{' has' if n == 1 else 's have'} {has}"
    for few, what, has in (
        ((counts[silicon] < 4).sum(), "silicon atom", "fewer than four oxygens"),
        ((counts[silicon] > 4).sum(), "silicon atom", "more than four oxygens"),
        ((counts[oxygen] < 2).sum(), "oxygen", "fewer than two silicons"),
        ((counts[oxygen] > 2).sum(), "oxygen", "more than two silicons"),
    ):
        if few:
            remarks.append(said(int(few), what, has) + ".")
    if len(oxygen) != 2 * len(silicon):
        remarks.append(f"There are {len(oxygen)} O for {len(silicon)} Si: it is no SiO2.")
    density = e.density
    if not DENSITY[0] <= density <= DENSITY[1]:
        remarks.append(
            f"Its density of {density:.2f} g/cm³ is one that no silicon oxide has been seen with "
            f"({DENSITY[0]:g} to {DENSITY[1]:g})."
        )
    shortest = min((e.bonds(int(i)).distance.min() for i in silicon if len(e.bonds(int(i)).index)), default=np.inf)
    if shortest < SHORTEST_BOND:
        remarks.append(f"Its shortest Si-O length is {shortest:.2f} Å; usual are 1.58 to 1.9 Å.")
    near = [e.neighbors(int(i), SHORTEST_O_O) for i in oxygen]
    pairs = [d for part in near for d, k in zip(part.distance, part.index) if e.symbols[k] == "O"]
    if pairs:
        remarks.append(f"Two oxygens are {min(pairs):.2f} Å apart: closer than in any silicon oxide, as in a peroxide.")
    return remarks


def judged_other(environment: Environment, title: str) -> list[str]:
    """The same of an oxide of other elements, of which less is known."""
    e, metals = environment, "/".join(sorted(set(environment.symbols[environment.cations])))
    if not any(len(e.bonds(int(i)).index) for i in e.cations):
        raise DataError(
            f"{title} has no {metals} with an oxygen near enough for a bond. Check the lengths of its cell."
        )
    if not extends(e):
        raise DataError(
            f"{title} consists of isolated molecules: its {metals}-O bonds lead from no cell to the next. The models know "
            "networks only, and a molecule's spectrum is another one."
        )
    alone = sum(not len(e.bonds(int(i)).index) for i in e.oxygens)
    return (
        [f"{alone} of its oxygens {'has' if alone == 1 else 'have'} no {metals} near enough for a bond."]
        if alone
        else []
    )


def extends(environment: Environment) -> bool:
    """Whether some bonded atoms are connected with an image of themselves: a chain, a sheet or a framework."""
    place: dict[int, np.ndarray] = {}
    for start in range(len(environment.symbols)):
        if start in place:
            continue
        place[start], front = np.zeros(3, int), [start]
        while front:
            atom = front.pop()
            bonds = environment.bonds(atom)
            for k, image in zip(bonds.index, bonds.image):
                there = place[atom] + image
                if int(k) not in place:
                    place[int(k)] = there
                    front.append(int(k))
                elif (place[int(k)] != there).any():
                    return True
    return False
