"""Nets: published coordination sequences, and one name for every cell, order and distortion of one net."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.nets import SHELLS, coordination_sequences, net_name
from elnes_lab.structure import Environment

RAW = Path(__file__).parents[1] / "data" / "raw"
# Nets qtz, dia and sod: M. O'Keeffe, Z. Kristallogr. 196, 21 (1991); the Atlas of Zeolite Framework Types for SOD, ABW.
PUBLISHED = {
    "quartz-alpha": (4, 12, 30, 52, 80, 116, 156, 204, 258, 318),
    "quartz-beta": (4, 12, 30, 52, 80, 116, 156, 204, 258, 318),
    "cristobalite": (4, 12, 24, 42, 64, 92, 124, 162, 204, 252),
    "SOD": (4, 10, 20, 34, 52, 74, 100, 130, 164, 202),
    "ABW": (4, 10, 21, 36, 54, 78, 106, 136, 173, 214),
}


def load(name: str) -> Environment:
    with np.load(RAW / name / "ground.npz") as ground:
        return Environment(ground["cell"], ground["symbols"], ground["positions"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sequences(name):
    sequences = load(name).coordination_sequences
    assert np.unique(sequences[:, :10], axis=0).tolist() == [list(PUBLISHED[name])]
    assert load(name).net.startswith(f"{1 + sum(PUBLISHED[name])}-")


def test_octahedra_sharing_edges_and_corners():
    """Rutile's cation net: 2 neighbors over edges and 8 over corners; k-th shell 8 k^2 + 2 (O'Keeffe, 1991)."""
    sequences = load("stishovite").coordination_sequences
    assert sequences.tolist() == [[8 * k * k + 2 for k in range(1, SHELLS + 1)]] * 2


def test_polymorphs_of_one_net_agree_and_others_differ():
    names = ["quartz-alpha", "cristobalite", "coesite", "stishovite", "MON", "SOD", "ABW", "glass-131", "glass-200"]
    nets = {name: load(name).net for name in names}
    assert len(set(nets.values())) == len(names)
    assert load("quartz-beta").net == nets["quartz-alpha"]
    beta = Environment(
        7.4 * np.eye(3),
        ["Si"] * 8 + ["O"] * 16,
        [  # ideal beta-cristobalite, Fd-3m
            *(np.add(face, shift) for face in FACES for shift in (0.0, 0.25)),
            *(
                np.add(face, bond)
                for face in FACES
                for bond in np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 8
            ),
        ],
    )
    assert beta.net == nets["cristobalite"]


FACES = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]


def test_layers_and_molecules_end_or_grow_slowly():
    """An isolated Si-O-Si: one neighbor and no more; a chain of one silicon a cell: two in every shell."""
    molecule = Environment(20 * np.eye(3), ["Si", "Si", "O"], [[0, 0, 0], [0.16, 0, 0], [0.08, 0, 0]])
    assert molecule.coordination_sequences.tolist() == [[1] + [0] * (SHELLS - 1)] * 2
    chain = Environment(np.diag([3.2, 20, 20]), ["Si", "O"], [[0, 0, 0], [0.5, 0, 0]])
    assert chain.coordination_sequences.tolist() == [[2] * SHELLS]
    alone = Environment(20 * np.eye(3), ["Si", "O"], [[0, 0, 0], [0.08, 0, 0]])
    assert alone.coordination_sequences.tolist() == [[0] * SHELLS] and alone.net.startswith("1-")


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(["quartz-alpha", "stishovite", "prototype-25", "prototype-08"]), st.integers(0, 10**6), st.data()
)
def test_same_net_in_any_cell_order_and_distortion(name, seed, data):
    small, random = load(name), np.random.default_rng(seed)
    lower = data.draw(st.tuples(*[st.integers(1, 2)] * 3, *[st.integers(-2, 2)] * 3))
    matrix = np.array([[lower[0], 0, 0], [lower[3], lower[1], 0], [lower[4], lower[5], lower[2]]])
    shifts = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3, indexing="ij"), -1).reshape(-1, 3)
    inside = shifts @ np.linalg.inv(matrix)
    shifts = shifts[np.all((inside > -1e-9) & (inside < 1 - 1e-9), axis=1)]
    assert len(shifts) == round(abs(np.linalg.det(matrix)))
    cell = matrix @ small.cell
    positions = (small.positions[:, None] + shifts).reshape(-1, 3) @ np.linalg.inv(matrix)
    positions += random.normal(0, 0.02, positions.shape) @ np.linalg.inv(cell)  # Angstrom; no bond breaks
    positions += random.integers(-1, 2, positions.shape)  # other images of the same atoms
    order = random.permutation(len(positions))
    large = Environment(cell, np.repeat(small.symbols, len(shifts))[order], positions[order])
    assert large.net == small.net


def test_name_is_that_of_the_shares_not_of_the_cell():
    one, other = np.arange(SHELLS), np.arange(SHELLS)[::-1]
    assert net_name(np.array([one, other])) == net_name(np.array([other, other, one, one]))
    assert net_name(np.array([one, other])) != net_name(np.array([one, one, other]))


def test_several_oxygens_between_two_silicons_are_one_link():
    index = [np.array([1, 2]), np.array([0, 3]), np.array([0, 3]), np.array([1, 2])]
    image = [np.zeros((2, 3), int)] * 4
    assert coordination_sequences(index, image, [0, 3], 3).tolist() == [[1, 0, 0], [1, 0, 0]]
