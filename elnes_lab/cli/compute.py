"""The commands that compute rows: compute, engine."""

import os
import sys
import time
from pathlib import Path

from ..errors import DataError
from .arguments import words

OUTPUT = "computed"
QUALITY = "original"


def add_commands(commands) -> None:
    """Adds the subcommands to an argparse subparsers object."""
    compute = commands.add_parser(
        "compute",
        help="compute ground states and core-hole spectra of structures, from first principles",
        description="Start it again at any time: what is finished is not computed twice.",
    )
    compute.add_argument("structures", type=Path, help="CIF or POSCAR of one structure, or extended XYZ with many")
    compute.add_argument(
        "--output",
        type=Path,
        default=Path(OUTPUT),
        metavar="FOLDER",
        help=f"folder for the results (default: {OUTPUT})",
    )
    compute.add_argument(
        "--have",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder whose results need not be computed again, e.g. data/raw; may be repeated",
    )
    compute.add_argument(
        "--only", action="append", metavar="ID", help="a structure of the list by its id; may be repeated"
    )
    compute.add_argument(
        "--sites",
        metavar="O3,O5",
        help="these oxygens only, by their index in the structure (default: all inequivalent ones)",
    )
    compute.add_argument(
        "--quality",
        type=words,
        default=QUALITY,
        metavar="NAME",
        help=f"how well: original (as the first rows), fast or fine (default: {QUALITY})",
    )
    compute.add_argument(
        "--setting",
        type=words,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting on top of that, e.g. image_distance=10; may be repeated",
    )
    compute.add_argument(
        "--recompute",
        type=words,
        action="append",
        default=[],
        metavar="ID,ID",
        help="compute these structures again and replace what is stored, once all of it has passed; "
        "old-ground-states: the ground states whose DOS misses the electrons by more than 2 %%",
    )
    compute.add_argument("--workers", type=int, help="processes on this machine (default: one per core; 0: this one)")
    compute.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask scheduler instead, e.g. tcp://10.0.0.5:8786"
    )
    compute.add_argument(
        "--nice",
        type=int,
        default=0,
        metavar="N",
        help="priority of the processes on this machine, 19 is the lowest (default: 0)",
    )
    compute.add_argument("--retry", action="store_true", help="try again what failed before")
    compute.add_argument("--dry-run", action="store_true", help="show what would be computed, and the estimated time")
    compute.add_argument(
        "--status", action="store_true", help="show what is finished, running, failed and waiting, and why"
    )
    compute.set_defaults(run=run_compute)

    engine = commands.add_parser("engine", help="which Quantum ESPRESSO is used; --install gets one")
    engine.add_argument(
        "--install",
        action="store_true",
        help="make an environment of its own with the package qepy, if there is no engine",
    )
    engine.set_defaults(run=run_engine)


def run_engine(options) -> None:
    from ..sources.qe.engine import fast_libraries, find_engine

    try:
        found = find_engine()
    except DataError:
        if not options.install:
            raise
        from ..sources.qe.engine_setup import install

        found = install()
    print(found)
    if found.kind == "qepy" and not fast_libraries():
        print("It is up to six times faster with Debian's libopenblas0-pthread and libfftw3-double3 on this machine.")


def run_compute(options) -> int:
    from ..sources.qe.folder import Folder
    from ..sources.qe.pools import workers
    from ..sources.qe.queue import Queue
    from ..sources.qe.structures import read_structures
    from .recomputing import again, check_supercells, settings_of

    settings = settings_of(options.quality, options.setting)
    structures, refused = read_structures(options.structures)
    stored = Folder(options.output, options.have)
    replace = lambda: None
    if options.recompute:
        queue, replace = again(options, structures, stored, settings, line)
        if not queue.jobs:
            print("No stored ground state has to be computed again: the DOS of each counts its electrons within 2 %.")
            return 0
    else:
        queue = Queue(jobs(structures, options.only, options.sites), stored, settings, report=line)
    if options.status:
        print(status(queue))
        return 0
    for sid, reason in refused:
        print(f"Left out: {sid}: {reason}", file=sys.stderr)
    if options.retry:
        for job in queue.jobs:
            for name in job.names:
                queue.folder.forget(job.structure.sid, name)
    if options.dry_run:
        print(plan(queue, options.workers))
        return 0
    if options.recompute:
        stored.prepare()
        queue.folder.prepare()
        replace()  # what a command that was killed had finished
    if not queue.open_steps():
        print(summary(queue, stored.output))
        return 1 if queue.failures else 0
    check_supercells(queue)
    queue.folder.prepare()
    if options.scheduler is None:
        from ..sources.qe.engine import find_engine

        print(find_engine(), flush=True)  # before any process is started: without one there is nothing to do
        lower_priority(options.nice)
    try:
        with workers(options.workers, options.scheduler) as pool:
            queue.parallel = max(1, pool.slots())
            queue.run(pool)
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept; the same command goes on from here.", file=sys.stderr)
        return 130
    print(summary(queue, stored.output))
    return 1 if queue.failures else 0


