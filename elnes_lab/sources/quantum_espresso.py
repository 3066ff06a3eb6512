"""Results of the Quantum ESPRESSO route: `<structure>/ground.npz` and `<structure>/O<i>.npz`.

A file is either read whole and checked, or a `DataError` says why it cannot be a row of the database. Energies are in eV,
lengths in angstrom, the dipole strength in bohr^2/eV.
"""
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError

PDOS_TOP = 17.0             # eV above the valence-band maximum; the ground-state bands must be complete up to here: 10 eV of
                            # conduction bands in a wide-gap oxide, which is the near-edge structure
GAP_RANGE = (0.5, 10.0)     # eV; PBE gaps of silicon oxides lie between 2 and 7
NEGATIVE = -0.02            # of the peak; leaving the occupied states out is exact only for a converged recursion
PRE_EDGE = 0.2              # of the peak; strength allowed below the middle of the gap
GROUND_SHAPES = {
    "cell": "3,3", "symbols": "a", "positions": "a,3", "name": "", "source": "", "total_energy": "", "band_gap": "",
    "supercell": "3,3", "supercell_energy": "", "energy": "e", "dos": "e", "pdos_s": "a,e", "pdos_p": "a,e",
    "pdos_pxyz": "a,3,e", "top": "", "seconds": "",
}
SITE_SHAPES = {
    "site": "", "multiplicity": "", "supercell": "3,3", "image_distance": "", "energy": "e", "strength": "3,e",
    "total_energy": "", "neutral_energy": "", "homo": "", "lumo": "", "seconds": "",
}


@dataclass(frozen=True)
class GroundState:
    """Ground state of one structure of n atoms.

    cell (3, 3) angstrom, rows are the lattice vectors; symbols (n,); positions (n, 3) fractional; energies in eV; energy (e,)
    relative to the valence-band maximum; dos (e,) in states/eV/cell; pdos_s, pdos_p (n, e) and pdos_pxyz (n, 3, e) in
    states/eV/atom, complete up to `top`; supercell (3, 3) integers and supercell_energy: the neutral crystal in the cell of the
    core-hole calculations; seconds of one core.
    """

    structure: str
    name: str
    source: str
    cell: np.ndarray
    symbols: np.ndarray
    positions: np.ndarray
    total_energy: float
    band_gap: float
    supercell: np.ndarray
    supercell_energy: float
    energy: np.ndarray
    dos: np.ndarray
    pdos_s: np.ndarray
    pdos_p: np.ndarray
    pdos_pxyz: np.ndarray
    top: float
    seconds: float


@dataclass(frozen=True)
class CoreHoleSite:
    """Core-hole spectrum of one oxygen.

    site: index into the ground state's atoms; energy (e,) in eV relative to `homo`; strength (3, e) in bohr^2/eV for
    polarization x, y, z; total_energy, neutral_energy, homo, lumo in eV, of the core-hole supercell (neutral_energy is NaN for
    all but the first site of a structure); image_distance in angstrom.
    """

    site: int
    multiplicity: int
    supercell: np.ndarray
    image_distance: float
    energy: np.ndarray
    strength: np.ndarray
    total_energy: float
    neutral_energy: float
    homo: float
    lumo: float
    seconds: float


