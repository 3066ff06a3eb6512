"""The figure widget: what a page that opens anew is told."""

import plotly.graph_objects as go

from elnes_lab.dashboard.common.widgets import Figure


def made(name, heights):
    return go.Figure([go.Scatter(name=name, x=[1, 2], y=heights)], {"template": "none", "title": {"text": name}})


def test_a_reloaded_page_gets_the_figure_of_now():
    figure = Figure(made("first", [1, 2]))
    figure.show_figure(made("second", [3, 4]))
    assert figure.get_state()["_widget_data"][0]["name"] == "first"  # no page has drawn it: the second one waits
    figure._answer(figure, {"type": "rendered"}, [])
    figure.change_trace(0, {"y": [5, 6]}, None)
    state = figure.get_state()
    assert state["_widget_data"][0]["name"] == "second"
    assert list(state["_widget_data"][0]["y"]) == [5, 6]
    assert state["_widget_layout"]["title"]["text"] == "second"


def test_what_the_browser_filled_in_does_not_replace_what_was_set():
    figure = Figure(made("first", [1, 2]))
    figure._answer(figure, {"type": "rendered"}, [])
    trace = {"uid": figure.data[0].uid, "name": "trace 0", "mode": "lines"}
    figure._js2py_traceDeltas = {"trace_deltas": [trace], "trace_edit_id": figure._last_trace_edit_id}
    assert figure.data[0].name == "first"
    assert figure.data[0].mode == "lines"
