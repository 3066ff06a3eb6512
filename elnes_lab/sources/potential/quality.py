"""What a model of silica glass must satisfy: coordination, density, radial and angle distributions, disorder.

Held against what is published of vitreous silica; the limits leave room for what PBE-like potentials make longer (a few
percent) and for the scatter of models of some tens of atoms.

>>> from elnes_lab.sources.potential import check_glass
>>> [check.sentence for check in check_glass(atoms) if not check.passed]
"""

from dataclasses import asdict, dataclass

import numpy as np

from ...errors import DataError
from ...structure import Environment
from .geometry import first_peak, geometry, radial

MOZZI = "X-rays: R. L. Mozzi and B. E. Warren, J. Appl. Cryst. 2, 164 (1969)"
GRIMLEY = "neutrons: D. I. Grimley, A. C. Wright and R. N. Sinclair, J. Non-Cryst. Solids 119, 49 (1990)"
DENSITY = "R. Brückner, J. Non-Cryst. Solids 5, 123 (1970)"
ORDERED = (
    "a chemically ordered network, as quenched from first principles: J. Sarnthein, A. Pasquarello and R. Car, Phys. Rev. Lett. "
    "74, 4682 (1995)"
)
SPREAD = "NMR: F. Mauri et al., Phys. Rev. B 62, R4786 (2000)"
NEUEFEIND = "X-rays: J. Neuefeind and K.-D. Liss, Ber. Bunsenges. Phys. Chem. 100, 1341 (1996)"
FAR = (4.0, 8.0)  # angstrom: beyond the tetrahedra and their neighbors, where a glass has lost nearly all order


@dataclass(frozen=True)
class Check:
    """One number of a model: key and name, value, limits (low, high) that it must lie within, unit, the published value in
    words and where it comes from."""

    key: str
    name: str
    value: float
    low: float
    high: float
    unit: str
    published: str
    source: str

    @property
    def passed(self) -> bool:
        return bool(self.low <= self.value <= self.high)

    @property
    def sentence(self) -> str:
        """The number, its limits and what is published."""
        unit = f" {self.unit}" if self.unit and self.unit != "°" else self.unit
        if self.low == self.high:
            asked = f"{self.low:g}"
        else:
            asked = f"{self.low:g} to {self.high:g}"
        published = f"; published: {self.published} ({self.source})" if self.published else ""
        return f"{self.name} {self.value:.4g}{unit}, {asked} asked for{published}."


def check_glass(structure) -> list[Check]:
    """The Checks of a model of silica glass: ASE Atoms, a pymatgen Structure or an Environment. DataError for anything
    else, other elements and atoms on top of each other."""
    e = structure if isinstance(structure, Environment) else Environment.of(structure)
    g = geometry(e)
    r, functions = radial(e, r_max=FAR[1])
    peak = lambda pair, low, high: first_peak(r, functions[pair], low, high)
    mean = lambda values: float(np.mean(values)) if len(values) else float("nan")
    spread = lambda values: float(np.std(values)) if len(values) else float("nan")
    far = functions["all"][(r >= FAR[0]) & (r <= FAR[1])]
    wrong = lambda counts, bonds: 100 * float(np.mean(counts != bonds))
    return [
        Check("silicon", "Silicon without four oxygens", wrong(g.silicon, 4), 0, 2, "%", "none", ORDERED),
        Check("oxygen", "Oxygen without two silicons", wrong(g.oxygen, 2), 0, 2, "%", "none", ORDERED),
        Check("edges", "Tetrahedra that share an edge:", g.edges, 0, 0, "", "none", ORDERED),
        Check("density", "Density", g.density, 1.98, 2.42, "g/cm³", "2.20", DENSITY),
        Check("si_o", "First peak of g(Si-O)", peak("Si-O", 1.2, 2.2), 1.57, 1.67, "Å", "1.608", GRIMLEY),
        Check("o_o", "First peak of g(O-O)", peak("O-O", 2.2, 3.2), 2.55, 2.75, "Å", "2.626", GRIMLEY),
        Check("si_si", "First peak of g(Si-Si)", peak("Si-Si", 2.5, 3.5), 2.95, 3.25, "Å", "3.12", MOZZI),
        Check("o_si_o", "Mean angle O-Si-O", mean(g.o_si_o), 108.5, 109.6, "°", "109.5", GRIMLEY),
        Check("o_si_o_spread", "Standard deviation of O-Si-O", spread(g.o_si_o), 0.5, 8, "°", "", ""),
        Check(
            "si_o_si",
            "Mean angle Si-O-Si",
            mean(g.si_o_si),
            136,
            154,
            "°",
            "most often 144, from 120 to 180; means of 148 and 151",
            f"{MOZZI}; {NEUEFEIND}; {SPREAD}",
        ),
        Check(
            "si_o_si_spread",
            "Standard deviation of Si-O-Si",
            spread(g.si_o_si),
            6,
            20,
            "°",
            "7.5 and 11",
            f"{NEUEFEIND}; {SPREAD}",
        ),
        Check("symmetry", "Number of the space group", space_group(e), 1, 1, "", "", ""),
        Check(
            "order",
            f"Order left in g(r) from {FAR[0]:g} to {FAR[1]:g} Å, root mean square of g - 1:",
            float(np.sqrt(np.mean((far - 1) ** 2))),
            0,
            0.25,
            "",
            "",
            "",
        ),
    ]


def space_group(environment: Environment) -> int:
    """Number of the space group; 1 where a broken structure has none that can be found."""
    try:
        return environment.space_group[1]
    except DataError:
        return 1


def passed(checks: list[Check]) -> bool:
    return all(check.passed for check in checks)


def as_record(checks: list[Check]) -> list[dict]:
    """The checks for a JSON file; numbers that are none become null."""
    finite = lambda value: None if isinstance(value, float) and not np.isfinite(value) else value
    return [{k: finite(v) for k, v in asdict(check).items()} | {"passed": check.passed} for check in checks]
