"""Figures of a measured spectrum: the numbers drawn are those given."""

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.figures import measured as figures

ENERGY = np.linspace(530, 560, 31)


def trace(figure, meta):
    return next(trace for trace in figure.data if trace.meta == meta)


def test_beside_with_a_mixture_and_what_each_leaves():
    measured, computed, mixture = ENERGY / 545, ENERGY / 540, ENERGY / 550
    figure = figures.beside_figure(
        energy=ENERGY,
        measured=measured,
        computed=computed,
        name="quartz",
        mixture=mixture,
        parts=[("quartz", 0.7 * mixture, 0.7), ("coesite", 0.3 * mixture, 0.3)],
    )
    np.testing.assert_allclose(trace(figure, "residual.computed").y, measured - computed)
    np.testing.assert_allclose(trace(figure, "residual.mixture").y, measured - mixture)
    assert [trace(figure, f"part.{k}").visible for k in range(3)] == [True, True, False]
    assert (
        len({(trace(figure, m).line.color, trace(figure, m).line.dash) for m in ("measured", "computed", "mixture")})
        == 3
    )
    with pytest.raises(DataError):
        figures.beside_figure(
            energy=ENERGY, measured=measured[:3], computed=computed, name="x", mixture=mixture, parts=[]
        )


def test_steps_that_are_not_done_say_so_and_have_as_many_traces():
    curve = ENERGY, ENERGY
    done = {
        "raw": curve,
        "region": (530, 560),
        "window": (531, 535),
        "background": curve,
        "subtracted": curve,
        "deconvolved": curve,
        "final": curve,
        "edge": 536.0,
    }
    whole = figures.steps_figure(**done)
    less = figures.steps_figure(**done | {"background": None, "subtracted": None, "deconvolved": None, "window": None})
    assert [t.meta for t in whole.data] == [t.meta for t in less.data]
    texts = [[a.text for a in figure.layout.annotations].count("not done") for figure in (whole, less)]
    assert texts == [0, 2] and less.layout.xaxis3.visible is False and whole.layout.xaxis3.visible is True


def test_a_picture_counts_pixels_of_the_image():
    figure = figures.picture_figure(np.arange(6).reshape(2, 3), step=(4, 2), shape=(8, 6), region=(0, 4, 2, 6))
    assert list(trace(figure, "pixels").x) == [0, 2, 4, 0, 2, 4] and list(trace(figure, "pixels").y) == [
        0,
        0,
        0,
        4,
        4,
        4,
    ]
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (1.5, 5.5, -0.5, 3.5)


def test_distributions_have_their_intervals():
    radius = np.linspace(1, 6, 20)
    curves = [
        {"name": f"g{k}", "radius": radius, "value": radius + k, "lower": radius - 1, "upper": radius + 9}
        for k in range(2)
    ]
    figure = figures.distribution_figure(curves)
    for k in range(2):
        np.testing.assert_allclose(trace(figure, f"value.{k}").y, radius + k)
        np.testing.assert_allclose(trace(figure, f"band.{k}").y, np.r_[radius + 9, (radius - 1)[::-1]])
    assert (figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text) == ("g0", "g1")
