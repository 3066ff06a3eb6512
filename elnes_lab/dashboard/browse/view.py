"""Widgets of the Browse panel: filters, table, spectra. They set and show the traits of a BrowseModel."""

from html import escape

import ipywidgets as ipw
import numpy as np

from ...errors import DataError
from ...figures import browse as figures
from ..common.saving import Saving
from ..common.structure import StructureView
from ..common.widgets import Download, Figure, Table, captioned, control
from ..common.words import ALL, INDEX, symbol, version
from . import link
from .model import CHOICES, EXPORT_FORMATS, MAX_CURVES, RANGE_STEPS, RANGES, BrowseModel
from .overview import OverviewView

# column, heading, decimals, style class ("extra", "extra2", "extra3" give way in narrow tables)
TABLE = (
    ("name", "Structure", 0, "wide"),
    ("atom", "Site", 0, "short"),
    ("kind", "Kind", 0, "text extra2"),
    ("space_group", "Group", 0, "text extra"),
    ("coordination", "CN", 0, "short extra3"),
    ("si_o_mean", "Si–O", 3, ""),
    ("si_o_si_angle", "Angle", 1, ""),
    ("band_gap", "Gap", 2, ""),
    ("density", "Density", 2, "extra text number"),
)
ZEROS = (("valence band", "vbm"), ("edge onset", "onset"), ("energy loss", "loss"))
SPECTRA_HEIGHT = 430


