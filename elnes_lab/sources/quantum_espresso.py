"""Computed steps: `<structure>/ground.npz` and `<structure>/O<i>.npz`, of the Quantum ESPRESSO route or brought into its form.

A file is either read whole and checked, or a `DataError` says why it cannot be a row of the database. Energies are in eV,
lengths in angstrom, the dipole strength in bohr^2/eV. The limits below are wide: they let pass what is unusual and refuse what
cannot be.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..schema import ENERGY_STEP
from ..spectra import EXPERIMENTAL_OFFSET
from ..subject import OXYGEN, Subject, is_element
from .npz import AGAIN, printable, read_arrays, read_regular

PDOS_TOP = 17.0  # eV above the valence-band maximum; the ground-state bands must be complete up to here: 10 eV of
# conduction bands in a wide-gap oxide, which is the near-edge structure
GAP_RANGE = (0.5, 10.0)  # eV; PBE gaps of silicon oxides lie between 2 and 7
NEGATIVE = -0.02  # of the peak, from the middle of the gap on: the recursion converges to a positive spectrum
PRE_EDGE = 0.2  # of the peak, either sign, below the middle of the gap: there states are left out, see check_spectrum
SOURCES = ("mineral", "prototype", "framework", "search", "melt-quench", "user")
ID = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}"  # of a structure: its folder, part of a label and of a line of a list
NAME = r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,79}"
ELECTRONS = {"O": 6, "Si": 4}  # valence electrons of our pseudopotentials
ELECTRONS_MISSED = 0.25  # of the electrons; a coarse step of the DOS misses up to 15 % in flat valence bands (METHOD)
PDOS_NEGATIVE = -0.02  # of the largest value; optimised tetrahedra have small negative weights, -0.4 % at most
PDOS_PEAK = 10.0  # states/eV for an electron; one level, broadened by 0.15 eV, has 2.7 (two electrons: 5.3)
PARTS = 0.03  # of the largest p PDOS; px + py + pz is p but for the rounding of each
STRENGTH = (1e-6, 1e-2)  # bohr^2/eV; the peaks found so far lie between 1e-4 and 4e-4
ATOM_ENERGY = (-600, -50)  # eV for an atom; -345 in SiO2 with these pseudopotentials
FORMATION = 1.0  # eV for an atom; between the same crystal's energy in two cells there are 0.02
EDGE = (480.0, 600.0)  # eV of energy loss; the O K edge lies at 532
ATOMS = 1000
VECTOR = (1.0, 100.0)  # angstrom; length of a lattice vector, and the least height of the cell
VOLUME = (4.0, 100.0)  # angstrom^3 for an atom; 7.8 (stishovite) to 24 (open frameworks)
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
    if not np.array_equal(row.supercell, ground.supercell):
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


def check_settings(text: str) -> None:
    if not re.fullmatch(r"|[a-z_]+(=\S+)?( [a-z_]+=\S+)*", text) or len(text) > 300 or not text.isascii():
        raise DataError(f"the settings '{printable(text)}' are not NAME=VALUE with spaces between; {AGAIN}")


def uniform(what: str, energy: np.ndarray) -> None:
    step = np.diff(energy.astype(float))
    if len(energy) < 2 or step[0] <= 0 or np.abs(step - step.mean()).max() > 1e-3 * step.mean():
        raise DataError(f"the {what} does not rise in equal steps; {AGAIN}")
    if abs(step.mean() - ENERGY_STEP) > 1e-3 * ENERGY_STEP:
        raise DataError(f"the {what} rises in steps of {step.mean():.3g} eV, not {ENERGY_STEP} eV; {AGAIN}")


def check_seconds(seconds: float) -> None:
    if not 0 <= seconds < 1e9:
        raise DataError(f"it took {seconds:.3g} s, which no computation does; {AGAIN}")


def check_structure(cell: np.ndarray, symbols: np.ndarray, positions: np.ndarray, electrons: float = 0.0) -> None:
    """DataError for a cell (3, 3) in angstrom, symbols (n,) and fractional positions (n, 3) that no oxide has, before anything
    searches neighbors in it: in a flat or an endless cell that would not end. Atoms too close are `Environment`'s. electrons:
    valence electrons of the cell; without them only silicon oxides pass, whose electrons are known."""
    if not 0 < len(symbols) <= ATOMS:
        raise DataError(f"it has {len(symbols)} atoms, not 1 to {ATOMS}")
    foreign = sorted({str(symbol) for symbol in symbols} - set(ELECTRONS))
    unreal = [symbol for symbol in foreign if not is_element(symbol)]
    if not 0 <= electrons < 200 * len(symbols):
        raise DataError(f"its cell has {electrons:.4g} valence electrons for {len(symbols)} atoms; {AGAIN}")
    if unreal or (foreign and not electrons):
        raise DataError(
            f"it has {printable(', '.join(unreal or foreign))}, not silicon and oxygen alone"
            + ("" if unreal else "; of another oxide the valence electrons of the cell must be given as 'electrons'")
        )
    if OXYGEN not in symbols or len(set(symbols)) < 2:
        raise DataError(f"it has only {printable(', '.join(sorted(set(symbols))))}, and is no oxide")
    lengths, volume = np.linalg.norm(cell, axis=1), abs(np.linalg.det(cell))
    faces = np.linalg.norm([np.cross(cell[i - 2], cell[i - 1]) for i in range(3)], axis=1)
    if not (
        lengths.max() <= VECTOR[1]
        and VOLUME[0] <= volume / len(symbols) <= VOLUME[1]
        and volume / faces.max() >= VECTOR[0]
    ):
        raise DataError(
            f"no solid has its cell: vectors of {', '.join(f'{x:.3g}' for x in lengths)} angstrom and {volume:.3g} "
            f"angstrom^3 for {len(symbols)} atoms"
        )
    if np.abs(positions).max() > 10:
        raise DataError(f"an atom lies {np.abs(positions).max():.3g} cells away; positions are fractional")


def check_energies(ground: GroundState) -> None:
    """DataError unless the total energies, of the cell and of the supercell, are those of an oxide and fit each other."""
    atoms, copies = len(ground.symbols), abs(np.linalg.det(ground.supercell.astype(float)))
    if not 0.5 < copies * atoms < ATOMS or np.abs(ground.supercell).max() > ATOMS:
        raise DataError(f"its supercell has {copies * atoms:.0f} atoms")
    one, many = ground.total_energy / atoms, ground.supercell_energy / (atoms * round(copies))
    known = set(ground.symbols) <= set(ELECTRONS)  # of other elements the total energy depends on the pseudopotentials
    if (known and not ATOM_ENERGY[0] <= one <= ATOM_ENERGY[1]) or not abs(one - many) <= FORMATION:
        raise DataError(
            f"total energies of {one:.4g} eV for an atom of the cell and {many:.4g} eV in the supercell; {AGAIN}"
        )


def electron_error(ground: GroundState) -> float:
    """By how much the DOS, up to the middle of the gap, misses the valence electrons, relative: (DOS - electrons) / electrons."""
    return filled(ground, ground.dos) / ground.valence - 1


def filled(ground: GroundState, dos: np.ndarray) -> float:
    """Electrons below the middle of the gap of a DOS (e,)."""
    energy = ground.energy.astype(float)
    return float(np.trapezoid(np.where(energy < ground.band_gap / 2, dos.astype(float), 0), energy))


def check_pdos(ground: GroundState) -> None:
    """DataError unless DOS and PDOS are densities of states that hold the electrons of the cell."""
    electrons = ground.valence
    for name in ("dos", "pdos_s", "pdos_p", "pdos_pxyz"):
        values = getattr(ground, name)
        if np.isnan(values).all():  # px, py and pz of a method that does not tell them apart
            continue
        if values.max() > PDOS_PEAK * electrons:
            raise DataError(f"{name} reaches {values.max():.3g} states/eV for {electrons:g} electrons; {AGAIN}")
        if values.min() < PDOS_NEGATIVE * values.max():
            raise DataError(
                f"{name} is negative: {values.min():.3g} states/eV where its peak has {values.max():.3g}; {AGAIN}"
            )
        empty = values.reshape(-1, values.shape[-1]).max(1) <= 0
        if empty.any():
            where = f" for atom {empty.argmax() * len(ground.symbols) // len(empty)}" if len(empty) > 1 else ""
            raise DataError(f"{name} is zero everywhere{where}; {AGAIN}")
    difference = np.abs(ground.pdos_pxyz.sum(1) - ground.pdos_p).max()
    if difference > PARTS * ground.pdos_p.max():
        raise DataError(f"px, py and pz do not add up to p: {difference:.3g} states/eV are between them; {AGAIN}")
    for name, dos in (("DOS", ground.dos), ("PDOS", ground.pdos_s.sum(0) + ground.pdos_p.sum(0))):
        missed = filled(ground, dos) / electrons - 1
        if abs(missed) > ELECTRONS_MISSED:
            raise DataError(
                f"the {name} misses the electron count by {missed:+.0%}: {electrons:g} valence electrons are below "
                f"the gap; {AGAIN}"
            )


def check_spectrum(energy: np.ndarray, strength: np.ndarray, gap: float) -> None:
    """DataError unless strength (3, e) at energy (e,) eV, zero at the highest occupied level, looks like an O K edge.

    gap (eV): lowest empty minus highest occupied level of the core-hole cell. Below its middle the recursion's states are taken
    out of the continued fraction one by one; what is left rings around zero as long as the recursion has not converged there
    (-2.3 % of the peak at -4 eV), which says nothing of the edge. So the sign counts from the middle of the gap on.
    """
    if not 0 < gap <= GAP_RANGE[1]:
        raise DataError(f"gap out of range: {gap:.4g} eV between the levels of the core-hole cell")
    peak = strength.max()
    if peak <= 0:
        raise DataError("no edge: the strength is nowhere positive")
    used = energy >= gap / 2
    isotropic = strength.mean(0)
    before = max(isotropic[~used].max(initial=0), -strength[:, ~used].min(initial=0))
    if not (isotropic[used] > 0).any() or before > PRE_EDGE * isotropic[used].max():
        raise DataError(
            f"no edge: below the middle of the gap the strength reaches {before / isotropic.max():.0%} of the peak"
        )
    above = strength[:, used]
    if above.min() < NEGATIVE * peak:
        raise DataError(
            f"strength below {NEGATIVE:.0%} of its peak: {above.min() / peak:.1%} at "
            f"{energy[used][above.min(0).argmin()]:.1f} eV"
        )
