"""Stored rows computed again, at other settings or because they are old: nothing is replaced before its successor has passed.

    <output>.queue/recomputed/<settings>/<structure>/    the new steps of structures that are not finished
    <output>.queue/recomputed/<settings>.queue/          the books of that queue: locks, densities, rejected steps
    <output>.queue/replaced/<structure>/<step>.<digest>.npz    what was replaced

The new steps are a queue of their own, with all that a queue has: it resumes, shares its work, and a kill costs the running
step. When all steps of a structure are there and pass their checks together, they take the place of the stored ones; one
structure's spectra share their supercell, so they go together. A kill in between leaves the new files where they were, and the
next start of the same command finishes the replacement.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..checks import electron_error
from ..npz import read_arrays, read_regular
from ..quantum_espresso import SITE_OPTIONAL, read_ground, read_site, recorded
from . import checks
from .folder import DiskError, Folder, disk
from .queue import Event, Job
from .settings import FIRST, Settings, described
from .structures import Structure

OLD = "old-ground-states"
Report = Callable[[Event], None]
Told = Callable[[str, list[str], str], None]


class Recomputation(Folder):
    """The folder of a queue of steps to be computed again, to replace those of `stored`.

    A step is done if its successor is there, or if the stored one needs none: it has these settings already and, if it is a
    ground state, its DOS counts the electrons right.
    """

    def __init__(self, stored: Folder, settings: Settings):
        self.stored = stored
        self.wanted = {step: described(settings, step) for step in ("ground", "site")}
        every = f"{self.wanted['ground']} {self.wanted['site']}"
        name = re.sub(r"[^A-Za-z0-9.=]+", "-", every)[:80] + "-" + hashlib.sha256(every.encode()).hexdigest()[:8]
        self.stale: dict[Path, int] = {}  # stored results that need a successor, as of the time they were changed last
        super().__init__(stored.private / "recomputed" / name)

    def find(self, sid: str, name: str) -> Path | None:
        return super().find(sid, name) or self.current(sid, name)

    def current(self, sid: str, name: str) -> Path | None:
        """The stored result if it needs no successor."""
        path = self.stored.find(sid, name)
        try:
            changed = path and path.stat().st_mtime_ns
            if path is None or self.stale.get(path) == changed:
                return None
            if name == "ground":
                ground = read_ground(path)
                same = ground.settings == self.wanted["ground"] and abs(electron_error(ground)) <= checks.COUNT
            else:
                arrays = read_arrays(read_regular(path).bytes, {}, "core-hole", SITE_OPTIONAL)
                same = recorded({key: value.item() for key, value in arrays.items()}) == self.wanted["site"]
        except (DataError, OSError):  # damaged, or just gone: it is computed again
            same = False
        if not same:
            self.stale[path] = changed
        return path if same else None

    def replace(self, job: Job) -> list[str]:
        """Puts the new files of a structure in the place of the stored ones, which are kept aside; their names. None is
        replaced before all are there, and none if they do not pass together: then DataError says why, and so does the
        first step's reason."""
        sid = job.structure.sid
        new = {name: path for name in job.names if (path := Folder.find(self, sid, name))}
        if not new or not all(self.done(sid, name) for name in job.names):
            return []
        claim = self.claim(sid, "replacement")
        if claim is None:  # another process does it
            return []
        try:
            self.check(sid, new)
            for name, path in new.items():
                self.put(sid, name, path)
            shutil.rmtree(self.output / sid, ignore_errors=True)
            shutil.rmtree(self.part, ignore_errors=True)
        except OSError as problem:
            raise disk(self.stored.output, problem) from None
        finally:
            claim.release()
        return list(new)

    def check(self, sid: str, new: dict[str, Path]) -> None:
        """DataError unless the new steps, and the stored ones that stay, are those of one ground state."""
        stay = {name: path for name, path in self.rows(sid).items() if name not in new}
        try:
            ground = read_ground(new.get("ground") or self.stored.find(sid, "ground"))
            for name, path in (stay | {name: path for name, path in new.items() if name != "ground"}).items():
                row = read_site(path, ground)
                checks.check_onset(row.total_energy + row.lumo - ground.supercell_energy, f"{name} of the charged cell")
        except DataError as reason:
            name = next(iter(new))
            problem = f"The new steps of {sid} do not fit together, and the stored ones stay: {reason}"
            self.fail(sid, name, problem, {})
            os.replace(new[name], self.private / "rejected" / sid / name / f"{name}.npz")
            self.finished.discard((sid, name))
            raise DataError(problem) from None

    def rows(self, sid: str) -> dict[str, Path]:
        """The stored spectra of a structure that can be used: name -> file."""
        found = {}
        try:
            ground = read_ground(self.stored.find(sid, "ground"))
        except (DataError, OSError, TypeError):  # there is none
            return found
        for folder in (self.stored.output, *self.stored.have):
            for path in sorted((folder / sid).glob("O*.npz")):
                try:
                    read_site(path, ground)
                    found.setdefault(path.stem, path)
                except (DataError, OSError):
                    continue
        return found

    def put(self, sid: str, name: str, path: Path) -> None:
        """One file in the place of the stored one, which is kept aside first."""
        content, target = path.read_bytes(), self.stored.output / sid / path.name
        before = target.read_bytes() if target.exists() else content
        if before != content:
            digest = hashlib.sha256(before).hexdigest()[:12]
            self.whole(self.stored.private / "replaced" / sid / f"{name}.{digest}.npz", before)
        self.whole(target, content)
        self.stored.forget(sid, name)

    def whole(self, path: Path, content: bytes) -> None:
        """Writes a file so that it is there whole or not at all."""
        part = self.part / "part"
        for folder in (path.parent, self.part):
            folder.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)


