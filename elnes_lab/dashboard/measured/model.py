"""State of the My spectrum panel: a measured spectrum, the steps of its treatment, matches, overlay, mixture, properties.

Nothing that is uploaded is kept: it is in the memory of this page alone, and goes with it.
"""

import logging
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from traitlets import Any, Enum, HasTraits, Int, Unicode

from ...errors import DataError
from ...io.measured import read
from ...measured import Background, Calibrate, Crop, Deconvolve, Library, Normalize, match, mixture, suggested, treat
from ...measured.background import KINDS
from ...measured.example import example
from ...measured.fit import fit, overlay
from ..common.background import Background as Thread
from ..common.words import OWN
from ..serving import confine
from .shown import Shown

if TYPE_CHECKING:
    from ...learning.quantification.result import Quantified

NONE = "none"
BACKGROUNDS = (*KINDS, NONE)
START_FWHM = 0.5  # eV, of the library before its broadening is fitted
MOST_STEPS_BACK = 50
PASTED = "pasted numbers"


class MeasuredModel(Shown, HasTraits):
    """What is shown of one measured spectrum against the database `db`.

    `results` counts what was worked out anew: observe it, then look at treated, matches, laid, mixed. `quantified` is the
    learning.Quantified, a sentence why there is none, or None while it is not there. `problem` is a sentence or "".
    """

    results = Int(help="Rises whenever the attributes below are new; read only")
    busy = Unicode(help="What the page waits for, or an empty text")
    problem = Unicode(help="Why what was asked for could not be done, or an empty text")
    quantified = Any(help="learning.Quantified, a sentence, or None")
    zero = Enum(("loss", OWN), "loss", help="What the energies of the overlay count from: OWN is the measured edge")
    intensity = Enum(("mean", "absolute"), "mean", help="In units of the mean, or as it was measured")

    def __init__(self, db) -> None:
        super().__init__()
        self.db, self.thread, self.second, self.asking = db, Thread(), Thread(), Thread()
        self.measured = self.low_loss = self.content = self.treated = self.matches = self.laid = self.mixed = None
        self.options, self.past, self.libraries = {}, [], {}
        self.what, self.measure, self.within, self.fwhm = "structures", "cosine", 1.0, START_FWHM
        self.chosen, self.shift, self.scale, self.fitted = "", 0.0, 1.0, True

    # what is measured ------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Show the example."""
        self.thread.forget()  # what is still being read comes too late
        self.busy = ""
        self.take(example(self.db))

    def open(
        self,
        name,
        content,
        *,
        item=None,
        region=None,
        low_loss=False,
        keep=False,
    ) -> None:
        """Read a file (bytes), in the background where it takes long. What cannot be read leaves all as it is.

        keep: with the steps in force, if they can be done.
        """
        self.busy, self.problem = f"Reading {str(name)[:60]} ...", ""

        def done(found, problem) -> None:
            self.busy = ""
            if problem is not None:
                if not isinstance(problem, DataError):
                    logging.getLogger(__name__).error("reading", exc_info=problem)
                    problem = confine.sentence(problem).strip()
                self.problem = str(problem)
            elif low_loss:
                self.set_low_loss(found)
            else:
                self.take(found, content=(name, content), keep=keep)

        # A low-loss spectrum is often in the same file, recorded at once.
        around = {"around": 0.0} if low_loss else {}
        (self.second if low_loss else self.thread).start(
            lambda: read(name, content, item=item, region=region, **around), done
        )

    def paste(self, text) -> None:
        """Take two columns of numbers."""
        self.open(PASTED, text.encode("utf-8", "replace"))

    def choose(self, *, item=None, region=None) -> None:
        """Read another spectrum, or another region (top, bottom, left, right), of the same file."""
        if self.content is not None:
            name, content = self.content
            self.open(name, content, item=self.measured.item if item is None else item, region=region, keep=True)

    def take(self, measured, *, content=None, keep=False) -> None:
        """Show a Measured, with the steps that suit it. DataError becomes `problem`, and what was shown stays.

        keep: with the steps in force, if they can be done.
        """
        if keep:
            try:
                treated = treat(measured, self.steps(self.options, measured, self.low_loss))
            except DataError:
                pass
            else:
                self.measured, self.content, self.past = measured, content, []
                self._apply(self.options, treated)
                return
        note = ""
        try:
            options = self.suggestion(measured)
            treated = treat(measured, self.steps(options, measured, None))
        except DataError as problem:
            tried = self.otherwise(measured)
            if tried is None:
                self.problem = str(problem)
                return
            options, treated = tried
            note = f"{problem} Until then: {options['kind']}."
        self.measured, self.content, self.low_loss = measured, content, None
        self.options, self.past, self.treated, self.problem = options, [], treated, note
        self.fwhm, self.chosen = START_FWHM, ""
        self._search(anew=True)

    def otherwise(self, measured) -> tuple:
        """(options, treated) with another background, where the one suggested leaves no edge; None if none does."""
        for kind in ("line", "constant"):
            try:
                options = self.suggestion(measured) | {"kind": kind}
                return options, treat(measured, self.steps(options, measured, None))
            except DataError:
                continue
        return None

    def suggestion(self, measured) -> dict | None:
        """Options, as `change` takes them, that suit a Measured."""
        found = {"kind": NONE, "window": None, "offset": None, "deconvolve": False}
        for step in suggested(measured):
            if isinstance(step, Crop):
                found["region"] = (step.low, step.high)
            elif isinstance(step, Background):
                found |= {"kind": step.kind, "window": (step.low, step.high)}
        if found["window"] is None:
            start = max(round(found["region"][0], 1), 500.0)
            found["window"] = (start, max(527.0, start + 2.0))
        return found

    def set_low_loss(self, measured) -> None:
        """Deconvolve with this low-loss spectrum."""
        self.change(low_loss=measured, deconvolve=True)

    @cached_property
    def averages(self) -> Library:
        """The Library that a calibration looks at, whatever the spectrum is compared with."""
        return Library(self.db)

    # steps -----------------------------------------------------------------------------------------------------------
    def steps(self, options, measured, low_loss) -> list:
        """Steps for `treat` from options."""
        found = [Crop(*options["region"])]
        if options["kind"] != NONE:
            found.append(Background(*options["window"], options["kind"]))
        if options["deconvolve"] and low_loss is not None:
            found.append(Deconvolve(low_loss))
        offset = options["offset"]
        edge = self.averages.usual_edge if offset is None else None
        return [*found, Calibrate(offset=offset, edge=edge), Normalize()]

    def change(self, *, low_loss=None, **options) -> bool:
        """Change some of region, kind, window (eV pairs), offset (eV, None: to the edge), deconvolve, low_loss (a Measured);
        whether it could be done."""
        low_loss = self.low_loss if low_loss is None else low_loss
        wanted = self.options | options
        if wanted == self.options and not options.get("deconvolve"):
            return True
        try:
            treated = treat(self.measured, self.steps(wanted, self.measured, low_loss))
        except DataError as problem:
            self.problem = str(problem)
            self.results += 1  # the controls go back to what is in force
            return False
        self.past = [*self.past, (self.options, self.low_loss)][-MOST_STEPS_BACK:]
        self.low_loss = low_loss
        self._apply(wanted, treated)
        return True

    def undo(self) -> None:
        """Take the last change of the steps back."""
        if self.past:
            (options, self.low_loss), self.past = self.past[-1], self.past[:-1]
            self._apply(options, treat(self.measured, self.steps(options, self.measured, self.low_loss)))

    def _apply(self, options, treated) -> None:
        self.options, self.treated, self.problem = options, treated, ""
        self._search()

    # beside ours -----------------------------------------------------------------------------------------------------
    def library(self) -> Library:
        """The Library compared with, made once for sites and once for structures."""
        if self.what not in self.libraries:
            self.libraries[self.what] = Library(self.db, self.what, fwhm=self.fwhm)
        found = self.libraries[self.what]
        if found.fwhm != self.fwhm:
            found.widen(self.fwhm)
        return found

    def compare(self, **choice) -> None:
        """Change what (structures or sites), measure or within (eV); the best match is shown."""
        before = {name: getattr(self, name) for name in choice}
        for name, value in choice.items():
            setattr(self, name, value)
        self.chosen = "" if "what" in choice else self.chosen
        if not self._search():
            for name, value in before.items():
                setattr(self, name, value)

    def lay(self, label=None, *, shift=None, scale=None, fwhm=None) -> None:
        """Lay a spectrum of the library over the measured one, by hand where shift, scale (1: fits best) or fwhm is given."""
        spectrum = self.treated.energy, self.treated.intensity
        if label is not None and label != self.chosen:
            self.chosen, self.scale = label, 1.0
            self.shift = float(self.matches.shift[self.library().find(label)])
        self.shift = self.shift if shift is None else float(shift)
        self.scale = self.scale if scale is None else float(scale)
        if fwhm is not None:
            self.fwhm = float(fwhm)
            self._search(keep=True)
            return
        best = overlay(*spectrum, self.library(), self.chosen, shift=self.shift, fwhm=self.fwhm, within=self.within)
        if self.scale != 1.0:
            best = overlay(
                *spectrum,
                self.library(),
                self.chosen,
                shift=self.shift,
                fwhm=self.fwhm,
                within=self.within,
                scale=best.scale * self.scale,
            )
        self.laid = best
        self.results += 1

    def sites(self) -> list:
        """Labels of the sites whose spectrum, or average, is laid over the measured one."""
        if self.laid is None:
            return []
        names = self.db.sites if self.what == "sites" else self.db["structure"]
        return [str(site) for site, name in zip(self.db.sites, names) if str(name) == self.chosen]

    def fit(self) -> None:
        """Find the shift, the scale and the broadening of the overlay that leave the least residual."""
        found = fit(self.treated.energy, self.treated.intensity, self.library(), self.chosen, within=self.within)
        self.shift, self.scale, self.fwhm = round(found.shift, 2), 1.0, round(found.fwhm, 2)
        self._search(keep=True)

    def _search(self, *, anew=False, keep=False) -> bool:
        """Matches, overlay and mixture for what is treated; whether it could be done. anew: fit the broadening first."""
        spectrum = self.treated.energy, self.treated.intensity
        try:
            self.matches = match(*spectrum, self.library(), measure=self.measure, within=self.within)
            best = str(self.library().labels[self.matches.order[0]])
            if anew:
                self.fwhm = round(fit(*spectrum, self.library(), best, within=self.within).fwhm, 2)
                self.matches = match(*spectrum, self.library(), measure=self.measure, within=self.within)
                best = str(self.library().labels[self.matches.order[0]])
            self.mixed = mixture(*spectrum, self.library(), within=self.within)
        except DataError as problem:
            self.problem, self.matches, self.laid, self.mixed = str(problem), None, None, None
            if not keep:
                self._quantify()  # of what is shown now; the answer for the spectrum before must not stay beside it
            self.results += 1
            return False
        if not keep:
            self.chosen, self.scale = best, 1.0
            self.shift = float(self.matches.shift[self.library().find(best)])
        self.lay()
        if not keep:
            self._quantify()
        return True

    # structure out ---------------------------------------------------------------------------------------------------
    @staticmethod
    def can_quantify() -> bool:
        """Whether the learning package has the way back."""
        return find_spec("elnes_lab.learning.quantification") is not None

    def _quantify(self) -> None:
        """Read structure from the spectrum in the background: it opens networks, which takes seconds the first time."""
        if not self.can_quantify():
            return
        self.quantified = None
        energy, intensity = self.treated.energy, self.treated.intensity
        # A scale that was moved to the usual edge says nothing about where this edge lies.
        calibrated = False if self.options["offset"] is None else None
        # The example is of a structure that the model was trained on: its net is left out, as it would be of a new one.
        held_out = self.measured.facts.get("structure") if self.content is None else None

        def work() -> "Quantified":
            from ...learning import quantify

            try:
                return quantify(energy, intensity, calibrated=calibrated, held_out=held_out)
            except DataError:  # a structure that came after the model was trained needs no leaving out
                if held_out is None:
                    raise
                return quantify(energy, intensity, calibrated=calibrated)

        def done(found, problem) -> None:
            if problem is not None and not isinstance(problem, DataError):
                logging.getLogger(__name__).error("quantify", exc_info=problem)
                problem = confine.sentence(problem).strip()
            self.quantified = str(problem) if problem is not None else found

        self.asking.start(work, done)
