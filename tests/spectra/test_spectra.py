"""Sum rules, limits and round trips of elnes_lab.spectra, on made-up and on computed spectra."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elnes_lab import spectra as sp
from elnes_lab.errors import DataError

RAW = Path(__file__).parents[2] / "data" / "raw"
ENERGY = sp.make_grid(-5, 40, 0.1)
quick = settings(max_examples=50, deadline=None)
widths = st.just(0.0) | st.floats(0.01, 3.0)
any_spectra = hnp.arrays(float, (2, 3, 61), elements=st.floats(-1, 5, width=32))
GRID = sp.make_grid(0, 6, 0.1)  # of any_spectra


def lorentzian(energy, center, hwhm=0.4):
    return hwhm**2 / ((energy - np.asarray(center)[..., None]) ** 2 + hwhm**2)


def full_width(energy, intensity):
    """FWHM of a single line by linear interpolation."""
    half, top = intensity.max() / 2, intensity.argmax()
    return np.interp(-half, -intensity[top:], energy[top:]) - np.interp(half, intensity[: top + 1], energy[: top + 1])


# Grids and windows


def test_make_grid_and_step_agree_and_single_precision_passes():
    assert ENERGY.size == 451 and ENERGY[-1] == 40 and sp.grid_step(ENERGY) == pytest.approx(0.1)
    assert sp.grid_step(ENERGY.astype(np.float32)) == pytest.approx(0.1)
    assert sp.make_grid(0, 1, 0.3).tolist() == [0, 0.3, 0.6, 0.9]


@pytest.mark.parametrize("energy", [[0, 1, 3], [2, 1, 0], [1, 1, 1], [0, np.nan, 2], [1], [[0, 1], [2, 3]]])
def test_grids_that_are_none_are_refused(energy):
    with pytest.raises(DataError, match="energies"):
        sp.grid_step(energy)


@pytest.mark.parametrize("numbers", [(0, 1, 0), (0, 1, -0.1), (1, 0, 0.1), (0, np.inf, 0.1)])
def test_make_grid_refuses_nonsense(numbers):
    with pytest.raises(DataError, match="step"):
        sp.make_grid(*numbers)


def test_cut_includes_both_ends_and_refuses_empty_windows():
    energy, part = sp.cut(ENERGY.astype(np.float32), np.ones((2, 451)), (3, 35))
    assert part.shape == (2, 321) and energy[[0, -1]] == pytest.approx([3, 35])
    with pytest.raises(DataError, match="window"):
        sp.cut(ENERGY, np.ones(451), (50, 60))
    with pytest.raises(DataError, match="last axis"):
        sp.cut(ENERGY, np.ones((451, 2)), None)


# Broadening


@quick
@given(any_spectra, widths, widths)
def test_broadening_conserves_area_and_constants(intensity, gaussian, lorentz):
    out = sp.broaden(GRID, intensity, gaussian_fwhm=gaussian, lorentzian_fwhm=lorentz)
    assert np.allclose(out.sum(-1), intensity.sum(-1), atol=1e-9)
    raised = sp.broaden(GRID, intensity + 7, gaussian_fwhm=gaussian, lorentzian_fwhm=lorentz)
    assert np.allclose(raised, out + 7, atol=1e-9)
    alone = sp.broaden(GRID, intensity[1, 2], gaussian_fwhm=gaussian, lorentzian_fwhm=lorentz)
    assert np.allclose(out[1, 2], alone, atol=1e-12)


@quick
@given(any_spectra, widths, widths)
def test_broadenings_compose(intensity, one, two):
    twice = sp.broaden(GRID, sp.broaden(GRID, intensity, gaussian_fwhm=one), gaussian_fwhm=two)
    assert np.allclose(twice, sp.broaden(GRID, intensity, gaussian_fwhm=np.hypot(one, two)), atol=1e-9)
    twice = sp.broaden(GRID, sp.broaden(GRID, intensity, lorentzian_fwhm=one), lorentzian_fwhm=two)
    assert np.allclose(twice, sp.broaden(GRID, intensity, lorentzian_fwhm=one + two), atol=1e-9)
    mixed = sp.broaden(GRID, sp.broaden(GRID, intensity, lorentzian_fwhm=two), gaussian_fwhm=one)
    assert np.allclose(mixed, sp.broaden(GRID, intensity, gaussian_fwhm=one, lorentzian_fwhm=two), atol=1e-9)
    assert np.allclose(sp.broaden(GRID, intensity), intensity, atol=1e-12)


@pytest.mark.parametrize("gaussian, lorentz", [(1.2, 0.0), (0.0, 0.8), (0.6, 0.8), (1.5, 0.3), (0.3, 2.0)])
def test_a_line_takes_the_voigt_profile(gaussian, lorentz):
    from scipy.special import voigt_profile

    energy = sp.make_grid(-400, 400, 0.02)
    line = np.zeros(energy.size)
    line[energy.size // 2] = 1 / 0.02
    out = sp.broaden(energy, line, gaussian_fwhm=gaussian, lorentzian_fwhm=lorentz)
    exact = voigt_profile(energy, gaussian / np.sqrt(8 * np.log(2)), lorentz / 2)
    assert np.abs(out - exact).max() < 1e-4 * exact.max()
    # Olivero and Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17, 233 (1977), good to 0.02 %
    olivero = 0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gaussian**2)
    assert full_width(energy, out) == pytest.approx(olivero, rel=1e-3)


def test_stored_width_adds_linearly_and_widths_may_differ_per_spectrum():
    centers = np.array([14.0, 17.3, 20.2])
    extra = np.array([0.0, 0.4, 1.2])
    out = sp.broaden(ENERGY, lorentzian(ENERGY, centers), lorentzian_fwhm=extra)
    hwhm = (sp.STORED_LORENTZIAN_FWHM + extra) / 2
    exact = np.array([0.4 / w * lorentzian(ENERGY, c, w) for c, w in zip(centers, hwhm)])
    middle = slice(100, 320)  # the tails beyond the window come back from the ends
    assert np.abs(out - exact)[:, middle].max() < 2e-3


@pytest.mark.parametrize("width", [-0.1, np.nan, np.inf, [0.1, -0.1]])
def test_impossible_widths_are_refused(width):
    with pytest.raises(DataError, match="Lorentzian width"):
        sp.broaden(GRID, np.ones((2, 61)), lorentzian_fwhm=width)


# Lifetime broadening


@quick
@given(st.integers(5, 55), st.floats(-2, 8), st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.6), widths)
def test_every_energy_gets_the_width_of_its_lifetime(
    place,
    onset,
    hole,
    slope,
    present,
    gaussian,
):
    line = np.zeros(GRID.size)
    line[[place, 2]] = 1, 0.5
    out = sp.broaden_lifetime(
        GRID, line, onset, core_hole_fwhm=hole, slope=slope, present_fwhm=present, gaussian_fwhm=gaussian
    )
    expected = 0
    for i in (place, 2):
        width = max(hole + slope * max(GRID[i] - onset, 0) - present, 0)
        expected = expected + sp.broaden(
            GRID, line * (np.arange(GRID.size) == i), gaussian_fwhm=gaussian, lorentzian_fwhm=width
        )
    assert np.allclose(out, expected, atol=1e-6)
    assert out.sum() == pytest.approx(line.sum())


def test_lifetime_reduces_to_a_constant_width(computed):
    _, energy, intensity, gap = computed
    constant = sp.broaden(energy, intensity, lorentzian_fwhm=sp.CORE_HOLE_FWHM, gaussian_fwhm=0.5)
    peak = intensity.max()
    difference = [
        np.abs(sp.broaden_lifetime(energy, intensity, gap, slope=slope, gaussian_fwhm=0.5) - constant).max()
        for slope in (0.0, 1e-4, 1e-3, 1e-1)
    ]
    assert difference[0] < 1e-12 * peak and difference[1] < 1e-3 * peak
    assert difference[2] == pytest.approx(10 * difference[1], rel=0.05) and difference[3] > 1e-2 * peak
    none = sp.broaden_lifetime(energy, intensity, gap, slope=0, present_fwhm=sp.STORED_LORENTZIAN_FWHM)
    assert np.abs(none - intensity).max() < 1e-12 * peak


def test_lifetime_takes_one_onset_per_spectrum_and_refuses_unknown_ones(computed):
    _, energy, intensity, gap = computed
    stack = np.stack([intensity[:3], 2 * intensity[:3]])
    together = sp.broaden_lifetime(energy, stack, gap[:3])
    alone = sp.broaden_lifetime(energy, intensity[2], gap[2])
    assert np.abs(together[1, 2] - 2 * alone).max() < 1e-8 * intensity.max()
    with pytest.raises(DataError, match="spectrum 1,"):
        sp.broaden_lifetime(energy, intensity[:2], [5.0, np.nan])
    with pytest.raises(DataError, match="core-hole width"):
        sp.broaden_lifetime(energy, intensity[:2], 5.0, core_hole_fwhm=-1)


# Normalization


@quick
@given(
    hnp.arrays(float, (3, 61), elements=st.floats(0.0625, 5, width=32)),
    st.floats(1e-6, 1e6),
    st.sampled_from(["area", "peak", "mean"]),
)
def test_normalized_spectra_have_measure_one_whatever_their_scale(intensity, scale, by):
    out = sp.normalize(GRID, intensity, by=by, window=(1, 4))
    part = sp.cut(GRID, out, (1, 4))[1]
    assert np.allclose({"area": 0.1 * part.sum(-1), "peak": part.max(-1), "mean": part.mean(-1)}[by], 1)
    assert np.allclose(sp.normalize(GRID, scale * intensity, by=by, window=(1, 4)), out)


def test_normalization_names_the_spectra_it_cannot_scale():
    intensity = np.ones((9, 61))
    intensity[[1, 3]] = [[0], [-1]]
    with pytest.raises(DataError, match="spectra 1, 3 is"):
        sp.normalize(GRID, intensity)
    intensity[:8, 4] = np.nan
    with pytest.raises(DataError, match="0, 1, 2, 3, 4 and 3 more"):
        sp.normalize(GRID, intensity, by="mean")
    with pytest.raises(DataError, match="area, peak or mean"):
        sp.normalize(GRID, intensity, by="max")


# Shifting


@quick
@given(st.floats(5, 30), st.floats(-4, 4))
def test_shifted_lorentzian_is_a_lorentzian_elsewhere(center, by):
    out = sp.shift(ENERGY, lorentzian(ENERGY, center), by)
    known = np.isfinite(out)
    assert np.abs(out - lorentzian(ENERGY, center + by))[known].max() < 2e-4
    assert np.abs(known.sum() - (451 - abs(by) / 0.1)) <= 1


@quick
@given(hnp.arrays(float, 10, elements=st.floats(-1, 1)), st.floats(-0.9, 0.9), st.floats(0.03, 0.4))
def test_polynomials_are_shifted_exactly_to_any_grid(coefficients, by, step):
    energy = sp.make_grid(-1, 1, 0.02)
    grid = sp.make_grid(-0.8 + max(by, 0), 0.8 + min(by, 0), step) if by < 0.6 else energy[80:91]
    out = sp.shift(energy, np.polyval(coefficients, energy), by, grid=grid)
    inner = np.abs(grid - by) < 0.85
    assert inner.any() and np.allclose(out[inner], np.polyval(coefficients, grid - by)[inner], atol=1e-9)


@quick
@given(any_spectra, st.integers(-40, 40))
def test_whole_steps_only_relabel(intensity, steps):
    out = sp.shift(GRID, intensity, 0.1 * steps, fill=-9)
    rolled = np.full(intensity.shape, -9.0)
    rolled[..., max(steps, 0) : 61 + min(steps, 0)] = intensity[..., max(-steps, 0) : 61 - max(steps, 0)]
    assert np.allclose(out, rolled, atol=1e-9)


def test_computed_spectra_survive_a_shift_there_and_back(computed):
    _, energy, intensity, gap = computed
    by = np.random.default_rng(1).uniform(-3, 3, len(intensity)) - gap
    wide = sp.make_grid(-20, 50, 0.1)
    there = sp.shift(energy, intensity, by, grid=wide)
    back = sp.shift(wide, there, -by, grid=energy)
    above = energy > 0  # the continued fraction ripples within the gap at the resolution of the grid
    inner = np.isfinite(back) & above
    assert inner.sum() > 0.95 * above.sum() * len(intensity)
    assert (np.abs(back - intensity) / intensity.max(axis=1, keepdims=True))[inner].max() < 3e-4


def test_shift_broadcasts_and_marks_what_is_unknown():
    line = lorentzian(ENERGY, 10.0)
    out = sp.shift(ENERGY, line, np.array([0.0, np.nan, 2.0]), fill=0.0)
    assert out.shape == (3, 451) and np.allclose(out[0], line) and np.isnan(out[1]).all()
    assert (out[2, :20] == 0).all() and np.allclose(out[2, 20:], line[:-20])
    assert sp.shift(ENERGY, np.ones((4, 3, 451)), np.zeros((4, 1))).shape == (4, 3, 451)
    assert np.isnan(sp.shift(ENERGY, line, 500.0)).all()
    with pytest.raises(DataError, match="equally spaced"):
        sp.shift(ENERGY, line, 1.0, grid=[0, 1, 5])
    with pytest.raises(DataError, match="10 points"):
        sp.shift(ENERGY[:9], line[:9], 1.0)


# Zeros of energy


def test_zeros_of_energy_put_quartz_where_experiments_do():
    ground, site = np.load(RAW / "quartz-alpha" / "ground.npz"), np.load(RAW / "quartz-alpha" / "O3.npz")
    homo, lumo = site["homo"], site["lumo"]
    onset = site["neutral_energy"] - ground["supercell_energy"] + sp.EXPERIMENTAL_OFFSET
    peak = sp.first_peak(site["energy"], site["strength"].mean(axis=0), lumo - homo)
    shifts = {zero: sp.zero_shift(zero, homo, lumo, onset=onset, first_peak=peak) for zero in sp.ENERGY_TITLES}
    assert peak == pytest.approx(7.8, abs=0.05) and shifts["vbm"] == 0 and peak + shifts["first_peak"] == 0
    assert peak + shifts["loss"] == pytest.approx(538, abs=0.1)
    assert lumo - homo + shifts["onset"] == pytest.approx(0, abs=1e-12)


def test_zero_shift_keeps_unknowns_unknown_and_says_what_is_missing():
    homo, lumo = np.array([1.0, 2.0]), np.array([6.0, 6.5])
    assert np.array_equal(sp.zero_shift("loss", homo, lumo, onset=[535.0, np.nan]), [530, np.nan], equal_nan=True)
    assert sp.zero_shift("onset", homo, lumo).tolist() == [-5, -4.5] and not sp.zero_shift("vbm", homo, lumo).any()
    for zero, missing in (("loss", "onset"), ("first_peak", "first_peak"), ("fermi", "vbm, onset, first_peak, loss")):
        with pytest.raises(DataError, match=missing):
            sp.zero_shift(zero, homo, lumo)
