"""The steps that structures ask for, and what they cost.

A row takes three kinds of step: the structure's ground state; for each site the density with a core hole; and the
spectra of up to four sites of a structure together. Each is a function of its arguments alone, so it can run
anywhere.
"""

import contextlib
import errno
import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import DataError
from .cells import k_mesh, supercell
from .folder import remove_orphans
from .meshes import mesh_folder
from .settings import Settings
from .structures import Structure

PATIENCE = 30  # a program may take this many times the estimate of its whole step, and never less than
SHORTEST = 900.0  # seconds
FREE = 300e6  # bytes that must be free in the scratch folder before a step
FULL = 20e6  # bytes; after a failure with less than this left, the disk is what failed
EVIDENCE = 200_000  # bytes kept of each input and output of a failed step


@dataclass(frozen=True, eq=False)
class Step:
    """kind "ground", "density" or "spectra"; sites: atoms it is for; neutral: see `core_hole_density`; densities:
    what spectra are made from; limit: seconds for one program."""

    kind: str
    structure: Structure
    settings: Settings
    sites: tuple[int, ...] = ()
    neutral: bool = False
    densities: tuple[dict, ...] = ()
    limit: float = SHORTEST

    @property
    def names(self) -> list[str]:
        """Names of the files that it works for, without suffix."""
        return [f"O{site}" for site in self.sites] or ["ground"]

    def __str__(self) -> str:
        what = {
            "ground": "ground state",
            "density": "core-hole density",
            "spectra": "spectrum" if len(self.sites) == 1 else "spectra",
        }[self.kind]
        return f"{self.structure.sid} {', '.join(self.names)} ({what})"


@dataclass
class Outcome:
    """What a step gave: rows, one per name, or the problem, a sentence. stop: the next step would meet it too."""

    rows: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""
    stop: bool = False
    evidence: dict[str, bytes] = field(default_factory=dict)


@lru_cache(maxsize=2)
def tools(hole: str = "full"):
    """Engine and pseudopotentials of this process."""
    from .engine import find_engine
    from .pseudopotentials import pseudopotentials

    engine = find_engine()
    return engine, pseudopotentials(engine, hole=hole)


def perform(step: Step) -> Outcome:
    """Does one step in a scratch folder of its own; never raises."""
    from threadpoolctl import threadpool_limits

    outcome, start = Outcome(), time.perf_counter()
    try:
        engine, pseudos = tools("half" if step.settings.hole == "half" else "full")
        with scratch() as work:
            try:
                folder = mesh_folder(pseudos.folder, step.settings.mesh)
                os.symlink(folder, work / "pseudo", target_is_directory=True)
                with threadpool_limits(1):
                    outcome.rows = calculate(step, engine, pseudos, work)
            except Exception as problem:  # whatever a damaged output leads to: the queue goes on
                outcome.problem, outcome.stop = explain(problem, work)
                outcome.evidence = evidence(work)
    except (DataError, OSError) as problem:  # no engine, no pseudopotentials, no scratch folder
        outcome.problem, outcome.stop = str(problem), True
    outcome.seconds = time.perf_counter() - start
    return outcome


def calculate(step: Step, engine, pseudos, work: Path) -> list[dict]:
    from .core_hole import core_hole_density, spectra
    from .ground import ground_state

    if step.kind == "ground":
        return [ground_state(step.structure, step.settings, engine, work, step.limit)]
    if step.kind == "density":
        return [core_hole_density(step.structure, step.sites[0], step.neutral, step.settings, engine, work, step.limit)]
    return spectra(step.structure, list(step.densities), step.settings, pseudos)


def explain(problem: Exception, work: Path) -> tuple[str, bool]:
    """A sentence, and whether the next step would fail as well."""
    full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or shutil.disk_usage(work).free < FULL:
        return (
            f"The disk of the scratch folder {work.parent} is full. Free some space, or name another one with TMPDIR.",
            True,
        )
    if isinstance(problem, DataError):
        return str(problem), False
    return f"The output cannot be understood ({type(problem).__name__}: {str(problem)[:200]}).", False


def evidence(work: Path) -> dict[str, bytes]:
    """Inputs and the ends of the outputs of the programs."""
    found = {}
    for path in sorted([*work.glob("*.in"), *work.glob("*.out")]):
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - EVIDENCE))
            found[path.name] = file.read()
    return found


@contextlib.contextmanager
def scratch():
    """A folder in $TMPDIR that ends with the step; those of processes that were killed on this machine are removed
    first."""
    root, mine = Path(tempfile.gettempdir()), f"elnes-lab-{socket.gethostname()}-"
    remove_orphans(root, mine)
    if shutil.disk_usage(root).free < FREE:
        raise DataError(
            f"The scratch folder {root} has less than {FREE / 1e6:.0f} MB left. Free some space, or name another one "
            "with TMPDIR."
        )
    with tempfile.TemporaryDirectory(prefix=f"{mine}{os.getpid()}-", ignore_cleanup_errors=True) as work:
        yield Path(work)


def estimate(kind: str, structure: Structure, settings: Settings, sites: int = 1, neutral: bool = False) -> float:
    """Seconds on one core, from the times of the stored rows, half of which lie between 0.7 and 1.9 of it.

    By volume, k points and atoms of the supercell for the ground state, by the volume of the supercell for the rest.
    """
    volume, atoms = structure.volume, len(structure.symbols)
    if kind == "ground":
        return float(
            6.4e-4
            * volume**1.335
            * np.prod(k_mesh(structure.cell, settings.k_length)) ** 0.495
            * supercell_atoms(structure, settings) ** 0.825
        )
    large = volume * supercell_atoms(structure, settings) / atoms
    if kind == "density":
        return (115.0 if neutral else 75.0) * (large / 1100) ** 1.5
    return sites * 2 * 18.0 * large / 1100


@lru_cache(maxsize=4096)
def supercell_atoms(structure: Structure, settings: Settings) -> int:
    """Atoms of the core-hole supercell."""
    matrix, _ = supercell(structure.cell, len(structure.symbols), settings.image_distance, settings.max_atoms)
    return len(structure.symbols) * round(abs(np.linalg.det(matrix)))


def duration(seconds: float) -> str:
    """A time in words, to the minute."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def time_limit(seconds: float) -> float:
    """For one program of a step that is estimated to take `seconds`."""
    return max(SHORTEST, PATIENCE * seconds)
