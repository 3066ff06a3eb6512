"""What the 3-D view shows of a structure, as numbers: atoms, polyhedra, the cell and the axes. No widgets.

Positions are in Angstrom from the absorbing oxygen, which is always the first atom. The viewer is given every atom that it draws,
images included, and no lattice of its own.
"""

from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from ...axes import CARTESIAN, CRYSTAL, crystal_axes

ABSORBER, SILICON, OXYGEN = "#D55E00", "#3E8FC7", "#9AA4AF"
POLARIZATION, CELL = ("#CC79A7", "#009E73", "#E69F00"), "#808A95"  # x, y, z: never told apart by colour alone
REACH, FARTHER = 2.7, 3.6  # Angstrom from the absorber to the tips of x, y, z and, around a site, of a, b, c
EDGE = 0.01  # of a cell's edge: an atom as near as this to a face is drawn on the opposite one, too
ASPECT = 2.2  # width by height of the view
MARGIN, ROOM = 10.0, 1.12  # what the viewer leaves around a scene (Angstrom), and what we do (as a factor)
RADIUS, LETTER = 0.5, 0.45  # Angstrom: of an atom as drawn, and from the tip of an arrow to its letter

# name in the drawing -> element, colour, radius (Angstrom, drawn at 0.4 of it)
SPECIES = {"O*": ("O", ABSORBER, 1.2), "Si": ("Si", SILICON, 1.0), "O": ("O", OXYGEN, 0.65)}
BONDS = (("Si", "O"), ("Si", "O*"))
LONGEST_BOND = 2.2  # Angstrom, the same as in elnes_lab.structure
NO_WEBGL = "This browser offers no WebGL, which the 3-D view needs; the numbers are below."
AXES = (
    "x, y, z: directions of polarization that the spectra are stored along. a, b, c: axes of the crystal. "
    "∥ is parallel, ⊥ is perpendicular."
)


class Atoms(NamedTuple):
    """Atoms to draw: names "O*" (the absorber, first), "Si", "O"; positions (m, 3) Angstrom; index of each in the structure."""

    names: list[str]
    positions: np.ndarray
    index: list[int]


def surroundings(environment, atom) -> Atoms:
    """Atoms around an absorbing oxygen, two shells of polyhedra, bonds across the cell's faces included.

    environment: an elnes_lab.structure.Environment; atom: index of the absorber.
    """
    found = {(atom, 0, 0, 0): ("O*", np.zeros(3))}
    front = list(found)
    # Along the bonds: silicon, its oxygens, their silicons, and the oxygens of those.
    for name in ("Si", "O", "Si", "O"):
        front = [key for start in front for key in bonded(environment, start, found, name)]
    return listed(found)


def unit_cell(environment, atom) -> tuple[Atoms, np.ndarray]:
    """Atoms of one cell of `crystal_axes` with the absorber in it, those on opposite faces, and all oxygens of their silicons; and
    the cell's corner (3,), Angstrom from the absorber."""
    axes = crystal_axes(environment)
    absorber = environment.positions[atom]
    inverse = np.linalg.inv(axes)
    place = (absorber @ environment.cell) @ inverse
    place = place - np.floor(place + EDGE)
    corner = -place @ axes
    ends = corners_of(axes) + corner
    reach = ends @ np.linalg.inv(environment.cell) + absorber
    low = np.floor(reach.min(0) - environment.positions.max(0) - EDGE).astype(int)
    high = np.ceil(reach.max(0) - environment.positions.min(0) + EDGE).astype(int)
    found = {(atom, 0, 0, 0): ("O*", np.zeros(3))}
    for image in product(*(range(a, b + 1) for a, b in zip(low, high))):
        positions = (environment.positions - absorber + image) @ environment.cell
        inside = ((positions - corner) @ inverse >= -EDGE).all(1) & ((positions - corner) @ inverse <= 1 + EDGE).all(1)
        for i in np.flatnonzero(inside):
            found.setdefault((int(i), *image), (str(environment.symbols[i]), positions[i]))
    for key in [key for key, (name, _) in found.items() if name == "Si"]:
        bonded(environment, key, found, "O")
    return listed(found), corner


