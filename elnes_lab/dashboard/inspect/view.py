"""Widgets of the Inspect panel: the published figure, live, and one spectrum of it in detail."""

from html import escape

import ipywidgets as ipw
import numpy as np
import plotly.graph_objects as go

from ...errors import DataError
from ...figures import inspect as figures
from ...figures.prediction import prediction_figure
from ..common.saving import SaveFigure, Saving
from ..common.scales import OWN_ZEROS, ScaleButtons
from ..common.structure import StructureView
from ..common.widgets import Download, Figure, control
from ..common.words import error, version
from ..sites.widgets import OPENING, Linked, Waiting, Walk, not_predicted, nothing_shown
from .filters import FiltersCard
from .model import DIRECTIONS, MEAN, InspectModel
from .words import BAND, HINT, INPUTS, INTENSITIES, PLAIN

ERRORS_HEIGHT, DETAIL_HEIGHT = 420, 700
EMPTY = {
    "errors": np.empty((0, 0)),
    "known": np.empty((0, 0)),
    "amorphous": np.empty(0, bool),
    "names": [],
    "structures": [],
    "titles": [],
    "colors": [],
}
ENDS = np.array([-2.0, 30.0])
BLANK = {
    "energy": ENDS,
    "computed_energy": ENDS,
    "computed": np.zeros(2),
    "mean": np.zeros(2),
    "lower": None,
    "upper": None,
    "title": "",
    "color": figures.COMPUTED,
}
LINKED = ("training", "along", "zero", "intensity")  # what a link holds besides site, models, search and kind


def yardstick(record) -> str:
    """Cell of the table with the median MSE of a plain method."""
    if not record:
        return "<td>–</td>"
    help = (
        f"Out of fold: every structure held out once; {record['n']:,} spectra of {record['structures']:,} structures, data "
        f"version {record['data']}"
    )
    return f"<td title='{escape(help)}'>{error(record['mse_median'])}</td>"


