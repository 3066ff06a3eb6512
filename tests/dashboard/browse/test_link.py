"""A link holds a selection and gives it back; what is wrong in it is named and does no harm."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import open_database
from elnes_lab.dashboard.browse.link import LONGEST, query, read
from elnes_lab.dashboard.browse.model import RANGES, BrowseModel


def restored(db, state):
    model = BrowseModel(db)
    model.text = state.pop("text", "")
    for name, value in state.pop("choices", {}).items():
        model.set_choice(name, value)
    for name, pair in state.pop("ranges", {}).items():
        model.set_range(name, *pair)
    model.select(state.pop("selection", []))
    for name, value in state.items():
        setattr(model, name, value)
    return model


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_link_restores_what_it_was_made_from(data):
    db = open_database(verify=False)
    model = BrowseModel(db)
    model.select(data.draw(st.lists(st.sampled_from(model.labels), max_size=12)))
    model.text = data.draw(st.sampled_from(["", "quartz", "P3_221 O", "a&b=c #%+;", "Ω"]))
    model.set_choice("kind", data.draw(st.sampled_from([value for _, value in model.options("kind")])))
    model.set_choice("space_group", data.draw(st.sampled_from([value for _, value in model.options("space_group")])))
    for name in data.draw(st.lists(st.sampled_from(list(RANGES)), unique=True)):
        low, high = model.extent(name)
        shares = sorted(data.draw(st.tuples(*[st.floats(0, 1)] * 2)))
        model.set_range(name, *[round(low + share * (high - low), 2) for share in shares])
    model.zero = data.draw(st.sampled_from(["vbm", "onset", "loss"]))
    model.polarization = data.draw(st.sampled_from(["isotropic", "x", "y", "z"]))
    model.channel = data.draw(st.sampled_from(db.channels))
    model.fwhm = data.draw(st.integers(0, 30)) / 10
    model.waterfall = data.draw(st.booleans())
    model.average = data.draw(st.booleans())
    model.intensity = data.draw(st.sampled_from(["absolute", "mean"]))
    model.profile = data.draw(st.sampled_from(["gaussian", "lorentzian", "lifetime"]))
    text, left_out = query(model)
    state, sentences = read(model, "?" + text)
    assert left_out == "" and sentences == []
    twin = restored(db, state)
    assert twin.selection == model.selection and twin.visible.tolist() == model.visible.tolist()
    for name in ("zero", "polarization", "channel", "fwhm", "waterfall", "average", "intensity", "profile"):
        assert getattr(twin, name) == getattr(model, name)
    assert query(twin)[0] == text


def test_a_plain_selection_is_a_short_link(synthetic):
    model = BrowseModel(synthetic)
    model.select(model.labels[:2])
    assert query(model) == ("sites=model-000/O0,model-000/O1", "")


def test_a_link_to_everything_stays_short_and_says_what_is_missing(synthetic):
    model = BrowseModel(synthetic)
    model.select(model.labels)
    text, sentence = query(model)
    assert len(text) <= LONGEST + 10
    held = parse_qs(text)["sites"][0].split(",")
    assert held == model.labels[: len(held)] and len(held) > 200
    assert f"the first {len(held)} of the 1,189" in sentence
    assert read(model, text)[0]["selection"] == held


@pytest.mark.parametrize(
    "text, says",
    [
        ("sites=quartz/O99,model-000/O1", "quartz/O99"),
        ("kind=metal", "kind=metal"),
        ("band_gap=9~5", "band_gap=9~5"),
        ("band_gap=nan~inf", "band_gap"),
        ("fwhm=-1", "fwhm=-1"),
        ("fwhm=9", "fwhm=9"),
        ("zero=kelvin", "zero=kelvin"),
        ("db=__class__&labels=x", "db=__class__, labels=x"),
        ("selection=model-000/O1", "selection="),
        ("%ff%00=&&=;?" + "x" * 99999, "Ignored"),
        ("kind=a\ud800\udcff%0Ab%E2%80%A8c", "kind=a?? b c"),
        ("sites=quartz/O99%0A<b>%1b,model-000/O1", "quartz/O99 <b> "),
    ],
)
def test_wrong_parameters_are_named_and_ignored(synthetic, text, says):
    model = BrowseModel(synthetic)
    state, sentences = read(model, text)
    assert says in " ".join(sentences) and len(" ".join(sentences)) < 400
    assert all(sentence.isprintable() and sentence.encode() for sentence in sentences)
    assert state == ({"selection": ["model-000/O1"]} if "O99" in text else {})


def test_the_token_of_the_server_is_not_mentioned(synthetic):
    assert read(BrowseModel(synthetic), "?token=secret&sites=") == ({"selection": []}, [])
