"""A worker whose steps are not computed but taken from data/raw, else the real one: `python stored_worker.py FOLDER`.

In the environment: STORED_SECONDS, that each step takes; STORED_FAILS, a kind of step that fails; STORED_HANGS, one whose
engine never ends; STORED_LOG, a file that gets a line when a step begins and when it ends.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

from elnes_lab.sources.calculations.worker import main
from elnes_lab.sources.qe.engine import Engine
from elnes_lab.sources.qe.plan import Outcome

RAW = Path(__file__).parents[3] / "data" / "raw"
SPECTRUM = ("kpoints", "aliasing", "iterations", "energy", "strength")
HANGING = "import os, time; open('{}', 'w').write(str(os.getpid())); time.sleep(600)"


def hurry() -> None:
    """This process at the priority of the tests that wait for it: at the lowest, it would stand still on a busy machine."""
    os.nice = lambda increment: 0


def log(text: str) -> None:
    if os.environ.get("STORED_LOG"):
        with open(os.environ["STORED_LOG"], "a") as file:
            file.write(f"{text}\n")


def stored(step, name: str) -> dict:
    with np.load(RAW / step.structure.name / f"{name}.npz") as file:
        return {key: file[key][()] for key in file if key != "seconds"}


def task(step) -> Outcome:
    log(f"begin {step.kind} {step.structure.sid}")
    time.sleep(float(os.environ.get("STORED_SECONDS", 0)))
    if step.kind == os.environ.get("STORED_FAILS"):
        return Outcome(problem="The density did not converge.", seconds=1.0)
    if step.kind == os.environ.get("STORED_HANGS"):
        program = HANGING.format(Path.cwd() / "engine.pid")
        Engine("executables", "7.2", {"pw": (sys.executable, "-c", program)}).run("pw", "", Path.cwd(), limit=600)
    rows = [stored(step, name) for name in step.names]
    if step.kind == "density":
        rows = [{k: v for k, v in row.items() if k not in SPECTRUM} for row in rows]
        rows = [row | {"potential": np.zeros((2, 2, 2))} for row in rows]
    elif step.kind == "spectra":
        rows = [
            {k: v for k, v in density.items() if k != "potential"} | {k: row[k] for k in SPECTRUM if k in row}
            for density, row in zip(step.densities, rows)
        ]
    log(f"end {step.kind} {step.structure.sid}")
    return Outcome(rows=rows, seconds=1.0)


if __name__ == "__main__":
    hurry()
    sys.exit(main(task=task))
