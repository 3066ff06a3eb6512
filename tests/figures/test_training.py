"""Figures of a training: what live figures need, axes that hold the data, units, and refusals that name the shapes."""

import numpy as np
import pytest

from elnes_lab import DataError
from elnes_lab.figures.training import CURVES, chosen_windows, loss_axis, loss_curves, spectra_trio, window_layout

RANDOM = np.random.default_rng(0)
PDOS_ENERGY, ENERGY = np.arange(-10, 25, 0.1), np.arange(-5, 35, 0.1)
BUMP = np.exp(-((PDOS_ENERGY - 5) ** 2)) + 3 * np.exp(-((PDOS_ENERGY + 7) ** 2))  # the valence band towers below
PDOS, INTENSITY = np.outer([1, 2, 3], BUMP), 2e-4 * np.exp(-((ENERGY - 3) ** 2) / 50)
SITE = {
    "pdos_energy": PDOS_ENERGY,
    "pdos": PDOS,
    "channels": ["O s", "O p", "Si p"],
    "chosen": ["O p"],
    "input_window": (-2, 15),
    "energy": ENERGY,
    "intensity": INTENSITY,
    "target_window": (-2, 30),
}
ZEROS = {"input_zero": "cbm", "target_zero": "onset"}
AXIS = np.linspace(-2, 30, 40)
COMPUTED = RANDOM.uniform(0, 4, (3, 40))


def run(name="Run 1: multilayer", epochs=30, start=0.3):
    losses = start * np.exp(-np.arange(epochs) / 8) + 0.01
    return {"name": name, "training": losses, "validation": losses + 0.02}


def labels(figure):
    """What a live figure must not change: kind, axes and place of its traces, and its subplots."""
    return [(trace.type, trace.xaxis, trace.yaxis, trace.legendgroup) for trace in figure.data]


# windows -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        {"chosen": []},
        {"chosen": ["O s", "O p", "Si p"]},
        {"input_window": (3, 20), "target_window": (5, 35)},
        {"pdos": np.zeros_like(PDOS), "intensity": np.zeros_like(INTENSITY)},
    ],
)
def test_windows_have_the_same_traces_whatever_is_chosen(change):
    usual, figure = chosen_windows(**SITE, **ZEROS), chosen_windows(**SITE | change, **ZEROS)
    assert labels(figure) == labels(usual)
    chosen = change.get("chosen", SITE["chosen"])
    assert [trace.name for trace in figure.data if trace.visible] == [*chosen, "ELNES"]
    for axis in (figure.layout.yaxis, figure.layout.yaxis2):
        assert np.isfinite(axis.range).all() and axis.range[0] < axis.range[1]


def test_windows_are_shaded_and_their_curves_fit_the_axes():
    figure = chosen_windows(**SITE, **ZEROS, input_range=(-10, 25), target_range=(-5, 40))
    for shape, window in zip(figure.layout.shapes, (SITE["input_window"], SITE["target_window"]), strict=True):
        assert (shape.x0, shape.x1) == window
    for trace, axes in ((figure.data[1], ("xaxis", "yaxis")), (figure.data[3], ("xaxis2", "yaxis2"))):
        x, y = (figure.layout[axis] for axis in axes)
        assert x.range[0] <= trace.x[0] and trace.x[-1] <= x.range[1]
        inside = trace.y[(trace.x >= -2) & (trace.x <= 15)]
        assert y.range[0] <= 0 and inside.max() < y.range[1] < 1.3 * inside.max()
    np.testing.assert_allclose(figure.data[3].y * 1e-6, INTENSITY)  # the axis says in which unit
    assert figure.layout.yaxis2.title.text == "ELNES (10⁻⁶ bohr²/eV)"
    assert figure.layout.yaxis.title.text == "PDOS (states/eV/atom)"
    assert figure.layout.xaxis.title.text == "Above CB minimum (eV)"
    assert figure.layout.xaxis2.title.text == "Above first empty level (eV)"


