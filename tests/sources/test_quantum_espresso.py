"""The checks that a computed spectrum must pass, on spectra of known shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.sources.checks import check_spectrum
from elnes_lab.sources.quantum_espresso import read_ground, read_site

ENERGY = np.linspace(-5, 40, 451)


def edge(onset: float, tail: float = 0.0) -> np.ndarray:
    """Three equal spectra: a step of unit height at `onset`, and `tail` below it."""
    return np.tile(np.where(ENERGY >= onset, 1.0, tail), (3, 1))


@settings(max_examples=50, deadline=None)
@given(gap=st.floats(1, 9), height=st.floats(1e-9, 1e9), tail=st.floats(-0.019, 0.19))
def test_an_edge_above_the_gap_passes_whatever_its_height(gap, height, tail):
    check_spectrum(ENERGY, height * edge(gap, tail), gap)


@settings(max_examples=50, deadline=None)
@given(gap=st.floats(1, 9), height=st.floats(1e-9, 1e9), depth=st.floats(-0.9, -0.0201))
def test_negative_strength_fails_in_one_polarization_too(gap, height, depth):
    strength = edge(gap)
    strength[1, 200] = depth  # at 15 eV
    with pytest.raises(DataError, match="below -2%"):
        check_spectrum(ENERGY, height * strength, gap)


@pytest.mark.parametrize("gap, strength", [(5.0, edge(1.0)), (5.0, edge(50.0, 1.0)), (5.0, np.zeros((3, 451)))])
def test_no_edge_where_the_gap_says(gap, strength):
    with pytest.raises(DataError, match="no edge"):
        check_spectrum(ENERGY, strength, gap)


def test_real_files_carry_what_the_rules_need(raw_results):
    ground = read_ground(raw_results / "quartz-alpha" / "ground.npz")
    site = read_site(raw_results / "quartz-alpha" / "O3.npz", ground)
    assert ground.structure == "quartz-alpha" and list(ground.symbols) == ["Si"] * 3 + ["O"] * 6
    assert ground.symbols[site.site] == "O" and site.multiplicity == 6
    assert site.strength.shape == (3, len(site.energy)) and ground.pdos_pxyz.shape == (9, 3, len(ground.energy))


def test_settings_of_rows_from_before_they_were_recorded(raw_results, tmp_path):
    """Without a word: those of the first rows; without the number of Lanczos steps: 300 of them."""
    import shutil

    folder = shutil.copytree(raw_results / "quartz-alpha", tmp_path / "quartz-alpha")
    with np.load(folder / "O3.npz") as file:
        arrays = {key: file[key] for key in file if key not in ("settings", "iterations")}
    ground = read_ground(folder / "ground.npz")
    for more, says in (
        ({}, "iterations=300"),
        ({"iterations": 400}, "original"),
        ({"iterations": 500, "settings": "image_distance=12 max_atoms=1000"}, "image_distance=12 max_atoms=1000"),
    ):
        np.savez(folder / "O3.npz", **arrays, **more)
        assert read_site(folder / "O3.npz", ground).settings == says
    for wrong in ("two words", "a=1\nb=2", "x" * 400, "grid="):
        np.savez(folder / "O3.npz", **arrays, settings=wrong)
        with pytest.raises(DataError, match="NAME=VALUE"):
            read_site(folder / "O3.npz", ground)
