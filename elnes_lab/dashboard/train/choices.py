"""Choices of the Train panel: what the network sees and predicts, presets, and whether the choices allow a training."""

import numpy as np
from traitlets import Bool, Enum, HasTraits, Int, Tuple, Unicode, observe

from ...errors import DataError
from ...learning.choices import INPUT_ALIGNMENTS, TARGET_ALIGNMENTS, InputChoice, TargetChoice
from ...learning.hyper import KINDS, Hyper
from .job import PLAIN, Settings

# eV: the window to begin with for each zero of energy
INPUT_WINDOWS = {"cbm": InputChoice().window, "vbm": (3.0, 20.0)}
TARGET_WINDOWS = {"edge": TargetChoice().window, "onset": (-2.0, 30.0), "cbm": (-2.0, 30.0), "vbm": (3.0, 35.0)}
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
# What `models` of learning.ensemble the direction-resolved kinds are made of
DIRECTED = {"ensemble": ("kernel", "network"), "kernel": ("kernel",)}
# The published idea: one plain network, from the PDOS alone, on crystals.
PRESETS = {
    "best": BEST,
    "ensemble": BEST | {"kind": "ensemble", "epochs": 40},
    "published": BEST | {"members": 1, "epochs": 100, "ridge": False},
}
OWN = "own"
ZEROS = {"cbm": "CB minimum", "vbm": "VB maximum", "onset": "first empty level", "edge": "edge"}
NAMES = {
    "mlp": "multilayer",
    "conv": "convolutional",
    "linear": "linear",
    "ensemble": "ensemble",
    "kernel": "kernel model",
    PLAIN: "kernel ridge",
}
EXAMPLE = "quartz-alpha"


def interval(window) -> str:
    """Text of an energy window, "−2 to 15 eV"."""
    return "{:g} to {:g} eV".format(*window).replace("-", "−")


