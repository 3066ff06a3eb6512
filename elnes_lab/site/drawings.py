"""The 3-D drawings of a structure as small numbers: around each of its sites, and its unit cell once for all of them.

The same atoms, polyhedra and axes as the dashboard draws (`dashboard.common.drawing`). Positions are whole thousandths of an
angstrom; polyhedra and bonds are numbers of atoms in the list of positions.
"""

import numpy as np
from scipy.spatial import cKDTree

from ..axes import crystal_axes
from ..dashboard.common import drawing
from ..dashboard.common.drawing import FARTHER, LONGEST_BOND

UNIT = 1000  # to an angstrom
NEAR = 0.02  # angstrom: a corner of a polyhedron and the atom that is there


class Drawings:
    """Of an Environment, for the absorbing oxygens `atoms` (indices); `content()` is for JSON."""

    def __init__(self, environment, atoms: list[int]) -> None:
        self.environment, self.atoms = environment, atoms
        self.cell_axes = crystal_axes(environment)

    def content(self) -> dict:
        """cell: atoms around the middle of the unit cell, its corner, the absorber of each site among them; sites: the
        surroundings of each, from the absorber; both with the direction to look from and the axes a, b, c."""
        lengths = np.linalg.norm(self.cell_axes, axis=1)[:, None]
        return {
            "cell": self.cell(),
            "sites": {f"O{atom}": self.surroundings(atom) for atom in self.atoms},
            "abc": whole(FARTHER * self.cell_axes / lengths),
        }

    def surroundings(self, atom: int) -> dict:
        """Two shells of polyhedra around one absorber, which is the first atom."""
        atoms = drawing.surroundings(self.environment, atom)
        return self.drawn(atoms) | {"view": np.round(drawing.view_direction(atoms), 4).tolist()}

    def cell(self) -> dict:
        """The unit cell; `absorbers` says which of its atoms each site is."""
        first, corner = drawing.unit_cell(self.environment, self.atoms[0])
        middle = corner + self.cell_axes.sum(0) / 2
        first = first._replace(positions=first.positions - middle)
        tree, absorbers = cKDTree(first.positions), {}
        for atom in self.atoms:
            own = drawing.unit_cell(self.environment, atom)[1]
            distance, place = tree.query(-(own + self.cell_axes.sum(0) / 2))
            absorbers[f"O{atom}"] = int(place) if distance < NEAR else None
        return self.drawn(first) | {
            "view": np.round(drawing.cell_direction(self.cell_axes), 4).tolist(),
            "absorbers": absorbers,
            "edges": whole(self.cell_axes),
        }

    def drawn(self, atoms) -> dict:
        """Atoms, the bonds between them and the triangles of the polyhedra."""
        corners, triangles = drawing.polyhedra(self.environment, atoms)
        tree = cKDTree(atoms.positions)
        faces = tree.query(corners)[1][triangles] if len(triangles) else np.empty((0, 3), int)
        silicon = np.array([name == "Si" for name in atoms.names])
        pairs = tree.query_pairs(LONGEST_BOND, output_type="ndarray")
        pairs = pairs[silicon[pairs[:, 0]] != silicon[pairs[:, 1]]]
        return {
            "silicon": np.flatnonzero(silicon).tolist(),
            "index": atoms.index,
            "at": whole(atoms.positions),
            "bonds": pairs.ravel().tolist(),
            "faces": faces.ravel().tolist(),
        }


def whole(positions) -> list[int]:
    """Positions in angstrom as whole numbers of 1 / UNIT, one after another."""
    return np.rint(np.ravel(positions) * UNIT).astype(int).tolist()
