"""The command that writes the pages as files: site."""

import json
import sys

from .arguments import path


def add_commands(commands, with_database) -> None:
    """Adds the subcommand to an argparse subparsers object; with_database adds the options that choose the database."""
    site = commands.add_parser(
        "site", help="Browse, Inspect, Core hole and Predict as a folder of files for any web server"
    )
    site.add_argument(
        "folder", type=path, metavar="FOLDER", help="folder to write; one that this made before is replaced"
    )
    site.add_argument(
        "--no-models", dest="models", action="store_false", help="without what the shipped models predict"
    )
    site.add_argument("--overwrite", action="store_true", help="replace a folder that this did not make")
    site.add_argument("--json", action="store_true", help="what was written, for programs, on standard output")
    with_database(site)
    site.set_defaults(run=run_site)


def run_site(options) -> None:
    from ..database import open_database
    from ..site import build_site

    with open_database(options.database, verify=not options.no_verify) as db:
        info = build_site(
            db,
            options.folder,
            models=options.models,
            overwrite=options.overwrite,
            report=None if options.json else lambda line: print(f"{line} ...", file=sys.stderr),
        )
    print(json.dumps(info, indent=1) if options.json else described(info))


def described(info: dict) -> str:
    """What was written, in a few lines."""
    data = sum(size for name, size in info["files"].items() if name.startswith("data/"))
    plotly = info["files"].get("app/plotly.min.js", 0)
    rest = sum(info["files"].values()) - data - plotly
    lines = [
        f"{info['spectra']:,} spectra in {info['folder']}: data {data / 1e6:.1f} MB, Plotly {plotly / 1e6:.1f} MB, pages "
        f"{rest / 1e3:.0f} kB.",
        info["said"] if info["predicted"] else f"No predictions. {info['problem']}",
        f"Look at it: python3 -m http.server --directory {info['folder']}; docs/site.md says how to publish it.",
    ]
    return "\n".join(lines)
