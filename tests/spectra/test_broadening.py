"""Broadenings with a name: limits, area, widths, and what the stored spectra already carry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import DataError
from elnes_lab.spectra import (
    CORE_HOLE_FWHM,
    INSTRUMENTS,
    LIFETIME_SLOPE,
    STORED_LORENTZIAN_FWHM,
    Broadening,
    broaden,
    make_grid,
)

ENERGY = make_grid(-60, 60, 0.05)
EDGE = 0.0


def line(place):
    """A line of area 1 on the grid point nearest to an energy."""
    values = np.zeros(ENERGY.size)
    values[np.abs(ENERGY - place).argmin()] = 1 / 0.05
    return values


def full_width(values):
    half, top = values.max() / 2, values.argmax()
    right = np.interp(-half, -values[top:], ENERGY[top:])
    return right - np.interp(half, values[: top + 1], ENERGY[: top + 1])


def test_no_width_changes_nothing():
    values = np.random.default_rng(0).random((3, ENERGY.size))
    assert not Broadening() and str(Broadening()) == ""
    np.testing.assert_array_equal(Broadening().spectra(ENERGY, values, EDGE), values)
    np.testing.assert_array_equal(Broadening.of(0.0).states(ENERGY, values), values)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 2), st.floats(0, 2), st.sampled_from([0.0, LIFETIME_SLOPE]), st.floats(-10, 25))
def test_the_area_stays_whatever_the_broadening(gaussian, lorentzian, slope, place):
    out = Broadening(gaussian, lorentzian, slope).spectra(ENERGY, line(place), EDGE)
    assert out.sum() * 0.05 == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("width", [0.4, 1.5])
def test_a_line_gets_the_width_that_is_asked_for(width):
    assert full_width(Broadening(gaussian=width).spectra(ENERGY, line(0), EDGE)) == pytest.approx(width, rel=0.01)
    assert full_width(Broadening(lorentzian=width).spectra(ENERGY, line(0), EDGE)) == pytest.approx(width, rel=0.01)
    np.testing.assert_array_equal(
        Broadening.of(width).spectra(ENERGY, line(0), EDGE), broaden(ENERGY, line(0), gaussian_fwhm=width)
    )


@pytest.mark.parametrize("above", [5.0, 12.0, 25.0])
def test_lifetimes_bring_the_stored_width_to_the_one_of_the_literature(above):
    """A stored line is a Lorentzian of 0.8 eV; afterwards it has that, or the width of hole and final state, the larger one."""
    stored = broaden(ENERGY, line(above), lorentzian_fwhm=STORED_LORENTZIAN_FWHM)
    # the width is the one at the energy of the final state; of a line it is had from the line itself
    added = full_width(Broadening(slope=LIFETIME_SLOPE).spectra(ENERGY, line(above), EDGE))
    expected = max(CORE_HOLE_FWHM + 0.1 * above - STORED_LORENTZIAN_FWHM, 0)
    assert added == pytest.approx(max(expected, 0.05), rel=0.02)  # a line on the grid is as wide as a step
    whole = full_width(broaden(ENERGY, stored, lorentzian_fwhm=expected))
    assert whole == pytest.approx(max(STORED_LORENTZIAN_FWHM, CORE_HOLE_FWHM + 0.1 * above), rel=0.02)


def test_a_density_of_states_has_no_lifetime():
    chosen = Broadening(gaussian=0.5, slope=LIFETIME_SLOPE)
    np.testing.assert_array_equal(chosen.states(ENERGY, line(20)), broaden(ENERGY, line(20), gaussian_fwhm=0.5))
    assert "0.1 eV per eV" in str(chosen) and "Gaussian of 0.5 eV" in str(chosen)


def test_instruments_are_ordered_by_what_they_resolve_and_nonsense_is_refused():
    assert list(INSTRUMENTS.values()) == sorted(INSTRUMENTS.values()) and min(INSTRUMENTS.values()) > 0
    for bad in ({"gaussian": -1}, {"lorentzian": np.nan}, {"slope": -0.1}):
        with pytest.raises(DataError, match="width must be zero or positive"):
            Broadening(**bad)
