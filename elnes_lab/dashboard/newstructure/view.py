"""Widgets of the New structure panel: drop a structure, see its cell, its sites, and the spectra predicted of them."""

from html import escape

import ipywidgets as ipw
import numpy as np

from ...errors import DataError
from ...figures import newstructure as figures
from ..common.saving import SaveFigure
from ..common.scales import OWN_ZEROS, ScaleButtons
from ..common.scene import Scene
from ..common.upload import Upload
from ..common.widgets import STATIC, Download, Figure, Table
from ..sites.widgets import Waiting
from .calculation_view import CalculationView
from .loss import on_loss
from .model import FIRST, NewStructureModel
from .relaxing import Relaxing
from .relaxing_view import RelaxingView

HEIGHT = 520
ENDS = np.array([-2.0, 30.0])
BLANK = {"energy": ENDS, "average": (np.zeros(2), None, None), "sites": []}
READING = "<b>Reading and predicting ...</b><br>The first time this takes a few seconds."
# key, label, unit, digits, class, help
COLUMNS = (
    ("site", "Site", "", 0, "wide", "Inequivalent oxygen: O and its number in the file, from 0"),
    ("count", "Number", "in cell", 0, "number extra2", "Equivalent oxygens in the cell"),
    ("coordination", "Si", "", 0, "short extra3", "Bonded silicons"),
    ("si_o", "Si–O", "Å", 3, "", "Mean Si-O length"),
    ("angle", "Si–O–Si", "°", 1, "number", "Mean angle between its silicons"),
    ("onset", "Onset", "eV", 1, "number extra3", "Predicted edge onset, on the scale of experimental energy loss"),
    ("score", "Strange", "", 2, "number", "Out-of-domain score: familiar surroundings score below 1"),
)
HELP = "Sites. Arrow keys move, space adds a spectrum to the plot, Enter shows it alone, Escape shows the average."
ABOUT = (
    "<b>From the structure alone</b>, without a first-principles run: the structure route. Energies count from the "
    "spectrum's own edge, or are moved to where the onset in the list puts it, ± {onset:.1f} eV. Shaded: the interval that holds 90 % "
    "of the points of a new crystal structure. Lengths are taken as they are: a structure that is not relaxed has the "
    "spectrum of its lengths."
)


PDOS_HERE = " <b>PDOS route</b>: predicted from the ground state that was computed here, which knows the electrons but no core hole."
PDOS_STORED = " <b>PDOS route</b>: predicted from the stored ground-state PDOS, which has no core hole, by models that never saw this net."


