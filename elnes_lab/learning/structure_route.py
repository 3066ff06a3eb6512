"""The structure route: from the structure alone to the spectrum of an oxygen, without a first-principles run.

Two kernel models (`kernels`) of the descriptors of a site: one of all that has no direction gives the isotropic spectrum
(and the ground-state O p PDOS, the onset and the band gap besides), one of the descriptors along an axis what the
polarised spectra are apart from it. Cross-fitted like the ensembles of the PDOS route: a crystal of the training data is
predicted by the part that never saw its net; a structure that is not among them by a part that learnt from all crystals.
The intervals are calibrated on the former, so they are rather too wide for the latter than too narrow.

>>> route = train_route(SiteDataset.from_database(db))
>>> prediction = route.predict(db)
>>> prediction.mean, prediction.lower, prediction.reasons
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .. import descriptors
from ..descriptors import NUMBERS, SOAP, soap
from ..errors import DataError
from .choices import TargetChoice
from .combine import Difficulty
from .dataset import grouped_folds
from .intervals import LEVELS, check_level, half_widths
from .kernels import CONSTANT, KernelModel, half
from .site_dataset import VALUES, SiteDataset

FOLDS = 5
UNITS = np.array(list(NUMBERS.values()))
SITE_BLOCKS, DIRECTED_BLOCKS = (SOAP, len(NUMBERS)), (SOAP, descriptors.FEATURES, len(NUMBERS))
# Where the search begins: logarithms of the blocks' weights and of the ridge.
SITE_START, DIRECTED_START = (-1.2, -1.0, -2.0), (-2.0, -1.0, -1.0, -3.0)
STEPS = 12
LEVEL = 0.8  # share of held-out training sites that score below 1, as in `domain`
GRACE = 0.1  # of a unit of `NUMBERS`, that the numbers may lie outside on the mean before it counts
NAMED = 3  # reasons of a site
WORDS = {
    "si_o_mean": ("mean Si-O length", "Å", 3),
    "si_o_std": ("spread of the Si-O lengths", "Å", 3),
    "si_o_min": ("shortest Si-O length", "Å", 3),
    "si_o_max": ("longest Si-O length", "Å", 3),
    "si_o_si_angle": ("Si-O-Si angle", "°", 1),
    "coordination": ("number of bonded silicons", "", 0),
    "o_si_o_mean": ("mean O-Si-O angle", "°", 1),
    "o_si_o_std": ("spread of the O-Si-O angles", "°", 1),
    "o_o_min": ("shortest O-O distance", "Å", 2),
    "o_o_mean": ("mean O-O distance", "Å", 2),
    "voronoi_volume": ("Voronoi volume", "Å³", 1),
    "density": ("density", "g/cm³", 2),
}


def site_features(features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(n, sum of SITE_BLOCKS): what has no direction."""
    return np.concatenate([soap(features), numbers / UNITS], 1).astype(np.float32)


