"""Widgets of the Core hole panel: what the core hole changes at one site, and how much of it was learnt."""

from html import escape

import ipywidgets as ipw
import numpy as np
import plotly.graph_objects as go

from ...figures import corehole as figures
from ...learning import metrics
from ..common.saving import Saving
from ..common.widgets import Figure, control
from ..common.words import ALL, version
from ..sites.widgets import KINDS, OPENING, Linked, ModelChoice, Waiting, Walk, not_predicted, nothing_shown
from .model import CoreHoleModel
from .words import SHADED, meaning

CHANGE_HEIGHT, LEARNT_HEIGHT = 470, 380
BLANK = {
    "energy": np.array(metrics.EDGE_WINDOW),
    "ground": np.zeros(2),
    "computed": np.zeros(2),
    "predicted": np.zeros(2),
    "lower": None,
    "upper": None,
    "title": "",
    "color": figures.GROUND,
}
EMPTY = {
    "learnt": np.empty(0),
    "computed": np.empty(0),
    "predicted": np.empty(0),
    "known": np.empty(0),
    "amorphous": np.empty(0, bool),
    "names": [],
    "titles": [],
    "colors": [],
}


class CoreHoleView(Linked):
    """The Core hole panel of a database: `widget`; `model` holds its state; page is the Page of the frame."""

    title = "Core hole"

    def __init__(self, db, page) -> None:
        self.model = CoreHoleModel(db, page.session)
        columns = [ipw.Box([self._change()]), ipw.Box([self._summary()])]
        self.widget = ipw.Box([self._filters(), *(column.add_class("elnes-column") for column in columns)])
        self.widget.add_class("elnes-browse").add_class("elnes-corehole").add_class("elnes-site-panel")
        self.model.observe(self._show_state, "state")
        self.model.observe(self._show_summary, ["shown", "judged", "selection"])
        self.model.observe(self._show_change, ["judged", "selection"])
        self.controls = {
            "first": self.models.first,
            "second": self.models.second,
            "kind": self.kind,
            "text": self.search,
        }
        self.model.load()

    def _filters(self) -> ipw.Box:
        model = self.model
        self.models = ModelChoice(model)
        self.kind = ipw.Dropdown(options=KINDS, value=ALL, tooltip="Show only crystals or only amorphous structures")
        self.search = ipw.Text(
            placeholder="quartz ...",
            tooltip="Words that occur in the name, site, source or space group; all must match",
        )
        self.kind.observe(lambda change: setattr(model, "kind", change.new), "value")
        self.search.observe(lambda change: setattr(model, "text", change.new), "value")
        reset = ipw.Button(description="Reset filters", tooltip="Show all spectra again")
        reset.on_click(lambda button: self.reset())
        return (
            ipw.Box(
                [
                    *self.models.controls,
                    control("Kind", self.kind),
                    control("Search", self.search),
                    reset,
                ]
            )
            .add_class("elnes-card")
            .add_class("elnes-filters")
        )

    def reset(self) -> None:
        """Put all filters back."""
        self.kind.value, self.search.value = ALL, ""

    # one site --------------------------------------------------------------------------------------------------------
    def _change(self) -> ipw.Box:
        self.walk = Walk(self.model, worst="Least learnt", order="least learnt first", of="change learnt")
        self.figure = Figure(self._change_figure()).add_class("elnes-change")
        self.uncovered = Waiting()
        self.table = ipw.HTML()
        plot = ipw.Box([self.figure, self.uncovered.widget]).add_class("elnes-plot")
        note = ipw.HTML(SHADED).add_class("elnes-note")
        self.saving = Saving(self._change_figure, self._described, self._failed, notes=version(self.model.db))
        self.walk.widget.children = [*self.walk.widget.children, self.saving.widget]
        return ipw.Box([self.walk.widget, plot, note, self.table]).add_class("elnes-card")

    def _change_figure(self) -> go.Figure:
        return figures.change_figure(**(self.model.curves() or {"curves": [BLANK]}), height=CHANGE_HEIGHT)

    def _described(self) -> tuple:
        name = self.model.name(self.model.selection[0]) if self.model.selection else "no site"
        return ["core hole", name], f"{name}: change by the core hole"

    def _failed(self, problem) -> None:
        self.notes.value = f"<span class='elnes-warn' role='alert'>{escape(str(problem))}</span>"

    def _show_change(self, change=None) -> None:
        model = self.model
        if not model.judged:
            return
        if model.curves() is None:
            self.uncovered.show(not_predicted(model, "the figure beside"))
            self.table.value = ""
            return
        self.uncovered.show("")
        self.saving.write()
        self.figure.show_figure(self._change_figure())
        heads, rows = model.numbers()
        head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in heads)
        body = "".join(
            f"<tr><th scope='row' title='{escape(help)}'>{name}</th>"
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
            for name, help, cells in rows
        )
        self.table.value = f"<table class='elnes-numbers'><tr><th></th>{head}</tr>{body}</table>"

    # all sites -------------------------------------------------------------------------------------------------------
    def _summary(self) -> ipw.Box:
        again = ipw.Button(description="Reset filters", button_style="primary", tooltip="Show all spectra again")
        again.on_click(lambda button: self.reset())
        self.waiting = Waiting(again)
        self.learnt = Figure(self._learnt_figure()).add_class("elnes-errors").add_class("elnes-learnt")
        self.traces = [trace for trace in self.learnt.data if str(trace.meta).startswith(("learnt.", "gain."))]
        for trace in self.traces:
            trace.on_click(self._clicked)
        plot = ipw.Box([self.learnt, self.waiting.widget]).add_class("elnes-plot")
        self.medians = ipw.HTML()
        self.notes = ipw.HTML().add_class("elnes-note")
        note = ipw.HTML(meaning()).add_class("elnes-note")
        save = Saving(
            self._learnt_figure,
            lambda: (["core-hole change learnt"], "Core-hole change learnt"),
            self._failed,
            help="Save the figure of all sites",
            hidden=["marked.0", "marked.1"],
            notes=version(self.model.db),
        )
        bar = ipw.Box([ipw.HTML("How much of the change is learnt").add_class("elnes-heading"), save.widget])
        return ipw.Box([bar.add_class("elnes-bar"), plot, self.medians, self.notes, note]).add_class("elnes-card")

    def _learnt_figure(self) -> go.Figure:
        model = self.model
        if not model.judged:
            return figures.learnt_figure(**EMPTY, height=LEARNT_HEIGHT)
        return figures.learnt_figure(**model.summary(), marked=model.marked(), height=LEARNT_HEIGHT)

    def _show_summary(self, change=None) -> None:
        model = self.model
        if not model.judged:
            return
        self._cover()
        self.learnt.show_figure(self._learnt_figure())
        self.walk.write()
        if change.name == "selection":
            return
        titles = model.titles()
        head = "".join(f"<th scope='col'>{escape(title)}</th>" for title in titles)
        colors = "".join(
            f"<th scope='col'><i style='border-color:{color}'></i>{escape(title)}</th>"
            for title, color in zip(titles, model.colors())
        )
        rows = "".join(
            f"<tr><th scope='row'>{group} ({count:,})</th>"
            + "".join(f"<td>{100 * value:.0f} %</td>" for value in learnt)
            + f"<td>{100 * computed:.1f} %</td>"
            + "".join(f"<td>{100 * value:.1f} %</td>" for value in predicted)
            + "</tr>"
            for group, count, learnt, computed, predicted in model.medians()
        )
        span = len(titles)
        self.medians.value = (
            (
                "<table class='elnes-numbers'>"
                f"<tr><th></th><th colspan='{span}'>Change learnt, median</th>"
                f"<th colspan='{span + 1}'>Gain near the edge, mean</th></tr>"
                f"<tr><th>Not trained on</th>{colors}<th scope='col'>computed</th>{head}</tr>{rows}</table>"
            )
            if rows
            else "The networks shown were trained on all of these structures."
            if len(model.shown)
            else ""
        )
        notes = [model.problem] if model.problem else []
        notes += [
            *(model.left_out() if len(model.shown) else ()),
            *(note for one in model.judged for note in one.notes),
        ]
        self.notes.value = " ".join(map(escape, dict.fromkeys(notes)))

    def _show_state(self, change=None) -> None:
        model = self.model
        if model.state == "loading":
            self.waiting.show(OPENING, busy=True)
            self.uncovered.show(OPENING, busy=True)
        elif model.state == "failed":
            text = f"<b>Nothing can be shown.</b><br>{escape(model.problem)}"
            self.waiting.show(text)
            self.uncovered.show(text)
        else:
            self._cover()
            self._show_change()

    def _cover(self) -> None:
        self.waiting.show(nothing_shown(self.model))

    def _clicked(self, trace, points, state) -> None:
        # Plotly calls this for every trace of the figure; only one has the point.
        if points.point_inds and points.point_inds[0] < len(self.model.shown):
            self.model.select(self.model.labels[self.model.shown[points.point_inds[0]]])
