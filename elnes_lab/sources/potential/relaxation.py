"""A structure relaxed with the universal potential: positions and cell, its space group kept.

>>> from elnes_lab.sources.potential import relax
>>> relaxed = relax("my-structure.cif")
>>> relaxed.atoms, relaxed.sentence
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ...structure import SYMPREC, Environment
from . import universal
from .geometry import geometry

FORCE, PRESSURE = 0.03, 0.1  # eV/angstrom, GPa: what may be left
STEPS = 500
GPA = 160.21766208  # of one eV/angstrom^3
LONGEST_MOVE = 0.1  # angstrom, of an atom in one step
RUNS_AWAY = 1.5  # factor of the volume; beyond it nothing holds the structure together


class Stopped(DataError):
    """The relaxation was stopped by hand."""


@dataclass(frozen=True)
class Step:
    """How far a relaxation is: number of the step and the last allowed one, largest force (eV/angstrom), largest component of
    the stress (GPa), energy (eV/atom), seconds since the start."""

    number: int
    most: int
    force: float
    pressure: float
    energy: float
    seconds: float

    @property
    def left(self) -> float:
        """Seconds to the last allowed step, at the pace so far: it may well end before."""
        return self.seconds / max(self.number, 1) * (self.most - self.number)

    def __str__(self) -> str:
        return (
            f"step {self.number} of at most {self.most}, largest force {self.force:.3f} eV/Å (to {FORCE:g}), "
            f"stress {self.pressure:.2f} GPa (to {PRESSURE:g})"
        )


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A structure before (`original`) and after (`atoms`), both ASE Atoms with the same order of atoms. energies: eV/atom
    before and after; force (eV/angstrom) and pressure (GPa): the largest that are left; cell: whether it was relaxed too;
    potential: by what."""

    original: object
    atoms: object
    energies: tuple[float, float]
    steps: int
    force: float
    pressure: float
    converged: bool
    cell: bool
    potential: str
    seconds: float

    @property
    def volume_change(self) -> float:
        """Change of the cell's volume, percent."""
        return 100 * (self.atoms.get_volume() / self.original.get_volume() - 1)

    @property
    def energy_change(self) -> float:
        """meV/atom, negative as a rule."""
        return 1000 * (self.energies[1] - self.energies[0])

    @property
    def displacement(self) -> float:
        """The farthest that an atom moved besides the change of the cell and of the whole, angstrom."""
        before, after = (part.get_scaled_positions(wrap=False) for part in (self.original, self.atoms))
        shift = after - before
        moved = (shift - np.round(shift)) @ self.atoms.cell.array
        return float(np.linalg.norm(moved - moved.mean(0), axis=1).max())

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """(quantity with its unit, before, after) as texts."""
        parts = [geometry(Environment.of(part)) for part in (self.original, self.atoms)]
        mean = lambda values, digits: f"{values.mean():.{digits}f}" if len(values) else "none"
        return [
            ("cell volume, Å³", *(f"{part.volume:.1f}" for part in parts)),
            ("density, g/cm³", *(f"{part.density:.3f}" for part in parts)),
            ("mean Si–O length, Å", *(mean(part.si_o, 3) for part in parts)),
            ("mean Si–O–Si angle, °", *(mean(part.si_o_si, 1) for part in parts)),
            ("energy, eV/atom", *(f"{energy:.4f}" for energy in self.energies)),
        ]

    @property
    def sentence(self) -> str:
        """What was done and what it changed, for a page, a comment in a file or a terminal."""
        what = "positions and cell" if self.cell else "positions in a fixed cell"
        end = "" if self.converged else f"; not converged: {self.force:.3f} eV/Å and {self.pressure:.2f} GPa are left"
        return (
            f"Relaxed with {self.potential}, {what}, {self.steps} steps: volume {self.volume_change:+.1f} %, largest "
            f"displacement {self.displacement:.2f} Å, energy {self.energy_change:+.1f} meV/atom{end}."
        )


