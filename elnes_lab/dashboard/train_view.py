"""Widgets of the Train panel: choices with a drawing of the windows, the training as it goes, the list of runs."""

import time
from html import escape

import ipywidgets as ipw
import numpy as np

from .. import figures_training as figures
from ..errors import DataError
from .browse_view import captioned
from .session import UPLOAD_LIMIT
from .train_model import BEST, INPUT_RANGE, OWN, TARGET_RANGE, ZEROS, TrainModel, interval
from .train_widgets import LiveFigure, Runs, Upload
from .widgets import Download, control

SILENCE = 10.0  # s after which a browser that has not answered is asked again
TWO_CLICKS = 0.6  # s; a second click sooner than this was meant for Train, not for Stop
STEP = 0.5  # eV, of the windows
INPUT_ZEROS = tuple((ZEROS[name], name) for name in ("cbm", "vbm"))
TARGET_ZEROS = tuple((ZEROS[name], name) for name in ("onset", "cbm", "vbm"))
NETWORKS = (("multilayer", "mlp"), ("convolutional", "conv"), ("linear", "linear"))
MEMBERS = (1, 3, 5, 10, 20)
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
SPECTRA_HEIGHT, LOSS_HEIGHT, WINDOWS_HEIGHT = 288, 200, 280
EMPTY = np.empty((0, 0))
NOTHING = (
    "<b>Nothing has been trained on this page yet.</b><br>Press Train: the preset takes a few seconds. Its loss and "
    "three<br>validation spectra appear here while it learns. Or tick a model below."
)
PREPARING = "<b>Preparing the training ...</b><br>The first one on a page takes a few seconds more."
MEASURING = "<b>Measuring the model on sites it never saw ...</b>"
NOT_TICKED = (
    "<b>No model is ticked.</b><br>Tick one in the list below to see it on sites it never saw,"
    "<br>or two to compare them."
)