def directed_features(features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(3 n, sum of DIRECTED_BLOCKS): x, y and z of a site in a row."""
    n = len(features)
    parts = soap(features)[:, None].repeat(3, 1), features, (numbers / UNITS)[:, None].repeat(3, 1)
    return np.concatenate(parts, 2).reshape(3 * n, -1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Part:
    """The two models of one set of training sites: rows (n,) of all known sites, with their numbers (n, k)."""

    site: KernelModel
    directed: KernelModel
    rows: np.ndarray
    numbers: np.ndarray

    @classmethod
    def fit(cls, data: SiteDataset, rows) -> tuple[Part, np.ndarray, np.ndarray]:
        """The models of some rows; of each row left out with its group the residuals (n, m + b + v) of spectrum, PDOS and
        values, and the variance (n,). Raises DataError for less than two groups."""
        rows = np.asarray(rows)
        data, groups = data.subset(rows), np.asarray(data.groups[rows], str)
        if len(set(groups)) < 2:
            raise DataError(
                "All training spectra belong to one structure, so nothing can be tried on another. Train "
                "on two structures or more."
            )
        m, targets = data.targets.shape[1], site_targets(data)
        site, left = KernelModel.of_samples(
            site_features(data.features, data.numbers),
            SITE_BLOCKS,
            targets,
            groups,
            SITE_START,
            steps=STEPS,
            directions=1,
            searched=slice(0, m),
        )
        directed, _ = KernelModel.of_samples(
            directed_features(data.features, data.numbers),
            DIRECTED_BLOCKS,
            data.directed.targets.reshape(-1, m),
            groups.repeat(3),
            DIRECTED_START,
            steps=STEPS,
        )
        return cls(site, directed, rows, data.numbers), left.curves, left.variance

    def curves(self, features, numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets (n, m + b + v) of sites, spectra (n, 3, m) along x, y, z, and the variance (n,)."""
        values, variance = self.site.values(site_features(features, numbers))
        along = self.directed.curves(directed_features(features, numbers))[0]
        m = along.shape[-1]
        values[:, :m] = np.maximum(values[:, :m], 0)
        return values, np.maximum(along - along.mean(1, keepdims=True) + values[:, None, :m], 0), variance

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest of the numbers of the training sites, in units of `NUMBERS`."""
        return self.numbers.min(0) / UNITS, self.numbers.max(0) / UNITS

    def beyond(self, numbers) -> np.ndarray:
        """How far numbers (n, k) lie outside the training range, in units of `NUMBERS`, below 0 inside: (n, k)."""
        low, high = self.bounds
        return np.maximum(low - numbers / UNITS, numbers / UNITS - high)

    def similarity(self, features, numbers) -> np.ndarray:
        """Likeness of sites to the training sites, from 0 to 1 (the same surroundings): (n, training)."""
        return self.site.similar(site_features(features, numbers)) - CONSTANT


def site_targets(data: SiteDataset) -> np.ndarray:
    """Spectrum, PDOS and values of sites, (n, m + b + v)."""
    return np.concatenate([data.targets, data.pdos, data.values], 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Band:
    """Intervals of one kind of curve: how hard each site is, and half widths (level, m) in units of that."""

    difficulty: Difficulty
    widths: np.ndarray

    @classmethod
    def fit(cls, residuals, variance, groups) -> Band:
        nothing = np.zeros(residuals.shape)
        difficulty = Difficulty.fit(residuals, variance, nothing, groups)
        return cls(difficulty, half_widths(residuals / difficulty(variance, nothing), groups).astype(np.float32))

    def half(self, variance, level: float) -> np.ndarray:
        """Half widths (n, m) for sites of this variance (n,); infinite where there was too little to calibrate on."""
        nothing = np.zeros((len(variance), len(self.difficulty.profile)))
        return self.difficulty(variance, nothing) * self.widths[LEVELS.index(level)]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What residuals of structures left out say of the errors to come. spectrum, average (of all sites of a structure)
    and pdos: Band; values (level, v): half widths, eV; limits (2,): variance, and numbers outside the range, that
    `LEVEL` of the sites left out stay below."""

    spectrum: Band
    average: Band
    pdos: Band
    values: np.ndarray
    limits: np.ndarray

    @classmethod
    def fit(cls, data: SiteDataset, residuals, variance, beyond) -> Calibration:
        """residuals (n, m + b + v), variance (n,) and beyond (n, k) of the rows of a dataset."""
        m, b = data.targets.shape[1], data.pdos.shape[1]
        groups, names = np.asarray(data.groups, str), np.asarray(data.structures, str)
        first = [np.flatnonzero(names == name) for name in dict.fromkeys(names)]
        mean = lambda values: np.stack([np.average(values[rows], 0, data.weights[rows]) for rows in first])
        own = groups[[rows[0] for rows in first]]
        average = mean(residuals)
        values = half_widths(residuals[:, m + b :], groups)
        gap = half_widths(average[:, m + b + VALUES.index("band_gap")][:, None], own)  # one of a structure
        values[:, VALUES.index("band_gap")] = gap[:, 0]
        limits = np.quantile(variance, LEVEL), max(np.quantile(outside(beyond), LEVEL), GRACE)
        return cls(
            Band.fit(residuals[:, :m], variance, groups),
            Band.fit(average[:, :m], mean(variance), own),
            Band.fit(residuals[:, m : m + b], variance, groups),
            values.astype(np.float32),
            np.array(limits),
        )


def outside(beyond: np.ndarray) -> np.ndarray:
    """Root of the sum of squares (n,) of what lies outside (n, k)."""
    return np.sqrt((np.maximum(beyond, 0) ** 2).sum(1))


@dataclass(frozen=True, eq=False)
class SitePrediction:
    """n sites. mean, lower, upper (n, m): isotropic spectra of mean 1 with their interval (None: not calibrated) at energy
    (m,), eV, counted as `target` says; polarized (n, 3, m). average: (mean, lower, upper) (m,) over the sites, weighted with
    `weights`. pdos, pdos_lower, pdos_upper (n, b), states/eV/atom, at pdos_energy (b,), eV above the conduction-band minimum. onset (n,) eV, on the scale of experimental energy
    loss; band_gap, eV, of the structure (mean over sites); each with its half width of the same interval. score (n,),
    above 1: strange; reasons: n texts. nearest: of each site (label, similarity from 0 to 1) of known ones, the likest
    first."""

    energy: np.ndarray
    mean: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    polarized: np.ndarray
    average: tuple
    pdos_energy: np.ndarray
    pdos: np.ndarray
    pdos_lower: np.ndarray | None
    pdos_upper: np.ndarray | None
    onset: np.ndarray
    onset_half: float
    band_gap: float
    band_gap_half: float
    score: np.ndarray
    reasons: list
    nearest: list
    sites: np.ndarray
    weights: np.ndarray
    level: float


@dataclass(frozen=True, eq=False)
class StructureRoute:
    """Parts, one per fold and last that of all crystals; folds: structure -> the part that has not seen its net;
    known: labels of the training sites. absorber, edge, elements: what it is for."""

    parts: list
    target: TargetChoice
    energy: np.ndarray
    pdos_energy: np.ndarray
    calibration: Calibration | None
    known: list
    checksum: str
    folds: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    absorber: str = descriptors.ABSORBER
    edge: str = "K"
    elements: tuple = ("Si", "O")
    warning: str = ""

    def predict(self, data, *, level: float = 0.9) -> SitePrediction:
        """Spectra of a Database or SiteDataset, of each structure by the part that has not seen its net.

        Raises DataError for a level that is none of `intervals.LEVELS` and for rows that cannot be described."""
        data = data if isinstance(data, SiteDataset) else SiteDataset.from_database(data, self.target)
        parts = [self.folds.get(str(name), len(self.parts) - 1) for name in data.structures]
        return self.describe(data.features, data.numbers, data.sites, data.weights, np.array(parts), level)

    def predict_atoms(
        self,
        atoms,
        sites,
        *,
        weights=None,
        labels=None,
        environment=None,
        level: float = 0.9,
        structure: str = "",
    ) -> SitePrediction:
        """Spectra of some oxygens (indices) of ASE Atoms; weights (n,): equivalent oxygens. structure: id, if they are one of
        the training data: the part that never saw its net predicts it; others the part that saw all. Raises DataError for other elements and for what cannot be described."""
        features, numbers = descriptors.describe(atoms, sites, environment)
        labels = [f"O{i}" for i in sites] if labels is None else labels
        weights = np.ones(len(features)) if weights is None else np.asarray(weights, float)
        parts = np.full(len(features), self.folds.get(structure, len(self.parts) - 1))
        return self.describe(half(features), numbers, np.array(labels, object), weights, parts, level)

    def describe(
        self,
        features,
        numbers,
        labels,
        weights,
        parts,
        level: float,
    ) -> SitePrediction:
        """The prediction of sites by one part each (numbers of parts, (n,))."""
        check_level(level)
        m, b = len(self.energy), len(self.pdos_energy)
        values = np.empty((len(features), m + b + len(VALUES)))
        along, variance = np.empty((len(features), 3, m)), np.empty(len(features))
        beyond, nearest = np.empty(numbers.shape), [[]] * len(features)
        for number in dict.fromkeys(map(int, parts)):
            rows, part = np.flatnonzero(parts == number), self.parts[number]
            values[rows], along[rows], variance[rows] = part.curves(features[rows], numbers[rows])
            beyond[rows] = part.beyond(numbers[rows])
            like = part.similarity(features[rows], numbers[rows])
            for row, best in zip(rows, np.argsort(-like, axis=1)[:, :5]):
                at = int(np.flatnonzero(rows == row)[0])
                nearest[row] = [(self.known[part.rows[k]], float(min(like[at, k], 1.0))) for k in best]
        if not np.isfinite(values).all():
            raise DataError("The model gives no finite spectrum for this structure. Check its cell and positions.")
        average = np.average(values[:, :m], 0, weights)
        return SitePrediction(
            self.energy,
            values[:, :m],
            *self.interval("spectrum", values[:, :m], variance, level),
            along,
            (
                average,
                *(
                    None if x is None else x[0]
                    for x in self.interval("average", average[None], np.average(variance, weights=weights)[None], level)
                ),
            ),
            self.pdos_energy,
            np.maximum(values[:, m : m + b], 0),
            *self.interval("pdos", np.maximum(values[:, m : m + b], 0), variance, level),
            values[:, m + b + VALUES.index("onset")],
            self.half("onset", level),
            float(np.average(values[:, m + b + VALUES.index("band_gap")], weights=weights)),
            self.half("band_gap", level),
            *self.judged(variance, beyond, numbers, parts),
            nearest,
            labels,
            weights,
            level,
        )

    def interval(self, kind: str, mean, variance, level: float):
        """Lower and upper (n, m), or None twice."""
        if self.calibration is None:
            return None, None
        half = getattr(self.calibration, kind).half(variance, level)
        return (np.maximum(mean - half, 0), mean + half) if np.isfinite(half).all() else (None, None)

    def half(self, name: str, level: float) -> float:
        """Half width of the interval of one of the values, eV; NaN if it is not calibrated."""
        if self.calibration is None:
            return float("nan")
        found = float(self.calibration.values[LEVELS.index(level), VALUES.index(name)])
        return found if np.isfinite(found) else float("nan")

    def judged(self, variance, beyond, numbers, parts) -> tuple[np.ndarray, list[str]]:
        """Out-of-domain score (n,) and why, n texts, "" for a site like those of the training."""
        if self.calibration is None:
            return np.full(len(variance), np.nan), [""] * len(variance)
        far = variance / self.calibration.limits[0]
        score = np.maximum(far, outside(beyond) / self.calibration.limits[1])
        return score, [
            explain(self.parts[part], over, row, away) if strange > 1 else ""
            for part, over, row, away, strange in zip(parts, beyond, numbers, far, score)
        ]


def explain(part: Part, beyond, numbers, far: float) -> str:
    """Why a site is strange: its numbers (k,) outside the range of a part's training sites, the gravest first."""
    found = []
    for k in np.argsort(-beyond)[:NAMED]:
        if beyond[k] > 1e-6:
            name, unit, digits = WORDS[list(NUMBERS)[k]]
            low, high = (bound[k] * UNITS[k] for bound in part.bounds)
            bound, side = (low, "below the smallest") if numbers[k] < low else (high, "above the largest")
            space = "" if unit in ("", "°") else " "
            found.append(
                f"{name} {numbers[k]:.{digits}f}{space}{unit} lies {side} in training ({bound:.{digits}f}{space}{unit})"
            )
    if far > 1:
        found.append("its surroundings as a whole are unlike those of any training site")
    return "; ".join(found)


def train_route(data: SiteDataset, *, folds: int = FOLDS, seed: int = 0, report=None) -> StructureRoute:
    """The cross-fitted StructureRoute of the crystals of a dataset. report(part, parts) is called after each part.

    Raises DataError for fewer groups of crystals than folds."""
    splits = grouped_folds(data, folds, seed=seed)
    crystals = np.flatnonzero(data.kinds == "crystal")
    residuals = np.zeros((len(data), site_targets(data).shape[1]))
    variance, beyond = np.zeros(len(data)), np.zeros(data.numbers.shape)
    parts, numbers, truth = [], {}, site_targets(data)
    for number, rows in enumerate([*(split.development for split in splits), crystals]):
        parts.append(Part.fit(data, np.sort(rows))[0])
        if number < len(splits):
            test = splits[number].test
            found, _, variance[test] = parts[-1].curves(data.features[test], data.numbers[test])
            residuals[test], beyond[test] = truth[test] - found, parts[-1].beyond(data.numbers[test])
            numbers |= {str(name): number for name in data.structures[test]}
        if report:
            report(number + 1, len(splits) + 1)
    names = [sorted(set(map(str, data.structures[rows]))) for rows in (crystals, data.kinds != "crystal")]
    facts = {
        "seed": int(seed),
        "cross_fitted": len(splits),
        "split": {"train": [], "validation": [], "test": names[0], "amorphous": names[1]},
    }
    calibration = Calibration.fit(data.subset(crystals), residuals[crystals], variance[crystals], beyond[crystals])
    return StructureRoute(
        parts,
        data.target,
        data.target_energy,
        data.pdos_energy,
        calibration,
        [str(site) for site in data.sites],
        data.checksum,
        numbers,
        facts,
    )