class InspectView(Linked):
    """The Inspect panel of a database: `widget`; `model` holds its state; page is the Page of the frame."""

    title = "Inspect"
    linked = LINKED

    def __init__(self, db, page) -> None:
        self.model = InspectModel(db, page.session)
        self.page, self.caught, self.drawn = page, set(), None
        self.filters = FiltersCard(self.model)
        columns = [ipw.Box([self._errors()]), ipw.Box([self._detail()])]
        self.structure = StructureView(self.model, page)
        columns[0].children = [*columns[0].children, self.structure.widget]
        self.widget = ipw.Box([self.filters.widget, *(column.add_class("elnes-column") for column in columns)])
        self.widget.add_class("elnes-browse").add_class("elnes-inspect").add_class("elnes-site-panel")
        self.model.observe(self._show_state, "state")
        self.model.observe(self._show_errors, ["shown", "judged"])
        self.model.observe(self._show_site, "selection")
        self.model.observe(lambda change: self._show_detail(), ["along", "zero", "intensity"])
        self.model.observe(self._show_walk, "boxed")
        self.controls = self.filters.controls | {"along": self.along, **self.scales.linked}
        self.model.load()

    # errors ----------------------------------------------------------------------------------------------------------
    def _errors(self) -> ipw.Box:
        again = ipw.Button(description="Reset filters", button_style="primary", tooltip="Show all spectra again")
        again.on_click(lambda button: self.filters.reset())
        self.waiting = Waiting(again)
        self.figure = Figure(
            figures.error_figure(**EMPTY, height=ERRORS_HEIGHT),
            buttons=("select2d", "zoom2d", "pan2d", "resetScale2d", "toImage"),
        ).add_class("elnes-errors")
        self.traces = [trace for trace in self.figure.data if str(trace.meta).startswith("errors.")]
        for trace in self.traces:
            trace.on_click(self._clicked)
            trace.on_selection(self._boxed)
        self.summary, self.notes = ipw.HTML(), ipw.HTML().add_class("elnes-note")
        self.hint = ipw.HTML(HINT).add_class("elnes-note")
        self.clear = ipw.Button(description="Clear box", tooltip="Step through all spectra shown again")
        self.clear.on_click(lambda button: self.model.box([]))
        self.clear.layout.display = "none"
        save = SaveFigure(
            name="elnes-errors",
            help="Save the figure of all errors",
            title="Error of every spectrum",
            hidden=["marked"],
        )
        download = Download(
            self.model.csv,
            self._failed,
            label="CSV",
            help="Save the errors of the spectra shown, or of those in the box",
        )
        bar = ipw.Box([ipw.HTML("Error of every spectrum").add_class("elnes-heading"), self.clear, save, download])
        plot = ipw.Box([self.figure, self.waiting.widget]).add_class("elnes-plot")
        return ipw.Box([bar.add_class("elnes-bar"), plot, self.hint, self.summary, self.notes]).add_class("elnes-card")

    def _scatter(self) -> go.Figure:
        arguments = self.model.scatter() | {"marked": self.model.marked()} if self.model.judged else EMPTY
        return figures.error_figure(**arguments, height=ERRORS_HEIGHT)

    def _failed(self, problem) -> None:
        text = str(problem) if isinstance(problem, DataError) else f"The file could not be made: {problem}"
        self.hint.value = f"<span class='elnes-warn' role='alert'>{escape(text)}</span>"

    def _clicked(self, trace, points, state) -> None:
        # Plotly calls this for every trace of the figure; only one has the point.
        if points.point_inds and points.point_inds[0] < len(self.model.shown):
            self.model.select(self.model.labels[self.model.shown[points.point_inds[0]]])

    def _boxed(self, trace, points, selector) -> None:
        first = trace is self.traces[0]
        self.caught = set(points.point_inds) if first else self.caught | set(points.point_inds)
        if trace is self.traces[-1]:
            inside = sorted(i for i in self.caught if i < len(self.model.shown))
            if inside:
                self.model.box([self.model.labels[self.model.shown[i]] for i in inside])

    def _show_state(self, change=None) -> None:
        model = self.model
        if model.state == "loading":
            self.waiting.show(OPENING, busy=True)
        elif model.state == "failed":
            self.waiting.show(f"<b>Nothing can be shown.</b><br>{escape(model.problem)}")
        else:
            self._cover()

    def _cover(self) -> None:
        self.waiting.show(nothing_shown(self.model))

    def _show_errors(self, change=None) -> None:
        if not self.model.judged:
            return
        if self.model.state == "ready":
            self._cover()
        self.figure.show_figure(self._scatter())
        self._write_summary()
        self._show_walk()
        if change.name == "judged":
            self._show_detail()

    def _write_summary(self) -> None:
        model = self.model
        head = "".join(f"<th scope='col'>{escape(title)}</th>" for title in model.titles())
        medians, yards = model.medians(), model.yardsticks()
        plain = list(dict.fromkeys(name for group, *_ in medians for name in yards.get(group, {})))
        head += "".join(f"<th scope='col' title='{PLAIN[name]}'>{name}</th>" for name in plain)
        rows = "".join(
            f"<tr><th scope='row'>{group}</th>{''.join(f'<td>{error(value)}</td>' for value in values)}"
            f"{''.join(yardstick(yards[group].get(name)) for name in plain)}<td>{count:,}</td><td>{structures:,}</td></tr>"
            for group, count, structures, values in medians
        )
        self.summary.value = (
            (
                f"<table class='elnes-numbers'><tr><th>Median MSE, structures not trained on</th>{head}"
                f"<th scope='col'>spectra</th><th scope='col'>structures</th></tr>{rows}</table>"
            )
            if rows
            else ""
        )
        notes = [model.problem] if model.problem else []
        if model.known()[model.shown].any():
            notes.append(
                "Hollow and pale: the network was trained on that structure, so its error is no test; medians and "
                "distributions leave it out."
            )
        notes += [model.yardstick_note()] if plain and model.yardstick_note() else []
        notes += model.left_out() if len(model.shown) else []
        notes += dict.fromkeys(note for one in model.judged for note in one.notes)
        self.notes.value = " ".join(map(escape, notes))

    def _show_walk(self, change=None) -> None:
        model = self.model
        self.walk.write()
        count = len(set(model.boxed) & {model.labels[i] for i in model.shown})
        self.clear.layout.display = None if count else "none"
        self.hint.value = f"Stepping through the {count:,} spectra in the box." if count else HINT

    # one site --------------------------------------------------------------------------------------------------------
    def _detail(self) -> ipw.Box:
        self.walk = Walk(self.model)
        self.spectrum = Figure(self._prediction()).add_class("elnes-prediction")
        self.findings = ipw.HTML()
        self.unseen = Waiting()
        plot = ipw.Box([self.spectrum, self.unseen.widget]).add_class("elnes-plot")
        self.unseen.show(OPENING, busy=True)
        self.note = ipw.HTML().add_class("elnes-note")
        self.along = ipw.Dropdown(
            options=DIRECTIONS,
            value=MEAN,
            tooltip="Mean over directions, or the polarization "
            "along an axis of the stored cell, of models that tell these apart",
        )
        self.along.observe(lambda change: setattr(self.model, "along", change.new), "value")
        self.saving = Saving(
            self._prediction,
            self._described,
            self._failed,
            help="Save the spectrum and its inputs",
            notes=version(self.model.db),
        )
        self.scales = ScaleButtons(self.model, self.page.session, OWN_ZEROS, INTENSITIES)
        along = control("Polarization", self.along).add_class("elnes-short")
        along = ipw.Box([*self.scales.controls, along, self.saving.widget])
        return ipw.Box([self.walk.widget, plot, along.add_class("elnes-bar"), self.findings, self.note]).add_class(
            "elnes-card"
        )

    def _described(self) -> tuple:
        model = self.model
        name = model.name(model.selection[0]) if model.selection else "no site"
        along = "" if model.along == MEAN else f", polarization along {model.along}"
        return [name, *([model.along] if along else []), "predicted"], f"{name}: computed and predicted ELNES{along}"

    def _prediction(self) -> go.Figure:
        detail = self.model.detail() or {
            "curves": [BLANK],
            "input_energy": np.empty(0),
            "inputs": np.empty((0, 0)),
            "channels": (),
            "input_zero": "vbm",
        }
        if not len(detail["input_energy"]):
            detail["input_energy"] = np.array([-2.0, 15.0])
        return prediction_figure(**detail, height=DETAIL_HEIGHT)

    def _show_site(self, change=None) -> None:
        marked, errors = self.model.marked(), self.model.errors()[:, self.model.shown]
        index = next(i for i, trace in enumerate(self.figure.data) if trace.meta == "marked")
        self.figure.change_trace(index, figures.mark(errors, marked), self._scatter)
        self._show_walk()
        self._show_detail()

    def _show_detail(self) -> None:
        model = self.model
        if not model.judged:
            return
        detail = model.detail()
        if detail is None:
            self.unseen.show(not_predicted(model, "the figure of errors"))
            self.findings.value = ""
            return
        self.unseen.show("")
        self.saving.write()
        figure = self._prediction()
        axis = (detail["zero"], detail["input_zero"], tuple(map(float, detail["input_energy"][[0, -1]])))
        self.spectrum.show_figure(figure, zoomed=axis == self.drawn)
        self.drawn = axis
        self.findings.value = self._findings()
        banded = any(curve["lower"] is not None for curve in detail["curves"])
        self.note.value = (BAND if banded else "") + INPUTS

    def _findings(self) -> str:
        rows = ""
        for title, color, mse, better, _, score, _ in self.model.findings():
            strange = f"{score:.2f}" if np.isfinite(score) else "unknown"
            rows += (
                f"<tr><th scope='row'><i style='border-color:{color}'></i>{escape(title)}</th><td>{error(mse)}</td>"
                f"<td>{100 * better:.0f} %</td><td>{strange}</td></tr>"
            )
        texts = "".join(
            f"<p class='{'elnes-warn' if warn else 'elnes-note'}'>{escape(text)}</p>"
            for text, warn in self.model.remarks()
        )
        return (
            "<table class='elnes-numbers'><tr><th></th><th scope='col'>MSE</th>"
            "<th scope='col' title='Share of the spectra shown that are predicted better'>better predicted</th>"
            "<th scope='col' title='Familiar inputs score below 1'>out-of-domain score</th></tr>"
            f"{rows}</table>{texts}"
        )
