"""The frame of the dashboard: top bar, one panel at a time, footer. Panels are entries of PANELS."""

import logging
import os
from html import escape
from importlib import import_module

import ipywidgets as ipw

from ..errors import DataError
from .common.glossary import Help
from .common.links import FOREIGN, pairs_of, shown, slug
from .common.widgets import Page
from .common.words import PAGES, footer
from .keeping import Keeping
from .serving import confine
from .session import Session

# Title, module and class of each panel. A panel is built when it is first shown, from (database, page).
PANELS = (
    ("Browse", "browse.view", "BrowseView"),
    ("Train", "train.view", "TrainView"),
    ("Inspect", "inspect.view", "InspectView"),
    ("Core hole", "corehole.view", "CoreHoleView"),
    ("New structure", "newstructure.view", "NewStructureView"),
    ("My spectrum", "measured.view", "MeasuredView"),
)


class Frame:
    """The page around the panels of a database: `widget` is what a notebook displays. titles: of the panels to offer."""

    def __init__(self, db, titles=None) -> None:
        self.db, self.panels, self.current = db, {}, None
        titles = [name for name, *_ in PANELS] if titles is None else list(titles)
        self.page = Page()
        self.page.session = Session(db)
        self.count = ipw.HTML().add_class("elnes-count")
        self.body, self.note = ipw.Box([]), ipw.HTML()
        about = f"{db.subject.label} edge of {db.subject.material}"
        title = ipw.HTML(f"<b>ELNES Lab</b><span>{about}</span>").add_class("elnes-title")
        self.keeping = Keeping(self.page.session, self.page.notice)
        top = ipw.Box([title, self.count, self.page, Help(), self.keeping.widget]).add_class("elnes-top")
        self.choice = ipw.ToggleButtons(options=titles, tooltips=[PAGES.get(title, "") for title in titles])
        self.choice.observe(lambda change: self.show(change.new), "value")
        nav = [ipw.Box([self.choice]).add_class("elnes-nav")] if len(titles) > 1 else []
        foot = ipw.HTML(footer(self.db)).add_class("elnes-foot")
        self.widget = ipw.VBox([top, *nav, self.note, self.body, foot]).add_class("elnes")
        self.titles = {slug(title): title for title in titles}
        self.page.session.pages = titles
        self.page.session.observe(self._asked, "asked")
        self.show(titles[0])
        self.page.on_msg(self._hear)

    def _hear(self, widget, message, buffers) -> None:
        """page.js tells with what query the page was opened, when a link is wanted, and of the browser's Back and Forward."""
        kind, panel = message.get("type"), self.current
        if kind == "share":
            query, note = panel.link() if hasattr(panel, "link") else ("", "")
            self.page.send({"type": "link", "query": query, "note": note})
        elif kind == "panel" and message.get("name") in self.titles:
            self.choice.value = self.titles[message["name"]]
        elif kind == "ready" and message.get("query"):
            self._open(str(message["query"]))

    def _asked(self, change) -> None:
        if change.new in self.titles.values():
            self.choice.value = change.new
        self.page.session.asked = ""

    def _open(self, query) -> None:
        """Show the page that the query of an address names, the first without one, as far as it tells what to show."""
        name, sentences = dict(pairs_of(query)).get("page", ""), []
        if any(key not in FOREIGN for key, _ in pairs_of(query)):
            self.page.session.follow_link()
        if name and name not in self.titles:
            sentences = [f"There is no page {shown(name, 40)!r} here."]
        self.choice.value = self.titles.get(name, self.choice.value)
        if hasattr(self.current, "open_link"):
            sentences += self.current.open_link(query)
        if sentences:
            self.page.notice(" ".join(sentences))

    def show(self, title) -> None:
        """Bring a panel to the front, building it the first time; its state stays while another one is shown."""
        if title not in self.panels:
            module, name = next(entry[1:] for entry in PANELS if entry[0] == title)
            try:
                panel = getattr(import_module(f".{module}", __package__), name)(self.db, self.page)
            except Exception as problem:  # the panel in front stays; choosing the broken one again tries again
                logging.getLogger(__name__).exception("panel %s", title)
                reason = problem if isinstance(problem, DataError) else confine.sentence(problem)
                self.note.value = (
                    f"<p role='alert' class='elnes-warn'>{title} cannot be opened: {escape(str(reason))}</p>"
                )
                self.choice.value = next((name for name, shown in self.panels.items() if shown is self.current), title)
                return
            panel.on_status(self._write_count)
            self.panels[title] = panel
            self.body.children = [*self.body.children, panel.widget]
        if self.panels[title] is not self.current:
            self.note.value = ""
        self.current = self.panels[title]
        for panel in self.panels.values():  # hidden, not taken out: plotly's widgets do not survive leaving the page
            (panel.widget.remove_class if panel is self.current else panel.widget.add_class)("elnes-hidden")
        self.page.panel = slug(title)
        if hasattr(self.current, "follow"):
            self.current.follow(self.page.session.site)
        self._write_count()

    def _write_count(self) -> None:
        planned = self.db.planned
        rest = f" ({planned:,} planned)" if planned and planned > len(self.db) else ""
        self.count.value = self.current.status() + rest


def fingerprint(path) -> tuple | None:
    """What tells one file from another one put in its place; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class App:
    """The dashboard of the database at `path`, or why it cannot be opened; `widget` is what a notebook displays.

    A page may be made ready long before its visitor comes. If the database is another one by then, the page is made anew.
    """

    def __init__(self, path, panel) -> None:
        self.path, self.panel = path, panel
        self.widget = ipw.VBox().add_class("elnes-app")
        self.show()

    def show(self) -> None:
        content = self._content()
        self.page.observe(self._visited, "ready")
        self.widget.children = [content]

    def _visited(self, change) -> None:
        if change.new and self.source is not None and fingerprint(self.source) != self.made_of:
            self.show()

    def _content(self) -> ipw.VBox:
        from ..database import open_database
        from ..errors import unknown

        try:
            titles = [name for name, *_ in PANELS]
            if self.panel is not None and self.panel not in titles:
                raise unknown(self.panel, titles, "panel")
            db = open_database(self.path)
            frame = Frame(db, titles if self.panel is None else [self.panel])
            self.page, self.source = frame.page, db.store.path
            self.made_of = fingerprint(self.source)
            return frame.widget
        except DataError as problem:
            self.page, self.source = Page(), None
            text = ipw.HTML(
                f"<div style='padding:24px'><b>The dashboard cannot be opened.</b><br>{escape(str(problem))}</div>"
            )
            return ipw.VBox([ipw.Box([text, self.page]).add_class("elnes-top")]).add_class("elnes")

    def notice(self, text) -> None:
        """A line below the top bar of the page."""
        self.page.notice(text)


def app(path=None, *, panel=None) -> ipw.VBox:
    """The dashboard as a widget to display: `app()` is all a notebook needs, `app(panel="Train")` opens one panel alone.

    path: a database file or its folder, default the one that came with the package. A database that cannot be opened
    and a panel that there is not give a page that says why and what to do.
    """
    made = App(path, panel)
    confine.begin(made.notice)
    return made.widget
