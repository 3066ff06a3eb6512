"""The commands that bring rows and structures of others: import, fetch."""
import sys
from pathlib import Path

from .arguments import number, path, words

IMPORTED = "imported"


def add_commands(commands) -> None:
    """Adds the subcommands to an argparse subparsers object."""
    group = commands.add_parser("import", help="rows from finished calculations of other programs")
    programs = group.add_subparsers(dest="program", required=True)
    castep = programs.add_parser(
        "castep",
        help="a database from a folder of finished CASTEP and OptaDOS calculations",
        description="Each folder in FOLDER is a structure; which calculation in it is which is read from the files. "
        "Writes the steps to OUTPUT/raw and builds the database in OUTPUT; rows that are there already are kept.",
    )
    castep.add_argument("folder", type=path, metavar="FOLDER", help="folder with a folder for each structure")
    castep.add_argument("--output", type=path, default=Path(IMPORTED), metavar="FOLDER",
                        help=f"folder for the database (default: {IMPORTED})")
    castep.add_argument("--source", type=words, default="user",
                        help="where the structures come from: mineral, prototype, framework, search, melt-quench (amorphous) "
                        "or user (default)")
    castep.add_argument("--top", type=number(20, 40), metavar="EV",
                        help="where the spectra end, above the highest occupied level (default: where the bands end, at most 40)")
    castep.set_defaults(run=run_castep)


def run_castep(options) -> int:
    from ..build import build
    from ..errors import DataError, unknown
    from ..io.places import folder_place
    from ..sources.castep.folder import import_folder
    from ..sources.quantum_espresso import SOURCES
    from .program import describe

    if options.source not in SOURCES:
        raise unknown(options.source, SOURCES, "source")
    output = folder_place(options.output)
    found = import_folder(options.folder, output / "raw", source=options.source, top=options.top)
    for what, reason in found.refused:
        print(f"Left out: {what}: {reason}", file=sys.stderr)
    for note in found.notes:
        print(f"Lacking: {note}", file=sys.stderr)
    if not found.steps:
        reason = f" The first reason: {found.refused[0][0]}: {found.refused[0][1]}" if found.refused else ""
        raise DataError(f"{options.folder} holds no calculation that makes a row.{reason}")
    structures = len({sid for sid, _ in found.steps})
    print(f"{len(found.steps) - structures} spectra of {structures} structures read, up to {found.top:g} eV; px, py and pz are not "
          "known from CASTEP and OptaDOS (undefined in the rows)")
    print(describe(build(output / "raw", output)))
    return 1 if found.refused else 0
