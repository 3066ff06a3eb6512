"""The figure widget: what a page that opens anew is told."""

import plotly.graph_objects as go
import pytest

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


def test_ranges_stay_where_the_user_may_have_zoomed_and_are_there_in_the_first_figure():
    figure, second = Figure(made("first", [1, 2])), made("second", [3, 4])
    second.update_xaxes(range=[0, 9])
    figure.show_figure(second, zoomed=True)  # as nothing was drawn, nobody has zoomed
    figure._answer(figure, {"type": "rendered"}, [])
    assert tuple(figure.layout.xaxis.range) == (0, 9)
    third = made("third", [5, 6])
    third.update_xaxes(range=[4, 5])
    figure.show_figure(third, zoomed=True)
    assert figure.data[0].name == "third" and tuple(figure.layout.xaxis.range) == (0, 9)


def test_what_the_browser_filled_in_does_not_replace_what_was_set():
    figure = Figure(made("first", [1, 2]))
    figure._answer(figure, {"type": "rendered"}, [])
    trace = {"uid": figure.data[0].uid, "name": "trace 0", "mode": "lines"}
    figure._js2py_traceDeltas = {"trace_deltas": [trace], "trace_edit_id": figure._last_trace_edit_id}
    assert figure.data[0].name == "first"
    assert figure.data[0].mode == "lines"


def box(figure, points):
    """What the browser sends for a box: points are (trace, number) pairs."""
    traces, numbers = zip(*points) if points else ((), ())
    figure._js2py_pointsCallback = {
        "event_type": "plotly_selected",
        "selector": {"type": "box", "selector_state": {"xrange": [0, 3], "yrange": [0, 9]}},
        "points": {"trace_indexes": traces, "point_indexes": numbers, "xs": numbers, "ys": numbers},
    }


@pytest.mark.parametrize("points", [[(0, 1), (2, 0)], []])
def test_a_box_sends_the_page_what_it_changes_and_in_one_message(points):
    figure = Figure(go.Figure([go.Scatter(x=[1, 2], y=[k, k]) for k in range(6)]))
    figure._answer(figure, {"type": "rendered"}, [])
    caught, sent = [], []
    for trace in figure.data[:3]:
        trace.on_selection(lambda trace, points, selector: caught.append(list(points.point_inds)))
    figure.observe(lambda change: change.new and sent.append(change.new), ["_py2js_restyle", "_py2js_update"])
    box(figure, points)
    assert caught == ([[1], [], [0]] if points else [[], [], []])
    assert sent == []
    assert all(trace.selectedpoints is None for trace in figure.data)
    figure.data[0].on_selection(lambda trace, points, selector: trace.update(name="boxed", opacity=0.5))
    figure.data[5].on_selection(lambda trace, points, selector: figure.change_trace(3, {"name": "last"}, None))
    box(figure, points)
    assert len(sent) == 1
    assert (figure.data[0].name, figure.data[3].name) == ("boxed", "last")
