"""Steps from a raw spectrum to the O K edge alone: region, background, deconvolution, zero of energy, scale.

A step is an object with parameters in eV; `treat` applies steps one after the other and keeps what each did. The methods are
those of Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (Springer, 2011), chapter 4.
"""

from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError
from ..spectra import half_height, normalize
from .background import FEWEST_WINDOW, fitted
from .deconvolution import fourier_ratio

ONSET = (528.0, 538.0)  # eV: where the O K edge of a silicon oxide rises, whatever the microscope's calibration
SEARCHED = (ONSET[0] - 15, ONSET[1] + 25)  # eV
NEEDED = (530.0, 545.0)  # eV that a spectrum must cover at least
ABOVE = 30.0  # eV above the edge that are compared and scaled
BELOW = 5.0
SMALLEST_STEP, LARGEST_STEP = 0.01, 2.0  # eV
SIGNIFICANT = 5.0  # how many times the noise before it an edge must rise
SUBTRACTED = 0.03  # of the maximum: what is left before the edge where the background has been subtracted already


@dataclass(frozen=True)
class Stage:
    """A spectrum after a step: energy (n,) eV, intensity (n,); curve (n,): what the step subtracted, or None.

    record: the step's name and all its parameters, those found too; text: what it did, in words.
    """

    energy: np.ndarray
    intensity: np.ndarray
    record: dict
    text: str
    curve: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crop:
    """The part between low and high (eV)."""

    low: float
    high: float

    def __call__(self, energy, intensity):
        inside = (energy >= self.low - 1e-6) & (energy <= self.high + 1e-6)
        if inside.sum() < 30:
            raise DataError(
                f"Only {inside.sum()} points lie between {self.low:g} and {self.high:g} eV; the spectrum runs from "
                f"{energy[0]:.1f} to {energy[-1]:.1f} eV. Choose a wider region."
            )
        text = f"{energy[inside][0]:.1f} to {energy[inside][-1]:.1f} eV"
        return Stage(
            energy[inside], intensity[inside], {"step": "crop", "low_eV": self.low, "high_eV": self.high}, text
        )


@dataclass(frozen=True)
class Background:
    """Subtracts a curve fitted between low and high (eV), before the edge. kind: "power law", "line" or "constant"."""

    low: float
    high: float
    kind: str = "power law"

    def __call__(self, energy, intensity):
        curve, found, text = fitted(energy, intensity, self.low, self.high, self.kind)
        left = intensity - curve
        beyond = (energy > self.high) & (energy < self.high + 40)
        if beyond.sum() and np.sum(left[beyond]) <= 0:
            raise DataError(
                f"The {self.kind} fitted from {self.low:g} to {self.high:g} eV lies above the counts behind it, so no "
                "edge is left. Choose another window before the edge, or another kind of background."
            )
        record = {"step": "background", "kind": self.kind, "low_eV": self.low, "high_eV": self.high} | found
        inside = (energy >= self.low) & (energy <= self.high)
        record["noise"] = float(left[inside].std())
        return Stage(energy, left, record, text, curve)


@dataclass(frozen=True)
class Deconvolve:
    """Takes plural scattering out with a low-loss spectrum (an io.Measured), by Fourier ratio; fwhm (eV) of the zero-loss peak
    that is put back, default that of the low-loss spectrum."""

    low_loss: object = field(repr=False)
    fwhm: float | None = None

    def __call__(self, energy, intensity):
        made, found = fourier_ratio(energy, intensity, self.low_loss.energy, self.low_loss.intensity, self.fwhm)
        record = {"step": "deconvolution", "method": "Fourier ratio", "low_loss": self.low_loss.name} | found
        text = f"Fourier ratio, zero loss {found['fwhm_eV']:.2f} eV wide, t/λ = {found['t_over_lambda']:.2f}"
        notes = ()
        if found["t_over_lambda"] > 1.5:
            notes = (
                "The specimen is thicker than 1.5 mean free paths: after deconvolution its fine structure is not reliable.",
            )
        return Stage(energy, made, record, text, notes=notes)


