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
from .figures import CHANNELS_OF_OWN
from .figures import words as figure_words
from .pack import STEPS
from .predictions import Predictions

TITLES = ("Browse", "Inspect", "Core hole", "Predict")
PREDICT = "Your own ground-state PDOS in, the spectrum that networks expect out; nothing leaves the browser"
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
        "pages": [
            {"name": slug(title), "title": title, "help": (PAGES | {"Predict": PREDICT})[title]} for title in TITLES
        ],
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
        "predict": predict(),
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


def predict() -> dict:
    """Controls of Predict, and what it says."""
    first, second = CHANNELS_OF_OWN
    return {
        "channels": CHANNELS_OF_OWN,
        "zeros": [["valence-band maximum", "vbm"], ["conduction-band minimum", "cbm"]],
        "zero_help": "What the energies of the PDOS count from",
        "gap_help": "Of the ground state, computed with PBE, in eV: it puts the zero at the conduction-band minimum, and one of the networks takes it",
        "placeholder": f"energy  {first}  {second}\n-3.0  0.000  0.000\n-2.9  0.000  0.000\n...",
        "paste": f"Paste columns: energy in eV, {first} of the absorbing oxygen, {second} of its silicon neighbors (their mean), in states/eV/atom",
        "open": "A text file with these columns, such as Save writes; or drop it here",
        "example": "Take the PDOS of the site that was chosen last on the other pages",
        "save": "Save these inputs as a file that this page reads",
        "given": (
            f"Columns: energy (eV), {first} of the absorbing oxygen and the mean {second} of its silicon neighbors, in states/eV/atom with both "
            "spins, from a PBE ground state without a core hole. They are broadened by 1 eV here. Nothing is sent anywhere."
        ),
        "score": "Inputs as familiar as the structures of the training are to one another score below 1",
        "strange": (
            "Out of domain: these inputs are stranger than the strangest fifth of the training structures are to the others, and the "
            "intervals may not hold."
        ),
        "no_gap": "The network with the gap needs the band gap.",
        "known": "The networks were trained on this structure, or on another one of its net: its error is no test. Inspect has predictions out of fold.",
        "unseen": "The networks have not seen this net.",
        "interval": " Shaded: 90 % interval, calibrated on crystals that were held out.",
        "no_interval": " There are too few crystals to calibrate an interval on.",
        "said": (
            "Two networks, trained when these pages were made on {spectra} spectra of {structures} crystals.{interval} "
            "The ensembles of Inspect err less; they take the PDOS along x, y and z."
        ),
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
