"""Widgets of the full calculation: what it would take, its progress, what it found, and the files of its rows."""

from html import escape

import ipywidgets as ipw

from ...errors import DataError
from ...sources.calculations.request import SPREAD
from ...sources.calculations.state import CANCELLED, FAILED, FINISHED, INTERRUPTED, QUEUED, RUNNING
from ...sources.qe.plan import duration
from ..common.widgets import Download
from .calculation import CalculationModel
from .own_files import OwnFiles

HELP = (
    "First-principles calculation of the chosen site: ground state, then a full core hole in a supercell, with the settings of "
    "the database"
)
STAYS = "It goes on when this page is closed; the same browser finds it again here."
STAYS_LAB = "It goes on when this notebook is closed."
WORDS = {
    QUEUED: "waits",
    RUNNING: "is computed",
    FINISHED: "finished",
    FAILED: "failed",
    CANCELLED: "cancelled",
    INTERRUPTED: "interrupted",
}


class CalculationView:
    """The card of the full calculation: `widget`; `model` holds its state. structure: the NewStructureModel of the panel."""

    def __init__(self, structure, page) -> None:
        self.model, self.quiet = CalculationModel(structure, page.session), False
        model = self.model
        button = lambda label, help, wish, **more: self._button(label, help, wish, **more)
        self.start = button("Compute", HELP, model.start, button_style="primary")
        self.stop = button("Cancel", "End the calculation; what is finished is kept", model.cancel)
        self.drop = button("Remove", "Remove this calculation and all that it found from the server", model.remove)
        self.others = ipw.Dropdown(tooltip="Your calculations: choose one to show its structure")
        self.others.observe(self._picked, "value")
        heading = ipw.HTML("Full calculation").add_class("elnes-heading")
        bar = ipw.Box([heading, self.others, self.start, self.stop, self.drop]).add_class("elnes-bar")
        self.text, self.result, self.said = ipw.HTML(), ipw.HTML(), ipw.HTML()
        self.progress = ipw.FloatProgress(min=0, max=1).add_class("elnes-progress")
        self.files = ipw.Box(self._files()).add_class("elnes-bar")
        self.widget = ipw.Box([bar, self.text, self.progress, self.result, self.files, self.said])
        self.widget.add_class("elnes-card").add_class("elnes-calculation")
        model.observe(
            self._show, ["closed", "cost", "refusal", "current", "state", "busy", "problem", "note", "clock", "routes"]
        )
        model.observe(self._list, ["mine", "current", "clock"])
        structure.observe(self._show, ["selection", "found"])
        model.open()
        self._list()
        self._show()

    def _button(self, label, help, wish, **more) -> ipw.Button:
        made = ipw.Button(description=label, tooltip=help, **more)
        made.on_click(lambda clicked: wish())
        return made

    def _files(self) -> list:
        """The rows as files; in JupyterLab also into a folder."""
        model, own = self.model, OwnFiles(self.model)
        steps = Download(
            own.steps, self._failed, label="Steps", help="Save the computed steps as a zip for `elnes-lab build`"
        )
        database = Download(
            own.database,
            self._failed,
            label="Database",
            help="Save a database (netCDF) of all that you have computed here, for every command of this software",
        )
        if model.shared:
            return [steps, database]
        folder = ipw.Text("my-database", tooltip="Folder of your own database; made if it is not there")
        add = self._button(
            "Add to it", "Add all rows computed here to the database in this folder", lambda: own.add(folder.value)
        )
        return [steps, database, folder, add]

    def _failed(self, problem) -> None:
        self.model.problem = (
            str(problem)
            if isinstance(problem, DataError)
            else f"The file could not be made ({type(problem).__name__})."
        )

    # which one -------------------------------------------------------------------------------------------------------
    def _list(self, change=None) -> None:
        model = self.model
        options = [("your calculations", "")]
        options += [(f"{WORDS[one.state().kind]}: {one.title[:40]}", one.token) for one in model.mine]
        self.quiet = True
        if list(self.others.options) != options:
            self.others.options = options
        self.others.value = model.current.token if model.current is not None and len(options) > 1 else ""
        self.quiet = False
        shown(self.others, len(options) > 1)

    def _picked(self, change) -> None:
        if change.new and not self.quiet:
            self.model.show(change.new)

    # how far ---------------------------------------------------------------------------------------------------------
    def _show(self, change=None) -> None:
        model, state = self.model, self.model.state
        ready = model.structure.found is not None and model.closed == ""
        active = state is not None and state.is_active
        wanted = ready and not (active or model.busy or model.is_stored or model.is_finished or model.refusal)
        self.start.description = "Compute" if not ready else "Go on" if self._goes_on() else f"Compute {model.label}"
        self.start.disabled = not (wanted and (model.current is not None or model.request is not None))
        shown(self.start, model.closed == "" and not (active or (ready and (model.is_stored or model.is_finished))))
        shown(self.stop, active)
        shown(self.drop, model.current is not None and not active)
        self.stop.disabled = self.drop.disabled = model.busy
        self.text.value = self._words()
        shown(self.progress, active)
        if active:
            self.progress.value = round(state.share(), 3)
        self.result.value = self._found()
        shown(self.result, bool(self.result.value))
        shown(self.files, any(one.rows for one in model.mine) and model.current is not None)
        self.said.value = f"<p class='elnes-warn' role='alert'>{escape(model.problem)}</p>" if model.problem else ""
        if model.note and not model.problem:
            self.said.value = f"<p class='elnes-note' role='status'>{escape(model.note)}</p>"
        shown(self.said, bool(self.said.value))

    def _goes_on(self) -> bool:
        """Whether the button goes on with what was asked for before."""
        model = self.model
        return model.current is not None and model.atom in model.current.sites and not model.is_finished

    def _words(self) -> str:
        """What would be done, or is being done."""
        model, state = self.model, self.model.state
        if model.structure.found is None:
            return ""
        if state is not None and model.current is not None and (text := self._state()):
            return text
        if model.closed is None:
            return "Looking for an engine ..."
        if model.is_stored:
            return f"{model.label} is in the database: the line <i>computed</i> is what the full calculation found."
        if model.closed:
            return model.closed if model.closed.startswith("Full calculations are off") else escape(model.closed)
        if model.refusal:
            return f"<span class='elnes-warn'>{escape(model.refusal)}</span>"
        if model.cost is None:
            return "Working out what it would take ..."
        again = " (its ground state is there)" if model.current is not None and model.current.ground else ""
        return f"{model.label}{again}: {model.cost}; {SPREAD}. PBE, full core hole, as all rows of the database."

    def _state(self) -> str:
        """What the calculation of this structure is doing; "" where another site may be computed next."""
        model, state = self.model, self.model.state
        one = model.current
        names = [str(p) for p in model.structure.found.prediction.sites]
        label = next(
            (name for name, (index, _) in zip(names, model.structure.found.crystal.sites) if index == one.sites[-1]),
            "It",
        )
        stays = STAYS if model.shared else STAYS_LAB
        if state.kind == QUEUED:
            first = "Its turn is next." if not state.before else f"{state.before} come first."
            return f"{label} waits for a place on this machine. {first} {stays}"
        if state.kind == RUNNING:
            left = state.time_left()
            time = "" if left is None else f", about {duration(left)} left" if left else ", longer than estimated"
            return f"{label}: {state.step}{time}. {stays}"
        if state.kind == FAILED:
            return f"<span class='elnes-warn'>{label} failed: {escape(model.plain(state.reason))}</span> What is finished is kept."
        if state.kind == CANCELLED:
            return f"{label} was cancelled. What is finished is kept."
        if state.kind == INTERRUPTED:
            return f"The process that computed {label} has ended before its time. What is finished is kept: go on from there."
        if model.is_finished:
            return f"{model.label} was computed here, from the structure as it was given."
        return f"{model.label} can be computed next; the ground state is there already."

    def _found(self) -> str:
        """How the routes compare with what was computed."""
        model = self.model
        if model.structure.found is None:
            return ""
        rows = "".join(
            f"<tr><th scope='row'>{route}</th><td>{value:.4f}</td></tr>" for route, value in model.errors().items()
        )
        text = ""
        if rows:
            help = "Mean squared difference from the computed spectrum, both of mean 1"
            text = f"<table class='elnes-numbers'><tr><th>Route</th><th scope='col' title='{help}'>mean squared error</th></tr>{rows}</table>"
        onsets = model.onsets()
        if len(onsets) == 1:
            label, predicted, half, computed = onsets[0]
            text += f"<p class='elnes-note'>Onset of {label}: predicted {predicted:.1f} ± {half:.1f} eV, computed {computed:.1f} eV.</p>"
        return text


def shown(widget, wanted) -> None:
    """Show a widget, or hide it."""
    (widget.remove_class if wanted else widget.add_class)("elnes-hidden")
