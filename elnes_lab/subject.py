"""What the spectra of a database are of: the absorbing element, the edge, and the elements of its structures.

This is data, not code: another oxide or another edge is another file. A file that was built before it was stored is of the O K
edge of silicon oxides, and so is a raw folder that says nothing.

>>> db.subject.label, db.subject.elements, db.subject.material
('O K', ('O', 'Si'), 'silicon oxides')
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .errors import DataError

OXYGEN = "O"
EDGE = re.compile(r"[KLMN][1-7]?(,[2-7])?")
MASS = {"Si": 28.085, "O": 15.999}  # g/mol, IUPAC 2021; of other elements those of ASE
NUMBER = {"Si": 14, "O": 8}
# Si-O bonds are shorter than this, in Angstrom. Over the 198 structures that the database is made of, the histogram of
# Si-O distances has a peak at 1.58-1.77 (4-fold silicon), a smaller one at 1.71-1.88 (5- and 6-fold) and nothing from
# there to 2.50, where second neighbors begin. The cut is in the middle of that gap: its exact value does not matter.
BOND_LENGTH = {"Si": 2.2}
# Of other elements: this times the sum of the covalent radii (Cordero et al., Dalton Trans. 2832 (2008)); 2.21 of Si-O.
STRETCH = 1.25
MOST_ELEMENTS = 20


class Subject(NamedTuple):
    """absorber: symbol of the absorbing element; edge: "K", "L1", ...; elements: symbols, the absorber first, then by name."""

    absorber: str = OXYGEN
    edge: str = "K"
    elements: tuple[str, ...] = (OXYGEN, "Si")

    @classmethod
    def of(cls, absorber: str, edge: str, elements) -> Subject:
        """The checked Subject of elements in any order. DataError for what is no element, and for an absorber that is not among
        them or is not oxygen: rows are sites of oxygen, whatever it is bonded to."""
        elements = {str(name) for name in elements}
        wrong = sorted(name for name in elements if not is_element(name))
        if wrong or not 2 <= len(elements) <= MOST_ELEMENTS:
            raise DataError(f"the elements {', '.join(sorted(elements))[:60]!a} are not those of an oxide")
        if absorber != OXYGEN or absorber not in elements:
            raise DataError(f"the absorbing element is {str(absorber)[:20]!a}; rows are sites of oxygen in an oxide")
        if not EDGE.fullmatch(edge):
            raise DataError(f"the edge is {str(edge)[:20]!a}; name it like K, L1 or L2,3")
        return cls(absorber, edge, (absorber, *sorted(elements - {absorber})))

    @classmethod
    def read(cls, attributes) -> Subject:
        """The Subject that the attributes of a database file say; that of silicon oxides where they say nothing. DataError for
        what cannot be meant."""
        said = lambda name, default: str(attributes.get(name, default))
        plain = cls()
        return cls.of(
            said("absorber", plain.absorber),
            said("edge", plain.edge),
            said("elements", " ".join(plain.elements)).split(),
        )

    def attributes(self) -> dict[str, str]:
        """As `read` takes them."""
        return {"absorber": self.absorber, "edge": self.edge, "elements": " ".join(self.elements)}

    @property
    def label(self) -> str:
        """Of titles: "O K"."""
        return f"{self.absorber} {self.edge}"

    @property
    def cations(self) -> tuple[str, ...]:
        """The other elements."""
        return tuple(name for name in self.elements if name != self.absorber)

    @property
    def material(self) -> str:
        """ "silicon oxides", or "oxides of Mg and Si"."""
        return "silicon oxides" if self.cations == ("Si",) else f"oxides of {' and '.join(self.cations)}"

    def words(self, text: str) -> str:
        """A description of silicon oxides (a column's, say) as one of these: Si becomes the elements bonded to oxygen."""
        if self.cations == ("Si",):
            return text
        text = re.sub(r"\bSi\b", "/".join(self.cations), text)
        return re.sub(r"\bsilicon(s?)\b", r"cation\1", text)


@lru_cache
def is_element(symbol: str) -> bool:
    """Whether a text is the symbol of a chemical element."""
    if symbol in NUMBER:
        return True
    from ase.data import atomic_numbers

    return atomic_numbers.get(symbol, 0) > 0


@lru_cache
def number(symbol: str) -> int:
    """Atomic number of an element."""
    if symbol in NUMBER:
        return NUMBER[symbol]
    from ase.data import atomic_numbers

    return int(atomic_numbers[symbol])


@lru_cache
def mass(symbol: str) -> float:
    """Standard atomic mass of an element, g/mol."""
    if symbol in MASS:
        return MASS[symbol]
    from ase.data import atomic_masses

    return float(atomic_masses[number(symbol)])


@lru_cache
def bond_length(symbol: str) -> float:
    """Longest bond with oxygen that counts as one, Angstrom."""
    if symbol in BOND_LENGTH:
        return BOND_LENGTH[symbol]
    from ase.data import covalent_radii

    return round(STRETCH * float(covalent_radii[number(symbol)] + covalent_radii[NUMBER[OXYGEN]]), 3)
