"""The learning curve and the published setting, on what can be known beforehand."""

import numpy as np
import pytest

import elnes_lab
from elnes_lab.learning.studies import curve, published
from elnes_lab.learning.studies.report import markdown


@pytest.fixture(scope="module")
def db():
    whole = elnes_lab.open_database()
    crystals = whole.query("kind == 'crystal'")
    chosen = crystals[np.isin(crystals["structure"].astype(str), list(map(str, crystals.structures[::4])))]
    return whole[[*chosen.sites, *whole.query("kind == 'amorphous'").sites[:8]]]


def test_a_power_law_is_found_and_goes_on_and_scatter_widens_its_interval():
    spectra, groups = [20, 50, 100, 200], np.repeat(np.arange(20), 3)
    exact = 3.0 * np.array(spectra, float)[:, None] ** -0.7 * np.ones(60)
    law = curve.power_law(spectra, exact, groups, 1000)
    assert law["exponent"] == pytest.approx([0.7] * 3) and law["at_planned"] == pytest.approx(
        [3.0 * 1000**-0.7] * 3, rel=1e-5
    )
    scatter = exact * np.exp(np.random.default_rng(0).normal(size=(4, 20)))[:, groups]
    low, high = curve.power_law(spectra, scatter, groups, 1000)["exponent"][1:]
    assert high - low > 0.1


def test_more_structures_to_learn_from_are_nested_and_help(db):
    found = curve.study_curve(db, seeds=1, folds=3, models=["kernel ridge"], shares=(0.4, 1.0), workers=0)
    few, all_of_them = found["models"][0]["points"]
    assert few["spectra"] < all_of_them["spectra"] and few["mse_mean"] > all_of_them["mse_mean"]
    assert "What more structures would bring" in markdown({"study": {"curve": found}})


def test_a_plain_network_learns_and_the_published_setting_is_reported(db, monkeypatch):
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    y = np.abs(x[:, :2])
    assert ((published.plain_network(x, y, x, 0) - y) ** 2).mean() < 0.05 * y.var()
    monkeypatch.setattr(published, "EPOCHS", 2)
    found = published.study(db, seeds=1, folds=3, settings=published.SETTINGS[:1], workers=0)
    assert {r["group"] for r in found["records"]} == {"crystal", "amorphous"}
    for r in found["records"]:
        assert r["ratio_low"] <= r["ratio"] <= r["ratio_high"] and r["median_without"] > 0