def lower_priority(by: int) -> None:
    """DataError where the system does not let this user have that priority."""
    try:
        os.nice(by)
    except (OSError, OverflowError, AttributeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise DataError(f"The priority cannot be changed by {by}: {reason}. Give 0 to 19.") from None


def jobs(structures, only: list[str] | None, sites: str | None) -> list:
    """The structures and sites that are asked for. DataError for one that is not there."""
    from ..sources.qe.queue import Job

    if only:
        unknown = [sid for sid in only if sid not in {s.sid for s in structures}]
        if unknown:
            raise DataError(
                f"There is no structure {unknown[0]} that can be computed in the list. The first is "
                f"{structures[0].sid}."
            )
        structures = [s for s in structures if s.sid in only]
    if not sites:
        return [Job(s, [i for i, _ in s.oxygens], s.oxygens[0][0]) for s in structures]
    try:
        chosen = sorted({int(word.strip().removeprefix("O")) for word in sites.split(",")})
    except ValueError:
        raise DataError(f"'{sites}' is no list of oxygens. Write for example O3,O5.") from None
    if len(structures) > 1:
        raise DataError("--sites needs one structure. Choose it with --only.")
    there = [i for i, _ in structures[0].oxygens]
    wrong = [i for i in chosen if i not in there]
    if wrong:
        raise DataError(
            f"O{wrong[0]} is not among the inequivalent oxygens of {structures[0].sid}: "
            f"{', '.join(f'O{i}' for i in there)}."
        )
    return [Job(structures[0], chosen, chosen[0])]


def line(event) -> None:
    """One line for a finished step."""
    from ..sources.qe.plan import duration

    left = f", about {duration(event.left)} left" if event.left is not None and event.done < event.total else ""
    print(
        f"{time.strftime('%H:%M:%S')} {event.step}: "
        + (f"FAILED. {event.problem}" if event.problem else f"{event.seconds:.0f} s")
        + f" | {event.done} of {event.total} done{left}",
        flush=True,
    )


def plan(queue, number: int | None) -> str:
    """What would be computed: a line for each structure, then the sum."""
    from ..sources.qe.plan import duration, supercell_atoms

    lines, steps = [], queue.open_steps()
    for job in queue.jobs:
        names = [name for j, name in steps if j is job]
        if names:
            lines.append(
                f"{job.structure.sid}: {', '.join(names)}; {len(job.structure.symbols)} atoms, "
                f"{supercell_atoms(job.structure, queue.settings)} in the core-hole cell"
            )
    number = number or (1 if number == 0 else os.cpu_count() or 1)
    sites = sum(name != "ground" for _, name in steps)
    lines.append(
        f"{len(steps) - sites} ground states and {sites} spectra; about {duration(queue.cost())} of one core, "
        f"{duration(queue.cost() / number)} with {number} worker{'s' * (number > 1)} (idle cores; within a factor of "
        "two for most structures)"
    )
    return "\n".join(lines)


def status(queue) -> str:
    """Finished, running, failed and waiting steps; reasons of the failed ones."""
    done, total = queue.counts()
    running, failed, waiting = [], [], 0
    for job in queue.jobs:
        for name in job.names:
            sid = job.structure.sid
            if queue.folder.done(sid, name):
                continue
            holder, reason = queue.folder.holder(sid, name), queue.folder.reason(sid, name)
            if holder:
                running.append(
                    f"  {sid} {name}: on {holder.get('host')}, process {holder.get('pid')}, since {holder.get('since')}"
                )
            elif reason:
                failed.append(f"  {sid} {name}: {reason}")
            else:
                waiting += 1
    return "\n".join(
        [
            f"finished {done} of {total} ground states and spectra",
            f"running  {len(running)}",
            *running,
            f"failed   {len(failed)}",
            *failed,
            f"waiting  {waiting}",
        ]
    )


def summary(queue, output: Path) -> str:
    done, total = queue.counts()
    text = f"{done} of {total} ground states and spectra are done, in {output}."
    if queue.failures:
        text += f" {len(queue.failures)} failed now; `--status` says why, `--retry` tries again."
    return text