def relax(
    structure,
    *,
    cell: bool = True,
    symmetry: bool = True,
    force: float = FORCE,
    pressure: float = PRESSURE,
    steps: int = STEPS,
    report=None,
    stop=None,
    calculator=None,
) -> Relaxed:
    """Relaxes a structure: a path, ASE Atoms or a pymatgen Structure; what is given stays as it is.

    cell: the cell too; symmetry: its space group (0.02 angstrom) is kept, which crystals' structures have by experiment and
    numerical noise would lose. Ends when no force exceeds `force` (eV/angstrom) and no component of the stress `pressure`
    (GPa), or after `steps`. report(Step) is called after each step; the relaxation ends with Stopped once the event `stop` is
    set. calculator: any ASE calculator in place of the universal potential.

    Raises DataError for what cannot be read (`io.structure_input.read_structure`), without the package chgnet, and for a
    structure that the potential does not hold together.
    """
    from ase import Atoms

    from ...io.structure_input import read_structure

    original = read_structure(structure).atoms
    atoms = Atoms(original.numbers, positions=original.positions, cell=original.cell, pbc=True)
    name = universal.title() if calculator is None else type(calculator).__name__
    atoms.calc = calculator or universal.calculator()
    begin, done, energy = time.monotonic(), None, []
    try:
        with universal.one_thread():
            for done in descend(atoms, cell, symmetry, force, pressure, steps):
                energy.append(done[1])
                if stop is not None and stop.is_set():
                    raise Stopped("The relaxation was stopped; the structure is as it was given.")
                growth = atoms.get_volume() / original.get_volume()
                if not 1 / RUNS_AWAY < growth < RUNS_AWAY or not np.isfinite(atoms.positions).all():
                    raise DataError(
                        f"The relaxation runs away: after {done[0]} steps the cell has {growth:.2f} times its volume. The "
                        "potential does not hold this structure together; check it."
                    )
                if report:
                    report(Step(done[0], steps, *done[2:4], energy[-1] / len(atoms), time.monotonic() - begin))
    except universal.FAILURES as problem:
        if isinstance(problem, DataError):
            raise
        raise DataError(
            f"The potential cannot describe this structure ({str(problem)[:120]}). Check its cell and positions."
        ) from None
    final = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
    return Relaxed(
        original,
        final,
        (energy[0] / len(atoms), energy[-1] / len(atoms)),
        done[0],
        done[2],
        done[3],
        done[4],
        cell,
        name,
        time.monotonic() - begin,
    )


def descend(atoms, cell: bool, symmetry: bool, force: float, pressure: float, steps: int):
    """Moves ASE Atoms downhill; yields (step, energy in eV, largest force, largest stress in GPa, whether it is enough)."""
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    if symmetry and Environment.of(atoms).space_group[1] > 1:
        atoms.set_constraint(FixSymmetry(atoms, symprec=SYMPREC))
    moving = FrechetCellFilter(atoms) if cell else atoms
    optimizer = FIRE(moving, logfile=None, maxstep=LONGEST_MOVE)
    for _ in optimizer.irun(fmax=0.0, steps=steps):  # the test for the end is our own: ASE's mixes forces and stress
        largest = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
        stress = GPA * float(np.abs(atoms.get_stress()).max()) if cell else 0.0
        enough = largest < force and stress < pressure
        yield optimizer.nsteps, float(atoms.get_potential_energy()), largest, stress, enough
        if enough:
            return


def render_cif(relaxed: Relaxed, name: str) -> bytes:
    """The relaxed structure as CIF, every atom listed in the order it was given in; what was done stands in a comment."""
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifWriter

    atoms = relaxed.atoms
    crystal = Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())
    text = str(CifWriter(crystal, significant_figures=10))
    return f"# {name}\n# {relaxed.sentence}\n{text}".encode()
