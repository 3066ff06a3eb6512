"""A class: many people who run a lesson of the workshop at the same moment, each in a kernel of its own.

    python benchmarks/workshop.py                  # thirty people, every lesson
    python benchmarks/workshop.py --people 10 --lessons 3

Everybody runs all cells of the solved lesson (notebooks/workshop/solutions) one after another without reading, which no class
does: the worst that can come. A cell's seconds are from sending it until the kernel has answered. Memory is sampled: what the
kernels have together, shared pages counted once. The kernels share all cores of this machine.
"""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import nbformat
import psutil
from dashboard import spread
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[1]
SOLUTIONS = REPOSITORY / "notebooks" / "workshop" / "solutions"
PATIENCE = 1200  # s for one cell


async def participant(path: Path) -> dict:
    """Seconds of the kernel's start, of each cell and of the whole lesson; or the error."""
    notebook, sent, cells = nbformat.read(path, as_version=4), {}, {}
    client = NotebookClient(
        notebook,
        timeout=PATIENCE,
        startup_timeout=PATIENCE,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=lambda cell, cell_index: sent.update({cell_index: time.perf_counter()}),
        on_cell_executed=lambda cell, cell_index, execute_reply: cells.update(
            {cell_index: time.perf_counter() - sent[cell_index]}
        ),
    )
    begin = time.perf_counter()
    try:
        await client.async_execute()
    except Exception as problem:
        return {"error": f"{type(problem).__name__}: {problem}"[:300]}
    return {
        "error": None,
        "first": cells.pop(min(cells)),
        "cells": cells,
        "whole": time.perf_counter() - begin,
    }


async def watched(peak: list) -> None:
    """Appends the memory (GB, proportional) of all child processes, every second, until it is cancelled."""
    while True:
        total = 0
        for child in psutil.Process().children(recursive=True):
            try:
                total += child.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        peak.append(total / 1e9)
        await asyncio.sleep(1)


async def lesson(path: Path, people: int) -> dict:
    peak: list[float] = []
    watch = asyncio.create_task(watched(peak))
    results = await asyncio.gather(*[participant(path) for _ in range(people)])
    watch.cancel()
    fine = [result for result in results if not result["error"]]
    slowest = max((max(result["cells"], key=result["cells"].get) for result in fine), default=None)
    return {
        "failed": people - len(fine),
        "first errors": [result["error"] for result in results if result["error"]][:3],
        "first cell, imports and data (s)": spread([result["first"] for result in fine]),
        "a later cell (s)": spread([seconds for result in fine for seconds in result["cells"].values()]),
        "longest cell (s)": spread([result["cells"][slowest] for result in fine]),
        "whole lesson (s)": spread([result["whole"] for result in fine]),
        "memory of all (GB)": round(max(peak, default=0), 1),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=30)
    options.add_argument("--lessons", type=int, nargs="*", default=[1, 2, 3, 4])
    options = options.parse_args()
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    report = {"people": options.people, "cores": os.cpu_count()}
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        if int(path.name[0]) in options.lessons:
            report[f"lesson {path.name[0]}"] = asyncio.run(lesson(path, options.people))
    print(json.dumps(report, indent=1, default=float))


if __name__ == "__main__":
    main()
