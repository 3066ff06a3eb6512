"""Figures from arrays, without a browser."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.figures import browse as figures
from elnes_lab.figures import style

ENERGY = np.linspace(-5, 40, 451)
PEAKS = np.exp(-((ENERGY - np.array([[7.0], [9.0], [12.0]])) ** 2)) * 1e-4


def overlay(count=3, **options):
    return figures.spectrum_overlay(ENERGY, PEAKS[np.arange(count) % 3], **options)


def shown(figure):
    return [trace for trace in figure.data if trace.visible]


def test_curves_are_drawn_in_the_unit_of_the_axis_title():
    figure = overlay()
    assert "10⁻⁶ bohr²/eV" in figure.layout.yaxis.title.text
    np.testing.assert_allclose([trace.y for trace in figure.data], PEAKS * 1e6)
    assert figures.spectrum_overlay(ENERGY, PEAKS * 2e4).layout.yaxis.title.text == "ELNES (bohr²/eV)"


@pytest.mark.parametrize(
    "zero, words", [("vbm", "valence-band maximum"), ("onset", "conduction-band edge"), ("loss", "Energy loss")]
)
def test_energy_axis_names_its_zero_and_unit(zero, words):
    title = overlay(zero=zero).layout.xaxis.title.text
    assert words in title and "(eV)" in title


def test_pdos_shares_the_energy_axis_the_colour_and_the_dash():
    figure = overlay(pdos_energy=ENERGY - 3, pdos=np.ones((3, 451)), channel="Si p")
    spectra, pdos = figure.data[:3], figure.data[3:]
    assert figure.layout.xaxis.matches == "x2" and "Si p PDOS" in figure.layout.yaxis2.title.text
    assert [(t.line.color, t.line.dash) for t in spectra] == [(t.line.color, t.line.dash) for t in pdos]
    assert [trace.showlegend for trace in pdos] == [False] * 3


def test_legend_only_while_it_is_short():
    assert overlay(5).layout.showlegend is True
    assert overlay(6).layout.showlegend is False
    assert overlay(0).layout.showlegend is False


def test_waterfall_shifts_every_curve_by_the_same_step():
    flat, stacked = overlay(), overlay(waterfall=True)
    steps = [(above.y - below.y) for above, below in zip(stacked.data, flat.data)]
    assert np.ptp(steps[1]) == pytest.approx(0) and steps[1][0] > 0
    np.testing.assert_allclose(steps[2], 2 * steps[1])
    assert "offset" in stacked.layout.yaxis.title.text and "offset" not in flat.layout.yaxis.title.text


def test_slots_keep_the_number_of_traces():
    lengths = {len(overlay(n, slots=10, pdos_energy=ENERGY, pdos=np.ones((n, 451))).data) for n in (0, 1, 10)}
    assert lengths == {20}
    assert len(shown(overlay(2, slots=10))) == 2


def test_styles_tell_as_many_curves_apart_as_there_are_pairs():
    count = len(style.OKABE_ITO) * len(style.DASHES)
    assert len({style.curve_style(slot) for slot in range(count)}) == count


def test_range_fits_what_is_above_the_gap():
    valence = np.where(ENERGY < 0, 100.0, 1.0)
    figure = overlay(1, pdos_energy=ENERGY, pdos=[valence], energy_range=(-2, 30))
    assert figure.layout.yaxis2.range[1] == pytest.approx(1.08)
    assert tuple(figure.layout.xaxis.range) == (-2, 30)


def test_undefined_curves_draw_without_a_warning(recwarn):
    overlay_of_nothing = figures.spectrum_overlay(
        ENERGY, np.full((1, 451), np.nan), energy_range=(0, 30), waterfall=True
    )
    assert len(shown(overlay_of_nothing)) == 1 and not len(recwarn)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: figures.spectrum_overlay(ENERGY, PEAKS[:, :-1]), "450 points"),
        (lambda: overlay(zero="fermi"), "Choose one of vbm"),
        (lambda: overlay(names=["one"]), "as many names"),
        (lambda: overlay(pdos_energy=ENERGY, pdos=np.ones((2, 451))), "one PDOS for each"),
    ],
)
def test_input_that_does_not_fit_is_refused(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_normalized_spectra_are_drawn_as_they_are():
    figure = overlay(normalized=True)
    assert figure.layout.yaxis.title.text == "ELNES (mean = 1)"
    np.testing.assert_array_equal([trace.y for trace in figure.data], PEAKS)


@pytest.mark.parametrize("count, waterfall", [(6, False), (24, False), (24, True)])
def test_more_curves_than_a_legend_holds_are_named_at_their_right_ends(count, waterfall):
    energy = np.arange(0, 40, 0.5)
    heights = np.linspace(1, 2, count) if count < 24 else np.ones(count)  # all at one height: the worst case
    spectra = np.tile(np.r_[np.zeros(10), np.ones(70)], (count, 1)) * heights[:, None]
    names = [f"a very long name of curve {i}" for i in range(count)]
    figure = figures.spectrum_overlay(energy, spectra, names=names, waterfall=waterfall, slots=30, energy_range=(0, 30))
    shown = [note for note in figure.layout.annotations if note.visible]
    assert [note.hovertext for note in shown] == names and len(figure.layout.annotations) == 24
    places = np.array([note.y for note in shown])
    assert np.diff(np.sort(places)).min() > 0.99 / 24 and places.min() > 0 and places.max() < 1
    if count < 24 or waterfall:
        assert (np.diff(places) > 0).all()  # in the order of the curves
    assert not any(note.visible for note in figures.spectrum_overlay(energy, spectra[:5], slots=30).layout.annotations)
