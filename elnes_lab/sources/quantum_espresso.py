"""Computed steps: `<structure>/ground.npz` and `<structure>/O<i>.npz`, of the Quantum ESPRESSO route or brought into its form.

A file is either read whole and checked, or a `DataError` says why it cannot be a row of the database. Energies are in eV,
lengths in angstrom, the dipole strength in bohr^2/eV.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..spectra import EXPERIMENTAL_OFFSET
from ..subject import OXYGEN, Subject
from .checks import (
    ELECTRONS,
    GAP_RANGE,
    VECTOR,
    check_energies,
    check_pdos,
    check_seconds,
    check_settings,
    check_spectrum,
    check_structure,
    uniform,
)
from .npz import AGAIN, printable, read_arrays, read_regular
from .qe.cells import same_supercell

PDOS_TOP = 17.0  # eV above the valence-band maximum; the ground-state bands must be complete up to here: 10 eV of
# conduction bands in a wide-gap oxide, which is the near-edge structure
SOURCES = ("mineral", "prototype", "framework", "search", "melt-quench", "user")
ID = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}"  # of a structure: its folder, part of a label and of a line of a list
NAME = r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,79}"
STRENGTH = (1e-6, 1e-2)  # bohr^2/eV; the peaks found so far lie between 1e-4 and 4e-4
EDGE = (480.0, 600.0)  # eV of energy loss; the O K edge lies at 532
GROUND_SHAPES = {
    "cell": "3,3",
    "symbols": "a",
    "positions": "a,3",
    "name": "",
    "source": "",
    "total_energy": "",
    "band_gap": "",
    "supercell": "3,3",
    "supercell_energy": "",
    "energy": "e",
    "dos": "e",
    "pdos_s": "a,e",
    "pdos_p": "a,e",
    "pdos_pxyz": "a,3,e",
    "top": "",
    "seconds": "",
}
# Of rows that other programs computed: what did it, and how its total energies become energy losses. Of other oxides: the edge, and
# the valence electrons of the cell, which depend on the pseudopotentials. Of newer rows: with what settings.
GROUND_OPTIONAL = {"method": "", "offset": "", "absorber": "", "edge": "", "electrons": "", "settings": ""}
METHOD = (
    "Quantum ESPRESSO 7.2, PBE, ultrasoft pseudopotentials, 25/100 Ry; full core hole in a supercell; Lanczos recursion"
)
SITE_SHAPES = {
    "site": "",
    "multiplicity": "",
    "supercell": "3,3",
    "image_distance": "",
    "energy": "e",
    "strength": "3,e",
    "total_energy": "",
    "neutral_energy": "",
    "homo": "",
    "lumo": "",
    "seconds": "",
}
SITE_OPTIONAL = {"settings": "", "iterations": ""}
ORIGINAL = "original"  # settings: those of the first rows, with 400 Lanczos steps
FIRST_ITERATIONS = 300  # of the rows from before their number was stored


@dataclass(frozen=True)
class GroundState:
    """Ground state of one structure of n atoms.

    cell (3, 3) angstrom, rows are the lattice vectors; symbols (n,); positions (n, 3) fractional; energies in eV; energy (e,)
    relative to the valence-band maximum; dos (e,) in states/eV/cell; pdos_s, pdos_p (n, e) and pdos_pxyz (n, 3, e) in
    states/eV/atom, complete up to `top`; supercell (3, 3) integers and supercell_energy: the neutral crystal in the cell of the
    core-hole calculations; seconds of one core. offset: eV from a difference of total energies to an energy loss, NaN where it is
    not known; method: how it was computed; settings: NAME=VALUE of what differs from the first rows, "" with another method,
    where pdos_pxyz may be NaN as a whole. absorber, edge: what is excited; electrons: valence electrons of the cell, 0 where they
    are those of our pseudopotentials.
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
    offset: float = EXPERIMENTAL_OFFSET
    method: str = METHOD
    absorber: str = OXYGEN
    edge: str = "K"
    electrons: float = 0.0
    settings: str = ORIGINAL

    @property
    def valence(self) -> float:
        """Valence electrons of the cell."""
        return self.electrons or sum(ELECTRONS[symbol] for symbol in self.symbols)

    @property
    def subject(self) -> Subject:
        """What its spectra are of. DataError for what this package has no rows for."""
        return Subject.of(self.absorber, self.edge, self.symbols)


