"""What goes into a model and what comes out of it: plain, validated, serializable choices."""

from __future__ import annotations

import dataclasses
import numbers
from dataclasses import dataclass

import numpy as np

from ..errors import DataError, unknown
from ..schema import CHANNELS, COLUMNS, ENERGY_STEP
from ..subject import Subject

INPUT_ALIGNMENTS = ("vbm", "cbm")
TARGET_ALIGNMENTS = ("edge", "onset", "cbm", "vbm")
# eV from the first empty level of the core-hole cell up to half of the spectrum's height: the median over this database.
# Taken off, it leaves energies that count from the conduction-band edge, as those of the ground state do.
EDGE_BELOW_HALF_HEIGHT = 1.4
NORMALIZATIONS = ("mean", "none")
POLARIZATION_CHOICES = ("isotropic", "xyz")
FARTHEST = 1000.0  # eV from the zero; the data reach to some tens
BROADEST = 50.0  # eV


@dataclass(frozen=True)
class Choice:
    """Common part: an energy window in eV from the zero that `alignment` names, in bins of `step` eV.

    A bin is the mean of the stored points (0.1 eV apart) in it, after a Gaussian of `broadening` eV FWHM on top of the
    width that the data carry. Raises DataError for whatever cannot be meant.
    """

    window: tuple[float, float]
    alignment: str
    step: float
    broadening: float

    def __post_init__(self):
        try:
            low, high = self.window
        except (TypeError, ValueError):
            low = high = None
        if not (is_number(low) and is_number(high)):
            raise DataError(f"The window {shown(self.window)} is not a pair of energies. Give (low, high) in eV.")
        if not (abs(low) <= FARTHEST and abs(high) <= FARTHEST):
            raise DataError(
                f"The window {shown(self.window)} reaches farther than {FARTHEST:g} eV from its zero, where "
                "no data are. Give (low, high) in eV."
            )
        for name in ("step", "broadening"):
            if not is_number(getattr(self, name)) or abs(getattr(self, name)) > FARTHEST:
                raise DataError(f"The {name} must be a number in eV, not {shown(getattr(self, name))}.")
        low, high = float(low), float(high)
        if not (high - low >= 3 * self.step):
            raise DataError(
                f"The window from {low:g} to {high:g} eV holds fewer than three steps of "
                f"{shown(self.step)} eV. Give (low, high) with high above low."
            )
        multiple = self.step / ENERGY_STEP
        if not multiple >= 1 - 1e-6 or abs(multiple - round(multiple)) > 1e-6:
            raise DataError(
                f"The step {self.step:g} eV is not a multiple of the stored {ENERGY_STEP} eV. Take 0.1, 0.2, ..."
            )
        if not 0 <= self.broadening <= BROADEST:
            raise DataError(
                f"The broadening is a full width at half maximum in eV and cannot be negative or above {BROADEST:g}."
            )
        object.__setattr__(self, "window", (low, high))
        object.__setattr__(self, "step", float(self.step))
        object.__setattr__(self, "broadening", float(self.broadening))

    @property
    def points(self) -> int:
        """Stored points per bin."""
        return round(self.step / ENERGY_STEP)

    @property
    def bins(self) -> int:
        """Number of bins in the window."""
        return int((self.window[1] - self.window[0]) / ENERGY_STEP + 1 + 1e-6) // self.points

    @property
    def centres(self) -> np.ndarray:
        """Centres of the bins in eV from the zero, shape (bins,)."""
        return self.window[0] + ENERGY_STEP * (self.points * np.arange(self.bins) + (self.points - 1) / 2)

    def to_dict(self) -> dict:
        """The fields as JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict):
        """The choice that `to_dict` wrote; DataError for a field this version does not know."""
        names = {field.name for field in dataclasses.fields(cls)}
        for name in fields:
            if name not in names:
                raise unknown(str(name), names, "field")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def is_number(value) -> bool:
    """Whether a value is a real number and neither NaN nor infinite; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)) and abs(value) < float("inf")


