"""Map of all spectra and histograms of the sites: an overview of the database in which one can select, too."""

from html import escape

import ipywidgets as ipw
import numpy as np
import plotly.graph_objects as go

from ...figures import overview as figures
from ..common.saving import Saving
from ..common.widgets import Figure, control
from ..common.words import version
from .model import COLOR_COLUMNS

HEIGHT = 330
MAP_HINT = "Click a point, or drag a box around several. Squares are amorphous, crosses have no value."
HISTOGRAM_HINT = "Sites that pass the filters; triangles mark the selected ones. Click a bar to select its sites."


class OverviewView:
    """Card with the map or the histograms of a BrowseModel: `widget`. The histograms are made when first shown."""

    def __init__(self, model) -> None:
        self.model = model
        self.views = ipw.ToggleButtons(
            options=["Map", "Histograms"],
            tooltips=["One point per spectrum: the nearer, the more alike", "How the listed sites are distributed"],
        )
        self.views.observe(self._switch, "value")
        self.color = ipw.Dropdown(
            options=[(model.db.long_names[name], name) for name in COLOR_COLUMNS],
            value=model.color_by,
            tooltip="Quantity that colours the points of the map",
        )
        self.color.observe(lambda change: setattr(model, "color_by", change.new), "value")
        self.color_control = control("Colour", self.color)
        self.map = Figure(
            self._map_figure(), buttons=("select2d", "lasso2d", "zoom2d", "pan2d", "resetScale2d", "toImage")
        )
        self.map.data[0].on_click(self._clicked)
        self.map.data[1].on_click(self._clicked)
        self.map.data[0].on_selection(self._boxed)
        self.histograms = None
        self.plots = ipw.VBox([ipw.VBox([self.map])]).add_class("elnes-plot")
        self.hint = ipw.HTML(MAP_HINT).add_class("elnes-note")
        self.saving = Saving(
            self._shown_figure,
            self._described,
            self._failed,
            help="Save the map or the histograms",
            notes=version(model.db),
        )
        bar = ipw.Box([ipw.HTML("Overview").add_class("elnes-heading"), self.color_control, self.views])
        foot = ipw.Box([self.hint, self.saving.widget]).add_class("elnes-foot-bar")
        self.widget = ipw.Box([bar.add_class("elnes-bar"), self.plots, foot]).add_class("elnes-card")
        model.observe(self._show_map, ["slots", "average", "visible", "color_by"])

    def _map_figure(self) -> go.Figure:
        return figures.spectral_map(**self.model.map(), height=HEIGHT).update_layout(dragmode="select")

    def _shown_figure(self) -> go.Figure:
        return self._map_figure() if self.views.value == "Map" else figures.database_overview(**self.model.overview())

    def _described(self) -> tuple:
        model, title = self.model, "Map of all spectra: principal components"
        if self.views.value != "Map":
            return ["histograms"], f"{len(model.visible):,} sites"
        return [
            "map",
            model.db.long_names[model.color_by],
        ], f"{title}, coloured by {model.column_title(model.color_by)}"

    def _failed(self, problem) -> None:
        self.hint.value = f"<span class='elnes-warn' role='alert'>{escape(str(problem))}</span>"

    def _switch(self, change) -> None:
        if change.new == "Map":
            self.color_control.remove_class("elnes-hidden")
            self.plots.children[0].remove_class("elnes-hidden")
            self.plots.children[1].add_class("elnes-hidden")
            self.hint.value = MAP_HINT
        else:
            self.color_control.add_class("elnes-hidden")
            if self.histograms is None:
                self.histograms = Figure(
                    figures.database_overview(**self.model.overview(), height=HEIGHT), buttons=("toImage",)
                )
                for trace in self.histograms.data:
                    trace.on_click(self._bar_clicked)
                self.plots.children = [*self.plots.children, ipw.VBox([self.histograms])]
            else:
                self.histograms.show_figure(figures.database_overview(**self.model.overview(), height=HEIGHT))
            # Hidden, not taken out: plotly's widget goes on drawing into a view that has left the page, and fails.
            self.plots.children[0].add_class("elnes-hidden")
            self.plots.children[1].remove_class("elnes-hidden")
            self.hint.value = HISTOGRAM_HINT
        self.saving.write()

    def _show_map(self, change=None) -> None:
        self.saving.write()
        if change.name in ("slots", "average"):
            everything = self.model.map()
            part = {name: everything[name] for name in ("scores", "names", "amorphous", "selected", "styles")}
            self.map.change_trace(1, figures.selected_points(**part), self._map_figure)
        else:
            self.map.show_figure(self._map_figure())
        if self.views.value != "Map":
            self.histograms.show_figure(figures.database_overview(**self.model.overview(), height=HEIGHT))

    def _clicked(self, trace, points, state) -> None:
        # Plotly calls this for every trace of the figure; only one has the point.
        if not points.point_inds:
            return
        chosen = self.map.data[1].customdata
        rows = [chosen[i] if trace is self.map.data[1] else i for i in points.point_inds]
        self.model.select([self.model.labels[int(i)] for i in rows], add=state.ctrl or state.shift or state.meta)

    def _boxed(self, trace, points, selector) -> None:
        if not points.point_inds:
            return
        visible = set(self.model.visible.tolist())
        self.model.select([self.model.labels[i] for i in points.point_inds if i in visible])

    def _bar_clicked(self, trace, points, state) -> None:
        if not points.point_inds or trace.type != "bar":
            return
        columns = self.model.overview()["columns"]
        row = next(i for i, one in enumerate(self.histograms.data) if one is trace)
        values = list(columns.values())[row // 3]
        amorphous = self.model.overview()["amorphous"]
        center, width = trace.x[points.point_inds[0]], np.ravel(trace.width)[0]
        inside = (np.abs(values - center) <= width / 2 + 1e-9) & (amorphous == (trace.name == "amorphous"))
        self.model.select([self.model.labels[i] for i in self.model.visible[inside]])