def test_a_moved_window_is_a_change_of_the_layout_alone():
    """What is sent while a slider moves draws what the whole figure would."""
    moved = SITE | {"input_window": (8, 15), "target_window": (9, 20)}
    whole = chosen_windows(**moved, **ZEROS)
    live = chosen_windows(**SITE, **ZEROS).update_layout(window_layout(**moved))
    assert live.layout.shapes == whole.layout.shapes
    assert live.layout.yaxis.range == whole.layout.yaxis.range
    assert live.layout.yaxis2.range == whole.layout.yaxis2.range
    assert whole.layout.yaxis.range[1] < chosen_windows(**SITE, **ZEROS).layout.yaxis.range[1]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"pdos": PDOS[:2]}, r"each of the 3 channels.*PDOS \(2, 350\)"),
        ({"pdos": PDOS[:, :5]}, r"PDOS \(3, 5\) for 350 energies"),
        ({"intensity": INTENSITY[:7]}, "7 intensities for 400"),
    ],
)
def test_windows_refuse_what_does_not_fit_together(wrong, words):
    with pytest.raises(DataError, match=words):
        chosen_windows(**SITE | wrong, **ZEROS)


# losses --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("runs, shown", [([], 0), ([run()], 2), ([run(), run("Run 2: linear", 1)], 4)])
def test_losses_have_the_same_traces_for_none_one_and_two(runs, shown):
    figure = loss_curves(runs, epochs=50)
    assert labels(figure) == labels(loss_curves([run()]))
    visible = [trace for trace in figure.data if trace.visible]
    assert len(visible) == shown == len({trace.name for trace in visible})
    assert len({(trace.line.color, trace.line.dash) for trace in visible}) == shown
    assert bool(figure.layout.annotations[0].text) == (not runs)
    assert figure.layout.xaxis.title.text == "Epoch" and figure.layout.yaxis.title.text == "Loss (MSE)"
    low, high = 10.0 ** np.array(figure.layout.yaxis.range)
    for trace in visible:
        assert figure.layout.xaxis.range[0] <= trace.x[0] and trace.x[-1] <= figure.layout.xaxis.range[1]
        assert (low <= trace.y).all() and (trace.y <= high).all()


def test_epochs_to_come_have_room_and_a_single_one_is_a_point():
    assert loss_curves([run(epochs=3)], epochs=300).layout.xaxis.range[1] >= 300
    assert loss_curves([run(epochs=3)], epochs=2).layout.xaxis.range[1] >= 3
    assert loss_curves([run(epochs=1)]).data[0].mode == "lines+markers"
    assert loss_curves([run("Run 1: a"), run("Run 2: b")]).data[2].name == "Run 2 validation"


def test_three_trainings_are_refused():
    with pytest.raises(DataError, match="not 3"):
        loss_curves([run()] * 3)


@pytest.mark.parametrize("low, high", [(0.02, 0.3), (0.01, 0.01), (1e-4, 5), (0.0499, 0.05), (2.0, 2.0), (1e-8, 1e8)])
def test_the_loss_axis_holds_the_losses_and_has_ticks(low, high):
    axis = loss_axis([np.array([high, low]), np.array([np.nan, 0.0, -1.0])])
    bottom, top = axis["range"]
    assert bottom <= np.log10(low) and np.log10(high) <= top and bottom < top
    ticks = np.log10(axis["tickvals"])
    assert 2 <= len(ticks) <= 20 and (ticks >= bottom - 1e-9).all() and (ticks <= top + 1e-9).all()
    assert [float(text) for text in axis["ticktext"]] == axis["tickvals"] and axis["type"] == "log"


@pytest.mark.parametrize("losses", [[], [np.empty(0)], [np.array([np.nan, np.inf, 0.0])]])
def test_without_losses_there_is_an_axis_all_the_same(losses):
    bottom, top = loss_axis(losses)["range"]
    assert np.isfinite([bottom, top]).all() and bottom < top


