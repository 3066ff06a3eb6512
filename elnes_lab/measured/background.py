"""Backgrounds before an edge: power law, straight line or constant, fitted in a window and continued behind it."""

import numpy as np

from ..errors import DataError

FEWEST_WINDOW = 5  # points
KINDS = ("power law", "line", "constant")


def fitted(energy, intensity, low: float, high: float, kind: str):
    """(curve (n,), parameters found, text) of a background fitted between low and high (eV).

    The power law A E^-r is fitted by least squares of the logarithms, weighted by the counts (Egerton 2011, section 4.4.1),
    then on the counts themselves with the errors of a Poisson distribution, so that few counts do not bias it.
    Raises DataError for an unknown kind, a window with fewer than five points, and counts that no power law describes.
    """
    if kind not in KINDS:
        raise DataError(f"There is no background '{kind}'. Choose {', '.join(KINDS)}.")
    inside = (energy >= low - 1e-6) & (energy <= high + 1e-6)
    if not low < high or inside.sum() < FEWEST_WINDOW:
        raise DataError(
            f"The window of the background, {low:g} to {high:g} eV, holds {inside.sum()} points; at least "
            f"{FEWEST_WINDOW} before the edge are needed."
        )
    x, y = energy[inside], intensity[inside]
    if kind == "constant":
        return np.full(len(energy), y.mean()), {"value": float(y.mean())}, f"constant, {low:g} to {high:g} eV"
    if kind == "line":
        slope, value = np.polyfit(x - x.mean(), y, 1)
        curve = value + slope * (energy - x.mean())
        return curve, {"slope_per_eV": float(slope)}, f"straight line, {low:g} to {high:g} eV"
    if energy[0] <= 0:
        raise DataError("A power law has no value at energies below zero. Choose a region around the O K edge first.")
    if (y <= 0).mean() > 0.2 or y.mean() <= 0:
        raise DataError(
            f"Between {low:g} and {high:g} eV the counts are zero or negative, so no power law describes them. Choose "
            "another window, a straight line, or no background if it has been subtracted already."
        )
    curve, exponent = power_law(energy, x, y)
    return curve, {"exponent": float(exponent)}, f"power law, exponent {exponent:.2f}, {low:g} to {high:g} eV"


def power_law(energy, x, y):
    """(curve (n,), exponent r) of A E^-r fitted to the points x, y."""
    from scipy.optimize import least_squares

    middle, scale = x.mean(), y.mean()
    good = y > 0
    slope, value = np.polyfit(np.log(x[good] / middle), np.log(y[good] / scale), 1, w=np.sqrt(y[good]))
    model = lambda p, at: np.exp(np.clip(p[0] + p[1] * np.log(at / middle), -50, 50))
    error = np.sqrt(np.maximum(model((value, slope), x), 1e-6))
    found = least_squares(lambda p: (model(p, x) - y / scale) / error, (value, slope), method="lm", max_nfev=200)
    return scale * model(found.x, energy), -found.x[1]
