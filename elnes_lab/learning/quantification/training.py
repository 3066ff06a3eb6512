"""Training of a quantifier: kernel ridge regression on spectra as an instrument would record them, cross-fitted by net."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ...spectra import half_height
from ..choices import EDGE_BELOW_HALF_HEIGHT
from ..intervals import half_widths
from ..splits import NET, deal, structure_groups
from . import domain
from .instrument import TRAINED_COUNTS, Conditions, measured
from .model import MODES, PLACED, SHAPE, Calibration, Quantifier, inputs_of, kernel, smoothness, wide_bins
from .prepare import prepare, roughness
from .properties import CURVES, PROPERTIES, true_curves, true_values

LEVEL = 0.9
ROWS, FEW, MANY = 4000, 3, 9  # rows of training to aim at; copies of each spectrum, at least and at most (`copies_of`)
CHECKS = 6  # copies recorded for the intervals
STRATA = 5  # parts of the range of counts, and of the widths, in each of which the intervals hold
FOLDS = 5
RIDGE = 0.08  # of the kernel regression: part of the variance that is noise
COMPONENTS = 6  # of each radial distribution
FEWEST = 10  # groups of structures: a 90 % interval needs nine that were held out
FIRM = 1.0  # ridge on the coefficients of the expected error, in structures


class Sites(NamedTuple):
    """What training and tests need of n rows: energy (m,) and intensity (n, m), zero (n,) on that axis and place (n,) in
    eV of energy loss, values (n, properties), curves (n, curves, radius), radius, structure and group (n,) names."""

    energy: np.ndarray
    intensity: np.ndarray
    zero: np.ndarray
    place: np.ndarray
    values: np.ndarray
    radius: np.ndarray
    curves: np.ndarray
    structures: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, db, grouping: str = NET) -> Sites:
        """The rows of a Database that have all the properties and a place on the energy-loss scale."""
        zero = half_height(db.energy, db.isotropic) - EDGE_BELOW_HALF_HEIGHT
        values, place = true_values(db), zero + db.shifts("loss")
        good = np.isfinite(values).all(1) & np.isfinite(place)
        if not good.any():
            raise DataError(
                "No row of this database has all the properties that a quantifier reads. Open the whole database."
            )
        db, zero, place, values = db[good], zero[good], place[good], values[good]
        radius, curves = true_curves(db)
        return cls(
            db.energy,
            db.isotropic.astype(float),
            zero,
            place,
            values,
            radius,
            curves,
            db["structure"].astype(str),
            structure_groups(db, grouping).astype(str),
            db["kind"].astype(str),
            np.asarray(db["multiplicity"], float),
        )

    def recorded(self, conditions: Conditions, random=None, rows=slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Prepared features (n, bins) and place (n,) of rows recorded under conditions, one each."""
        zero = self.zero[rows]
        curves = measured(self.energy, self.intensity[rows], zero, conditions, random)
        found = prepare(self.energy, curves)
        return found.features, self.place[rows] + found.zero - zero


def copies_of(rows: int) -> int:
    """Copies of each spectrum for training, recorded under conditions drawn anew, besides the stored one: the more, the
    fewer spectra there are; the cost grows with the cube of the rows."""
    return int(np.clip(round(ROWS / max(rows, 1)) - 1, FEW, MANY))


def train_quantifier(db, *, seed: int = 0, folds: int = FOLDS, copies: int | None = None, report=None) -> Quantifier:
    """A quantifier from the rows of a Database, cross-fitted by net over `folds` folds.

    copies: how often each spectrum is recorded for training (default: `copies_of`). report: called with (part, parts)
    before each part is trained. Raises DataError for fewer groups of structures than folds, and than an interval needs.
    """
    return fit(
        Sites.of(db), str(db.store.attribute("raw_sha256", "")), seed=seed, folds=folds, copies=copies, report=report
    )