@dataclass(frozen=True)
class CoreHoleSite:
    """Core-hole spectrum of one oxygen.

    site: index into the ground state's atoms; energy (e,) in eV relative to `homo`; strength (3, e) in bohr^2/eV for
    polarization x, y, z; total_energy, neutral_energy, homo, lumo in eV, of the core-hole supercell (neutral_energy is NaN for
    all but the first site of a structure; total_energy, of the charged cell, where another method computed the neutral one
    only); image_distance in angstrom; settings as of the ground state.
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
    settings: str = ORIGINAL


def scalars(arrays: dict) -> dict:
    return {k: v.item() if v.ndim == 0 else v for k, v in arrays.items()}


def read_ground(path: Path, content: bytes | None = None) -> GroundState:
    """The checked ground state of one structure; the folder's name is its id. DataError with the reason otherwise.

    content: the file's bytes if they have been read already.
    """
    content = read_regular(path).bytes if content is None else content
    ground = GroundState(
        structure=Path(path).parent.name,
        **scalars(read_arrays(content, GROUND_SHAPES, "ground-state", GROUND_OPTIONAL)),
    )
    if ground.method == METHOD and not np.isfinite([ground.pdos_pxyz.sum(), ground.total_energy, ground.offset]).all():
        raise DataError(f"non-finite value in pdos_pxyz, total_energy or offset; {AGAIN}")
    if not ground.method.isascii() or not ground.method.isprintable() or len(ground.method) > 300:
        raise DataError(f"the method '{printable(ground.method)}' is not a line of up to 300 characters")
    check_settings(ground.settings)
    if not GAP_RANGE[0] <= ground.band_gap <= GAP_RANGE[1]:
        raise DataError(f"gap out of range: {ground.band_gap:.4g} eV is not within {GAP_RANGE[0]} to {GAP_RANGE[1]} eV")
    if ground.top < PDOS_TOP:
        raise DataError(
            f"PDOS cut off below the window: bands are complete up to {ground.top:.1f} eV, {PDOS_TOP:.0f} eV are needed"
        )
    uniform("energy of the PDOS", ground.energy)
    if ground.source not in SOURCES:
        raise DataError(f"source '{printable(ground.source)}' is none of {', '.join(SOURCES)}")
    if not re.fullmatch(NAME, ground.name):
        raise DataError(f"the name '{printable(ground.name)}' is not one of up to 80 letters, digits and ' ._+()-'")
    check_seconds(ground.seconds)
    check_structure(ground.cell, ground.symbols, ground.positions, ground.electrons)
    ground.subject  # noqa: B018 - DataError for an edge or an absorber that is none
    check_energies(ground)
    check_pdos(ground)
    return ground


def read_site(path: Path, ground: GroundState, content: bytes | None = None) -> CoreHoleSite:
    """The checked core-hole spectrum of one oxygen of `ground`. DataError with the reason otherwise."""
    content = read_regular(path).bytes if content is None else content
    arrays = scalars(read_arrays(content, SITE_SHAPES, "core-hole", SITE_OPTIONAL))
    row = CoreHoleSite(**{"settings": recorded(arrays), **arrays})
    check_settings(row.settings)
    if Path(path).stem != f"O{row.site}":
        raise DataError(f"the file is named {printable(Path(path).name)} but holds site {row.site}; {AGAIN}")
    if not 0 <= row.site < len(ground.symbols) or ground.symbols[row.site] != "O":
        element = ground.symbols[row.site] if 0 <= row.site < len(ground.symbols) else "no atom at all"
        raise DataError(f"site not an oxygen: atom {row.site} is {element}")
    oxygens = np.count_nonzero(ground.symbols == "O")
    if not 1 <= row.multiplicity <= oxygens:
        raise DataError(f"multiplicity {row.multiplicity} in a cell of {oxygens} oxygens; {AGAIN}")
    if not same_supercell(row.supercell, ground.supercell):
        raise DataError("its supercell is not the one of the ground state, so their total energies do not compare")
    if not VECTOR[0] <= row.image_distance <= VECTOR[1]:
        raise DataError(f"{row.image_distance:.4g} angstrom between core holes; {AGAIN}")
    check_seconds(row.seconds)
    uniform("energy of the spectrum", row.energy)
    check_spectrum(row.energy, row.strength, row.lumo - row.homo)
    if not STRENGTH[0] <= row.strength.max() <= STRENGTH[1]:
        raise DataError(
            f"the strength has its peak at {row.strength.max():.2g} bohr^2/eV, not within "
            f"{STRENGTH[0]:g} to {STRENGTH[1]:g}"
        )
    if np.isnan(row.total_energy) and (ground.method == METHOD or np.isnan(row.neutral_energy)):
        raise DataError(f"non-finite value in total_energy; {AGAIN}")
    for energy in (row.total_energy + row.lumo, row.neutral_energy) if ground.edge == "K" else ():
        edge = energy - ground.supercell_energy + ground.offset
        if not np.isnan(edge) and not EDGE[0] <= edge <= EDGE[1]:
            raise DataError(
                f"the total energies put the edge at {edge:.5g} eV, not within {EDGE[0]:.0f} to {EDGE[1]:.0f} eV; "
                f"{AGAIN}"
            )
    return row


def recorded(arrays: dict) -> str:
    """Settings that a core-hole file (as a dict, from which the number of Lanczos steps is taken) was computed with."""
    steps = int(arrays.pop("iterations", FIRST_ITERATIONS))
    return arrays.get("settings", ORIGINAL if steps == 400 else f"iterations={steps}")
