"""Supercells and k points of real structures, against what they are chosen for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.sources.qe.cells import (
    aliasing_sum,
    farthest,
    heights,
    k_mesh,
    same_supercell,
    special_points,
    supercell,
)


def shortest(cell: np.ndarray) -> float:
    """Length of the shortest lattice vector, by trying all that can be."""
    reach = np.ceil(12 / heights(cell)).astype(int)
    n = np.stack(np.meshgrid(*[np.arange(-t, t + 1) for t in reach], indexing="ij"), -1).reshape(-1, 3)
    return np.linalg.norm(n[n.any(1)] @ cell, axis=1).min()


@pytest.mark.parametrize("sid", ["quartz-alpha", "prototype-04", "cristobalite", "coesite", "glass-131"])
def test_core_holes_are_far_apart_in_the_smallest_such_cell(planned, sid):
    s = planned[sid]
    atoms = len(s.symbols)
    matrix, distance = supercell(s.cell, atoms, 8.5, 110)
    cells = round(abs(np.linalg.det(matrix)))
    assert distance >= 8.5 and distance == pytest.approx(shortest(matrix @ s.cell), abs=1e-6)
    assert cells * atoms <= 110
    if cells > 1:
        assert supercell(s.cell, atoms, 8.5, (cells - 1) * atoms)[1] < 8.5


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), sid=st.sampled_from(["cristobalite", "LAU", "search-1-266", "prototype-00"]))
def test_the_last_digit_does_not_choose_among_vectors_of_equal_length(planned, seed, sid):
    """Another processor rounds otherwise: the matrix must be the same, not only its lattice."""
    s = planned[sid]
    rounded = s.cell * (1 + 1e-14 * np.random.default_rng(seed).standard_normal((3, 3)))
    one, other = (supercell(cell, len(s.symbols), 8.5, 110)[0] for cell in (s.cell, rounded))
    assert (one == other).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), wanted=st.sampled_from([3.0, 5.5, 9.0]))
def test_no_supercell_is_missed_by_what_is_passed_over(seed, wanted):
    """Against all of up to six cells, one after the other: the smallest that reaches the distance, or the best."""
    from ase.geometry import minkowski_reduce

    cell = np.random.default_rng(seed).normal(size=(3, 3)) + 2.5 * np.eye(3)
    best = {}
    for n in range(1, 7):
        diagonals = [(a, c, n // a // c) for a in range(1, n + 1) for c in range(1, n + 1) if n % (a * c) == 0]
        forms = [
            [[a, b, d], [0, c, e], [0, 0, f]]
            for a, c, f in diagonals
            for b in range(c)
            for d in range(f)
            for e in range(f)
        ]
        best[n] = max(np.linalg.norm(minkowski_reduce(np.array(one) @ cell)[0], axis=1).min() for one in forms)
    enough = [n for n in best if best[n] >= wanted]
    matrix, distance = supercell(cell, 1, wanted, 6)
    if enough:
        assert round(abs(np.linalg.det(matrix))) == enough[0]
        assert distance == pytest.approx(best[enough[0]], abs=1e-5)
    else:
        assert distance == pytest.approx(max(best.values()), abs=1e-5)


def test_same_supercell_by_other_vectors():
    one = np.array([[0, -1, 1], [1, 0, 1], [0, 1, 1]])
    assert same_supercell(one, np.array([[-1, 0, -1], [0, 1, -1], [0, -1, -1]]))
    assert not same_supercell(one, np.eye(3)) and not same_supercell(one, 2 * one)
    assert not same_supercell(one, np.diag([1, 1, 2]))  # as large, another lattice


def test_where_no_cell_is_large_enough_the_best_is_taken(planned):
    cell = planned["quartz-alpha"].cell
    matrix, distance = supercell(cell, 9, 99.0, 27)
    assert abs(np.linalg.det(matrix)) <= 3.001 and distance > shortest(cell)
    assert (supercell(cell, 200, 8.5, 110)[0] == np.eye(3)).all()


def test_stored_rows_have_these_cells_and_k_points(planned, raw_results):
    for file in sorted(raw_results.glob("*/ground.npz")):
        s = planned[file.parent.name]
        matrix, distance = supercell(s.cell, len(s.symbols), 8.5, 110)
        with np.load(file) as stored:
            assert same_supercell(matrix, stored["supercell"])
            assert (k_mesh(s.cell, 18.0) == stored["kmesh"]).all()
            assert s.positions == pytest.approx(stored["positions"], abs=1e-9)
        for site, multiplicity in s.oxygens:
            with np.load(file.with_name(f"O{site}.npz")) as stored:
                assert multiplicity == stored["multiplicity"]
                assert distance == pytest.approx(float(stored["image_distance"]))
                assert aliasing_sum(stored["supercell"] @ s.cell, stored["kpoints"]) == pytest.approx(
                    float(stored["aliasing"]), rel=1e-6
                )
                assert stored["aliasing"] < 1e-4


def test_special_points_are_as_few_as_do(planned):
    s = planned["quartz-alpha"]
    cell = supercell(s.cell, 9, 8.5, 110)[0] @ s.cell
    points, left = special_points(cell, 1e-4)
    assert left < 1e-4 and left == pytest.approx(aliasing_sum(cell, points), rel=1e-9)
    assert left < aliasing_sum(cell, np.zeros((1, 3))) / 10  # Gamma alone, which looks smooth and is wrong by 20 %
    assert special_points(cell, 1e-4, most=len(points) - 1)[1] >= 1e-4
    assert special_points(cell, 0.0, most=2)[0].shape == (2, 3)  # the most it may, where none are enough


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 4), st.floats(5, 8))
def test_a_regular_mesh_leaves_only_the_vectors_of_its_own_supercell(n, side):
    cell = np.diag([side, side * 1.1, side * 0.9])
    mesh = np.stack(np.meshgrid(*[np.arange(n) / n] * 3, indexing="ij"), -1).reshape(-1, 3)
    assert aliasing_sum(cell, mesh) == pytest.approx(aliasing_sum(cell * n, np.zeros((1, 3))), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "cell, far",
    [
        (np.eye(3), np.sqrt(3) / 2),  # the middle of the cube
        (np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), 0.5),  # face-centered: the octahedral hole
        (
            np.array([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]]),
            np.sqrt(5) / 4,
        ),  # body-centered: the tetrahedral one
        (np.diag([1.0, 1, 3]), np.sqrt(0.25 + 0.25 + 2.25)),
    ],
)
@pytest.mark.parametrize("skewed", [np.eye(3, dtype=int), np.array([[1, 3, 0], [0, 1, -2], [0, 0, 1]])])
def test_the_farthest_point_of_known_lattices(cell, far, skewed):
    assert farthest(10 * skewed @ cell) == pytest.approx(10 * far)
