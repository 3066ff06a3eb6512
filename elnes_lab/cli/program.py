"""The command line: elnes-lab build | info | export | serve, and the commands of data, learning and compute."""

import argparse
import contextlib
import json
import os
import sys

from ..errors import DataError
from ..store import data_directory
from ..version import VERSION
from . import compute, convergence, data, measured, potential, reports, site, sources
from .arguments import Misuse, Parser, address, hostname, number, path, whole, words
from .learning import add_commands

STOPPED = 130  # exit status after Ctrl-C, as shells have it


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, or 2 with one sentence on standard error for input that cannot be
    used, or 130 if it was stopped by hand.
    """
    for stream in (sys.stdout, sys.stderr):  # a file name may hold bytes that are no text
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")
    command = "elnes-lab"
    try:
        options = parser().parse_args(arguments)
        command += f" {options.command}"
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except Misuse as problem:
        return say(str(problem))
    except DataError as problem:
        return say(f"{command}: {problem}")
    except KeyboardInterrupt:
        say(f"{command}: stopped; what was not finished is not written.")
        return STOPPED
    except BrokenPipeError:  # `elnes-lab info | head`
        quiet()
        return 0
    except OSError as problem:
        quiet()
        where = f"{problem.filename}: " if problem.filename else ""
        return say(
            f"{command}: {where}{problem.strerror or problem}. Name a file or folder that is there, "
            "that you may use, and that has room."
        )
    except MemoryError:
        return say(f"{command}: this machine has not enough memory. Take fewer spectra or a smaller network.")


def say(sentence: str) -> int:
    """Prints one line to standard error; the exit status for input that cannot be used."""
    print(" ".join(sentence.split()), file=sys.stderr)
    return 2


def quiet() -> None:
    """What standard output still holds and cannot take goes nowhere, lest the interpreter complain at its end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="elnes-lab", description="O K-edge ELNES of silicon oxides: database and dashboard.")
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(dest="command", required=True)

    build = commands.add_parser("build", help="make the database from the computed files")
    build.add_argument(
        "--raw", type=path, help="folder with <structure>/ground.npz and O<i>.npz (default: raw/ in the data folder)"
    )
    build.add_argument("--output", type=path, help="folder that gets the database (default: the data folder)")
    build.add_argument("--json", action="store_true", help="report as JSON")
    build.set_defaults(run=run_build)

    info = commands.add_parser("info", help="what the database holds, what was rejected and what is missing")
    info.add_argument("--json", action="store_true", help="for programs")
    with_database(info)
    info.set_defaults(run=run_info)

    export = commands.add_parser("export", help="spectra or structures to a file of another format")
    export.add_argument(
        "path",
        type=path,
        help="file to write; its suffix gives the format (.csv .json .hspy .msa "
        ".cif .extxyz); several .msa or .cif go to .msa.zip, .cif.zip or a folder",
    )
    export.add_argument("--format", help="format, if the suffix does not tell")
    export.add_argument(
        "--where",
        type=words,
        metavar="FILTER",
        help="rows to take, e.g. \"kind == 'crystal' and band_gap > 5\" (default: all)",
    )
    export.add_argument(
        "--site",
        action="append",
        type=words,
        metavar="LABEL",
        help="a site by its label, e.g. quartz-alpha/O3; may be repeated",
    )
    export.add_argument("--zero", default="vbm", help="zero of energy: vbm, onset or loss (experimental energy loss)")
    export.add_argument("--polarization", default="isotropic", help="isotropic, x, y, z or all")
    export.add_argument("--fwhm", type=number(0, 100), default=0.0, help="extra Gaussian broadening, eV")
    export.add_argument(
        "--lorentzian", type=number(0, 100), default=0.0, help="extra Lorentzian broadening, FWHM in eV"
    )
    export.add_argument(
        "--lifetime", action="store_true", help="broadening that grows by 0.1 eV per eV above the edge, too"
    )
    export.add_argument(
        "--normalized", action="store_true", help="in units of the mean of the isotropic spectrum, not in bohr^2/eV"
    )
    export.add_argument(
        "--average",
        action="store_true",
        help="the averages of the structures over all of their sites, as a broad beam sees them, not the sites",
    )
    export.add_argument(
        "--pdos",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the ground-state O p PDOS too (csv: off, json: on)",
    )
    export.add_argument("--overwrite", action="store_true", help="replace an existing file")
    with_database(export)
    export.set_defaults(run=run_export)

    serve = commands.add_parser("serve", help="the dashboard in the browser, by Voila")
    serve.add_argument("--port", type=whole(1, 65535), default=8866)
    serve.add_argument(
        "--ip", type=words, default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serve.add_argument(
        "--preheated",
        type=whole(0, 1000),
        default=1,
        help="pages kept ready for the next visitors, 100 MB each (default: 1)",
    )
    serve.add_argument(
        "--viewers",
        type=whole(0, 10_000),
        default=0,
        help="most pages open at once, the ready ones included (default: no limit)",
    )
    serve.add_argument(
        "--base-url", type=address, default="/", help="path below which a reverse proxy shows it (default: /)"
    )
    serve.add_argument(
        "--memory",
        type=number(0, 1e9),
        default=2000,
        metavar="MB",
        help="most memory of its own that a page may use, 0: no limit; Linux (default: 2000)",
    )
    serve.add_argument(
        "--hostname",
        action="append",
        type=hostname,
        default=[],
        metavar="NAME",
        help="name to answer to besides localhost, behind a proxy; may be given again",
    )
    serve.add_argument(
        "--calculations",
        type=whole(0, 1000),
        default=0,
        metavar="N",
        help="full first-principles calculations of structures that visitors bring, N at once, one core each, at the lowest "
        "priority; needs an engine (default: 0, none)",
    )
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser")
    serve.set_defaults(run=run_serve)
    add_commands(commands, with_database)
    measured.add_commands(commands, with_database)
    reports.add_commands(commands, with_database)
    site.add_commands(commands, with_database)
    compute.add_commands(commands)
    convergence.add_commands(commands)
    data.add_commands(commands)
    sources.add_commands(commands)
    potential.add_commands(commands)
    return top


def with_database(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--database", type=path, help="database file or its folder (default: the one in the data folder)"
    )
    command.add_argument("--no-verify", action="store_true", help="open it even if its sha256 is not the recorded one")


def open_chosen(options):
    from ..database import open_database

    return open_database(options.database, verify=not options.no_verify)


def run_build(options) -> None:
    from ..build import build
    from ..io.places import folder_place

    folder = data_directory()
    info = build(options.raw or folder / "raw", folder_place(options.output or folder))
    print(json.dumps(info, indent=1) if options.json else describe(info))


def run_info(options) -> None:
    with open_chosen(options) as db:
        info = db.info()
    print(json.dumps(info, indent=1) if options.json else describe(info))


def describe(info: dict) -> str:
    """The counts of `Database.info` in a few lines."""
    counts = lambda group: ", ".join(f"{n} {name or 'of other programs'}" for name, n in info[group].items())
    waiting, named = by_structure(info["missing"])
    odd = by_structure([row["site"] for row in info["remarks"]])[1]
    missed = {name: value for name, value in info["electron_error"].items() if abs(value) >= 0.05}
    worst = sorted(missed.items(), key=lambda item: -abs(item[1]))
    listed = ", ".join(f"{name} ({value:+.1%})" for name, value in worst[:8]) + (", ..." if len(worst) > 8 else "")
    lines = [
        f"{info['path']}, data version {info['version']}",
        f"what        {info['subject']}",
        f"spectra     {info['spectra']} of {info['planned']} planned, from {info['structures']} structures",
        f"kind        {counts('kind')}",
        f"source      {counts('source')}",
        f"settings    {counts('settings')}",
        "missing     "
        + (
            f"{len(info['missing'])} sites in {len(waiting)} structures are not computed yet: {named}"
            if waiting
            else "nothing: every planned site is a row or rejected"
        ),
        "electrons   "
        + (
            f"{len(missed)} structures have a DOS that misses their electron count by 5 % or more, in flat valence bands: {listed}"
            if missed
            else "no DOS is known to miss its structure's electrons by 5 % or more"
        ),
        f"rejected    {len(info['rejected'])}",
        *(f"            {row['site']}: {row['reason']}" for row in info["rejected"]),
        f"remarks     {len(info['remarks'])} sites may stand apart; why is in the column remark"
        + (f": {odd}" if odd else ""),
    ]
    return "\n".join(lines)


def by_structure(sites: list[str]) -> tuple[dict[str, int], str]:
    """Number of sites of each structure, and the first eight in words."""
    counts: dict[str, int] = {}
    for label in sites:
        counts[label.split("/")[0]] = counts.get(label.split("/")[0], 0) + 1
    return counts, ", ".join(f"{name} ({n})" for name, n in list(counts.items())[:8]) + (
        ", ..." if len(counts) > 8 else ""
    )


def run_export(options) -> None:
    from ..io.export import export
    from ..spectra import LIFETIME_SLOPE, Broadening

    broadening = Broadening(options.fwhm, options.lorentzian, LIFETIME_SLOPE if options.lifetime else 0.0)
    with open_chosen(options) as db:
        rows = db[list(dict.fromkeys(options.site))] if options.site else db
        rows = rows.query(options.where) if options.where else rows
        written = export(
            rows,
            options.path,
            format=options.format,
            zero=options.zero,
            fwhm=broadening,
            polarization=options.polarization,
            pdos=options.pdos,
            normalized=options.normalized,
            average=options.average,
            overwrite=options.overwrite,
        )
        count = len(rows.structures) if options.average else len(rows)
    print(f"{count} {'averages' if options.average else 'spectra'} written to {written or options.path}")


def run_serve(options) -> None:
    from ..dashboard.serving.start import serve

    serve(
        port=options.port,
        ip=options.ip,
        preheated=options.preheated,
        viewers=options.viewers,
        memory=options.memory,
        base_url=options.base_url,
        open_browser=not options.no_browser,
        hostnames=tuple(options.hostname),
        calculations=options.calculations,
    )


if __name__ == "__main__":
    sys.exit(main())
