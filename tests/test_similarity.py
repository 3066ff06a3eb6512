"""Measures of elnes_lab.similarity against scipy, their invariances, and computed spectra."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elnes_lab import similarity as si
from elnes_lab import spectra as sp
from elnes_lab.errors import DataError

RAW = Path(__file__).parents[1] / "data" / "raw"
GRID = sp.make_grid(0, 4, 0.1)
quick = settings(max_examples=50, deadline=None)
rough = hnp.arrays(float, (2, 41), elements=st.floats(-1, 5, width=32))
tied = hnp.arrays(float, (2, 41), elements=st.integers(0, 4).map(float))
positive = hnp.arrays(float, (3, 41), elements=st.floats(0.0625, 5, width=32))
MEASURES = {
    "mse": si.mse,
    "rms": si.rms,
    "cosine": si.cosine,
    "pearson": si.pearson,
    "spearman": si.spearman,
    "share": si.share,
    "wasserstein": lambda a, b: si.wasserstein(GRID, a, b),
    "peak": lambda a, b: si.peak_position_error(GRID, a, b),
}


@quick
@given(rough | tied)
def test_correlations_agree_with_scipy(pair):
    from scipy import stats

    a, b = pair
    if np.ptp(a) < 1e-6 or np.ptp(b) < 1e-6:
        return
    assert si.pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-8)
    assert si.spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-10)


@quick
@given(positive)
def test_wasserstein_agrees_with_scipy_and_is_a_metric(spectra):
    from scipy.stats import wasserstein_distance

    a, b, c = spectra
    ab = si.wasserstein(GRID, a, b)
    assert ab == pytest.approx(wasserstein_distance(GRID, GRID, a, b), abs=1e-9)
    assert ab == pytest.approx(si.wasserstein(GRID, b, a)) and si.wasserstein(GRID, a, a) == 0
    assert ab <= si.wasserstein(GRID, a, c) + si.wasserstein(GRID, c, b) + 1e-12


@quick
@given(st.floats(-8, 8))
def test_wasserstein_of_a_shifted_spectrum_is_the_shift(by):
    energy = sp.make_grid(-5, 40, 0.1)
    pair = np.exp(-((energy - 14) ** 2)) + 0.5 * np.exp(-((energy - 19) ** 2))
    moved = sp.shift(energy, pair, by, fill=0.0)
    assert si.wasserstein(energy, pair, moved) == pytest.approx(abs(by), abs=1e-6)
    assert si.peak_position_error(energy, pair, moved) == pytest.approx(by, abs=1e-3)


@quick
@given(positive, st.floats(1e-8, 1e8))
def test_measures_of_shape_are_blind_to_scale(spectra, scale):
    a, b, _ = spectra
    for name in ("cosine", "pearson", "spearman", "share", "wasserstein", "peak"):
        if np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3:
            assert MEASURES[name](a, scale * b) == pytest.approx(MEASURES[name](a, b), abs=1e-6), name
    assert si.spearman(a, b**3) == pytest.approx(si.spearman(a, b), nan_ok=True)
    assert si.mse(scale * a, scale * b) == pytest.approx(scale**2 * si.mse(a, b))


@quick
@given(positive)
def test_share_is_one_less_half_the_absolute_difference(spectra):
    a, b, _ = sp.normalize(GRID, spectra)
    assert si.share(a, b) == pytest.approx(1 - 0.05 * np.abs(a - b).sum())


def test_limits():
    left, right = np.where(GRID < 2, 1.0, 0.0), np.where(GRID < 2, 0.0, 1.0)
    assert si.share(left, right) == 0 == si.cosine(left, right) and si.share(left, 3 * left) == pytest.approx(1)
    assert si.cosine(left, 1e-200 * left) == pytest.approx(1) and si.pearson(left, -left) == pytest.approx(-1)
    assert si.rms(left, left + 0.3) == pytest.approx(0.3) and si.mse(left, left + 0.3) == pytest.approx(0.09)
    assert si.wasserstein(GRID, left, left - 1e-9 * right) == 0  # small negative values do not count
    flat = np.full(41, 0.1)
    assert np.isnan([si.pearson(flat, left), si.spearman(flat, left), si.cosine(0 * flat, left)]).all()


@pytest.mark.parametrize("name", MEASURES)
def test_one_against_all_equals_pair_by_pair(name):
    spectra = np.random.default_rng(0).random((2, 5, 41))
    spectra[1, 3, 7] = np.nan
    result = MEASURES[name](spectra[0, 0], spectra)
    assert result.shape == (2, 5) and np.isnan(result[1, 3]) and np.isnan(result).sum() == 1
    single = [[MEASURES[name](spectra[0, 0], s) for s in row] for row in spectra]
    assert np.allclose(result, single, equal_nan=True)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("shapes", [((41,), (40,)), ((2, 41), (3, 41)), ((41,), (1,)), ((), (41,))])
def test_spectra_that_do_not_fit_are_refused(name, shapes):
    with pytest.raises(DataError, match="energy grid"):
        MEASURES[name](np.ones(shapes[0]), np.ones(shapes[1]))


def test_empty_distributions_and_wrong_energies_are_refused():
    with pytest.raises(DataError, match="2 of the spectra"):
        si.wasserstein(GRID, np.ones(41), [np.ones(41), np.zeros(41), -np.ones(41)])
    with pytest.raises(DataError, match="40 energies"):
        si.wasserstein(GRID[:-1], np.ones(41), np.ones(41))


def test_every_measure_finds_the_two_quartzes_more_alike_than_quartz_and_stishovite():
    """Four-coordinated silicon in both quartzes, six-coordinated in stishovite."""
    files = [next(iter(sorted((RAW / name).glob("O*.npz")))) for name in ("quartz-alpha", "quartz-beta", "stishovite")]
    energy = np.load(files[0])["energy"]
    spectra = np.array([np.load(f)["strength"].mean(axis=0) for f in files], float)
    energy, spectra = sp.cut(energy, sp.normalize(energy, spectra, by="mean", window=sp.RMS_WINDOW), sp.RMS_WINDOW)
    for name in ("mse", "rms", "cosine", "pearson", "spearman", "share"):
        quartz, other = MEASURES[name](spectra[0], spectra[1:])
        assert quartz < other / 2 if name in ("mse", "rms") else quartz > other, name
    quartz, other = si.wasserstein(energy, spectra[0], spectra[1:])
    assert quartz < other / 2
    quartz, other = si.peak_position_error(energy, spectra[0], spectra[1:])
    assert abs(quartz) < abs(other)
