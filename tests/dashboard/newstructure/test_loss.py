"""Predicted spectra on energy loss: their edges lie where the database's do, as far as the onset is predicted."""

import numpy as np
import pytest

from elnes_lab.dashboard.newstructure.loss import on_loss
from elnes_lab.dashboard.newstructure.model import NewStructureModel
from elnes_lab.figures.newstructure import spectra_figure
from elnes_lab.spectra import half_height

HEIGHT = 520


@pytest.fixture(scope="module")
def model(shipped):
    model = NewStructureModel(shipped)
    model.take("coesite")
    assert model.found is not None, model.problem
    return model


def drawn(model):
    return {
        str(trace.meta): (np.asarray(trace.x), np.asarray(trace.y))
        for trace in on_loss(spectra_figure(**model.curves(), height=HEIGHT), model.places()).data
        if trace.visible
    }


def test_the_computed_curve_lies_where_it_is_stored_and_the_predicted_one_within_its_error(model, shipped):
    model.choose([0])
    label = f"coesite/{model.found.prediction.sites[0]}"
    curves = drawn(model)
    stored = float(half_height(shipped.energy, shipped[[label]].isotropic)[0] + shipped[[label]].shifts("loss")[0])
    edges = {}
    for name in ("other.0", "site.0"):
        x, y = curves[name]
        edges[name] = x[np.argmax(y >= 0.5 * y.max())]
    assert edges["other.0"] == pytest.approx(stored, abs=0.8)  # bins of 0.2 eV, without the broadening of half_height
    assert edges["site.0"] == pytest.approx(stored, abs=0.8 + 2 * model.found.prediction.onset_half)


def test_the_pdos_stays_and_the_average_lies_between_its_sites(model):
    model.choose([])
    plain = spectra_figure(**model.curves(), height=HEIGHT)
    moved = on_loss(spectra_figure(**model.curves(), height=HEIGHT), model.places())
    for before, after in zip(plain.data, moved.data):
        if before.x is not None and len(before.x):
            assert np.array_equal(before.x, after.x) == (before.xaxis == "x2")
    places = model.places()
    p = model.found.prediction
    each = []
    for k in range(len(p.sites)):
        model.choose([k])
        each.append(model.places()["site.0"])
    model.choose([])
    assert min(each) <= places["average"] <= max(each)
    assert moved.layout.xaxis.title.text == "Energy loss (eV)" and moved.layout.xaxis.range[0] > 500
