"""State of the My spectrum panel and its card views, without a browser."""

import json

import numpy as np
import pytest

from elnes_lab.dashboard.common.widgets import Page
from elnes_lab.dashboard.measured.model import NONE, MeasuredModel
from elnes_lab.dashboard.measured.view import MeasuredView
from elnes_lab.dashboard.session import Session
from elnes_lab.learning import quantify
from elnes_lab.measured.example import FWHM, example


@pytest.fixture
def model(shipped):
    made = MeasuredModel(shipped)
    made.begin()
    return made


def table(raw, factor=1.0):
    return "".join(f"{energy:.2f},{factor * counts:.1f}\n" for energy, counts in zip(raw.energy, raw.intensity))


def test_it_opens_with_an_example_that_says_so_and_finds_it_again(model):
    assert model.problem == "" and "not a measurement" in model.treated.notes[0]
    assert model.chosen == "coesite" and model.mixed.parts[0][0] == "coesite"
    assert model.fwhm == pytest.approx(FWHM, abs=0.15)
    assert model.alike()[0].casefold() == "coesite"


def test_steps_can_be_changed_and_undone_and_what_cannot_be_leaves_all_as_it_is(model):
    first, steps = dict(model.options), model.treated.record()
    assert model.change(window=(512.0, 526.0)) and model.change(kind="line") and model.change(offset=-0.6)
    assert model.treated.record()["steps"][2]["kind"] == "line"
    before = dict(model.options)
    assert not model.change(window=(540.0, 530.0)) and "window of the background" in model.problem
    assert model.options == before
    for _ in range(3):
        model.undo()
    assert model.options == first and model.treated.record() == steps and model.problem == ""
    model.undo()
    assert model.options == first


def test_an_overlay_by_hand_and_fitted(model):
    best = model.laid.rms
    model.lay(shift=0.8)
    assert model.laid.shift == 0.8 and model.laid.rms > 2 * best
    fitting = model.laid.scale
    model.lay(scale=0.7)
    assert model.laid.scale == pytest.approx(0.7 * fitting)
    model.lay(fwhm=2.0)
    assert model.library().fwhm == 2.0 and model.laid.fwhm == 2.0
    model.fit()
    assert model.laid.rms == pytest.approx(best, abs=0.003) and model.scale == 1.0
    model.lay("stishovite")
    assert model.laid.label == "stishovite" and model.laid.rms > best


def test_files_and_pasted_numbers_replace_the_example_and_bad_ones_do_not(model, shipped):
    text = table(example(shipped), 3.0)
    model.paste(text)
    assert model.measured.name == "pasted numbers" and model.chosen == "coesite" and model.busy == ""
    model.paste("no numbers")
    assert "no two columns" in model.problem and model.measured.name == "pasted numbers"
    model.open("low.csv", table(example(shipped)).encode(), low_loss=True)
    assert "no zero-loss peak" in model.problem and model.low_loss is None and not model.options["deconvolve"]
    energy = np.arange(-8, 60, 0.2)
    low = "".join(
        f"{e:.2f} {c:.6f}\n" for e, c in zip(energy, np.exp(-(energy**2)) + 0.05 * np.exp(-(((energy - 23) / 6) ** 2)))
    )
    model.open("low.csv", low.encode(), low_loss=True)
    assert model.problem == "" and any(stage.record["step"] == "deconvolution" for stage in model.treated.stages)
    model.open("only-low.csv", low.encode())
    assert "low-loss spectrum" in model.problem and model.measured.name == "pasted numbers"


def test_columns_of_a_file_can_be_chosen(model, shipped):
    raw = example(shipped)
    rows = "energy,a,b\n" + "".join(f"{e:.2f},{c:.1f},{2 * c + 1:.1f}\n" for e, c in zip(raw.energy, raw.intensity))
    model.open("two.csv", rows.encode())
    assert model.measured.items == ("a", "b") and model.measured.item == 0
    model.change(kind="line", window=(512.0, 526.0))
    model.choose(item=1)
    assert (model.options["kind"], model.options["window"]) == ("line", (512.0, 526.0))
    assert model.measured.item == 1 and model.measured.intensity[0] == 2 * raw.intensity[0] + 1


