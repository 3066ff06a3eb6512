"""State of the full calculation of the New structure panel: what it would take, how far it is, and what it found.

The calculations themselves are processes of their own (`elnes_lab.sources.calculations`), each known by its token alone. On a
server the browser keeps the tokens of its visitor; in JupyterLab all calculations of the user are shown.
"""

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import numpy as np
from traitlets import Any, Bool, HasTraits, Int, List, Unicode

from ...errors import DataError
from ..common.background import Background
from .model import LEVEL
from .routes import NONE, Routes, average, errors, joined, of_calculation, of_database

if TYPE_CHECKING:
    from ...sources.calculations.calculation import Calculation

EACH = 3  # calculations under way that one visitor of a server may have
PAUSE = 2.0  # s between two looks at a calculation that is under way
OFF = (
    "Full calculations are off on this server. On a machine of your own: <code>elnes-lab compute</code>, or "
    "<code>elnes-lab serve --calculations 1</code>."
)


def is_shared() -> bool:
    """Whether this is a page of a server, whose visitors do not know of each other."""
    return bool(os.environ.get("ELNES_LAB_SERVED")) or os.environ.get("SERVER_SOFTWARE", "").startswith("voila")


class CalculationModel(HasTraits):
    """Follows `structure`, the NewStructureModel. closed: why nothing can be computed here, "" if it can, None before that is
    known; cost: sources.calculations.request.Cost of the structure shown, or None; current: its Calculation, or None; state:
    of that one; routes: what is known of the structure shown by other routes; clock: counts the looks at what is under way.
    """

    closed = Unicode(None, allow_none=True)
    cost = Any()
    refusal = Unicode(help="Why the structure shown cannot be computed, or an empty text")
    current = Any()
    state = Any()
    routes = Any(NONE)
    mine = List(help="Calculations that this page knows of, the oldest first")
    busy = Bool(False, help="Whether one is being started, cancelled or removed")
    problem = Unicode(help="Why the last wish could not be fulfilled, or an empty text")
    note = Unicode(help="What became of the last wish, or an empty text")
    clock = Int(0)

    def __init__(self, structure, session, place=None, *, shared=None, background=None) -> None:
        super().__init__()
        self.structure, self.session, self.place = structure, session, place
        self.shared = is_shared() if shared is None else shared
        work = background or Background
        self.looking, self.wishing, self.reading, self.finding = work(), work(), work(), work()
        self.request = self.known = self.timer = self.wanted = self.priced = None
        structure.observe(self._found, "found")
        structure.observe(lambda change: self._price(), "selection")
        structure.observe(lambda change: self._read(), "suggested")
        session.observe(self._listed, "calculations")

    # whether it can be done here -------------------------------------------------------------------------------------
    def open(self) -> None:
        """Find out whether calculations can be started here; asked once, when the panel is shown."""
        from ...sources.calculations.place import Calculations, allowed

        number = allowed()
        if number == 0 or (number is None and self.shared):
            self.closed = OFF
            return
        self.place = self.place or Calculations(most=number or 1)
        self._listed()
        if number:  # the server has looked for an engine when it started
            self.closed = ""
            return
        from ...sources.qe.engine import find_engine

        def done(engine, problem) -> None:
            self.closed = "" if problem is None else f"A full calculation needs an engine. {problem}"

        self.finding.start(find_engine, done)

    # which calculations there are ------------------------------------------------------------------------------------
    def _listed(self, change=None) -> None:
        """Take over which calculations the browser knows, or, for the only user of a machine, all that there are."""
        if self.place is None:
            return
        if self.shared:
            kept = {token: self.place.find(token) for token, _ in self.session.calculations}
            gone = [token for token, one in kept.items() if one is None]
            if gone:  # removed by the server after a month
                self.session.calculations = [pair for pair in self.session.calculations if pair[0] not in gone]
                return
            found = list(kept.values())
        else:
            found = self.place.every()
        known = {one.token: one for one in self.mine}
        self.mine = [known.get(one.token, one) for one in found]
        self._match()
        self.poll()

    def _found(self, change) -> None:
        """Another structure is shown."""
        self.routes, self.known, self.cost, self.request, self.refusal, self.priced = NONE, None, None, None, "", None
        self.problem = self.note = ""
        self._match()
        if self.current is not None and self.current.token == self.wanted:
            self.structure.choose(
                [k for k, (index, _) in enumerate(change.new.crystal.sites) if index == self.current.sites[-1]]
            )
        self.wanted = None
        self._read()
        self._price()

    def _match(self) -> None:
        """Find the calculation of the structure shown, if there is one."""
        found = self.structure.found
        match = None
        for one in self.mine if found is not None else ():
            try:
                match = one if one.is_of(found.crystal.atoms) else match
            except Exception:  # its files were damaged, or removed by another page of the same browser
                continue
        with self.hold_trait_notifications():  # whoever hears of one finds the other
            self.state = None if match is None else match.state()
            self.current = match

    def _price(self) -> None:
        """What the structure shown would take, or why it cannot be computed; worked out once."""
        found = self.structure.found
        if None in (found, self.place) or found is self.priced or self.current is not None or self.is_stored:
            return
        self.priced = found

        def work() -> tuple | None:
            from ...sources.calculations.request import cost, request

            wanted = request(found.crystal.atoms, found.crystal.name, [index for index, _ in found.crystal.sites])
            return wanted, cost(wanted.structure)

        def done(result, problem) -> None:
            if found is not self.structure.found:
                return
            if problem is None:
                self.request, self.cost = result
            else:
                self.refusal = self._said(problem)

        self.looking.start(work, done)

    def _said(self, problem) -> str:
        if not isinstance(problem, DataError):
            return f"That did not work ({type(problem).__name__}). Try it again."
        return self.plain(str(problem))

    def plain(self, text) -> str:
        """A sentence of the engine without the place of the server's folder, which is nobody's business."""
        return text.replace(str(self.place.root), "the folder of calculations") if self.shared and self.place else text

    @property
    def site(self) -> int:
        """Number of the site to compute: the one drawn first, or the first of all."""
        return self.structure.selection[0] if self.structure.selection else 0

    @property
    def label(self) -> str:
        """Label of that site."""
        return str(self.structure.found.prediction.sites[self.site])

    @property
    def is_stored(self) -> bool:
        """Whether the database has the computed spectrum of that site."""
        return bool(self.structure.stored) and f"{self.structure.stored}/{self.label}" in self.structure.db.positions

    @property
    def is_finished(self) -> bool:
        """Whether that site was computed here."""
        return self.current is not None and self.current.row(self.atom) is not None

    @property
    def atom(self) -> int:
        """Index of that site among the atoms of the cell as it was brought."""
        return self.structure.found.crystal.sites[self.site][0]

    # what the visitor wants ------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Compute the site: begin, or go on with the calculation of this structure."""
        if self.closed != "" or self.structure.found is None or (self.current is None and self.request is None):
            return
        if self.shared and sum(one.state().is_active for one in self.mine) >= EACH:
            self.problem = (
                f"{EACH} calculations of yours are under way. Start the next one when one of them is finished."
            )
            return
        current, request, atom, number = self.current, self.request, self.atom, self.site
        if not self.structure.selection:
            self.structure.choose([number])  # what is computed is what is drawn

        def work() -> "Calculation":
            if current is None:
                return self.place.start(request, atom)
            current.resume(atom)
            return current

        def done(one) -> None:
            if current is None:
                self.mine = [*self.mine, one]
                if self.shared:
                    self.session.calculations = [*self.session.calculations, (one.token, one.title)]
            self._match()
            self.poll()

        self.wish(work, done)

    def cancel(self) -> None:
        """End what is under way; what is finished stays."""
        if self.current is not None:
            self.wish(self.current.cancel, lambda nothing: self.poll())

    def remove(self) -> None:
        """Remove the calculation of the structure shown and all that it found."""
        if self.current is None:
            return
        one = self.current

        def done(nothing) -> None:
            self.mine = [other for other in self.mine if other.token != one.token]
            self.session.calculations = [pair for pair in self.session.calculations if pair[0] != one.token]
            self._found(None)

        self.wish(one.remove, done)

    def show(self, token) -> None:
        """Show the structure of one of the calculations, and its site."""
        one = next((one for one in self.mine if one.token == token), None)
        if one is None:
            return
        try:
            content, title = (one.path / "given.extxyz").read_bytes(), one.title
        except (OSError, DataError):
            self.problem = "This calculation cannot be read any more. Start it anew."
            return
        self.wanted = token
        self.structure.read(title, content)

    def wish(self, work, done) -> None:
        """Do in a thread what may take seconds; while it lasts nothing else is begun."""
        if self.busy:
            return
        self.busy, self.problem, self.note = True, "", ""

        def ended(result, problem) -> None:
            self.busy = False
            if problem is None:
                done(result)
            else:
                self.problem = self._said(problem)

        self.wishing.start(work, ended)

    # how far it is ---------------------------------------------------------------------------------------------------
    def poll(self) -> None:
        """Look how far the calculations are; looks again by itself while one is under way."""
        if self.current is not None and self.place.find(self.current.token) is None:  # removed on another page
            self._listed()
        elif self.current is not None:
            self.state = self.current.state()
            self._read()
        active = any(one.state().is_active for one in self.mine)
        if active and self.timer is None:
            try:
                self.timer = asyncio.get_running_loop().call_later(PAUSE, self._again)
            except RuntimeError:  # a script or a test, which looks by itself
                pass
        self.clock += 1

    def _again(self) -> None:
        self.timer = None
        self.poll()

    def _read(self) -> None:
        """Take over what else is known of the structure shown, if there is more than before."""
        found, structure, current = self.structure.found, self.structure.stored, self.current
        if found is None:
            return
        if self.structure.suggested and current is None and "torch" not in sys.modules:
            return  # the PDOS route imports torch, 2 s of a core and 150 MB: not for the example at each opening of the page
        files = () if current is None else (current.ground, *current.rows)
        known = (structure, files)
        if known == self.known or not (structure or any(files)):
            return
        self.known, db = known, self.structure.db
        labels, indices = list(map(str, found.prediction.sites)), [index for index, _ in found.crystal.sites]

        def work() -> Routes:
            from ...learning.from_structure import shipped_route

            if any(files):
                return of_calculation(current, list(zip(labels, indices)), shipped_route(), LEVEL)
            return of_database(db, structure, labels, shipped_route(), LEVEL)

        def done(routes, problem) -> None:
            if known != self.known or found is not self.structure.found:
                return
            if problem is None:
                self.routes = routes
            else:
                self.problem = f"The PDOS route cannot be drawn: {self._said(problem)}"

        self.reading.start(work, done)

    # what is shown ---------------------------------------------------------------------------------------------------
    @property
    def chosen(self) -> int | None:
        """Number of the site whose curves are drawn, None for the average."""
        return self.structure.selection[0] if self.structure.selection else None

    def curves(self) -> dict:
        """Arguments of `figures.newstructure.spectra_figure`: all routes on one axis."""
        p = self.structure.found.prediction
        return joined(self.structure.curves(), self.routes, list(map(str, p.sites)), p.weights, self.chosen)

    def places(self) -> dict:
        """Where the curves lie on the scale of energy loss, as of the structure; what was computed here at its own onset."""
        moved, p = self.structure.places(), self.structure.found.prediction
        labels = list(map(str, p.sites))
        if self.routes.here and (place := average(self.routes.place, labels, p.weights, self.chosen)) is not None:
            moved["other.0"] = float(place)
        return moved

    def errors(self) -> dict:
        """Route -> mean squared difference from the computed spectrum of what is drawn."""
        return errors(self.structure.found.prediction, self.routes, self.chosen)

    def onsets(self) -> list:
        """(label, predicted, half width of its interval, computed), eV of energy loss, of the sites drawn that were computed."""
        p = self.structure.found.prediction
        return [
            (str(label), float(p.onset[k]), p.onset_half, self.routes.onset[label])
            for k, label in enumerate(map(str, p.sites))
            if self.chosen in (None, k) and np.isfinite(self.routes.onset.get(label, np.nan))
        ]