def read_arrays(path: Path, shapes: dict[str, str], what: str) -> dict:
    """Arrays of an .npz file whose keys and shapes are those of `shapes` (equal letters are equal lengths).

    Raises DataError for a truncated or foreign file, a missing key, another shape, or a value that is not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [k for k in shapes if k not in file]
            if missing:
                raise DataError(f"not a {what} file: it has no {', '.join(missing)}; compute this step again")
            arrays = {k: file[k] for k in shapes}
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, AttributeError, TypeError) as problem:
        detail = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(f"not readable as .npz, truncated or of another format ({detail}); compute this step again") from None
    sizes: dict[str, int] = {}
    for key, shape in shapes.items():
        wanted = [int(s) if s.isdigit() else sizes.get(s) for s in shape.split(",") if s]
        found = arrays[key].shape
        if len(found) != len(wanted) or any(w not in (None, f) for w, f in zip(wanted, found)):
            raise DataError(f"{key} has shape {found}, not ({shape}); compute this step again")
        sizes.update({s: f for s, f in zip(shape.split(","), found) if s and not s.isdigit()})
        if arrays[key].dtype.kind in "fc" and key != "neutral_energy" and not np.isfinite(arrays[key]).all():
            raise DataError(f"non-finite value in {key}; compute this step again")
        if (arrays[key].dtype.kind in "US") != (key in ("symbols", "name", "source")):
            raise DataError(f"{key} is of type {arrays[key].dtype}, which a {what} file does not have; compute this step again")
    return arrays


def scalars(arrays: dict) -> dict:
    return {k: v.item() if v.ndim == 0 else v for k, v in arrays.items()}


def read_ground(path: Path) -> GroundState:
    """The checked ground state of one structure; the folder's name is its id. DataError with the reason otherwise."""
    ground = GroundState(structure=Path(path).parent.name, **scalars(read_arrays(path, GROUND_SHAPES, "ground-state")))
    if not GAP_RANGE[0] <= ground.band_gap <= GAP_RANGE[1]:
        raise DataError(f"gap out of range: {ground.band_gap:.2f} eV is not within {GAP_RANGE[0]} to {GAP_RANGE[1]} eV")
    if ground.top < PDOS_TOP:
        raise DataError(f"PDOS cut off below the window: bands are complete up to {ground.top:.1f} eV, {PDOS_TOP:.0f} eV are needed")
    uniform("energy of the PDOS", ground.energy)
    return ground


def read_site(path: Path, ground: GroundState) -> CoreHoleSite:
    """The checked core-hole spectrum of one oxygen of `ground`. DataError with the reason otherwise."""
    row = CoreHoleSite(**scalars(read_arrays(path, SITE_SHAPES, "core-hole")))
    named = re.fullmatch(r"O(\d+)", Path(path).stem)
    if not named or int(named[1]) != row.site:
        raise DataError(f"the file is named {Path(path).name} but holds site {row.site}; compute this step again")
    if not 0 <= row.site < len(ground.symbols) or ground.symbols[row.site] != "O":
        element = ground.symbols[row.site] if 0 <= row.site < len(ground.symbols) else "no atom at all"
        raise DataError(f"site not an oxygen: atom {row.site} is {element}")
    if not np.array_equal(row.supercell, ground.supercell):
        raise DataError("its supercell is not the one of the ground state, so their total energies do not compare")
    uniform("energy of the spectrum", row.energy)
    check_spectrum(row.energy, row.strength, row.lumo - row.homo)
    return row


def uniform(what: str, energy: np.ndarray) -> None:
    step = np.diff(energy.astype(float))
    if len(energy) < 2 or step[0] <= 0 or np.abs(step - step.mean()).max() > 1e-3 * step.mean():
        raise DataError(f"the {what} does not rise in equal steps; compute this step again")


def check_spectrum(energy: np.ndarray, strength: np.ndarray, gap: float) -> None:
    """DataError unless strength (3, e) at energy (e,) eV, zero at the highest occupied level, looks like an O K edge.

    gap (eV): lowest empty minus highest occupied level of the core-hole cell.
    """
    if not 0 < gap <= GAP_RANGE[1]:
        raise DataError(f"gap out of range: {gap:.2f} eV between the levels of the core-hole cell")
    peak = strength.max()
    if peak <= 0:
        raise DataError("no edge: the strength is nowhere positive")
    if strength.min() < NEGATIVE * peak:
        raise DataError(f"strength below {NEGATIVE:.0%} of its peak: {strength.min() / peak:.1%} at "
                        f"{energy[strength.min(0).argmin()]:.1f} eV")
    isotropic = strength.mean(0)
    before = isotropic[energy < gap / 2].max(initial=-np.inf)
    if before > PRE_EDGE * isotropic.max() or not (isotropic[energy > gap / 2] > 0).any():
        raise DataError(f"no edge: below the middle of the gap the strength reaches {before / isotropic.max():.0%} of the peak")
