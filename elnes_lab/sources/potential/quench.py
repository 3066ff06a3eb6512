"""Silica glass by melting and quenching: molecular dynamics from a random start, which goes on where it was interrupted.

Constant volume at the density of silica glass while it is hot (Langevin dynamics: N, V, T); positions and cell are relaxed
afterwards, elsewhere. A model is its seed: on one machine the same seed gives the same model, interrupted or not.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...structure import ATOMIC_MASS
from ...subject import mass
from . import universal

APART = {("O", "O"): 2.2, ("O", "Si"): 1.5, ("Si", "Si"): 2.5}  # angstrom, of the random start
TRIES = 2000  # to place an atom, before all distances are lowered
CALM, CALM_STEPS = (
    5.0,
    80,
)  # eV/angstrom; the start goes downhill until no force is larger, so that the first steps stay small
SAVE = 100  # steps between two checkpoints
REPORT = 20
HOTTEST = 4.0  # times the temperature asked for: the dynamics has gone astray


@dataclass(frozen=True)
class Schedule:
    """density: g/cm^3 of the cell; hot, cold: K; melt, quench: ps, at `hot` and from there to `cold`, evenly; step: fs;
    friction: 1/fs, of the thermostat."""

    density: float = 2.2
    hot: float = 4500.0
    cold: float = 300.0
    melt: float = 2.0
    quench: float = 10.0
    step: float = 2.0
    friction: float = 0.01

    @property
    def steps(self) -> int:
        return self.melt_steps + round(1000 * self.quench / self.step)

    @property
    def melt_steps(self) -> int:
        return round(1000 * self.melt / self.step)

    @property
    def rate(self) -> float:
        """K/s, of the quench."""
        return (self.hot - self.cold) / self.quench * 1e12

    def temperature(self, step: int) -> float:
        """K, that the thermostat has before this step."""
        done = (step - self.melt_steps) / max(self.steps - self.melt_steps, 1)
        return self.hot + (self.cold - self.hot) * min(max(done, 0.0), 1.0)


@dataclass(frozen=True)
class Moment:
    """Where a run is: stage ("start", "melt" or "quench"), step of steps, temperatures asked for and of the atoms (K), seconds
    left at the pace so far, NaN before there is one."""

    stage: str
    step: int
    steps: int
    wanted: float
    temperature: float
    left: float


@dataclass(eq=False)
class State:
    """All that the dynamics goes on from: atoms with momenta, the number of steps done, the random generator."""

    atoms: object
    step: int
    random: np.random.Generator

    def save(self, place: Path, key: str) -> None:
        """Writes it beside the place and moves it there. key: of what it belongs to."""
        from ...io.export import write_whole

        out = io.BytesIO()
        np.savez(
            out,
            numbers=self.atoms.numbers,
            cell=self.atoms.cell.array,
            positions=self.atoms.positions,
            momenta=self.atoms.get_momenta(),
            step=self.step,
            random=json.dumps(self.random.bit_generator.state),
            key=key,
        )
        write_whole(place, out.getvalue())

    @classmethod
    def load(cls, place: Path, key: str) -> State | None:
        """None where nothing is, or what is there is no state of this key: it is made anew then."""
        from ase import Atoms

        try:
            with np.load(place, allow_pickle=False) as file:
                if str(file["key"]) != key:
                    return None
                atoms = Atoms(file["numbers"], positions=file["positions"], cell=file["cell"], pbc=True)
                atoms.set_momenta(file["momenta"])
                random = np.random.default_rng()
                random.bit_generator.state = json.loads(str(file["random"]))
                return cls(atoms, int(file["step"]), random)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):  # not there, or cut off
            return None


def quench(
    atoms: int,
    seed: int,
    schedule: Schedule,
    calculator,
    *,
    place: Path | None = None,
    report: Callable | None = None,
    stop=None,
):
    """ASE Atoms of a quenched model of `atoms` atoms (a multiple of 3), not relaxed; None if the event `stop` was set.

    place: file of the state, saved every 100 steps and gone on from; report(Moment) is called every 20 steps. Raises
    DataError if the dynamics goes astray: too long a step, or atoms that the potential cannot hold apart.
    """
    from ase import units
    from ase.md.langevin import Langevin

    key = json.dumps({"atoms": atoms, "seed": seed, **asdict(schedule)}, sort_keys=True)
    state = State.load(place, key) if place else None
    if state is None:
        if report:
            report(Moment("start", 0, schedule.steps, schedule.hot, 0.0, float("nan")))
        state = started(atoms, seed, schedule, calculator)
    state.atoms.calc = calculator
    dynamics = Langevin(
        state.atoms,
        schedule.step * units.fs,
        temperature_K=schedule.temperature(state.step),
        friction=schedule.friction / units.fs,
        fixcm=False,
        rng=state.random,
    )
    begin, first = time.monotonic(), state.step
    while state.step < schedule.steps:
        wanted = schedule.temperature(state.step)
        dynamics.set_temperature(temperature_K=wanted)
        try:
            dynamics.step()
        except universal.FAILURES:
            raise astray(state, wanted) from None
        state.step += 1
        last = state.step == schedule.steps
        stopped = stop is not None and stop.is_set()
        if state.step % REPORT == 0 or last:
            warm = state.atoms.get_temperature()
            if not np.isfinite(state.atoms.positions).all() or not warm < HOTTEST * max(wanted, 1000.0):
                raise astray(state, wanted)
            if report:
                pace = (time.monotonic() - begin) / (state.step - first)
                stage = "melt" if state.step <= schedule.melt_steps else "quench"
                report(Moment(stage, state.step, schedule.steps, wanted, warm, pace * (schedule.steps - state.step)))
        if place and (state.step % SAVE == 0 or last or stopped):
            state.save(place, key)
        if stopped and not last:
            return None
    return state.atoms


def astray(state: State, wanted: float) -> DataError:
    return DataError(
        f"The dynamics goes astray after {state.step} steps ({state.atoms.get_temperature():.0f} K where {wanted:.0f} K are asked "
        "for). Take another seed, or a shorter time step."
    )


def started(count: int, seed: int, schedule: Schedule, calculator) -> State:
    """The state before the first step: atoms at random, moved until no force is large, with velocities of the melt."""
    from ase import units
    from ase.optimize import FIRE

    random = np.random.default_rng(seed)
    atoms = scattered(count, schedule.density, random)
    atoms.calc = calculator
    for _ in FIRE(atoms, logfile=None, maxstep=0.1).irun(fmax=CALM, steps=CALM_STEPS):
        pass
    atoms.set_momenta(
        random.standard_normal((count, 3)) * np.sqrt(atoms.get_masses()[:, None] * units.kB * schedule.hot)
    )
    return State(atoms, 0, random)


def scattered(count: int, density: float, random: np.random.Generator):
    """ASE Atoms: count/3 Si and twice as many O at random in a cube of this density (g/cm^3), none closer than `APART`.

    DataError for a number that is no multiple of three, and where so many atoms do not fit."""
    from ase import Atoms
    from ase.geometry import find_mic

    if count < 12 or count % 3:
        raise DataError(f"{count} atoms are no model of SiO2. Give a multiple of 3, at least 12.")
    symbols = ["Si"] * (count // 3) + ["O"] * (2 * count // 3)
    edge = (sum(mass(s) for s in symbols) * ATOMIC_MASS / density) ** (1 / 3)
    cell, closer = np.eye(3) * edge, 1.0
    while closer > 0.5:
        placed: list[np.ndarray] = []
        for symbol in symbols:
            apart = closer * np.array([APART[tuple(sorted((symbol, other)))] for other in symbols[: len(placed)]])
            for _ in range(TRIES):
                point = random.random(3) * edge
                if not placed or (find_mic(np.array(placed) - point, cell)[1] >= apart).all():
                    placed.append(point)
                    break
            else:
                break
        if len(placed) == count:
            return Atoms(symbols, positions=placed, cell=cell, pbc=True)
        closer *= 0.95
    raise DataError(f"{count} atoms do not fit into a cell of {density:g} g/cm³. Give a lower density.")
