"""The commands of the universal potential: amorphous; and how a relaxation is told on a terminal."""

import sys
import threading
import time
from pathlib import Path

from ..errors import DataError
from .arguments import LARGEST_SEED, number, path, whole

OUTPUT = "amorphous"
EVERY = 30.0  # s between two lines where there is no terminal that a line could replace itself on


def add_commands(commands) -> None:
    """Adds the subcommand to an argparse subparsers object."""
    amorphous = commands.add_parser(
        "amorphous",
        help="models of silica glass by melting and quenching with the universal potential, checked",
        description="Start it again at any time: what is finished is not made twice, and an interrupted model goes on. Models "
        "that pass every check are listed in OUTPUT/structures.extxyz, for `elnes-lab compute`; why others did not is in "
        "OUTPUT/quality.json.",
    )
    amorphous.add_argument(
        "--atoms", type=whole(12, 498), default=72, metavar="N", help="atoms of a model, a multiple of 3 (default: 72)"
    )
    amorphous.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=1, help="of the first model; one seed, one model (default: 1)"
    )
    amorphous.add_argument(
        "--models", type=whole(1, 1000), default=1, metavar="N", help="models to make, of this and the next seeds"
    )
    amorphous.add_argument(
        "--output", type=path, default=Path(OUTPUT), metavar="FOLDER", help=f"folder for the models (default: {OUTPUT})"
    )
    amorphous.add_argument(
        "--density",
        type=number(1.5, 3.5),
        metavar="D",
        help="g/cm3 while it is hot (default: 2.2); it is relaxed at last",
    )
    amorphous.add_argument("--hot", type=number(2500, 8000), metavar="K", help="of the melt (default: 4500)")
    amorphous.add_argument("--melt", type=number(0.02, 1000), metavar="PS", help="time in the melt (default: 2)")
    amorphous.add_argument(
        "--quench", type=number(0.02, 10_000), metavar="PS", help="time from there to 300 K (default: 10)"
    )
    amorphous.add_argument(
        "--check",
        type=path,
        metavar="FILE",
        help="make nothing: check the structures of this file as models of silica glass",
    )
    amorphous.set_defaults(run=run_amorphous)


def run_amorphous(options) -> int:
    if options.check:
        return run_check(options.check)
    from ..io.places import folder_place
    from ..sources.potential.models import LIST, QUALITY, make_models
    from ..sources.potential.quench import Schedule

    if options.atoms % 3:
        raise DataError(f"{options.atoms} atoms are no SiO2. Give a multiple of 3.")
    folder = folder_place(options.output)
    chosen = {name: getattr(options, name) for name in ("density", "hot", "melt", "quench")}
    schedule = Schedule(**{name: value for name, value in chosen.items() if value is not None})
    stop, seeds = threading.Event(), range(options.seed, options.seed + options.models)
    told = Line()
    try:
        made = make_models(
            folder, options.atoms, seeds, schedule, report=lambda sid, what: tell(told, sid, what), stop=stop
        )
    except KeyboardInterrupt:
        told.end()
        print("Stopped. The same command goes on from the last 100 steps.", file=sys.stderr)
        return 130
    told.end()
    good = [model for model in made if model.passed]
    for model in made:
        if not model.passed:
            print(f"{model.sid} is not in the list: {' '.join(model.reasons)}", file=sys.stderr)
    print(f"{len(good)} of {len(made)} models passed every check; all numbers are in {folder / QUALITY}.")
    if len(made) < options.models:
        print(f"{options.models - len(made)} more are being made by another process.")
    if good:
        print(f"Next: elnes-lab compute {folder / LIST} --dry-run")
    return 0 if len(good) == len(made) else 1


def tell(told: "Line", sid: str, what) -> None:
    """One line about where a model is, from what `models.make_models` reports."""
    if hasattr(what, "record"):
        told.write(
            f"{sid}: {'passed every check' if what.passed else 'failed'}, {what.record.get('seconds', 0):.0f} s",
            last=True,
        )
    elif hasattr(what, "stage"):
        left = f", about {span(what.left)} left" if what.left == what.left else ""
        told.write(f"{sid}: {what.stage}, step {what.step:,} of {what.steps:,}, {what.temperature:.0f} K{left}")
    else:
        told.write(f"{sid}: relaxing, {what}")


def run_check(file: Path) -> int:
    """Prints the checks of every structure of a file; 1 if one fails."""
    from ..sources.potential.quality import check_glass
    from ..sources.qe.structures import frames

    if not file.is_file():
        raise DataError(f"There is no file {file}. Name a CIF, a POSCAR or an extended XYZ file.")
    one, bad = file.suffix.lower() not in (".xyz", ".extxyz"), 0
    for position, make in enumerate(frames(file, one)):
        atoms = make()
        checks = check_glass(atoms)
        failed = [check for check in checks if not check.passed]
        bad += bool(failed)
        print(
            f"{atoms.info.get('sid', file.stem if one else position)}: {len(checks) - len(failed)} of {len(checks)} checks passed"
        )
        for check in checks:
            print(f"  {'passed' if check.passed else 'FAILED'}  {check.sentence}")
    return 1 if bad else 0


def predicted(options):
    """What is predicted of the structure file of `elnes-lab predict`, relaxed before if that is asked for; what the relaxation
    changed goes to standard error."""
    from ..learning.from_structure import predict_structure

    if not options.relax:
        return predict_structure(options.model)
    told = Line()
    try:
        found = predict_structure(options.model, relax=True, report=lambda step: told.write(f"Relaxing: {step}"))
    finally:
        told.end()
    print(found.crystal.relaxed.sentence, file=sys.stderr)
    for name, before, after in found.crystal.relaxed.rows:
        print(f"  {name}: {before} -> {after}", file=sys.stderr)
    return found


class Line:
    """A line on standard error that replaces itself on a terminal; elsewhere one now and then."""

    def __init__(self) -> None:
        self.live, self.shown, self.open = sys.stderr.isatty(), 0.0, False

    def write(self, text: str, *, last: bool = False) -> None:
        now = time.monotonic()
        if self.live:
            print(f"\r\x1b[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
            self.open = not last
        elif last or now - self.shown >= EVERY:
            self.shown = now
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.open:
            print(file=sys.stderr)
            self.open = False


def span(seconds: float) -> str:
    """A time in words of a clock: 40 s, 12 min, 2 h 05 min."""
    minutes = round(seconds / 60)
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{minutes} min"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60:02d} min"
    )
