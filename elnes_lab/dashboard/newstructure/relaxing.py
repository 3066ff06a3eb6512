"""Relaxation of the structure that is shown, by the universal potential, in a thread: off until it is asked for, undone by a click."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from traitlets import Any, Bool, HasTraits, Unicode

from ...errors import DataError
from ..common.background import Background

if TYPE_CHECKING:
    from ...learning.from_structure import Predicted

PAUSE = 0.3  # s between two reports to the page
OFF, RUNNING, DONE = "off", "running", "done"


class Relaxing(HasTraits):
    """Relaxes what a NewStructureModel has in `found`, and shows it there; what was given is kept. Another structure in `found`
    ends and forgets all this.

    given, relaxed: learning.from_structure.Predicted of the structure before and after, None until there is one.
    """

    state = Unicode(OFF, help=f'"{OFF}", "{RUNNING}" or "{DONE}"')
    progress = Unicode(help="Where the relaxation is, a sentence")
    problem = Unicode(help="Why there is no relaxed structure, or an empty text")
    given, relaxed = Any(), Any()
    shown = Bool(False, help="The relaxed structure is the one shown")

    def __init__(self, model, background=None) -> None:
        super().__init__()
        self.model, self.background = model, background or Background()
        self.stop_event, self.number = threading.Event(), 0
        model.observe(self._follow, "found")

    @staticmethod
    def missing() -> str:
        """The sentence that says what to install, or an empty text."""
        from ...sources.potential.universal import missing

        return missing()

    def start(self) -> None:
        """Relax the structure that is shown, unless that is done or under way."""
        found = self.model.found
        if found is None or self.state != OFF:
            return
        problem = self.missing()
        if problem:
            self.problem = problem
            return
        self.stop_event, self.number, self.given = threading.Event(), self.number + 1, found
        self.problem, self.progress, self.state = "", "Relaxing: opening the potential ...", RUNNING
        number, stop, report = self.number, self.stop_event, self._reporter()
        structure = self.model.source

        def work() -> "Predicted":
            from ...learning.from_structure import predict_structure

            crystal = found.crystal
            return predict_structure(
                crystal.atoms,
                crystal.name,
                level=found.prediction.level,
                structure=structure,
                relax=True,
                report=report,
                stop=stop,
            )

        self.background.start(work, lambda result, problem: self._done(result, problem, number))

    def stop(self) -> None:
        """End a relaxation that is under way; nothing changes."""
        if self.state == RUNNING:
            self._forget()

    def close(self) -> None:
        """End the thread with the page."""
        self.stop_event.set()

    def show(self, relaxed: bool) -> None:
        """Show the relaxed structure, or the one that was given."""
        if self.state == DONE:
            self.shown = relaxed
            self.model.show(self.relaxed if relaxed else self.given)

    def rows(self) -> list[tuple[str, str, str]]:
        """(quantity, before, after) of what the relaxation changed."""
        return self.relaxed.crystal.relaxed.rows if self.state == DONE else []

    def sentence(self) -> str:
        """What was done, in words."""
        return self.relaxed.crystal.relaxed.sentence if self.state == DONE else ""

    def cif(self) -> tuple[str, bytes]:
        """(file name, bytes) of the relaxed structure. DataError if there is none."""
        from ...sources.potential.relaxation import render_cif

        if self.state != DONE:
            raise DataError("Nothing is relaxed yet. Choose Relax first.")
        crystal = self.relaxed.crystal
        return f"elnes-lab-{plain(crystal.name)}-relaxed.cif", render_cif(crystal.relaxed, crystal.name)

    # from the thread -------------------------------------------------------------------------------------------------
    def _reporter(self) -> Callable:
        """A function for the thread that brings a step to the page, now and then."""
        number, last = self.number, [0.0]
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script, a test: everything happens at once
            return lambda step: self._show(step, number)

        def report(step) -> None:
            now = time.monotonic()
            if now - last[0] < PAUSE:
                return
            last[0] = now
            try:
                loop.call_soon_threadsafe(self._show, step, number)
            except RuntimeError:  # the kernel has ended meanwhile
                self.stop_event.set()

        return report

    def _show(self, step, number) -> None:
        if number == self.number and self.state == RUNNING:
            self.progress = f"Relaxing: {step}, at most {step.left:.0f} s left."

    def _done(self, result, problem, number) -> None:
        if number != self.number or self.state != RUNNING:
            return
        if problem is not None:
            self.problem = (
                str(problem)
                if isinstance(problem, DataError)
                else f"The structure could not be relaxed ({type(problem).__name__}). The one that was given is shown."
            )
            self.state = OFF
            return
        self.relaxed = result
        self.state = DONE
        self.show(True)

    def _follow(self, change) -> None:
        if self.state != OFF and not any(change.new is known for known in (self.given, self.relaxed)):
            self._forget()
        if self.state == OFF:
            self.problem = ""

    def _forget(self) -> None:
        self.stop_event.set()
        self.background.forget()
        self.number += 1
        self.shown, self.state, self.progress = False, OFF, ""
        self.given = self.relaxed = None


def plain(name: str) -> str:
    """The stem of a file's name, of letters that any file system takes."""
    stem = name.rpartition(".")[0] or name
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in stem)[:60]
