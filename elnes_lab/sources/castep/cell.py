"""`<seed>.cell` and `<seed>-out.cell`: the structure of a CASTEP calculation."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from .text import numbers, read_lines

LENGTHS = {"ang": 1.0, "bohr": 0.529177210903, "a0": 0.529177210903, "nm": 10.0, "pm": 0.01, "m": 1e10, "cm": 1e8}
MOST = 2000  # atoms


@dataclass(frozen=True)
class Cell:
    """cell (3, 3) angstrom, rows are the lattice vectors; labels (n,), "O" or "O:exc"; positions (n, 3) fractional."""

    cell: np.ndarray
    labels: tuple[str, ...]
    positions: np.ndarray

    @property
    def symbols(self) -> np.ndarray:
        """Elements (n,)."""
        return np.array([label.split(":")[0] for label in self.labels])


def read_cell(path: Path) -> Cell:
    """The structure in a file. DataError if there is none, or one that it describes in a way not read here."""
    blocks = read_blocks(path)
    where = path.name
    if "lattice_cart" in blocks:
        factor, rows = scaled(blocks["lattice_cart"], where)
        cell = factor * np.array([numbers(row.split(), 3, where) for row in rows[:3]])
    elif "lattice_abc" in blocks:
        from ase.geometry import cellpar_to_cell

        factor, rows = scaled(blocks["lattice_abc"], where)
        values = [numbers(row.split(), 3, where) for row in rows[:2]]
        if len(values) != 2 or not all(0 < angle < 180 for angle in values[1]):
            raise DataError(f"{where}: the block lattice_abc needs a line of lengths and one of angles")
        cell = cellpar_to_cell([factor * length for length in values[0]] + values[1])
    else:
        raise DataError(f"{where} has no block lattice_cart or lattice_abc")
    if cell.shape != (3, 3) or not np.linalg.norm(cell, axis=1).max() < 1e3 or abs(np.linalg.det(cell)) < 1:
        raise DataError(f"{where}: its lattice vectors span no cell")
    name = next((name for name in ("positions_frac", "positions_abs") if name in blocks), None)
    if name is None:
        raise DataError(f"{where} has no block positions_frac or positions_abs")
    factor, rows = scaled(blocks[name], where)
    if not 0 < len(rows) <= MOST:
        raise DataError(f"{where} has {len(rows)} atoms, not 1 to {MOST}")
    labels = tuple(labelled(row.split()[0], where) for row in rows)
    positions = np.array([numbers(row.split()[1:], 3, where) for row in rows])
    if name == "positions_abs":
        positions = factor * positions @ np.linalg.inv(cell)
    if any(re.search(r"\bmixture\b", row, re.I) for row in rows):
        raise DataError(f"{where} has mixed occupation of a position, which no calculation of a row has")
    return Cell(cell, labels, positions)


def read_blocks(path: Path) -> dict[str, list[str]]:
    """Lines of each %BLOCK, without comments and empty lines, under its name in small letters."""
    blocks: dict[str, list[str]] = {}
    inside = None
    for line in read_lines(path):
        line = re.split(r"[#!;]", line, maxsplit=1)[0].strip()
        mark = re.match(r"%(END)?BLOCK\s+(\w+)", line, re.I)
        if mark and mark[1]:
            inside = None
        elif mark:
            inside = mark[2].lower()
            blocks[inside] = []
        elif inside and line:
            blocks[inside].append(line)
    return blocks


def scaled(rows: list[str], where: str) -> tuple[float, list[str]]:
    """Angstrom of the unit in a block's first line, if there is one, and the other lines."""
    if rows and re.fullmatch(r"[a-zA-Z]\w*", rows[0]):
        if rows[0].lower() not in LENGTHS:
            raise DataError(f"{where}: '{rows[0][:20]}' is no unit of length")
        return LENGTHS[rows[0].lower()], rows[1:]
    return 1.0, rows


def labelled(word: str, where: str) -> str:
    """An atom's label, the element in its usual spelling. Atomic numbers are read too."""
    from ase.data import chemical_symbols

    element, colon, label = word.partition(":")
    if element.isdigit() and 0 < int(element) < len(chemical_symbols):
        element = chemical_symbols[int(element)]
    element = element.capitalize()
    if element not in chemical_symbols[1:]:
        raise DataError(f"{where}: '{word[:20]}' is no element")
    return element + colon + label