def bonded(environment, key, found, name) -> list[tuple]:
    """Adds what is bonded to an atom to `found`, a dict (index, image) -> (name, position); the keys that are new."""
    added, bonds = [], environment.bonds(key[0])
    for index, image, vector in zip(bonds.index, bonds.image, bonds.vector):
        other = (int(index), *(int(a + b) for a, b in zip(key[1:], image)))
        if other not in found:
            found[other] = (name, found[key][1] + vector)
            added.append(other)
    return added


def listed(found) -> Atoms:
    """The Atoms of a dict (index, image) -> (name, position)."""
    names, positions = zip(*found.values())
    return Atoms(list(names), np.array(positions), [key[0] for key in found])


def polyhedra(environment, atoms) -> tuple[np.ndarray, np.ndarray]:
    """Corners (n, 3), Angstrom, and triangles (m, 3), numbers of corners, of the polyhedra around all silicons of Atoms."""
    corners, triangles, count = [np.empty((0, 3))], [np.empty((0, 3), int)], 0
    for name, position, index in zip(*atoms):
        around = environment.bonds(index).vector if name == "Si" else ()
        if len(around) < 4:
            continue
        corners.append(position + around)
        triangles.append(hull(around) + count)
        count += len(around)
    return np.vstack(corners), np.vstack(triangles)


def hull(corners) -> np.ndarray:
    """Triangles (m, 3) of the convex hull of corners (n, 3)."""
    if len(corners) == 4:
        return np.array(list(combinations(range(4), 3)))
    from scipy.spatial import ConvexHull

    return ConvexHull(corners).simplices


def view_direction(atoms) -> np.ndarray:
    """Unit vector (3,) from which the Si-O-Si angle of the absorber shows in its true size."""
    around = atoms.positions[1:]
    first, *others = around[: atoms.names[1:].index("O") if "O" in atoms.names[1:] else None]
    for other in others:
        normal = np.cross(first, other)
        if np.linalg.norm(normal) > 0.05:
            return normal / np.linalg.norm(normal)
    # One bond, or a straight angle: any direction across it will do.
    normal = np.cross(first, np.eye(3)[np.abs(first).argmin()])
    return normal / np.linalg.norm(normal)


def cell_direction(axes) -> np.ndarray:
    """Unit vector (3,) to look from: nearly along the normal of a and b, a little from the side, so that depth shows."""
    a, b, _ = axes / np.linalg.norm(axes, axis=1)[:, None]
    view = np.cross(a, b) / np.linalg.norm(np.cross(a, b)) + 0.35 * a + 0.22 * b
    return view / np.linalg.norm(view)


def zoom(points, direction) -> float:
    """Zoom at which points (n, 3) fill the view from a direction (3,): weas fits the box of a scene and leaves room around it."""
    low, high = points.min(0) - RADIUS, points.max(0) + RADIUS
    corners = np.array(list(product(*zip(low, high))))
    side = np.cross([0.0, 1.0, 0.0], direction)
    side = side / np.linalg.norm(side) if np.linalg.norm(side) > 1e-3 else np.array([1.0, 0.0, 0.0])
    up = np.cross(direction, side)
    extent = max(np.ptp(corners @ side), np.ptp(corners @ up) * ASPECT)
    return float((extent + MARGIN) / (ROOM * extent))


