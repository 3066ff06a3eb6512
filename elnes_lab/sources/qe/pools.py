"""Where the steps of a queue are done: in this process, or by the workers of Dask, on this machine or on a cluster."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator

from ...errors import DataError
from .engine import share_priority
from .plan import Outcome, Step, perform

PATIENCE = 10  # seconds to wait for a scheduler's answer
MOST = 1000  # processes of one machine
DEATHS = 1  # a step that kills this many workers of this machine and one more has failed
LOCAL = {  # Dask's settings for the workers of this machine
    "distributed.scheduler.allowed-failures": DEATHS,
    "distributed.logging.distributed": "critical",
    # Watching itself takes Dask 3 % of a core for each process, up to 15 % on a busy machine; steps take minutes.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "1s",
}


class Here:
    """Steps done in this process, one at a time. task: does one step."""

    def __init__(self, task: Callable[[Step], Outcome] = perform):
        self.task, self.waiting = task, []

    def slots(self) -> int:
        return 1

    def submit(self, step: Step) -> Step:
        self.waiting.append(step)
        return step

    def finished(self) -> Iterator[tuple[Step, Outcome]]:
        while self.waiting:
            step = self.waiting.pop()
            yield step, self.task(step)


@contextlib.contextmanager
def connected():
    """Whatever asks a scheduler that is not there any more ends in a DataError, at whichever question that is noticed."""
    from concurrent.futures import CancelledError

    from distributed.client import FuturesCancelledError

    try:
        yield
    except (FuturesCancelledError, CancelledError, OSError, TimeoutError):  # CommClosedError is an OSError
        raise DataError(
            "The connection to the Dask scheduler was lost. What is finished is kept; start the scheduler and this "
            "command again."
        ) from None


class Workers:
    """Steps done by the workers of a Dask client. ahead: steps handed out beyond the number of workers, so that none
    is idle."""

    def __init__(self, client, task: Callable[[Step], Outcome] = perform, ahead: int = 0):
        self.client, self.task, self.ahead, self.futures = client, task, ahead, set()

    def slots(self) -> int:
        with connected():
            return sum(self.client.nthreads().values()) + self.ahead

    def submit(self, step: Step):
        with connected(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # densities are megabytes; scattered to a worker they would be lost with it
            future = self.client.submit(self.task, step, pure=False)
        self.futures.add(future)
        return future

    def finished(self) -> Iterator[tuple[object, Outcome]]:
        from distributed import wait

        with connected():
            done = wait(self.futures, return_when="FIRST_COMPLETED").done
        for future in done:
            self.futures.discard(future)
            if future.status == "finished":
                yield future, future.result()
                continue
            problem = future.exception()
            if type(problem).__name__ == "KilledWorker":
                yield (
                    future,
                    Outcome(
                        problem="The workers that computed this step died, one after the other, most often because memory "
                        "ran out. Use fewer workers, or a machine with more memory, and try again with --retry."
                    ),
                )
            else:
                yield (
                    future,
                    Outcome(
                        problem=f"The worker could not do this step ({type(problem).__name__}: {str(problem)[:300]}). "
                        "Its version of elnes-lab may be another one.",
                        stop=True,
                    ),
                )


def apart():
    """A plugin that gives each worker a session of its own, whose priority then is the worker's; Ctrl-C is for the process
    that runs the queue, which ends them in good order."""
    from distributed import WorkerPlugin

    class Apart(WorkerPlugin):
        def setup(self, worker):
            with contextlib.suppress(OSError, AttributeError):
                os.setsid()
            share_priority()

    return Apart()


@contextlib.contextmanager
def workers(number: int | None, scheduler: str | None = None, task: Callable[[Step], Outcome] = perform):
    """A pool for `Queue.run`: `number` processes of this machine (0: none, all in this process), or the workers of a
    scheduler."""
    if number is not None and not 0 <= number <= MOST:
        raise DataError(
            f"{number} workers cannot work. Give 1 to {MOST}, 0 for this process, or nothing for one per core."
        )
    if number == 0 and scheduler is None:
        yield Here(task)
        return
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(LOCAL):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=PATIENCE)
            except (OSError, ValueError, TimeoutError) as problem:
                raise DataError(
                    f"No Dask scheduler answers at {scheduler}: {problem}. Start one with `dask scheduler`, or leave "
                    "the address out to work on this machine."
                ) from None
            with client:
                yield Workers(client, task, ahead=2)
            return
        with (
            LocalCluster(
                n_workers=number or os.cpu_count() or 1,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=":0",
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,
        ):
            client.register_plugin(apart())
            yield Workers(client, task)
