"""The noise of the reference: twins are found by net and geometry, and zeros are compared without hiding an error."""

import json

import numpy as np
import pytest

from elnes_lab.learning.dataset import usable
from elnes_lab.learning.studies import reference
from elnes_lab.learning.studies.report_reference import noise

TWINS = ("prototype-36/O4", "search-1-266/O1")


@pytest.fixture(scope="module")
def some():
    import elnes_lab

    db = elnes_lab.open_database()
    crystals = db[usable(db)[0]].query("kind == 'crystal'")
    names = ["prototype-36", "search-1-266", "quartz-alpha", "quartz-beta", "SOD", "cristobalite", "stishovite", "ABW"]
    return crystals[np.isin(crystals["structure"].astype(str), names)]


@pytest.fixture(scope="module")
def pairs(some):
    return reference.twins(some)


def test_twins_are_one_crystal_in_two_cells_and_phases_of_one_net_are_none(some, pairs):
    named = {tuple(sorted((some.sites[p.first], some.sites[p.second]))): p for p in pairs}
    assert named[TWINS].geometry < 0.03 and not named[TWINS].same_cell
    assert not any("quartz" in site for pair in named for site in pair)
    assert named["prototype-36/O2", "prototype-36/O4"].same_cell
    for p in pairs:
        assert p.geometry < reference.ALIKE and some["net"][p.first] == some["net"][p.second]
    assert len(reference.twins(some, alike=0.5)) > len(pairs)


def test_a_shift_is_found_and_a_shift_can_only_help(some, pairs):
    records = reference.study_twins(some, pairs)
    assert [set(r["sites"]) for r in records].count(set(TWINS)) == 1
    for record in records:
        assert 0 < record["shifted"] <= record["mse"] + 1e-9 and abs(record["shift"]) < 0.3
        # a spectrum's own rise leaves next to nothing for a shift to mend
        assert record["edge"] < 1.2 * record["shifted"] + 5e-4
    grid, curves = reference.curves(some[:1], some["lumo"][:1] - some["homo"][:1])
    later = reference.curves(some[:1], some["lumo"][:1] - some["homo"][:1] + 0.5)[1]
    np.testing.assert_allclose(later[0, 50:100] / later[0, 50], curves[0, 55:105] / curves[0, 55], rtol=2e-3)
    assert curves.mean() == pytest.approx(1) and grid[0] == -2


def test_a_zero_on_the_scale_of_energy_loss_hides_nothing(some, pairs, monkeypatch):
    """There a zero that is fixed on that scale is known exactly, and the error of the spectrum is all the error; one that
    is not pays for what of it cannot be told."""
    everything = reference.zeros

    def two(db):
        found = everything(db)
        return {name: found[name] for name in (reference.FIRST, "total energies (energy loss)")}

    monkeypatch.setattr(reference, "zeros", two)
    first, loss = reference.study_zeros(some, pairs, seeds=1, folds=3, workers=0)
    assert loss["crystal"]["position_rms"] < 1e-3
    assert loss["crystal"]["on_loss_mean"] == pytest.approx(loss["crystal"]["mse_mean"], rel=1e-2)
    assert first["crystal"]["position_rms"] > 0.05 and first["crystal"]["n"] == len(some)
    assert first["twins"] == loss["twins"] == sum(not p.same_cell for p in pairs)
    text = "\n".join(
        noise(
            {"reference": json.loads(json.dumps({"twins": reference.study_twins(some, pairs), "zeros": [first, loss]}))}
        )
    )
    assert f"is predicted best from: {first['zero']}; spectra on the scale" in text
    assert " and ".join(TWINS) in text
