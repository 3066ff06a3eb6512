"""What `elnes-lab compute` does with --quality, --setting and --recompute."""

import functools
import sys

from ..errors import DataError, unknown


def settings_of(quality: str, changes: list[str]):
    """The Settings of --quality and --setting. DataError for what is none."""
    from ..sources.qe.recompute import check_hole
    from ..sources.qe.settings import FIRST, QUALITIES, changed, value_of

    if quality not in QUALITIES:
        raise unknown(quality, QUALITIES, "quality")
    values = dict(QUALITIES[quality])
    for word in changes:
        name, _, text = word.partition("=")
        try:
            values[name] = value_of(name, text)
        except DataError:  # which is a ValueError, too
            raise
        except ValueError:
            raise DataError(f"{word!r} is not NAME=VALUE with a number. Write for example image_distance=10.") from None
    settings = changed(FIRST, **values)
    check_hole(settings)
    return settings


def again(options, structures, stored, settings, report):
    """The Queue of --recompute, and a function that replaces what is complete without computing anything."""
    from ..sources.qe.queue import Queue
    from ..sources.qe.recompute import Recomputation, chosen_jobs, replace_complete, reporting

    if options.only or options.sites:
        raise DataError(
            "--recompute names its structures itself, and takes all spectra of each, as they share a supercell. Leave out "
            "--only and --sites."
        )
    jobs, folder = chosen_jobs(options.recompute, structures, stored), Recomputation(stored, settings)
    queue = Queue(jobs, folder, settings)

    def told(sid: str, names: list[str], problem: str) -> None:
        if problem:
            queue.failures[sid, "replacement"] = problem
            print(f"FAILED. {problem}", file=sys.stderr, flush=True)
            return
        aside = stored.private / "replaced" / sid
        kept = f"; what was there before is in {aside}" if aside.exists() else ""
        print(f"{sid}: {', '.join(names)} replaced in {stored.output}{kept}", flush=True)

    queue.report = reporting(folder, jobs, report, told)
    return queue, functools.partial(replace_complete, folder, jobs, told)


def check_supercells(queue) -> None:
    """DataError if spectra would be computed in another supercell than the stored ground state's: they could not be rows."""
    from ..sources.qe.cells import same_supercell, supercell
    from ..sources.qe.settings import described
    from ..sources.quantum_espresso import read_ground

    size = lambda text: [word for word in text.split() if word.startswith(("image_distance=", "max_atoms="))]
    wanted, settings = described(queue.settings, "ground"), queue.settings
    for job in queue.jobs:
        path = queue.folder.find(job.structure.sid, "ground")
        if path is None or not any(queue.is_open(job, name) for name in job.names):
            continue
        try:
            ground = read_ground(path)
        except DataError:  # the build says what is wrong with it
            continue
        if size(ground.settings) == size(wanted):
            continue
        cell = job.structure.cell, len(job.structure.symbols)
        matrix, _ = supercell(*cell, settings.image_distance, settings.max_atoms)
        if not same_supercell(matrix, ground.supercell):
            raise DataError(
                f"The ground state of {job.structure.sid} was computed with another supercell (settings: "
                f"{ground.settings}), and spectra must have the same. Use those settings, or compute the structure again: "
                f"--recompute {job.structure.sid}."
            )
