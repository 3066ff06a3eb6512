"""Filters, selection and curves of the Browse panel, without widgets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import DataError, open_database
from elnes_lab.dashboard.browse.model import MAX_CURVES, BrowseModel
from elnes_lab.dashboard.common.words import ALL, symbol
from elnes_lab.figures.overview import spectral_map
from elnes_lab.figures.style import curve_style
from elnes_lab.spectra import LIFETIME_SLOPE, Broadening


def test_filters_combine_and_reset(synthetic):
    model = BrowseModel(synthetic)
    assert len(model.visible) == 1189
    model.set_choice("kind", "amorphous")
    assert set(synthetic["kind"][model.visible]) == {"amorphous"}
    model.set_range("band_gap", 5.0, 5.5)
    gaps = synthetic["band_gap"][model.visible]
    assert len(gaps) and gaps.min() >= 4.99 and gaps.max() <= 5.51
    both = len(model.visible)
    model.text = "MODEL-07"
    assert 0 < len(model.visible) < both
    model.set_choice("kind", ALL)
    assert len(model.visible) > 1
    model.select(model.labels[:2])
    model.reset()
    assert len(model.visible) == 1189 and model.selection == tuple(model.labels[:2])


def test_coordination_is_filtered_by_its_text(synthetic):
    model = BrowseModel(synthetic)
    assert [value for _, value in model.options("coordination")] == ["2", "3"]
    model.set_choice("coordination", "3")
    assert set(synthetic["coordination"][model.visible]) == {3}


def test_full_range_keeps_sites_without_the_quantity(synthetic):
    model = BrowseModel(synthetic)
    low, high = model.extent("si_o_si_angle")
    missing = np.isnan(synthetic["si_o_si_angle"]).sum()
    model.set_range("si_o_si_angle", low + 5, high)
    assert not np.isnan(synthetic["si_o_si_angle"][model.visible]).any()
    model.set_range("si_o_si_angle", low, high)
    assert len(model.visible) == 1189 and missing > 0


@pytest.mark.parametrize("column", ["band_gap", "si_o_mean", "si_o_si_angle"])
def test_extent_holds_every_value(synthetic, column):
    low, high = BrowseModel(synthetic).extent(column)
    values = synthetic[column][np.isfinite(synthetic[column])]
    assert low <= values.min() and values.max() <= high


@pytest.mark.parametrize("text", ["[", "(.*)", "a" * 500, "__import__('os')", "\\", "Ω"])
def test_search_is_plain_text(synthetic, text):
    model = BrowseModel(synthetic, text=text)
    assert len(model.visible) == 0


def test_search_finds_space_groups_as_written_and_as_shown(synthetic):
    assert symbol("P3_221") == "P3₂21" and symbol("P6_3/mmc") == "P6₃/mmc"
    found = [BrowseModel(synthetic, text=text).visible for text in ("p3_221", "P3₂21")]
    np.testing.assert_array_equal(*found)
    assert len(found[0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 59), max_size=40), min_size=1, max_size=8), st.booleans())
def test_a_curve_keeps_its_colour_while_it_is_selected(steps, add):
    from collections import Counter

    model = BrowseModel(open_database(verify=False))
    labels = model.labels[:60]
    for step in steps:
        before = dict(model.slots)
        model.select([labels[i] for i in step], add=add)
        assert set(model.slots) == set(model.selection)
        assert all(model.slots[label] == before[label] for label in model.selection if label in before)
        assert all(count == 1 for count in Counter(model.slots.values()).values())
        drawn = model.drawn
        assert len(drawn) <= MAX_CURVES
        assert len({curve_style(model.slots[label]) for label in drawn}) == len(drawn)


def test_toggling_twice_changes_nothing(synthetic):
    model = BrowseModel(synthetic)
    model.select(model.labels[:3])
    model.select([model.labels[5]], add=True)
    assert model.selection[-1] == model.labels[5]
    model.select([model.labels[5]], add=True)
    assert model.selection == tuple(model.labels[:3])


def test_unknown_site_is_refused_and_named(synthetic):
    with pytest.raises(DataError, match="quartz/O99"):
        BrowseModel(synthetic).select(["quartz/O99"])


def test_curves_follow_the_selection_and_the_options(synthetic):
    model = BrowseModel(synthetic)
    model.select([model.labels[7], model.labels[3]])
    shown = model.curves()
    np.testing.assert_allclose(shown["intensity"], synthetic.isotropic[[7, 3]])
    model.polarization = "z"
    np.testing.assert_allclose(model.curves()["intensity"], 1.5 * shown["intensity"])
    model.channel = "Si p"
    assert model.curves()["pdos"].mean() == 1 + synthetic.channels.index("Si p")
    low, high = shown["energy_range"]
    assert low < 6 < high  # the peaks lie in what is shown first


def test_sites_without_an_onset_are_named_on_the_loss_scale(synthetic):
    model = BrowseModel(synthetic, zero="loss")
    model.select(model.labels[3:6])
    assert model.without_onset() == [model.labels[4]]
    assert np.isnan(model.curves()["intensity"][1]).all()


def test_empty_selection_gives_no_curve(synthetic):
    shown = BrowseModel(synthetic).curves()
    assert shown["intensity"].shape[0] == shown["pdos"].shape[0] == 0


def test_example_exists_in_any_database(synthetic, single):
    for db in (synthetic, single, open_database(verify=False)):
        model = BrowseModel(db)
        model.select(model.example())
        assert model.selection


def test_example_of_the_real_database_spans_crystal_and_glass():
    model = BrowseModel(open_database(verify=False))
    chosen = [model.positions[label] for label in model.example()]
    assert "quartz-alpha" in model.columns["structure"][chosen]
    if "amorphous" in model.columns["kind"]:
        assert set(model.columns["kind"][chosen]) == {"crystal", "amorphous"}


def test_map_places_alike_spectra_together(synthetic):
    model = BrowseModel(synthetic)
    scores = model.map()["scores"]
    near = np.linalg.norm(scores[600] - scores[601])
    assert near < np.linalg.norm(scores[600] - scores[1100]) / 20
    model.text = "model-000"
    np.testing.assert_array_equal(np.flatnonzero(model.map()["shown"]), np.arange(10))


def test_map_of_one_spectrum_still_draws(single):
    assert spectral_map(**BrowseModel(single).map()).data[0].x == pytest.approx([0.0])


def test_export_takes_the_selection_else_what_is_listed():
    db = open_database(verify=False)
    model = BrowseModel(db)
    model.select(model.labels[:1])
    name, content = model.export("csv")
    assert name.endswith(".csv") and len(content) > 1000
    model.select([])
    model.set_choice("structure", str(db["structure"][0]))
    assert len(model.export("json")[1]) > len(content)
    model.text = "nothing is called like this"
    with pytest.raises(DataError, match="nothing to download"):
        model.export("csv")


@pytest.fixture
def averaged(shipped):
    """Two sites of the structure that has most, one of alpha-quartz; averages drawn."""
    structures = shipped["structure"].astype(str)
    names, counts = np.unique(structures, return_counts=True)
    most = names[counts.argmax()]
    model = BrowseModel(shipped)
    model.select([*shipped.sites[structures == most][:2], "quartz-alpha/O3"])
    model.average = True
    return model, most


def test_averages_are_one_curve_for_each_structure_in_one_colour(averaged, shipped):
    model, most = averaged
    shown = model.curves()
    first, second, quartz = model.selection
    count = (shipped["structure"].astype(str) == most).sum()
    assert len(shown["intensity"]) == len(shown["pdos"]) == len(shown["names"]) == 2
    assert f"<br>{count} sites, " in shown["names"][0] and "all of its O" in shown["names"][1]
    assert model.styles([first, second, quartz])[:2] == [curve_style(model.slots[first])] * 2
    assert shown["styles"] == model.styles([first, quartz])
    model.polarization = "z"  # which no average has
    np.testing.assert_array_equal(model.curves()["intensity"], shown["intensity"])
    assert "averages over their sites" in model.described()[1] and "along" not in model.described()[1]


def test_incomplete_averages_are_named(averaged):
    model, _ = averaged
    found = model.averages()[1]
    sentences = model.incomplete()
    assert bool(sentences) == bool((found.share < 1).any())
    for name, share in zip(found.names, found.share):
        assert any(f"{name} (" in text for text in sentences) == (share < 1)
    model.average = False
    assert model.incomplete() == []


def test_an_export_has_what_is_plotted(averaged):
    model, most = averaged
    model.intensity, model.zero, model.fwhm, model.profile = "mean", "loss", 0.4, "lifetime"
    lines = model.export("csv")[1].decode().splitlines()
    header = next(line for line in lines if not line.startswith("#"))
    assert header == f"energy,{most},quartz-alpha"
    assert any("in units of the mean" in line for line in lines) and any("0.1 eV per eV" in line for line in lines)
    table = np.array([[float(cell or "nan") for cell in line.split(",")] for line in lines if line[0].isdigit()])
    drawn = model.curves()
    np.testing.assert_allclose(table[:, 1:].T, drawn["intensity"], rtol=1e-5)
    np.testing.assert_allclose(table[:, 0], drawn["energy"], atol=1e-5)


def test_profiles_broaden_spectra_as_they_say(shipped):
    model = BrowseModel(shipped)
    model.select(["quartz-alpha/O3"])
    sharp = model.curves()["intensity"][0]
    peaks = {}
    for model.profile in ("gaussian", "lorentzian", "lifetime"):
        model.fwhm = 1.0
        peaks[model.profile] = model.curves()["intensity"][0]
        assert model.described()[1].count("broadened by") == 1
    assert peaks["lorentzian"].max() < peaks["gaussian"].max() < sharp.max()
    expected = shipped[["quartz-alpha/O3"]].curves(fwhm=Broadening(1.0, 0.0, LIFETIME_SLOPE))[1][0]
    np.testing.assert_array_equal(peaks["lifetime"], expected)
    assert np.abs(expected - peaks["gaussian"]).max() > 1e-3 * sharp.max()