def shown(value) -> str:
    """A wrong value as it is quoted in a message: its beginning."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True)
class InputChoice(Choice):
    """PDOS channels of the ground state, and per-site columns as further numbers.

    channels: of `elnes_lab.schema.CHANNELS`. alignment: "vbm" (valence-band maximum) or "cbm" (conduction-band minimum, which
    tells the network nothing about the gap). scalars: names of numeric columns, such as ("band_gap",). directed: the
    PDOS along x, y and z besides, with its response to a core hole, for the direction-resolved models (`directions`). surroundings:
    elements of the neighbors whose descriptors go into a direction-resolved model besides, the absorbing one first: `db.subject.elements`;
    none: the PDOS alone.
    """

    # Defaults: docs/learning.md, "Which inputs and targets", written by `elnes-lab study`, compares them with their neighbours.
    window: tuple[float, float] = (-2.0, 15.0)
    alignment: str = "cbm"
    step: float = 0.2
    broadening: float = 1.0
    channels: tuple[str, ...] = ("O p", "Si p")
    scalars: tuple[str, ...] = ()
    directed: bool = False
    surroundings: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.directed, bool):
            raise DataError(f"directed is true or false, not {self.directed!r}.")
        for name, what in (("channels", "channel"), ("scalars", "scalar"), ("surroundings", "element")):
            values = getattr(self, name)
            values = (values,) if isinstance(values, str) else values
            if not isinstance(values, (tuple, list, np.ndarray)) or not all(isinstance(value, str) for value in values):
                raise DataError(f'The {what}s {shown(values)} are no list of names. Give them like ("O p", "Si p").')
            values = tuple(map(str, values))
            object.__setattr__(self, name, values)
            if len(set(values)) < len(values):
                raise DataError(f"A {what} is named twice in {', '.join(values)}. Name each once.")
        if self.surroundings:
            self.check_surroundings()
        if not self.channels:
            raise DataError(
                "No PDOS channel is chosen, so there is nothing to learn from. Choose one or more of "
                + ", ".join(CHANNELS)
                + "."
            )
        for channel in self.channels:
            if channel not in CHANNELS:
                raise unknown(shown(channel), CHANNELS, "channel")
        for scalar in self.scalars:
            if scalar not in COLUMNS:
                raise unknown(shown(scalar), COLUMNS, "column")
            if COLUMNS[scalar].dtype == "str":
                raise DataError(
                    f"The column '{scalar}' holds text, not numbers. Choose a numeric column, such as band_gap."
                )
        if self.alignment not in INPUT_ALIGNMENTS:
            raise unknown(shown(self.alignment), INPUT_ALIGNMENTS, "input alignment")

    def check_surroundings(self) -> None:
        try:
            subject = Subject.of(self.surroundings[0], "K", self.surroundings)
        except DataError as problem:
            raise DataError(f"The surroundings cannot be described: {problem}. Give db.subject.elements.") from None
        if subject.elements != self.surroundings or not self.directed:
            raise DataError(
                "The surroundings are the elements of db.subject, in that order, and go with directed=True. Give both."
            )


@dataclass(frozen=True)
class TargetChoice(Choice):
    """The spectrum to predict.

    polarization: "isotropic" or "xyz" (all three, of the stored cell, with the symmetry of the site). alignment: "edge" (1.4 eV below the half
    height of the isotropic spectrum: `spectra.half_height`), "onset" (first empty level of the core-hole cell, which
    depends on the supercell), "cbm" (that of the ground state, known before any core-hole calculation) or "vbm" (highest
    occupied level of the core-hole cell). normalization: "mean" divides each site by its mean over window (and polarization), as docs/method.md does;
    "none" leaves bohr^2/eV.
    """

    # Defaults: as above. Each spectrum counts from its own edge, so that the model need not guess where the edge lies; the
    # edge is the one that twins agree on best and that is best told from the PDOS ("The noise of the reference" there).
    window: tuple[float, float] = (-2.0, 30.0)
    alignment: str = "edge"
    step: float = 0.2
    broadening: float = 0.0
    polarization: str = "isotropic"
    normalization: str = "mean"

    def __post_init__(self):
        super().__post_init__()
        for name, known in (
            ("alignment", TARGET_ALIGNMENTS),
            ("polarization", POLARIZATION_CHOICES),
            ("normalization", NORMALIZATIONS),
        ):
            if getattr(self, name) not in known:
                raise unknown(shown(getattr(self, name)), known, f"target {name}")

    @property
    def curves(self) -> int:
        """Curves per site: 1, or 3 with "xyz"."""
        return 3 if self.polarization == "xyz" else 1
