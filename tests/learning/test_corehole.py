"""The share of the core hole's change that is learnt: its limits, its window, its independence of the energy zero."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.learning import metrics
from elnes_lab.learning.corehole import effect

ENERGY = np.arange(-1.95, 29.9, 0.2)


@pytest.fixture
def rows(shipped):
    return shipped[:3]


@pytest.fixture
def computed(rows):
    """Spectra on the axis of a model, mean 1."""
    energy, intensity = rows.curves(zero="onset")
    curves = np.array([np.interp(ENERGY, energy, row) for row in np.nan_to_num(intensity)])
    return curves / curves.mean(axis=1, keepdims=True)


def test_a_perfect_prediction_has_learnt_all_and_the_pdos_nothing(rows, computed):
    perfect = effect(rows, ENERGY, computed, computed)
    np.testing.assert_allclose(perfect.learnt, 1)
    np.testing.assert_allclose(perfect.gain[0], perfect.gain[1])
    pdos = np.zeros_like(computed)
    pdos[:, : perfect.energy.size] = perfect.ground
    nothing = effect(rows, ENERGY, computed, pdos)
    np.testing.assert_allclose(nothing.learnt, 0, atol=1e-12)
    np.testing.assert_allclose(nothing.gain[1], 0, atol=1e-12)


def test_halfway_between_pdos_and_spectrum_is_three_quarters_learnt(rows, computed):
    first = effect(rows, ENERGY, computed, computed)
    half = computed.copy()
    half[:, : first.energy.size] = (first.computed + first.ground) / 2
    np.testing.assert_allclose(effect(rows, ENERGY, computed, half).learnt, 0.75)


def test_no_other_scale_of_the_pdos_fits_better(rows, computed):
    found = effect(rows, ENERGY, computed, computed)
    best = ((found.ground - found.computed) ** 2).mean(axis=1)
    for factor in (0.97, 1.03):
        assert (((factor * found.ground - found.computed) ** 2).mean(axis=1) > best).all()


def test_spectra_counted_from_another_zero_give_the_same_effect(rows, computed):
    predicted = 0.8 * computed + 0.2
    reference = effect(rows, ENERGY, computed, predicted)
    shifts = np.array([4.0, 5.0, 6.2])[: len(rows)]
    wide = np.arange(-1.95, 45, 0.2)
    moved = [[np.interp(wide - by, ENERGY, row) for by, row in zip(shifts, part)] for part in (computed, predicted)]
    found = effect(rows, wide, *map(np.array, moved), offset=-shifts)
    np.testing.assert_allclose(found.learnt, reference.learnt, atol=0.02)
    np.testing.assert_allclose(found.weight["computed"], reference.weight["computed"], atol=0.01)


def test_a_window_that_ends_too_early_is_refused(rows, computed):
    short = ENERGY <= metrics.EDGE_WINDOW[1] - 3
    with pytest.raises(DataError, match="Widen the target"):
        effect(rows, ENERGY[short], computed[:, short], computed[:, short])