def scene(environment, atom, *, whole) -> dict:
    """All that the viewer is given for one absorber: its traits by name. whole: the unit cell instead of the surroundings."""
    axes = crystal_axes(environment)
    if whole:
        atoms, corner = unit_cell(environment, atom)
        absorber = -(corner + axes.sum(0) / 2)
        # Around the middle of the cell, so that another site of the structure is seen as the cell was turned.
        atoms, corner = atoms._replace(positions=atoms.positions + absorber), corner + absorber
        along, direction, ends = axes, cell_direction(axes), corners_of(axes) + corner
    else:
        atoms, corner, absorber = surroundings(environment, atom), np.zeros(3), np.zeros(3)
        along, direction = FARTHER * axes / np.linalg.norm(axes, axis=1)[:, None], view_direction(atoms)
        ends = along
    polar = REACH * np.eye(3)
    letters = [absorber + beyond(v) for v in polar] + [corner + beyond(v) for v in along]
    points = np.vstack([atoms.positions, ends, letters])
    corners, triangles = polyhedra(environment, atoms)
    meshes = [polyhedron_mesh(corners, triangles)] if len(triangles) else []
    return {
        "atoms": {
            "species": {"O*": "O", "Si": "Si", "O": "O"},
            "cell": [0.0] * 9,
            "pbc": [False] * 3,
            "positions": atoms.positions.tolist(),
            "symbols": atoms.names,
            "attributes": {"atom": {}, "species": {}},
        },
        "anyMesh": [*meshes, outline_mesh(ends)] if whole else meshes,
        "vectorField": {
            **{n: arrow(absorber, v, color, 0.075) for n, v, color in zip(CARTESIAN, polar, POLARIZATION)},
            **{n: arrow(corner, v, CELL, 0.05) for n, v in zip(CRYSTAL, along)},
        },
        "text": [label(name, place) for name, place in zip((*CARTESIAN, *CRYSTAL), letters)],
        "cameraSetting": {
            "direction": direction.tolist(),
            "lookAt": [0.0, 0.0, 0.0],
            "zoom": zoom(np.vstack([points, -points]), direction),
        },
    }


def corners_of(axes) -> np.ndarray:
    """The eight corners of a cell at the origin, (8, 3)."""
    return np.array(list(product((0, 1), repeat=3))) @ axes


def beyond(vector) -> np.ndarray:
    """Where the letter of an arrow stands."""
    return vector * (1 + LETTER / np.linalg.norm(vector))


def arrow(start, vector, color, radius) -> dict:
    """One arrow as the viewer takes it."""
    return {"origins": [start.tolist()], "vectors": [vector.tolist()], "color": color, "radius": radius}


def label(name, place) -> dict:
    """One letter, of a class of the style sheet, which knows the theme."""
    style = f"elnes-axis elnes-axis-{name}"
    return {"positions": [place.tolist()], "texts": [name], "className": style, "fontSize": "15px"}


def polyhedron_mesh(corners, triangles) -> dict:
    """Translucent polyhedra with their edges."""
    return mesh(
        "polyhedra", corners, triangles, color=(0.243, 0.561, 0.780), opacity=0.22, edges=(0.243, 0.561, 0.780, 0.75)
    )


def outline_mesh(ends) -> dict:
    """The edges of a cell from its eight corners (8, 3), in the order of `itertools.product`; its faces are not seen."""
    faces = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    triangles = [t for a, b, c, d in faces for t in ((a, b, c), (a, c, d))]
    return mesh("cell", ends, np.array(triangles), color=(0.5, 0.54, 0.58), opacity=0.0, edges=(0.5, 0.54, 0.58, 1.0))


def mesh(name, corners, triangles, *, color, opacity, edges) -> dict:
    """A mesh as the viewer takes it; colours are shares of red, green and blue."""
    return {
        "name": name,
        "vertices": np.ravel(corners).round(4).tolist(),
        "faces": np.ravel(triangles).tolist(),
        "color": list(color),
        "opacity": opacity,
        "position": [0.0, 0.0, 0.0],
        "materialType": "Basic",
        "smoothNormals": False,
        "showEdges": True,
        "edgeColor": list(edges),
        "depthWrite": False,
        "selectable": False,
        "layer": 1,
    }
