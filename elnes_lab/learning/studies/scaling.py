"""Many independent fits at once: seeds, folds and hyper-parameters through Dask, here or on any scheduler.

A task is a pure function of its arguments and computes on one thread, so the results do not depend on how many
workers there are, or on which of them did what.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable

from ...errors import DataError

PATIENCE = 10  # seconds to wait for a scheduler's answer


def run(
    function: Callable,
    shared,
    tasks: Iterable,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    report: Callable[[int, int], None] | None = None,
) -> list:
    """[function(shared, task) for task in tasks], in that order, on Dask workers.

    workers: processes to start on this machine (default: one per core, at most one per task; 0: none, all in this
    process). scheduler: address of a running Dask scheduler instead, such as "tcp://10.0.0.5:8786", whose workers
    have this package. report is called with the numbers done and asked for. function must be importable (no lambda);
    in a script, call this under `if __name__ == "__main__":`, as new processes import the script. Raises what a task
    raises, and DataError if no scheduler answers.
    """
    tasks = list(tasks)
    if workers is not None and workers < 0:
        raise DataError(
            f"{workers} workers cannot work. Give 1 or more, 0 for this process, or nothing for one per core."
        )
    if not tasks:
        return []
    if workers == 0 and scheduler is None:
        return [
            result
            for k, task in enumerate(tasks)
            for result in [single(function, shared, task)]
            if noted(report, k + 1, len(tasks))
        ]
    workers = min(workers or os.cpu_count() or 1, len(tasks))
    with client(workers, scheduler) as connection:
        return gather(connection, function, shared, tasks, report)


def gather(connection, function, shared, tasks, report) -> list:
    """Results in the order of the tasks; those not yet started are cancelled if one fails."""
    from distributed import as_completed

    everywhere = connection.scatter(shared, broadcast=True, hash=False)
    futures = [connection.submit(single, function, everywhere, task, pure=False) for task in tasks]
    try:
        for done, future in enumerate(as_completed(futures), 1):
            if future.status == "error":
                future.result()
            noted(report, done, len(tasks))
        return connection.gather(futures)
    finally:
        connection.cancel(futures)


@contextlib.contextmanager
def client(workers: int, scheduler: str | None):
    """A Dask client: of the scheduler at an address, or of worker processes of its own, which end with it."""
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            connection = Client(scheduler, timeout=PATIENCE)
        except (OSError, ValueError, TimeoutError) as problem:
            raise DataError(
                f"No Dask scheduler answers at {scheduler}: {problem}. Start one with `dask scheduler`, "
                "or leave the address out to work on this machine."
            ) from None
        with connection:
            yield connection
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        Client(cluster) as connection,
    ):
        yield connection


def single(function, shared, task):
    """function(shared, task) with linear algebra on one thread: sums come out in one order, workers do not crowd each
    other."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")  # a worker that has not imported it yet gets one thread from Dask's environment
    before = torch.get_num_threads() if torch else None
    try:
        if torch:
            torch.set_num_threads(1)
        with threadpool_limits(1):
            return function(shared, task)
    finally:
        if torch:
            torch.set_num_threads(before)


def noted(report, done: int, total: int) -> bool:
    if report:
        report(done, total)
    return True