def chosen_jobs(words: list[str], structures: list[Structure], stored: Folder) -> list[Job]:
    """What is to be computed again: all steps of the structures named by their ids, and for OLD the ground states, alone, whose
    DOS misses more than checks.COUNT of the electrons. DataError for an id that is not in the list."""
    named = [word.strip() for text in words for word in text.split(",") if word.strip()]
    there = {structure.sid: structure for structure in structures}
    unknown = [word for word in named if word != OLD and word not in there]
    if unknown:
        raise DataError(f"There is no structure {unknown[0]} in the list to compute again. Name ids of it, or {OLD}.")
    jobs = [every_step(there[word], stored) for word in dict.fromkeys(named) if word != OLD]
    if OLD in named:
        taken = {job.structure.sid for job in jobs}
        jobs += [Job(s, [], None) for s in structures if s.sid not in taken and old(stored.find(s.sid, "ground"))]
    return jobs


def old(path: Path | None) -> bool:
    """Whether a ground state's DOS misses the electrons; one that is not there or not readable is not old."""
    try:
        return path is not None and abs(electron_error(read_ground(path))) > checks.COUNT
    except (DataError, OSError):
        return False


def every_step(structure: Structure, stored: Folder) -> Job:
    """All steps of a structure. The energy of the neutral cell is computed for the site that has it."""
    sites = [site for site, _ in structure.oxygens]
    return Job(structure, sites, next((s for s in sites if neutral(stored.find(structure.sid, f"O{s}"))), sites[0]))


def neutral(path: Path | None) -> bool:
    try:
        return path is not None and bool(
            np.isfinite(read_arrays(read_regular(path).bytes, {"neutral_energy": ""}, "core-hole")["neutral_energy"])
        )
    except (DataError, OSError):
        return False


def reporting(folder: Recomputation, jobs: list[Job], report: Report, told: Told) -> Report:
    """A function for `Queue.report` that calls `report`, then replaces what has become complete. told: called with the
    structure's id, the names of what was replaced, and the reason why nothing was."""
    by_structure = {job.structure.sid: job for job in jobs}

    def finished(event: Event) -> None:
        report(event)
        replace_complete(folder, [by_structure[event.step.structure.sid]], told)

    return finished


def replace_complete(folder: Recomputation, jobs: list[Job], told: Told) -> None:
    """Replaces what is complete, also what a killed command left."""
    for job in jobs:
        try:
            names, problem = folder.replace(job), ""
        except DiskError:  # nothing can go on
            raise
        except DataError as reason:
            names, problem = [], str(reason)
        if names or problem:
            told(job.structure.sid, names, problem)


def check_hole(settings: Settings) -> None:
    """DataError for settings that no row may have."""
    if settings.hole != FIRST.hole:
        raise DataError(
            f"Rows have a full core hole; one of the kind {settings.hole!r} is for `elnes-lab converge`, which compares."
        )
