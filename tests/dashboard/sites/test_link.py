"""Links to Inspect and Core hole: what they hold comes back; what is wrong in them is named and does no harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import open_database
from elnes_lab.dashboard.inspect.model import DIRECTIONS, TRAINING, InspectModel
from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.sites.link import OWN, query, read
from elnes_lab.dashboard.sites.model import KINDS, NO_MODEL

EXTRA = ("training", "along")


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """Links need no judged model."""
    monkeypatch.setattr(InspectModel, "load", lambda self: None)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_link_restores_what_it_was_made_from(data):
    db = open_database(verify=False)
    session = Session(db)
    model, names = InspectModel(db, session), [entry.name for entry in session.models]
    for label in data.draw(st.lists(st.sampled_from(model.labels), max_size=1)):
        model.select(label)
    model.first, model.second = data.draw(st.sampled_from(names)), data.draw(st.sampled_from([NO_MODEL, *names]))
    model.text = data.draw(st.sampled_from(["", "quartz", "P3_221 O", "a&b=c #%+;", "Ω"]))
    model.kind, model.along = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from(DIRECTIONS))
    model.training = data.draw(st.sampled_from(list(TRAINING.values())))
    text, sentence = query(model, EXTRA)
    assert sentence == ""
    twin = InspectModel(db, session)
    state, sentences = read(twin, f"?page=inspect&{text}", EXTRA)
    assert sentences == []
    for name, value in state.items():
        twin.select(value) if name == "site" else setattr(twin, name, value)
    for name in ("selection", "first", "second", "kind", "along", "training"):
        assert getattr(twin, name) == getattr(model, name)
    assert twin.text == (model.text if model.text.strip() else "")
    assert query(twin, EXTRA)[0] == text


def test_a_model_of_ones_own_is_not_in_the_link_and_the_visitor_is_told(shipped):
    session = Session(shipped)
    session.models[0].model = object()  # no torch for this
    session.add("Run 1: mine", object(), session.models[0].card)
    model = InspectModel(shipped, session)
    model.first = "Run 1: mine"
    text, sentence = query(model)
    assert "mine" not in text and sentence == OWN


def test_what_is_wrong_in_a_link_is_named_and_ignored(shipped):
    model = InspectModel(shipped, Session(shipped))
    state, sentences = read(model, "site=nowhere/O1&models=pdos,../../etc&kind=gas&along=w&zoom=2&token=x", EXTRA)
    assert state == {}
    assert len(sentences) == 2 and "nowhere/O1" in sentences[0] and "models=pdos" in sentences[1]


def test_the_site_chosen_on_one_page_is_shown_on_the_others_and_what_a_page_chooses_itself_is_not(shipped):
    session = Session(shipped)
    first, second = InspectModel(shipped, session), InspectModel(shipped, session)
    with first.unasked():
        first.select(first.labels[3])
    assert session.site == ""
    first.select(first.labels[5])
    second.follow(session.site)
    assert second.selection == first.selection == (first.labels[5],)
    assert InspectModel(shipped, session).selection == first.selection  # a page that is opened later, too
    second.follow("gone/O1")
    assert second.selection == first.selection