class TrainView:
    """The Train panel of a database: `widget`; `model` holds its state; page is the Page widget of the frame."""

    title = "Train"

    def __init__(self, db, page):
        self.model = TrainModel(page.session)
        self.started, self.quiet, self.drawn = 0.0, False, None
        self.drawing = self.followed = self.loss_axis = None
        self.widget = ipw.Box([self._choices(), self._training(), self._runs()])
        self.widget.add_class("elnes-browse").add_class("elnes-train")
        model = self.model
        model.observe(self._show_choices, [*BEST, "preset", "seed", "problem", "note"])
        model.observe(self._draw_windows, ["channels", "input_zero", "input_window", "target_zero", "target_window"])
        model.observe(self._show_state, ["running", "stopping", "message", "failed", "problem", "busy"])
        model.observe(self._show_progress, "progress")
        model.observe(self._show_runs, ["ticked", "details"])
        model.session.observe(self._show_runs, "models")
        self._show_choices()
        self._show_state()
        self._show_runs()

    # choices ---------------------------------------------------------------------------------------------------------
    def _choices(self):
        model = self.model
        self.preset = ipw.ToggleButtons(
            options=[("Best", "best"), ("As published", "published"), ("Own", OWN)],
            tooltips=[
                "The settings that did best in docs/learning.md: five networks on top of a ridge regression",
                "The published idea: one plain network on the PDOS alone, trained on crystals",
                "Your own choices below",
            ],
        )
        self.preset.observe(self._choose("preset"), "value")
        self.channels = {}
        for channel in model.db.channels:
            button = ipw.ToggleButton(
                description=channel,
                tooltip=f"Let the network see the {'density of states' if channel == 'DOS' else channel + ' PDOS'}",
            )
            button.observe(self._pick_channel, "value")
            self.channels[channel] = button
        chips = ipw.Box(list(self.channels.values())).add_class("elnes-chips")
        self.gap = ipw.ToggleButtons(
            options=[("no", False), ("yes", True)],
            tooltips=["The network sees the PDOS only", "The network also sees the band gap of the structure"],
        )
        self.fields = {
            "gap": self.gap,
            "input_zero": ipw.Dropdown(
                options=INPUT_ZEROS,
                tooltip="Zero of the energies of the PDOS: conduction-band minimum (tells nothing of the gap) "
                "or valence-band maximum",
            ),
            "input_window": ipw.FloatRangeSlider(min=INPUT_RANGE[0], max=INPUT_RANGE[1], step=STEP, readout=False),
            "target_zero": ipw.Dropdown(
                options=TARGET_ZEROS,
                tooltip="Zero of the energies of the spectrum: its own onset, the conduction-band minimum of the "
                "ground state, or the valence-band maximum",
            ),
            "target_window": ipw.FloatRangeSlider(min=TARGET_RANGE[0], max=TARGET_RANGE[1], step=STEP, readout=False),
            "kind": ipw.Dropdown(options=NETWORKS, tooltip="Kind of network; linear is the ridge regression alone"),
            "members": ipw.Dropdown(options=MEMBERS, tooltip="Networks in the ensemble; one has no error band"),
            "epochs": ipw.IntSlider(min=5, max=300, step=5, readout=False),
            "ridge": ipw.Dropdown(
                options=(("ridge regression", True), ("nothing", False)),
                tooltip="Whether the network starts from a ridge regression and learns with shifted energies",
            ),
            "seed": ipw.BoundedIntText(min=0, max=9999, tooltip="Number that fixes the split and the first weights"),
            "amorphous": ipw.ToggleButtons(
                options=[("no", False), ("yes", True)],
                tooltips=["Train on crystals only; all amorphous structures are held out",
                          "Train on a share of the amorphous structures, too"],
            ),
        }
        for name, field in self.fields.items():
            field.observe(self._choose(name), "value")
        names = ("input_window", "target_window", "epochs")
        self.captions = {name: ipw.HTML().add_class("widget-label") for name in names}
        fields = self.fields

        def slider(name):
            return control("", fields[name], readout=self.captions[name])

        def row(*children):
            return ipw.Box(children).add_class("elnes-row")

        self.windows = LiveFigure(self._windows_figure(), buttons=("toImage",)).add_class("elnes-windows")
        self.note = ipw.HTML().add_class("elnes-note")
        preset = ipw.Box([ipw.HTML("What to train").add_class("elnes-heading"), control("Preset", self.preset)])
        return ipw.Box(
            [
                preset.add_class("elnes-bar"),
                row(control("Input: PDOS channels", chips), control("Band gap, too", self.gap)),
                ipw.Box(
                    [
                        row(control("PDOS zero", fields["input_zero"]), slider("input_window")),
                        row(control("ELNES zero", fields["target_zero"]), slider("target_window")),
                    ]
                ).add_class("elnes-halves"),
                self.windows,
                ipw.HTML(f"Shaded: the windows, drawn on {escape(model.example_name())}.").add_class("elnes-note"),
                row(
                    control("Network", fields["kind"]),
                    control("Members", fields["members"]).add_class("elnes-short"),
                    control("Start from", fields["ridge"]),
                    slider("epochs"),
                    control("Seed", fields["seed"]),
                    control("Train on amorphous, too", fields["amorphous"]),
                ),
                self.note,
            ]
        ).add_class("elnes-card")

    def _choose(self, name):
        def chosen(change):
            if self.quiet:
                return
            if name == "preset" and change.new == OWN:
                self._show_choices()  # whatever differs from the presets is "own"; nothing to set
            elif isinstance(change.new, tuple):  # a slider in the browser is off by rounding errors
                setattr(self.model, name, tuple(round(value / STEP) * STEP for value in change.new))
            else:
                setattr(self.model, name, change.new)

        return chosen

    def _pick_channel(self, change):
        if not self.quiet:
            self.model.channels = tuple(name for name, button in self.channels.items() if button.value)

    def _show_choices(self, change=None):
        model, self.quiet = self.model, True
        try:
            self.preset.value = model.preset
            for name, button in self.channels.items():
                button.value = name in model.channels
            for name, field in self.fields.items():
                field.value = getattr(model, name)
            self.fields["ridge"].disabled = model.kind == "linear"
            self.fields["epochs"].disabled = model.kind == "linear"
        finally:
            self.quiet = False
        for name, text in (("input_window", "PDOS that it sees"), ("target_window", "Spectrum that it predicts")):
            help = f"{text}: move the two handles; the drawing below follows"
            self.captions[name].value = captioned("Window", interval(getattr(model, name)), help)
        help = "Passes over the training spectra at most; it ends before if the validation loss no longer falls"
        self.captions["epochs"].value = captioned("Epochs", f"{model.epochs}", help)
        if model.problem:
            self.note.value = f"<span class='elnes-warn' role='alert'>{escape(model.problem)}</span>"
        else:
            first, _, rest = map(escape, model.note.partition(" Left out: "))
            self.note.value = f"<details><summary>{first}</summary>Left out: {rest}</details>" if rest else first

    def _windows_figure(self):
        return figures.chosen_windows(**self.model.windows(), **self.model.zeros(), height=WINDOWS_HEIGHT)

    def _draw_windows(self, change):
        if not self.model.channels:
            return
        if change.name in ("input_window", "target_window"):
            layout = figures.window_layout(**self.model.windows())
            self.windows.change({}, self._windows_figure, layout=layout)
        else:
            self.windows.show_figure(self._windows_figure())

    # training --------------------------------------------------------------------------------------------------------
    def _training(self):
        self.button = ipw.Button(description="Train", button_style="primary").add_class("elnes-go")
        self.button.on_click(self._clicked)
        self.bar = ipw.FloatProgress(min=0, max=1, value=0).add_class("elnes-progress")
        self.left = ipw.HTML().add_class("elnes-note")
        self.message = ipw.HTML().add_class("elnes-note").add_class("elnes-message")
        self.loss = LiveFigure(figures.loss_curves([], height=LOSS_HEIGHT)).add_class("elnes-loss")
        self.spectra = LiveFigure(self._nothing()).add_class("elnes-trio")
        self.show = ipw.ToggleButtons(
            options=[("While learning", "live"), ("Ticked models", "ticked")],
            tooltips=["Three validation spectra as it learns", "The models ticked in the list, on held-out sites"],
        )
        self.show.observe(lambda change: self._draw_results(), "value")
        self.empty = ipw.HTML().add_class("elnes-empty")
        self.caption = ipw.HTML().add_class("elnes-note").add_class("elnes-verdict")
        bar = ipw.Box([self.button, self.bar, self.left]).add_class("elnes-bar")
        head = ipw.Box([ipw.HTML("Spectra").add_class("elnes-heading"), control("", self.show)]).add_class("elnes-bar")
        plot = ipw.VBox([self.loss, head, self.spectra, self.caption, self.empty]).add_class("elnes-plot")
        return ipw.Box([bar, self.message, plot]).add_class("elnes-card")

    def _nothing(self):
        return figures.spectra_trio(np.empty(0), EMPTY, titles=[], zero="onset", height=SPECTRA_HEIGHT)

    def _clicked(self, button):
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

    def _show_state(self, change=None):
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

    def _show_empty(self):
        model, live = self.model, self.show.value == "live"
        if live:
            text = "" if model.progress is not None else PREPARING if model.running else NOTHING
        else:
            measured = any(name in model.details for name in model.ticked)
            text = "" if measured else MEASURING if model.ticked and model.busy else NOT_TICKED
        self.empty.value = text
        (self.empty.remove_class if text else self.empty.add_class)("elnes-hidden")

    def _show_progress(self, change=None):
        progress = self.model.progress
        if progress is None:
            return
        self.bar.value = progress.epoch / progress.epochs
        if self.model.running:
            self.left.value = f"epoch {progress.epoch} of {progress.epochs}, at most {progress.left:.0f} s left"
            if self.model.message.startswith("Reading") and not self.model.stopping:
                self.model.message = f"{self.model.describe(self.model.run)} is learning."
        if not self.model.running:
            self.drawing = None  # the last state is drawn in any case
        if self.show.value == "live":
            self._follow()

    def _follow(self):
        """Draw the last progress, unless the browser still draws an earlier one: what it has no time for is skipped."""
        progress, now = self.model.progress, time.monotonic()
        if progress is None or self.show.value != "live" or (self.drawing and now - self.drawing < SILENCE):
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

    def _caught_up(self):
        self.drawing = None
        if self.model.progress is not self.followed:
            self._follow()

    # results ---------------------------------------------------------------------------------------------------------
    def _loss_figure(self):
        model, runs, epochs = self.model, [], None
        if self.show.value == "live" and model.progress is not None:
            runs, epochs = [("", model.progress)], model.progress.epochs
        elif self.show.value == "ticked":
            found = [(name, model.details[name].progress) for name in model.ticked if name in model.details]
            runs = [(name, progress) for name, progress in found if progress is not None]
        return figures.loss_curves(
            [{"name": n, "training": p.training, "validation": p.validation} for n, p in runs],
            epochs=epochs,
            height=LOSS_HEIGHT,
        )

    def _spectra_figure(self):
        model = self.model
        if self.show.value == "live":
            progress = model.progress
            if progress is None:
                return self._nothing()
            return figures.spectra_trio(
                progress.energy,
                progress.computed,
                titles=list(progress.sites),
                zero=model.learning.target.alignment,
                curves={"first": progress.first, "predicted": progress.now},
                labels={"first": "after epoch 1", "predicted": "predicted"},
                height=SPECTRA_HEIGHT,
            )
        names, found, rows, text = model.comparison()
        if rows is None:
            return self._nothing()
        one, chosen = found[0], rows[0]
        errors = [details.mse[where] for details, where in zip(found, rows)]
        titles = [
            f"{site}<br>MSE " + " / ".join(f"{error[i]:.4f}" for error in errors)
            for i, site in enumerate(one.sites[chosen])
        ]
        curves, labels = {"predicted": one.predicted[chosen]}, {"predicted": names[0]}
        if len(found) == 2:
            curves["second"], labels["second"] = found[1].predicted[rows[1]], names[1]
        band = len(found) == 1 and one.lower is not None
        return figures.spectra_trio(
            one.energy,
            one.computed[chosen],
            titles=titles,
            zero=one.target.alignment,
            curves=curves,
            labels=labels,
            lower=one.lower[chosen] if band else None,
            upper=one.upper[chosen] if band else None,
            height=SPECTRA_HEIGHT,
        )

    def _draw_results(self):
        model = self.model
        self._show_empty()
        self.loss.show_figure(self._loss_figure())
        self.spectra.show_figure(self._spectra_figure())
        self.drawn = (self.show.value, model.run if model.progress is not None else None)
        self._write_caption()

    def _write_caption(self):
        progress, text = self.model.progress, ""
        if self.show.value == "ticked":
            text = self.model.comparison()[3]
        elif progress is not None:
            errors, first = (np.mean((x - progress.computed) ** 2, axis=1) for x in (progress.now, progress.first))
            parts = [f"{site} {a:.4f} → {b:.4f}" for site, a, b in zip(progress.sites, first, errors)]
            text = "Validation sites, predicted by members that never saw their structure. MSE since epoch 1: "
            text += f"{', '.join(parts)}."
        self.caption.value = escape(text)

    # runs ------------------------------------------------------------------------------------------------------------
    def _runs(self):
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
            help=f"Add a model that was downloaded here: a .zip of at most {UPLOAD_LIMIT >> 20} MB",
            accept=".zip",
            limit=UPLOAD_LIMIT,
        )
        heading = ipw.HTML("Models: tick one to see it on held-out sites, two to compare them")
        bar = ipw.Box([heading.add_class("elnes-heading"), self.upload, self.download]).add_class("elnes-bar")
        return ipw.Box([bar, self.runs]).add_class("elnes-card").add_class("elnes-wide")

    def _ticked(self, change):
        if tuple(change.new) != self.model.ticked:
            self.show.value = "ticked"
            self.model.tick(change.new)

    def _show_runs(self, change=None):
        self.runs.rows = self.model.rows()
        self.runs.ticked = list(self.model.ticked)
        self.download.label = f"Download {self.model.ticked[-1].partition(':')[0]}" if self.model.ticked else "Download"
        if self.show.value == "ticked":
            self._draw_results()

    def _pack(self):
        if not self.model.ticked:
            raise DataError("No model is ticked. Tick the one to download in the list.")
        return self.model.session.pack(self.model.ticked[-1])

    def _failed(self, problem):
        self._refused(str(problem) if isinstance(problem, DataError) else f"The file could not be made: {problem}")

    def _refused(self, sentence):
        self.model.failed, self.model.message = True, sentence

    def status(self):
        """Text for the top bar: how many spectra and models there are."""
        return f"<b>{len(self.model.session.models):,}</b> models, <b>{len(self.model.db):,}</b> spectra"

    def on_status(self, callback):
        """Call `callback()` whenever `status` has changed."""
        self.model.session.observe(lambda change: callback(), "models")