class NewStructureView:
    """The New structure panel of a database: `widget`; `model` holds its state; page is the Page of the frame."""

    title = "New structure"

    def __init__(self, db, page) -> None:
        self.model, self.page, self.quiet, self.listed = NewStructureModel(db), page, False, None
        self.scene = Scene(page, whole=True, absorber="chosen O")
        self.calculation = CalculationView(self.model, page)
        sheets = "".join(
            (STATIC / name).read_text() for name in ("inspect.css", "newstructure.css")
        )  # tables and covers
        style = ipw.HTML(f"<style>{sheets}</style>").add_class("elnes-hidden")
        columns = [
            ipw.Box([self._drop(), self._structure(), self._sites()]),
            ipw.Box([self._spectra(), self.calculation.widget]),
        ]
        self.widget = ipw.Box([*(column.add_class("elnes-column") for column in columns), style])
        self.widget.add_class("elnes-browse").add_class("elnes-newstructure")
        self.model.observe(self._show_state, ["state", "problem"])
        self.model.observe(self._show_found, "found")
        self.model.observe(self._show_selection, ["selection", "zero"])
        self.calculation.model.observe(self._draw, "routes")
        self._show_state()
        if FIRST in db.structures:
            self.model.suggest(FIRST)

    # bringing a structure --------------------------------------------------------------------------------------------
    def _drop(self) -> ipw.Box:
        model = self.model
        self.upload = Upload(
            model.read,
            model.refuse,
            label="Choose a file",
            limit=4 * 2**20,
            drop=True,
            help="A CIF, a POSCAR or an extended XYZ file: choose it here or drop it on this card",
            accept=".cif,.mcif,.vasp,.poscar,.xyz,.extxyz,.txt,*",
        )
        self.paste = ipw.Textarea(
            placeholder="data_quartz ...", rows=6, tooltip="Text of a CIF, POSCAR or extended XYZ file"
        )
        read = ipw.Button(
            description="Read the text", button_style="primary", tooltip="Predict the structure of this text"
        )
        read.on_click(lambda button: model.paste(self.paste.value))
        box = ipw.Box([self.paste, read]).add_class("elnes-paste").add_class("elnes-hidden")
        show = ipw.Button(description="Paste", tooltip="Paste the text of a structure file instead")
        show.on_click(
            lambda button: (box.remove_class if "elnes-hidden" in box._dom_classes else box.add_class)("elnes-hidden")
        )
        self.pick = ipw.Dropdown(
            options=[("from the database", ""), *model.structures],
            value="",
            tooltip="Or one of the database, predicted by models that have not seen it",
        )
        self.pick.observe(self._picked, "value")
        hint = ipw.HTML("Drop a CIF, POSCAR or extended XYZ file here.").add_class("elnes-note")
        self.problem = ipw.HTML()
        bar = ipw.Box([ipw.HTML("A structure").add_class("elnes-heading"), self.upload, show, self.pick]).add_class(
            "elnes-bar"
        )
        return ipw.Box([bar, hint, box, self.problem]).add_class("elnes-card").add_class("elnes-drop")

    def _picked(self, change) -> None:
        if change.new and not self.quiet:
            self.model.take(change.new)

    def _show_state(self, change=None) -> None:
        model = self.model
        text = f"<p class='elnes-warn' role='alert'>{escape(model.problem)}</p>" if model.problem else ""
        if model.problem and model.found is not None:
            text += f"<p class='elnes-note'>Still shown: {escape(model.found.crystal.name)}.</p>"
        self.problem.value = text
        if model.state == "loading":
            self.cover.show(READING, busy=True)
        else:
            self.cover.show(
                "" if model.found is not None else "<b>No structure yet.</b><br>Drop one on the card beside."
            )

    # the structure ---------------------------------------------------------------------------------------------------
    def _structure(self) -> ipw.Box:
        self.heading = ipw.HTML("Structure").add_class("elnes-heading")
        self.facts, self.remarks = ipw.HTML(), ipw.HTML()
        self.relaxing = RelaxingView(Relaxing(self.model), self._failed)
        bar = ipw.Box([self.heading, self.scene.key, self.scene.choice]).add_class("elnes-bar")
        return ipw.Box([bar, self.scene.widget, self.facts, self.remarks, self.relaxing.widget]).add_class("elnes-card")

    def _sites(self) -> ipw.Box:
        words = self.model.db.subject.words  # another oxide has other elements
        columns = [
            {"key": key, "label": words(label), "unit": unit, "digits": digits, "class": style, "help": words(help)}
            for key, label, unit, digits, style, help in COLUMNS
        ]
        self.table = Table(columns=columns, rows=[], visible=[], help=HELP)
        self.table.observe(lambda change: self.quiet or self.model.choose(change.new), "selected")
        self.near = ipw.HTML()
        bar = ipw.Box([ipw.HTML("Sites").add_class("elnes-heading"), self._clear()]).add_class("elnes-bar")
        return ipw.Box([bar, self.table, self.near]).add_class("elnes-card")

    def _clear(self) -> ipw.Button:
        clear = ipw.Button(description="Average", tooltip="Show the average of all sites alone")
        clear.on_click(lambda button: self.model.choose(()))
        return clear

    def _show_found(self, change=None) -> None:
        model = self.model
        if model.found is None:
            return
        crystal = model.found.crystal
        self.quiet = True
        self.pick.value = model.source
        self.quiet = False
        relaxed = f", relaxed with {crystal.relaxed.potential}" if crystal.relaxed else ""
        self.save.title = relaxed and f"{crystal.name}{relaxed}"
        self.heading.value = f"{escape(crystal.name)}" + (
            f" <span class='elnes-note'>{'relaxed' if crystal.relaxed else crystal.format}</span>"
        )
        items = "".join(f"<div><span>{name}</span>{escape(value)}</div>" for name, value in model.facts())
        self.facts.value = f"<div class='elnes-facts'>{items}</div>"
        self.remarks.value = "".join(
            f"<p class='{'elnes-warn' if warn else 'elnes-note'}'>{escape(text)}</p>" for text, warn in model.remarks()
        )
        rows, self.quiet = model.table(), True
        self.table.visible = self.table.selected = []  # one after another: no row is listed that is not there yet
        self.table.swatches, self.table.rows = {}, rows
        self.table.visible = list(range(len(rows)))
        self.quiet, self.listed = False, model.found
        self._show_selection()

    def _show_selection(self, change=None) -> None:
        model = self.model
        if model.found is None or model.found is not self.listed:  # its own turn comes with the list of its sites
            return
        self.quiet = True
        self.table.selected = list(model.selection)
        self.table.swatches = {str(k): list(figures.STYLES[i]) for i, k in enumerate(model.selection)}
        self.quiet = False
        self.scene.show(model.found.crystal.environment, model.absorber)
        rows = "".join(
            f"<tr><th scope='row'>{escape(site)}</th><td>{escape(label)}</td><td>{value:.2f}</td></tr>"
            for site, label, value in model.nearest()
        )
        self.near.value = (
            "<table class='elnes-numbers'><tr><th>Site</th><th scope='col'>likest sites of the database</th><th scope='col' "
            f"title='1: the same surroundings; 0: nothing in common'>similarity</th></tr>{rows}</table>"
        )
        self._draw()

    def _draw(self, change=None) -> None:
        """Draw the curves of all routes, and say what they are."""
        model, routes = self.model, self.calculation.model.routes
        if model.found is None or model.found is not self.listed:
            return
        figure = figures.spectra_figure(**self.calculation.model.curves(), height=HEIGHT)
        self.figure.show_figure(on_loss(figure, self.calculation.model.places()) if model.zero == "loss" else figure)
        inside, half = model.inside(), model.found.prediction.onset_half
        text = ABOUT.format(onset=half)
        if inside is not None:
            text += f" Of the computed points of these sites {100 * inside:.0f} % lie inside."
        if routes.pdos:
            text += f"{PDOS_HERE if routes.here else PDOS_STORED} Below, the O p PDOS: computed drawn through, predicted dashed."
        elif model.suggested:
            text += " Choose a site, and its spectrum by the <b>PDOS route</b> is drawn, too."
        self.about.value = text

    # spectra ---------------------------------------------------------------------------------------------------------
    def _spectra(self) -> ipw.Box:
        self.figure = Figure(figures.spectra_figure(**BLANK, height=HEIGHT)).add_class("elnes-predicted")
        self.cover, self.about = Waiting(), ipw.HTML().add_class("elnes-note")
        plot = ipw.Box([self.figure, self.cover.widget]).add_class("elnes-plot")
        save = self.save = SaveFigure(name="elnes-lab-structure", help="Save this figure")
        csv = lambda: self.model.csv(self.calculation.model.routes)
        download = Download(csv, self._failed, label="CSV", help="Save all spectra of this structure, by all routes")
        self.scales = ScaleButtons(self.model, self.page.session, OWN_ZEROS)
        heading = ipw.HTML("Predicted spectra").add_class("elnes-heading")
        bar = ipw.Box([heading, *self.scales.controls, save, download]).add_class("elnes-bar")
        return ipw.Box([bar, plot, self.about]).add_class("elnes-card")

    def _failed(self, problem) -> None:
        self.model.problem = (
            str(problem) if isinstance(problem, DataError) else f"The file could not be made: {problem}"
        )

    def status(self) -> str:
        """Text for the top bar: what is shown."""
        found = self.model.found
        count = len(found.crystal.sites) if found else 0
        said = f"<b>{count:,}</b> site{'s' * (count != 1)} of {escape(found.crystal.name)[:40]}; " if found else ""
        return f"{said}{len(self.model.db):,} spectra"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.model.observe(lambda change: callback(), "found")
