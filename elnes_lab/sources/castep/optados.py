"""Output of OptaDOS for a CASTEP calculation: `<seed>.pdos.dat` and `<seed>_core_edge.dat`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import DataError
from .bands import Bands
from .text import read_lines

MOST = 100_000  # energies
COARSEST = 0.1  # eV between them
ALIKE = 0.8  # least correlation of the PDOS, summed over atoms, with the density of the eigenvalues
STEP, SIGMA = 0.02, 0.2  # eV, of the densities that are compared


@dataclass(frozen=True)
class Projections:
    """energy (e,) eV on the file's own zero; channels: (element, number of the atom among its element from 1, "s") ->
    (e,) states/eV, both spins."""

    energy: np.ndarray
    channels: dict[tuple[str, int, str], np.ndarray]


def table(path: Path, rows: list[str]) -> np.ndarray:
    """Lines of numbers as an array. DataError for lines of different lengths, and for an energy that does not rise
    evenly."""
    try:
        width = len(rows[0].split())
        values = np.array(" ".join(rows).replace("D", "E").split(), float).reshape(len(rows), width)
    except (IndexError, ValueError):
        raise DataError(f"{path.name} is not a whole table of numbers; copy it again, or run OptaDOS again") from None
    step = np.diff(values[:, 0])
    if (
        not 10 < len(rows) <= MOST
        or not np.isfinite(values).all()
        or not step.min() > 0
        or np.abs(step - step.mean()).max() > 0.02 * step.mean() + 1e-5
    ):
        raise DataError(f"{path.name}: its energies do not rise in equal steps; copy it again, or run OptaDOS again")
    return values


def read_projections(paths: list[Path]) -> Projections:
    """The PDOS in one or several files of a calculation. Columns that sum over atoms or channels are left out.

    DataError for damaged files, for different energies, and for a grid coarser than 0.1 eV.
    """
    energy, channels = None, {}
    for path in paths:
        lines = [line.strip() for line in read_lines(path)]
        columns: list[list[tuple]] = []
        for line in lines:
            if re.search(r"(Column|Projector):\s*\d+\s+contains", line):
                columns.append([])
            elif columns and line.startswith("#"):
                found = re.match(r"#\|\s*([A-Z][a-z]?)\s*(\d+)\s+([spdfg])\b", line)
                if found:
                    columns[-1].append((found[1], int(found[2]), found[3]))
        values = table(path, [line for line in lines if line and not line.startswith("#")])
        if not columns or values.shape[1] != len(columns) + 1:
            raise DataError(
                f"{path.name} describes {len(columns)} columns and has {values.shape[1] - 1}; it is not OptaDOS's, or "
                "cut off"
            )
        if energy is not None and (len(energy) != len(values) or np.abs(energy - values[:, 0]).max() > 1e-4):
            raise DataError(f"{path.name} has other energies than {paths[0].name}; run OptaDOS once for all projectors")
        energy = values[:, 0]
        seen: dict[tuple, int] = {}
        for column, atoms in zip(values.T[1:], columns):
            if len(atoms) == 1:  # of two spins the second is negative, for plots
                seen[atoms[0]] = seen.get(atoms[0], 0) + 1
                channels[atoms[0]] = np.abs(column) + (channels[atoms[0]] if seen[atoms[0]] > 1 else 0)
    if energy[1] - energy[0] > COARSEST:
        raise DataError(
            f"the PDOS has an energy only every {energy[1] - energy[0]:.2f} eV; run OptaDOS with dos_spacing 0.02"
        )
    return Projections(energy, channels)


def zero(projections: Projections, total: np.ndarray, bands: Bands, occupied: int) -> float:
    """What is to be added to the PDOS's energies (eV) to get those of the eigenvalues.

    OptaDOS writes energies as they are, or less a Fermi energy of its own choice that stands in no file read here. So
    the shift is the one at which the PDOS of all atoms, `total` (e,), falls on the density of the eigenvalues: the
    maximum of their correlation, between grid points by a parabola. Over the `occupied` bands alone: projections hold
    these nearly whole, and less and less of the empty ones. DataError if they are not alike at any shift.
    """
    bands = replace(bands, levels=bands.levels[:, :, :occupied])
    low, high = bands.levels.min() - 2, bands.levels.max() + 2
    energy = np.arange(low, high, STEP)
    grid = np.arange(projections.energy[0], projections.energy[-1], STEP)
    one = bands.density(energy, SIGMA)
    two = smooth(projections.energy, total, grid, SIGMA)
    length = len(one) + len(two) - 1
    product = np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(two[::-1], length), length)
    best = int(product.argmax())
    first = len(two) - 1 - best  # the point of `two` that falls on the first of `one`
    beneath = two[max(first, 0) : max(first + len(one), 0)]
    norm = np.linalg.norm(one) * np.linalg.norm(beneath)
    if not norm > 0 or product[best] / norm < ALIKE:
        raise DataError(
            "the PDOS does not belong to these eigenvalues: summed over the atoms it correlates with their density by "
            f"{product[best] / norm if norm > 0 else 0:.2f} at the best, {ALIKE} at least is expected; it lacks atoms "
            "or is that of another run"
        )
    around = product[max(best - 1, 0) : best + 2]
    curve = around[0] - 2 * around[1] + around[2] if len(around) == 3 else 0
    fraction = 0.5 * (around[0] - around[2]) / curve if curve else 0.0
    return float(energy[0] - grid[0] + (best + fraction - (len(two) - 1)) * STEP)


def smooth(energy: np.ndarray, values: np.ndarray, grid: np.ndarray, sigma: float) -> np.ndarray:
    """Curves (..., e) on uniform energies (e,), convolved with a Gaussian, at the energies `grid` (g,): (..., g). 0
    outside."""
    step = energy[1] - energy[0]
    reach = int(np.ceil(6 * sigma / step))
    padded = np.concatenate([np.zeros((*values.shape[:-1], reach)), values, np.zeros((*values.shape[:-1], reach))], -1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma) ** 2)
    kernel /= kernel.sum()
    wide = energy[0] + step * np.arange(-reach, len(energy) + reach)
    flat = padded.reshape(-1, padded.shape[-1])
    curves = np.array([np.interp(grid, wide, np.convolve(curve, kernel, "same"), 0, 0) for curve in flat])
    return curves.reshape(*values.shape[:-1], len(grid))


def read_core_edge(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Edge, such as "O 1 K1 exc" -> energy (e,) eV and spectrum (e,) without life-time broadening, spins added.

    DataError for a damaged file.
    """
    edges, name, rows = {}, None, []

    def close():
        if name is not None and rows:
            values = table(path, rows)
            if values.shape[1] not in (2, 3, 4, 7):
                raise DataError(f"{path.name} has {values.shape[1]} columns, which OptaDOS does not write")
            edges[name] = values[:, 0], values[:, 1] + (values[:, 2] if values.shape[1] > 3 else 0)

    for line in (line.strip() for line in read_lines(path)):
        if line.startswith("#"):
            found = re.match(r"#\s+([A-Z][a-z]?\s+\d+\s+[K-P]\d(?:,\d)?(?:\s+\S+)?)$", line)
            if found:
                close()
                name, rows = " ".join(found[1].split()), []
        elif line:
            rows.append(line)
    close()
    if not edges:
        raise DataError(f"{path.name} holds no edge; it is not OptaDOS's, or cut off")
    return edges
