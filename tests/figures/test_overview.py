"""Map and histograms from arrays, without a browser."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.figures import overview as figures
from elnes_lab.figures import style


def colors_on_the_bar(figure):
    """Colour of each point as plotly looks it up on the scale of the bar, and the text of the bar there, if it has one."""
    marker = figure.data[0].marker
    found = []
    for value in marker.color:
        place = (value - marker.cmin) / (marker.cmax - marker.cmin)
        color = next(color for end, color in marker.colorscale if end >= place - 1e-9)
        texts = dict(zip(marker.colorbar.tickvals, marker.colorbar.ticktext))
        found.append((color, texts.get(value)))
    return found


def test_map_marks_amorphous_hidden_and_selected_points():
    figure = figures.spectral_map(
        np.arange(8.0).reshape(4, 2),
        values=[1.5, np.nan, 3.25, 2.0],
        title="Gap (eV)",
        names=list("abcd"),
        amorphous=[True, False, False, True],
        shown=[True, True, False, True],
        selected=[3],
        explained=(0.6, 0.2),
    )
    points, chosen = figure.data
    assert list(points.marker.symbol) == ["square", "x", "circle", "square"]
    assert points.marker.opacity[2] < 0.2
    assert set(points.marker.opacity[[0, 1, 3]]) == {1}  # what shines through has another colour than the bar
    assert (points.marker.cmin, points.marker.cmax) == (1.5, 3.25) and points.customdata[1] == "no value"
    assert list(points.marker.color) == [1.5, figures.NO_VALUE, 3.25, 2.0]
    assert points.marker.colorbar.title.text == "Gap (eV)" and points.marker.showscale
    assert (chosen.x[0], chosen.y[0], chosen.marker.color[0]) == (6.0, 7.0, style.curve_style(0)[0])
    assert (chosen.text[0], chosen.marker.symbol[0]) == ("d", "square")
    assert "60 %" in figure.layout.xaxis.title.text


@pytest.mark.parametrize(
    "values, names",
    [
        (np.array(["melt", "rock", "melt", "rock"], object), ["melt", "rock", "melt", "rock"]),
        (np.array([3, 2, 2, 4], np.int8), ["3", "2", "2", "4"]),
        (np.array([7, 7, 7, 7.0]), ["7"] * 4),
    ],
)
def test_the_colour_bar_names_kinds_and_counts_in_the_colour_of_their_points(values, names):
    figure = figures.spectral_map(np.ones((4, 2)), values=values, title="Kind")
    found = colors_on_the_bar(figure)
    assert [text for _, text in found] == names and list(figure.data[0].customdata) == names
    colors = {name: color for color, name in found}
    assert len(set(colors.values())) == len(set(names))
    assert figure.data[0].marker.colorbar.tickmode == "array" and figure.data[0].marker.showscale


def test_a_scale_of_numbers_follows_one_of_kinds_and_nothing_of_that_stays():
    """A live map takes over properties: the texts of the bar before must not label the numbers."""
    numbers = figures.spectral_map(np.ones((3, 2)), values=np.array([0.5, 1.5, 7.0]), title="Gap").data[0].marker
    assert numbers.colorbar.tickmode == "auto" and len(numbers.colorscale) > 4


def test_values_that_are_all_unknown_draw_crosses():
    figure = figures.spectral_map(np.ones((2, 2)), values=[np.nan, np.nan], title="Angle")
    assert list(figure.data[0].marker.symbol) == ["x", "x"]


def test_histograms_count_every_finite_value_once():
    rng = np.random.default_rng(1)
    values = rng.normal(size=200)
    values[:5] = np.nan
    amorphous = rng.random(200) < 0.3
    figure = figures.database_overview(
        {"gap": values, "angle": values * 2},
        titles={"gap": "Gap (eV)", "angle": "Angle (°)"},
        amorphous=amorphous,
        selected=np.arange(200) == 50,
    )
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.y.sum() for bar in bars] == 2 * [(~amorphous[5:]).sum(), amorphous[5:].sum()]
    assert figure.data[2].x[0] == values[50]
    assert figure.layout.xaxis.title.text == "Gap (eV)"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: figures.spectral_map(np.ones((3, 2)), values=[1, 2], title="t"), "one value per spectrum"),
        (lambda: figures.database_overview({}, titles={}, amorphous=[]), "no column"),
        (
            lambda: figures.database_overview({"a": [1.0]}, titles={"a": "A"}, amorphous=[True, False]),
            "One per site|one per site",
        ),
    ],
)
def test_input_that_does_not_fit_is_refused(call, words):
    with pytest.raises(DataError, match=words):
        call()
