"""Widgets of the Train panel: the training as it goes and the list of runs, beside the choices of train_choices_view."""

import time
from html import escape

import ipywidgets as ipw
import numpy as np
import plotly.graph_objects as go

from ...errors import DataError
from ...figures import training as figures
from ...learning.packed import LIMIT
from ..common.saving import Saving
from ..common.upload import Upload
from ..common.widgets import Download, control
from ..common.words import version
from . import link, results
from .choices_view import ChoicesCard
from .model import TrainModel
from .widgets import LiveFigure, Runs

SILENCE = 10.0  # s after which a browser that has not answered is asked again
TWO_CLICKS = 0.6  # s; a second click sooner than this was meant for Train, not for Stop
COLUMNS = (
    ("name", "Model", "Name under which the other panels list it", 0, ""),
    ("inputs", "Inputs", "PDOS channels, and the band gap if the network sees it", 0, ""),
    ("window", "Input window", "Part of the PDOS that the network sees, and its zero", 0, "extra"),
    ("target", "Predicts", "Part of the spectrum that it predicts, and its zero", 0, "extra"),
    ("network", "Network", "Kind of network and number of members", 0, ""),
    ("seed", "Seed", "Number that fixes the split into training and test structures", 0, "number"),
    ("crystal", "MSE, crystals", "Median MSE of crystals that it never saw (spectra of mean 1)", 4, "number"),
    ("amorphous", "MSE, amorphous", "Median MSE of amorphous sites it never saw (spectra of mean 1)", 4, "number"),
    ("seconds", "Time (s)", "Wall time of the training", 1, "number"),
)
NOTHING = (
    "<b>Nothing has been trained on this page yet.</b><br>Press Train: the preset takes a few seconds. Its loss and "
    "three validation spectra appear here while it learns. Or tick a model below."
)
PREPARING = "<b>Preparing the training ...</b><br>The first one on a page takes a few seconds more."
MEASURING = "<b>Measuring the model on sites it never saw ...</b>"
NOT_TICKED = (
    "<b>No model is ticked.</b><br>Tick one in the list below to see it on sites it never saw, or two to compare them."
)


