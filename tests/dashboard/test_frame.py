"""The frame around the panels, without a browser."""
from elnes_lab.dashboard import frame
from elnes_lab.errors import DataError


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
    page = frame.app(panel="Corehole")
    assert "Core hole" in page.children[0].children[0].value and "no panel" in page.children[0].children[0].value
