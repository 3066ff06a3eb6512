"""Peaks and edges are found where they are, on made-up and on computed spectra."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elnes_lab import spectra as sp
from elnes_lab.errors import DataError

ENERGY = sp.make_grid(-5, 40, 0.1)
quick = settings(max_examples=50, deadline=None)
GRID = sp.make_grid(0, 6, 0.1)


def lorentzian(energy, center, hwhm=0.4):
    return hwhm**2 / ((energy - np.asarray(center)[..., None]) ** 2 + hwhm**2)


@quick
@given(hnp.arrays(float, 61, elements=st.floats(0, 1)), st.floats(-1, 5), st.sampled_from([0.02, 0.05, 0.3]))
def test_first_peak_is_the_first_prominent_one(intensity, edge, prominence):
    intensity = sp.broaden(GRID, intensity, gaussian_fwhm=0.3)
    assume(intensity[GRID >= edge].max() > 1e-4)
    assert_first_peak(GRID, intensity, edge, prominence)


def assert_first_peak(energy, intensity, edge, prominence):
    from scipy.signal import find_peaks

    above = energy >= edge - 1e-4
    need = prominence * intensity[above].max()
    expected, _ = find_peaks(intensity[above], prominence=need)
    found = sp.first_peak(energy, intensity, edge, prominence=prominence)
    if expected.size:
        assert abs(found - energy[above][expected[0]]) <= 0.0501
    else:
        assert np.isnan(found)


def test_first_peak_of_computed_spectra(computed):
    _, energy, intensity, gap = computed
    for y, edge in zip(intensity, gap):
        assert_first_peak(energy.astype(float), y, edge, 0.05)
    found = sp.first_peak(energy, intensity, gap)
    assert np.all((found > gap + 0.5) & (found < gap + 6))
    scaled = sp.first_peak(energy, np.stack([intensity, 1e6 * intensity]), gap)
    assert np.allclose(scaled, found)


def test_peaks_are_found_between_grid_points_and_nothing_in_nothing():
    center = np.linspace(10, 10.1, 7)
    line = lorentzian(ENERGY, center) + 0.7 * lorentzian(ENERGY, 25.0)
    assert np.abs(sp.first_peak(ENERGY, line, 5.0) - center).max() < 5e-3
    assert np.abs(sp.peak_position(ENERGY, line) - center).max() < 5e-3
    assert sp.peak_position(ENERGY, line, window=(20, 30)) == pytest.approx([25.0] * 7, abs=5e-3)
    assert sp.first_peak(ENERGY, line, np.full(7, 12.0)) == pytest.approx([25.0] * 7, abs=5e-3)
    nothing = np.stack([0 * ENERGY, ENERGY, -ENERGY, -1 - ENERGY**2, np.nan * ENERGY])
    assert np.isnan(sp.first_peak(ENERGY, nothing, -5.0)).all()
    assert sp.peak_position(ENERGY, ENERGY) == 40
    with pytest.raises(DataError, match="prominence"):
        sp.first_peak(ENERGY, line, 5.0, prominence=0)


@quick
@given(st.floats(-4, 4))
def test_peak_and_centroid_move_with_the_spectrum(by):
    pair = np.exp(-((ENERGY - 12) ** 2)) + 0.5 * np.exp(-((ENERGY - 17) ** 2))
    moved = sp.shift(ENERGY, pair, by, fill=0.0)
    assert sp.peak_position(ENERGY, moved) == pytest.approx(12 + by, abs=1e-3)
    assert sp.centroid(ENERGY, moved) == pytest.approx(12 + 5 / 3 + by, abs=1e-6)
    with pytest.raises(DataError, match="the spectrum"):
        sp.centroid(ENERGY, -moved)


@settings(max_examples=30, deadline=None)
@given(st.floats(3, 12), st.floats(0.3, 1.2), st.floats(0.1, 50), st.floats(0.2, 0.8))
def test_half_height_of_a_known_rise_moves_with_it_and_ignores_scale(center, width, scale, share):
    """A smoothed step reaches a share of its height where its own formula says; fwhm 0 looks at the curve itself."""
    energy = np.arange(-5, 40.05, 0.1)
    rise = scale / (1 + np.exp(-(energy - center) / width))
    wanted = center + width * np.log(share / (1 - share))
    assert sp.half_height(energy, rise, share=share, fwhm=0) == pytest.approx(wanted, abs=0.02)
    peak = np.exp(-0.5 * ((energy - center - 8) / 1.5) ** 2)
    both = sp.half_height(energy, np.stack([peak, sp.shift(energy, peak, 0.37, fill=0.0)]))
    assert both[1] - both[0] == pytest.approx(0.37, abs=2e-3)


def test_half_height_of_nothing_is_unknown_and_a_share_must_be_one():
    energy = np.arange(0, 10, 0.1)
    assert np.isnan(sp.half_height(energy, np.zeros((2, energy.size)))).all()
    assert sp.half_height(energy, np.ones(energy.size)) == energy[0]
    with pytest.raises(DataError, match="between 0 and 1"):
        sp.half_height(energy, energy, share=1.0)
