"""Words and signs that several panels use."""

import re

ALL = "all"
SEARCHED = ("name", "structure", "kind", "source", "space_group")
UNITS = {"angstrom": "Å", "degree": "°", "angstrom^3": "Å³", "g/cm^3": "g/cm³", "1": ""}


def symbol(space_group):
    """International symbol with its screw axes as subscripts, "P3_221" -> "P3₂21"."""
    return re.sub(r"_(\d)", lambda found: chr(0x2080 + int(found[1])), space_group)
