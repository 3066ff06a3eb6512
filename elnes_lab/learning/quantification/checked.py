"""A spectrum from outside, checked: numbers, order, unit, range and an edge; or one sentence that says what is wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import DataError
from .prepare import BASE, BELOW, EDGES, SIDE, STEP, WINDOW, Prepared, binned, first_rise, prepare

FEWEST = 40  # points; 1 eV apart they span the window and what is needed below it
WIDEST_STEP = 1.0  # eV between neighboring points around the edge
ABSOLUTE = 100.0  # eV; energies that begin above this are energy losses, not energies from some zero
EDGE_RANGE = (520.0, 545.0)  # eV of energy loss, where the O K edge of a silicon oxide is, whatever the calibration
KEV = (0.2, 1.5)  # energies within these are taken for keV
LEAST_RISE = 4.0  # of the edge over the noise of its mean
ZERO_LOSS = 0.05  # share of its mean to which an O K edge never falls within 15 eV
SLOPING = 0.5  # of the edge, that what lies below it may fall within 20 eV
SHORT = 0.05  # eV; slack of both ends of the window


class Checked(NamedTuple):
    """The prepared spectrum, its curve for drawing (energy from the zero (m,) in eV, intensity (m,) of mean 1 in the
    window), the first energy given in eV, and what was done to read it, one sentence each."""

    prepared: Prepared
    energy: np.ndarray
    intensity: np.ndarray
    start: float
    notes: tuple[str, ...]


def checked(energy, intensity) -> Checked:
    """One spectrum, energies (m,) in eV of energy loss or from any zero, intensity (m,) in any unit, ready to be read.

    Points without a number are left out, descending energies turned round, keV made eV, each with a note. Raises
    DataError, saying what to do, for too few points, energies that go up and down, too short or too coarse a range, no
    intensity, and no O K edge.
    """
    energy, intensity, notes = ordered(*numbers(energy, intensity))
    search = None
    if energy[0] >= ABSOLUTE:
        if not (energy[0] < EDGE_RANGE[1] and energy[-1] > EDGE_RANGE[0]):
            raise DataError(
                f"No O K edge in range: the energies run from {energy[0]:.1f} to {energy[-1]:.1f} eV, and the "
                "edge of silicon oxides lies between 530 and 540 eV. Choose the part of the file that has it."
            )
        search = EDGE_RANGE
    need = WINDOW[1] - WINDOW[0] + 2 * SHORT
    if energy[-1] - energy[0] < need:
        raise DataError(
            f"The spectrum spans {energy[-1] - energy[0]:.1f} eV, and {need:.0f} eV around the edge are "
            f"needed, from {-WINDOW[0]:.0f} eV below to {WINDOW[1]:.0f} eV above. Record or select a wider range."
        )
    grid, curve = uniform(energy, intensity)
    if not np.ptp(curve) > 0:
        raise DataError(
            "The intensity is the same at all energies: there is no edge in it. Check which column it is in."
        )
    found = prepare(grid, curve, search)
    zero = float(found.zero[0])
    check_edge(grid, curve, found, search)
    check_range(energy, zero)
    inside = (energy >= zero + WINDOW[0] - 2) & (energy <= zero + WINDOW[1] + 2)
    base, rise = level(grid, curve, zero), float(found.rise[0])
    return Checked(found, energy[inside] - zero, (intensity[inside] - base) / rise, float(energy[0]), notes)


def numbers(energy, intensity) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Both as float arrays of one length with the points left out that are no number."""
    try:
        energy, intensity = np.asarray(energy, float), np.asarray(intensity, float)
    except (TypeError, ValueError):
        raise DataError("The energies or intensities are not numbers. Give two columns: eV and intensity.") from None
    if energy.ndim != 1 or energy.shape != intensity.shape:
        raise DataError(
            f"Energies {energy.shape} and intensities {intensity.shape} do not match. "
            "Give one intensity for each energy."
        )
    good = np.isfinite(energy) & np.isfinite(intensity) & (np.abs(intensity) < 1e100) & (np.abs(energy) < 1e9)
    if energy.size and not good.any():
        raise DataError(
            "No point of the spectrum has a number for both energy and intensity (all are NaN, infinite or "
            "beyond measure). Check the columns and the decimal sign."
        )
    if good.sum() < FEWEST:
        raise DataError(
            f"The spectrum has {good.sum()} points; at least {FEWEST} are needed. Record or export it with finer steps."
        )
    lost = int((~good).sum())
    return energy[good], intensity[good], [f"{lost} points without a number were left out."] if lost else []


