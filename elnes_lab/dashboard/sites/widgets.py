"""Widgets that the panels Inspect and Core hole share: choice of models, walk through the sites, saving a figure."""

from html import escape

import anywidget
import ipywidgets as ipw
import numpy as np

from ..common.widgets import STATIC, control
from ..common.words import ALL, INDEX
from . import link
from .model import NO_MODEL

KINDS = (("all", ALL), ("crystal", "crystal"), ("amorphous", "amorphous"))
OPENING = "<b>Opening the networks ...</b><br>The first time this takes a few seconds."


class Keys(anywidget.AnyWidget):
    """Calls `step(1)` or `step(-1)` when an arrow key is pressed in the panel that it stands in; shows nothing."""

    _esm = STATIC / "keys.js"
    _css = STATIC / "inspect.css"

    def __init__(self, step, **traits) -> None:
        super().__init__(**traits)
        self.step = step
        self.on_msg(lambda widget, message, buffers: message.get("type") == "step" and self.step(message["by"]))
        self.add_class("elnes-hidden")


class Linked:
    """What the frame asks of a panel with a SiteModel `model` and its `controls` by trait; linked: names of further traits of
    the model that a link holds."""

    linked = ()

    def link(self) -> tuple:
        """(query, sentence) of a link to what is shown."""
        return link.query(self.model, self.linked)

    def open_link(self, text) -> list:
        """Show what the query of a link asks for; sentences about what of it is ignored."""
        state, sentences = link.read(self.model, text, self.linked)
        for name in self.controls.keys() & state.keys():
            self.controls[name].value = state[name]
        if "site" in state:
            self.model.select(state["site"])
        return sentences

    def follow(self, label) -> None:
        """Show the site that was chosen on another page."""
        self.model.follow(label)

    def status(self) -> str:
        """Text for the top bar: how many spectra are shown."""
        return f"<b>{len(self.model.shown):,}</b> of {len(self.model.labels):,} spectra shown"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.model.observe(lambda change: callback(), "shown")


class ModelChoice:
    """Two dropdowns, `first` and `second`, of the models of a SiteModel's session; new models appear in them."""

    def __init__(self, model) -> None:
        self.model, self.quiet = model, False
        self.first = ipw.Dropdown(tooltip="Network whose predictions are shown; those trained on this page are listed")
        self.second = ipw.Dropdown(tooltip="Another network to compare it with, or none")
        self.controls = [
            control("Network", self.first).add_class("elnes-model"),
            control("Compared with", self.second).add_class("elnes-model"),
        ]
        self._list()
        self.first.observe(lambda change: self._choose("first", change.new), "value")
        self.second.observe(lambda change: self._choose("second", change.new), "value")
        model.session.observe(self._list, "models")

    def _list(self, change=None) -> None:
        names = [entry.name for entry in self.model.session.models]
        self.quiet = True  # new options choose the first of them for a moment
        self.first.options = names or [("none", NO_MODEL)]
        self.second.options = [("none", NO_MODEL), *((name, name) for name in names)]
        if self.model.first not in names and names:
            self.model.first = names[0]
        if self.model.second not in names:  # deleted
            self.model.second = NO_MODEL
        self.first.value, self.second.value = self.model.first, self.model.second
        self.quiet = False

    def _choose(self, trait, name) -> None:
        if not self.quiet and name is not None:
            setattr(self.model, trait, name)


class Walk:
    """Heading with the site, and buttons for the worst, the one before and the next worst (also arrow keys): `widget`.

    worst and order: what the worst and the order are called; of: what they are sorted by.
    """

    def __init__(self, model, *, worst="Worst", order="worst first", of="error") -> None:
        self.model, self.order = model, order
        self.heading = ipw.HTML().add_class("elnes-heading")
        self.buttons = []
        for text, help, do in (
            (worst, f"Show the spectrum that is worst by its {of}", lambda: model.go(0)),
            ("Previous", f"Show the spectrum that is next worse by its {of} (left arrow)", lambda: model.step(-1)),
            ("Next worst", f"Show the spectrum that comes next by its {of} (right arrow)", lambda: model.step(1)),
        ):
            button = ipw.Button(description=text, tooltip=help)
            button.on_click(lambda button, do=do: do())
            self.buttons.append(button)
        walk = ipw.Box([*self.buttons, Keys(model.step)]).add_class("elnes-walk")
        self.widget = ipw.Box([self.heading, walk]).add_class("elnes-bar")

    def write(self) -> None:
        """Write where in the ranking the site stands."""
        model, place = self.model, self.model.place()
        total = len(model.ranking())
        name = escape(model.name(model.selection[0])) if model.selection else "No site"
        rank = "" if place is None else f" <span class='elnes-note'>{place + 1:,} of {total:,}, {self.order}</span>"
        self.heading.value = f"<span title='{INDEX}'>{name}</span>{rank}"
        worst, previous, following = self.buttons
        worst.disabled, previous.disabled = total == 0 or place == 0, place in (None, 0)
        following.disabled = total == 0 or place == total - 1


def nothing_shown(model) -> str:
    """What to write where no site of a SiteModel is left to show."""
    if len(model.shown):
        return ""
    matching = model.wanted()
    if matching.any() and model.judged and not (matching & model.predicted()).any():
        return "<br>".join(["<b>What is searched for cannot be shown.</b>", *map(escape, model.left_out())])
    return "<b>No spectrum passes these filters.</b>"


def not_predicted(model, click) -> str:
    """What to write where the site of a SiteModel has no curves; click: where another one can be chosen."""
    if not model.selection:
        return f"<b>No site is chosen.</b><br>Click a point of {click}."
    mask = np.arange(len(model.labels)) == model.positions[model.selection[0]]
    return "<br>".join(["<b>No network shown predicts this site.</b>", *map(escape, model.lacking(mask))])


class Waiting:
    """What covers a figure while there is nothing to draw: `widget`; `show(state, text)` with "" hides it."""

    def __init__(self, *buttons) -> None:
        self.text = ipw.HTML(OPENING)
        self.widget = ipw.Box([self.text, *buttons]).add_class("elnes-empty").add_class("elnes-wait")
        self.buttons = buttons

    def show(self, text, *, busy=False) -> None:
        """Cover the figure with a text, with a turning wheel if busy; an empty text uncovers it."""
        self.text.value = text
        (self.widget.add_class if busy else self.widget.remove_class)("elnes-wait")
        (self.widget.remove_class if text else self.widget.add_class)("elnes-hidden")
        for button in self.buttons:
            button.layout.display = "none" if busy else None
