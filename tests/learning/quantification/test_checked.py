"""A spectrum from outside: what is mended with a note, and one sentence for each thing that cannot be read."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.learning.quantification.checked import checked
from elnes_lab.learning.quantification.prepare import CENTRES


@pytest.fixture(scope="module")
def coesite(shipped):
    """Energy loss (m,) and mean spectrum (m,) of a crystal."""
    energy, curves = shipped.query("structure == 'coesite'").curves(zero="loss", fwhm=0.5)
    mean = curves.mean(0)
    return energy[np.isfinite(mean)], mean[np.isfinite(mean)]


def test_the_zero_follows_the_spectrum_and_nothing_else_changes(coesite):
    energy, intensity = coesite
    first, moved = checked(energy, intensity), checked(energy + 1.37, 250 * intensity + 90)
    np.testing.assert_allclose(moved.prepared.zero - first.prepared.zero, 1.37, atol=1e-6)
    np.testing.assert_allclose(moved.prepared.features, first.prepared.features, atol=1e-9)
    assert first.notes == ()


def test_the_grid_does_not_matter(coesite):
    energy, intensity = coesite
    first = checked(energy, intensity).prepared
    finer = np.arange(energy[0], energy[-1], 0.013)
    uneven = np.sort(np.concatenate([energy[::2], np.arange(533, 545, 0.17)]))
    for other in (finer, uneven):
        found = checked(other, np.interp(other, energy, intensity)).prepared
        assert abs(found.zero - first.zero) < 0.02
        np.testing.assert_allclose(found.features, first.features, atol=0.02)


def test_what_can_be_mended_is_mended_and_said(coesite):
    energy, intensity = coesite
    first = checked(energy, intensity)
    turned = checked(energy[::-1], intensity[::-1])
    thousands = checked(energy / 1000, intensity)
    spoiled = intensity.copy()
    spoiled[[3, 100]] = np.nan
    for found, word in ((turned, "descending"), (thousands, "keV"), (checked(energy, spoiled), "2 points")):
        assert word in found.notes[0]
        np.testing.assert_allclose(found.prepared.features, first.prepared.features, atol=0.02)


def zero_loss(energy):
    return 1e6 / (1 + (energy / 0.4) ** 2) + 2e3 / (1 + ((energy - 23) / 8) ** 2)


BAD = {
    "NaN": (lambda e, y: (e, y * np.nan), "No point"),
    "few": (lambda e, y: (e[::30], y[::30]), "points; at least"),
    "text": (lambda e, y: (e, ["x"] * len(e)), "not numbers"),
    "lengths": (lambda e, y: (e[1:], y), "do not match"),
    "order": (lambda e, y: (np.roll(e, 7), y), "up and down"),
    "twice": (lambda e, y: (np.repeat(e, 2), np.repeat(y, 2)), "twice"),
    "carbon": (lambda e, y: (e - 250, y), "No O K edge in range"),
    "short": (lambda e, y: (e[:300], y[:300]), "needed"),
    "late": (lambda e, y: (e[e > 534.5], y[e > 534.5]), "needed"),
    "constant": (lambda e, y: (e, y * 0 + 3), "same at all energies"),
    "falling": (lambda e, y: (e, 1e9 * e**-3.0), "No O K edge"),
    "noise": (lambda e, y: (e, np.random.default_rng(0).normal(100, 10, len(e))), "No O K edge|no O K edge"),
    "negative": (lambda e, y: (e, -y), "O K edge"),
    "low loss": (lambda e, y: (e - 540, zero_loss(e - 540)), "zero-loss"),
    "spike": (
        lambda e, y: (e, np.where(np.abs(e - 535) < 0.3, 1.0, 0.0)),
        "zero-loss peak, a plasmon or a spike|O K edge",
    ),
    "background": (lambda e, y: (e, y / y.max() + 4 * (e / 532) ** -3), "Subtract it first"),
    "deep background": (lambda e, y: (e, y / y.max() + 50 * (e / 532) ** -3), "subtract the background first"),
    "hole": (lambda e, y: (np.where(e > 540, e + 3, e), y), "eV apart"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(coesite, name):
    spoil, word = BAD[name]
    with pytest.raises(DataError, match=word):
        checked(*spoil(*coesite))


def test_the_curve_to_draw_is_what_the_model_reads(coesite):
    found = checked(*coesite)
    drawn = np.interp(CENTRES, found.energy, found.intensity)
    np.testing.assert_allclose(drawn, found.prepared.features[0], atol=0.06)
    assert abs(found.prepared.features.mean() - 1) < 1e-9


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=120))
def test_whatever_is_given_there_is_a_spectrum_or_a_sentence(points):
    with contextlib.suppress(DataError):
        found = checked([e for e, _ in points], [y for _, y in points])
        assert np.isfinite(found.prepared.features).all()


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-300, 1e-20, 1.0, 1e9, 1e90]),
    step=st.floats(0.01, 2.0),
    start=st.floats(-1e4, 1e4),
    size=st.integers(0, 400),
)
def test_random_curves_on_any_axis_get_a_spectrum_or_a_sentence(seed, scale, step, start, size):
    random = np.random.default_rng(seed)
    curve = scale * np.cumsum(random.normal(size=size)) * random.choice([0, 1], size=size, p=[0.1, 0.9])
    with contextlib.suppress(DataError):
        found = checked(start + step * np.arange(size), curve)
        assert np.isfinite(found.prepared.features).all() and abs(found.prepared.features.mean() - 1) < 1e-6
