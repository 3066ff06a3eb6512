"""Words and signs that several panels use."""

import re

ALL = "all"
OWN = "own"  # the zero of energy that a page's own curves have, which is some edge
SEARCHED = ("name", "structure", "kind", "source", "space_group")
INDEX = "O3 is the oxygen of index 3 among the atoms of the structure, counted from 0, silicon included: so exported files have it"
UNITS = {"angstrom": "Å", "degree": "°", "angstrom^3": "Å³", "g/cm^3": "g/cm³", "1": ""}


def symbol(space_group) -> str:
    """International symbol with its screw axes as subscripts, "P3_221" -> "P3₂21"."""
    return re.sub(r"_(\d)", lambda found: chr(0x2080 + int(found[1])), space_group)


def version(db) -> list:
    """Lines that say of what data a saved table is."""
    return [f"ELNES Lab, data version {db.version}"]


def error(mse) -> str:
    """A mean squared error with two significant digits, the last one too if it is a zero: 0.010 beside 0.011."""
    return f"{mse:#.2g}".rstrip(".")