class BrowseView:
    """The Browse panel of a database: `widget`; `model` holds its state; page is the Page widget of the frame."""

    title = "Browse"

    def __init__(self, db, page) -> None:
        self.model = BrowseModel(db)
        self.model.select(self.model.example())
        self.page, self.quiet, self.followed = page, False, None
        # Before the cards are made, so that the curves change first, then the map, then the structure.
        self.model.observe(self._show_rows, ["visible", "guess"])
        self.model.observe(self._show_selection, "slots")
        self.model.observe(self._show_curves, ["slots", "polarization", "zero", "fwhm", "channel", "waterfall"])
        self.widget = ipw.Box(
            [
                self._filters(),
                ipw.Box([self._table(), OverviewView(self.model).widget]).add_class("elnes-column"),
                ipw.Box([self._spectra(), self._structure()]).add_class("elnes-column"),
            ]
        ).add_class("elnes-browse")
        self.model.observe(self._tell, "selection")

    # links -----------------------------------------------------------------------------------------------------------
    def link(self):
        """(query, sentence) of a link to what is shown."""
        return link.query(self.model)

    def open_link(self, text):
        """Show what the query of a link asks for; sentences about what of it is ignored."""
        state, sentences = link.read(self.model, text)
        self.restore(state)
        return sentences

    def _tell(self, change) -> None:
        """The site chosen last is the one that the other pages show."""
        added = [label for label in change.new if label not in change.old]
        if added:
            self.page.session.site = added[-1]

    def follow(self, label) -> None:
        """Show the site that was chosen on another page, in the place of the one that came so before."""
        if label in self.model.positions and label not in self.model.selection:
            kept = [one for one in self.model.selection if one != self.followed]
            self.followed = label
            self.model.select([*kept, label])

    def restore(self, state) -> None:
        """Set controls and selection to what `link.read` returned; what it does not name stays."""
        self.search.value = state.get("text", self.search.value)
        for name, value in state.get("choices", {}).items():
            self.pickers[name].value = value
        for name, pair in state.get("ranges", {}).items():
            self.sliders[name].value = pair
        for name in self.options.keys() & state.keys():
            self.options[name].value = state[name]
        if "selection" in state:
            self.model.select(state["selection"])

    # filters ---------------------------------------------------------------------------------------------------------
    def _filters(self):
        model = self.model
        self.search = ipw.Text(
            placeholder="quartz, P3221 ...",
            layout={"width": "156px"},
            tooltip="Words that occur in the name, site, kind, source or space group; all must match",
        )
        self.search.observe(lambda change: setattr(model, "text", change.new), "value")
        self.pickers = {}
        for name, label in CHOICES.items():
            self.pickers[name] = ipw.Dropdown(
                options=[("all", ALL), *model.options(name)],
                value=ALL,
                tooltip=f"{label}: show only the sites with this value (number of sites)",
            )
            self.pickers[name].observe(lambda change, name=name: model.set_choice(name, change.new), "value")
        self.sliders, self.readouts = {}, {}
        for name in RANGES:
            low, high = model.extent(name)
            self.readouts[name] = ipw.HTML().add_class("widget-label")
            self.sliders[name] = ipw.FloatRangeSlider(
                value=(low, high), min=low, max=high, step=RANGE_STEPS[name], readout=False
            )
            self.sliders[name].observe(lambda change, name=name: self._narrow(name, change.new), "value")
            self._write_range(name)
        reset = ipw.Button(description="Reset filters", tooltip="Show all spectra again; the selection stays")
        reset.on_click(lambda button: self.reset())
        return (
            ipw.Box(
                [
                    control("Search", self.search),
                    *[control(label, self.pickers[name]) for name, label in CHOICES.items()],
                    *[control("", self.sliders[name], readout=self.readouts[name]) for name in RANGES],
                    reset,
                ]
            )
            .add_class("elnes-card")
            .add_class("elnes-filters")
        )

    def _narrow(self, name, value) -> None:
        self._write_range(name)
        if not self.quiet:
            self.model.set_range(name, *value)

    def _write_range(self, name) -> None:
        digits = max(0, -int(np.floor(np.log10(RANGE_STEPS[name]))))
        low, high = self.sliders[name].value
        unit = self.model.unit(name)
        unit = unit if unit == "°" else f" {unit}"
        help = "Show only the sites in this range: move the two handles. Sites without a value come back at full range."
        self.readouts[name].value = captioned(RANGES[name], f"{low:.{digits}f}–{high:.{digits}f}{unit}", help)

    def reset(self) -> None:
        """Put all filters back."""
        self.quiet = True
        try:
            self.search.value = ""
            for picker in self.pickers.values():
                picker.value = ALL
            for slider in self.sliders.values():
                slider.value = (slider.min, slider.max)
        finally:
            self.quiet = False
        self.model.reset()

    # table -----------------------------------------------------------------------------------------------------------
    def _table(self):
        model = self.model
        columns = [
            {
                "key": name,
                "label": label,
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
            help="Spectra. Arrow keys move, space adds a spectrum to the plot, Enter shows it alone, Escape clears.",
        )
        self.table.observe(self._picked, "selected")
        self.note = ipw.HTML().add_class("elnes-note")
        clear = ipw.Button(description="Clear", tooltip="Remove all curves from the plot")
        clear.on_click(lambda button: model.select([]))
        self.format = ipw.Dropdown(options=list(EXPORT_FORMATS.items()), tooltip="Format of the file to download")
        self.download = Download(
            lambda: model.export(self.format.value),
            self._failed,
            label="Download",
            help="Save the selected spectra as plotted now (zero, broadening, polarization), or all listed ones",
        )
        bar = ipw.Box([ipw.HTML("Spectra").add_class("elnes-heading"), clear, self.format, self.download])
        self._show_selection()
        return ipw.Box([bar.add_class("elnes-bar"), self.table, self.note]).add_class("elnes-card")

    def _cells(self, name):
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

    def _failed(self, problem) -> None:
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

    # spectra ---------------------------------------------------------------------------------------------------------
    def _spectra(self):
        model = self.model
        zero = ipw.Dropdown(options=ZEROS, value=model.zero, tooltip="What the energies are counted from")
        polarization = ipw.ToggleButtons(
            options=[("mean", "isotropic"), *zip("xyz", "xyz")],
            value=model.polarization,
            tooltips=[
                "Mean of the three directions: powder, glass",
                *[f"Transition dipole along {a} of the stored cell" for a in "xyz"],
            ],
        )
        channel = ipw.Dropdown(
            options=model.db.channels,
            value=model.channel,
            tooltip="Which part of the ground-state density of states is drawn below the spectra",
        )
        self.fwhm_label = ipw.HTML().add_class("widget-label")
        fwhm = ipw.FloatSlider(value=0, min=0, max=3, step=0.1, readout=False, layout={"width": "130px"})
        waterfall = ipw.ToggleButton(
            description="Offset", value=model.waterfall, tooltip="Draw the curves one above the other"
        )
        self.options = {
            "zero": zero,
            "polarization": polarization,
            "channel": channel,
            "fwhm": fwhm,
            "waterfall": waterfall,
        }
        for trait, widget in self.options.items():
            widget.observe(lambda change, trait=trait: setattr(model, trait, change.new), "value")
        bar = ipw.Box(
            [
                control("Energy zero", zero),
                control("Polarization", polarization),
                control("Density of states", channel),
                control("", fwhm, readout=self.fwhm_label),
                waterfall,
            ]
        ).add_class("elnes-bar")
        self.drawn_zero = model.zero
        self.figure = Figure(figures.spectrum_overlay(**model.curves(), slots=MAX_CURVES, height=SPECTRA_HEIGHT))
        self.figure.add_class("elnes-spectra")
        example = ipw.Button(
            description="Show alpha-quartz, stishovite and a glass",
            button_style="primary",
            tooltip="Select an instructive example",
        )
        example.on_click(lambda button: model.select(model.example()))
        self.example = example
        self.empty = ipw.Box(
            [
                ipw.HTML(
                    "<b>No spectrum is selected.</b><br>Pick rows in the table or points on the map, or start with"
                ),
                example,
            ]
        ).add_class("elnes-empty")
        self.warning = ipw.HTML().add_class("elnes-note")
        self._write_plot_notes()
        self.saving = Saving(
            lambda: figures.spectrum_overlay(**model.curves()),
            model.described,
            self._failed,
            help="Save the curves as drawn",
            notes=version(model.db),
        )
        plot = ipw.Box([self.figure, self.empty]).add_class("elnes-plot")
        foot = ipw.Box([self.warning, self.saving.widget]).add_class("elnes-foot-bar")
        return ipw.Box([bar, plot, foot]).add_class("elnes-card")

    def _write_plot_notes(self) -> None:
        model = self.model
        (self.empty.remove_class if not model.selection else self.empty.add_class)("elnes-hidden")
        help = (
            "Extra Gaussian broadening of spectra and PDOS, full width at half maximum, on top of the Lorentzian of "
            "0.4 eV half width that the spectra were computed with"
        )
        self.fwhm_label.value = captioned("Broadening", f"{model.fwhm:.1f} eV", help)
        lost = model.without_onset() if model.zero == "loss" else []
        self.warning.value = (
            f"<span class='elnes-warn'>Not drawn: {escape(', '.join(map(model.name, lost)))}. Their absolute onset is "
            "not computed yet; count from the valence-band maximum to see them.</span>"
            if lost
            else ""
        )

    def _show_curves(self, change=None) -> None:
        self._write_plot_notes()
        self.saving.write()
        arguments = self.model.curves()
        figure = figures.spectrum_overlay(**arguments, height=SPECTRA_HEIGHT)
        if self.model.zero == self.drawn_zero:
            figure.update_xaxes(range=None)  # keep what the user has zoomed to
        self.drawn_zero = self.model.zero
        self.figure.show_figure(figure)

    # structure -------------------------------------------------------------------------------------------------------
    def _structure(self):
        self.structure = StructureView(self.model, self.page)
        return self.structure.widget

    def status(self) -> str:
        """Text for the top bar: how many spectra are listed and selected."""
        shown, total, chosen = len(self.model.visible), len(self.model.labels), len(self.model.selection)
        return f"<b>{shown:,}</b> of {total:,} spectra listed, <b>{chosen:,}</b> selected"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.model.observe(lambda change: callback(), ["visible", "selection"])
