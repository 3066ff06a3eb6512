"""The small widgets of the dashboard that no library offers: shared-Plotly figure, table, page services, download.

The table is our own because the colour of a row's curve changes with every selection; itables redraws the whole table,
loses its scroll position and ships 0.7 MB for that.
"""

import sys
from copy import deepcopy
from html import escape
from pathlib import Path

import anywidget
import ipywidgets as ipw
from traitlets import Bool, Dict, List, Unicode, observe

# Importing FigureWidget makes plotly import nbformat, whose validator compiles a grammar for two seconds that no figure
# needs. Declared missing while plotly is imported, the validator does without it.
GRAMMAR = "rfc3987_syntax"
skipped = sys.modules.setdefault(GRAMMAR, None) is None
import plotly  # noqa: E402
import plotly.graph_objects as go  # noqa: E402

go.FigureWidget  # resolves the lazy import now
if skipped:
    del sys.modules[GRAMMAR]

STATIC = Path(__file__).parents[1] / "static"
BUNDLE = Path(plotly.__file__).with_name("package_data") / "widgetbundle.js"


class Figure(go.FigureWidget):
    """A plotly FigureWidget whose 5 MB of JavaScript are sent once per page instead of once per figure.

    Plotly sends changes as messages and keeps none for a page that is still loading, so `show` holds the last figure
    back until the browser has drawn the first.
    """

    _esm = STATIC / "figure.js"
    plotly_version = Unicode(plotly.__version__).tag(sync=True)

    def __init__(self, figure, *, buttons=("zoom2d", "pan2d", "resetScale2d", "toImage")) -> None:
        super().__init__(figure)
        self._rendered, self._waiting = False, None
        self._config = {
            "displaylogo": False,
            "responsive": True,
            "modeBarButtons": [list(buttons)],
            "toImageButtonOptions": {"filename": "elnes-lab", "scale": 2},
        }
        self.on_msg(self._answer)

    @staticmethod
    def _remove_overlapping_props(*arguments) -> list:
        """Plotly forgets what was set as soon as the browser has filled in something for it; a new page needs it."""
        return []

    @observe("_js2py_pointsCallback")
    def _handler_js2py_pointsCallback(self, change) -> None:
        """A click or a box. For a box, plotly tells the page which points of each trace it has marked, though it was the page that
        marked them, and each of these messages draws the whole figure anew: they are left out, and all else goes in one message.
        """
        with self.batch_update():
            super()._handler_js2py_pointsCallback(change)
            for edits in self._batch_trace_edits.values():
                edits.pop("selectedpoints", None)

    def _answer(self, widget, message, buffers) -> None:
        if message.get("type") == "plotly":
            self.send({"type": "plotly"}, buffers=[BUNDLE.read_bytes()])
        elif message.get("type") == "rendered":
            self._rendered = True
            if self._waiting is not None:
                figure, self._waiting = self._waiting, None
                self.show_figure(figure)

    def get_state(self, key=None, drop_defaults=False) -> dict:
        """The state to send; all of it goes to a JupyterLab page that was reloaded, which needs the figure of now.

        Plotly's own is that of the beginning, because all later changes were messages.
        """
        if key is None and self.__dict__.get("_rendered"):
            now = {"_widget_data": self._data, "_widget_layout": self._layout_obj._props}
            self._trait_values.update(deepcopy(now))  # not set: that would send them to the page that has drawn them
        return super().get_state(key, drop_defaults)

    def show_figure(self, figure, *, zoomed: bool = False) -> None:
        """Take over data and layout of another figure in one message.

        Traces are matched by their `meta`, or by position where they have none; a trace that has no match is hidden.
        zoomed: the energies are those of before, to which the user may have zoomed: their ranges stay.
        """
        if not self._rendered:
            self._waiting = figure
            return
        if zoomed:
            figure.update_xaxes(range=None)
        new = {i if trace.meta is None else trace.meta: trace for i, trace in enumerate(figure.data)}
        with self.batch_update():
            for i, live in enumerate(self.data):
                key = i if live.meta is None else live.meta
                if key in new:
                    properties = new[key].to_plotly_json()
                    properties.pop("type")
                    live.update(properties)
                elif live.visible:
                    live.visible = False
            layout = figure.layout.to_plotly_json()
            layout.pop("template")
            self.layout.update(layout)

    def change_trace(self, index, properties, figure) -> None:
        """Change one trace; `figure()` makes the whole figure for a page that has not drawn the first one yet."""
        if not self._rendered:
            self._waiting = figure()
            return
        with self.batch_update():
            self.data[index].update(properties)


class Table(anywidget.AnyWidget):
    """Sortable table of any number of rows, of which those in `visible` are listed.

    rows: lists of texts and numbers (None: no value); columns: dicts with key, label, help, digits, class;
    selected: row numbers; swatches: row number as text -> (colour, dash) of its curve; pinned: those selected stay in sight above
    the list, which starts with the column that names a row.
    """

    _esm = STATIC / "table.js"
    columns = List(Dict()).tag(sync=True)
    rows = List().tag(sync=True)
    visible = List().tag(sync=True)
    selected = List().tag(sync=True)
    swatches = Dict().tag(sync=True)
    help = Unicode().tag(sync=True)
    pinned = Bool(False).tag(sync=True)


class Page(anywidget.AnyWidget):
    """Theme button and the browser's side of the page: style sheet, light or dark, WebGL, whether the kernel answers.

    `ready` becomes true once the page is on screen; what takes long or is below the fold is built then.
    """

    _esm = STATIC / "page.js"
    _css = STATIC / "style.css"
    ready = Bool(False)
    dark = Bool(False)
    webgl = Bool(False)
    panel = Unicode(help="Name of the page in front, as in its address").tag(sync=True)

    def __init__(self, **traits) -> None:
        super().__init__(**traits)
        self.on_msg(self._hear)

    def _hear(self, widget, message, buffers) -> None:
        kind = message.get("type")
        if kind == "ping":
            self.send({"type": "pong"})
        elif kind == "theme":
            self.dark = message["dark"]
        elif kind == "ready":
            self.webgl = message["webgl"]
            self.ready = True

    def notice(self, text) -> None:
        """A line below the top bar, in the place of the one before."""
        self.send({"type": "notice", "text": text})


class Download(anywidget.AnyWidget):
    """Button that calls `make` when clicked and saves its (file name, bytes) in the browser; errors go to `failed`."""

    _esm = STATIC / "download.js"
    label = Unicode("Download").tag(sync=True)
    help = Unicode().tag(sync=True)

    def __init__(self, make, failed, **traits) -> None:
        super().__init__(**traits)
        self.make, self.failed = make, failed
        self.on_msg(self._wanted)

    def _wanted(self, widget, message, buffers) -> None:
        try:
            name, content = self.make()
        except Exception as problem:
            self.send({"type": "failed"})
            self.failed(problem)
        else:
            self.send({"type": "file", "name": name}, buffers=[content])


def control(label, widget, *, readout=None) -> ipw.Box:
    """`widget` with its label above it and, after the label, an HTML widget with its value."""
    if readout is None:
        readout = ipw.HTML(label).add_class("widget-label")
    return ipw.Box([readout, widget]).add_class("elnes-control")


def captioned(label, value, help) -> str:
    """Text of the label of a slider: a slider shows no tooltip of its own, so its label has the help."""
    return f"<span title='{escape(help)}'>{label} <output>{value}</output></span>"
