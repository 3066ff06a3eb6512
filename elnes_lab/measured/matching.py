"""Which spectra of the database a measured one looks like, by several measures, within a range of shifts.

Everything is compared on the database's own steps of energy loss. All shifts of all spectra are views of one array, so that a
measure is a product with the measured spectrum: the whole database takes some milliseconds.
"""

from dataclasses import dataclass

import numpy as np

from .. import similarity
from ..errors import DataError
from ..spectra import ENERGY_TITLES, broaden, group_average, half_height
from .steps import ABOVE, BELOW, edge_of

# Name -> (title, whether larger is more alike).
MEASURES = {
    "cosine": ("cosine", True),
    "pearson": ("correlation", True),
    "slope": ("correlation of slopes", True),
    "spearman": ("rank correlation", True),
    "mse": ("MSE", False),
    "wasserstein": ("earth mover (eV)", False),
}
SMOOTH = 1.0  # eV FWHM: slopes of a counted spectrum are noise below
NARROWEST = 12.0  # eV that a comparison needs
FARTHEST = 5.0  # eV of shift
ALIKE = 0.9  # correlation below which nothing is like the measured spectrum
STEP = 0.1  # eV between shifts: the step of the database
PROVES = (
    "A good match proves nothing: different structures have much the same spectrum, and the structure measured may not be "
    "in the database. Compare the measures, look at the residual, and ask what else is known of the specimen."
)


class Library:
    """The database's isotropic spectra as a microscope would see them: n sites, or the averages of n structures.

    what: "sites" or "structures" (mean over the oxygens of the cell, weighted by multiplicity); fwhm (eV): Gaussian added to the
    broadening that the spectra carry. energy (m,) eV energy loss, in the database's steps; curves (n, m) in bohr^2/eV; labels (n,)
    of sites or structures; names (n,); edges (n,) eV at half height; end: up to which all of them are known (eV).
    """

    def __init__(self, db, what: str = "structures", *, fwhm: float = 0.0):
        if what not in ("sites", "structures"):
            raise DataError(f"There is no library of '{what}'. Choose sites or structures.")
        if not 0 <= fwhm <= 5:
            raise DataError(
                f"A broadening of {fwhm} eV is not between 0 and 5 eV. Give the full width at half maximum."
            )
        self.db, self.what = db, what
        shifts = db.shifts("loss")
        known = np.isfinite(shifts)
        if not known.any():
            raise DataError(
                "No spectrum of this database has a place on the scale of energy loss, so none can be compared. "
                "Use a database whose onsets are known."
            )
        rows = db[known]
        self.left_out = int((~known).sum())
        energy, raw = rows.curves(zero="loss")
        # Nothing below the gap, and the last value on above the end, to be cut off later.
        self.end = float(energy[0] + STEP * (np.isfinite(raw).sum(axis=1) + np.isfinite(raw).argmax(axis=1) - 1).min())
        last = np.where(np.isfinite(raw), np.arange(raw.shape[1]), 0).max(axis=1)
        raw = np.where(
            np.arange(raw.shape[1]) > last[:, None], raw[np.arange(len(raw)), last][:, None], np.nan_to_num(raw)
        )
        self.energy, structures, names = energy, rows["structure"].astype(str), rows["name"].astype(str)
        if what == "structures":
            self.labels, raw = group_average(raw, structures, rows["multiplicity"])
            first = [int(np.flatnonzero(structures == label)[0]) for label in self.labels]
            self.names, self.structures = names[first], self.labels
            missing = {str(site).partition("/")[0] for site in db.store.read("missing_site")}
            self.incomplete = np.isin(self.labels, list(missing))
        else:
            self.labels, self.structures = np.array(rows.sites).astype(str), structures
            self.names = np.array([f"{n} {label.rpartition('/')[2]}" for n, label in zip(names, self.labels)])
            self.incomplete = np.zeros(len(raw), bool)
        self.raw = raw
        self.widen(fwhm)

    def widen(self, fwhm: float) -> None:
        """Give all spectra another additional broadening (Gaussian FWHM, eV)."""
        self.fwhm = float(fwhm)
        self.curves = broaden(self.energy, self.raw, gaussian_fwhm=self.fwhm) if fwhm else self.raw
        self.smooth = None

    @property
    def slopes(self):
        """Derivatives (n, m) of the curves after a smoothing as a measured spectrum needs it; made when first asked for."""
        if self.smooth is None:
            self.smooth = np.gradient(broaden(self.energy, self.curves, gaussian_fwhm=SMOOTH), STEP, axis=-1)
        return self.smooth

    @property
    def edges(self):
        """Energy loss (n,) in eV at which each spectrum reaches half its height, whatever broadening was added here."""
        return half_height(self.energy, self.raw)

    @property
    def usual_edge(self) -> float:
        """Median of `edges`: where a calibration puts a measured edge."""
        return float(np.median(self.edges))

    def find(self, label: str) -> int:
        """Position of a label. DataError for one that there is not."""
        found = np.flatnonzero(self.labels == label)
        if not len(found):
            raise DataError(f"There is no {self.what[:-1]} '{label}' in this library. Choose one of its labels.")
        return int(found[0])


