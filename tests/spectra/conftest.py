"""What the tests of spectra share."""

from pathlib import Path

import numpy as np
import pytest

RAW = Path(__file__).parents[2] / "data" / "raw"


@pytest.fixture(scope="module")
def computed():
    """All spectra in data/raw: labels, energy, isotropic intensity (n, energy), gap of the core-hole cell (n,)."""
    files = sorted(RAW.glob("*/O*.npz"))
    assert files, f"no computed spectra under {RAW}"
    sites = [np.load(f) for f in files]
    labels = [f"{f.parent.name}/{f.stem}" for f in files]
    intensity = np.array([s["strength"].mean(axis=0) for s in sites], float)
    return labels, sites[0]["energy"], intensity, np.array([s["lumo"] - s["homo"] for s in sites])
