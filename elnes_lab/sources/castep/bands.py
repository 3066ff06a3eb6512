"""`<seed>.bands`: Kohn-Sham eigenvalues of a CASTEP calculation."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from .text import numbers, read_lines

HARTREE = 27.211386245988  # eV, CODATA 2018
BOHR = 0.529177210903  # angstrom, CODATA 2018
MOST = 50_000_000  # eigenvalues


@dataclass(frozen=True)
class Bands:
    """electrons (spins,); fermi (spins,) eV; cell (3, 3) angstrom; kpoints (k, 3) fractional; weights (k,), sum 1;
    levels (k, spins, bands) eV, in the order of the file, which is that of the matrix elements."""

    electrons: np.ndarray
    fermi: np.ndarray
    cell: np.ndarray
    kpoints: np.ndarray
    weights: np.ndarray
    levels: np.ndarray

    def edges(self, occupied: int) -> tuple[float, float]:
        """Highest of the levels that `occupied` bands take, and lowest of the others, eV. DataError if there are no
        others."""
        if not 0 < occupied < self.levels.shape[2]:
            raise DataError(
                f"{self.levels.shape[2]} bands do not reach above the gap: {occupied} of them are filled; compute more"
            )
        return float(self.levels[:, :, :occupied].max()), float(self.levels[:, :, occupied:].min())

    @property
    def complete(self) -> float:
        """Energy (eV) up to which no k point lacks a level."""
        return float(self.levels.max(2).min())

    def density(self, energy: np.ndarray, sigma: float) -> np.ndarray:
        """Density of states (e,) in states/eV/cell, both spins, at uniform energies (e,) eV: a Gaussian for every
        level."""
        step = energy[1] - energy[0]
        edges = np.append(energy - step / 2, energy[-1] + step / 2)
        weight = np.broadcast_to((2 / self.levels.shape[1] * self.weights)[:, None, None], self.levels.shape)
        counts = np.histogram(self.levels, edges, weights=weight)[0] / step
        reach = np.arange(-int(6 * sigma / step) - 1, int(6 * sigma / step) + 2) * step
        kernel = np.exp(-0.5 * (reach / sigma) ** 2)
        return np.convolve(counts, kernel / kernel.sum(), mode="full")[len(reach) // 2 :][: len(energy)]


def read_bands(path: Path) -> Bands:
    """The eigenvalues in a file. DataError if it is damaged or cut off."""
    lines = read_lines(path)
    say = f"{path.name} is not a .bands file, or a part of one"
    try:
        head = [line.split() for line in lines[:9]]
        kpoints, spins = int(head[0][-1]), int(head[1][-1])
        bands = [int(float(word)) for word in head[3][3:]]
        start = head[0][:3] == ["Number", "of", "k-points"] and spins in (1, 2) and kpoints > 0 and min(bands) > 0
    except (IndexError, ValueError):
        start = False
    if not start:
        raise DataError(f"{say}; copy it again")
    if len(set(bands)) > 1:
        raise DataError(
            f"{path.name} has {bands[0]} bands of one spin and {bands[1]} of the other; compute as many of both"
        )
    count = bands[0]
    if kpoints * spins * count > MOST:
        raise DataError(f"{say}: it says {kpoints} k points of {count} bands")
    block = 1 + spins * (count + 1)
    if len(lines) < 9 + kpoints * block:
        raise DataError(
            f"{path.name} is cut off: {len(lines)} lines where {kpoints} k points of {count} bands have "
            f"{9 + kpoints * block}; copy it again"
        )
    electrons = numbers(head[2][3:], spins, path.name)
    fermi = numbers(lines[4].rpartition(")")[2].split(), spins, path.name)
    cell = np.array([numbers(words, 3, path.name) for words in head[6:9]]) * BOHR
    points, levels = np.zeros((kpoints, 4)), np.zeros((kpoints, spins, count))
    for k in range(kpoints):
        at = 9 + k * block
        if not lines[at].startswith("K-point"):
            raise DataError(f"{say}: no k point in line {at + 1}; copy it again")
        points[k] = numbers(lines[at].split()[2:], 4, path.name)
        for spin in range(spins):
            first = at + 2 + spin * (count + 1)
            levels[k, spin] = numbers(" ".join(lines[first : first + count]).split(), count, path.name)
    if not 0.99 < points[:, 3].sum() < 1.01 or (points[:, 3] < 0).any():
        raise DataError(
            f"{say}: the weights of its k points add up to {points[:, 3].sum():.3f}, not to 1; a band structure along "
            "a path is no sample of the cell"
        )
    return Bands(np.array(electrons), np.array(fermi) * HARTREE, cell, points[:, :3], points[:, 3], levels * HARTREE)
