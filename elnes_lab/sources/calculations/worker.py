"""The process that does one calculation: `python -m elnes_lab.sources.calculations.worker FOLDER`.

It waits for its turn, does the steps that are missing one after the other at the lowest priority, and writes down how far it
is. It holds the lock of its folder, handed to it by whoever started it, until it ends.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from ...errors import DataError
from ..qe.engine import share_priority
from ..qe.folder import Folder
from ..qe.plan import Step, perform
from ..qe.pools import Here
from ..qe.queue import Job, Queue
from ..qe.settings import Settings
from . import slots, state
from .calculation import NUMBER, Calculation
from .place import Calculations
from .state import FAILED, FINISHED, QUEUED, RUNNING, State

WORDS = {"ground": "ground state", "density": "core-hole density", "spectra": "spectrum"}  # kind of step -> words


def work(calculation: Calculation, task=perform, settings: Settings | None = None) -> None:
    """Does a calculation, by this process, which holds its lock. task: does one step."""
    place, token = calculation.place, calculation.token
    tell = lambda *fields, **more: state.write(calculation.path, State(*fields, at=time.time(), **more))
    with slots.slot(place.root, token, place.most, place.is_alive, lambda before: tell(QUEUED, before=before)):
        begun = time.time()
        try:
            reason = compute(calculation, task, settings or Settings(), lambda *f, **m: tell(*f, begun=begun, **m))
        except DataError as problem:
            reason = str(problem)
        except Exception as problem:
            traceback.print_exc()
            reason = f"It ended for a reason that was not expected ({type(problem).__name__})."
        tell(FAILED if reason else FINISHED, begun=begun, reason=reason)


def compute(calculation: Calculation, task, settings: Settings, tell) -> str:
    """The steps that are missing; why one of them failed, "" if all are finished."""
    structure, sites = calculation.structure, list(dict.fromkeys(map(calculation.computed, calculation.sites)))
    tell(RUNNING, step=WORDS["ground"])
    job = Job(structure, sites, sites[0])
    queue = Queue([job], Folder(calculation.path / "steps"), settings)
    for name in job.names:  # what failed is tried again: whoever starts it again means that
        queue.folder.forget(structure.sid, name)

    def doing(step: Step):
        tell(RUNNING, step=WORDS[step.kind], left=queue.cost() * queue.speed())
        return task(step)

    queue.run(Here(doing))
    if queue.failures or not queue.open_steps():
        return next(iter(queue.failures.values()), "")
    return "Another process computes this structure in the same folder. Wait until it has ended, then start it again."


def end(number, frame) -> None:
    """Ends this process in good order, and with it the engine."""
    raise SystemExit(128 + number)


def unlimited() -> None:
    """Takes back the limit of memory that a page of a server has, which its processes inherit."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(arguments=None, task=perform, settings: Settings | None = None) -> int:
    path = Path((sys.argv[1:] if arguments is None else arguments)[0]).absolute()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(19)
        share_priority()
    unlimited()
    signal.signal(signal.SIGTERM, end)
    place = Calculations(path.parent, int(os.environ.get(NUMBER) or 1))
    work(Calculation(place, path.name), task, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
