"""Descriptors of the oxygen sites of a periodic oxide: of silicon, or of whatever else oxygen is bonded to there.

    environment = Environment(cell, symbols, positions)      # or Environment.of(a pymatgen Structure or ASE Atoms)
    environment.site(3)["si_o_si_angle"]                     # degrees

Every periodic image of an atom is a neighbor of its own: in a cell of three atoms one silicon may be bonded to three
images of the same oxygen. Lengths in Angstrom, angles in degrees, volumes in cubic Angstrom throughout.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .errors import DataError
from .nets import coordination_sequences, net_name
from .rings import Network
from .subject import OXYGEN, bond_length, is_element, mass, number
from .symmetry import SYMPREC, by_spglib

CLOSEST = 1.0  # Angstrom; the shortest bond of these elements is that of O2, 1.21

ATOMIC_MASS = 1.66053906660  # 1e-24 g, CODATA 2018


class Neighbors(NamedTuple):
    """Atoms around one atom, nearest first: index (m,), image (m,3) integers, distance (m,) and vector (m,3), Angstrom.

    Neighbor k is atom index[k] moved by image[k] @ cell; its vector leads to it from the atom in the middle.
    """

    index: np.ndarray
    image: np.ndarray
    distance: np.ndarray
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class Environment:
    """One structure: cell (3,3) Angstrom, rows are vectors; symbols (n,): oxygen and others; positions (n,3) fractional.

    Immutable; what several sites need (bonds, symmetry) is worked out once. Raises DataError for what is no oxide, for a
    cell without volume, for atoms on top of each other and for arrays that do not fit together.
    """

    cell: np.ndarray
    symbols: np.ndarray
    positions: np.ndarray

    def __post_init__(self):
        try:
            cell, positions = np.array(self.cell, dtype=float), np.array(self.positions, dtype=float)
        except (TypeError, ValueError) as problem:
            raise DataError(
                "The cell or the positions are not numbers. Give a (3, 3) and an (atoms, 3) array."
            ) from problem
        symbols = np.array(self.symbols, dtype=str)
        if cell.shape != (3, 3) or positions.shape != (len(np.atleast_1d(symbols)), 3) or symbols.ndim != 1:
            raise DataError(
                f"Cell {cell.shape}, symbols {symbols.shape} and positions {positions.shape} do not fit "
                "together. They must be (3, 3), (atoms,) and (atoms, 3)."
            )
        if not (np.isfinite(cell).all() and np.isfinite(positions).all()):
            raise DataError("The cell or the positions contain NaN or infinity. Check the file they come from.")
        others = {str(name) for name in symbols} - {OXYGEN}
        if OXYGEN not in symbols or not others or not all(map(is_element, others)):
            raise DataError(
                f"The structure contains {', '.join(sorted(set(symbols))) or 'no atoms'}, but the "
                "descriptors are those of oxides: it must contain O and at least one other element."
            )
        volume = abs(np.linalg.det(cell))
        if volume < len(symbols):  # stishovite, one of the densest, has 8 cubic Angstrom for an atom
            raise DataError(
                f"The cell has {volume:.3g} cubic Angstrom for {len(symbols)} atoms, which no solid has. "
                "Give its three vectors as rows, in Angstrom."
            )
        for name, array in (("cell", cell), ("symbols", symbols), ("positions", positions)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for i in range(len(symbols)):
            close = self.neighbors(i, CLOSEST)
            if len(close.index):
                raise DataError(
                    f"Atoms {i} and {close.index[0]} are {close.distance[0]:.2f} Angstrom apart: they lie "
                    "on top of each other. Remove duplicates, and check that positions are fractional."
                )

    @classmethod
    def of(cls, structure) -> "Environment":
        """Environment of a pymatgen Structure or ASE Atoms (any cell, ordered). DataError for anything else."""
        if hasattr(structure, "get_scaled_positions"):
            positions = structure.get_scaled_positions(wrap=False)
            return cls(structure.cell.array, structure.get_chemical_symbols(), positions)
        if not getattr(structure, "is_ordered", False) or not hasattr(structure, "lattice"):
            raise DataError(
                f"No ordered crystal structure in this {type(structure).__name__}. "
                "Give a pymatgen Structure without partial occupation, or ASE Atoms."
            )
        return cls(structure.lattice.matrix, [site.specie.symbol for site in structure], structure.frac_coords)

    @property
    def oxygens(self) -> np.ndarray:
        """Indices of the oxygen atoms, (oxygens,)."""
        return np.flatnonzero(self.symbols == OXYGEN)

    @property
    def cations(self) -> np.ndarray:
        """Indices of all other atoms, silicon in silica, (cations,)."""
        return np.flatnonzero(self.symbols != OXYGEN)

    @property
    def volume(self) -> float:
        """Volume of the cell, Angstrom^3."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def density(self) -> float:
        """Mass density of the structure, g/cm^3."""
        return sum(mass(str(s)) for s in self.symbols) * ATOMIC_MASS / self.volume

    @cached_property
    def _symmetry(self):
        numbers = [number(str(s)) for s in self.symbols]
        found = by_spglib("get_symmetry_dataset", (self.cell, self.positions, numbers))
        if found is None:
            raise DataError(f"spglib finds no space group within {SYMPREC} Angstrom. Check the cell and the positions.")
        return found

    @property
    def space_group(self) -> tuple[str, int]:
        """International (Hermann-Mauguin) symbol and number of the space group, by spglib within 0.02 Angstrom."""
        return self._symmetry.international, int(self._symmetry.number)

    @property
    def inequivalent_oxygens(self) -> list[tuple[int, int]]:
        """Symmetry-inequivalent oxygens: (index of the first of a kind, number in the cell); spglib, 0.02 Angstrom."""
        orbit = self._symmetry.equivalent_atoms[self.oxygens]
        return [(int(i), int(count)) for i, count in zip(*np.unique(orbit, return_counts=True))]

    @property
    def from_conventional(self) -> np.ndarray:
        """Columns (a b c) of this cell = those of the conventional cell, which is not turned, times this (3, 3); spglib."""
        return self._symmetry.transformation_matrix

    @property
    def equivalent_atoms(self) -> np.ndarray:
        """Index of the first symmetry-equivalent atom of every atom, (n,); spglib, 0.02 Angstrom."""
        return self._symmetry.equivalent_atoms

    def to_representative(self, i: int) -> tuple[int, np.ndarray]:
        """The first atom equivalent to atom i, and a rotation or reflection of the crystal, Cartesian (3, 3), that brings the
        surroundings of i to those of that atom."""
        first = int(self.equivalent_atoms[i])
        for rotation, translation in zip(self._symmetry.rotations, self._symmetry.translations):
            moved = rotation @ self.positions[i] + translation - self.positions[first]
            if np.linalg.norm((moved - np.round(moved)) @ self.cell) < 5 * SYMPREC:
                return first, self.cell.T @ rotation @ np.linalg.inv(self.cell.T)
        raise DataError(
            f"Atoms {i} and {first} are equivalent by no operation within {SYMPREC} Angstrom. Check the positions."
        )

    def site_symmetry(self, i: int) -> np.ndarray:
        """Rotations and reflections of the point group of atom i's site, Cartesian matrices, (operations, 3, 3)."""
        found = []
        for rotation, translation in zip(self._symmetry.rotations, self._symmetry.translations):
            moved = rotation @ self.positions[i] + translation - self.positions[i]
            if np.linalg.norm((moved - np.round(moved)) @ self.cell) < 5 * SYMPREC:
                found.append(self.cell.T @ rotation @ np.linalg.inv(self.cell.T))
        return np.array(found)

    def polarization_projector(self, i: int) -> np.ndarray:
        """Projects what atom i's spectra for x, y, z can be onto what its site's point group allows: (3, 3), symmetric.

        Symmetric tensors that the group leaves as they are have diagonals in a subspace; this projects onto it. Spectra
        that obey the symmetry stay the same, whatever their off-diagonal elements, which are not stored; of others the
        part that no symmetric tensor has is taken out. The mean of the three never changes. Without an axis of three
        or more, or a tilted twofold one, every diagonal is allowed: the identity.
        """
        operations, diagonals = self.site_symmetry(i), []
        for a, b in zip(*np.triu_indices(3)):
            tensor = np.zeros((3, 3))
            tensor[a, b] = tensor[b, a] = 1.0
            diagonals.append(np.diag((operations @ tensor @ operations.transpose(0, 2, 1)).mean(0)))
        vectors, sizes, _ = np.linalg.svd(np.array(diagonals).T)
        allowed = vectors[:, sizes > 1e-3]
        return allowed @ allowed.T

    def neighbors(self, i: int, radius: float) -> Neighbors:
        """All atoms and images of atoms up to `radius` (Angstrom) from atom i, nearest first; not the atom itself."""
        points, distance, index, image = self._lattice.get_points_in_sphere(
            self.positions, self.positions[i] @ self.cell, radius, zip_results=False
        )
        index, image = np.asarray(index, dtype=int), np.asarray(image, dtype=int).reshape(-1, 3)
        others = (index != i) | image.any(axis=1)
        vector = (self.positions[index] - self.positions[i] + image) @ self.cell
        order = np.flatnonzero(others)[np.argsort(distance[others], kind="stable")]
        return Neighbors(index[order], image[order], distance[order], vector[order])

    @cached_property
    def _lattice(self):
        from pymatgen.core.lattice import Lattice

        return Lattice(self.cell)

    @cached_property
    def _bonds(self) -> list[Neighbors]:
        reach = np.array([0.0 if s == OXYGEN else bond_length(str(s)) for s in self.symbols])
        near = [self.neighbors(i, reach[i] or reach.max()) for i in range(len(self.symbols))]
        bonded = [
            ((reach[i] > 0) != (reach[atoms.index] > 0)) & (atoms.distance <= reach[i] + reach[atoms.index])
            for i, atoms in enumerate(near)
        ]
        return [Neighbors(*(part[keep] for part in atoms)) for atoms, keep in zip(near, bonded)]

    @cached_property
    def _network(self) -> Network:
        return Network([b.index for b in self._bonds], [b.image for b in self._bonds])

    @cached_property
    def coordination_sequences(self) -> np.ndarray:
        """Coordination sequence over 14 shells of each cation, in the order of the atoms: (cations, 14) integers."""
        bonds = self._bonds
        return coordination_sequences([b.index for b in bonds], [b.image for b in bonds], self.cations)

    @cached_property
    def net(self) -> str:
        """Name of the net of cations and oxygens, the same for every cell and distortion of it; see `nets.net_name`."""
        return net_name(self.coordination_sequences)

    def bonds(self, i: int) -> Neighbors:
        """Bonded neighbors of atom i (cations of an oxygen, oxygens of a cation), up to `subject.bond_length`, nearest first."""
        return self._bonds[i]

    def voronoi_volume(self, i: int) -> float:
        """Volume of atom i's Voronoi cell, Angstrom^3; over all atoms they add up to the cell's volume.

        Planes lie half-way between atoms, whatever their size. G. Voronoi, J. reine angew. Math. 134, 198 (1908).
        """
        from scipy.spatial import ConvexHull, Voronoi

        radius = 8.0
        while True:
            around = self.neighbors(i, radius).vector
            if len(around) > 4 and np.linalg.matrix_rank(around, tol=0.1) == 3:  # an isolated sheet is flat at first
                diagram = Voronoi(np.vstack([np.zeros(3), around]))
                region = diagram.regions[diagram.point_region[0]]
                corners = diagram.vertices[region]
                # Complete once closed and no farther atom could cut a corner; next to large pores the radius must grow.
                if -1 not in region and 2 * np.linalg.norm(corners, axis=1).max() <= radius:
                    return float(ConvexHull(corners).volume)
            radius *= 1.5

    def site(self, i: int) -> dict:
        """Descriptors of oxygen atom i: a dict of numbers and of the sorted arrays they come from; Angstrom, degrees. Si
        and silicon stand for whatever is bonded to oxygen.
        si_o (coordination,): lengths of the bonds; coordination, si_o_mean, si_o_std, si_o_min, si_o_max.
        si_o_si (pairs of silicons,): angles at the oxygen; si_o_si_angle is their mean.
        o_si_o (angles,): angles at the bonded silicons, this oxygen at one end; o_si_o_mean, o_si_o_std.
        o_o (neighbors,): distances to the other oxygens of those silicons; o_o_mean, o_o_min.
        rings (angles,): silicon atoms in the primitive rings, see `rings.Network`; ring_size (smallest), ring_mean.
        voronoi_volume in Angstrom^3; density of the structure in g/cm^3.
        Spreads (std) are those of the population. What a site does not have, such as an angle where there is one
        silicon, is NaN. DataError if atom i is not an oxygen.
        """
        if not 0 <= i < len(self.symbols) or self.symbols[i] != OXYGEN:
            raise DataError(f"Atom {i} is not an oxygen of this structure. Its oxygens are {self.oxygens.tolist()}.")
        bonds = self.bonds(i)
        first, second = np.triu_indices(len(bonds.index), 1)
        o_si_o, seconds = [np.zeros(0)], {}
        for silicon, image, vector in zip(bonds.index, bonds.image, bonds.vector):
            corner = self.bonds(silicon)
            there = vector + corner.vector
            distance = np.linalg.norm(there, axis=1)
            other = distance > CLOSEST  # this oxygen itself is at 0, no other atom is as near as this
            o_si_o.append(_angles(-vector, corner.vector[other]))
            # An oxygen seen from two silicons (polyhedra that share an edge) counts once.
            seconds.update(
                {
                    (int(j), *map(int, image + shift)): d
                    for j, shift, d in zip(corner.index[other], corner.image[other], distance[other])
                }
            )
        values = {
            "si_o": bonds.distance,
            "si_o_si": np.sort(_angles(bonds.vector[first], bonds.vector[second])),
            "o_si_o": np.sort(np.concatenate(o_si_o)),
            "o_o": np.sort(np.array(list(seconds.values()))),
            "rings": np.array(self._network.ring_sizes(i), dtype=int),
        }
        mean, spread, least, most = (
            {name: float(statistic(array)) if array.size else np.nan for name, array in values.items()}
            for statistic in (np.mean, np.std, np.min, np.max)
        )
        return values | {
            "coordination": len(bonds.index),
            "si_o_mean": mean["si_o"],
            "si_o_std": spread["si_o"],
            "si_o_min": least["si_o"],
            "si_o_max": most["si_o"],
            "si_o_si_angle": mean["si_o_si"],
            "o_si_o_mean": mean["o_si_o"],
            "o_si_o_std": spread["o_si_o"],
            "o_o_mean": mean["o_o"],
            "o_o_min": least["o_o"],
            "voronoi_volume": self.voronoi_volume(i),
            "density": self.density,
            "ring_size": least["rings"],
            "ring_mean": mean["rings"],
        }

    def site_rdf(
        self, i: int, *, r_max: float = 10.0, step: float = 0.05, sigma: float = 0.1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Partial radial distribution functions around atom i: r (m,) Angstrom, g_O-Si (m,) (all cations) and g_O-O (m,), no unit.

        Each neighbor is a Gaussian of standard deviation `sigma` (Angstrom). 4 pi r^2 g times the partial density
        (atoms of that element per volume) integrates to the number of neighbors, so g tends to 1 far away (Allen and
        Tildesley, Computer Simulation of Liquids, 2.6). DataError if `sigma` is below `step`: it would miss peaks.
        """
        if not 0 < step <= sigma or not r_max > 0:
            raise DataError(
                f"r_max {r_max}, step {step}, sigma {sigma} Angstrom: all must be positive and sigma at "
                "least the step, or peaks fall between the points. Make the step smaller or sigma larger."
            )
        r = step * np.arange(round(r_max / step) + 1)
        near = self.neighbors(i, r_max + 6 * sigma)
        shells = np.exp(-0.5 * ((r[:, None] - near.distance) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        with np.errstate(divide="ignore"):
            per_volume = np.where(r > 0, 1 / (4 * np.pi * r**2), 0.0)
        g = [
            per_volume * shells[:, kind[near.index]].sum(axis=1) * self.volume / np.count_nonzero(kind)
            for kind in (self.symbols != OXYGEN, self.symbols == OXYGEN)
        ]
        return r, g[0], g[1]


def kind_of(source: str) -> str:
    """ "amorphous" for a structure whose source is "melt-quench", "crystal" for any other."""
    return "amorphous" if source == "melt-quench" else "crystal"


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between vectors (..., 3), degrees. By the arctangent: the arccosine loses half its digits near 180."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(cross, (a * b).sum(axis=-1)))
