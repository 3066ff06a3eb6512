"""The commands that bring rows and structures of others: import, fetch."""

import sys
from pathlib import Path

from .arguments import number, path, whole, words

IMPORTED = "imported"
FETCHED = "materials-project"


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
    castep.add_argument(
        "--output",
        type=path,
        default=Path(IMPORTED),
        metavar="FOLDER",
        help=f"folder for the database (default: {IMPORTED})",
    )
    castep.add_argument(
        "--source",
        type=words,
        default="user",
        help="where the structures come from: mineral, prototype, framework, search, melt-quench (amorphous) "
        "or user (default)",
    )
    castep.add_argument(
        "--top",
        type=number(20, 40),
        metavar="EV",
        help="where the spectra end, above the highest occupied level (default: where the bands end, at most 40)",
    )
    castep.set_defaults(run=run_castep)

    group = commands.add_parser("fetch", help="structures of other databases, for the queue")
    servers = group.add_subparsers(dest="server", required=True)
    project = servers.add_parser(
        "materials-project",
        help="silicon oxides of the Materials Project, with a key of your own",
        description="Start it again at any time: what is there is not fetched twice. The structures go to "
        "OUTPUT/structures.extxyz, a list for `elnes-lab compute`; densities of states (VASP) and O K-edge spectra "
        "(FEFF) beside them, never into the database.",
    )
    project.add_argument(
        "--output", type=path, default=Path(FETCHED), metavar="FOLDER", help=f"folder (default: {FETCHED})"
    )
    project.add_argument(
        "--key", type=words, help="key of the Materials Project (default: the environment variable MP_API_KEY)"
    )
    project.add_argument(
        "--hull",
        type=number(0, 10),
        default=0.1,
        metavar="EV",
        help="most energy above the convex hull, eV/atom (default: 0.1)",
    )
    project.add_argument(
        "--atoms", type=whole(3, 1000), default=100, metavar="N", help="most atoms in a cell (default: 100)"
    )
    project.add_argument(
        "--only", action="append", type=words, metavar="ID", help="a material by its id, mp-6930; may be repeated"
    )
    project.add_argument("--no-dos", action="store_true", help="leave out the densities of states")
    project.add_argument("--no-xas", action="store_true", help="leave out the spectra")
    project.add_argument(
        "--timeout", type=number(1, 600), default=30.0, metavar="S", help="for one request (default: 30)"
    )
    project.add_argument(
        "--endpoint", type=words, metavar="URL", help="address of the server (default: the public one)"
    )
    project.set_defaults(run=run_materials_project)


def run_castep(options) -> int:
    from ..build import build, check_steps
    from ..errors import DataError, unknown
    from ..io.places import folder_place
    from ..sources.castep.folder import import_folder
    from ..sources.quantum_espresso import SOURCES
    from .program import describe

    if options.source not in SOURCES:
        raise unknown(options.source, SOURCES, "source")
    output = folder_place(options.output)
    check_steps(output)
    found = import_folder(options.folder, output / "raw", source=options.source, top=options.top)
    for what, reason in found.refused:
        print(f"Left out: {what}: {reason}", file=sys.stderr)
    for note in found.notes:
        print(f"Lacking: {note}", file=sys.stderr)
    if not found.steps:
        reason = f" The first reason: {found.refused[0][0]}: {found.refused[0][1]}" if found.refused else ""
        raise DataError(f"{options.folder} holds no calculation that makes a row.{reason}")
    structures = len({sid for sid, _ in found.steps})
    print(
        f"{len(found.steps) - structures} spectra of {structures} structures read, up to {found.top:g} eV; px, py and "
        "pz are not known from CASTEP and OptaDOS (undefined in the rows)"
    )
    print(describe(build(output / "raw", output)))
    return 1 if found.refused else 0


def run_materials_project(options) -> int:
    from ..io.places import folder_place
    from ..sources.materials_project.client import open_client
    from ..sources.materials_project.fetch import LIST, fetch

    output = folder_place(options.output)
    client = open_client(options.key, endpoint=options.endpoint, timeout=options.timeout)
    found = fetch(
        client,
        output,
        hull=options.hull,
        atoms=options.atoms,
        only=options.only,
        dos=not options.no_dos,
        xas=not options.no_xas,
        report=lambda text: print(text, flush=True),
    )
    for what, reason in found.refused:
        print(f"Left out: {what}: {reason}", file=sys.stderr)
    print(
        f"{len(found.materials)} structures in {output / LIST}; {found.dos} densities of states (VASP), {found.xas} "
        f"spectra (FEFF) in {output / 'materials'}."
    )
    if found.materials:
        print(f"Next: elnes-lab compute {output / LIST} --dry-run")
    return 1 if found.refused else 0
