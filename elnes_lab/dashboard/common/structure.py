"""Card with a structure, its 3-D view and the caption that says what is seen."""

from html import escape
from typing import TYPE_CHECKING

import ipywidgets as ipw

from ...errors import DataError
from .facts import facts
from .scene import Scene
from .words import INDEX

if TYPE_CHECKING:
    from ...structure import Environment


class StructureView:
    """Card with the structure around one selected site: `widget`; `show(label)` draws a site, None clears it."""

    def __init__(self, model, page) -> None:
        self.model, self.page = model, page
        self.label, self.environments, self.quiet = None, {}, False
        self.heading = ipw.HTML().add_class("elnes-heading")
        self.site = ipw.Dropdown(options=[], tooltip="Which of the selected sites is drawn")
        self.site.observe(lambda change: self.quiet or self.show(change.new), "value")
        self.scene = Scene(page)
        self.caption = ipw.HTML()
        bar = ipw.Box([self.heading, self.scene.key, self.scene.choice, self.site]).add_class("elnes-bar")
        self.widget = (
            ipw.Box([bar, self.scene.widget, self.caption]).add_class("elnes-card").add_class("elnes-structure")
        )
        model.observe(self._selected, "selection")
        page.observe(self._draw, "ready")
        self._selected()

    def _selected(self, change=None) -> None:
        labels = list(self.model.selection)
        before = () if change is None else change.old
        added = [label for label in labels if label not in before]
        if added:
            chosen = added[0 if change is None else -1]
        else:
            chosen = self.label if self.label in labels else (labels[-1] if labels else None)
        self.quiet = True  # new options choose the first of them for a moment
        self.site.options = [(self.model.name(label), label) for label in labels]
        self.site.value = chosen
        self.quiet = False
        self.site.layout.display = None if len(labels) > 1 else "none"
        self.show(chosen)

    def show(self, label) -> None:
        """Write the caption of a site and, once the page is on screen, draw its surroundings."""
        if label == self.label and label is not None:
            return
        self.label = label
        if label is None:
            self.heading.value, self.caption.value = "Structure", "Select a spectrum to see where its oxygen sits."
        else:
            self.heading.value = f"<span title='{INDEX}'>Structure: {escape(self.model.name(label))}</span>"
            items = "".join(
                f"<div><span>{name}</span>{escape(value)}</div>" for name, value in facts(self.model, label)
            )
            self.caption.value = f"<div class='elnes-facts'>{items}</div>"
        self._draw()

    def _draw(self, change=None) -> None:
        if self.label is None:
            self.scene.show(None, None)
        elif self.page.ready:
            try:
                environment = self._environment()
            except DataError as problem:  # the file of structures is gone
                self.scene.refuse(problem)
                return
            self.scene.show(environment, self.model.columns["atom"][self.model.positions[self.label]])

    def _environment(self) -> "Environment":
        from ...structure import Environment

        structure = str(self.model.columns["structure"][self.model.positions[self.label]])
        if structure not in self.environments:
            self.environments[structure] = Environment.of(self.model.db.atoms(structure))
        return self.environments[structure]
