"""The table of the Browse panel: all spectra, those selected kept on top, and the download of their data."""

from html import escape

import ipywidgets as ipw
import numpy as np

from ...errors import DataError
from ..common.widgets import Download, Table
from ..common.words import INDEX, symbol
from .model import EXPORT_FORMATS, MAX_CURVES
from .words import TABLE


class TableCard:
    """`widget`; follows and sets the selection of a BrowseModel, `failed(problem)` shows why a file could not be made."""

    def __init__(self, model) -> None:
        self.model = model
        self.widget = self._table()
        model.observe(self._show_rows, ["visible", "guess"])
        model.observe(self._show_selection, ["slots", "average"])

    def _table(self) -> ipw.Box:
        model = self.model
        columns = [
            {
                "key": name,
                "label": model.db.subject.words(label),
                "unit": model.unit(name),
                "digits": digits,
                "class": style,
                "help": (f"{INDEX}. " if name == "atom" else "")
                + f"{model.column_title(name)}: click to sort, again for the other direction",
            }
            for name, label, digits, style in TABLE
        ]
        values = [self._cells(name) for name, *_ in TABLE]
        self.table = Table(
            columns=columns,
            rows=[list(row) for row in zip(*values)],
            visible=model.visible.tolist(),
            pinned=True,
            help="Spectra. Arrow keys move, space adds a spectrum to the plot, Enter shows it alone, Escape clears.",
        ).add_class("elnes-compact")  # short numbers: the name has the room
        self.table.observe(self._picked, "selected")
        self.note = ipw.HTML().add_class("elnes-note")
        clear = ipw.Button(description="Clear", tooltip="Remove all curves from the plot")
        clear.on_click(lambda button: model.select([]))
        self.format = ipw.Dropdown(options=list(EXPORT_FORMATS.items()), tooltip="Format of the file to download")
        self.download = Download(
            lambda: model.export(self.format.value),
            self.failed,
            label="Download",
            help="Save the selected spectra or averages as plotted now (zero, unit, broadening, polarization), or all listed ones",
        )
        bar = ipw.Box([ipw.HTML("Spectra").add_class("elnes-heading"), clear, self.format, self.download])
        self._show_selection()
        return ipw.Box([bar.add_class("elnes-bar"), self.table, self.note]).add_class("elnes-card")

    def _cells(self, name) -> list:
        values = self.model.columns[name]
        if name == "atom":
            return [f"O{value}" for value in values]
        if name == "space_group":
            return [symbol(str(value)) for value in values]
        if values.dtype.kind == "f":
            return [round(float(value), 4) if np.isfinite(value) else None for value in values]
        return [int(value) if values.dtype.kind in "iu" else str(value) for value in values]

    def _picked(self, change) -> None:
        labels = [self.model.labels[i] for i in change.new]
        if tuple(labels) != self.model.selection:
            self.model.select(labels)

    def failed(self, problem) -> None:
        """Say why a file could not be made."""
        text = str(problem) if isinstance(problem, DataError) else f"The file could not be made: {problem}"
        self.note.value = f"<span class='elnes-warn' role='alert'>{escape(text)}</span>"

    def _show_rows(self, change=None) -> None:
        self.table.visible = self.model.visible.tolist()
        self._write_note()

    def _show_selection(self, change=None) -> None:
        model = self.model
        chosen = [model.positions[label] for label in model.selection]
        styles = model.styles(model.drawn)
        with self.table.hold_sync():
            self.table.swatches = {str(model.positions[label]): list(s) for label, s in zip(model.drawn, styles)}
            self.table.selected = chosen
        self._write_note()

    def _write_note(self) -> None:
        model = self.model
        hidden = len({model.positions[label] for label in model.selection} - set(model.visible.tolist()))
        notes = ["Click a row to show it, the box (or Ctrl, Shift) to compare several."]
        if model.guess:
            notes.insert(0, escape(model.guess))
        if hidden:
            notes.append(f"{hidden} of the {len(model.selection)} selected are hidden by the filters.")
        if len(model.selection) > MAX_CURVES:
            notes.append(f"Of {len(model.selection):,} selected, {MAX_CURVES} are drawn; a download has all.")
        self.note.value = " ".join(notes)
