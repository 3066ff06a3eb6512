"""The folder of calculations. Each has a folder of its own, named by a token that nobody can guess and only its owner has.

    <root>/<token>/given.extxyz, structure.extxyz    the cell as it was brought, and what is computed of it
    <root>/<token>/request.json, state.json, log     what is asked for, how far it is, what the worker prints
    <root>/<token>/lock                              held by its worker, as long as that lives
    <root>/<token>/steps/<structure>/                results, as those of `elnes-lab compute`; what it needs in steps.queue
    <root>/scratch, slots, waiting                   scratch files of the engine; see `slots`

Every file appears whole or not at all, a kill at any moment costs the running step alone, and nothing is written elsewhere
but the pseudopotentials, which the engine keeps in the user's cache.
"""

import os
import re
import secrets
import shutil
import socket
import sys
import time
from pathlib import Path

from ...errors import DataError
from ..qe.folder import remove_orphans
from . import slots, state
from .calculation import NUMBER, Calculation
from .request import Request

FOLDER = "ELNES_LAB_CALCULATIONS_FOLDER"  # environment: where they are kept
COMMAND = (sys.executable, "-m", "elnes_lab.sources.calculations.worker")
TOKEN = r"[0-9a-f]{32}"
MOST_WAITING = 20  # calculations that wait for a place; the next one is refused
DAYS = 30  # that a calculation nobody works at is kept on a server


class Calculations:
    """All calculations below `root`, `most` of them at once (by default as the environment says, else one).

    command: words that start a worker, before the name of its folder."""

    def __init__(self, root: Path | str | None = None, most: int | None = None, command=COMMAND):
        self.root = Path(root or default_root()).absolute()
        self.most, self.command = max(1, (allowed() or 1) if most is None else most), tuple(command)

    def start(self, wanted: Request, site: int) -> Calculation:
        """Begins a calculation of one of the oxygens of `wanted.given` (its index), or has it wait for a place.

        DataError where too many wait, where nothing can be written, and on a system without file locks."""
        if slots.fcntl is None:
            raise DataError("Rows are computed on Linux or macOS. On Windows use the Windows Subsystem for Linux.")
        self.check_room()
        made = Calculation(self, secrets.token_hex(16))
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.path.mkdir(mode=0o700)
            made.write(wanted, site)
            made.launch()
        except (OSError, DataError) as problem:
            shutil.rmtree(made.path, ignore_errors=True)
            reason = getattr(problem, "strerror", None) or "nothing can be written to the folder of calculations"
            raise DataError(f"The calculation cannot be begun: {reason}. Nothing was computed.") from None
        return made

    def check_room(self) -> None:
        """DataError where too many calculations wait already."""
        if len(slots.tickets(self.root, self.is_alive)) >= MOST_WAITING:
            raise DataError(
                f"{MOST_WAITING} calculations wait for their turn here already. Try again later, or compute it on your own "
                "machine with `elnes-lab compute`."
            )

    def find(self, token: str) -> Calculation | None:
        """The calculation of a token, which may be any text; None if there is none, or not any more."""
        if not re.fullmatch(TOKEN, token):
            return None
        try:
            found = Calculation(self, token)
            found.request  # noqa: B018 - whether it can be read is what is asked
            return found
        except DataError:
            return None

    def every(self) -> list[Calculation]:
        """All calculations, the oldest first: for the only user of a machine, never for visitors of a server."""
        found = [one for one in map(self.find, entries(self.root)) if one is not None]
        return sorted(found, key=lambda one: (one.path / "given.extxyz").stat().st_mtime_ns)

    def is_alive(self, token: str) -> bool:
        """Whether a worker waits or computes for a token."""
        return bool(re.fullmatch(TOKEN, token)) and Calculation(self, token).is_alive

    def tidy(self, days: float = DAYS) -> int:
        """Removes calculations at which nobody has worked for so many days, and scratch files left behind; how many."""
        oldest, count = time.time() - days * 86400, 0
        remove_orphans(self.root / "scratch", f"elnes-lab-{socket.gethostname()}-")
        for name in entries(self.root):
            path = self.root / name
            if not re.fullmatch(TOKEN, name) or path.is_symlink() or not path.is_dir() or self.is_alive(name):
                continue
            last = path / state.FILE
            if (last if last.exists() else path).stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
                count += 1
        return count


def entries(folder: Path) -> list[str]:
    """Names in a folder; none where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def allowed() -> int | None:
    """How many calculations at once the environment allows, 0 for none; None if it says nothing."""
    text = os.environ.get(NUMBER, "").strip()
    return int(text) if text.isdigit() else None


def default_root() -> Path:
    """$ELNES_LAB_CALCULATIONS_FOLDER, else a folder of this user."""
    import platformdirs

    named = os.environ.get(FOLDER, "").strip()
    return Path(named).expanduser() if named else platformdirs.user_state_path("elnes-lab") / "calculations"
