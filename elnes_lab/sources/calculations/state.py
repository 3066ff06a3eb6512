"""How far a calculation is, as its worker writes it down and a page reads it."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ..steps import put

QUEUED, RUNNING, FINISHED, FAILED, CANCELLED, INTERRUPTED = (
    "queued",
    "running",
    "finished",
    "failed",
    "cancelled",
    "interrupted",
)
KINDS = (QUEUED, RUNNING, FINISHED, FAILED, CANCELLED, INTERRUPTED)
FILE = "state.json"
LARGEST = 4 * 2**20  # bytes of a file of ours


@dataclass(frozen=True)
class State:
    """kind: of KINDS; step: what is being computed, words; left: seconds, estimated at the time `at` (seconds since 1970),
    None before anything is known; begun: when its turn came; before: calculations that come first; reason: why it failed,
    a sentence."""

    kind: str
    step: str = ""
    left: float | None = None
    at: float = 0.0
    begun: float = 0.0
    before: int = 0
    reason: str = ""

    @property
    def is_active(self) -> bool:
        """Whether a worker waits or computes."""
        return self.kind in (QUEUED, RUNNING)

    def time_left(self, now: float | None = None) -> float | None:
        """Seconds until it is done, as estimated; 0 for what takes longer than that."""
        return None if self.left is None else max(0.0, self.left - ((time.time() if now is None else now) - self.at))

    def share(self, now: float | None = None) -> float:
        """How much of its time is over, 0 to 1."""
        left, now = self.time_left(now), time.time() if now is None else now
        passed = max(0.0, now - self.begun) if self.begun else 0.0
        return 0.0 if left is None or not passed else passed / (passed + left)


def read(folder: Path) -> State:
    """The State in a folder; INTERRUPTED where none can be read."""
    try:
        state = State(**(read_json(folder / FILE) or {}))
    except TypeError:
        return State(INTERRUPTED)
    return state if state.kind in KINDS else State(INTERRUPTED)


def write(folder: Path, state: State) -> None:
    """Puts a State into a folder, whole or not at all."""
    put(folder / FILE, json.dumps(asdict(state)).encode())


def read_json(path: Path) -> dict | None:
    """The object that a file of ours holds; None if it is not there or damaged."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
