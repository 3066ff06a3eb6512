"""Writes the folder: pages, style sheets and Plotly as they are, the data packed, and one JSON file that says what is where."""

import contextlib
import os
import shutil
import uuid
from html import escape
from pathlib import Path

from ..dashboard.browse.model import BrowseModel
from ..errors import DataError
from ..io.places import folder_place
from ..version import VERSION
from . import sites
from .figures import templates
from .networks import Networks, networks
from .pack import dumps
from .predictions import Predictions, predictions
from .words import words

STATIC = Path(__file__).with_name("static")
SHARED = Path(__file__).parents[1] / "dashboard" / "static"
# The dashboard's own, which need no kernel but for what static/widget.js answers.
SHARED_FILES = ("style.css", "inspect.css", "help.css", "page.js", "table.js", "image.js", "help.js", "keys.js")
MANIFEST = Path("data") / "site.json"
MADE_BY = "elnes-lab site"


def build_site(db, folder: Path | str, *, models: bool = True, overwrite: bool = False, report=None) -> dict:
    """Writes the pages over a Database into `folder`; what is in it: number of spectra, of predictions, bytes by file.

    models: with what the shipped models predict, and networks trained now for the page Predict; without, and where there are none, these
    pages say so. A folder that
    this made before is replaced, as a whole and at the end; overwrite: any other one as well. report: called with a line before
    each step. Raises DataError for an empty database and a folder that is another's or cannot be written.
    """
    folder, report = folder_place(folder), report or (lambda line: None)
    check_free(folder, overwrite)
    if not len(db):
        raise DataError("The database has no spectrum, so there is nothing to show. Build it with `elnes-lab build`.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.resolve().name}.{uuid.uuid4().hex[:8]}.part")
    try:
        (part / "data").mkdir(parents=True)
        (part / "app").mkdir()
        info = fill(db, part, models, report)
        replace(part, folder)
    except OSError as problem:
        raise DataError(
            f"{folder} cannot be written: {problem.strerror or problem}. Choose a place with room that you may write to."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return info | {"folder": str(folder), "files": sizes(folder)}


def fill(db, part: Path, models: bool, report) -> dict:
    """Everything, into an empty folder."""
    import plotly

    model = BrowseModel(db)
    report(f"Packing {len(db):,} spectra")
    packs = {"table": sites.table(db, model), "spectra": sites.spectra(db), "pdos": sites.pdos(db)}
    packs["structures"], lacking = sites.structures(db)
    if models:
        report("Predicting every site with the shipped models")
        found = predictions(db)
        report("Training the networks of the page Predict")
        nets = networks(db)
    else:
        found, nets = (kind(problem="The models were left out of this version.") for kind in (Predictions, Networks))
    packs |= {name: one.pack for name, one in (("predictions", found), ("networks", nets)) if one.pack}
    manifest = {
        "made_by": MADE_BY,
        "program": VERSION,
        "words": words(db, model, found),
        "axes": sites.axes(db),
        "templates": templates(found.titles, found.colors, found.channels),
        "models": {
            "names": found.models,
            "titles": found.titles,
            "colors": found.colors,
            "problem": found.problem,
            "networks_problem": nets.problem,
        },
        "structures_problem": lacking,
        "packs": {name: pack.write(part / "data" / f"{name}.pack") for name, pack in packs.items()},
    }
    (part / MANIFEST).write_bytes(dumps(manifest))
    for source in [*STATIC.glob("*.js"), *STATIC.glob("*.css"), *(SHARED / name for name in SHARED_FILES)]:
        shutil.copyfile(source, part / "app" / source.name)
    shutil.copyfile(Path(plotly.__file__).with_name("package_data") / "plotly.min.js", part / "app" / "plotly.min.js")
    about = escape(f"{manifest['words']['title']}: {manifest['words']['about']}")
    page = (STATIC / "index.html").read_text(encoding="utf-8").replace("{title}", about)
    (part / "index.html").write_text(page, encoding="utf-8")
    (part / ".nojekyll").touch()  # GitHub Pages serves the files as they are
    return {"spectra": len(db), "predicted": bool(found.pack), "problem": found.problem, "said": found.said}


def check_free(folder: Path, overwrite: bool) -> None:
    """DataError for a folder that has something in it that this did not make."""
    if overwrite or not folder.exists() or not any(folder.iterdir()):
        return
    made = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        made = (folder / MANIFEST).read_text(encoding="utf-8")[:200]
    if f'"made_by":"{MADE_BY}"' not in made:
        raise DataError(
            f"{folder} has something in it that `{MADE_BY}` did not make, and was left as it is. Choose another folder, or ask "
            "to overwrite it."
        )


def replace(part: Path, folder: Path) -> None:
    """Puts the new folder where the old one was, which is gone only when the new one is there."""
    old = None
    if folder.exists():
        old = part.with_name(f"{part.name}.old")
        os.replace(folder, old)
    try:
        os.replace(part, folder)
    except OSError:
        if old is not None:
            os.replace(old, folder)
        raise
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def sizes(folder: Path) -> dict:
    """Bytes of every file by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
