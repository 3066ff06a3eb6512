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

import numpy as np

from .. import descriptors
from ..errors import DataError
from ..subject import Subject
from .choices import TargetChoice
from .dataset import grouped_folds
from .intervals import LEVELS, check_level
from .site_calibration import Calibration, outside
from .site_dataset import VALUES, SiteDataset
from .site_part import Part, explain, site_targets
from .surroundings import Surroundings

FOLDS = 5


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
    elements: tuple = descriptors.ELEMENTS
    warning: str = ""

    @property
    def subject(self) -> Subject:
        """What it is for."""
        return Subject(self.absorber, self.edge, tuple(self.elements))

    def predict(self, data, *, level: float = 0.9) -> SitePrediction:
        """Spectra of a Database or SiteDataset, of each structure by the part that has not seen its net.

        Raises DataError for a level that is none of `intervals.LEVELS` and for rows that cannot be described."""
        data = data if isinstance(data, SiteDataset) else SiteDataset.from_database(data, self.target)
        if data.subject != self.subject:
            strange = sorted(set(data.elements) - set(self.elements))
            what = (
                f"contains {', '.join(strange)}"
                if strange
                else f"is of the {data.subject.label} edge of {data.subject.material}"
            )
            raise DataError(
                f"The database {what}; this model is of the {self.subject.label} edge of {self.subject.material}. "
                "Load the model that was trained on it."
            )
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
        around = Surroundings.of_atoms(atoms, sites, self.elements, environment)
        labels = [f"O{i}" for i in sites] if labels is None else labels
        weights = np.ones(len(around)) if weights is None else np.asarray(weights, float)
        parts = np.full(len(around), self.folds.get(structure, len(self.parts) - 1))
        return self.describe(around.features, around.numbers, np.array(labels, object), weights, parts, level)

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
            explain(self.parts[part], over, row, away, self.subject) if strange > 1 else ""
            for part, over, row, away, strange in zip(parts, beyond, numbers, far, score)
        ]


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
        *data.subject,
    )
