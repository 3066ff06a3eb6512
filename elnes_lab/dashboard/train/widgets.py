"""Widgets of the Train panel that no library offers: list of runs, upload in pieces, figure that follows a training."""

import anywidget
from traitlets import Dict, Int, List, Unicode

from ..common.widgets import STATIC, Figure


class Runs(anywidget.AnyWidget):
    """Table with a check box per row. columns: dicts with key, label, help, digits, class; rows: dicts with `name` and
    the keys, None where there is no value; ticked: names, at most two, the latest last. `ask(then)` calls `then()` when
    the browser has done all that it was sent before.
    """

    _esm = STATIC / "runs.js"
    _css = STATIC / "train.css"
    columns = List(Dict()).tag(sync=True)
    rows = List(Dict()).tag(sync=True)
    ticked = List(Unicode()).tag(sync=True)

    def ask(self, then):
        """Ask the browser whether it has caught up; `then()` is called with its answer."""

        def hear(widget, message, buffers):
            if message.get("type") == "drawn":
                self.on_msg(hear, remove=True)
                then()

        self.on_msg(hear)
        self.send({"type": "drawn?"})


class Upload(anywidget.AnyWidget):
    """Button that takes one file of at most `limit` bytes: `received(name, bytes)`, or `refused(sentence)`."""

    _esm = STATIC / "upload.js"
    label = Unicode("Upload").tag(sync=True)
    help = Unicode().tag(sync=True)
    accept = Unicode().tag(sync=True)
    limit = Int(20 * 2**20).tag(sync=True)

    def __init__(self, received, refused, **traits):
        super().__init__(**traits)
        self.received, self.refused, self.pieces, self.size = received, refused, [], 0
        self.on_msg(self._hear)

    def _hear(self, widget, message, buffers):
        name = str(message.get("name", "The file"))[:100]
        kind = message.get("type")
        if kind == "large":
            size = float(message.get("size", 0)) / 2**20
            self.refused(f"{name} has {size:.0f} MB; a file of at most {self.limit >> 20} MB is accepted here.")
        elif kind == "unread":
            self.refused(f"The browser could not read {name}. Choose it again.")
        elif kind == "piece":
            if message.get("index") == 0:
                self.pieces, self.size = [], 0
            piece = bytes(buffers[0]) if buffers else b""
            self.size += len(piece)
            if self.size > self.limit:  # the browser checks before it sends; this is for one that does not
                self.pieces = []
                return
            self.pieces.append(piece)
            if len(self.pieces) == message.get("count"):
                content, self.pieces = b"".join(self.pieces), []
                self.received(name, content)


class LiveFigure(Figure):
    """A Figure of which single traces can be changed many times a second."""

    def change(self, traces, figure, *, layout=None):
        """Change properties of traces (index -> dict) and of the layout (dict) in one message; `figure()` makes the
        whole figure for a page that has not drawn the first one yet.
        """
        if not self._rendered:
            self._waiting = figure()
            return
        with self.batch_update():
            for index, properties in traces.items():
                self.data[index].update(properties)
            self.layout.update(layout or {})
