"""Damaged files for all readers, each in its own process: none may end in a traceback, a hang or wrong numbers.

    python tests/fuzz                                      # 1,500 cases; exit status 1 if a reader failed
    python tests/fuzz --docs                               # and write docs/robustness.md
    python tests/fuzz --reader card --case 17              # one case again, here, with its traceback

It lives among the tests because a short form of it is one: test_fuzz.py runs this program, which must fork from a
process without threads, not from pytest. A case is a seed, a reader and a number: the same damage whenever it is run.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import isolate  # noqa: E402
import readers_database  # noqa: E402
import readers_measured  # noqa: E402
import readers_models  # noqa: E402
import readers_raw  # noqa: E402
import readers_structures  # noqa: E402
import readers_texts  # noqa: E402

ALL = (
    *readers_raw.READERS,
    *readers_database.READERS,
    *readers_models.READERS,
    *readers_texts.READERS,
    *readers_measured.READERS,
    *readers_structures.READERS,
)
TITLES = {
    isolate.REFUSED: "refused",
    isolate.RIGHT: "right numbers",
    isolate.OTHER: "another valid file",
    **{name: name for name in isolate.FAILURES},
}
DOCS = HERE.parents[1] / "docs" / "robustness.md"


def prepared(names, root: Path) -> dict:
    """Name -> reader, ready."""
    import torch  # noqa: F401 forked processes have it

    found = {}
    for kind in ALL:
        if not names or kind.name in names:
            found[kind.name] = kind()
            (root / kind.name.replace(" ", "-")).mkdir()
            found[kind.name].prepare(root / kind.name.replace(" ", "-"))
    return found


def shared(found: dict, count: int) -> list:
    """(name, number) of `count` cases, by the shares of the readers; each has three at least."""
    total = sum(reader.share for reader in found.values())
    return [(name, k) for name, reader in found.items() for k in range(max(3, round(count * reader.share / total)))]


def table(results) -> list[str]:
    """Lines of a Markdown table: readers against outcomes."""
    counts = {kind: Counter(r.outcome for r in results if r.reader == kind.name) for kind in ALL}
    counts = {kind: count for kind, count in counts.items() if count}
    lines = [f"| reader | cases | {' | '.join(TITLES.values())} |", f"|---|{'---:|' * (len(TITLES) + 1)}"]
    for kind, count in counts.items():
        lines.append(f"| {kind.title} | {count.total()} | {' | '.join(str(count[name]) for name in TITLES)} |")
    total = sum(counts.values(), Counter())
    return [*lines, f"| **all** | {total.total()} | {' | '.join(f'**{total[name]}**' for name in TITLES)} |"]


def report(results, seed: int, seconds: float) -> str:
    """docs/robustness.md."""
    import h5py
    import numpy
    import torch

    from elnes_lab.version import VERSION

    return f"""# Damaged files

Written by `make fuzz`: {len(results):,} damaged files for all readers, each read in a process of its own that may ask
for 1 GB and take 20 seconds; seed {seed}, {seconds / 60:.0f} minutes. ELNES Lab {VERSION},
Python {sys.version.split()[0]}, NumPy {numpy.__version__}, HDF5 {h5py.version.hdf5_version}, torch {torch.__version__}.

{chr(10).join(table(results))}

**What was done.** Bytes: flipped bits, cut, zeroed, doubled, swapped, removed or random blocks. Values: another type,
shape, header or number in an array of an .npz, with the checksums of the zip right; a value of a JSON text missing,
doubled, swapped, of another type, absurd, nested 400 deep; models and databases with their own checksums made right
again, as someone would who means harm. Declared sizes of 2^40 and more, zip bombs, 300,000 members. A folder, a pipe, a
link to itself, a sparse file of 1 TB in the place of a file. Values that cannot be (multiplicity 0, negative PDOS, half
of the electrons). Filters made by a grammar and spoilt, and such as try to run a program.

**What the columns mean.** Refused: with a sentence, or as a rejected row with its reason while all other rows were
built. Right numbers: what was read is what the undamaged file says, bit by bit. Another valid file: the damage is
another value that a file may have (a seed of 7 in a card that is sealed again, another filter); readers cannot know.
Traceback: any other exception, or a message that is no sentence. Memory: more than {isolate.GROWTH >> 20} MB. Wrong:
other numbers than the undamaged file's, a row lost without a reason, or what cannot be taken for real.
"""


def one(reader, number: int, seed: int) -> int:
    """A single case in this process, with its traceback."""
    folder = Path(tempfile.mkdtemp(prefix="elnes-fuzz-"))
    damage, kind = reader.damage(isolate.random_of(reader, number, seed), folder)
    print(f"{reader.name} {number}: {damage} ({kind})\n{folder}")
    isolate.limit()
    print(*reader.judge(reader.read(folder), kind))
    return 0


def main() -> int:
    about = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    about.add_argument("--cases", type=int, default=1500)
    about.add_argument("--seed", type=int, default=0)
    about.add_argument("--jobs", type=int, default=2)
    about.add_argument("--reader", action="append", choices=[kind.name for kind in ALL])
    about.add_argument("--case", type=int)
    about.add_argument("--docs", action="store_true")
    about.add_argument("--json", type=Path, help="file for the results")
    options = about.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    root, begin = Path(tempfile.mkdtemp(prefix="elnes-fuzz-")), time.monotonic()
    try:
        found = prepared(options.reader, root)
        if options.case is not None:
            return one(found[options.reader[0]], options.case, options.seed)
        show = lambda done, total: print(f"\r{done} of {total}", end="", flush=True) if sys.stderr.isatty() else None
        results = isolate.run(found, shared(found, options.cases), options.seed, jobs=options.jobs, report=show)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    failed = [result for result in results if result.outcome in (*isolate.FAILURES, "harness")]
    for result in failed:
        print(f"{result.reader} --case {result.number}: {result.outcome}: {result.damage}\n    {result.detail}")
    print("\n".join(table(results)) + f"\n{time.monotonic() - begin:.0f} s, seed {options.seed}")
    if options.json:
        options.json.write_text(json.dumps([result._asdict() for result in results], indent=1))
    if options.docs and not options.reader:
        DOCS.write_text(report(results, options.seed, time.monotonic() - begin))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