@dataclass(frozen=True)
class Matches:
    """n spectra of a library against a measured one, in the library's order.

    energy (w,) eV and intensity (w,), mean 1: the measured spectrum where it was compared; shift (n,) eV added to the library's
    spectra that makes each most alike by `measure`; values: measure -> (n,) at that shift; order (n,): positions, best first;
    limit: largest shift tried (eV).
    """

    library: Library
    measure: str
    limit: float
    energy: np.ndarray
    intensity: np.ndarray
    shift: np.ndarray
    values: dict[str, np.ndarray]
    order: np.ndarray

    def curve(self, row: int, shift: float | None = None):
        """A library spectrum (w,) on `energy`, shifted, and scaled to fit the measured one best."""
        values = moved(self.library, row, self.energy, self.shift[row] if shift is None else shift)
        return values * scale_of(self.intensity, values)

    def alike(self, factor: float = 1.25) -> np.ndarray:
        """Positions, best first, of the spectra whose MSE is within a factor of the least: what this measurement cannot tell apart."""
        mse = self.values["mse"]
        return self.order[mse[self.order] <= factor * mse.min()]

    @property
    def warning(self) -> str:
        """A sentence if even the best match is a bad one, or an empty text."""
        best = float(self.values["pearson"][self.order[0]])
        if best >= ALIKE:
            return ""
        return (
            f"Nothing in the database is like this spectrum: the correlation of the best match is {best:.2f}. Is it the O K edge, is "
            "its background off, is the range of shifts wide enough?"
        )

    def record(self, top: int = 10):
        """The best matches, for an export."""
        return {
            "library": self.library.what,
            "spectra": len(self.library.labels),
            "data_version": self.library.db.version,
            "measure": self.measure,
            "shifts_within_eV": self.limit,
            "fwhm_eV": self.library.fwhm,
            "from_eV": float(self.energy[0]),
            "to_eV": float(self.energy[-1]),
            "note": PROVES,
            "warning": self.warning,
            "matches": [
                {
                    "label": str(self.library.labels[i]),
                    "name": str(self.library.names[i]),
                    "shift_eV": round(float(self.shift[i]), 3),
                    **{name: float(values[i]) for name, values in self.values.items()},
                }
                for i in self.order[:top]
            ],
        }


def match(
    energy,
    intensity,
    library: Library,
    *,
    measure: str = "cosine",
    within: float = 1.0,
    window=None,
) -> Matches:
    """The spectra of a library, how much each is like a measured one, and with which shift within ±`within` eV.

    energy (n,) eV energy loss, ascending, intensity (n,), background subtracted. window (eV): what is compared, default from 5 eV
    before the edge to 30 eV above it. The measures are those of `similarity`; "slope" is the correlation of first derivatives,
    smoothed with 1 eV. rank correlation and earth mover's distance are taken at the shift of the best correlation.
    Raises DataError for an unknown measure, a shift over 5 eV, and a spectrum that shares less than 12 eV with the library.
    """
    if measure not in MEASURES:
        raise DataError(f"There is no measure '{measure}'. Choose one of {', '.join(MEASURES)}.")
    if not 0 <= within <= FARTHEST:
        raise DataError(f"Shifts within {within} eV cannot be tried. Give 0 to {FARTHEST:g} eV.")
    grid, values, smooth = window_of(energy, intensity, library, within, window)
    reach = int(round(within / STEP))
    first = int(round((grid[0] - library.energy[0]) / STEP))
    views = np.lib.stride_tricks.sliding_window_view(library.curves, len(grid), axis=-1)[
        :, first - reach : first + reach + 1
    ][:, ::-1]
    found = {}
    dots = views @ values
    sums, squares = running(library.curves, len(grid), first, reach)
    size, own, total = len(grid), values @ values, values.sum()
    with np.errstate(all="ignore"):
        found["cosine"] = dots / np.sqrt(squares * own)
        found["pearson"] = (dots - sums * total / size) / np.sqrt((squares - sums**2 / size) * (own - total**2 / size))
        mean = sums / size
        found["mse"] = (
            squares / mean**2 / size - 2 * dots / mean / (total / size) / size + own / (total / size) ** 2 / size
        )
    if measure == "slope":
        found["slope"] = slopes(library, smooth, grid, first, reach)
    leading = measure if measure in found else "pearson"
    best = np.nan_to_num(found[leading] * (1 if MEASURES[leading][1] else -1), nan=-np.inf).argmax(axis=1)
    shift = STEP * (best - reach)
    at = views[np.arange(len(best)), best]
    scaled = at / at.mean(axis=1, keepdims=True)
    own = values / values.mean()
    result = {
        "cosine": similarity.cosine(scaled, own),
        "pearson": similarity.pearson(scaled, own),
        "mse": similarity.mse(scaled, own),
        "spearman": similarity.spearman(scaled, own),
        "wasserstein": similarity.wasserstein(grid, scaled, own),
    }
    derivative = np.gradient(smooth, STEP)
    there = np.lib.stride_tricks.sliding_window_view(library.slopes, len(grid), axis=-1)
    result["slope"] = similarity.pearson(there[np.arange(len(best)), first - (best - reach)], derivative)
    result = {name: result[name] for name in MEASURES}
    order = np.argsort(-result[measure] if MEASURES[measure][1] else result[measure], kind="stable")
    return Matches(library, measure, within, grid, own, shift, result, order)


