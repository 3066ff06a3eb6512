"""The commands that write what the database itself says: card, physics."""

from .arguments import path


def add_commands(commands, with_database) -> None:
    """Adds the subcommands to an argparse subparsers object; with_database adds the options that choose the database."""
    card = commands.add_parser("card", help="the data card: provenance, counts, distributions, limits, what is missing")
    card.set_defaults(run=run_card)
    physics = commands.add_parser("physics", help="review of the spectra: polymorphs, gap and exciton, glass, sum rule")
    physics.set_defaults(run=run_physics)
    for command in (card, physics):
        command.add_argument(
            "path", type=path, nargs="?", metavar="FILE", help="Markdown file to write (default: standard output)"
        )
        command.add_argument("--json", action="store_true", help="the numbers, for programs, on standard output")
        command.add_argument(
            "--overwrite", action="store_true", help="replace an existing file that this command did not write"
        )
        with_database(command)


def run_card(options) -> None:
    from ..reports import card

    write(options, card.numbers, card.markdown, card.TITLE)


def run_physics(options) -> None:
    from ..reports import physics, physics_text

    write(options, physics.numbers, physics_text.markdown, physics_text.TITLE)


def write(options, numbers, markdown, title: str) -> None:
    """The report to the file or to standard output. A file that does not begin with the title is another's and is kept."""
    import json

    from ..database import open_database
    from ..io.export import exists, write_whole
    from ..io.places import file_place

    if options.path and file_place(options.path).exists() and not options.overwrite:
        with open(options.path, "rb") as file:
            if not file.read(len(title) + 1).startswith(title.encode()):
                raise exists(options.path)
    with open_database(options.database, verify=not options.no_verify) as db:
        found = numbers(db)
    if options.path:
        write_whole(options.path, markdown(found).encode())
    if options.json:
        print(json.dumps(json.loads(json.dumps(found), parse_constant=lambda _: None), indent=1))  # NaN is no JSON
    elif options.path:
        print(f"Written: {options.path}")
    else:
        print(markdown(found), end="")
