"""The Koster-Slater response: limits that are known in closed form, sum rules, and that directions are alike."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.learning.choices import InputChoice, TargetChoice
from elnes_lab.learning.dataset import Dataset, usable
from elnes_lab.learning.directions import BLOCKS, STRENGTHS, along, as_target, samples
from elnes_lab.learning.response import WIDTH, green, response
from elnes_lab.schema import CHANNELS

STEP = 0.2
ENERGY = np.arange(-160, 160.01, STEP)


def lorentzian(center, width):
    return width / np.pi / ((ENERGY - center) ** 2 + width**2)


def test_green_function_of_a_lorentzian_is_a_pole():
    """The density of one level of half width w has G = 1 / (E - center + i (w + width))."""
    real, density = green(ENERGY, lorentzian(3.0, 1.0))
    exact = 1 / (ENERGY - 3.0 + 1j * (1.0 + WIDTH))
    inside = np.abs(ENERGY) < 50
    np.testing.assert_allclose(real[inside], exact.real[inside], atol=2e-3)
    np.testing.assert_allclose(density[inside], -exact.imag[inside] / np.pi, atol=1e-3)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_level_moves_by_the_potential(strength):
    """G / (1 - U G) of a pole at E0 is the pole at E0 + U with the same width: Koster and Slater's exact case."""
    found = response(ENERGY, lorentzian(30.0, 1.0), strength)
    inside = np.abs(ENERGY) < 60
    np.testing.assert_allclose(found[inside], lorentzian(30.0 + strength, 1.0 + WIDTH)[inside], atol=2e-3)


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(0.5, 3.0)), min_size=1, max_size=4), st.floats(-40, -1))
def test_response_keeps_the_number_of_states_and_moves_them_down(levels, strength):
    """Sum rule: the integral stays. An attractive potential lowers the mean energy."""
    density = np.mean([lorentzian(*level) for level in levels], axis=0)
    bare, moved = response(ENERGY, density, 0.0), response(ENERGY, density, strength)
    assert (moved > 0).all()
    assert moved.sum() * STEP == pytest.approx(bare.sum() * STEP, abs=0.03)
    assert (moved * ENERGY).sum() < (bare * ENERGY).sum()


@given(st.floats(-1e-5, 0))
def test_without_a_potential_the_density_comes_back(strength):
    density = lorentzian(-3.0, 0.8) + 0.5 * lorentzian(6.0, 2.0)
    np.testing.assert_allclose(response(ENERGY, density, strength), green(ENERGY, density)[1], rtol=1e-4)


@pytest.fixture(scope="module")
def few(shipped):
    rows = shipped[usable(shipped, InputChoice(), TargetChoice())[0]]
    return rows[np.flatnonzero(rows["kind"] == "crystal")[:24:2]]


def test_directions_of_real_sites(few):
    """Their mean is the isotropic target, p_x + p_y + p_z is O p, and subsets carry their directions along."""
    data = Dataset.from_database(few, InputChoice(directed=True))
    found = data.directed
    np.testing.assert_allclose(as_target(found.targets, data.target), data.targets, atol=1e-5)
    np.testing.assert_allclose(found.inputs[:, :, 0].sum(1), data.inputs[:, 0], atol=1e-3)
    np.testing.assert_array_equal(data.subset([5, 2]).directed.inputs, found.inputs[[5, 2]])
    flat = samples(data)
    assert flat.inputs.shape == (3 * len(data), len(BLOCKS), data.choice.bins)
    np.testing.assert_array_equal(flat.targets[4], found.targets[1, 1])
    assert flat.sites[4] == data.sites[1]


def test_response_brings_the_pdos_nearer_to_the_spectrum(few):
    """What the response is for: best-scaled, it is a better spectrum than the PDOS it came from, at every site."""
    data = Dataset.from_database(few, InputChoice(directed=True))
    wanted = np.stack([np.interp(data.energy, data.target_energy, row) for row in data.targets])
    left = []
    for k in range(3):
        x = data.directed.inputs[:, :, k].mean(1)
        scale = (x * wanted).sum(1) / (x * x).sum(1)
        left.append(((scale[:, None] * x - wanted) ** 2).mean(1))
    assert np.median(left[2] / left[0]) < 0.8


def test_axes_turned_into_one_another_turn_the_inputs(few):
    turned = few.pdos.copy()
    x, y, z = (CHANNELS.index(f"O p{a}") for a in "xyz")
    turned[:, [x, y, z]] = turned[:, [y, z, x]]
    before = along(few.pdos_energy, few.pdos).reshape(len(few), 3, -1)
    after = along(few.pdos_energy, turned).reshape(len(few), 3, -1)
    np.testing.assert_allclose(after, before[:, [1, 2, 0]], rtol=1e-5)


def test_datasets_without_directions_say_what_to_do(few):
    with pytest.raises(DataError, match="directed=True"):
        samples(Dataset.from_database(few))
    with pytest.raises(DataError, match="directed is true or false"):
        InputChoice(directed="yes")
    assert InputChoice.from_dict(dataclasses.replace(InputChoice(), directed=True).to_dict()).directed
