"""Does the steps of many structures, one after the other or many at once, and keeps what is finished.

The process that runs the queue claims the steps, hands them to workers (Dask's, on this machine or on a cluster; or
this process itself) and stores what comes back, so workers need no common folder. Any number of such processes may
share an output folder.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median

from ...errors import DataError
from .folder import Claim, DiskError, Folder
from .plan import Outcome, Step, estimate, time_limit
from .settings import Settings, described
from .structures import Structure

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
            for kind, sites in self.candidates(job):
                claims = self.claim(job, kind, sites)
                if not claims:
                    continue
                try:
                    if running := self.prepared(job, kind, claims):
                        claims = {}
                        return running
                finally:
                    for claim in claims.values():
                        claim.release()
                return self.choose()  # a density is gone, so that there is another step to do
        return None

    def candidates(self, job: Job) -> Iterator[tuple[str, list[int]]]:
        """Kinds and sites of the steps of one structure that are neither done, failed nor running here, in the order
        of preference. Of the sites for "spectra" as many as a batch holds can be taken."""
        sid = job.structure.sid
        if self.folder.reason(sid, "ground"):
            return
        waiting = [site for site in job.sites if self.is_open(job, f"O{site}") and not self.is_running(sid, f"O{site}")]
        ready = [site for site in waiting if self.has_density(job, f"O{site}")]
        missing = [site for site in waiting if site not in ready]
        started = any(r.step.kind == "density" and r.step.structure is job.structure for r in self.running.values())
        if len(ready) >= self.settings.batch or (ready and not missing and not started):
            yield "spectra", ready
        if self.is_open(job, "ground") and not self.is_running(sid, "ground"):
            yield "ground", []
        for site in missing:
            yield "density", [site]
        if ready and not started:  # the missing ones are computed by another process
            yield "spectra", ready

    def claim(self, job: Job, kind: str, sites: list[int]) -> dict[int | None, Claim]:
        """Site (None: ground state) -> claim, of those that nobody else holds and that are still to do."""
        claims: dict[int | None, Claim] = {}
        for site in sites or [None]:
            name = "ground" if site is None else f"O{site}"
            claim = self.folder.claim(job.structure.sid, name) if len(claims) < self.settings.batch else None
            if claim is None:
                continue
            # it may have been done since it was looked at
            if self.is_open(job, name) and self.has_density(job, name) == (kind == "spectra"):
                claims[site] = claim
            else:
                claim.release()
        return claims

    def prepared(self, job: Job, kind: str, claims: dict) -> Running | None:
        """The step for these claims; None if a density it needs was damaged or has other settings, which is gone then."""
        sites = tuple(site for site in claims if site is not None)
        neutral = kind == "density" and sites[0] == job.neutral
        densities = []
        for site in sites if kind == "spectra" else ():
            row = self.folder.load_density(job.structure.sid, f"O{site}", described(self.settings, "site"))
            if row is None:
                return None
            densities.append(row)
        expected = estimate(kind, job.structure, self.settings, max(1, len(sites)), neutral)
        limit = time_limit(expected * self.speed())
        step = Step(kind, job.structure, self.settings, sites, neutral, tuple(densities), limit)
        return Running(step, list(claims.values()), expected)

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
        """Stores a result with what it was computed with."""
        row["settings"] = described(step.settings, "ground" if step.kind == "ground" else "site")
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
