"""Figures of the workshop from arrays, without a browser."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.figures import workshop as figures


def test_cumulative_shares_rise_to_all_and_mark_the_median():
    figure = figures.cumulative_figure({"one": [0.4, np.nan, 0.1, 0.2], "two": np.array([0.3])})
    line, median, other, _ = figure.data
    assert list(line.x) == [0.1, 0.2, 0.4] and line.y[-1] == 100
    assert (median.x[0], median.y[0]) == (0.2, 50)
    assert (line.line.color, line.line.dash) != (other.line.color, other.line.dash)
    assert figure.layout.xaxis.type == "log"
    with pytest.raises(DataError, match="'none'"):
        figures.cumulative_figure({"none": [np.nan]})


def test_the_power_law_goes_through_points_that_follow_one():
    counts = np.array([10.0, 100.0, 1000.0])
    figure = figures.power_law_figure(counts, 3 * counts**-0.5, exponent=-0.5)
    law, points = figure.data
    assert law.y == pytest.approx(points.y) and figure.layout.yaxis.type == "log"
    with pytest.raises(DataError, match="positive"):
        figures.power_law_figure(counts, [1, 2, 0], exponent=-1)


def test_readings_that_miss_the_truth_stand_out():
    figure = figures.reading_figure(
        [1.0, 2.0, 3.0],
        [1.1, 2.5, 3.0],
        [0.9, 2.4, 2.5],
        [1.3, 2.6, 3.5],
        amorphous=[False, False, True],
        names=list("abc"),
        title="angle",
    )
    found = {trace.name: trace for trace in figure.data[1:] if trace.visible}
    assert {name: list(trace.text) for name, trace in found.items()} == {
        "crystal: interval holds the truth": ["a"],
        "amorphous: interval holds the truth": ["c"],
        "crystal: misses it": ["b"],
    }
    bars = found["crystal: misses it"].error_y
    assert (bars.array[0], bars.arrayminus[0]) == pytest.approx((0.1, 0.1))
    assert found["crystal: misses it"].marker.symbol != found["crystal: interval holds the truth"].marker.symbol
    with pytest.raises(DataError):
        figures.reading_figure([1.0], [1.0], [1.0], [1.0], amorphous=[True, False], names=["a"], title="angle")
