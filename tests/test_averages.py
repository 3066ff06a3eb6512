"""Averages over the sites of structures, of real spectra."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.averages import averages
from elnes_lab.measured import Library
from elnes_lab.spectra import RMS_WINDOW, Broadening, group_average


@pytest.fixture(scope="module")
def several(shipped):
    """Structures with the most sites, a complete one and one that is not if there are, and alpha-quartz."""
    every = shipped["structure"].astype(str)
    oxygens = {name: shipped.atoms(name).get_chemical_symbols().count("O") for name in dict.fromkeys(every)}
    weights = {name: shipped["multiplicity"][every == name].sum() for name in oxygens}
    whole = [name for name in oxygens if weights[name] == oxygens[name] and (every == name).sum() > 2]
    part = [name for name in oxygens if weights[name] < oxygens[name]]
    return [whole[0], *part[:1], "quartz-alpha"]


def test_a_group_average_is_the_weighted_mean_in_the_order_of_the_rows():
    values = np.array([[1.0, 2.0], [3.0, 5.0], [10.0, 20.0]])
    labels, means = group_average(values, ["b", "b", "a"], [1, 3, 2])
    assert labels.tolist() == ["b", "a"]
    np.testing.assert_allclose(means, [[2.5, 4.25], [10, 20]])
    shuffled = group_average(values[[2, 0, 1]], ["a", "b", "b"], [2, 1, 3])
    np.testing.assert_allclose(shuffled[1], means[::-1])
    unknown = group_average([[np.nan], [1.0]], ["a", "b"], [1, 1])[1]
    assert np.isnan(unknown[0, 0]) and unknown[1, 0] == 1  # one group does not spoil another


@pytest.mark.parametrize("weights, words", [([1, -1], "spectrum 1"), ([0, 1], "All weights of a"), ([1], "one weight")])
def test_weights_that_are_none_are_refused(weights, words):
    with pytest.raises(DataError, match=words):
        group_average([[1.0], [2.0]], ["a", "b"], weights)


def test_an_average_is_that_of_the_matching_library(shipped, several):
    found, library = averages(shipped, several, zero="loss"), Library(shipped)
    for name, curve in zip(several, found.intensity):
        known = np.isfinite(curve)
        theirs = np.interp(found.energy[known], library.energy, library.raw[library.find(name)])
        assert np.abs(theirs - curve[known]).max() < 1e-3 * curve[known].max()


def test_an_average_says_how_much_of_the_oxygen_it_stands_for(shipped, several):
    found = averages(shipped, several)
    every = shipped["structure"].astype(str)
    for i, name in enumerate(several):
        rows = shipped[every == name]
        assert found.sites[i] == len(rows) and found.oxygens[i] == rows["multiplicity"].sum()
        assert found.cell[i] == shipped.atoms(name).get_chemical_symbols().count("O")
    assert "all of its O" in found.titles[0] and "average of 1 site," in found.titles[-1]
    part = found.share < 1
    assert all(("% of its O" in title) == incomplete for title, incomplete in zip(found.titles, part))


def test_sites_of_one_structure_alone_average_to_themselves(shipped):
    """Alpha-quartz has one kind of oxygen: its average is its spectrum, on every zero and with every broadening."""
    row = shipped[["quartz-alpha/O3"]]
    for zero in ("vbm", "onset", "loss"):
        found = averages(shipped, ["quartz-alpha"], zero=zero, fwhm=Broadening(0.4, 0.0, 0.1), channel="O p")
        energy, values = row.curves(zero=zero, fwhm=Broadening(0.4, 0.0, 0.1))
        mine = np.interp(energy, found.energy, found.intensity[0])
        inside = np.isfinite(values[0]) & np.isfinite(mine) & (energy > energy[0] + 6)
        assert inside.sum() > 300
        assert np.abs(mine - values[0])[inside].max() < 3e-3 * np.nanmax(values)
        states_at, states = row.pdos_curves("O p", zero=zero, fwhm=0.4)
        mine = np.interp(states_at, found.pdos_energy, found.pdos[0])
        inside = np.isfinite(states[0]) & np.isfinite(mine)
        assert np.abs(mine - states[0])[inside].max() < 5e-3 * np.nanmax(states)


def test_normalised_averages_have_mean_one_in_the_window_of_their_structure(shipped, several):
    plain, scaled = (averages(shipped, several, normalized=normalized) for normalized in (False, True))
    inside = (scaled.energy > RMS_WINDOW[0] - 0.01) & (scaled.energy < RMS_WINDOW[1] + 0.01)
    np.testing.assert_allclose(scaled.intensity[:, inside].mean(axis=1), 1, rtol=5e-3)
    ratio = plain.intensity[:, inside] / scaled.intensity[:, inside]
    np.testing.assert_allclose(ratio / ratio[:, :1], 1, rtol=1e-6)


def test_unknown_structures_are_named_and_the_order_is_kept(shipped, several):
    there, back = averages(shipped, several), averages(shipped, several[::-1])
    np.testing.assert_allclose(there.intensity[0], back.intensity[-1][: there.intensity.shape[1]], rtol=1e-9)
    with pytest.raises(DataError, match="quarz-alpha"):
        averages(shipped, ["quarz-alpha"])
