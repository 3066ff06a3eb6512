"""The spectrum of one site in Inspect on energy loss and in bohr^2/eV: what the database stores."""

import numpy as np
import pytest

from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.session import Session
from elnes_lab.figures.style import intensity_unit


@pytest.fixture
def model(shipped):
    model = InspectModel(shipped, Session(shipped))
    model.load()
    assert model.state == "ready", model.problem
    return model


def test_on_energy_loss_and_per_ev_the_computed_curve_is_the_stored_one(model, shipped):
    model.go(2)
    own = model.detail()
    model.zero, model.intensity = "loss", "absolute"
    detail = model.detail()
    energy, stored = shipped[[model.selection[0]]].curves(zero="loss")
    assert detail["zero"] == "loss" and "bohr²/eV" in detail["unit"] and detail["input_zero"] == own["input_zero"]
    for plain, curve in zip(own["curves"], detail["curves"]):
        inside = np.isfinite(stored[0])
        values = np.interp(curve["computed_energy"], energy[inside], stored[0][inside])
        values = values * intensity_unit(values, False)[0]
        np.testing.assert_allclose(curve["computed"], values, atol=0.01 * values.max())
        ratio = curve["computed"][50] / plain["computed"][50]
        for name in ("mean", "lower", "upper"):  # one factor for all: the errors look as they did
            np.testing.assert_allclose(curve[name], ratio * plain[name], rtol=1e-6)
        np.testing.assert_allclose(np.diff(curve["energy"] - plain["energy"]), 0, atol=1e-9)


def test_directions_are_in_the_unit_of_their_mean(model):
    model.select("stishovite/O2")
    model.intensity = "absolute"
    whole, along = model.detail()["curves"][0], []
    for model.along in "xyz":
        detail = model.detail()
        along.append(detail["curves"][0]["mean"] / float(intensity_power(detail["unit"])))
    model.along = "mean"
    np.testing.assert_allclose(
        np.mean(along, 0), whole["mean"] / intensity_power(model.detail()["unit"]), rtol=1e-4, atol=1e-12
    )


def intensity_power(unit):
    """The factor that a unit such as "10⁻⁶ bohr²/eV" stands for: 1e6."""
    digits = unit.split(" ")[0].removeprefix("10").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return 1.0 if unit.startswith("bohr") else 10.0 ** -int(digits)
