"""What a computed step must satisfy to be a row: a cell, energies, densities of states and a spectrum that can be.

The limits are wide: they let pass what is unusual and refuse what cannot be. Energies are in eV, lengths in angstrom.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..schema import ENERGY_STEP
from ..subject import OXYGEN, is_element
from .npz import AGAIN, printable

if TYPE_CHECKING:
    from .quantum_espresso import GroundState

GAP_RANGE = (0.5, 10.0)  # eV; PBE gaps of silicon oxides lie between 2 and 7
NEGATIVE = -0.02  # of the peak, from the middle of the gap on: the recursion converges to a positive spectrum
PRE_EDGE = 0.2  # of the peak, either sign, below the middle of the gap: there states are left out, see check_spectrum
ELECTRONS = {"O": 6, "Si": 4}  # valence electrons of our pseudopotentials
ELECTRONS_MISSED = 0.25  # of the electrons; a coarse step of the DOS misses up to 15 % in flat valence bands (METHOD)
PDOS_NEGATIVE = -0.02  # of the largest value; optimised tetrahedra have small negative weights, -0.4 % at most
PDOS_PEAK = 10.0  # states/eV for an electron; one level, broadened by 0.15 eV, has 2.7 (two electrons: 5.3)
PARTS = 0.03  # of the largest p PDOS; px + py + pz is p but for the rounding of each
ATOM_ENERGY = (-600, -50)  # eV for an atom; -345 in SiO2 with these pseudopotentials
FORMATION = 1.0  # eV for an atom; between the same crystal's energy in two cells there are 0.02
ATOMS = 1000
VECTOR = (1.0, 100.0)  # angstrom; length of a lattice vector, and the least height of the cell
VOLUME = (4.0, 100.0)  # angstrom^3 for an atom; 7.8 (stishovite) to 24 (open frameworks)


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