def ordered(energy, intensity, notes) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Ascending, in eV."""
    steps = np.diff(energy)
    if (steps < 0).all():
        energy, intensity, steps = energy[::-1], intensity[::-1], -steps[::-1]
        notes = [*notes, "The energies were descending; the spectrum was turned round."]
    if not (steps > 0).all():
        raise DataError(
            "The energies go up and down, or one occurs twice. Sort the points, and give one spectrum at a time."
        )
    if KEV[0] <= energy[0] and energy[-1] <= KEV[1]:
        energy = energy * 1000
        notes = [*notes, "The energies seem to be in keV; they were multiplied by 1000."]
    return energy, intensity, tuple(notes)


def uniform(energy, intensity) -> tuple[np.ndarray, np.ndarray]:
    """On a uniform grid of `STEP`: straight lines between points that are further apart, means of points that are
    nearer. Energies (k,), intensity (1, k)."""
    if energy[-1] - energy[0] > 1e5 * STEP:  # the edge and its surroundings are all that is needed
        keep = (energy >= EDGE_RANGE[0] - 100) & (energy <= EDGE_RANGE[1] + 100)
        energy, intensity = energy[keep], intensity[keep]
        if len(energy) < FEWEST:
            raise DataError(
                f"Only {len(energy)} points lie around the O K edge; at least {FEWEST} are needed. Give the energies in eV."
            )
    grid = energy[0] + STEP * np.arange(int((energy[-1] - energy[0]) / STEP) + 1)
    total = np.concatenate([[0], np.cumsum((intensity[1:] + intensity[:-1]) / 2 * np.diff(energy))])
    fine = np.median(np.diff(energy)) < STEP / 2
    if not fine:
        return grid, np.interp(grid, energy, intensity)[None]
    low, high = np.maximum(grid - STEP / 2, energy[0]), np.minimum(grid + STEP / 2, energy[-1])
    return grid, ((np.interp(high, energy, total) - np.interp(low, energy, total)) / (high - low))[None]


def level(grid, curve, zero: float) -> float:
    """What is subtracted as background: the mean of the spectrum just below its edge."""
    below = (grid >= zero + BASE[0]) & (grid <= zero + BASE[1])
    return float(curve[0, below].mean()) if below.any() else float(curve[0, :3].mean())


def check_edge(grid, curve, found: Prepared, search) -> None:
    """DataError unless there is a rise that stays, well above its noise and what lies below it."""
    zero, rise = float(found.zero[0]), float(found.rise[0])
    advice = "Check that the file holds an O K edge, and subtract the background first."
    rough = first_rise(grid, curve, search)[0]
    before, after = (curve[0, (grid >= low) & (grid < low + SIDE)] for low in (rough - SIDE, rough))
    jump = after.mean() - before.mean()
    below = (grid >= rough - BELOW) & (grid <= (rough if np.isnan(zero) else zero) + BASE[1])
    fall, unsure = slope(grid[below], curve[0, below])
    if fall > max(SLOPING * jump, 3 * unsure) and jump > 0:
        raise DataError(
            f"The background falls by {fall / jump:.1f} times the height of the edge within 20 eV. Subtract it "
            "first (a power law fitted below 525 eV): what slopes under the edge would be read as part of it."
        )
    if not (np.isfinite(zero) and rise > 0 and jump > 0 and np.isfinite(found.features).all()):
        raise DataError(
            "No O K edge is found: the intensity does not rise anywhere and stay above what it was before. " + advice
        )
    noise = np.hypot(*(scatter(part) / np.sqrt(len(part)) for part in (before, after)))
    if not jump > LEAST_RISE * noise:
        raise DataError(
            f"No O K edge stands out of the noise: the rise at {rough:.1f} eV is less than {LEAST_RISE:.0f} times "
            "its uncertainty. Add up more counts. " + advice
        )
    slow = binned(grid, curve - level(grid, curve, zero), zero + np.arange(3.0, 16.0, 3)[None])[0] / rise
    if slow.min() < ZERO_LOSS - 3 * scatter(after) / np.sqrt(3 / STEP) / rise:
        raise DataError(
            "This is no O K edge: right after its maximum the intensity falls to what it was before, as after "
            "a zero-loss peak, a plasmon or a spike. " + advice
        )


def scatter(curve) -> float:
    """Standard deviation of the noise of a curve (n,), from its second differences."""
    return float(np.median(np.abs(np.diff(curve, 2))) / (0.6745 * np.sqrt(6)))


def slope(energy, curve) -> tuple[float, float]:
    """By how much a line through a curve (n,) falls in 20 eV, and the standard error of that; 0 for a few points."""
    if len(energy) < 20:
        return 0.0, 0.0
    line = np.polyfit(energy, curve, 1)
    error = (curve - np.polyval(line, energy)).std() / (np.sqrt(len(energy)) * energy.std())
    return -20 * line[0], 20 * error


def check_range(energy, zero: float) -> None:
    """DataError unless the points reach over the window, without holes."""
    if energy[0] > zero + WINDOW[0] + SHORT:
        raise DataError(
            f"The spectrum begins {zero - energy[0]:.1f} eV below its edge; {-WINDOW[0]:.0f} eV are needed to "
            "see what lies under it. Record or select more below the edge."
        )
    if energy[-1] < zero + WINDOW[1] - SHORT:
        raise DataError(
            f"The spectrum ends {energy[-1] - zero:.1f} eV above its edge; {WINDOW[1]:.0f} eV are needed. "
            "Record or select more above the edge."
        )
    inside = (energy >= zero + EDGES[0] - WIDEST_STEP) & (energy <= zero + EDGES[-1] + WIDEST_STEP)
    widest = float(np.diff(energy[inside]).max()) if inside.sum() > 1 else np.inf
    if widest > WIDEST_STEP:
        raise DataError(
            f"Neighboring points are up to {widest:.1f} eV apart around the edge, and {WIDEST_STEP:.0f} eV is the "
            "most. Record or export the spectrum with finer steps."
        )
