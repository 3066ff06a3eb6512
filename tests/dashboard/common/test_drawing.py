"""What the 3-D view is given, without a browser: atoms, polyhedra, cell and arrows, against the structures themselves."""

import json

import numpy as np
import pytest

import elnes_lab
from elnes_lab.axes import crystal_axes
from elnes_lab.dashboard.common import drawing
from elnes_lab.structure import Environment

KINDS = {"quartz-alpha": 4, "stishovite": 8, "coesite": 4}  # structure: triangles of one of its polyhedra


@pytest.fixture(scope="module")
def environments():
    db = elnes_lab.open_database()
    return {name: Environment.of(db.atoms(name)) for name in KINDS}


def keys(positions):
    return {tuple(row) for row in np.round(positions, 2) + 0.0}


@pytest.mark.parametrize("name", KINDS)
def test_around_a_site_every_silicon_has_all_its_oxygens(environments, name):
    environment = environments[name]
    for atom, _ in environment.inequivalent_oxygens:
        atoms = drawing.surroundings(environment, atom)
        assert atoms.names[0] == "O*" and "O*" not in atoms.names[1:] and not atoms.positions[0].any()
        assert len(keys(atoms.positions)) == len(atoms.names), "an atom is drawn twice"
        silicon = atoms.positions[[n == "Si" for n in atoms.names]]
        bonded = environment.bonds(atom).vector
        np.testing.assert_allclose(silicon[: len(bonded)], bonded)
        corners, triangles = drawing.polyhedra(environment, atoms)
        assert len(triangles) == KINDS[name] * len(silicon)
        assert keys(corners) <= keys(atoms.positions[[n != "Si" for n in atoms.names]])


@pytest.mark.parametrize("name", KINDS)
def test_the_unit_cell_holds_what_the_structure_holds(environments, name):
    environment = environments[name]
    axes = crystal_axes(environment)
    for atom, _ in environment.inequivalent_oxygens:
        atoms, corner = drawing.unit_cell(environment, atom)
        places = (atoms.positions - corner) @ np.linalg.inv(axes)
        inside = (places >= -drawing.EDGE).all(1) & (places < 1 - drawing.EDGE).all(1)
        times = round(np.linalg.det(axes) / np.linalg.det(environment.cell))
        wanted = {symbol: times * int((environment.symbols == symbol).sum()) for symbol in ("Si", "O")}
        found = [atoms.names[i].strip("*") for i in np.flatnonzero(inside)]
        assert {symbol: found.count(symbol) for symbol in wanted} == wanted
        assert inside[0] and atoms.names[0] == "O*"
        _, triangles = drawing.polyhedra(environment, atoms)
        assert len(triangles) == KINDS[name] * atoms.names.count("Si")


def test_a_primitive_cell_is_drawn_as_its_conventional_cell():
    half = 7.16 / 2
    primitive = Environment(
        half * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        ["Si"] * 2 + ["O"] * 4,
        [[0, 0, 0], [0.25] * 3, [0.125] * 3, [0.625, 0.125, 0.125], [0.125, 0.625, 0.125], [0.125, 0.125, 0.625]],
    )
    atoms, corner = drawing.unit_cell(primitive, 2)
    places = (atoms.positions - corner) @ np.linalg.inv(crystal_axes(primitive))
    inside = (places >= -drawing.EDGE).all(1) & (places < 1 - drawing.EDGE).all(1)
    assert inside.sum() == 24  # Si8O16


def test_the_outline_is_the_surface_of_the_cell(environments):
    axes = crystal_axes(environments["coesite"])
    mesh = drawing.outline_mesh(drawing.corners_of(axes))
    corners, triangles = np.reshape(mesh["vertices"], (-1, 3)), np.reshape(mesh["faces"], (-1, 3))
    first, second, third = corners[triangles].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2
    a, b, c = axes
    assert area == pytest.approx(
        2 * sum(np.linalg.norm(np.cross(*pair)) for pair in ((a, b), (b, c), (c, a))), rel=1e-4
    )


@pytest.mark.parametrize("whole", [False, True])
def test_the_scene_is_plain_and_its_arrows_are_the_axes(environments, whole):
    environment = environments["quartz-alpha"]
    first, second = (int(i) for i in environment.oxygens[:2])
    scene = drawing.scene(environment, first, whole=whole)
    json.dumps(scene)
    arrows = scene["vectorField"]
    for name, wanted in zip("xyzabc", (*np.eye(3), *crystal_axes(environment))):
        (vector,) = np.array(arrows[name]["vectors"])
        np.testing.assert_allclose(vector / np.linalg.norm(vector), wanted / np.linalg.norm(wanted), atol=1e-9)
    absorber = scene["atoms"]["positions"][0]
    assert all(arrows[name]["origins"] == [absorber] for name in "xyz")
    assert {label["texts"][0] for label in scene["text"]} == set("xyzabc")
    other = drawing.scene(environment, second, whole=whole)
    if whole:  # another site in the cell that was turned: the cell stays where it is
        assert other["anyMesh"][-1] == scene["anyMesh"][-1] and other["vectorField"]["a"] == arrows["a"]
        assert keys(scene["atoms"]["positions"]) == keys(other["atoms"]["positions"])
    else:
        assert absorber == other["atoms"]["positions"][0] == [0.0, 0.0, 0.0]


def test_the_zoom_fills_the_view(environments):
    points = np.array([[5.0, 3, 0], [-5, -3, 0]])
    near, far = (drawing.zoom(scale * points, np.array([0.0, 0, 1])) for scale in (1, 3))
    for scale, zoom in ((1, near), (3, far)):  # what weas shows of it: its box with room, by the zoom
        height = max(2 * (5 * scale + drawing.RADIUS), drawing.ASPECT * 2 * (3 * scale + drawing.RADIUS))
        assert (height + drawing.MARGIN) / zoom == pytest.approx(drawing.ROOM * height)