# spectra -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "count, roles, band",
    [
        (0, (), False),
        (1, ("predicted",), True),
        (2, ("first", "predicted"), False),
        (3, ("predicted", "second"), True),
    ],
)
def test_spectra_have_the_same_traces_whatever_is_shown(count, roles, band):
    computed = COMPUTED[:count]
    interval = {"lower": computed - 0.2, "upper": computed + 2.5} if band else {}
    figure = spectra_trio(
        AXIS,
        computed,
        titles=["a", "b", "c"][:count],
        zero="cbm",
        **interval,
        curves=dict.fromkeys(roles, computed + 0.1),
    )
    assert labels(figure) == labels(spectra_trio(AXIS, COMPUTED, titles=["a", "b", "c"], zero="cbm"))
    visible = [trace for trace in figure.data if trace.visible]
    assert len(visible) == count * (1 + len(roles) + band)
    assert sum(trace.showlegend for trace in visible) == (1 + len(roles) + band if count else 0)
    low, high = figure.layout.yaxis.range
    for trace in visible:
        assert trace.y.max() <= high and figure.layout.xaxis.range[0] <= min(trace.x)
        assert trace.name == "90 % interval" or low <= trace.y.min()
    assert figure.layout.xaxis2.title.text == "Energy above the conduction-band edge (eV)"
    assert figure.layout.yaxis.title.text == "ELNES (mean 1)"
    assert [note.text.strip() for note in figure.layout.annotations][:count] == ["a", "b", "c"][:count]


def test_each_curve_stands_in_the_column_of_its_site():
    predicted = COMPUTED[::-1] + 1
    figure = spectra_trio(
        AXIS,
        COMPUTED,
        titles=["a", "b", "c"],
        zero="onset",
        curves={"predicted": predicted},
        labels={"predicted": "of a network"},
    )
    for column, axis in enumerate(("x", "x2", "x3")):
        shown = {trace.legendgroup: trace for trace in figure.data if trace.xaxis == axis and trace.visible}
        np.testing.assert_array_equal(shown["computed"].y, COMPUTED[column])
        np.testing.assert_array_equal(shown["predicted"].y, predicted[column])
        assert shown["predicted"].name == "of a network"
    styles = {(color, dash) for _, color, dash, _ in CURVES}
    assert len(styles) == len({dash for _, dash in styles}) == len(CURVES), "told apart without colour, too"


def test_a_legend_of_two_lines_does_not_run_into_the_titles():
    def top(**labels):
        return spectra_trio(
            AXIS,
            COMPUTED,
            titles=["a<br>MSE 0.1"] * 3,
            zero="onset",
            labels=labels,
            curves=dict.fromkeys(labels, COMPUTED),
        ).layout.margin.t

    assert top(predicted="Run 1") == top(first="after epoch 1", predicted="predicted")
    assert top(predicted="Shipped, PDOS", second="Uploaded run-1-multilayer-5") >= top(predicted="Run 1") + 20


def test_an_empty_trio_has_no_legend_and_a_finite_axis():
    figure = spectra_trio(np.empty(0), np.empty((0, 0)), titles=[], zero="onset")
    assert figure.layout.showlegend is False and np.isfinite(figure.layout.yaxis.range).all()
    assert not any(trace.visible for trace in figure.data)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"curves": {"first": COMPUTED[:, :5]}}, r"first spectra have the shape \(3, 5\).*\(3, 40\)"),
        ({"lower": COMPUTED, "upper": COMPUTED[:2]}, r"upper spectra have the shape \(2, 40\)"),
        ({"lower": COMPUTED}, "two ends"),
        ({"energy": AXIS[:7]}, r"computed spectra \(3, 40\) for 7 energies"),
        ({"computed": np.ones((4, 40)), "titles": list("abcd")}, r"at most 3 sites.*\(4, 40\)"),
        ({"titles": ["a"]}, "1 titles"),
    ],
)
def test_spectra_refuse_what_does_not_fit_together(wrong, words):
    with pytest.raises(DataError, match=words):
        spectra_trio(**{"energy": AXIS, "computed": COMPUTED, "titles": list("abc"), "zero": "onset"} | wrong)
