"""State of the Train panel: choices, presets, the training in its thread, and the runs to compare.

No widget in here. Results come from threads and enter the traits through the event loop of the kernel, so whoever
observes a trait is called in the thread of the page.
"""

import asyncio
import atexit
import threading

import numpy as np
from traitlets import Bool, Dict, Enum, HasTraits, Instance, Int, Tuple, Unicode, observe

from ..errors import DataError
from ..learning.choices import INPUT_ALIGNMENTS, TARGET_ALIGNMENTS, InputChoice, TargetChoice
from ..learning.hyper import KINDS, Hyper
from .train_job import Details, Progress, Settings, dataset, measure, train_model

# eV: the window to begin with for each zero of energy
INPUT_WINDOWS = {"cbm": InputChoice().window, "vbm": (3.0, 20.0)}
TARGET_WINDOWS = {"onset": TargetChoice().window, "cbm": (-2.0, 30.0), "vbm": (3.0, 35.0)}
INPUT_RANGE, TARGET_RANGE = (-10.0, 25.0), (-5.0, 40.0)  # eV within which windows can be chosen
BEST = {
    "channels": InputChoice().channels,
    "input_zero": InputChoice().alignment,
    "input_window": InputChoice().window,
    "gap": "band_gap" in InputChoice().scalars,
    "target_zero": TargetChoice().alignment,
    "target_window": TargetChoice().window,
    "kind": Hyper().kind,
    "members": Hyper().members,
    "epochs": Hyper().epochs,
    "ridge": Hyper().skip,
    "amorphous": False,
}
# The published idea: one plain network, from the PDOS alone, on crystals.
PRESETS = {"best": BEST, "published": BEST | {"members": 1, "epochs": 100, "ridge": False}}
OWN = "own"
ZEROS = {"cbm": "CB minimum", "vbm": "VB maximum", "onset": "edge onset"}
NAMES = {"mlp": "multilayer", "conv": "convolutional", "linear": "linear"}
EXAMPLE = "quartz-alpha"
COMPARED = 2


def interval(window):
    """Text of an energy window, "−2 to 15 eV"."""
    return "{:g} to {:g} eV".format(*window).replace("-", "−")