@dataclass(frozen=True)
class Calibrate:
    """Adds one offset (eV) to all energies; None: so that the edge, at half its height, comes to lie at `edge` (eV)."""

    offset: float | None = None
    edge: float | None = None

    def __call__(self, energy, intensity):
        offset = self.offset
        found = edge_of(energy, intensity)
        if offset is None:
            offset = 0.0 if self.edge is None else self.edge - found
        record = {
            "step": "calibration",
            "offset_eV": float(offset),
            "edge_before_eV": found,
            "edge_eV": found + float(offset),
        }
        if self.offset is None and self.edge is not None:
            record["to_edge_eV"] = self.edge
        notes = (
            (f"The offset of {offset:+.1f} eV is large: is the edge that was found the O K edge?",)
            if abs(offset) > 5
            else ()
        )
        return Stage(
            energy + offset, intensity, record, f"{offset:+.2f} eV, edge at {found + offset:.2f} eV", notes=notes
        )


@dataclass(frozen=True)
class Normalize:
    """Divides by the mean from `below` eV before the edge to `above` eV behind it."""

    below: float = BELOW
    above: float = ABOVE

    def __call__(self, energy, intensity):
        edge = edge_of(energy, intensity)
        window = max(energy[0], edge - self.below), min(energy[-1], edge + self.above)
        made = normalize(energy, intensity, by="mean", window=window)
        factor = float(intensity[np.abs(intensity).argmax()] / made[np.abs(intensity).argmax()])
        record = {
            "step": "normalization",
            "by": "mean",
            "low_eV": float(window[0]),
            "high_eV": float(window[1]),
            "divided_by": factor,
        }
        return Stage(energy, made, record, f"mean 1 from {window[0]:.1f} to {window[1]:.1f} eV")


@dataclass(frozen=True)
class Treated:
    """What `treat` gives: energy (n,) eV, intensity (n,); stages: one per step, the first is the spectrum as it was read."""

    measured: object
    stages: tuple[Stage, ...]

    @property
    def energy(self):
        return self.stages[-1].energy

    @property
    def intensity(self):
        return self.stages[-1].intensity

    @property
    def edge(self):
        """Energy (eV) at which the edge reaches half its height."""
        return edge_of(self.energy, self.intensity)

    @property
    def notes(self):
        return [*self.measured.notes, *(note for stage in self.stages for note in stage.notes)]

    def record(self):
        """What was read and every step with its parameters: for an export."""
        return {"read": self.measured.record(), "steps": [stage.record for stage in self.stages]}


def treat(measured, steps=None) -> Treated:
    """A Measured after steps, in the order given; None: those that `suggested` gives.

    Whatever the steps, the energies become equally spaced first. Raises DataError where there is no O K edge in range, where a
    step cannot be done, and where no edge stands out of the noise.
    """
    stages = [uniform(measured)]
    for step in suggested(measured) if steps is None else steps:
        before = stages[-1]
        stages.append(step(before.energy, before.intensity))
    treated = Treated(measured, tuple(stages))
    check_edge(treated)
    return treated


def uniform(measured) -> Stage:
    """The first stage: a Measured on equally spaced energies. DataError if it does not cover the O K edge."""
    energy, intensity = measured.energy, measured.intensity
    check_range(measured)
    steps = np.diff(energy)
    mean = (energy[-1] - energy[0]) / len(steps)
    if np.abs(energy - energy[0] - mean * np.arange(len(energy))).max() <= 1e-3 * mean:
        even = energy[0] + mean * np.arange(len(energy))
        return Stage(even, intensity, {"step": "as read", "step_eV": float(mean)}, f"steps of {mean:.3g} eV")
    near = steps[(energy[1:] > NEEDED[0]) & (energy[:-1] < NEEDED[1])]
    step = float(np.clip(np.median(near), SMALLEST_STEP, LARGEST_STEP))
    if (energy[-1] - energy[0]) / step > 20_000:
        raise DataError(
            f"{measured.name} runs from {energy[0]:.0f} to {energy[-1]:.0f} eV in steps of {step:.3f} eV: too many "
            "points. Cut out the part from 480 to 600 eV."
        )
    even = energy[0] + step * np.arange(int((energy[-1] - energy[0]) / step + 1e-6) + 1)
    note = f"Energies were not equally spaced; interpolated linearly in steps of {step:.3g} eV."
    record = {"step": "equal spacing", "step_eV": step, "method": "linear interpolation"}
    return Stage(
        even, np.interp(even, energy, intensity), record, f"interpolated, steps of {step:.3g} eV", notes=(note,)
    )


