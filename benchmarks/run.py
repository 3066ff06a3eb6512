"""Runs the benchmarks with nothing beside them and writes what they measured, and on what, to docs/benchmarks.md.

    python benchmarks/run.py                       # all but the 300 openings in Chromium, which take half an hour
    python benchmarks/run.py database openings     # only these; the page keeps the others as they were

A part is measured by a program of this folder, in a process of its own; its figures are the page's, not typed.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
QUIET = 0.5  # cores busy with something else, above which a part is not begun

# name: heading, arguments, what is measured against what
PARTS = {
    "database": (
        "Database",
        ["database.py"],
        "Opening against the same rows as pymatgen objects in JSON; filter to figure against xarray alone, which interpolates "
        "every row; a database tiled to 120,000 rows. Seconds on the wall.",
    ),
    "learning": (
        "Learning",
        ["learning.py"],
        "Seconds are CPU seconds of one thread, summed over five folds; the error of each is the mean over held-out structures. "
        "scikit-learn and the plain loops see the same principal components; the gain over first principles counts the "
        "ground state, which a prediction needs as its input.",
    ),
    "structure": (
        "From a structure to its spectra",
        ["structure.py"],
        "Against the first-principles time recorded with the same rows, of one core of the machine that computed them.",
    ),
    "dashboard": (
        "Dashboard",
        ["dashboard.py"],
        "HTTP and websocket clients with a kernel each; server, kernels and clients share the cores.",
    ),
    "workshop": (
        "A class of thirty",
        ["workshop.py"],
        "Thirty people run all cells of a solved lesson at the same moment, each in a kernel of its own, on the same cores.",
    ),
    "openings": (
        "Pages that open",
        ["dashboard.py", "--browser"],
        "Real Chromium pages, each in a context of its own, beside processes that keep all cores busy; server, kernels and "
        "browsers share these cores, without a graphics card.",
    ),
}
LONG = "openings"


def machine() -> str:
    """What it ran on, in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.machine()
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB, {platform.system()}"


def measure(name: str, busy: float) -> dict:
    """One part, run now. busy: cores that others used before."""
    from elnes_lab import open_database

    database = open_database()
    heading, arguments, _ = PARTS[name]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=HERE,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{heading}: {' '.join(arguments)} ended with {done.returncode}; nothing was written for it.")
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "software": f"Python {platform.python_version()}, NumPy {version('numpy')}, torch {version('torch')}",
        "busy": round(busy, 1),
        "database": database.version,
        "spectra": len(database),
        "output": done.stdout.strip(),
    }


def rows(value, name: str = "") -> list[tuple[str, str]]:
    """(what, figure) of a nested record; a spread stays one row."""
    if isinstance(value, dict) and value and not all(isinstance(x, (int, float)) for x in value.values()):
        return [row for key, inner in value.items() for row in rows(inner, f"{name}, {key}" if name else str(key))]
    if isinstance(value, dict):
        return [(name, "; ".join(f"{key}: {figure(x)}" for key, x in value.items()))] if value else []
    if isinstance(value, list):
        return [(name, ", ".join(figure(x) for x in value))] if value else []
    return [] if value is None else [(name, figure(value))]


def figure(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def table(output: str) -> str:
    """What a program printed: a table where it was JSON, else as it is. Logs of pages are not for the page."""
    try:
        record = json.loads(output)
    except ValueError:
        return f"```text\n{output}\n```"
    lines = [f"| {what} | {found} |" for what, found in rows(record) if not what.split(", ")[-1].startswith("log")]
    return "\n".join(["| what | figure |", "| --- | --- |", *lines])


def page(records: dict) -> str:
    """Markdown of the parts measured so far."""
    parts = [
        "# Benchmarks",
        "Written by `make benchmark`; do not edit. Timings are ratios where there is a peer: the same rows, the same run.",
    ]
    for name, (heading, arguments, words) in PARTS.items():
        if name in records:
            found = records[name]
            parts += [
                f"## {heading}",
                words,
                f"`python benchmarks/{' '.join(arguments)}`, {found['date']}, {found['spectra']:,} spectra (version "
                f"{found['database']}); {found['machine']}; {found['software']}; {found['busy']} cores busy with others before.",
                table(found["output"]),
            ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all but {LONG})")
    options.add_argument("--anyway", action="store_true", help="also while something else is running")
    chosen = options.parse_args()
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(sorted(unknown))}. Choose from {', '.join(PARTS)}.")
    file = DOCS / "benchmarks.json"
    records = json.loads(file.read_text()) if file.exists() else {}
    for name in chosen.parts or [part for part in PARTS if part != LONG]:
        busy = psutil.cpu_percent(3) / 100 * os.cpu_count()
        if busy > QUIET and not chosen.anyway:
            raise SystemExit(f"{busy:.1f} cores are busy with something else. Wait, or say --anyway.")
        print(f"{PARTS[name][0]} ...", flush=True)
        records[name] = measure(name, busy)
        file.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")
        (DOCS / "benchmarks.md").write_text(page(records))
    print(f"Written: {DOCS / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
