"""What the pages say, as JSON: the words of the dashboard's pages that are here too, and those that only this version needs."""

from html import escape

from ..dashboard.browse.model import BROADEST, CHOICES, PROFILES, RANGE_STEPS, RANGES, BrowseModel
from ..dashboard.browse.words import (
    INSTRUMENT_HELP,
    INTENSITIES,
    OWN_WIDTH,
    PROFILE_HELP,
    TABLE,
    WIDTH_HELP,
    ZEROS,
)
from ..dashboard.common import drawing
from ..dashboard.common.links import slug
from ..dashboard.common.terms import TERMS, TOUR
from ..dashboard.common.words import INDEX, OWN_ZEROS, PAGES, footer, version
from ..dashboard.corehole.words import SHADED, meaning
from ..dashboard.inspect import words as inspect
from ..figures.style import DASHES, EXPORT_SIZES, OKABE_ITO
from ..spectra import INSTRUMENTS
from .figures import words as figure_words
from .pack import STEPS
from .predictions import Predictions

TITLES = ("Browse", "Inspect", "Core hole")
LEFT_OUT = ("lifetime",)  # of PROFILES: the browser's broadening knows one width for all energies
ABOUT = (
    "These pages are files: nothing is computed on a server. Training, new structures and measured spectra are in the program "
    "ELNES Lab."
)


def words(db, model: BrowseModel, found: Predictions) -> dict:
    """All texts of the pages over a database, and what they are called in an address."""
    return {
        "title": "ELNES Lab",
        "about": f"{db.subject.label} edge of {db.subject.material}",
        "edge": db.subject.label,
        "pages": [{"name": slug(title), "title": title, "help": PAGES[title]} for title in TITLES],
        "footer": f"{footer(db)} {escape(ABOUT)} {escape(exactness())}",
        "notes": version(db),
        "version": db.version,
        "planned": db.planned,
        "glossary": TERMS,
        "tour": tour(),
        "index": INDEX,
        "browse": browse(model),
        "inspect": {
            "band": inspect.BAND,
            "inputs": inspect.INPUTS,
            "plain": inspect.PLAIN,
            "zeros": OWN_ZEROS,
            "intensities": inspect.INTENSITIES,
            "said": found.said,
        },
        "corehole": {"shaded": SHADED, "meaning": meaning()},
        "scene": scene(),
        "figures": figure_words(),
        "colors": list(OKABE_ITO),
        "dashes": list(DASHES),
        "sizes": EXPORT_SIZES,
    }


def browse(model: BrowseModel) -> dict:
    """Controls and table of Browse."""
    return {
        "choices": CHOICES,
        "ranges": {
            name: {"label": label, "step": RANGE_STEPS[name], "unit": model.unit(name)}
            for name, label in RANGES.items()
        },
        "columns": [
            {
                "key": name,
                "label": label,
                "unit": model.unit(name),
                "digits": digits,
                "class": style,
                "help": f"{INDEX + '. ' if name == 'atom' else ''}{model.column_title(name)}: click to sort, again for the "
                "other direction",
            }
            for name, label, digits, style in TABLE
        ],
        "zeros": ZEROS,
        "intensities": INTENSITIES,
        "instruments": [[f"{name}, {width:g} eV", width] for name, width in INSTRUMENTS.items()],
        "own_width": OWN_WIDTH,
        "instrument_help": INSTRUMENT_HELP,
        "width_help": WIDTH_HELP,
        "profiles": [[text, value] for text, value in PROFILES.items() if value not in LEFT_OUT],
        "profile_help": PROFILE_HELP.partition(" Lifetime:")[0],
        "broadest": BROADEST,
        "channels": list(model.db.channels),
    }


def scene() -> dict:
    """Colours, sizes and words of the 3-D view."""
    return {
        "species": {name: {"color": color, "radius": radius} for name, (_, color, radius) in drawing.SPECIES.items()},
        "polarization": list(drawing.POLARIZATION),
        "cell": drawing.CELL,
        "reach": drawing.REACH,
        "help": drawing.AXES,
        "no_webgl": drawing.NO_WEBGL,
    }


def tour() -> list[dict]:
    """The steps of the dashboard's tour about what is here."""
    steps = []
    for where, text in TOUR:
        if where.startswith(".elnes-nav"):
            page = next((place for place, title in enumerate(TITLES, 1) if text.startswith(f"{title} ")), None)
            if page is None:
                continue
            where = f".elnes-nav button:nth-of-type({page})"
        steps.append({"where": where, "text": text})
    return steps


def exactness() -> str:
    """How near the curves are to those of the database."""
    return (
        f"Curves are kept in {2 * STEPS:,} steps: no point is off by more than {1e6 / (2 * STEPS):.0f} millionths of the "
        "highest of its curve."
    )