def check_range(measured) -> None:
    """DataError unless the O K edge is within the energies, and these are fine enough to see it."""
    energy, name = measured.energy, measured.name
    if energy[0] > NEEDED[0] or energy[-1] < NEEDED[1]:
        run = f"{name} runs from {energy[0]:.1f} to {energy[-1]:.1f} eV, without the O K edge ({NEEDED[0]:g} to {NEEDED[1]:g} eV)"
        top = np.argmax(measured.intensity)
        behind = measured.intensity[energy > energy[top] + 10]
        if abs(energy[top]) < 5 and (not len(behind) or behind.mean() < 0.3 * measured.intensity[top]):
            raise DataError(
                f"{run}: it is a low-loss spectrum. Give the core-loss spectrum; this one serves to deconvolve it."
            )
        if energy[0] < 0 < energy[-1]:
            raise DataError(f"{run}. If it counts from an edge, add the energy of that edge, some 535 eV.")
        raise DataError(f"{run}. Give a spectrum that covers it.")
    inside = ((energy > NEEDED[0]) & (energy < NEEDED[1])).sum()
    if inside < (NEEDED[1] - NEEDED[0]) / LARGEST_STEP:
        raise DataError(
            f"{name} has {inside} points from {NEEDED[0]:g} to {NEEDED[1]:g} eV, too few to see fine structure. Give a "
            f"spectrum in steps of {LARGEST_STEP:g} eV or less."
        )


def check_edge(treated) -> None:
    """DataError unless an edge rises above the noise before it."""
    energy, intensity = treated.energy, treated.intensity
    edge = edge_of(energy, intensity)
    noise = next((s.record["noise"] for s in treated.stages if "noise" in s.record), 0.0)
    scale = next((s.record["divided_by"] for s in treated.stages if "divided_by" in s.record), 1.0)
    above = intensity[(energy > edge) & (energy < edge + 20)]
    if len(above) < 5 or not above.mean() > SIGNIFICANT * noise / scale / np.sqrt(max(1, len(above))):
        raise DataError(
            f"No O K edge stands out of the noise in {treated.measured.name}. Choose another window for the background, "
            "or add up more counts."
        )


def edge_of(energy, intensity) -> float:
    """Energy (eV) at which the spectrum, background subtracted, reaches half its height; see `spectra.half_height`.

    Looked for within `SEARCHED`. DataError if nothing rises there.
    """
    inside = (energy > SEARCHED[0]) & (energy < SEARCHED[1])
    part = intensity[inside]
    if len(part) < 10:
        raise DataError("Fewer than ten points lie around the O K edge. Choose a wider region.")
    found = float(half_height(energy[inside], part - min(0.0, float(np.median(part[:5])))))
    if not np.isfinite(found) or found < energy[inside][1]:
        raise DataError(
            f"No O K edge rises between {SEARCHED[0]:g} and {SEARCHED[1]:g} eV: the intensity is already high before it. "
            "Subtract the background, with a window before the edge."
        )
    return found


def suggested(measured, *, edge: float | None = None) -> list:
    """Steps that suit a Measured: crop, background if there is one, zero of energy (at `edge` eV, if given), scale."""
    check_range(measured)
    low, high = float(max(measured.energy[0], 490.0)), float(min(measured.energy[-1], 600.0))
    steps = [Crop(round(low, 2), round(high, 2))]
    kind, window = background_of(measured, low)
    if kind:
        steps.append(Background(*window, kind))
    return [*steps, Calibrate(edge=edge), Normalize()]


def background_of(measured, low: float):
    """(kind, (low, high)) of the background before the edge; (None, None) if there is none to subtract."""
    end = 527.0 if low < 522 else 531.0
    start = max(low, end - 30.0)
    inside = (measured.energy >= start) & (measured.energy <= end)
    behind = measured.intensity[(measured.energy > end) & (measured.energy < 565)]
    if inside.sum() < FEWEST_WINDOW or not len(behind):
        return None, None
    before = measured.intensity[inside]
    if abs(before.mean()) <= SUBTRACTED * np.abs(behind).max():
        return None, None
    window = (round(float(start), 1), end)
    # Absorption before an edge is flat or sloping; only counts of electrons follow a power law.
    power = measured.facts.get("signal") != "absorption" and (before > 0).all() and before.mean() > 0.05 * behind.mean()
    return ("power law" if power else "line" if inside.sum() >= 10 else "constant"), window