def test_structure_is_read_from_the_example_by_a_model_that_does_not_know_it(model, shipped):
    found = model.quantified
    unknown = quantify(model.treated.energy, model.treated.intensity, calibrated=False, held_out="coesite")
    known = quantify(model.treated.energy, model.treated.intensity, calibrated=False)
    assert found["si_o_si_angle"].value == unknown["si_o_si_angle"].value != known["si_o_si_angle"].value
    assert found.mode == "shape"
    model.change(offset=-0.6)
    assert model.quantified.mode == "placed"
    model.paste(table(example(shipped)))
    assert model.quantified["si_o_si_angle"].value == pytest.approx(known["si_o_si_angle"].value, abs=0.1)
    assert json.loads(model.file("json")[1])["quantification"]["mode"] == "shape"


def test_what_cannot_be_read_is_said_in_a_sentence_and_the_rest_stays(model):
    model.change(region=(533.0, 552.0), kind=NONE)
    assert isinstance(model.quantified, str) and model.quantified.endswith(".")
    assert model.laid is not None


def test_what_is_taken_away_has_every_step_and_result(model):
    model.change(kind=NONE)
    model.undo()
    name, content = model.file("json")
    about = json.loads(content)
    assert name == "elnes-lab-example-coesite.json"
    assert about["steps"] == model.treated.record()["steps"] and about["overlay"]["label"] == "coesite"
    assert about["matching"]["fwhm_eV"] == model.fwhm and about["mixture"]["parts"][0]["label"] == "coesite"
    assert model.file("csv")[1].startswith(b"# schema")


@pytest.fixture
def page(shipped):
    page = Page()
    page.session = Session(shipped)
    return page


def test_the_view_shows_what_the_model_has(shipped, page):
    view = MeasuredView(shipped, page)
    model = view.model
    assert view.table.rows[view.table.selected[0]][1] == "coesite"
    view.table.selected = [3]
    assert model.chosen == view.table.rows[3][1] and view.heading.value == f"Beside {view.table.rows[3][0]}"
    view.what.value = "sites"
    assert len(view.table.rows) == len(model.library().labels) and "averages" not in view.status()
    view.steps.window[0].value = 515.0
    assert model.options["window"][0] == 515.0 and not view.steps.undo.disabled
    view.steps.window[0].value = 530.0
    assert model.options["window"][0] == 515.0 == view.steps.window[0].value
    assert "role='alert'" in view.alert.value
    view.steps.undo.click()
    assert model.options["window"][0] == 505.0 == view.steps.window[0].value and view.alert.value == ""
    view.sliders["shift"].value = 0.5
    assert model.laid.shift == 0.5
    computed = next(trace for trace in view.figure._waiting.data if trace.meta == "computed")
    np.testing.assert_allclose(computed.y, model.laid.computed)


def test_a_box_on_a_spectrum_image_becomes_the_region(shipped, page, monkeypatch):
    from types import SimpleNamespace

    from elnes_lab.io.measured import Picture

    view = MeasuredView(shipped, page)
    asked = []
    monkeypatch.setattr(view.model, "choose", lambda **choice: asked.append(choice))
    monkeypatch.setattr(view.model, "picture", lambda: (Picture(np.zeros((3, 4)), (2, 5), (6, 18)), (0, 6, 0, 18)))
    view.steps._boxed(view.steps.picture.data[1], SimpleNamespace(point_inds=[5, 6, 7, 9, 10, 11]), None)
    assert asked == [{"region": (2, 6, 5, 18)}]


