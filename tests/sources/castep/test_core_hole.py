"""The spectrum: sum rule, symmetry, and the check against OptaDOS's own."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.castep import core_hole
from elnes_lab.sources.castep.cell import Cell
from elnes_lab.sources.castep.run import read_run
from elnes_lab.structure import Environment


@pytest.fixture
def run(calculations, tmp_path):
    folder = shutil.copytree(calculations / "stishovite" / "holes", tmp_path / "holes")
    return read_run(folder / "hole.castep")


@pytest.fixture
def crystal(calculations):
    cell = read_run(calculations / "stishovite" / "ground" / "stishovite.castep").cell
    return Environment(cell.cell, cell.symbols, cell.positions)


def test_the_hole_is_found_in_the_crystal(run, crystal, files):
    found = core_hole.place(run, crystal)
    with np.load(files.RAW / "stishovite" / "ground.npz") as stored:
        np.testing.assert_array_equal(found.matrix, stored["supercell"])
    assert found.site == 2


def test_a_hole_on_an_equivalent_atom_is_turned_to_the_first(calculations, crystal):
    """Each equivalent oxygen of stishovite, its elements turned with it, gives the polarized spectra of the first."""
    run = read_run(calculations / "stishovite" / "holes" / "hole.castep")
    energy, expected = core_hole.spectrum(run, np.eye(3), 30.0)
    for atom in range(3, 6):
        site, rotation = crystal.to_representative(atom)
        assert site == 2
        tensor = np.einsum("a,ab->ab", expected[:, 100], np.eye(3))
        seen = rotation.T @ tensor @ rotation  # what a calculation with the hole on this atom finds
        np.testing.assert_allclose(np.diag(rotation @ seen @ rotation.T), expected[:, 100], rtol=1e-9)
        bonds = crystal.bonds(atom).vector @ rotation.T
        first = crystal.bonds(2).vector
        assert all(np.linalg.norm(first - bond, axis=1).min() < 0.05 for bond in bonds)


def test_the_spectrum_holds_the_strength_of_the_states_above_the_gap(run):
    from elnes_lab.sources.castep.matrix import read_matrix

    homo, lumo, neutral = core_hole.levels_of(run)
    elements = read_matrix(
        run.file(".elnes_bin") if run.file(".elnes_bin").exists() else run.file(".eels_mat"),
        lambda orbitals: core_hole.core_level(run, orbitals, "x"),
    )[1]
    energy, strength = core_hole.spectrum(run, np.eye(3), 40.0)
    states = (np.abs(elements) ** 2).sum(-1)[run.bands.levels > (homo + lumo) / 2].sum()
    assert neutral
    assert strength.sum() * 0.1 == pytest.approx(
        states, rel=0.06
    )  # the rest is in the Lorentzian's tails and above 40 eV


def test_symmetry_reduced_k_points_are_averaged_or_refused(run, monkeypatch):
    """With a fourfold axis along z the spectra for x and y are the mean of both, whatever part of the k points was
    kept."""
    energy, (x, y, z) = core_hole.spectrum(run, np.eye(3), 30.0)
    text = run.path.read_text()
    run.path.write_text(text.replace("symmetry operations   =           1", "symmetry operations   =           4"))
    with pytest.raises(DataError, match="by 4 operations where the cell with its hole has 1"):
        core_hole.spectrum(read_run(run.path), np.eye(3), 30.0)
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    monkeypatch.setattr(
        core_hole, "site_operations", lambda run: np.array([np.linalg.matrix_power(turn, n) for n in range(4)])
    )
    _, averaged = core_hole.spectrum(read_run(run.path), np.eye(3), 30.0)
    np.testing.assert_allclose(averaged, [(x + y) / 2, (x + y) / 2, z], rtol=1e-9)


def test_operations_leave_the_hole_where_it_is():
    """The hole in a row of oxygens between silicons, in a tetragonal cell: 16 operations."""
    cell = Cell(
        np.diag([4.0, 4.0, 6.4]),
        ("O:exc", "Si", "O", "Si"),
        np.array([[0, 0, 0], [0, 0, 0.25], [0, 0, 0.5], [0, 0, 0.75]]),
    )
    run = SimpleNamespace(cell=cell, seed="hole", report=SimpleNamespace(hole="O:exc", symmetries=16))
    found = core_hole.site_operations(run)
    assert len(found) == 16
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.tile(np.eye(3), (16, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)  # no direction is left by all of them


def test_the_core_edge_of_optados_must_be_the_same_spectrum(run, files):
    energy, strength = core_hole.spectrum(run, np.eye(3), 30.0)
    path = run.file("_core_edge.dat")
    path.write_text(files.core_edge_file(energy + 3.21, strength.mean(0)))
    core_hole.spectrum(run, np.eye(3), 30.0)
    path.write_text(files.core_edge_file(energy + 3.21, strength.mean(0)[::-1]))
    with pytest.raises(DataError, match="another spectrum"):
        core_hole.spectrum(run, np.eye(3), 30.0)