class TrainModel(HasTraits):
    """Choices of the Train panel and its trainings, over a Session.

    Set the choices in any order: `problem` says why they allow no training, `note` what they leave out. `start` trains
    in a thread; `progress`, `running` and `message` follow, and the model is added to `session.models`.
    """

    preset = Enum((*PRESETS, OWN), "best")
    channels = Tuple(help="PDOS channels that the network sees")
    input_zero = Enum(INPUT_ALIGNMENTS, BEST["input_zero"])
    input_window = Tuple(help="(low, high) in eV from that zero")
    gap = Bool(False, help="Whether the band gap is an input, too")
    target_zero = Enum(TARGET_ALIGNMENTS, BEST["target_zero"])
    target_window = Tuple(help="(low, high) in eV from that zero")
    kind = Enum(KINDS, "mlp")
    members = Int(5)
    epochs = Int(25)
    ridge = Bool(True, help="Whether a network starts from a ridge regression, with shifts of the energies")
    seed = Int(0)
    amorphous = Bool(False)

    problem = Unicode(help="Why these choices allow no training, or an empty text; read only")
    note = Unicode(help="How many spectra the choices can use; read only")
    running = Bool(False, help="Whether a training is under way; read only")
    stopping = Bool(False, help="Whether it was asked to stop; read only")
    progress = Instance(Progress, allow_none=True, help="Of the training under way or the last one; read only")
    message = Unicode(help="What came of the last action; read only")
    failed = Bool(False, help="Whether the message is of a failure; read only")
    ticked = Tuple(help="Names of at most two models to compare")
    details = Dict(help="Name -> Details of the models measured on this page; read only")
    busy = Bool(False, help="Whether a model is being measured or read; read only")

    def __init__(self, session, *, post=None):
        """post(function, *arguments) calls in the thread of the page; default: through its event loop, if any."""
        self.session, self.db, self.post = session, session.db, post
        self.stop_event, self.thread, self.run, self.waiting = threading.Event(), None, 0, None
        self.site, self.jobs, self.learning = None, 0, None  # learning: Settings of the last training
        super().__init__(**PRESETS["best"])
        self._check()
        atexit.register(self.close)  # the page's kernel ends: so does its training

    # choices ---------------------------------------------------------------------------------------------------------
    @observe("preset")
    def _preset(self, change):
        if change.new != OWN:
            with self.hold_trait_notifications():
                for name, value in PRESETS[change.new].items():
                    setattr(self, name, value)

    @observe("input_zero")
    def _input_zero(self, change):
        self.input_window = self._moved(self.input_window, INPUT_WINDOWS, change)

    @observe("target_zero")
    def _target_zero(self, change):
        self.target_window = self._moved(self.target_window, TARGET_WINDOWS, change)

    @staticmethod
    def _moved(window, usual, change):
        """The usual window of the new zero, unless the window is one that was chosen for it (by a preset)."""
        return usual[change.new] if window == usual.get(change.old, window) else window

    @observe(*BEST, "seed")
    def _check(self, change=None):
        chosen = {name: getattr(self, name) for name in BEST}
        self.preset = next((name for name, values in PRESETS.items() if values == chosen), OWN)
        from ..learning.dataset import usable

        try:
            settings = self.settings()
            mask, reasons = usable(self.db, settings.inputs, settings.target)
        except DataError as problem:
            self.problem, self.note = str(problem), ""
            return
        count = int(mask.sum())
        why = " ".join(reasons)
        self.note = f"{count:,} of {len(mask):,} spectra can be used." + (f" Left out: {why}" if why else "")
        self.problem = "" if count else f"No spectrum has all that is asked for. {why} Choose narrower windows."

    def settings(self):
        """The choices as Settings. Raises DataError if they cannot be meant."""
        inputs = InputChoice(
            window=self.input_window,
            alignment=self.input_zero,
            channels=self.channels,
            scalars=("band_gap",) if self.gap else (),
        )
        target = TargetChoice(window=self.target_window, alignment=self.target_zero)
        hyper = {"kind": self.kind, "members": self.members, "epochs": self.epochs}
        if not self.ridge and self.kind != "linear":
            hyper |= {"skip": False, "shift": 0.0, "patience": max(10, self.epochs // 3)}
        Hyper.of(hyper)
        return Settings(inputs, target, hyper, self.seed, self.amorphous)

    def windows(self):
        """Arguments for `figures_training.chosen_windows`: a real site with the windows chosen on it."""
        site = self._example_site()
        return {
            "pdos_energy": site["pdos_energy"] - (site["gap"] if self.input_zero == "cbm" else 0.0),
            "pdos": site["pdos"],
            "channels": list(self.db.channels),
            "chosen": list(self.channels),
            "input_window": self.input_window,
            "energy": self.db.energy + site["shifts"][self.target_zero],
            "intensity": site["intensity"],
            "target_window": self.target_window,
        }

    def zeros(self):
        """Further arguments for `figures_training.chosen_windows`, which do not change when a window moves."""
        return {
            "input_zero": self.input_zero,
            "target_zero": self.target_zero,
            "input_range": INPUT_RANGE,
            "target_range": TARGET_RANGE,
        }

    def example_name(self):
        """Name of the site that the windows are drawn on."""
        return self._example_site()["name"]

    def _example_site(self):
        """Spectra of the site that the windows are drawn on, energies in eV from the valence-band maximum; kept."""
        if self.site is None:
            labels = list(map(str, self.db.sites))
            row = self.db[[next((i for i, label in enumerate(labels) if label.startswith(f"{EXAMPLE}/")), 0)]]
            curves = [row.pdos_curves(channel, fwhm=InputChoice().broadening) for channel in self.db.channels]
            gap, onset = float(row["band_gap"][0]), float(row.shifts("onset")[0])
            self.site = {
                "pdos_energy": curves[0][0],
                "pdos": np.array([curve[1][0] for curve in curves]),
                "intensity": row.isotropic[0],
                "gap": gap,
                "shifts": {"vbm": 0.0, "cbm": -gap, "onset": onset if np.isfinite(onset) else -gap},
                "name": f"{row['name'][0]} O{row['atom'][0]}",
            }
        return self.site

    # training --------------------------------------------------------------------------------------------------------
    def start(self):
        """Train with the present choices; does nothing while a training runs."""
        if self.running:
            return
        try:
            settings = self.settings()
        except DataError as problem:
            return self._say(str(problem), failed=True)
        self.run, self.learning = self.run + 1, settings
        self.stop_event, self.stopping = threading.Event(), False
        self.progress, self.running = None, True
        self._say("Reading the spectra ...")
        stop, number, post = self.stop_event, self.run, self._poster()
        name = self.describe(number)

        def report(progress):
            # A page that is slower than the training skips what it has had no time for.
            late, self.waiting = self.waiting is not None, progress
            if not late:
                post(self._show_progress, number)

        self.thread = self._thread(
            lambda: train_model(self.db, settings, stop, report),
            lambda *result: self._trained(number, name, *result),
            post,
        )

    def describe(self, number):
        """Name of a run with the present choices: "Run 3: multilayer × 5, gap"."""
        return f"Run {number}: {NAMES[self.kind]}" + (f" × {self.members}" if self.members > 1 else "") + (
            ", gap" if self.gap else ""
        )

    def stop(self):
        """Ask the training to end after its epoch; the best weights so far become the model."""
        if self.running and not self.stopping:
            self.stopping = True
            self.stop_event.set()
            self._say("Stopping; the best so far is kept ...")

    def close(self):
        """End the thread with the page: at most a few seconds' wait for its epoch."""
        self.run += 1  # what still comes is of an older run
        self.stop_event.set()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(5)

    def _show_progress(self, number):
        progress, self.waiting = self.waiting, None
        if number == self.run and progress is not None:
            self.progress = progress

    def _trained(self, number, name, result, problem):
        if number != self.run:
            return
        stopped, self.running, self.stopping, self.waiting = self.stopping, False, False, None
        if problem:
            return self._say(problem, failed=True)
        model, card, details = result
        self.progress = details.progress
        entry = self.session.add(name, model, card)
        self.details = self.details | {entry.name: details}
        done = details.progress
        how = "stopped" if stopped else "finished"
        early = " (no better validation loss for some time)" if not stopped and done.epoch < done.epochs else ""
        self._say(
            f"{name} {how} after {done.epoch} of {done.epochs} epochs{early}, {done.seconds:.1f} s; "
            f"the weights of epoch {done.best_epoch}, the best, are kept."
            if done.epochs > 1
            else f"{name} {how}: a regression, solved in one step."
        )
        self.ticked = (entry.name,)

    # runs ------------------------------------------------------------------------------------------------------------
    def rows(self):
        """One dict per model of the session for the list of runs; mse are medians on sites it never saw, or None."""
        found = []
        for entry in self.session.models:
            card, metrics = entry.card, entry.card.get("metrics") or {}
            hyper, inputs, target = card["hyper_parameters"], card["inputs"], card["target"]
            details = self.details.get(entry.name)
            progress = details.progress if details else None
            found.append(
                {
                    "name": entry.name,
                    "inputs": ", ".join(inputs["channels"]) + (" + gap" if entry.with_gap else ""),
                    "window": f"{interval(inputs['window'])}, {ZEROS.get(inputs['alignment'], '')}",
                    "target": f"{interval(target['window'])}, {ZEROS.get(target['alignment'], '')}",
                    "network": f"{NAMES.get(hyper['kind'], hyper['kind'])} × {hyper['members']}",
                    "seed": (card.get("training") or {}).get("seed"),
                    "crystal": (metrics.get("crystal") or {}).get("mse_median"),
                    "amorphous": (metrics.get("amorphous") or {}).get("mse_median"),
                    "seconds": progress.seconds if progress else None,
                }
            )
        return found

    def tick(self, names):
        """Compare these models; of more than two, the last two. Those not yet measured are, in a thread."""
        self.ticked = tuple(names)[-COMPARED:]
        for name in self.ticked:
            if name not in self.details:
                self._measure(name)

    def _measure(self, name):
        entry = self.session.find(name)

        def work():
            model = entry.load()
            return measure(model, dataset(self.db, model.choice, model.target))

        def done(details, problem):
            if problem:
                self.ticked = tuple(one for one in self.ticked if one != name)
                return self._say(f"{name} cannot be compared. {problem}", failed=True)
            self.details = self.details | {name: details}

        self._job(work, done)

    def upload(self, file_name, content):
        """Read an uploaded zip in a thread and add its model to the session; a wrong file gives a message."""

        def done(found, problem):
            if problem:
                return self._say(problem, failed=True)
            entry = self.session.add(*found)
            self._say(f"{entry.name} was added. {entry.model.warning}".strip())
            self.tick([entry.name])

        self._say(f"Reading {file_name} ...")
        self._job(lambda: self.session.read(file_name, content), done)

    def comparison(self):
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
    def _examples(mse, kinds):
        """Positions of three sites: a usual and a bad crystal and a usual amorphous one; of one kind, from good to bad."""
        shares = {"crystal": (0.5, 0.9), "amorphous": (0.5,)} if len(set(kinds)) > 1 else {kinds[0]: (0.1, 0.5, 0.9)}
        chosen = []
        for kind, wanted in shares.items():
            rows = np.flatnonzero(kinds == kind)
            rows = rows[np.argsort(mse[rows], kind="stable")]
            chosen += [rows[round(share * (len(rows) - 1))] for share in wanted]
        return np.array(chosen)

    @staticmethod
    def _verdict(names, found, where):
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
    def _say(self, text, failed=False):
        self.failed, self.message = failed, text

    def _poster(self):
        if self.post is not None:
            return self.post
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop: a script
            return lambda function, *arguments: function(*arguments)

        def post(function, *arguments):
            try:
                loop.call_soon_threadsafe(function, *arguments)
            except RuntimeError:  # the loop is closed: the page is gone
                self.stop_event.set()

        return post

    def _job(self, work, done):
        self.jobs += 1
        self.busy = True

        def finished(result, problem):
            self.jobs -= 1
            done(result, problem)
            self.busy = self.jobs > 0

        self._thread(work, finished, self._poster())

    @staticmethod
    def _thread(work, done, post):
        """Do `work()` in a thread, then in the page's thread done(result, ""), or done(None, sentence) if it fails."""

        def run():
            try:
                import torch

                torch.set_num_threads(1)
                result, problem = work(), ""
            except DataError as error:
                result, problem = None, str(error)
            except Exception as error:  # a thread's traceback would reach nobody
                result = None
                problem = f"It failed ({type(error).__name__}: {error}). Try other choices, or report this."
            post(done, result, problem)

        thread = threading.Thread(target=run, name="elnes-train", daemon=True)
        thread.start()
        return thread
