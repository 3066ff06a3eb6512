"""A queue whose steps are not computed but taken from data/raw: `python stored_task.py LIST OUTPUT LOG WORKERS
SECONDS`.

Every step that begins is a line of LOG; with STORED_DEADLY in the environment the worker that begins prototype-04/O5
is killed.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from elnes_lab.sources.qe.folder import Folder
from elnes_lab.sources.qe.plan import Outcome, Step
from elnes_lab.sources.qe.pools import workers
from elnes_lab.sources.qe.queue import Job, Queue
from elnes_lab.sources.qe.structures import read_structures

RAW = Path(__file__).parents[3] / "data" / "raw"
SPECTRUM = ("kpoints", "aliasing", "iterations", "energy", "strength")


def stored(sid: str, name: str) -> dict:
    with np.load(RAW / sid / f"{name}.npz") as file:
        return {key: file[key][()] for key in file if key not in ("seconds", "settings")}


def task(step: Step) -> Outcome:
    with open(os.environ["STORED_LOG"], "a") as log:
        log.write(f"{step.kind} {step.structure.sid} {','.join(step.names)} {os.getpid()}\n")
    if os.environ.get("STORED_DEADLY") and step.structure.sid == "prototype-04" and "O5" in step.names:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(os.environ["STORED_SECONDS"]))
    rows = [stored(step.structure.sid, name) for name in step.names]
    if step.kind == "density":
        rows = [
            {k: v for k, v in row.items() if k not in SPECTRUM} | {"potential": np.zeros((2, 2, 2))} for row in rows
        ]
    elif step.kind == "spectra":
        rows = [
            {k: v for k, v in density.items() if k != "potential"} | {k: row[k] for k in SPECTRUM if k in row}
            for density, row in zip(step.densities, rows)
        ]
    return Outcome(rows=rows, seconds=1.0)


def queue(structures: Path, output: Path, **options) -> Queue:
    jobs = [Job(s, [i for i, _ in s.oxygens], s.oxygens[0][0]) for s in read_structures(structures)[0]]
    return Queue(jobs, Folder(output), **options)


if __name__ == "__main__":
    structures, output, log, number, seconds = sys.argv[1:]
    os.environ |= {"STORED_LOG": log, "STORED_SECONDS": seconds}
    from stored_task import task as importable  # workers get it by its name

    with workers(int(number), task=importable) as pool:
        queue(structures, output, report=lambda e: print(e.step, e.problem, e.done, e.total, e.left, flush=True)).run(
            pool
        )
