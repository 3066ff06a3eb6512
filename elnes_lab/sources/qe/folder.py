"""The folder that a queue fills: results, reasons of failure, and beside it what is needed on the way.

    <output>/<structure>/ground.npz, O<i>.npz       results, as in data/raw; each appears whole or not at all
    <output>/<structure>/<step>.failed              why a step failed
    <output>.queue/locks, densities                 who computes what; sites whose spectrum is not finished
    <output>.queue/rejected                         inputs, outputs and rows of failed steps

A step is locked by the kernel's advisory lock on a file of its own (flock; over NFS the server's): it ends with the
process that holds it, however that ends and wherever it runs, and no clock or heartbeat decides. File systems without
such locks are refused.
"""

import errno
import json
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ...errors import DataError
from ...spectra import EXPERIMENTAL_OFFSET
from ..quantum_espresso import METHOD, read_ground, read_site
from . import checks
from .structures import Structure

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@dataclass
class Claim:
    """The right to compute one step, until released or until this process ends."""

    path: Path
    handle: int

    def release(self) -> None:
        self.path.unlink(missing_ok=True)  # before the lock goes: nobody else can hold a lock on this file then
        os.close(self.handle)


class Folder:
    """output: where results go; have: folders whose results count as done."""

    def __init__(self, output: Path | str, have: list[Path] = ()):
        self.output, self.have = Path(output), [Path(path) for path in have]
        for path in self.have:
            if not os.path.isdir(path):
                raise DataError(f"There is no folder {path} with results to skip.")
        self.private = Path(f"{os.path.abspath(output)}.queue")
        self.part = self.private / "part" / f"{socket.gethostname()}-{os.getpid()}"
        self.finished: set[tuple[str, str]] = set()  # results do not disappear: no need to look again

    def prepare(self) -> None:
        """Makes the folder, and clears it of what killed processes of this machine were writing."""
        if fcntl is None:
            raise DataError("Rows are computed on Linux or macOS. On Windows use the Windows Subsystem for Linux.")
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            for name in ("locks", "densities", "rejected", "part"):
                (self.private / name).mkdir(parents=True, exist_ok=True)
            remove_orphans(self.private / "part", f"{socket.gethostname()}-")
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise DataError(
                f"Nothing can be written to {self.output}: {reason}. Name another one with --output."
            ) from None

    def find(self, sid: str, name: str) -> Path | None:
        """The result, wherever it is."""
        places = (folder / sid / f"{name}.npz" for folder in (self.output, *self.have))
        return next((path for path in places if os.path.exists(path)), None)

    def done(self, sid: str, name: str) -> bool:
        if (sid, name) not in self.finished and self.find(sid, name):
            self.finished.add((sid, name))
        return (sid, name) in self.finished

    def reason(self, sid: str, name: str) -> str | None:
        """Why the step failed; None if it did not."""
        try:
            return (self.output / sid / f"{name}.failed").read_text().strip()
        except OSError:
            return None

    def forget(self, sid: str, name: str) -> None:
        """Lets a failed step be tried again."""
        (self.output / sid / f"{name}.failed").unlink(missing_ok=True)

    def claim(self, sid: str, name: str) -> Claim | None:
        """The lock of a step, or None if another process holds it. The step may have been done since it was last
        looked at."""
        path = self.private / "locks" / f"{sid}.{name}"
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not path.exists() or os.stat(path).st_ino != os.fstat(handle).st_ino:
                    os.close(handle)  # the holder before released it between our opening and our locking
                    continue
                note = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
                os.ftruncate(handle, 0)
                os.pwrite(handle, json.dumps(note).encode(), 0)
                return Claim(path, handle)
            except FileNotFoundError:
                os.close(handle)
            except OSError as problem:
                os.close(handle)
                if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    return None
                if problem.errno in NO_LOCKS:
                    raise DataError(
                        f"The file system of {self.output} has no file locks, so two workers could do the same step. "
                        "Choose a folder on another one (on a cluster: mounted with flock)."
                    ) from None
                raise disk(self.output, problem) from None

    def holder(self, sid: str, name: str) -> dict | None:
        """Who computes the step now: host, pid, since; None if nobody does."""
        path = self.private / "locks" / f"{sid}.{name}"
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except OSError:
            try:
                return json.loads(os.pread(handle, 1000, 0))
            except ValueError:
                return {"host": "?", "pid": 0, "since": "?"}
        finally:
            os.close(handle)

    def density(self, sid: str, name: str) -> Path:
        """Where the density of an unfinished site is kept."""
        return self.private / "densities" / sid / f"{name}.density"

    def load_density(self, sid: str, name: str, settings: str) -> dict | None:
        """The stored density; None if it is damaged or was computed with other settings than these (of `described`), and
        then it is removed, to be computed again."""
        path = self.density(sid, name)
        try:
            with np.load(path, allow_pickle=False) as file:
                row = {key: file[key][()] for key in file}
            if str(row["settings"]) == settings:
                return row
        except Exception:  # whatever a damaged archive raises
            pass
        path.unlink(missing_ok=True)
        return None

    def store_density(self, sid: str, name: str, row: dict, seconds: float) -> None:
        self.write(self.density(sid, name), row | {"seconds": seconds})

    def store(self, structure: Structure, name: str, row: dict, seconds: float) -> None:
        """Checks a result as a file and moves it to its place. DataError with the reason, and nothing stored, if it
        does not pass."""
        part = self.part / structure.sid / f"{name}.npz"
        try:
            self.write(part, row | {"seconds": seconds})
            if name == "ground":
                read_ground(part)
            else:
                read_site(part, self.compare(structure, row))
            target = self.output / structure.sid / f"{name}.npz"
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, target)
        except OSError as problem:
            raise disk(self.output, problem) from None
        finally:
            shutil.rmtree(part.parent, ignore_errors=True)
        self.density(structure.sid, name).unlink(missing_ok=True)
        self.finished.add((structure.sid, name))

    def compare(self, structure: Structure, row: dict):
        """The ground state that a site belongs to, its total energies checked against it.

        If it is not there yet: the little of it that is known before, an energy included that any row agrees with.
        """
        path = self.find(structure.sid, "ground")
        charged = float(row["total_energy"] + row["lumo"])
        if not path:
            known = {"symbols": np.array(structure.symbols), "supercell": row["supercell"], "method": METHOD}
            energy = charged - sum(checks.ONSET) / 2
            return SimpleNamespace(**known, supercell_energy=energy, offset=EXPERIMENTAL_OFFSET, edge="K")
        ground = read_ground(path)
        checks.check_onset(charged - ground.supercell_energy, "the charged cell")
        if np.isfinite(row["neutral_energy"]):
            checks.check_onset(float(row["neutral_energy"] - ground.supercell_energy), "the neutral cell")
        return ground

    def fail(self, sid: str, name: str, problem: str, kept: dict[str, bytes], row: dict | None = None) -> None:
        """Keeps the reason beside the results, and inputs, outputs and the rejected row aside."""
        try:
            aside = self.private / "rejected" / sid / name
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            for file, content in kept.items():
                (aside / file).write_bytes(content)
            if row is not None:
                self.write(aside / f"{name}.npz", row)
            path = self.output / sid / f"{name}.failed"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".failing").write_text(problem + "\n")
            os.replace(path.with_suffix(".failing"), path)
        except OSError as error:
            raise disk(self.output, error) from None

    def write(self, path: Path, arrays: dict) -> None:
        """An .npz file that is there whole or not at all, even after a power cut."""
        part = self.part / "part"
        try:
            for folder in (path.parent, self.part):
                folder.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                np.savez_compressed(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as problem:
            raise disk(self.output, problem) from None
        finally:
            part.unlink(missing_ok=True)


def remove_orphans(root: Path, prefix: str) -> None:
    """Removes the folders of `root` named prefix, process number, and anything after a hyphen, if that process is
    gone."""
    for path in root.glob(f"{prefix}*"):
        number = path.name.removeprefix(prefix).split("-")[0]
        if number.isdigit() and not alive(int(number)):
            shutil.rmtree(path, ignore_errors=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class DiskError(DataError):
    """The results cannot be written: the queue must stop."""


def disk(folder: Path, problem: OSError) -> DiskError:
    full = (
        " Free some space and start again: what is finished is kept."
        if problem.errno in (errno.ENOSPC, errno.EDQUOT)
        else ""
    )
    return DiskError(f"Results cannot be written to {folder}: {problem.strerror or problem}.{full}")
