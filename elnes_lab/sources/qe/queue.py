"""Does the steps of many structures, one after the other or many at once, and keeps what is finished.

The process that runs the queue claims the steps, hands them to workers (Dask's, on this machine or on a cluster; or
this process itself) and stores what comes back, so workers need no common folder. Any number of such processes may
share an output folder.
"""

import contextlib
import os
import time
import warnings
from dataclasses import dataclass, field
from statistics import median
from typing import Callable, Iterator

from ...errors import DataError
from .folder import Claim, DiskError, Folder
from .plan import Outcome, Step, estimate, perform, time_limit
from .settings import Settings
from .structures import Structure

PATIENCE = 10  # seconds to wait for a scheduler's answer
DEATHS = 1  # a step that kills this many workers and one more has failed
LEARNED = 40  # finished steps that the time left is judged by


@dataclass
class Job:
    """One structure and those of its oxygens that are asked for. neutral: the site that also gets its neutral
    energy."""

    structure: Structure
    sites: list[int]
    neutral: int | None

    @property
    def names(self) -> list[str]:
        return ["ground", *(f"O{site}" for site in self.sites)]


@dataclass(frozen=True)
class Event:
    """A finished step. done and total count ground states and spectra; left: seconds, or None before anything is
    known."""

    step: Step
    seconds: float
    problem: str
    done: int
    total: int
    left: float | None


@dataclass
class Running:
    step: Step
    claims: list[Claim]
    expected: float


@dataclass
class Queue:
    """jobs in the order they are done in; see `run`."""

    jobs: list[Job]
    folder: Folder
    settings: Settings = field(default_factory=Settings)
    report: Callable[[Event], None] = lambda event: None
    parallel: int = 1  # workers, to judge the time left by

    def __post_init__(self):
        self.ratios: list[float] = []
        self.running: dict[object, Running] = {}
        self.failures: dict[tuple[str, str], str] = {}

    def run(self, pool) -> None:
        """Until nothing is left that this process can do. DataError if something stands in the way of every step."""
        self.folder.prepare()
        try:
            while True:
                while len(self.running) < pool.slots() and (chosen := self.choose()):
                    self.running[pool.submit(chosen.step)] = chosen
                if not self.running:
                    if pool.slots() or not self.open_steps():
                        return
                    time.sleep(1)  # all workers are just being replaced
                for key, outcome in pool.finished():
                    self.finish(self.running.pop(key), outcome)
        finally:
            for running in self.running.values():
                for claim in running.claims:
                    claim.release()
            self.running.clear()

    def choose(self) -> Running | None:
        """The next step that nobody else does, claimed: spectra first, as they finish rows."""
        for job in self.jobs:
            for step in self.candidates(job):
                claims = []
                for name in step.names:
                    claim = self.folder.claim(job.structure.sid, name)
                    if claim is None:
                        break
                    claims.append(claim)
                    if not self.is_open(job, name) or (step.kind == "density" and self.has_density(job, name)):
                        break  # done by another process since
                else:
                    expected = estimate(step.kind, job.structure, self.settings, max(1, len(step.sites)), step.neutral)
                    try:
                        loaded = (
                            tuple(self.folder.load_density(job.structure.sid, name) for name in step.names)
                            if step.kind == "spectra"
                            else ()
                        )
                    except DataError:
                        loaded = None
                    if loaded is not None:
                        step = Step(
                            step.kind,
                            job.structure,
                            self.settings,
                            step.sites,
                            step.neutral,
                            loaded,
                            time_limit(expected * self.speed()),
                        )
                        return Running(step, claims, expected)
                for claim in claims:
                    claim.release()
        return None

    def candidates(self, job: Job) -> Iterator[Step]:
        """Steps of one structure that are neither done, failed nor running here, in the order of preference."""
        sid = job.structure.sid
        if self.folder.reason(sid, "ground"):
            return
        waiting = [site for site in job.sites if self.is_open(job, f"O{site}") and not self.is_running(sid, f"O{site}")]
        ready = [site for site in waiting if self.has_density(job, f"O{site}")]
        missing = [site for site in waiting if site not in ready]
        started = any(r.step.kind == "density" and r.step.structure is job.structure for r in self.running.values())
        make = lambda kind, sites=(): Step(
            kind, job.structure, self.settings, tuple(sites), bool(sites) and sites[0] == job.neutral
        )
        batch = self.settings.batch
        if len(ready) >= batch or (ready and not missing and not started):
            yield make("spectra", ready[:batch])
        if self.is_open(job, "ground") and not self.is_running(sid, "ground"):
            yield make("ground")
        for site in missing:
            yield make("density", [site])
        if ready and not started:  # the missing ones are computed by another process
            yield make("spectra", ready[:batch])

    def is_open(self, job: Job, name: str) -> bool:
        sid = job.structure.sid
        return not self.folder.done(sid, name) and not self.folder.reason(sid, name)

    def is_running(self, sid: str, name: str) -> bool:
        return any(
            running.step.structure.sid == sid and name in running.step.names for running in self.running.values()
        )

    def has_density(self, job: Job, name: str) -> bool:
        return self.folder.density(job.structure.sid, name).exists()

    def finish(self, running: Running, outcome: Outcome) -> None:
        """Stores what came back, or the reason why there is nothing. DataError if the next step would fail the same
        way."""
        step, sid = running.step, running.step.structure.sid
        problem = outcome.problem
        try:
            if outcome.stop:
                raise DataError(problem)
            if not problem:
                self.ratios = [*self.ratios, outcome.seconds / running.expected][-LEARNED:]
            rows = dict(zip(step.names, outcome.rows))
            for name in step.names:
                row, reason = rows.get(name), problem
                if row is not None and not reason:
                    try:
                        self.keep(step, name, row, outcome.seconds / len(step.names))
                    except DiskError:
                        raise
                    except DataError as rejected:
                        reason = problem = str(rejected)
                if reason:
                    self.failures[sid, name] = reason
                    self.folder.fail(sid, name, reason, outcome.evidence, row)
                    self.folder.density(sid, name).unlink(missing_ok=True)
        finally:
            for claim in running.claims:
                claim.release()
        done, total = self.counts()
        self.report(Event(step, outcome.seconds, problem, done, total, self.left()))

    def keep(self, step: Step, name: str, row: dict, seconds: float) -> None:
        if step.kind == "density":
            self.folder.store_density(step.structure.sid, name, row, seconds)
            return
        if step.kind == "spectra":
            seconds += float(row.pop("seconds"))  # of its density
        self.folder.store(step.structure, name, row, seconds)

    def counts(self) -> tuple[int, int]:
        """Ground states and spectra that are done, and all that are asked for."""
        return (
            sum(self.folder.done(job.structure.sid, name) for job in self.jobs for name in job.names),
            sum(len(job.names) for job in self.jobs),
        )

    def open_steps(self) -> list[tuple[Job, str]]:
        return [
            (job, name)
            for job in self.jobs
            if not self.folder.reason(job.structure.sid, "ground")
            for name in job.names
            if self.is_open(job, name)
        ]

    def speed(self) -> float:
        """Measured over estimated time, 1 before anything is measured."""
        return median(self.ratios) if self.ratios else 1.0

    def cost(self) -> float:
        """Estimated seconds of one core for what is not done, uncorrected."""
        total = 0.0
        for job, name in self.open_steps():
            one = lambda kind, **more: estimate(kind, job.structure, self.settings, **more)
            if name == "ground":
                total += one("ground")
            else:
                total += one("spectra") + (
                    0 if self.has_density(job, name) else one("density", neutral=name == f"O{job.neutral}")
                )
        return total

    def left(self) -> float | None:
        """Seconds until everything is done, None before anything is measured."""
        return self.cost() * self.speed() / max(1, self.parallel) if self.ratios else None


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


