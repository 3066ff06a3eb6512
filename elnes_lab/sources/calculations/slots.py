"""How many calculations are done at once, and whose turn it is.

    <root>/slots/<number>              locked by the worker that computes
    <root>/waiting/<time>-<token>      one for each worker that waits, the oldest has the next turn

Locks are the kernel's (flock): they end with the process that holds them, however that ends, so that a killed worker
never keeps a place.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PAUSE = 1.0  # s between two looks at the queue


def locked(path: Path) -> int | None:
    """File descriptor that holds the lock of a file, made if need be; None if another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of a file; a file that is not there is free."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def tickets(root: Path, alive: Callable[[str], bool]) -> list[str]:
    """Names of the tickets of those who wait, the oldest first; those of processes that are gone are removed."""
    folder, found = root / "waiting", []
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        if alive(name.partition("-")[2]):
            found.append(name)
        else:
            (folder / name).unlink(missing_ok=True)
    return found


@contextlib.contextmanager
def slot(
    root: Path, token: str, most: int, alive: Callable[[str], bool], waiting: Callable[[int], None]
) -> Iterator[None]:
    """Waits for one of `most` places below `root`, first come, first served, and holds it.

    alive(token): whether the worker of a calculation lives; waiting(n) is told how many come first, whenever that changes."""
    for name in ("slots", "waiting"):
        (root / name).mkdir(parents=True, exist_ok=True)
    ticket, handle, told = root / "waiting" / f"{time.time_ns():020d}-{token}", None, None
    ticket.touch()
    try:
        while handle is None:
            before = [name for name in tickets(root, alive) if name < ticket.name]
            if not before:  # only the oldest looks for a place
                places = (locked(root / "slots" / str(number)) for number in range(most))
                handle = next((place for place in places if place is not None), None)
            if handle is None:
                if len(before) != told:
                    waiting(told := len(before))
                time.sleep(PAUSE)
    finally:
        ticket.unlink(missing_ok=True)
    try:
        yield
    finally:
        os.close(handle)