class TrainChoices(HasTraits):
    """What to train on a Database. Set the choices in any order: `problem` says why they allow no training, `note` what
    they leave out.
    """

    preset = Enum((*PRESETS, OWN), "best")
    channels = Tuple(help="PDOS channels that the network sees")
    input_zero = Enum(INPUT_ALIGNMENTS, BEST["input_zero"])
    input_window = Tuple(help="(low, high) in eV from that zero")
    gap = Bool(False, help="Whether the band gap is an input, too")
    target_zero = Enum(TARGET_ALIGNMENTS, BEST["target_zero"])
    target_window = Tuple(help="(low, high) in eV from that zero")
    kind = Enum((*KINDS, *DIRECTED, PLAIN), "mlp")
    members = Int(5)
    epochs = Int(25)
    ridge = Bool(True, help="Whether a network starts from a ridge regression, with shifts of the energies")
    seed = Int(0)
    amorphous = Bool(False)

    problem = Unicode(help="Why these choices allow no training, or an empty text; read only")
    note = Unicode(help="How many spectra the choices can use; read only")

    def __init__(self, db) -> None:
        self.db, self.site = db, None
        self.rows_of = {str(label): row for row, label in enumerate(db.sites)}
        super().__init__(**PRESETS["best"])
        self._check()

    @observe("preset")
    def _preset(self, change) -> None:
        if change.new != OWN:
            with self.hold_trait_notifications():
                for name, value in PRESETS[change.new].items():
                    setattr(self, name, value)

    @observe("input_zero")
    def _input_zero(self, change) -> None:
        self.input_window = self._moved(self.input_window, INPUT_WINDOWS, change)

    @observe("target_zero")
    def _target_zero(self, change) -> None:
        self.target_window = self._moved(self.target_window, TARGET_WINDOWS, change)

    @staticmethod
    def _moved(window, usual, change) -> tuple:
        """The usual window of the new zero, unless the window is one that was chosen for it (by a preset)."""
        return usual[change.new] if window == usual.get(change.old, window) else window

    @observe(*BEST, "seed")
    def _check(self, change=None) -> None:
        chosen = {name: getattr(self, name) for name in BEST}
        self.preset = next((name for name, values in PRESETS.items() if values == chosen), OWN)
        from ...learning.dataset import usable

        try:
            settings = self.settings()
            mask, reasons = usable(self.db, settings.inputs, settings.target)
        except DataError as problem:
            self.problem, self.note = str(problem), ""
            return
        count = int(mask.sum())
        why = " ".join(reasons)
        amorphous = self._amorphous(mask) if self.amorphous else ""
        left_out = f" Left out: {why}" if why else ""
        sees = " It sees all channels, those of the absorber along x, y and z." if self.kind in DIRECTED else ""
        self.note = f"{count:,} of {len(mask):,} spectra can be used.{sees}{amorphous}{left_out}"
        self.problem = "" if count else f"No spectrum has all that is asked for. {why} Choose narrower windows."

    def _amorphous(self, mask) -> str:
        """Sentence on what becomes of the amorphous structures among the rows of a mask when they are trained on."""
        from ...learning.splits import shares

        names = np.unique(self.db["name"][mask & (self.db["kind"] == "amorphous")].astype(str))
        if not len(names):
            return " None of them is amorphous."
        if len(names) == 1:
            return (
                f" The only amorphous structure, {names[0]}, is trained on, so no error on amorphous spectra can be "
                "measured."
            )
        train, validation, test = shares(len(names))
        return (
            f" Of {len(names)} amorphous structures {train} are trained on, {validation} validated on, {test} held out."
        )

    def settings(self) -> Settings | None:
        """The choices as Settings. Raises DataError if they cannot be meant."""
        inputs = InputChoice(
            window=self.input_window,
            alignment=self.input_zero,
            channels=self.channels,
            scalars=("band_gap",) if self.gap else (),
            directed=self.kind in DIRECTED,
        )
        target = TargetChoice(window=self.target_window, alignment=self.target_zero)
        if self.kind in DIRECTED:
            models = DIRECTED[self.kind]
            hyper = {"members": self.members, "epochs": self.epochs} if "network" in models else {}
            Hyper.of(hyper)
            return Settings(inputs, target, hyper, self.seed, self.amorphous, models)
        if self.kind == PLAIN:
            return Settings(inputs, target, {}, self.seed, self.amorphous, (PLAIN,))
        hyper = {"kind": self.kind, "members": self.members, "epochs": self.epochs}
        if not self.ridge and self.kind != "linear":
            hyper |= {"skip": False, "shift": 0.0, "patience": max(10, self.epochs // 3)}
        Hyper.of(hyper)
        return Settings(inputs, target, hyper, self.seed, self.amorphous)

    def windows(self) -> dict:
        """Arguments for `figures.training.chosen_windows`: a real site with the windows chosen on it."""
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

    def zeros(self) -> dict:
        """Further arguments for `figures.training.chosen_windows`, which do not change when a window moves."""
        return {
            "input_zero": self.input_zero,
            "target_zero": self.target_zero,
            "input_range": INPUT_RANGE,
            "target_range": TARGET_RANGE,
        }

    def site_name(self, label) -> str:
        """Name of the structure and absorbing atom, as the other pages have it."""
        row = self.rows_of.get(label)
        return label if row is None else f"{self.db['name'][row]} {label.rpartition('/')[2]}"

    def example_name(self) -> str:
        """Name of the site that the windows are drawn on."""
        return self._example_site()["name"]

    def _example_site(self) -> dict:
        """Spectra of the site that the windows are drawn on, energies in eV from the valence-band maximum; kept."""
        from ...learning.dataset import target_shift

        if self.site is None:
            labels = list(map(str, self.db.sites))
            row = self.db[[next((i for i, label in enumerate(labels) if label.startswith(f"{EXAMPLE}/")), 0)]]
            curves = [row.pdos_curves(channel, fwhm=InputChoice().broadening) for channel in self.db.channels]
            gap = float(row["band_gap"][0])
            shifts = {name: float(target_shift(row, TargetChoice(alignment=name))[0]) for name in TARGET_WINDOWS}
            self.site = {
                "pdos_energy": curves[0][0],
                "pdos": np.array([curve[1][0] for curve in curves]),
                "intensity": row.isotropic[0],
                "gap": gap,
                "shifts": {name: shift if np.isfinite(shift) else -gap for name, shift in shifts.items()},
                "name": self.site_name(str(row.sites[0])),
            }
        return self.site