class Workers:
    """Steps done by the workers of a Dask client. ahead: steps handed out beyond the number of workers, so that none
    is idle."""

    def __init__(self, client, task: Callable[[Step], Outcome] = perform, ahead: int = 0):
        self.client, self.task, self.ahead, self.futures = client, task, ahead, set()

    def slots(self) -> int:
        return sum(self.client.nthreads().values()) + self.ahead

    def submit(self, step: Step):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # densities are megabytes; scattered to a worker they would be lost with it
            future = self.client.submit(self.task, step, pure=False)
        self.futures.add(future)
        return future

    def finished(self) -> Iterator[tuple[object, Outcome]]:
        from distributed import wait
        from distributed.client import FuturesCancelledError

        try:
            done = wait(self.futures, return_when="FIRST_COMPLETED").done
        except (FuturesCancelledError, OSError):
            raise DataError(
                "The connection to the Dask scheduler was lost. What is finished is kept; start the scheduler and this "
                "command again."
            ) from None
        for future in done:
            self.futures.discard(future)
            if future.status == "finished":
                yield future, future.result()
                continue
            problem = future.exception()
            if type(problem).__name__ == "KilledWorker":
                yield future, Outcome(
                    problem="The workers that computed this step died, one after the other, most often because memory "
                    "ran out. Use fewer workers, or a machine with more memory, and try again with --retry."
                )
            else:
                yield future, Outcome(
                    problem=f"The worker could not do this step ({type(problem).__name__}: {str(problem)[:300]}). "
                    "Its version of elnes-lab may be another one.",
                    stop=True,
                )


@contextlib.contextmanager
def workers(number: int | None, scheduler: str | None = None, task: Callable[[Step], Outcome] = perform):
    """A pool for `Queue.run`: `number` processes of this machine (0: none, all in this process), or the workers of a
    scheduler."""
    if number is not None and number < 0:
        raise DataError(
            f"{number} workers cannot work. Give 1 or more, 0 for this process, or nothing for one per core."
        )
    if number == 0 and scheduler is None:
        yield Here(task)
        return
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(
        {"distributed.scheduler.allowed-failures": DEATHS, "distributed.logging.distributed": "critical"}
    ):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=PATIENCE)
            except (OSError, ValueError, TimeoutError) as problem:
                raise DataError(
                    f"No Dask scheduler answers at {scheduler}: {problem}. Start one with `dask scheduler`, or leave "
                    "the "
                    "address out to work on this machine."
                ) from None
            with client:
                yield Workers(client, task, ahead=2)
            return
        with (
            LocalCluster(
                n_workers=number or os.cpu_count() or 1,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield Workers(client, task)