class TrainView:
    """The Train panel of a database: `widget`; `model` holds its state; page is the Page widget of the frame."""

    title = "Train"

    def __init__(self, db, page) -> None:
        self.model = TrainModel(page.session)
        self.started, self.drawn = 0.0, None
        self.drawing = self.followed = self.loss_axis = None
        self.widget = ipw.Box([ChoicesCard(self.model).widget, self._training(), self._runs()])
        self.widget.add_class("elnes-browse").add_class("elnes-train")
        model = self.model
        model.observe(self._show_state, ["running", "stopping", "message", "failed", "problem", "busy"])
        model.observe(self._show_progress, "progress")
        model.observe(self._show_name, ["kind", "members", "gap", "running"])
        model.observe(self._show_runs, "deleted")
        model.session.observe(self._show_name, "models")
        self._show_name()
        model.observe(self._show_runs, ["ticked", "details"])
        model.session.observe(self._show_runs, "models")
        self._show_state()
        self._show_runs()
        model.warm_up()

    # training --------------------------------------------------------------------------------------------------------
    def _training(self) -> ipw.Box:
        self.button = ipw.Button(description="Train", button_style="primary").add_class("elnes-go")
        self.button.on_click(self._clicked)
        self.bar = ipw.FloatProgress(min=0, max=1, value=0).add_class("elnes-progress")
        self.left = ipw.HTML().add_class("elnes-note")
        self.message = ipw.HTML().add_class("elnes-note").add_class("elnes-message")
        self.loss = LiveFigure(figures.loss_curves([], height=results.LOSS_HEIGHT)).add_class("elnes-loss")
        self.spectra = LiveFigure(results.no_spectra()).add_class("elnes-trio")
        self.show = ipw.ToggleButtons(
            options=[("While learning", "live"), ("Ticked models", "ticked")],
            tooltips=["Three validation spectra as it learns", "The models ticked in the list, on held-out sites"],
        )
        self.show.observe(lambda change: self._draw_results(), "value")
        self.empty = ipw.HTML().add_class("elnes-empty")
        self.caption = ipw.HTML().add_class("elnes-note").add_class("elnes-verdict")
        self.title_field = ipw.Text(tooltip="Name of the model in the lists of all pages, up to 40 letters")
        self.title_field.observe(lambda change: setattr(self.model, "title", change.new), "value")
        self.model.observe(lambda change: setattr(self.title_field, "value", change.new), "title")
        name = control("Name", self.title_field)
        bar = ipw.Box([self.button, name.add_class("elnes-name"), self.bar, self.left]).add_class("elnes-bar")
        shared = {"failed": self._failed, "notes": version(self.model.db)}
        losses = Saving(
            self._loss_figure,
            lambda: (["loss", self._whose()], f"Loss: {self._whose()}"),
            target="elnes-loss",
            help="Save the loss",
            **shared,
        )
        spectra = Saving(
            self._spectra_figure,
            lambda: (["held out", self._whose()], f"Held-out spectra: {self._whose()}"),
            target="elnes-trio",
            help="Save the spectra",
            **shared,
        )
        bar.children = [*bar.children, losses.widget]
        head = ipw.Box([ipw.HTML("Spectra").add_class("elnes-heading"), control("", self.show), spectra.widget])
        head.add_class("elnes-bar")
        self.savings = (losses, spectra)
        plot = ipw.VBox([self.loss, head, self.spectra, self.caption, self.empty]).add_class("elnes-plot")
        return ipw.Box([bar, self.message, plot]).add_class("elnes-card")

    @property
    def live(self) -> bool:
        """Whether the training is shown, not the ticked models."""
        return self.show.value == "live"

    def _whose(self) -> str:
        return results.whose(self.model, self.live)

    def _clicked(self, button) -> None:
        if self.model.running:
            if time.monotonic() - self.started > TWO_CLICKS:
                self.model.stop()
            return
        if self.model.problem:
            return
        self.started = time.monotonic()
        self.bar.value, self.left.value = 0, ""
        self.show.value = "live"
        self.model.start()

    def _show_state(self, change=None) -> None:
        model = self.model
        self.button.description = "Stopping" if model.stopping else "Stop" if model.running else "Train"
        self.button.button_style = "danger" if model.running else "primary"
        self.button.disabled = model.stopping or bool(model.problem and not model.running)
        self.button.tooltip = (
            "End the training; the best weights so far are kept" if model.running else "Train with these choices"
        )
        role = "class='elnes-warn' role='alert'" if model.failed else "role='status'"
        self.message.value = f"<span {role}>{escape(model.message)}</span>" if model.message else ""
        if not model.running:
            self.left.value = ""
        self._show_empty()

    def _show_name(self, change=None) -> None:
        self.title_field.placeholder = self.model.next_name()

    def _show_empty(self) -> None:
        model, live = self.model, self.live
        if live:
            text = "" if model.progress is not None else PREPARING if model.running else NOTHING
        else:
            measured = any(name in model.details for name in model.ticked)
            text = "" if measured else MEASURING if model.ticked and model.busy else NOT_TICKED
        self.empty.value = text
        (self.empty.remove_class if text else self.empty.add_class)("elnes-hidden")

    def _show_progress(self, change=None) -> None:
        progress = self.model.progress
        if progress is None:
            return
        self.bar.value = progress.epoch / progress.epochs
        if self.model.running:
            self.left.value = f"epoch {progress.epoch} of {progress.epochs}, at most {progress.left:.0f} s left"
            if self.model.message.startswith("Reading") and not self.model.stopping:
                self.model.message = f"{self.model.naming} is learning."
        if not self.model.running:
            self.drawing = None  # the last state is drawn in any case
        if self.live:
            self._follow()

    def _follow(self) -> None:
        """Draw the last progress, unless the browser still draws an earlier one: what it has no time for is skipped."""
        progress, now = self.model.progress, time.monotonic()
        if progress is None or not self.live or (self.drawing and now - self.drawing < SILENCE):
            return
        self.followed, self.drawing = progress, now
        if self.drawn != ("live", self.model.run):  # the first report of this training draws all, the others what moves
            self._draw_results()
        else:
            losses = (progress.validation, progress.training)
            axis = figures.loss_axis(losses)
            layout = {"yaxis": axis} if axis != self.loss_axis else {}
            epochs = np.arange(1, progress.epoch + 1)
            self.loss.change(
                {i: {"x": epochs, "y": values, "mode": "lines"} for i, values in enumerate(losses)},
                self._loss_figure,
                layout=layout,
            )
            self.loss_axis = axis
            self.spectra.change({5 * i + 3: {"y": now} for i, now in enumerate(progress.now)}, self._spectra_figure)
            self._write_caption()
        self.runs.ask(self._caught_up)

    def _caught_up(self) -> None:
        self.drawing = None
        if self.model.progress is not self.followed:
            self._follow()

    # results ---------------------------------------------------------------------------------------------------------
    def _loss_figure(self) -> go.Figure:
        return results.loss_figure(self.model, self.live)

    def _spectra_figure(self) -> go.Figure:
        return results.spectra_figure(self.model, self.live)

    def _draw_results(self) -> None:
        model = self.model
        self._show_empty()
        for saving in self.savings:
            saving.write()
        self.loss.show_figure(self._loss_figure())
        self.spectra.show_figure(self._spectra_figure())
        self.drawn = (self.show.value, model.run if model.progress is not None else None)
        self._write_caption()

    def _write_caption(self) -> None:
        self.caption.value = escape(results.caption(self.model, self.live))

    # runs ------------------------------------------------------------------------------------------------------------
    def _runs(self) -> ipw.Box:
        self.runs = Runs(
            columns=[dict(zip(("key", "label", "help", "digits", "class"), column)) for column in COLUMNS],
        )
        self.runs.observe(self._ticked, "ticked")
        self.download = Download(
            self._pack,
            self._failed,
            label="Download",
            help="Save the model ticked last: weights and card in one zip file",
        )
        self.upload = Upload(
            self.model.upload,
            self._refused,
            label="Upload",
            help=f"Add a model that was downloaded here: a .zip of at most {LIMIT >> 20} MB",
            accept=".zip",
            limit=LIMIT,
        )
        self.delete = ipw.Button(tooltip="Delete the model ticked last; the shipped ones stay")
        self.delete.on_click(lambda button: self.model.delete())
        self.restore = ipw.Button(description="Undo", tooltip="Bring the model deleted last back")
        self.restore.on_click(lambda button: self.model.restore())
        heading = ipw.HTML("Models: tick one to see it on held-out sites, two to compare them")
        bar = ipw.Box(
            [heading.add_class("elnes-heading"), self.restore, self.delete, self.upload, self.download]
        ).add_class("elnes-bar")
        return ipw.Box([bar, self.runs]).add_class("elnes-card").add_class("elnes-wide")

    def _ticked(self, change) -> None:
        if tuple(change.new) != self.model.ticked:
            self.show.value = "ticked"
            self.model.tick(change.new)

    def _show_runs(self, change=None) -> None:
        self.runs.rows = self.model.rows()
        self.runs.ticked = list(self.model.ticked)
        last = next((entry for entry in self.model.session.models if self.model.ticked[-1:] == (entry.name,)), None)
        self.delete.layout.display = "none" if last is None or last.origin == "shipped" else None
        self.delete.description = f"Delete {last.name.partition(':')[0]}" if last else "Delete"
        self.restore.layout.display = None if self.model.deleted else "none"
        self.download.label = f"Download {self.model.ticked[-1].partition(':')[0]}" if self.model.ticked else "Download"
        if not self.live:
            self._draw_results()

    def _pack(self) -> tuple:
        if not self.model.ticked:
            raise DataError("No model is ticked. Tick the one to download in the list.")
        return self.model.session.pack(self.model.ticked[-1])

    def _failed(self, problem) -> None:
        self._refused(str(problem) if isinstance(problem, DataError) else f"The file could not be made: {problem}")

    def _refused(self, sentence) -> None:
        self.model.failed, self.model.message = True, sentence

    def link(self) -> tuple:
        """(query, sentence) of a link to these choices; a model is not in it."""
        return link.query(self.model), ""

    def open_link(self, text) -> list:
        """Choose what the query of a link asks for; sentences about what of it is ignored."""
        state, sentences = link.read(self.model, text)
        link.restore(self.model, state)
        return sentences

    def status(self) -> str:
        """Text for the top bar: how many spectra and models there are."""
        return f"<b>{len(self.model.session.models):,}</b> models, <b>{len(self.model.db):,}</b> spectra"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.model.session.observe(lambda change: callback(), "models")
