"""Widgets of the My spectrum panel: the file, the steps of its treatment, the measured spectrum beside ours, matches."""

from html import escape

import ipywidgets as ipw

from ...errors import DataError
from ...figures import measured as figures
from ...io.measured import SUFFIXES
from ...measured.matching import MEASURES, PROVES
from ...measured.mixture import CAUTION
from ..common.scales import MEAN, OWN_ZEROS, ScaleButtons
from ..common.upload import Upload
from ..common.widgets import STATIC, Download, Figure, Table, captioned, control
from .model import MeasuredModel
from .quantified import QuantifiedCard
from .steps_view import StepsCard

LIMIT = 32 * 2**20  # bytes, as for every file that a page takes
BESIDE_HEIGHT = 410
COLUMNS = (  # heading, decimals, style class ("extra", "extra2", "extra3" give way in narrow tables), help
    ("Structure", 0, "wide", "Name of the structure"),
    ("Label", 0, "text extra2", "Structure or site in the database"),
    ("Cosine", 4, "number", "Cosine of the angle between both spectra: 1 is equal"),
    ("Correl.", 4, "number extra3", "Pearson's correlation: 1 is equal"),
    ("Slopes", 3, "number extra2", "Correlation of the first derivatives, smoothed with 1 eV: 1 is equal"),
    ("Ranks", 3, "extra", "Spearman's rank correlation: 1 is equal"),
    ("MSE", 4, "", "Mean square difference of spectra with mean 1: 0 is equal"),
    ("Mover", 3, "extra", "Earth mover's distance in eV: 0 is equal"),
    ("Shift", 1, "", "Energy in eV added to the computed spectrum that makes it most alike"),
)
INTENSITIES = (MEAN, ("as measured", "absolute", "In the unit of the file; the computed spectra are scaled to it"))
BROWSE = "Browse"  # the page that draws the structure of a match
WHAT = (("averages", "structures"), ("single sites", "sites"))


class Drop(Upload):
    """The upload of this panel, which brings the panel's style sheet."""

    _css = STATIC / "measured.css"


