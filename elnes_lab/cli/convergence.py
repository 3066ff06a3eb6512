"""The command converge: what each setting of the calculation changes in one spectrum, and what it costs."""

import json
import sys
from pathlib import Path

from ..errors import DataError
from .arguments import path, words


def add_commands(commands) -> None:
    """Adds the subcommand to an argparse subparsers object."""
    converge = commands.add_parser(
        "converge",
        help="one spectrum with one setting after another changed: supercell, k points, cut-off, core hole",
        description="Start it again at any time: what is finished is not computed twice. Writes a table (.md, .json) and a figure (.html), named after the site.",
    )
    converge.add_argument("structures", type=path, help="CIF or POSCAR of one structure, or extended XYZ with many")
    converge.add_argument("--only", type=words, metavar="ID", help="the structure of the list, by its id")
    converge.add_argument(
        "--site", type=words, metavar="O3", help="the oxygen, by its index in the structure (default: the first)"
    )
    converge.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="a setting and what to try, e.g. image_distance=8.5,10,12 or hole=full,half,excited,none; may be "
        "repeated (default: supercell, k points, cut-off, Lanczos steps and hole)",
    )
    converge.add_argument(
        "--output",
        type=path,
        default=Path("convergence"),
        metavar="FOLDER",
        help="folder for the results (default: convergence)",
    )
    converge.add_argument("--dry-run", action="store_true", help="show what would be computed")
    converge.set_defaults(run=run_converge)


def wanted(words: list[str]) -> dict[str, tuple] | None:
    """Setting -> values to try; None for no words. DataError for what is no NAME=VALUE,VALUE."""
    from ..sources.qe.settings import value_of

    if not words:
        return None
    found = {}
    for word in words:
        name, _, values = word.partition("=")
        if name in found:
            raise DataError(f"{name} is given twice. Give all its values at once, as in image_distance=8.5,10.")
        try:
            found[name] = tuple(value_of(name, value) for value in values.split(","))
        except DataError:  # which is a ValueError, too
            raise
        except ValueError:
            raise DataError(
                f"{word!r} is not NAME=VALUE,VALUE with numbers. Write for example image_distance=8.5,10."
            ) from None
    return found


def run_converge(options) -> int:
    from ..sources.qe.convergence import Study, markdown, table, variations
    from ..sources.qe.plan import supercell_atoms
    from ..sources.qe.structures import read_structures
    from .compute import jobs

    structures, refused = read_structures(options.structures)
    for sid, reason in refused:
        print(f"Left out: {sid}: {reason}", file=sys.stderr)
    chosen = jobs(structures, [options.only] if options.only else None, None)
    if len(chosen) > 1:
        raise DataError(f"There are {len(chosen)} structures in {options.structures}. Choose one with --only ID.")
    job = jobs(structures, [options.only] if options.only else None, options.site)[0]
    study = Study(job.structure, job.sites[0], variations(wanted(options.vary)))
    title = f"{job.structure.sid}/O{study.site}"
    if options.dry_run:
        for name, value, settings in study.variants:
            print(f"{name}{'' if value is None else f' {value}'}: {supercell_atoms(job.structure, settings)} atoms")
        return 0
    from ..sources.qe.engine import find_engine

    print(find_engine(), flush=True)
    failed, variants = [], []

    def report(text):
        failed.append(text)
        print(f"FAILED: {text}", file=sys.stderr, flush=True)

    for variant in study.run(options.output, report):
        variants.append(variant)
        print(
            f"{title} {variant.label}: {variant.atoms} atoms, {variant.kpoints} k points, {variant.seconds:.0f} s",
            flush=True,
        )
    if not variants:
        raise DataError(
            f"No variant could be computed. The first failed with: {failed[0] if failed else 'nothing to do'}"
        )
    name = title.replace("/", "-")
    write(options.output, name, title, variants, markdown, table)
    print(f"\n{markdown(variants, title)}\nWritten to {options.output}: {name}.md, {name}.json, {name}.html")
    return 1 if failed else 0


def write(
    folder: Path,
    name: str,
    title: str,
    variants,
    markdown,
    table,
) -> None:
    """The three files of the result."""
    from ..figures.convergence import convergence_figure
    from ..io.export import write_whole

    stored = [v for v in variants if v.value is None]
    settings = dict.fromkeys(v.name for v in variants if v.value is not None)
    curve = lambda v: (v.label, v.energy, v.strength.mean(0))
    groups = [(one, [curve(v) for v in (*stored, *(v for v in variants if v.name == one))]) for one in settings]
    figure = convergence_figure(groups or [("as stored", [curve(v) for v in stored])], title=title)
    write_whole(folder / f"{name}.md", markdown(variants, title).encode())
    write_whole(folder / f"{name}.json", (json.dumps(table(variants), indent=1) + "\n").encode())
    write_whole(folder / f"{name}.html", figure.to_html(include_plotlyjs=True, full_html=True).encode())