def fit(
    sites: Sites,
    checksum: str = "",
    *,
    seed: int = 0,
    folds: int = FOLDS,
    copies: int | None = None,
    report=None,
) -> Quantifier:
    """The same from `Sites`."""
    copies = copies_of(len(sites.zero)) if copies is None else copies
    groups = len(set(sites.groups))
    if groups < max(folds, FEWEST):
        raise DataError(
            f"There are {groups} groups of structures (one net counts as one), and {max(folds, FEWEST)} are "
            "needed to know the error on new ones. Take the whole database."
        )
    random = np.random.default_rng(seed)
    fold = deal(sites.groups, folds, random)
    pool = [sites.recorded(Conditions.constant(len(sites.zero)))]
    pool += [sites.recorded(Conditions.drawn(len(sites.zero), random, TRAINED_COUNTS), random) for _ in range(copies)]
    features, place = (np.concatenate(part) for part in zip(*pool))
    scale = float(np.sqrt(wide_bins(features).var(0).mean()))
    known = inputs_of(features, place, scale).astype(np.float32).astype(float)
    mean, deviation = sites.values.mean(0), sites.values.std(0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    curve_mean = sites.curves.mean(0)
    components = np.stack([principal(sites.curves[:, c] - curve_mean[c]) for c in range(len(CURVES))])
    targets = standard(sites, mean, deviation, curve_mean, components)
    weights = np.zeros((folds, len(MODES), len(known), targets.shape[1]))
    every = np.tile(fold, copies + 1)
    for k in range(folds):
        if report:
            report(k, folds)
        rows = np.flatnonzero(every != k)
        for m, mode in enumerate(MODES):
            inputs = known[rows] if mode == PLACED else known[rows, :-1]
            weights[k, m, rows] = solved(kernel(inputs, inputs), targets[rows % len(fold)])
    half = half_widths(sites.values - mean, sites.groups, (LEVEL,))[0]
    half_curve = half_widths((sites.curves - curve_mean).reshape(len(fold), -1), sites.groups, (LEVEL,))[0]
    model = Quantifier(
        np.array([scale]),
        known,
        fold,
        targets,
        weights.astype(np.float32).astype(float),
        {str(name): int(k) for name, k in zip(sites.structures, fold)},
        mean,
        deviation,
        sites.radius,
        curve_mean,
        np.ones_like(curve_mean),
        components,
        {},
        np.stack([mean - half, mean + half]),
        half_curve.reshape(curve_mean.shape),
        np.array([sites.place.min(), sites.place.max()]),
        np.array([roughness(features).max(), smoothness(features).max()]),
        domain.to_arrays(domain.fitted(features, np.tile(sites.groups, copies + 1))),
        checksum,
        {
            "seed": seed,
            "folds": folds,
            "copies": copies,
            "ridge": RIDGE,
            "rows": len(fold),
            "structures": sorted(set(sites.structures.tolist())),
        },
    )
    model.calibrations.update(calibrations(model, sites, random))
    return model


def solved(matrix, targets) -> np.ndarray:
    """Weights (rows, out) of kernel ridge regression from the kernel (rows, rows), which is spoiled."""
    from scipy.linalg import cho_factor, cho_solve

    matrix[np.diag_indices(len(matrix))] += RIDGE
    return cho_solve(cho_factor(matrix, overwrite_a=True, check_finite=False), targets, check_finite=False)


def principal(curves) -> np.ndarray:
    """Principal components (k, m) of curves (n, m) about zero, as long as they are spread."""
    _, values, vectors = np.linalg.svd(curves, full_matrices=False)
    keep = min(COMPONENTS, len(values))
    return (values[:keep] / np.sqrt(len(curves)))[:, None] * vectors[:keep]


def standard(sites: Sites, mean, deviation, curve_mean, components) -> np.ndarray:
    """Targets (n, out) in units of their spread: properties, then components of each curve."""
    values = (sites.values - mean) / deviation
    norm = np.maximum((components**2).sum(2), 1e-12)
    weights = np.einsum("ncm,ckm->nck", sites.curves - curve_mean, components) / norm
    return np.concatenate([values, weights.reshape(len(values), -1)], axis=1)


def calibrations(model: Quantifier, sites: Sites, random) -> dict[str, Calibration]:
    """Expected errors and conformal widths of each mode, from what each part says of the nets it never saw. Changes
    `model.curve_profile` to the error at each radius.

    The spectra are recorded anew. A width is the largest of those found within the strata, so that it holds for the
    spectra as stored, for noisy and for clear, for sharp and for blurred ones, each by itself.
    """
    pool, strata = strata_of(sites, random)
    features, place = (np.concatenate(part) for part in zip(*pool))
    copies, count = len(pool), len(PROPERTIES)
    names, groups = (np.tile(x, copies) for x in (sites.structures, sites.groups))
    told = {mode: model.outputs(features, place if mode == PLACED else None, names) for mode in MODES}
    truth = np.tile(sites.curves, (copies, 1, 1))
    wrong = {mode: truth - model.curves(outputs) for mode, (outputs, _) in told.items()}
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1 / counts[inverse]  # each group of structures counts the same
    square = np.einsum("n,ncm->cm", weight, wrong[SHAPE] ** 2) / len(counts)
    model.curve_profile[:] = np.sqrt(square + 1e-3 * square.max(1, keepdims=True))
    found = {}
    for mode, (outputs, terms) in told.items():
        residuals = np.tile(model.targets[:, :count], (copies, 1)) - outputs[:, :count]
        relative = np.abs(wrong[mode]) / model.curve_profile
        size = np.concatenate([np.abs(residuals), np.sqrt((relative**2).mean(2))], axis=1)
        coefficients = np.stack([expected(terms[:, j], size[:, j], weight) for j in range(size.shape[1])])
        scale = np.exp((terms * coefficients).sum(2))
        widths = [half_widths(size[rows, :count] / scale[rows, :count], groups[rows], (LEVEL,))[0] for rows in strata]
        radii = relative.shape[2]
        bands = [
            [
                half_widths(
                    (relative[rows, c] / scale[rows, count + c, None]).reshape(-1, 1),
                    np.repeat(groups[rows], radii),
                    (LEVEL,),
                )[0, 0]
                for c in range(len(CURVES))
            ]
            for rows in strata
        ]
        found[mode] = Calibration(coefficients, np.concatenate([widths, bands], axis=1).max(0))
    return found


def strata_of(sites: Sites, random) -> tuple[list, list[np.ndarray]]:
    """Spectra as stored and recorded under drawn conditions, [(features, place)], and the rows of each stratum."""
    count = len(sites.zero)
    drawn = [Conditions.drawn(count, random) for _ in range(CHECKS)]
    pool = [sites.recorded(Conditions.constant(count)), *(sites.recorded(one, random) for one in drawn)]
    strata = [np.arange(count)]
    for name, logarithmic in (("counts", True), ("fwhm", False)):
        values = np.concatenate([getattr(one, name) for one in drawn])
        values = np.log(values) if logarithmic else values
        part = np.digitize(values, np.quantile(values, np.arange(1, STRATA) / STRATA))
        strata += [count + np.flatnonzero(part == k) for k in range(STRATA)]
    return pool, strata


def expected(terms, size, weight) -> np.ndarray:
    """Coefficients (terms,) of the logarithm of the expected error, by a ridge regression on logarithms of what was
    found; none but the constant is negative: a noisier or a stranger spectrum is never surer."""
    from scipy.optimize import nnls

    logarithm = np.log(np.maximum(size, 0.03))
    middle = np.average(terms[:, 1:], axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    centred, rest = (terms[:, 1:] - middle) * root, (logarithm - np.average(logarithm, weights=weight)) * root[:, 0]
    slopes = nnls(
        np.concatenate([centred, np.sqrt(FIRM) * np.eye(len(middle))]), np.concatenate([rest, np.zeros(len(middle))])
    )[0]
    return np.concatenate([[np.average(logarithm, weights=weight) - middle @ slopes], slopes])
