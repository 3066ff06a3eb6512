"""The widgets of Inspect against a browser that is slower than the kernel."""

import re

import numpy as np
import pytest

from elnes_lab.dashboard.common.widgets import Page
from elnes_lab.dashboard.common.words import error
from elnes_lab.dashboard.inspect.view import InspectView
from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.sites.model import NO_MODEL


@pytest.fixture
def view(shipped):
    page = Page()
    page.session = Session(shipped)
    view = InspectView(shipped, page)
    assert view.model.state == "ready", view.model.problem
    return view


def test_what_a_slow_browser_sends_of_the_error_slider_of_before_filters_nothing(view):
    """After a change of the networks the browser may still answer with the state it had: no spectrum may go for it."""
    model, before = view.model, {key: view.filters.range.get_state(key)[key] for key in ("min", "max", "value")}
    every = len(model.shown)
    worst = model.worst().max()
    model.first, model.second = model.second, NO_MODEL
    assert model.worst().max() != worst
    view.filters.range.set_state({"value": before["value"]})
    assert (model.lowest, model.highest) == (0.0, np.inf) and len(model.shown) == every


def test_the_error_slider_filters_by_the_numbers_beside_it(view):
    model = view.model
    view.filters.range.value = (0.5, 1)
    worst = model.worst()[model.worst() > 0]
    middle = np.sqrt(worst.min() * worst.max())
    assert model.lowest == pytest.approx(middle) and model.highest == np.inf
    assert set(model.shown) == set(np.flatnonzero(model.worst() >= model.lowest))
    assert f"{error(middle)}–{error(worst.max())}" in view.filters.range_label.value
    view.filters.reset()
    assert len(model.shown) == len(worst)


def test_errors_side_by_side_have_as_many_digits(view):
    view.model.medians = lambda: [("crystals", 12, 7, [0.01, 0.0113]), ("amorphous", 3, 2, [0.1, 1.0])]
    view._write_summary()
    assert re.findall("<td>([0-9.]+)</td>", view.summary.value.partition("crystals")[2])[:2] == ["0.010", "0.011"]
    assert re.findall("<td>([0-9.]+)</td>", view.summary.value.partition("amorphous")[2])[:2] == ["0.10", "1.0"]
    assert error(12.3) == "12"
