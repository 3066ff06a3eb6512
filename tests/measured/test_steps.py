"""Steps of the treatment against spectra whose truth is known, and what cannot be treated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.io.measured import Measured
from elnes_lab.measured import Background, Calibrate, Crop, Deconvolve, Normalize, suggested, treat
from elnes_lab.measured.background import fitted

ENERGY = np.round(np.arange(490, 600, 0.2), 6)
EDGE = 300 / (1 + np.exp(-(ENERGY - 535) * 3)) * (1 + 1.5 * np.exp(-((ENERGY - 538) ** 2) / 4)) * (ENERGY / 535) ** -2.0


def measured(intensity, energy=ENERGY, **more):
    return Measured(
        name="made", kind="made", energy=np.asarray(energy, float), intensity=np.asarray(intensity, float), **more
    )


@pytest.mark.parametrize("exponent, scale", [(2.0, 1.0), (3.7, 1.0), (3.0, 1e-4), (5.5, 1e6)])
def test_a_power_law_before_an_edge_is_found_again_whatever_its_unit(exponent, scale):
    law = 2000 * (ENERGY / 500) ** -exponent
    treated = treat(measured(scale * (law + EDGE)), [Background(495, 528)])
    np.testing.assert_allclose(treated.intensity, scale * EDGE, atol=scale * 0.5)
    assert treated.stages[-1].record["exponent"] == pytest.approx(exponent, abs=0.01)


def test_a_power_law_of_few_counts_is_not_biased():
    law = 12 * (ENERGY / 500) ** -3.0
    random = np.random.default_rng(1)
    ends = [
        fitted(ENERGY, random.poisson(law).astype(float), 492, 528, "power law")[0][ENERGY > 560].mean()
        for _ in range(40)
    ]
    assert np.mean(ends) == pytest.approx(law[ENERGY > 560].mean(), rel=0.05)


def test_deconvolution_undoes_a_convolution():
    loss = np.arange(-10, 90, 0.2)
    sigma = 0.9 / 2.3548
    zero, plasmon = np.exp(-0.5 * (loss / sigma) ** 2), np.exp(-0.5 * ((loss - 23) / 6) ** 2)
    low = zero / zero.sum() * np.exp(-0.6) + plasmon / plasmon.sum() * (1 - np.exp(-0.6))
    single = EDGE * np.exp(-np.clip(ENERGY - 560, 0, None) / 8)  # gone before the end of the window
    thick = np.convolve(single, low)[50 : 50 + len(ENERGY)]
    known = measured(low * 1e5, loss)
    found = Deconvolve(known)(ENERGY, thick)
    gauss = np.exp(-0.5 * (np.arange(-4, 4.1, 0.2) / sigma) ** 2)
    truth = np.convolve(single, gauss / gauss.sum(), mode="same")
    inside = ENERGY < 590
    assert (
        np.abs(found.intensity - truth)[inside].max() < 0.01 * truth.max() < 0.2 * np.abs(thick - truth)[inside].max()
    )
    assert found.record["t_over_lambda"] == pytest.approx(0.6, abs=0.03)
    assert found.record["fwhm_eV"] == pytest.approx(0.9, abs=0.05)
    with pytest.raises(DataError, match="no zero-loss peak"):
        Deconvolve(measured(EDGE))(ENERGY, thick)


def test_one_offset_brings_the_edge_where_it_is_wanted_and_every_step_is_recorded():
    raw = measured(2000 * (ENERGY / 500) ** -3.0 + EDGE, ENERGY + 1.3)
    treated = treat(raw, suggested(raw, edge=536.0))
    assert treated.edge == pytest.approx(536.0, abs=0.01)
    names = [record["step"] for record in treated.record()["steps"]]
    assert names == ["as read", "crop", "background", "calibration", "normalization"]
    again = treat(
        raw,
        [
            Crop(490, 600),
            Background(496.3, 527.0),
            Calibrate(offset=treated.stages[3].record["offset_eV"]),
            Normalize(),
        ],
    )
    np.testing.assert_allclose(again.intensity, treated.intensity, rtol=2e-3, atol=2e-3)
    inside = (treated.energy > 531) & (treated.energy < 566)
    assert treated.intensity[inside].mean() == pytest.approx(1, abs=0.01)


def test_energies_that_are_not_uniform_become_so_and_it_is_said():
    bent = ENERGY + 0.3 * np.sin(ENERGY / 9)
    treated = treat(measured(np.interp(bent, ENERGY, EDGE), bent), [])
    assert np.ptp(np.diff(treated.energy)) < 1e-6
    np.testing.assert_allclose(treated.intensity, np.interp(treated.energy, ENERGY, EDGE), atol=3)
    assert "not equally spaced" in treated.notes[0]


def test_absorption_gets_a_line_and_what_is_subtracted_already_nothing():
    mu = 0.2 - 0.0005 * (ENERGY - 500) + EDGE / 300
    assert [
        step.kind for step in suggested(measured(mu, facts={"signal": "absorption"})) if isinstance(step, Background)
    ] == ["line"]
    treated = treat(measured(mu, facts={"signal": "absorption"}))
    np.testing.assert_allclose(treated.stages[2].intensity, EDGE / 300, atol=2e-3)
    assert not any(isinstance(step, Background) for step in suggested(measured(EDGE)))


def test_absorption_that_begins_just_before_the_edge_is_enough():
    short = ENERGY > 528
    treated = treat(measured((0.3 + EDGE / 300)[short], ENERGY[short], facts={"signal": "absorption"}))
    assert treated.stages[2].record["step"] == "background"
    whole = treat(measured(EDGE))
    np.testing.assert_allclose(treated.intensity, np.interp(treated.energy, whole.energy, whole.intensity), atol=0.03)


@pytest.mark.parametrize(
    "intensity, energy, words",
    [
        (EDGE, ENERGY - 300, "without the O K edge"),
        (np.exp(-((ENERGY - 500) ** 2)), ENERGY - 500, "low-loss spectrum"),
        (EDGE, ENERGY - 535, "counts from an edge"),
        (2000 - 10 * (ENERGY - 500), ENERGY, "above the counts|No O K edge|already high"),
        (np.zeros(len(ENERGY)), ENERGY, "No O K edge|no edge"),
        (np.ones(len(ENERGY)), ENERGY, "No O K edge|no edge|above the counts"),
        (EDGE[::20], ENERGY[::20], "too few to see"),
        (np.random.default_rng(0).poisson(300, len(ENERGY)), ENERGY, "No O K edge|above the counts"),
    ],
)
def test_what_holds_no_edge_is_refused_in_a_sentence(intensity, energy, words):
    with pytest.raises(DataError, match=words) as caught:
        treat(measured(intensity, energy))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "step", [Crop(540, 541), Background(540, 530), Background(495, 528, "spline"), Background(300, 400)]
)
def test_parameters_that_cannot_be_are_refused(step):
    with pytest.raises(DataError):
        treat(measured(2000 * (ENERGY / 500) ** -3.0 + EDGE), [step])


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(1e-6, 1e9), offset=st.floats(-3, 3))
def test_neither_the_unit_nor_the_calibration_of_the_file_matters(scale, offset):
    raw = 2000 * (ENERGY / 500) ** -3.0 + EDGE
    steps = [Crop(495, 595), Background(497, 524), Calibrate(edge=536.0), Normalize()]
    one = treat(measured(raw), steps)
    other = treat(
        measured(scale * raw, ENERGY + offset),
        [Crop(495 + offset, 595 + offset), Background(497 + offset, 524 + offset), *steps[2:]],
    )
    assert other.edge == pytest.approx(536.0, abs=1e-3)
    np.testing.assert_allclose(np.interp(one.energy, other.energy, other.intensity), one.intensity, atol=0.02)
