"""Principal components of spectra: against the singular values, and of what has none."""

import numpy as np
import pytest

from elnes_lab import spectra as sp
from elnes_lab.components import principal_components
from elnes_lab.errors import DataError


def test_principal_components_agree_with_the_svd_and_keep_their_signs(shipped):
    intensity = sp.normalize(shipped.energy, shipped.isotropic.astype(float))
    result = principal_components(intensity, n=3)
    mean = intensity.mean(axis=0)
    _, singular, _ = np.linalg.svd(intensity - mean, full_matrices=False)
    assert result.explained == pytest.approx(singular[:3] ** 2 / (singular**2).sum())
    assert result.components @ result.components.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.all(result.components.max(axis=1) == np.abs(result.components).max(axis=1))
    rest = intensity - mean - result.scores @ result.components
    assert (rest**2).sum() == pytest.approx((singular[3:] ** 2).sum())
    again = principal_components(intensity[::-1], n=3)
    assert again.scores[::-1] == pytest.approx(result.scores, abs=1e-9)


def test_principal_components_of_few_or_broken_spectra():
    scores, _, explained = principal_components(np.ones((4, 61)))
    assert not scores.any() and not explained.any()
    with pytest.raises(DataError, match="more spectra"):
        principal_components(np.ones((1, 61)))
    with pytest.raises(DataError, match="spectrum 1 are"):
        principal_components(np.array([[1.0, 2.0], [np.nan, 1.0]]))