def test_what_was_read_from_the_spectrum_before_does_not_stay_beside_a_new_one(model, shipped):
    assert not isinstance(model.quantified, (str, type(None)))
    raw = example(shipped)
    short = raw.energy < 545
    model.open(
        "short.csv", "".join(f"{e + 5:.2f},{c:.1f}\n" for e, c in zip(raw.energy[short], raw.intensity[short])).encode()
    )
    assert model.measured.name == "short.csv" and (model.quantified is None or isinstance(model.quantified, str))
    assert "quantification" not in json.loads(model.file("json")[1])


def test_undo_brings_back_the_low_loss_file_of_before(model):
    energy = np.arange(-8, 60, 0.2)
    first, second = (
        "".join(
            f"{e:.2f} {c:.6f}\n"
            for e, c in zip(energy, np.exp(-(energy**2)) + height * np.exp(-(((energy - 23) / 6) ** 2)))
        )
        for height in (0.05, 0.1)
    )
    model.open("first.csv", first.encode(), low_loss=True)
    kept = model.low_loss
    assert kept is not None, model.problem
    model.open("second.csv", second.encode(), low_loss=True)
    assert model.low_loss is not kept
    model.undo()
    assert model.low_loss is kept and model.options["deconvolve"]


def test_an_error_that_nobody_expects_is_a_sentence_on_the_page(model, monkeypatch):
    from elnes_lab import learning
    from elnes_lab.dashboard.measured import model as module

    def fail(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(module, "read", fail)
    model.open("any.csv", b"1 2")
    assert model.problem.endswith(".") and model.busy == ""
    monkeypatch.setattr(learning, "quantify", fail, raising=False)
    model.begin()
    assert isinstance(model.quantified, str) and model.quantified.endswith(".")


def test_the_overlay_on_other_scales_is_the_same_overlay(model):
    plain = model.beside()
    model.intensity = "absolute"
    counts = model.beside()
    raw = next(stage for stage in model.treated.stages[::-1] if stage.record["step"] == "calibration")
    np.testing.assert_allclose(
        counts["measured"].mean(), np.interp(plain["energy"], raw.energy, raw.intensity).mean(), rtol=1e-6
    )
    for name in ("measured", "computed", "mixture"):
        np.testing.assert_allclose(counts[name] / plain[name], counts["measured"][0] / plain["measured"][0], rtol=1e-6)
    assert counts["unit"] and [part[2] for part in counts["parts"]] == [part[2] for part in plain["parts"]]
    model.zero = "own"
    moved = model.beside()
    np.testing.assert_allclose(moved["energy"], plain["energy"] - model.treated.edge)
    half = np.interp(0, moved["energy"], moved["measured"]) / moved["measured"].max()
    assert half == pytest.approx(0.5, abs=0.15)


def test_the_view_draws_the_scale_that_another_page_has_chosen(shipped, page):
    view = MeasuredView(shipped, page)
    page.session.choose(zero="onset", intensity="absolute")
    layout = view.figure._waiting.layout
    assert "half height" in layout.xaxis2.title.text and "mean = 1" not in layout.yaxis.title.text
    assert view.scales.groups["zero"].value == "own"


def test_the_structure_of_a_match_is_a_click_away(shipped):
    from elnes_lab.dashboard.frame import Frame

    frame = Frame(shipped)
    frame.choice.value = "My spectrum"
    view = frame.current
    view.model.lay(label="stishovite")
    button = next(one for one in buttons(view.widget) if one.description == "Structure")
    button.click()
    assert frame.choice.value == "Browse" and "stishovite/O2" in frame.current.model.selection
    frame.choice.value = "My spectrum"
    view.model.compare(what="sites")
    view.model.lay(label="quartz-alpha/O3")
    button.click()
    assert frame.choice.value == "Browse" and "quartz-alpha/O3" in frame.current.model.selection
    alone = Frame(shipped, ["My spectrum"])
    assert next(one for one in buttons(alone.current.widget) if one.description == "Structure").layout.display == "none"


def buttons(widget):
    """All buttons below a widget."""
    children = getattr(widget, "children", ())
    return ([widget] if hasattr(widget, "click") else []) + [one for child in children for one in buttons(child)]