def window_of(energy, intensity, library, within, window):
    """(energies, intensity, smoothed intensity) (w,) of what is compared, on the library's steps. DataError if it is too little."""
    energy, intensity = np.asarray(energy, float), np.asarray(intensity, float)
    if window is None:
        edge = edge_of(energy, intensity)
        window = edge - BELOW, edge + ABOVE
    low = max(window[0], energy[0], library.energy[0] + within)
    high = min(window[1], energy[-1], library.end - within)
    inside = np.flatnonzero((library.energy >= low - 1e-6) & (library.energy <= high + 1e-6))
    if len(inside) * STEP < NARROWEST:
        raise DataError(
            f"The measured spectrum shares only {max(0, len(inside)) * STEP:.0f} eV with the database's, from "
            f"{library.energy[0]:.0f} to {library.end:.0f} eV; {NARROWEST:g} are needed. {ENERGY_TITLES['loss']} must be "
            "calibrated to some eV; measure farther above the edge, or try smaller shifts."
        )
    grid = library.energy[inside]
    step = energy[1] - energy[0]
    if step < 0.6 * STEP:  # finer than the database: averaged over its steps, not sampled
        intensity = broaden(energy, intensity, gaussian_fwhm=STEP)
    values = np.interp(grid, energy, intensity)
    if values.mean() <= 0:
        raise DataError(
            "The measured spectrum has no positive intensity where it is compared. Look at the background that was "
            "subtracted."
        )
    smooth = np.interp(grid, energy, broaden(energy, intensity, gaussian_fwhm=SMOOTH))
    return grid, values, smooth


def running(curves, size, first, reach):
    """Sums and sums of squares (n, shifts) of the curves under the window, for every shift."""
    zero = np.zeros((len(curves), 1))
    starts = np.arange(first + reach, first - reach - 1, -1)
    totals = [np.concatenate([zero, np.cumsum(values, axis=1)], axis=1) for values in (curves, curves**2)]
    return tuple(total[:, starts + size] - total[:, starts] for total in totals)


def slopes(library, smooth, grid, first, reach):
    """Correlation (n, shifts) of the first derivatives."""
    own = np.gradient(smooth, STEP)
    own = own - own.mean()
    views = np.lib.stride_tricks.sliding_window_view(library.slopes, len(grid), axis=-1)[
        :, first - reach : first + reach + 1
    ][:, ::-1]
    sums, squares = running(library.slopes, len(grid), first, reach)
    with np.errstate(all="ignore"):
        return (views @ own) / np.sqrt((squares - sums**2 / len(grid)) * (own @ own))


def moved(library, row, energy, shift):
    """A library spectrum on other energies, after a shift of its own (eV); its last value above its end."""
    return np.interp(energy - shift, library.energy, library.curves[row])


def scale_of(measured, computed):
    """Factor, not negative, by which computed intensities fit measured ones best."""
    square = float(computed @ computed)
    return max(0.0, float(measured @ computed) / square) if square > 0 else 0.0
