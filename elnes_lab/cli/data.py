"""The commands about the data themselves: where they are, and how they come to an installed package."""

import sys

from ..store import data_directory
from .arguments import words


def add_commands(commands) -> None:
    """Adds the subcommands to an argparse subparsers object."""
    data = commands.add_parser("data", help="where the data are, and how an installed package gets them")
    below = data.add_subparsers(dest="what", required=True)
    fetch = below.add_parser("fetch", help="check data and put them where the package looks for them")
    fetch.add_argument(
        "source",
        type=words,
        metavar="FILE|URL",
        help="the database file (.nc), or a zip of the folder data or of the whole project, with its models",
    )
    fetch.add_argument("--sha256", type=words, metavar="HEX", help="digest that the file must have")
    fetch.add_argument("--overwrite", action="store_true", help="replace another database that is there")
    fetch.set_defaults(run=run_fetch)
    where = below.add_parser("where", help="the folder of the data; $ELNES_LAB_DATA names another one")
    where.set_defaults(run=lambda options: print(data_directory()))


def run_fetch(options) -> None:
    from ..io.fetch import fetch

    folder = data_directory()
    written = fetch(
        options.source,
        folder,
        sha256=options.sha256,
        overwrite=options.overwrite,
        report=progress if sys.stderr.isatty() else None,
    )
    models = sum(path.name == "card.json" for path in written)
    print(f"{folder} has the database{f' and {models} models' if models else ''}; their checksums are in SHA256SUMS.")


def progress(done: int, total: int | None) -> None:
    text = f"\r{done >> 20} of {total >> 20} MB" if total else f"\r{done >> 20} MB"
    print(text, end="\n" if done == total else "", file=sys.stderr, flush=True)
