"""What goes into a model and what comes out of it: plain, validated, serializable choices."""
from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from ..errors import DataError, unknown
from ..schema import CHANNELS, COLUMNS, ENERGY_STEP

INPUT_ALIGNMENTS = ("vbm", "cbm")
TARGET_ALIGNMENTS = ("edge", "onset", "cbm", "vbm")
# eV from the first empty level of the core-hole cell up to half of the spectrum's height: the median over this database.
# Taken off, it leaves energies that count from the conduction-band edge, as those of the ground state do.
EDGE_BELOW_HALF_HEIGHT = 1.4
NORMALIZATIONS = ("mean", "none")
POLARIZATION_CHOICES = ("isotropic", "xyz")


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
            object.__setattr__(self, "window", tuple(float(x) for x in self.window))
            low, high = self.window
        except (TypeError, ValueError):
            raise DataError(f"The window {self.window!r} is not a pair of energies. Give (low, high) in eV.") from None
        for name in ("step", "broadening"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise DataError(f"The {name} must be a number in eV, not {value!r}.")
            object.__setattr__(self, name, float(value))
        if not (math.isfinite(low) and math.isfinite(high) and high - low >= 3 * self.step):
            raise DataError(f"The window from {low:g} to {high:g} eV holds fewer than three steps of {self.step:g} eV. "
                            "Give (low, high) with high above low.")
        multiple = self.step / ENERGY_STEP
        if multiple < 1 - 1e-6 or abs(multiple - round(multiple)) > 1e-6:
            raise DataError(f"The step {self.step:g} eV is not a multiple of the stored {ENERGY_STEP} eV. Take 0.1, 0.2, ...")
        if self.broadening < 0:
            raise DataError("The broadening is a full width at half maximum in eV and cannot be negative.")

    @property
    def points(self) -> int:
        """Stored points per bin."""
        return round(self.step / ENERGY_STEP)

    @property
    def bins(self) -> int:
        """Number of bins in the window."""
        return int((self.window[1] - self.window[0]) / ENERGY_STEP + 1 + 1e-6) // self.points

    def to_dict(self) -> dict:
        """The fields as JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict):
        """The choice that `to_dict` wrote; DataError for a field this version does not know."""
        names = {field.name for field in dataclasses.fields(cls)}
        for name in fields:
            if name not in names:
                raise unknown(name, names, "field")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


@dataclass(frozen=True)
class InputChoice(Choice):
    """PDOS channels of the ground state, and per-site columns as further numbers.

    channels: of `elnes_lab.schema.CHANNELS`. alignment: "vbm" (valence-band maximum) or "cbm" (conduction-band minimum, which
    tells the network nothing about the gap). scalars: names of numeric columns, such as ("band_gap",).
    """

    # Defaults: docs/learning.md, "Which inputs and targets", written by `elnes-lab study`, compares them with their neighbours.
    window: tuple[float, float] = (-2.0, 15.0)
    alignment: str = "cbm"
    step: float = 0.2
    broadening: float = 1.0
    channels: tuple[str, ...] = ("O p", "Si p")
    scalars: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        for name, what in (("channels", "channel"), ("scalars", "scalar")):
            values = getattr(self, name)
            values = (values,) if isinstance(values, str) else tuple(values)
            object.__setattr__(self, name, values)
            if len(set(values)) < len(values):
                raise DataError(f"A {what} is named twice in {', '.join(values)}. Name each once.")
        if not self.channels:
            raise DataError("No PDOS channel is chosen, so there is nothing to learn from. Choose one or more of "
                            + ", ".join(CHANNELS) + ".")
        for channel in self.channels:
            if channel not in CHANNELS:
                raise unknown(channel, CHANNELS, "channel")
        for scalar in self.scalars:
            if scalar not in COLUMNS:
                raise unknown(scalar, COLUMNS, "column")
            if COLUMNS[scalar].dtype == "str":
                raise DataError(f"The column '{scalar}' holds text, not numbers. Choose a numeric column, such as band_gap.")
        if self.alignment not in INPUT_ALIGNMENTS:
            raise unknown(str(self.alignment), INPUT_ALIGNMENTS, "input alignment")


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
        for name, known in (("alignment", TARGET_ALIGNMENTS), ("polarization", POLARIZATION_CHOICES), ("normalization", NORMALIZATIONS)):
            if getattr(self, name) not in known:
                raise unknown(str(getattr(self, name)), known, f"target {name}")

    @property
    def curves(self) -> int:
        """Curves per site: 1, or 3 with "xyz"."""
        return 3 if self.polarization == "xyz" else 1
