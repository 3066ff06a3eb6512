"""The frame around the panels, without a browser."""

import os
import shutil
from pathlib import Path

import pytest

from elnes_lab.dashboard import frame
from elnes_lab.dashboard.serving import confine
from elnes_lab.errors import DataError
from elnes_lab.schema import CHECKSUMS, FILE, STRUCTURES

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def data_copy(tmp_path):
    for name in (FILE, STRUCTURES, CHECKSUMS):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path


def test_a_panel_that_cannot_be_opened_leaves_a_sentence_and_the_panel_in_front(shipped, monkeypatch):
    broken = True

    class Fragile:
        def __init__(self, db, page):
            if broken:
                raise DataError("The <models> are missing. Train them again.")
            self.widget, self.status, self.on_status = frame.ipw.HTML(), lambda: "fine", lambda callback: None

    monkeypatch.setattr(frame, "PANELS", (frame.PANELS[0], ("Fragile", "frame", "Fragile")))
    monkeypatch.setattr(frame, "Fragile", Fragile, raising=False)
    page = frame.Frame(shipped)
    browse = page.current
    page.choice.value = "Fragile"
    assert "Fragile cannot be opened: The &lt;models&gt; are missing." in page.note.value
    assert page.current is browse and page.choice.value == "Browse"
    broken = False
    page.choice.value = "Fragile"
    assert page.note.value == "" and page.current is page.panels["Fragile"]


def test_one_panel_alone_and_one_that_there_is_not(shipped):
    alone = frame.Frame(shipped, ["Core hole"])
    assert list(alone.panels) == ["Core hole"]
    (page,) = frame.app(panel="Corehole").children
    assert "Core hole" in page.children[0].children[0].value and "no panel" in page.children[0].children[0].value


def test_a_page_made_ready_before_the_database_was_built_again_shows_the_new_one(data_copy):
    made = frame.App(data_copy, None)
    before, page = made.widget.children, made.page
    page.ready = True
    assert made.widget.children == before
    replacement = data_copy / "new.nc"
    shutil.copy(data_copy / FILE, replacement)
    os.replace(replacement, data_copy / FILE)
    page.ready = False
    page.ready = True
    assert made.widget.children != before and made.page is not page
    os.remove(data_copy / FILE)
    made.page.ready = True
    assert "There is no database" in made.widget.children[0].children[0].children[0].value


def test_what_a_visitor_is_told_of_an_unexpected_error_names_nothing_of_the_inside():
    assert "/srv" not in confine.sentence(OSError("/srv/secret"))
    for problem in (
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ):
        assert "more memory than a page may use here (500 MB)" in confine.sentence(problem, 500)


def test_an_address_opens_the_page_it_names_and_back_and_forward_move_between_pages(shipped, monkeypatch):
    page, sent = frame.Frame(shipped), []
    monkeypatch.setattr(frame.Page, "send", lambda self, message, buffers=None: sent.append(message))

    def hear(**message):
        page._hear(page.page, message, [])

    assert page.page.panel == "browse"
    hear(type="ready", query="?page=core-hole&site=quartz-alpha/O3&kind=crystal")
    assert page.choice.value == "Core hole" and page.page.panel == "core-hole" and sent == []
    assert page.current.model.selection == ("quartz-alpha/O3",) and page.current.model.kind == "crystal"
    hear(type="share")
    assert sent[-1]["query"] == "site=quartz-alpha/O3&kind=crystal"
    hear(type="panel", name="browse")
    assert page.choice.value == "Browse" and "quartz-alpha/O3" in page.current.model.selection
    hear(type="panel", name="nowhere")
    assert page.choice.value == "Browse"
    hear(type="ready", query="?page=<b>&sites=stishovite/O1")
    assert "no page '<b>'" in sent[-1]["text"] and page.choice.value == "Browse"
