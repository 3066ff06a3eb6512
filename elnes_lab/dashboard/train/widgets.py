"""Widgets of the Train panel that no library offers: list of runs, figure that follows a training."""

import anywidget
from traitlets import Dict, List, Unicode

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

    def ask(self, then) -> None:
        """Ask the browser whether it has caught up; `then()` is called with its answer."""

        def hear(widget, message, buffers) -> None:
            if message.get("type") == "drawn":
                self.on_msg(hear, remove=True)
                then()

        self.on_msg(hear)
        self.send({"type": "drawn?"})


class LiveFigure(Figure):
    """A Figure of which single traces can be changed many times a second."""

    def change(self, traces, figure, *, layout=None) -> None:
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
