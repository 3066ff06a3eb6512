"""State of the Train panel: the training in its thread, and the runs to compare. The choices are in train_choices.

No widget in here. Results come from threads and enter the traits through the event loop of the kernel, so whoever
observes a trait is called in the thread of the page.
"""

import asyncio
import atexit
import logging
import re
import threading
from collections.abc import Callable

import numpy as np
from traitlets import Bool, Dict, Instance, Tuple, Unicode

from ...errors import DataError
from ..serving.confine import sentence
from ..session import NamedModel
from .choices import DIRECTED, NAMES, PLAIN, ZEROS, TrainChoices, interval
from .job import Details, Progress, dataset, import_torch, measure, train_model

COMPARED, LONGEST = 2, 40  # LONGEST: characters of a name
RUN = re.compile(r"Run (\d{1,6})\b")  # the beginning of a name; models of an earlier visit have one, too


class TrainModel(TrainChoices):
    """Choices of the Train panel and its trainings, over a Session.

    `start` trains in a thread; `progress`, `running` and `message` follow, and the model is added to `session.models`.
    """

    running = Bool(False, help="Whether a training is under way; read only")
    stopping = Bool(False, help="Whether it was asked to stop; read only")
    progress = Instance(Progress, allow_none=True, help="Of the training under way or the last one; read only")
    message = Unicode(help="What came of the last action; read only")
    failed = Bool(False, help="Whether the message is of a failure; read only")
    title = Unicode(help="Name that the visitor wants for the next model; empty: Run 1, 2, ...")
    naming = Unicode(help="Name of the model in training; read only")
    deleted = Instance(NamedModel, allow_none=True, help="The model deleted last, as long as it can be had back")
    ticked = Tuple(help="Names of at most two models to compare")
    details = Dict(help="Name -> Details of the models measured on this page; read only")
    busy = Bool(False, help="Whether a model is being measured or read; read only")

    def __init__(self, session, *, post=None) -> None:
        """post(function, *arguments) calls in the thread of the page; default: through its event loop, if any."""
        self.session, self.post = session, post
        self.stop_event, self.thread, self.run, self.waiting = threading.Event(), None, 0, None
        self.jobs, self.learning, self.warming = 0, None, None  # learning: Settings of the last training
        super().__init__(session.db)
        session.models  # to list them is to find out what is wrong with them
        if session.problem:
            self._say(session.problem, failed=True)
        self.observe(lambda change: setattr(session, "training", change.new), "running")
        atexit.register(self.close)  # the page's kernel ends: so does its training

    # training --------------------------------------------------------------------------------------------------------
    def warm_up(self) -> None:
        """Import torch in a thread while the visitor makes his choices: the import takes seconds, and in its course
        the page does not answer for some tenths of one.
        """
        self.warming = threading.Thread(target=import_torch, name="elnes-torch", daemon=True)
        self.warming.start()

    def start(self) -> None:
        """Train with the present choices; does nothing while a training runs."""
        if self.running:
            return
        try:
            settings = self.settings()
        except DataError as problem:
            return self._say(str(problem), failed=True)
        taken = [int(found[1]) for entry in self.session.models if (found := RUN.match(entry.name))]
        self.run, self.learning = max([self.run, *taken]) + 1, settings
        self.stop_event, self.stopping = threading.Event(), False
        self.progress, self.running = None, True
        self._say("Reading the spectra ...")
        stop, number, post = self.stop_event, self.run, self._poster()
        name = self.naming = self.session.unique(" ".join(self.title.split())[:LONGEST] or self.describe(number))
        self.title = ""

        def report(progress) -> None:
            # A page that is slower than the training skips what it has had no time for.
            late, self.waiting = self.waiting is not None, progress
            if not late:
                post(self._show_progress, number)

        self.thread = self._thread(
            lambda: train_model(self.db, settings, stop, report),
            lambda *result: self._trained(number, name, *result),
            post,
        )

    def next_name(self) -> str:
        """Name of the next model if the visitor gives it none."""
        taken = [int(found[1]) for entry in self.session.models if (found := RUN.match(entry.name))]
        return self.describe(max([self.run, *taken]) + 1)

    def describe(self, number) -> str:
        """Name of a run with the present choices: "Run 3: multilayer × 5, gap"."""
        several = self.members > 1 and self.kind not in (*DIRECTED, PLAIN)
        return f"Run {number}: {NAMES[self.kind]}{f' × {self.members}' if several else ''}{', gap' if self.gap else ''}"

    def stop(self) -> None:
        """Ask the training to end after its epoch; the best weights so far become the model."""
        if self.running and not self.stopping:
            self.stopping = True
            self.stop_event.set()
            self._say("Stopping; the best so far is kept ...")

    def close(self) -> None:
        """End the thread with the page: at most a few seconds' wait for its epoch."""
        self.run += 1  # what still comes is of an older run
        self.stop_event.set()
        for thread in (self.warming, self.thread):
            if thread is not None and thread is not threading.current_thread():
                thread.join(5)

    def _show_progress(self, number) -> None:
        progress, self.waiting = self.waiting, None
        if number == self.run and progress is not None:
            self.progress = progress

    def _trained(self, number, name, result, problem) -> None:
        if number != self.run:
            return
        stopped, self.running, self.stopping, self.waiting = self.stopping, False, False, None
        if problem:
            return self._say(problem, failed=True)
        model, card, details = result
        self.progress = done = details.progress
        how = "stopped" if stopped else "finished"
        early = " (no better validation loss for some time)" if not stopped and done.epoch < done.epochs else ""
        self._say(
            f"{name} {how} after {done.epoch} of {done.epochs} epochs{early}, {done.seconds:.1f} s; "
            f"the weights of epoch {done.best_epoch}, the best, are kept."
            if done.epochs > 1
            else f"{name} {how}: a regression, solved in one step."
        )
        entry = self.session.add(name, model, card)  # last, as the page packs it for the browser to keep
        self.details = self.details | {entry.name: details}
        self.ticked = (entry.name,)

    # runs ------------------------------------------------------------------------------------------------------------
    def rows(self) -> list:
        """One dict per model of the session for the list of runs; mse are medians on sites it never saw, or None."""
        found = []
        for entry in self.session.models:
            card, metrics = entry.card, entry.card.get("metrics") or {}
            inputs, target = card["inputs"], card["target"]
            details = self.details.get(entry.name)
            progress = details.progress if details else None
            found.append(
                {
                    "name": entry.name,
                    "inputs": channels(inputs) + (" + gap" if entry.with_gap else ""),
                    "window": f"{interval(inputs['window'])}, {ZEROS.get(inputs['alignment'], '')}",
                    "target": f"{interval(target['window'])}, {ZEROS.get(target['alignment'], '')}",
                    "network": kind_of(card),
                    "seed": (card.get("training") or {}).get("seed"),
                    "crystal": (metrics.get("crystal") or {}).get("mse_median"),
                    "amorphous": (metrics.get("amorphous") or {}).get("mse_median"),
                    "seconds": progress.seconds if progress else None,
                }
            )
        return found

    def tick(self, names) -> None:
        """Compare these models; of more than two, the last two. Those not yet measured are, in a thread."""
        self.ticked = tuple(names)[-COMPARED:]
        for name in self.ticked:
            if name not in self.details:
                self._measure(name)

    def _measure(self, name) -> None:
        entry = self.session.find(name)

        def work() -> Details:
            model = entry.load()
            return measure(model, dataset(self.db, model.choice, model.target))

        def done(details, problem) -> None:
            if problem:
                self.ticked = tuple(one for one in self.ticked if one != name)
                return self._say(f"{name} cannot be compared. {problem}", failed=True)
            self.details = self.details | {name: details}

        self._job(work, done)

    def upload(self, file_name, content) -> None:
        """Read an uploaded zip in a thread and add its model to the session; a wrong file gives a message."""

        def done(found, problem) -> None:
            if problem:
                return self._say(problem, failed=True)
            entry = self.session.add(*found)
            self._say(f"{entry.name} was added. {entry.model.warning}".strip())
            self.tick([entry.name])

        self._say(f"Reading {file_name} ...")
        self._job(lambda: self.session.read(file_name, content), done)

    def delete(self) -> None:
        """Delete the model ticked last; `restore` brings it back."""
        if not self.ticked:
            return self._say("No model is ticked. Tick the one to delete in the list.", failed=True)
        try:
            self.deleted = self.session.remove(self.ticked[-1])
        except DataError as problem:
            return self._say(str(problem), failed=True)
        self.ticked = self.ticked[:-1]
        self.details = {name: details for name, details in self.details.items() if name != self.deleted.name}
        self._say(f"{self.deleted.name} is deleted.")

    def restore(self) -> None:
        """Bring the model deleted last back."""
        if self.deleted is not None:
            entry, self.deleted = self.deleted, None
            entry.name = self.session.unique(entry.name)
            self.session.models = [*self.session.models, entry]
            self._say(f"{entry.name} is back.")

    def comparison(self) -> tuple:
        """(names, list of Details, positions of three sites in each, text) of the ticked models that are measured.

        With two, neither has seen the sites. Two that cannot be compared leave only the one ticked last.
        """
        names = [name for name in self.ticked if name in self.details]
        found = [self.details[name] for name in names]
        if not found:
            return names, found, None, ""
        why = ""
        if len(found) == 2 and found[0].target != found[1].target:
            why = "The two predict different windows or zeros, so their errors are not on one scale. "
        elif len(found) == 2 and not np.isin(found[0].sites, found[1].sites).any():
            why = "No site is new to both: train them with the same seed to compare. "
        if why:
            names, found = names[-1:], found[-1:]
        common = found[0].sites
        for other in found[1:]:
            common = common[np.isin(common, other.sites)]
        where = [np.array([list(one.sites).index(site) for site in common]) for one in found]
        chosen = self._examples(found[0].mse[where[0]], found[0].kinds[where[0]])
        return names, found, [rows[chosen] for rows in where], why + self._verdict(names, found, where)

    @staticmethod
    def _examples(mse, kinds) -> np.ndarray:
        """Positions of three sites: a usual and a bad crystal and a usual amorphous one; of one kind, from good to bad."""
        shares = {"crystal": (0.5, 0.9), "amorphous": (0.5,)} if len(set(kinds)) > 1 else {kinds[0]: (0.1, 0.5, 0.9)}
        chosen = []
        for kind, wanted in shares.items():
            rows = np.flatnonzero(kinds == kind)
            rows = rows[np.argsort(mse[rows], kind="stable")]
            chosen += [rows[round(share * (len(rows) - 1))] for share in wanted]
        return np.array(chosen)

    @staticmethod
    def _verdict(names, found, where) -> str:
        if len(found) == 1:
            one = found[0]
            parts = [f"{int((one.kinds == kind).sum())} {kind}" for kind in dict.fromkeys(one.kinds)]
            shown = "a good, a usual and a bad one"
            if len(parts) > 1:
                shown = "a usual and a bad crystal and a usual amorphous site"
            return f"{names[0]} on {' and '.join(parts)} spectra of structures it never saw; shown are {shown}."
        first, second = (one.mse[rows] for one, rows in zip(found, where))
        kinds, texts, short = found[0].kinds[where[0]], [], [name.partition(":")[0] for name in names]
        for kind in dict.fromkeys(kinds):
            a, b = first[kinds == kind], second[kinds == kind]
            texts.append(
                f"{kind} {np.median(a):.4f} ({short[0]}) and {np.median(b):.4f} ({short[1]}), "
                + ("alike on all" if np.allclose(a, b) else f"{short[0]} is better on {(a < b).sum()} of {len(a)}")
            )
        return f"Median MSE on spectra new to both: {'; '.join(texts)}."

    # threads ---------------------------------------------------------------------------------------------------------
    def _say(self, text, failed=False) -> None:
        self.failed, self.message = failed, text

    def _poster(self) -> Callable:
        if self.post is not None:
            return self.post
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop: a script
            return lambda function, *arguments: function(*arguments)

        def post(function, *arguments) -> None:
            try:
                loop.call_soon_threadsafe(function, *arguments)
            except RuntimeError:  # the loop is closed: the page is gone
                self.stop_event.set()

        return post

    def _job(self, work, done) -> None:
        self.jobs += 1
        self.busy = True

        def finished(result, problem) -> None:
            self.jobs -= 1
            done(result, problem)
            self.busy = self.jobs > 0

        self._thread(work, finished, self._poster())

    @staticmethod
    def _thread(work, done, post) -> threading.Thread:
        """Do `work()` in a thread, then in the page's thread done(result, ""), or done(None, sentence) if it fails."""

        def run() -> None:
            try:
                import_torch()
                result, problem = work(), ""
            except DataError as error:
                result, problem = None, str(error)
            except Exception as error:  # a thread's traceback would reach nobody
                logging.getLogger(__name__).exception("while training")
                result, problem = None, sentence(error)
            post(done, result, problem)

        thread = threading.Thread(target=run, name="elnes-train", daemon=True)
        thread.start()
        return thread


def channels(inputs) -> str:
    """What a model with these inputs, of a card, sees, as the list of runs has it."""
    seen = "all PDOS along x, y, z" if inputs.get("directed") else ", ".join(inputs["channels"])
    return f"{seen} + structure" if inputs.get("surroundings") else seen


def kind_of(card) -> str:
    """What a model is, as the list of runs has it: "multilayer × 5", "ensemble, 5 parts"."""
    if "method" in card:
        return card["method"]
    if "parts" not in card:
        hyper = card["hyper_parameters"]
        return f"{NAMES.get(hyper['kind'], hyper['kind'])} × {hyper['members']}"
    parts, first = card["parts"], card["parts"][0]
    name = NAMES["ensemble" if first["network"] and first["kernel"] else "kernel" if first["kernel"] else "mlp"]
    return name if len(parts) == 1 else f"{name}, {len(parts)} parts"
