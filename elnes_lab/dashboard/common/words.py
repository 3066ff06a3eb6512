"""Words and signs that several panels use."""

import re
from html import escape

from ...schema import IDEA, LICENCE

ALL = "all"
OWN = "own"  # the zero of energy that a page's own curves have, which is some edge
SEARCHED = ("name", "structure", "kind", "source", "space_group")
INDEX = "O3 is the oxygen of index 3 among the atoms of the structure, counted from 0, silicon included: so exported files have it"
UNITS = {"angstrom": "Å", "degree": "°", "angstrom^3": "Å³", "g/cm^3": "g/cm³", "1": ""}

# (text on the button, value, help) of a page without choices of its own
OWN_ZEROS = (
    ("edge", OWN, "Energies count from the edge of each spectrum"),
    ("energy loss", "loss", "Energies as a spectrometer shows them"),
)
MEAN = ("normalised", "mean", "In units of the mean, so that shapes can be compared")
PAGES = {  # of the dashboard, what each is for
    "Browse": "The spectra of the database: filter, overlay, export",
    "Train": "Train networks that predict the spectrum from the ground-state PDOS",
    "Inspect": "The error of every spectrum, predicted against computed",
    "Core hole": "What the core hole changes, and how much of it the networks have learnt",
    "New structure": "A structure in, its spectra out: predicted without a first-principles run",
    "My spectrum": "A measured spectrum beside ours: treatment, matches, mixture, structure read from it",
}
DOI = "10.1038/s41524-020-0336-3"  # of IDEA


def symbol(space_group) -> str:
    """International symbol with its screw axes as subscripts, "P3_221" -> "P3₂21"."""
    return re.sub(r"_(\d)", lambda found: chr(0x2080 + int(found[1])), space_group)


def version(db) -> list:
    """Lines that say of what data a saved table is."""
    return [f"ELNES Lab, data version {db.version}"]


def footer(db) -> str:
    """The line below all pages, HTML: data version, how it was computed, licence, whose idea it was."""
    return (
        f"Data version {escape(db.version)}, computed with Quantum ESPRESSO (PBE, full core hole); "
        f"data {LICENCE}. After an idea of {IDEA}, "
        f"<a href='https://doi.org/{DOI}' target='_blank' rel='noopener'>doi {DOI}</a>."
    )


def error(mse) -> str:
    """A mean squared error with two significant digits, the last one too if it is a zero: 0.010 beside 0.011."""
    return f"{mse:#.2g}".rstrip(".")
