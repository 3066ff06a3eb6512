"""Widgets of the relaxation: one button, where it is, what it changed, and the way back."""

from html import escape

import ipywidgets as ipw

from ..common.widgets import Download
from .relaxing import DONE, OFF, RUNNING

OFFER = "Off: the lengths are taken as given. The structures of the database were relaxed with the same potential."


class RelaxingView:
    """`widget` of a Relaxing model; failed(problem) is told what could not be saved."""

    def __init__(self, model, failed) -> None:
        self.model = model
        self.start = ipw.Button(
            description="Relax",
            tooltip="Relax positions and cell with the universal potential CHGNet; its space group is kept",
        )
        self.start.on_click(lambda button: model.start())
        self.stop = ipw.Button(description="Stop", tooltip="Stop relaxing; the structure stays as it was given")
        self.stop.on_click(lambda button: model.stop())
        self.back = ipw.Button(tooltip="Change between the structure as it was given and as it was relaxed")
        self.back.on_click(lambda button: model.show(not model.shown))
        save = Download(model.cif, failed, label="CIF", help="Save the relaxed structure as a CIF file")
        self.save = ipw.Box([save])
        self.text = ipw.HTML().add_class("elnes-note")
        heading = ipw.HTML("Relaxation").add_class("elnes-heading")
        bar = ipw.Box([heading, self.start, self.stop, self.back, self.save]).add_class("elnes-bar")
        self.widget = ipw.Box([bar, self.text]).add_class("elnes-relaxing")
        model.observe(self._show, ["state", "progress", "problem", "shown"])
        self._show()

    def _show(self, change=None) -> None:
        model = self.model
        for widget, states in (
            (self.start, (OFF,)),
            (self.stop, (RUNNING,)),
            (self.back, (DONE,)),
            (self.save, (DONE,)),
        ):
            (widget.remove_class if model.state in states else widget.add_class)("elnes-hidden")
        self.back.description = "Back to the original" if model.shown else "Show the relaxed one"
        self.text.value = self._text()

    def _text(self) -> str:
        model = self.model
        if model.state == RUNNING:
            return f"<p role='status'>{escape(model.progress)}</p>"
        if model.state == OFF:
            return (
                f"<p class='elnes-warn' role='alert'>{escape(model.problem)}</p>"
                if model.problem
                else f"<p>{OFFER}</p>"
            )
        now = "" if model.shown else " Shown is the structure as it was given."
        rows = "".join(
            f"<tr><th scope='row'>{escape(name)}</th><td>{before}</td><td>{after}</td></tr>"
            for name, before, after in model.rows()
        )
        return (
            f"<p>{escape(model.sentence())}{now}</p><table class='elnes-numbers'><tr><th></th><th scope='col'>given</th>"
            f"<th scope='col'>relaxed</th></tr>{rows}</table>"
        )
