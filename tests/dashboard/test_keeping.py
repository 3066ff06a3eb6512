"""Models of a page over a reload, the browser played by a list of the messages that it is sent."""

import pytest

from elnes_lab.dashboard.common.keep import Keep
from elnes_lab.dashboard.keeping import Keeping
from elnes_lab.dashboard.session import Session
from elnes_lab.store import data_directory

PIECE = 1 << 20


@pytest.fixture
def browser(monkeypatch):
    """What the browser keeps: key -> (name, kind, bytes), as keep.js does."""
    files = {}

    def send(self, message, buffers=None):
        if message["type"] == "keep":
            files[message["key"]] = (message["name"], message["kind"], bytes(buffers[0]))
        elif message["type"] == "forget":
            files.pop(message["key"], None)

    monkeypatch.setattr(Keep, "send", send)
    return files


def visit(db, files, notices):
    session = Session(db)
    session.models
    keeping = Keeping(session, notices.append)
    for key, (name, kind, content) in list(files.items()):
        count = -(-len(content) // PIECE)
        for i in range(count):
            message = {"type": "piece", "key": key, "name": name, "kind": kind, "index": i, "count": count}
            keeping.widget._hear(keeping.widget, message, [content[i * PIECE : (i + 1) * PIECE]])
    return session, keeping


def test_a_model_is_there_again_at_the_next_visit_the_same_and_once(shipped, browser):
    notices = []
    session, _ = visit(shipped, browser, notices)
    entry = session.models[0]
    added = session.add("Run 1: mine", entry.load(), entry.card)
    assert list(browser) == [added.key]  # the shipped ones are there in any case
    again, _ = visit(shipped, browser, notices)
    assert [one.name for one in again.models] == [one.name for one in session.models]
    back = again.find("Run 1: mine")
    assert back.origin == "trained" and back.key == added.key and back.model is None
    rows = shipped[:3]
    assert (back.load().predict(rows).mean == entry.load().predict(rows).mean).all()
    assert back.pack() == browser[back.key][2]
    assert notices == [] and len(browser) == 1


def test_what_is_deleted_is_dropped_and_what_is_damaged_is_told_and_dropped(shipped, browser):
    notices = []
    session, _ = visit(shipped, browser, notices)
    entry = session.models[0]
    first, second = (session.add(name, entry.load(), entry.card) for name in ("one", "two"))
    session.models = [one for one in session.models if one is not first]
    assert list(browser) == [second.key]
    name, kind, content = browser[second.key]
    browser[second.key] = (name, kind, content[:-100])
    again, _ = visit(shipped, browser, notices)
    assert again.models and all(one.origin == "shipped" for one in again.models)
    assert len(notices) == 1 and "two" in notices[0] and str(data_directory()) not in notices[0]
    assert browser == {}


def test_the_browser_asks_before_a_page_that_trains_is_left(shipped, browser):
    session, keeping = visit(shipped, browser, [])
    session.training = True
    assert keeping.widget.busy
    session.training = False
    assert not keeping.widget.busy


def test_the_axes_chosen_are_there_at_the_next_visit_and_what_is_no_choice_is_dropped(shipped, browser):
    session, _ = visit(shipped, browser, [])
    session.choose(zero="loss")
    session.choose(intensity="mean")
    again, _ = visit(shipped, browser, [])
    assert (again.zero, again.intensity) == ("loss", "mean") and list(browser) == ["axes"]
    again.choose(zero="vbm")
    assert visit(shipped, browser, [])[0].zero == "vbm"
    for content in (b"\xff", b"[1]", b'{"zero": 3}'):
        browser["axes"] = ("axes", "axes", content)
        broken, _ = visit(shipped, browser, [])
        assert broken.zero == "" and "axes" not in browser


def test_the_token_of_a_calculation_is_kept_until_it_is_removed(shipped, browser):
    session, _ = visit(shipped, browser, [])
    session.calculations = [("a" * 32, "my quartz.cif"), ("b" * 32, "my glass.cif")]
    assert {key: entry[:2] for key, entry in browser.items()} == {
        "a" * 32: ("my quartz.cif", "calculation"),
        "b" * 32: ("my glass.cif", "calculation"),
    }
    notices = []
    again, _ = visit(shipped, browser, notices)
    assert sorted(again.calculations) == sorted(session.calculations) and notices == []
    assert all(entry.origin == "shipped" for entry in again.models)
    again.calculations = [("b" * 32, "my glass.cif")]
    assert list(browser) == ["b" * 32]
