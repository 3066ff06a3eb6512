"""Each case in a process of its own, forked from one that has imported what it needs; time and memory have limits."""

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import deque
from multiprocessing.connection import wait
from pathlib import Path
from random import Random
from typing import NamedTuple

from elnes_lab.errors import DataError

MEMORY = 2**30  # bytes that a case may ask for
GROWTH = 400 * 2**20  # bytes that it may really take: no file of a case has 1 MB
LONGEST = 700  # letters of a sentence
REFUSED, RIGHT, OTHER = "refused", "right", "other"
FAILURES = ("traceback", "hang", "crash", "memory", "wrong", "code run")


class Result(NamedTuple):
    """What became of a case: outcome is one of REFUSED, RIGHT, OTHER or FAILURES, or "harness" if the damage failed."""

    reader: str
    number: int
    damage: str
    outcome: str
    detail: str


def run(
    readers: dict,
    cases: list,
    seed: int,
    *,
    jobs: int = 2,
    seconds: float = 20,
    report=None,
) -> list[Result]:
    """Results of the cases (name of a reader, number), in that order. A case that takes more than `seconds` has another
    chance, alone and with three times as many, before it counts as a hang: the machine may be busy.
    """
    found = round_of(readers, cases, seed, jobs, seconds, report)
    late = [result for result in found if result.outcome == "hang"]
    again = iter(round_of(readers, [(r.reader, r.number) for r in late], seed, 1, 3 * seconds, None))
    return [next(again) if result.outcome == "hang" else result for result in found]


def round_of(
    readers,
    cases,
    seed,
    jobs,
    seconds,
    report,
) -> list[Result]:
    fork = multiprocessing.get_context("fork")
    waiting, alive, found = deque(enumerate(cases)), {}, {}
    while waiting or alive:
        while waiting and len(alive) < jobs:
            place, (name, number) = waiting.popleft()
            receiver, sender = fork.Pipe(duplex=False)
            folder = Path(tempfile.mkdtemp(prefix="elnes-fuzz-"))
            process = fork.Process(target=child, args=(readers[name], number, seed, folder, sender), daemon=True)
            process.start()
            sender.close()
            alive[receiver] = (place, name, number, process, folder, time.monotonic() + seconds)
        ready = wait(list(alive), timeout=0.1)
        for receiver, (place, name, number, process, folder, end) in list(alive.items()):
            if receiver not in ready and time.monotonic() < end:
                continue
            damage, outcome, detail = "", "hang", f"killed after {seconds:g} s"
            if receiver in ready:
                damage, outcome, detail = answer(receiver, process)
            process.kill()
            process.join()
            receiver.close()
            shutil.rmtree(folder, ignore_errors=True)
            del alive[receiver]
            found[place] = Result(name, number, damage or told(readers[name], number, seed), outcome, detail)
            if report:
                report(len(found), len(cases))
    return [found[place] for place in range(len(cases))]


def answer(receiver, process):
    """(damage, outcome, detail) that a process sent, or how it died."""
    try:
        return receiver.recv()
    except EOFError:
        process.join(5)
        return "", "crash", f"ended with {process.exitcode}"


def told(reader, number, seed) -> str:
    """What was damaged in a case that could not say so itself."""
    folder = Path(tempfile.mkdtemp(prefix="elnes-fuzz-"))
    try:
        return reader.damage(random_of(reader, number, seed), folder)[0]
    except Exception as problem:
        return f"? ({problem!r})"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def random_of(reader, number: int, seed: int) -> Random:
    """The random numbers of one case: the same whichever other cases are run."""
    return Random(f"{seed}/{reader.name}/{number}")


def child(reader, number, seed, folder, sender) -> None:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    try:
        damage, kind = reader.damage(random_of(reader, number, seed), folder)
    except Exception:
        sender.send(("", "harness", traceback.format_exc()))
        return
    limit()
    sender.send((damage, *outcome_of(reader, folder, kind)))


def limit() -> None:
    for line in open("/proc/self/status") if sys.platform.startswith("linux") else ():
        if line.startswith("VmData:"):
            size = int(line.split()[1]) * 1024 + MEMORY
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEMORY, 2 * MEMORY))


def outcome_of(reader, folder, kind) -> tuple[str, str]:
    """(outcome, detail) of reading a damaged folder."""
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    before = peak()
    try:
        outcome, detail = reader.judge(reader.read(folder), kind)
    except DataError as problem:
        outcome, detail = reader.refusal(str(problem))
    except MemoryError as problem:
        outcome, detail = "memory", frames(problem)
    except BaseException as problem:
        outcome, detail = "traceback", frames(problem)
    if peak() - before > GROWTH:
        outcome, detail = "memory", f"{(peak() - before) >> 20} MB; {detail}"
    if (folder / "ran").exists():
        outcome, detail = "code run", detail
    return outcome, detail


def sentence(text: str) -> tuple[str, str]:
    """The outcome of a refusal: a sentence or two in one line, else as bad as a traceback."""
    if not text.strip().endswith(".") or "\n" in text or len(text) > LONGEST:
        return "traceback", f"no sentence: {text[:200]!r}"
    return REFUSED, text


def frames(problem: BaseException) -> str:
    """An exception and the last places of the package and of all that it went through."""
    places = traceback.extract_tb(problem.__traceback__)
    ours = [place for place in places if "elnes_lab" in place.filename]
    shown = dict.fromkeys(
        f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in [*ours[-2:], *places[-1:]]
    )
    return (
        f"{type(problem).__name__}: {str(problem).splitlines()[0][:150] if str(problem) else ''} at {' > '.join(shown)}"
    )
