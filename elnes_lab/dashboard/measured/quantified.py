"""The card with what was read out of the measured spectrum: properties with intervals, or that it cannot be told."""

from html import escape

import ipywidgets as ipw

from ...figures import measured as figures
from ..common.widgets import Figure
from ..common.words import UNITS

HEIGHT = 190
EMPTY = [{"name": "", "radius": [1.0, 6.0], "value": [0.0, 0.0], "lower": [0.0, 0.0], "upper": [0.0, 0.0]}] * 2
READING = "Reading structure from the spectrum ... The first time this takes a few seconds."


class QuantifiedCard:
    """`widget` for a MeasuredModel, whose `quantified` it shows."""

    def __init__(self, model) -> None:
        self.model = model
        self.table, self.notes = ipw.HTML(READING), ipw.HTML().add_class("elnes-note")
        self.figure = Figure(figures.distribution_figure(EMPTY, height=HEIGHT), buttons=("toImage",)).add_class(
            "elnes-distributions"
        )
        self.drawn = ipw.Box([self.figure]).add_class("elnes-plot").add_class("elnes-hidden")
        self.badge = ipw.HTML()
        bar = ipw.Box([ipw.HTML("Structure read from the spectrum").add_class("elnes-heading"), self.badge]).add_class(
            "elnes-bar"
        )
        self.widget = (
            ipw.Box([bar, self.table, self.drawn, self.notes]).add_class("elnes-card").add_class("elnes-quantified")
        )
        model.observe(lambda change: self.show(), "quantified")
        self.show()

    def show(self) -> None:
        """Write what the model has now."""
        found = self.model.quantified
        there = hasattr(found, "properties")
        (self.drawn.remove_class if there else self.drawn.add_class)("elnes-hidden")
        if not there:
            self.badge.value = self.notes.value = ""
            self.table.value = (
                f"<span role='status'>{READING}</span>"
                if found is None
                else f"<span class='elnes-warn'>{escape(found)}</span>"
            )
            return
        strange = found.domain > 1
        self.badge.value = f"<span class='{'elnes-warn' if strange else 'elnes-note'}'>{'out of domain' if strange else 'in domain'}</span>"
        rows = ""
        for one in found.properties:
            unit = UNITS.get(one.unit, one.unit)
            if one.informative:
                value, low, high = (f"{x:.{one.digits}f}" for x in (one.value, one.lower, one.upper))
                cells = f"<td><b>{value}</b> {escape(unit)}</td><td>{low} to {high}</td>"
            else:
                cells = "<td colspan='2'>not from this spectrum</td>"
            rows += f"<tr><th scope='row'>{escape(one.name)}</th>{cells}</tr>"
        self.table.value = (
            f"<table class='elnes-numbers'><tr><th></th><th scope='col'>value</th><th scope='col'>{100 * found.level:.0f} % "
            f"interval</th></tr>{rows}</table>"
        )
        curves = [
            {"name": one.symbol, "radius": one.radius, "value": one.value, "lower": one.lower, "upper": one.upper}
            for one in found.curves
        ]
        self.figure.show_figure(figures.distribution_figure(curves, height=HEIGHT))
        where = (
            "The place of the edge was read, too."
            if found.mode == "placed"
            else "Only the shape was read: energies put to the edge say nothing about where it lies."
        )
        if self.model.content is None and "structure" in self.model.measured.facts:
            where += " The model that answers was not trained on the structure of the example, nor on its net."
        self.notes.value = " ".join([where, *map(escape, found.notes)])
