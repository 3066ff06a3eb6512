"""One calculation: what it is for, how far it is, what is finished, and what can be done with it."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from functools import cached_property
from pathlib import Path

from ...errors import DataError
from ..qe.structures import Structure, read_structures
from ..steps import put
from . import slots, state
from .request import Request, same
from .state import CANCELLED, FAILED, FINISHED, INTERRUPTED, QUEUED, State

NUMBER = "ELNES_LAB_CALCULATIONS"  # environment: how many are done at once
GRACE = 5.0  # s for a worker to end after it was asked to
KEYS = {"title", "sid", "standing", "sites"}


class Calculation:
    """The calculation of a token in a `place.Calculations`, whether it is there or not: `find` says so."""

    def __init__(self, place, token: str):
        self.place, self.token, self.path = place, token, place.root / token

    # what it is for --------------------------------------------------------------------------------------------------
    def write(self, wanted: Request, site: int) -> None:
        """Stores what is asked for: the structures, and the first site (index in `wanted.given`)."""
        from ase import Atoms

        s, given = wanted.structure, wanted.given
        small = Atoms(list(s.symbols), cell=s.cell, scaled_positions=s.positions, pbc=True)
        small.info = {"sid": s.sid, "name": s.name, "source": s.source}
        put(self.path / "given.extxyz", extended_xyz(Atoms(given.symbols, given.positions, cell=given.cell, pbc=True)))
        put(self.path / "structure.extxyz", extended_xyz(small))
        standing = {str(index): computed for index, computed in wanted.standing.items()}
        self.write_request({"title": wanted.title, "sid": s.sid, "standing": standing, "sites": [site]})

    def write_request(self, request: dict) -> None:
        put(self.path / "request.json", json.dumps(request).encode())
        self.__dict__.pop("request", None)

    @cached_property
    def request(self) -> dict:
        """title, sid, standing: oxygen of the given cell (text) -> the one that is computed for it; sites: those asked
        for, of the given cell. DataError if it is damaged."""
        found = state.read_json(self.path / "request.json")
        if found is None or set(found) != KEYS:
            raise DataError("What was asked for cannot be read any more. Start the calculation anew.")
        return found

    @property
    def title(self) -> str:
        """Name of the file that was brought."""
        return str(self.request["title"])

    @property
    def sites(self) -> list[int]:
        """Oxygens of the given cell that are asked for, in the order in which they were."""
        return [int(site) for site in self.request["sites"]]

    def computed(self, site: int) -> int | None:
        """The oxygen of `structure` that is computed for an inequivalent one of the given cell; None for another atom."""
        return self.request["standing"].get(str(site))

    @cached_property
    def structure(self) -> Structure:
        """What is computed."""
        return read_structures(self.path / "structure.extxyz")[0][0]

    @cached_property
    def given(self):
        """ASE Atoms as they were brought."""
        from ase.io import read

        return read(self.path / "given.extxyz")

    def is_of(self, atoms) -> bool:
        """Whether it is one of this structure, in this cell."""
        return same(self.given, atoms)

    # what is finished ------------------------------------------------------------------------------------------------
    @property
    def steps(self) -> Path:
        """Folder of the results."""
        return self.path / "steps" / self.request["sid"]

    @property
    def ground(self) -> Path | None:
        """File of the ground state, if that is finished."""
        path = self.steps / "ground.npz"
        return path if path.exists() else None

    def row(self, site: int) -> Path | None:
        """File of the core-hole spectrum of an oxygen of the given cell, if that is finished."""
        path = self.steps / f"O{self.computed(site)}.npz"
        return path if path.exists() else None

    @property
    def rows(self) -> list[Path]:
        """Files of all finished spectra."""
        return sorted(self.steps.glob("O*.npz"))

    # how far it is ---------------------------------------------------------------------------------------------------
    @property
    def is_alive(self) -> bool:
        """Whether a worker waits or computes."""
        return not slots.is_free(self.path / "lock")

    def state(self) -> State:
        """How far it is; INTERRUPTED where its worker has ended without a last word."""
        alive, found = self.is_alive, state.read(self.path)  # in this order: the last word comes before the end
        return State(INTERRUPTED, step=found.step) if found.is_active and not alive else found

    # what is done with it --------------------------------------------------------------------------------------------
    def launch(self) -> None:
        """Starts its worker, which lives on without this process. DataError if it has one already."""
        handle = self.claim()
        try:
            state.write(self.path, State(QUEUED, at=time.time()))
            scratch = self.place.root / "scratch"
            scratch.mkdir(mode=0o700, exist_ok=True)
            own = {NUMBER: str(self.place.most), "TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"}
            with open(self.path / "log", "ab") as log:
                process = subprocess.Popen(
                    [*self.place.command, str(self.path)],
                    cwd=self.path,
                    env=os.environ | own,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[handle],  # with it the lock, which ends with the worker and is never free in between
                    start_new_session=True,
                )
            os.pwrite(handle, str(process.pid).encode(), 0)
        finally:
            os.close(handle)
        threading.Thread(target=process.wait, daemon=True).start()  # lest it stay a zombie of this process

    def claim(self) -> int:
        """The lock of this calculation, and nobody's process id in it. DataError if somebody works at it."""
        last_word = not state.read(self.path).is_active  # then its worker, if it lives, is just ending
        until = time.monotonic() + (2 * GRACE if last_word else 1.0)
        while True:
            handle = slots.locked(self.path / "lock")
            if handle is not None:
                os.ftruncate(handle, 0)
                return handle
            if time.monotonic() > until:
                break
            time.sleep(0.05)  # it may be one that looks whether it is free
        raise DataError("This calculation is under way already.")

    def resume(self, site: int | None = None) -> None:
        """Goes on with it, what failed included; with a site, that one too. DataError if it is under way."""
        if site is not None and site not in self.sites:
            if self.is_alive:
                raise DataError(
                    "Another site of this structure is being computed. Start this one when that is finished: the ground "
                    "state is then not computed again."
                )
            self.write_request(self.request | {"sites": [*self.sites, site]})
        self.place.check_room()
        self.launch()

    def cancel(self) -> None:
        """Ends its worker and the engine; what is finished stays. Takes seconds at most."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            pid = self.worker()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)
            until = time.monotonic() + GRACE
            while self.is_alive and time.monotonic() < until:
                time.sleep(0.05)
        handle = self.claim()
        try:
            if state.read(self.path).kind not in (FINISHED, FAILED):
                state.write(self.path, State(CANCELLED, at=time.time()))
        finally:
            os.close(handle)

    def worker(self) -> int | None:
        """Process id, and group, of its living worker."""
        for _ in range(20):
            if not self.is_alive:
                return None
            text = (self.path / "lock").read_text(errors="replace").strip()
            if text.isdigit():
                return int(text)
            time.sleep(0.05)  # it is just being started
        return None

    def remove(self) -> None:
        """Cancels it and removes all of it."""
        if self.is_alive:
            self.cancel()
        shutil.rmtree(self.path, ignore_errors=True)


def extended_xyz(atoms) -> bytes:
    from ase.io import write

    text = io.StringIO()
    write(text, atoms, format="extxyz")
    return text.getvalue().encode()
