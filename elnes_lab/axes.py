"""Where the directions x, y, z of polarized spectra lie in the crystal: beside its axes a, b and c.

    environment = Environment.of(db.atoms("quartz-alpha"))
    sentence(environment)                     # "x ∥ a, z ∥ c, y is 30° from b (⊥ a and c)."

Spectra are stored along the Cartesian axes of the cell that was computed. A direction of polarization has no sense, so that
angles between axes lie between 0 and 90 degrees.
"""

from typing import NamedTuple

import numpy as np

from .errors import DataError
from .structure import Environment

CARTESIAN, CRYSTAL = ("x", "y", "z"), ("a", "b", "c")
PARALLEL = 0.5  # degrees: relaxed cells are that far from what their lattice would have
CENTERED = (
    0.9  # of the volume: a primitive cell of a centred lattice has half, a third or a quarter of the conventional one
)


class Direction(NamedTuple):
    """One Cartesian axis: its name, the crystal axis it is nearest to, the angle between them in degrees, and the names of
    the crystal axes that it is perpendicular to."""

    name: str
    nearest: str
    angle: float
    perpendicular: tuple[str, ...]

    @property
    def parallel(self) -> bool:
        """Whether it lies along a crystal axis."""
        return self.angle < PARALLEL

    def __str__(self) -> str:
        if self.parallel:
            return f"{self.name} ∥ {self.nearest}"
        whole = abs(self.angle - round(self.angle)) < 0.05
        across = f" (⊥ {' and '.join(self.perpendicular)})" if self.perpendicular else ""
        return f"{self.name} is {self.angle:.{0 if whole else 1}f}° from {self.nearest}{across}"


def crystal_axes(environment: Environment) -> np.ndarray:
    """Axes a, b, c that a crystallographer would name, as rows, (3, 3) Angstrom, Cartesian as the structure is stored.

    Those of the stored cell; where that is the primitive cell of a centred lattice, those of the conventional cell
    (spglib, International Tables), which is not turned.
    """
    transformation = environment.from_conventional
    if environment.space_group[1] == 1 or np.linalg.det(transformation) > CENTERED:
        return environment.cell
    # Columns (a b c) stored = (a b c) conventional times the transformation; rows here.
    return np.linalg.inv(transformation).T @ environment.cell


def conventional(environment: Environment) -> bool:
    """Whether `crystal_axes` are those of the conventional cell in the place of a primitive one that is stored."""
    return crystal_axes(environment) is not environment.cell


def angles(axes: np.ndarray) -> np.ndarray:
    """Angles between x, y, z (rows) and a, b, c (columns), (3, 3) degrees from 0 to 90; axes (3, 3), rows a, b, c.

    Raises DataError for an axis without a length.
    """
    axes = np.asarray(axes, float)
    lengths = np.linalg.norm(axes, axis=-1)
    if axes.shape != (3, 3) or not (lengths > 0).all():
        raise DataError("The crystal axes must be three vectors with a length, as rows. Check the cell.")
    unit = (axes / lengths[:, None]).T
    across = np.hypot(np.roll(unit, 1, axis=0), np.roll(unit, 2, axis=0))
    return np.degrees(np.arctan2(across, np.abs(unit)))  # the arccosine loses half its digits near 0


def directions(axes: np.ndarray) -> list[Direction]:
    """How x, y and z lie beside a, b, c, the rows of axes (3, 3)."""
    found = []
    for name, row in zip(CARTESIAN, angles(axes)):
        nearest = int(row.argmin())
        across = tuple(CRYSTAL[k] for k in range(3) if row[k] > 90 - PARALLEL)
        found.append(Direction(name, CRYSTAL[nearest], float(row[nearest]), across))
    return found


def sentence(environment: Environment) -> str:
    """How x, y and z lie beside the crystal's axes, in one sentence, those along an axis first."""
    found = sorted(directions(crystal_axes(environment)), key=lambda one: not one.parallel)
    cell = " of the conventional cell" if conventional(environment) else ""
    if cell and not any(one.parallel for one in found):
        return f"Beside the axes{cell}: {', '.join(map(str, found))}."
    return f"{', '.join(map(str, found))}{'; a, b, c' + cell if cell else ''}."
