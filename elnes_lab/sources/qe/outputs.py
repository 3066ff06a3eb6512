"""What pw.x, projwfc.x and pp.x print and write, as arrays. Energies in eV.

Every function raises DataError where the text is not what the program of a trusted version writes.
"""

import re
from pathlib import Path

import numpy as np

from ...errors import DataError
from .inputs import PROJECTIONS
from .settings import RYDBERG


def total_energy(output: str) -> float:
    """The last converged total energy that pw.x printed."""
    found = re.findall(r"!\s+total energy\s+=\s+(-?[\d.]+) Ry", output)
    if not found:
        raise DataError("pw.x printed no converged total energy.")
    return float(found[-1]) * RYDBERG


def band_energies(output: str, least: int) -> np.ndarray:
    """Eigenvalues (k points, bands) of the last set printed by pw.x, which must have at least `least` bands, rising
    at every k point."""
    found = []
    for block in re.split(r"\n\s+k =", output)[1:]:
        if "bands (ev)" in block:
            body = re.split(r"occupation numbers|highest|Writing|the Fermi", block.split("bands (ev):")[1])[0]
            found.append([float(x) for x in re.findall(r"-?\d+\.\d+", body)])
    width = len(found[-1]) if found else 0
    bands = np.array([b for b in found if len(b) == width])
    if width < least:
        raise DataError(f"pw.x printed {width} bands where {least} are needed.")
    if (np.diff(bands, axis=1) < -1e-3).any():
        raise DataError("pw.x printed band energies that do not rise: its output is damaged.")
    return bands


def density_of_states(work: Path) -> np.ndarray:
    """(points, 2) of projwfc.x: energy on the scale of pw.x, DOS in states/eV/cell."""
    return table(work / f"{PROJECTIONS}.pdos_tot", 3)[:, :2]


def projections(work: Path, atoms: int) -> dict[tuple[int, str], np.ndarray]:
    """(atom, "s" or "p") -> columns (points, n) in states/eV: the sum over m, then for p those of z, x and y."""
    found = {}
    for path in work.glob(f"{PROJECTIONS}.pdos_atm*"):
        named = re.fullmatch(PROJECTIONS + r"\.pdos_atm#(\d+)\(\w+\)_wfc#\d+\((\w)\)", path.name)
        if not named or named[2] not in "sp":
            raise DataError(f"projwfc.x wrote {path.name}, which is no s or p projection.")
        found[int(named[1]) - 1, named[2]] = table(path, 3 if named[2] == "s" else 5)[:, 1:]
    if set(found) != {(i, orbital) for i in range(atoms) for orbital in "sp"}:
        raise DataError(f"projwfc.x wrote {len(found)} projections for {atoms} atoms instead of s and p of each.")
    return found


def table(path: Path, columns: int) -> np.ndarray:
    try:
        values = np.loadtxt(path, ndmin=2)
    except (OSError, ValueError):
        raise DataError(f"projwfc.x wrote no readable {path.name}.") from None
    if values.shape[1] < columns or len(values) < 2 or not np.isfinite(values).all():
        raise DataError(f"{path.name} of projwfc.x does not hold {columns} columns of numbers.")
    return values


def local_potential(path: Path) -> np.ndarray:
    """Local potential (Ry) written by pp.x with plot_num=1: (n1, n2, n3) of the FFT grid."""
    try:
        lines = Path(path).read_text(errors="replace").split("\n")
        n1, n2, n3, *_, atoms, kinds = map(int, lines[1].split())
        head = 4 + (3 if int(lines[2].split()[0]) == 0 else 0) + kinds + atoms
        values = np.array(" ".join(lines[head:]).split(), float).reshape(n3, n2, n1).transpose(2, 1, 0)
    except (OSError, ValueError, IndexError):
        raise DataError("pp.x wrote no readable potential.") from None
    if not np.isfinite(values).all():
        raise DataError("pp.x wrote a potential that is not finite.")
    return values