class MeasuredView:
    """The My spectrum panel of a database: `widget`; `model` holds its state; page is the Page of the frame."""

    title = "My spectrum"

    def __init__(self, db, page) -> None:
        self.model, self.quiet, self.listeners = MeasuredModel(db), False, []
        self.session = page.session
        self.scales = ScaleButtons(self.model, page.session, OWN_ZEROS[::-1], INTENSITIES)
        self.model.begin()
        self.steps = StepsCard(self.model)
        left = [self._file(), self.steps.widget]
        right = [self._beside(), self._matches()]
        if self.model.can_quantify():
            left.append(QuantifiedCard(self.model).widget)
        self.widget = ipw.Box([ipw.Box(cards).add_class("elnes-column") for cards in (left, right)])
        self.widget.add_class("elnes-browse").add_class("elnes-measured")
        self.model.observe(lambda change: self._show(), "results")
        self.model.observe(lambda change: self._write_file(), ["busy", "problem"])
        self.model.observe(lambda change: self._draw(), ["zero", "intensity"])
        self._show()

    # the file --------------------------------------------------------------------------------------------------------
    def _file(self) -> ipw.Box:
        model = self.model
        help = f"DM3, DM4, EMSA/MSA, HyperSpy, NeXus, HDF5, .xdi, CSV or text, at most {LIMIT >> 20} MB; it is not kept"
        upload = Drop(
            model.open, self._refused, label="Open file", help=help, accept=",".join(SUFFIXES), limit=LIMIT, drop=True
        )
        self.text = ipw.Textarea(placeholder="533.0  0.12\n533.2  0.18\n...", rows=6)
        self.text.tooltip = "Two columns: energy in eV, intensity"
        use = ipw.Button(
            description="Use these numbers", button_style="primary", tooltip="Show the spectrum in the field"
        )
        use.on_click(lambda button: model.paste(self.text.value))
        self.pasted = ipw.Box([self.text, use]).add_class("elnes-paste").add_class("elnes-hidden")
        paste = ipw.ToggleButton(description="Paste", tooltip="Paste two columns of numbers instead of a file")
        paste.observe(
            lambda change: (self.pasted.remove_class if change.new else self.pasted.add_class)("elnes-hidden"), "value"
        )
        again = ipw.Button(description="Example", tooltip="Show the example again")
        again.on_click(lambda button: model.begin())
        self.item = ipw.Dropdown(tooltip="Which spectrum or column of the file")
        self.item.observe(lambda change: self.quiet or change.new is None or model.choose(item=change.new), "value")
        self.items = control("Spectrum in the file", self.item).add_class("elnes-item")
        self.about, self.alert = ipw.HTML(), ipw.HTML().add_class("elnes-note")
        bar = ipw.Box([ipw.HTML("Measured spectrum").add_class("elnes-heading"), upload, paste, again]).add_class(
            "elnes-bar"
        )
        return (
            ipw.Box([bar, self.pasted, self.alert, self.about, self.items])
            .add_class("elnes-card")
            .add_class("elnes-drop")
        )

    def _refused(self, sentence) -> None:
        self.model.problem = sentence

    def _write_file(self) -> None:
        model = self.model
        if model.problem:
            self.alert.value = f"<span class='elnes-warn' role='alert'>{escape(model.problem)}</span>"
        else:
            self.alert.value = f"<span role='status'>{escape(model.busy)}</span>" if model.busy else ""
        measured = model.measured
        low, high = measured.energy[[0, -1]]
        unit = f", in {escape(measured.unit)}" if measured.unit else ""
        notes = " ".join(map(escape, model.treated.notes))
        self.about.value = (
            f"<b>{escape(measured.name)}</b> <span class='elnes-note'>({escape(measured.kind)}): {len(measured.energy):,} points, "
            f"{low:.1f} to {high:.1f} eV{unit}. {notes} A file can also be dropped here; it is not kept.</span>"
        )
        self.quiet = True
        several = len(measured.items) > 1 and model.content is not None
        self.item.options = [(title[:60], k) for k, title in enumerate(measured.items)] if several else []
        if several:
            self.item.value = measured.item
        (self.items.remove_class if several else self.items.add_class)("elnes-hidden")
        self.quiet = False

    # beside ours -----------------------------------------------------------------------------------------------------
    def _beside(self) -> ipw.Box:
        model = self.model
        self.figure = Figure(figures.beside_figure(**model.beside(), height=BESIDE_HEIGHT)).add_class("elnes-beside")
        self.readouts = {name: ipw.HTML().add_class("widget-label") for name in ("shift", "scale", "fwhm")}
        self.sliders = {
            "shift": ipw.FloatSlider(min=-model.within, max=model.within, step=0.05, readout=False),
            "scale": ipw.FloatSlider(min=0.5, max=1.5, step=0.01, readout=False),
            "fwhm": ipw.FloatSlider(
                min=0, max=3, step=0.05, readout=False, continuous_update=False
            ),  # all is compared anew
        }
        for name, slider in self.sliders.items():
            slider.observe(
                lambda change, name=name: self.quiet or self._try(model.lay, **{name: round(change.new, 3)}), "value"
            )
        fit = ipw.Button(
            description="Fit",
            button_style="primary",
            tooltip="Find the shift, the scale and the broadening that leave the least residual",
        )
        fit.on_click(lambda button: self._try(model.fit))
        self.said = ipw.HTML().add_class("elnes-note")
        files = [
            Download(
                lambda format=format: model.file(format),
                self._failed,
                label=format.upper(),
                help=f"Save the treated spectrum with every step, matches and mixture as {format.upper()}",
            )
            for format in ("csv", "json")
        ]
        self.heading = ipw.HTML().add_class("elnes-heading")
        bar = ipw.Box([self.heading, *files]).add_class("elnes-bar")
        row = ipw.Box([*(control("", self.sliders[name], readout=self.readouts[name]) for name in self.sliders), fit])
        self.parts = ipw.HTML()
        plot = ipw.Box([self.figure]).add_class("elnes-plot")
        scales = ipw.Box(self.scales.controls).add_class("elnes-bar")
        return ipw.Box([bar, plot, scales, row.add_class("elnes-row"), self.said, self.parts]).add_class("elnes-card")

    def _try(self, do, **arguments) -> None:
        try:
            do(**arguments)
        except DataError as problem:
            self.model.problem = str(problem)

    def _failed(self, problem) -> None:
        self.model.problem = (
            str(problem) if isinstance(problem, DataError) else "The file could not be made. Try it again."
        )

    def _draw(self) -> dict:
        """Draw the overlay; its arguments, None if there is none."""
        beside = self.model.beside()
        if beside is not None:
            self.figure.show_figure(figures.beside_figure(**beside, height=BESIDE_HEIGHT))
        return beside

    def _show(self) -> None:
        model = self.model
        self._write_file()
        self.steps.show()
        if model.laid is None:
            self.heading.value, self.said.value, self.parts.value = "Nothing to compare", escape(model.problem), ""
            self.table.visible = []
            return
        beside = self._draw()
        self.heading.value = f"Beside {escape(beside['name'])}"
        self.quiet = True
        self.sliders["shift"].min, self.sliders["shift"].max = -model.within, model.within
        for name, value in (("shift", model.shift), ("scale", model.scale), ("fwhm", model.fwhm)):
            self.sliders[name].value = value
        self.quiet = False
        helps = {
            "shift": "Energy added to the computed spectrum",
            "scale": "Height of the computed spectrum; 1 fits best",
            "fwhm": "Gaussian broadening (full width at half maximum) added to all computed spectra",
        }
        units = {"shift": f"{model.shift:+.2f} eV", "scale": f"{model.scale:.2f}", "fwhm": f"{model.fwhm:.2f} eV"}
        for name, label in (("shift", "Shift"), ("scale", "Scale"), ("fwhm", "Broadening")):
            self.readouts[name].value = captioned(label, units[name], helps[name])
        self.said.value = (
            f"Rms residual: {model.laid.rms:.3f} of the mean for {escape(beside['name'])}, {model.mixed.rms:.3f} for the "
            f"mixture, which is shifted by {model.mixed.shift:+.1f} eV."
        )
        rows = "".join(
            f"<tr><th scope='row'>{escape(name)}</th><td>{100 * share:.0f} %</td></tr>"
            for name, _, share in beside["parts"]
        )
        self.parts.value = (
            "<table class='elnes-numbers'><tr><th>Non-negative mixture</th><th scope='col'>share</th></tr>"
            f"{rows}</table><p class='elnes-note'>{escape(CAUTION)}</p>"
        )
        self._show_matches()

    # matches ---------------------------------------------------------------------------------------------------------
    def _matches(self) -> ipw.Box:
        model = self.model
        columns = [
            {
                "key": heading.lower(),
                "label": heading,
                "unit": "eV" if heading in ("Shift", "Mover") else "",
                "digits": digits,
                "class": style,
                "help": f"{help}: click to sort, again for the other direction",
            }
            for heading, digits, style, help in COLUMNS
        ]
        self.table = Table(
            columns=columns,
            rows=[],
            visible=[],
            help="Matches. Arrow keys move, Enter lays one over the measured spectrum.",
        )
        self.table.observe(self._picked, "selected")
        self.what = ipw.Dropdown(
            options=WHAT, tooltip="Averages over the oxygens of a structure, as a beam sees it, or single sites"
        )
        self.measure = ipw.Dropdown(
            options=[(title, name) for name, (title, _) in MEASURES.items()],
            tooltip="What decides on the order and on the shift",
        )
        self.within = ipw.Dropdown(
            options=[(f"± {value:g} eV", value) for value in (0.0, 0.5, 1.0, 2.0, 3.0)],
            value=model.within,
            tooltip="Largest shift between the computed and the measured scale of energy that is tried",
        )
        for name in ("what", "measure", "within"):
            getattr(self, name).observe(
                lambda change, name=name: self.quiet or self._try(model.compare, **{name: change.new}), "value"
            )
        self.warning = ipw.HTML()
        where = ipw.Button(
            description="Structure", tooltip="Show on Browse where the oxygens sit whose spectrum is laid over"
        )
        where.on_click(lambda button: self._show_structure())
        where.layout.display = None if BROWSE in self.session.pages else "none"
        bar = [
            ipw.HTML("Nearest in the database").add_class("elnes-heading"),
            control("Compare with", self.what),
            control("By", self.measure),
            control("Shifts", self.within).add_class("elnes-short"),
            where,
        ]
        return ipw.Box([ipw.Box(bar).add_class("elnes-bar"), self.table, self.warning]).add_class("elnes-card")

    def _show_structure(self) -> None:
        sites = self.model.sites()
        if sites:
            self.session.site, self.session.asked = sites[0], BROWSE

    def _show_matches(self) -> None:
        model = self.model
        rows, order = model.table(), model.matches.order.tolist()
        chosen = model.library().find(model.chosen)
        self.order, self.quiet = order, True
        ranked = [rows[i] for i in order]
        if ranked != self.table.rows:
            self.table.swatches, self.table.rows, self.table.visible = {}, ranked, list(range(len(ranked)))
        place = order.index(chosen)
        self.table.selected, self.table.swatches = [place], {str(place): (figures.COMPUTED, "solid")}
        for name in ("what", "measure", "within"):
            getattr(self, name).value = getattr(model, name)
        self.quiet = False
        alike = model.alike()
        others = (
            f" {len(alike)} of them have an MSE at most a quarter above the least: {', '.join(map(escape, alike[:6]))}"
            if len(alike) > 1
            else ""
        )
        others += ", ..." if len(alike) > 6 else "." if others else ""
        partial = model.library().incomplete.sum()
        which = "one structure" if partial == 1 else f"{partial} structures"
        known = f" Of {which} only some oxygens are computed so far." if partial else ""
        poor = (
            f"<p class='elnes-warn' role='alert'><b>{escape(model.matches.warning)}</b></p>"
            if model.matches.warning
            else ""
        )
        self.warning.value = (
            f"{poor}<p class='elnes-warn'>{escape(PROVES)}</p><p class='elnes-note'>{others}{known}</p>"
        )
        for listener in self.listeners:
            listener()

    def _picked(self, change) -> None:
        if self.quiet:
            return
        new = [place for place in change.new if place not in change.old] or list(change.new)
        if new:
            self._try(self.model.lay, label=str(self.model.library().labels[self.order[new[-1]]]))
        else:
            self._show_matches()

    def status(self) -> str:
        """Text for the top bar: what the spectrum is compared with."""
        count = 0 if self.model.matches is None else len(self.model.matches.library.labels)
        if self.model.what == "structures":
            return f"<b>{count:,}</b> averages of {len(self.model.db):,} spectra"
        return f"<b>{count:,}</b> spectra"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.listeners.append(callback)
