"""Sites that the networks shown cannot predict: Inspect and Core hole say which they are, and why."""

import numpy as np
import pytest

from elnes_lab.dashboard.common.widgets import Page
from elnes_lab.dashboard.corehole.model import CoreHoleModel
from elnes_lab.dashboard.corehole.view import CoreHoleView
from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.inspect.view import InspectView
from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.sites import judged
from elnes_lab.dashboard.sites.widgets import not_predicted, nothing_shown
from elnes_lab.learning import Dataset, InputChoice, make_split, train


@pytest.fixture
def cut(shipped, monkeypatch):
    """The database, but the PDOS of coesite ends 8 eV above the valence-band maximum, and every other at the top."""
    top = np.array(shipped.store.read("pdos_top"))
    top[:] = shipped.pdos_energy[-1]
    top[shipped["structure"] == "coesite"] = 8.0
    monkeypatch.setitem(shipped.store.cache, "pdos_top", top)
    monkeypatch.setattr(judged, "READY", {})  # what is shared is of the whole data
    return shipped


@pytest.fixture(params=[InspectModel, CoreHoleModel])
def blind(request, cut):
    """A panel's model of that database."""
    model = request.param(cut, Session(cut))
    model.load()
    assert model.state == "ready", model.problem
    return model


def test_a_site_without_a_prediction_says_why(blind):
    coesite = np.flatnonzero(blind.columns["structure"] == "coesite")
    assert len(blind.shown) == len(blind.labels) - len(coesite)
    (text,) = blind.left_out()
    low, high = blind.judged[0].data.choice.window
    assert text.startswith("No prediction: coesite/O") and f"have no complete PDOS from {low:g} to {high:g} eV" in text
    blind.text = "coesite"
    assert not len(blind.shown) and blind.left_out() == [text] and text in nothing_shown(blind)
    blind.select(blind.labels[coesite[0]])
    one = not_predicted(blind, "the plot")
    assert f"{blind.labels[coesite[0]]} has no complete PDOS" in one and blind.labels[coesite[1]] not in one
    blind.text = "no such mineral"
    assert blind.left_out() == [] and "No spectrum passes these filters" in nothing_shown(blind)
    blind.text, blind.kind = "", "amorphous"
    assert blind.left_out() == [] and nothing_shown(blind) == ""


def test_a_network_that_alone_lacks_a_prediction_is_named(cut):
    """One network is content with the PDOS that there is, the other is not."""
    session = Session(cut)
    data = Dataset.from_database(cut, InputChoice(window=(-2.0, 1.0)))
    short = train(data, make_split(data), members=1, epochs=1).fit()
    session.add("short", short, session.models[0].card)
    for kind in (InspectModel, CoreHoleModel):
        model = kind(cut, session)
        model.second = "short"
        texts = model.left_out()
        assert any(text.startswith("No prediction by Shipped, PDOS: coesite/O") for text in texts)
        assert ("coesite" in "".join(model.columns["structure"][model.shown])) == (kind is InspectModel)
        measured = [text for text in texts if text.startswith("No change by the core hole: coesite/O")]
        assert len(measured) == (kind is CoreHoleModel), "the prediction is there, but nothing to compare it with"


@pytest.mark.parametrize("view", [InspectView, CoreHoleView])
def test_the_panel_writes_it_where_the_prediction_would_be(cut, view):
    page = Page()
    page.session = Session(cut)
    panel = view(cut, page)
    assert panel.model.state == "ready" and "No prediction: coesite/O" in panel.notes.value
    filters = panel.filters if view is InspectView else panel
    filters.search.value = "coesite"
    assert "have no complete PDOS" in panel.waiting.text.value and "Outside" not in panel.waiting.text.value
    assert "elnes-hidden" not in panel.waiting.widget._dom_classes and "coesite" not in panel.notes.value
    filters.reset()
    assert "elnes-hidden" in panel.waiting.widget._dom_classes
    panel.model.select("coesite/O8")
    cover = panel.unseen if view is InspectView else panel.uncovered
    assert "coesite/O8 has no complete PDOS" in cover.text.value and panel.model.place() is None
    if view is InspectView:
        assert panel.model.detail() is None and panel.model.findings() == [] and panel.model.remarks() == []
    else:
        assert panel.model.curves() is None and panel.model.numbers() == ([], [])
