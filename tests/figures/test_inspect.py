"""Figures of errors and of the core-hole effect: what is drawn where, hollow and solid, and the live figures' needs."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.figures.corehole import change_figure, learnt_figure
from elnes_lab.figures.inspect import error_figure, mark
from elnes_lab.figures.prediction import prediction_figure

AMORPHOUS = np.array([False] * 4 + [True] * 3)
ERRORS = np.array([[0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.3], [0.02, 0.02, 0.02, 0.02, 0.05, 0.05, 0.05]])
KNOWN = np.array([[True, False, False, False, False, False, False]] * 2)
TEXTS = {"names": list("abcdefg"), "structures": ["s", "s", "t", "t", "u", "u", "u"]}
MODELS = {"titles": ["without", "with"], "colors": ["#E69F00", "#009E73"]}


def traces(figure):
    return {trace.meta: trace for trace in figure.data}


def errors(**changes):
    return error_figure(**{"errors": ERRORS, "known": KNOWN, "amorphous": AMORPHOUS, **TEXTS, **MODELS, **changes})


def test_kinds_differ_in_shape_and_training_in_fill():
    marks = traces(errors())["errors.0"].marker
    assert [symbol.split("-")[0] for symbol in marks.symbol] == ["circle"] * 4 + ["square"] * 3
    assert ["open" in symbol for symbol in marks.symbol] == KNOWN[0].tolist()
    # held-out crystals carry the colour, trained-on ones recede
    assert [color == "#999999" for color in marks.color] == KNOWN[0].tolist() == [o < 0.5 for o in marks.opacity]
    assert {color for color, seen in zip(marks.color, KNOWN[0]) if not seen} == {"#E69F00"}
    # Not by colour alone: the second network's marks have a dot.
    assert all("dot" in symbol for symbol in traces(errors())["errors.1"].marker.symbol)


def test_medians_are_of_what_was_not_trained_on():
    median = traces(errors())["median.0"]
    assert median.y[0] == pytest.approx(0.03) and median.y[3] == pytest.approx(0.2)
    assert (median.x[0], median.x[1]) == (-0.5, 3.5) and (median.x[3], median.x[4]) == (3.5, 6.5)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"errors": ERRORS[:1], "known": KNOWN[:1], "titles": ["one"], "colors": ["#E69F00"]},
        {
            "errors": np.empty((2, 0)),
            "known": np.empty((2, 0)),
            "amorphous": np.empty(0, bool),
            "names": [],
            "structures": [],
        },
        {
            "errors": np.empty(0),
            "known": np.empty(0),
            "amorphous": np.empty(0, bool),
            "names": [],
            "structures": [],
            "titles": [],
            "colors": [],
        },
        {"known": np.ones_like(KNOWN)},
        {"errors": np.where(KNOWN, np.nan, ERRORS), "marked": 0},
    ],
)
def test_a_live_figure_always_has_the_same_traces(change):
    figure = errors(**change)
    assert [trace.meta for trace in figure.data] == [trace.meta for trace in errors().data]
    assert np.all(np.isfinite(figure.layout.yaxis.range))


def test_distribution_peaks_where_the_errors_are():
    many = 10 ** np.random.default_rng(0).normal(-2, 0.2, (1, 300))
    figure = error_figure(
        many,
        known=np.zeros_like(many),
        amorphous=np.zeros(300, bool),
        names=["n"] * 300,
        structures=["s"] * 300,
        titles=["one"],
        colors=["#E69F00"],
    )
    half = traces(figure)["spread.0.0"]
    assert np.log10(half.y[int(np.argmax(half.x))]) == pytest.approx(-2, abs=0.1)


def test_names_of_structures_do_not_overlap():
    count = 400
    structures = [f"structure-{i // 7:02d}" for i in range(count)]
    figure = error_figure(
        np.full((1, count), 0.1),
        known=np.zeros((1, count)),
        amorphous=np.zeros(count, bool),
        names=structures,
        structures=structures,
        titles=["one"],
        colors=["#E69F00"],
    )
    places = np.array(sorted(figure.layout.xaxis.tickvals))
    assert 1 < len(places) and np.diff(places).min() > 0.021 * count * 11


def test_marks_skip_models_without_the_site():
    assert mark(ERRORS, None)["visible"] is False
    assert mark(np.where(KNOWN, np.nan, ERRORS), 0)["y"] == []
    assert mark(ERRORS, 5)["y"] == [0.2, 0.05]


def test_lengths_that_do_not_fit_are_named():
    with pytest.raises(DataError, match="7 spectra"):
        errors(structures=["s"])
    with pytest.raises(DataError, match="at least one model"):
        prediction_figure([], input_energy=[0], inputs=[], channels=())


def curve(**changes):
    energy = np.linspace(-2, 15, 86)
    shape = np.exp(-((energy - 3) ** 2))
    return {
        "energy": energy,
        "computed_energy": energy,
        "computed": shape,
        "mean": 0.9 * shape,
        "predicted": 0.9 * shape,
        "ground": np.roll(shape, 10),
        "lower": 0.5 * shape,
        "upper": 1.2 * shape,
        "title": "with gap",
        "color": "#009E73",
    } | changes


def test_lines_keep_all_their_points():
    """Plotly leaves out half of a spectrum's points unless it is told not to."""
    shared = {"input_energy": np.arange(3), "inputs": np.ones((1, 3)), "channels": ("O p",)}
    for figure in (prediction_figure([curve()], **shared), change_figure([curve()])):
        assert figure.layout.template.data.scatter[0].line.simplify is False


def test_one_computed_curve_unless_the_second_network_was_given_another():
    options = {"input_energy": np.arange(3), "inputs": np.ones((2, 3)), "channels": ("O p", "Si p")}
    same = traces(prediction_figure([curve(), curve(title="other")], **options))
    assert same["computed.0"].visible and not same["computed.1"].visible and same["band.1"].visible
    other = traces(prediction_figure([curve(), curve(computed=np.ones(86), lower=None, upper=None)], **options))
    assert other["computed.1"].visible and not other["band.1"].visible
    assert sum(bool(trace.visible) for key, trace in other.items() if key.startswith("input")) == 2


def test_the_change_is_what_lies_between_pdos_and_spectrum():
    drawn = traces(change_figure([curve()]))
    np.testing.assert_allclose(drawn["computed change"].y, drawn["computed"].y - drawn["ground"].y)
    np.testing.assert_allclose(drawn["change.0"].y, drawn["predicted.0"].y - drawn["ground"].y)
    assert not drawn["predicted.1"].visible
    with pytest.raises(DataError, match="at least one model"):
        change_figure([])


def test_learnt_figure_draws_percent_by_group():
    arrays = {"learnt": 1 - ERRORS, "computed": ERRORS, "predicted": ERRORS / 2, "known": KNOWN}
    drawn = traces(learnt_figure(**arrays, amorphous=AMORPHOUS, names=TEXTS["names"], **MODELS, marked=4))
    np.testing.assert_allclose(drawn["learnt.0"].y, 100 * (1 - ERRORS[0]))
    assert (np.abs(drawn["learnt.0"].x - AMORPHOUS) < 0.5).all()
    assert drawn["median.0"].y[0] == pytest.approx(97) and len(drawn["marked.0"].x) == 2
    with pytest.raises(DataError, match="7 spectra"):
        learnt_figure(**arrays | {"known": KNOWN[:1]}, amorphous=AMORPHOUS, names=TEXTS["names"], **MODELS)
