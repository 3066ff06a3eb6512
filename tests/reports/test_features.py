"""The feature finder on curves whose features are known."""

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.reports.features import features

ENERGY = np.arange(530, 570, 0.1)


def bell(center, height, sigma):
    return height * np.exp(-0.5 * ((ENERGY - center) / sigma) ** 2)


def test_peaks_and_a_shoulder_are_where_they_were_put():
    curve = bell(538.03, 1.0, 0.5) + bell(539.2, 0.4, 0.4) + bell(544.5, 0.4, 0.6) + bell(560.27, 0.25, 1.0)
    found = features(ENERGY, 7e-5 * curve)
    assert [f.kind for f in found] == ["peak", "shoulder", "peak", "peak"]
    np.testing.assert_allclose([f.energy for f in found], [538.03, 539.2, 544.5, 560.27], atol=0.25)
    heights = [f.height for f in found]
    np.testing.assert_allclose([heights[0], heights[2], heights[3]], [1, 0.4, 0.25], atol=0.02)


def test_one_peak_has_no_shoulders_and_ripple_is_no_feature():
    curve = bell(538, 1.0, 0.6) + 0.001 * np.sin(ENERGY)
    assert [(f.kind, round(f.energy, 1)) for f in features(ENERGY, curve)] == [("peak", 538.0)]


def test_what_lies_below_the_start_is_left_out():
    curve = bell(535, 2.0, 0.5) + bell(545, 1.0, 0.5)
    found = features(ENERGY, curve, start=540)
    assert [round(f.energy, 1) for f in found] == [545.0] and found[0].height == pytest.approx(1, abs=0.01)
    assert features(ENERGY, np.zeros_like(ENERGY)) == []


@pytest.mark.parametrize("curve", [ENERGY[:4], np.where(ENERGY > 550, np.nan, 1.0)])
def test_what_is_no_spectrum_is_an_error(curve):
    with pytest.raises(DataError, match="finite"):
        features(ENERGY, curve)
