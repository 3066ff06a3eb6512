"""One finished calculation: the files of a seed name, and whether they belong together."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import DataError
from .bands import Bands, read_bands
from .cell import Cell, read_cell
from .report import Report, read_report

LATTICE = 0.02  # angstrom between the lattice vectors of two files of one calculation


@dataclass(frozen=True, eq=False)
class Run:
    """path: of the `.castep` file; the files beside it are read when they are asked for."""

    path: Path
    report: Report

    @property
    def seed(self) -> str:
        return self.path.name.removesuffix(".castep")

    def file(self, suffix: str) -> Path:
        return self.path.with_name(self.seed + suffix)

    @cached_property
    def cell(self) -> Cell:
        """From `<seed>-out.cell`, which holds the atoms as they ended, else `<seed>.cell`. DataError unless both it
        and `.bands` have the lattice, and it and the report the atoms."""
        written = self.file("-out.cell")
        path = written if written.exists() else self.file(".cell")
        cell = read_cell(path)
        if np.abs(cell.cell - self.bands.cell).max() > LATTICE:
            raise DataError(
                f"{path.name} has other lattice vectors than {self.seed}.bands; if the cell was relaxed or is written "
                "by lengths and angles, keep the -out.cell file that CASTEP wrote"
            )
        elements: dict[str, int] = {}
        for label, count in self.report.species:
            elements[label.split(":")[0]] = elements.get(label.split(":")[0], 0) + count
        found = {symbol: int((cell.symbols == symbol).sum()) for symbol in sorted(set(cell.symbols.tolist()))}
        if found != elements:
            raise DataError(
                f"{path.name} has {words(found)}, where {self.path.name} lists {words(elements)}; keep the -out.cell "
                "file, which has all atoms and not only those that symmetry needs"
            )
        return cell

    @cached_property
    def bands(self) -> Bands:
        return read_bands(self.file(".bands"))

    @property
    def projections(self) -> list[Path]:
        """OptaDOS's PDOS files of this calculation."""
        start = self.seed + ".pdos."
        return sorted(p for p in self.path.parent.iterdir() if p.name.startswith(start) and p.name.endswith(".dat"))


def words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {symbol}" for symbol, count in sorted(counts.items()))


def read_run(path: Path) -> Run:
    """The calculation of a `.castep` file. DataError if it cannot be used."""
    return Run(path, read_report(path))
