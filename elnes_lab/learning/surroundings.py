"""What is around a site as features: of the structure route alone, and beside the PDOS where both are there.

>>> around = Surroundings.of(db, ("O", "Si"))
>>> around.directed().shape, around.directed_blocks       # (3 n, f), features of SOAP, of an axis, and numbers
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import descriptors
from ..descriptors import NUMBERS, soap
from ..errors import DataError
from .kernels import RIDGE_AROUND, START_AROUND, STEPS_AROUND, half

UNITS = np.array(list(NUMBERS.values()))
# Where a search of the weights of the blocks begins: logarithms of the weights and of the ridge.
SITE_START, DIRECTED_START = (-1.2, -1.0, -2.0), (*START_AROUND, RIDGE_AROUND)
STEPS = STEPS_AROUND
WORDS = {
    "si_o_mean": ("mean Si-O length", "Å", 3),
    "si_o_std": ("spread of the Si-O lengths", "Å", 3),
    "si_o_min": ("shortest Si-O length", "Å", 3),
    "si_o_max": ("longest Si-O length", "Å", 3),
    "si_o_si_angle": ("Si-O-Si angle", "°", 1),
    "coordination": ("number of bonded silicons", "", 0),
    "o_si_o_mean": ("mean O-Si-O angle", "°", 1),
    "o_si_o_std": ("spread of the O-Si-O angles", "°", 1),
    "o_o_min": ("shortest O-O distance", "Å", 2),
    "o_o_mean": ("mean O-O distance", "Å", 2),
    "voronoi_volume": ("Voronoi volume", "Å³", 1),
    "density": ("density", "g/cm³", 2),
}


def site_features(features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(n, SOAP and numbers): what has no direction."""
    return np.concatenate([soap(features), numbers / UNITS], 1).astype(np.float32)


def directed_features(features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(3 n, SOAP, directed and numbers): x, y and z of a site in a row."""
    return scaled_features(features, (numbers / UNITS).astype(np.float32))


def scaled_features(features: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """The same from numbers in units of `descriptors.NUMBERS`, as stored models keep them."""
    parts = soap(features)[:, None].repeat(3, 1), features, scaled[:, None].repeat(3, 1)
    return np.concatenate(parts, 2).reshape(3 * len(features), -1).astype(np.float32)


def site_blocks(elements) -> tuple[int, int]:
    """Sizes of the blocks of `site_features` of neighbors of these elements."""
    return descriptors.sizes(elements)[1], len(NUMBERS)


def directed_blocks(elements) -> tuple[int, int, int]:
    """Sizes of the blocks of `directed_features`."""
    directed, isotropic = descriptors.sizes(elements)
    return isotropic, directed, len(NUMBERS)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """n sites. features (n, 3, f) float32, of `descriptors`, rounded as a stored model keeps them; numbers (n, k) float32,
    in the units of the columns."""

    features: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, db, elements) -> Surroundings:
        """Those of the rows of a Database, neighbors being of these elements, the absorbing one first. DataError for others."""
        directed, _ = descriptors.sizes(elements)
        features = np.empty((len(db), 3, directed), np.float32)
        structures, atoms = np.asarray(db["structure"], str), db["atom"].astype(int)
        for name in dict.fromkeys(structures):
            rows = np.flatnonzero(structures == name)
            try:
                features[rows] = descriptors.power(db.atoms(name), [int(i) for i in atoms[rows]], elements)
            except DataError as problem:
                raise DataError(f"{name}: {problem}") from None
        columns = [db[name].astype(float) for name in NUMBERS]
        numbers = [descriptors.number_row(dict(zip(NUMBERS, row))) for row in zip(*columns)]
        return cls(half(features), np.array(numbers, np.float32).reshape(-1, len(NUMBERS)))

    @classmethod
    def of_atoms(cls, atoms, sites, elements, environment=None) -> Surroundings:
        """Those of some oxygens (indices) of ASE Atoms. DataError as `descriptors.describe`."""
        found = descriptors.describe(atoms, sites, environment, elements)
        return cls(half(found.directed), found.numbers.astype(np.float32))

    def __len__(self) -> int:
        return len(self.features)

    def subset(self, rows) -> Surroundings:
        """Some sites: positions or a mask."""
        return Surroundings(self.features[rows], self.numbers[rows])

    def joined(self, other: Surroundings) -> Surroundings:
        """These sites, then those."""
        return Surroundings(
            np.concatenate([self.features, other.features]), np.concatenate([self.numbers, other.numbers])
        )

    def directed(self) -> np.ndarray:
        """`directed_features`."""
        return directed_features(self.features, self.numbers)

    @property
    def blocks(self) -> tuple[int, int, int]:
        """Sizes of the blocks of `directed`."""
        directed = self.features.shape[-1]
        return directed // len(descriptors.ORDERS) * (descriptors.ANGULAR + 1), directed, len(NUMBERS)


def foreign(db, elements) -> tuple[np.ndarray, str]:
    """Mask (n,) of the rows of a Database whose structure holds other elements, and those."""
    wrong = {name: set(db.atoms(name).get_chemical_symbols()) - set(elements) for name in db.structures}
    bad = np.array([bool(wrong[name]) for name in db["structure"]], bool)
    return bad, ", ".join(sorted(set().union(*wrong.values())))
