"""x, y, z beside a, b, c: textbook lattices, primitive cells of centred ones, and what turning a crystal does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.axes import CARTESIAN, angles, conventional, crystal_axes, directions, sentence
from elnes_lab.errors import DataError
from elnes_lab.structure import Environment

HEXAGONAL = np.array([[4.91, 0, 0], [-4.91 / 2, 4.91 * np.sqrt(3) / 2, 0], [0, 0, 5.40]])
# Beta-cristobalite, ideal, Fd-3m (Wyckoff, Am. Mineral. 10, 107 (1925)): silicon as the atoms of diamond, oxygen half-way.
DIAMOND = 7.16
FACES = DIAMOND / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
SILICON = np.array([[0, 0, 0], [0.25, 0.25, 0.25]])
OXYGEN = np.array([[1, 1, 1], [5, 1, 1], [1, 5, 1], [1, 1, 5]]) / 8


def cristobalite(turn=1.0):
    return Environment(
        FACES @ np.transpose(turn * np.eye(3) if np.ndim(turn) == 0 else turn),
        ["Si"] * 2 + ["O"] * 4,
        np.vstack([SILICON, OXYGEN]),
    )


def test_a_hexagonal_lattice_is_described_as_a_crystallographer_would():
    assert [str(one) for one in directions(HEXAGONAL)] == ["x ∥ a", "y is 30° from b (⊥ a and c)", "z ∥ c"]
    np.testing.assert_allclose(angles(HEXAGONAL), [[0, 60, 90], [90, 30, 90], [90, 90, 0]], atol=1e-6)


def test_a_relaxed_cell_that_is_a_little_off_still_lies_along_its_axes():
    off = HEXAGONAL + np.array([[0, 0.01, 0], [0, 0, 0.02], [0.01, 0, 0]])
    assert [one.parallel for one in directions(off)] == [True, False, True]
    tilted = HEXAGONAL + np.array([[0, 0.15, 0], [0, 0, 0], [0, 0, 0]])  # by 1.75 degrees
    assert str(directions(tilted)[0]) == "x is 1.7° from a (⊥ c)"


@settings(max_examples=40, deadline=None)
@given(st.floats(0.7, 29.3), st.sampled_from([1, -1]))
def test_turning_a_crystal_about_c_turns_x_and_y_and_leaves_z(turn, sense):
    c, s = np.cos(np.radians(turn)), sense * np.sin(np.radians(turn))
    found = directions(HEXAGONAL @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]))
    assert found[0].angle == pytest.approx(turn) and found[0].nearest == "a"
    assert found[2].parallel and found[2].nearest == "c"
    # The sense of a polarization, and that of an axis, mean nothing.
    np.testing.assert_allclose(angles(HEXAGONAL * [[1], [-1], [-1]]), angles(HEXAGONAL))


def test_a_primitive_cell_of_a_centred_lattice_has_the_axes_of_its_conventional_cell():
    environment = cristobalite()
    axes = crystal_axes(environment)
    assert conventional(environment) and environment.space_group[1] == 227
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), DIAMOND)
    assert np.linalg.det(axes) == pytest.approx(4 * environment.volume)
    said = sentence(environment)
    assert all(f"{name} ∥" in said for name in CARTESIAN) and "a, b, c of the conventional cell" in said
    # Whatever way the crystal is turned, its axes turn with it: every vector of the lattice stays one.
    turn, _ = np.linalg.qr(np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]]))
    turned = crystal_axes(cristobalite(turn))
    np.testing.assert_allclose(turned @ turned.T, DIAMOND**2 * np.eye(3), atol=1e-6)
    whole = turned @ np.linalg.inv(FACES @ turn.T)
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-6)
    assert "Beside the axes of the conventional cell" in sentence(cristobalite(turn))


def test_an_axis_without_a_length_is_refused():
    with pytest.raises(DataError, match="length"):
        angles(np.diag([1.0, 1.0, 0.0]))
