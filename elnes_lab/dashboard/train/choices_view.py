"""Widgets of the choices of the Train panel, with a drawing of the chosen windows on a real site."""

from collections.abc import Callable
from html import escape

import ipywidgets as ipw
import plotly.graph_objects as go

from ...figures import training as figures
from ..common.widgets import captioned, control
from .choices import BEST, DIRECTED, INPUT_RANGE, NAMES, OWN, PLAIN, TARGET_RANGE, ZEROS, interval
from .widgets import LiveFigure

STEP = 0.5  # eV, of the windows
INPUT_ZEROS = tuple((ZEROS[name], name) for name in ("cbm", "vbm"))
TARGET_ZEROS = tuple((ZEROS[name], name) for name in ("edge", "onset", "cbm", "vbm"))
NETWORKS = tuple((NAMES[kind], kind) for kind in ("mlp", "conv", "linear", PLAIN, "ensemble", "kernel"))
MEMBERS = (1, 3, 5, 10, 20)
WINDOWS_HEIGHT = 280


class ChoicesCard:
    """What to train: `widget` shows and sets the choices of `model`, a TrainChoices."""

    def __init__(self, model) -> None:
        self.model, self.quiet = model, False
        self.widget = self._choices()
        model.observe(self._show_choices, [*BEST, "preset", "seed", "problem", "note"])
        model.observe(self._draw_windows, ["channels", "input_zero", "input_window", "target_zero", "target_window"])
        self._show_choices()

    def _choices(self) -> ipw.Box:
        model = self.model
        self.preset = ipw.ToggleButtons(
            options=[("Fast", "best"), ("Best", "ensemble"), ("As published", "published"), ("Own", OWN)],
            tooltips=[
                "A few seconds: five networks on top of a ridge regression, with the settings that did best for them",
                "The smallest errors: a kernel model and networks together, which learn x, y and z one at a time",
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
            "kind": ipw.Dropdown(
                options=NETWORKS,
                tooltip="Kind of network; linear is the ridge regression alone; kernel "
                "ridge and the kernel model are no networks",
            ),
            "members": ipw.Dropdown(options=MEMBERS, tooltip="Networks in the ensemble; one has no error band"),
            "epochs": ipw.IntSlider(min=5, max=300, step=5, readout=False),
            "ridge": ipw.Dropdown(
                options=(("ridge regression", True), ("nothing", False)),
                tooltip="Whether the network starts from a ridge regression and learns with shifted energies",
            ),
            "seed": ipw.BoundedIntText(min=0, max=9999, tooltip="Number that fixes the split and the first weights"),
            "amorphous": ipw.ToggleButtons(
                options=[("no", False), ("yes", True)],
                tooltips=[
                    "Train on crystals only; all amorphous structures are held out",
                    "Train on a share of the amorphous structures, too",
                ],
            ),
        }
        for name, field in self.fields.items():
            field.observe(self._choose(name), "value")
        names = ("input_window", "target_window", "epochs")
        self.captions = {name: ipw.HTML().add_class("widget-label") for name in names}
        fields = self.fields

        def slider(name) -> ipw.Box:
            return control("", fields[name], readout=self.captions[name])

        def row(*children) -> ipw.Box:
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

    def _choose(self, name) -> Callable:
        def chosen(change) -> None:
            if self.quiet:
                return
            if name == "preset" and change.new == OWN:
                self._show_choices()  # whatever differs from the presets is "own"; nothing to set
            elif isinstance(change.new, tuple):  # a slider in the browser is off by rounding errors
                setattr(self.model, name, tuple(round(value / STEP) * STEP for value in change.new))
            else:
                setattr(self.model, name, change.new)

        return chosen

    def _pick_channel(self, change) -> None:
        if not self.quiet:
            self.model.channels = tuple(name for name, button in self.channels.items() if button.value)

    def _show_choices(self, change=None) -> None:
        model, self.quiet = self.model, True
        try:
            self.preset.value = model.preset
            for name, button in self.channels.items():
                button.value = name in model.channels
            for name, field in self.fields.items():
                field.value = getattr(model, name)
            self.fields["ridge"].disabled = model.kind in ("linear", PLAIN, *DIRECTED)
            self.fields["epochs"].disabled = model.kind in ("linear", PLAIN, "kernel")
            self.fields["members"].disabled = model.kind in (PLAIN, "kernel")
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

    def _windows_figure(self) -> go.Figure:
        return figures.chosen_windows(**self.model.windows(), **self.model.zeros(), height=WINDOWS_HEIGHT)

    def _draw_windows(self, change) -> None:
        if not self.model.channels:
            return
        if change.name in ("input_window", "target_window"):
            layout = figures.window_layout(**self.model.windows())
            self.windows.change({}, self._windows_figure, layout=layout)
        else:
            self.windows.show_figure(self._windows_figure())
