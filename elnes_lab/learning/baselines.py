"""Plain methods on the same splits as the networks: what a network must beat to be worth its trouble.

Every method is a `Baseline`: `fit(train, validation, seed)`, then `predict(dataset)` -> (n, m) in the unit of the
targets, never negative. Hyper-parameters are chosen by grouped cross-validation within train and validation together,
then the method is fitted to both: it sees every spectrum a network sees, and nothing else.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..spectra import broaden

INNER_FOLDS = 5
ALPHAS = 10.0 ** np.arange(-4, 2.6, 0.5)  # ridge penalties, in units of the mean eigenvalue of the kernel matrix
LENGTHS = (0.5, 1.0, 2.0)  # widths of the Gaussian kernel, in units of the mean distance of spectra
SCALAR_WEIGHTS = (0.1, 1.0)  # share of a whole channel that one scalar input counts


class Candidate(NamedTuple):
    """One choice of hyper-parameters, fitted: predict maps a dataset to (n, m)."""

    settings: dict
    predict: Callable


class Features:
    """Inputs as (n, f) features: centred per bin, scaled per channel (never per bin: a bin that hardly varies in
    training would explode on a new structure), each scalar standardized and weighted against one whole channel."""

    def __init__(self, train, scalar_weight: float = 1.0):
        inputs = train.inputs.astype(float)
        self.mean = inputs.mean(axis=0)
        self.scale = np.sqrt(((inputs - self.mean) ** 2).mean(axis=(0, 2)))[:, None]
        self.scale[self.scale == 0] = 1.0
        scalars = train.scalars.astype(float)
        self.scalar_mean, spread = scalars.mean(axis=0), scalars.std(axis=0)
        self.scalar_scale = np.where(spread > 0, spread, 1.0) / (scalar_weight * np.sqrt(inputs.shape[2]))

    def __call__(self, dataset) -> np.ndarray:
        curves = ((dataset.inputs - self.mean) / self.scale).reshape(len(dataset.inputs), -1)
        return np.concatenate([curves, (dataset.scalars - self.scalar_mean) / self.scalar_scale], axis=1)


class Baseline:
    """Fits all candidates in every inner fold, keeps the one of the lowest error, fits it to train and validation.

    The error of a candidate is the mean over structure groups of the mean MSE of the group.
    Raises DataError on `predict` before `fit`.
    """

    name = ""

    def candidates(self, train, seed: int) -> list[Candidate]:
        raise NotImplementedError

    def fit(self, train, validation, seed: int = 0) -> "Baseline":
        """Returns itself; `settings` then holds the hyper-parameters chosen."""
        pool = joined(train, validation)
        fitted = self.candidates(pool, seed)
        errors = [[] for _ in fitted]
        if len(fitted) > 1:
            for inside, outside in inner_folds(pool.groups):
                held = pool.subset(outside)
                for k, candidate in enumerate(self.candidates(pool.subset(inside), seed)):
                    error = ((np.maximum(candidate.predict(held), 0) - held.targets) ** 2).mean(axis=1)
                    errors[k] += [error[held.groups == group].mean() for group in np.unique(held.groups)]
        best = int(np.argmin([np.mean(e) for e in errors])) if len(fitted) > 1 else 0
        self.settings, self.predictor = fitted[best]
        return self

    def predict(self, dataset) -> np.ndarray:
        """Predicted targets, (n, m), not negative."""
        if not hasattr(self, "predictor"):
            raise DataError(f"{self.name} has not been fitted. Call fit(train, validation) first.")
        return np.maximum(self.predictor(dataset), 0)

    def interval(self, dataset) -> None:
        """None: these methods give no interval."""


def joined(first, second):
    """The rows of two datasets of the same choices, one after the other."""
    names = ("inputs", "scalars", "targets", "sites", "structures", "kinds", "groups", "scale")
    parts = {
        name: getattr(first, name).joined(getattr(second, name))
        for name in ("directed", "surroundings")
        if getattr(first, name) is not None
    }
    return dataclasses.replace(
        first, **parts, **{n: np.concatenate([getattr(first, n), getattr(second, n)]) for n in names}
    )


def inner_folds(groups: np.ndarray, k: int = INNER_FOLDS) -> list[tuple[np.ndarray, np.ndarray]]:
    """(inside, outside) row masks of up to k folds of whole groups: the largest first, each into the emptiest fold.

    Raises DataError for fewer than two groups.
    """
    names, counts = np.unique(np.asarray(groups, str), return_counts=True)
    if len(names) < 2:
        raise DataError(
            "All training spectra belong to one structure, so nothing can be tried on another. "
            "Train on two structures or more."
        )
    sizes, fold = np.zeros(min(k, len(names)), int), {}
    for i in np.argsort(-counts, kind="stable"):
        fold[names[i]] = int(sizes.argmin())
        sizes[fold[names[i]]] += counts[i]
    place = np.array([fold[group] for group in groups])
    return [(place != i, place == i) for i in range(len(sizes))]


def scalar_weights(train) -> tuple[float, ...]:
    """The weights worth trying: one is enough where there is nothing to weigh."""
    return SCALAR_WEIGHTS if train.scalars.shape[1] else (1.0,)


class MeanSpectrum(Baseline):
    """The mean of all training spectra, whatever the input."""

    name = "mean spectrum"

    def candidates(self, train, seed):
        mean = train.targets.mean(axis=0)
        return [Candidate({}, lambda dataset: np.repeat(mean[None], len(dataset.inputs), axis=0))]


class GroundState(Baseline):
    """The O p PDOS itself, with the shift, scale and broadening that fit the training spectra best.

    That is the spectrum without a core hole, up to matrix elements. Where the PDOS window ends before the spectrum's,
    the mean training spectrum stands in. Raises DataError if O p is not among the channels.
    """

    name = "pdos itself"
    shifts = np.arange(-6, 6.01, 0.2)  # eV
    widths = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # eV, FWHM of a Gaussian

    def candidates(self, train, seed):
        channels = list(train.choice.channels)
        if "O p" not in channels:
            raise DataError(
                "The PDOS itself can only stand for the spectrum if O p is among the channels. Add it to the inputs."
            )
        place, mean = channels.index("O p"), train.targets.mean(axis=0)
        energy, axis = train.energy, train.target_energy
        polarizations = mean.size // axis.size

        def moved(dataset, width, shift):
            curves = broaden(energy, dataset.inputs[:, place].astype(float), gaussian_fwhm=width)
            moved = np.stack([np.interp(axis - shift, energy, curve, left=np.nan, right=np.nan) for curve in curves])
            return np.tile(moved, polarizations)

        def error(width, shift):
            x = moved(train, width, shift)
            inside = np.isfinite(x[0])
            x, y = x[:, inside], train.targets[:, inside]
            scale = (x * y).sum() / (x * x).sum()
            return ((scale * x - y) ** 2).sum() + ((mean - train.targets)[:, ~inside] ** 2).sum(), scale

        fits = [(*error(width, shift), width, shift) for width in self.widths for shift in self.shifts]
        _, scale, width, shift = min(fits)

        def predict(dataset):
            x = moved(dataset, width, shift)
            return np.where(np.isfinite(x), scale * x, mean)

        return [Candidate({"shift": float(shift), "fwhm": width, "scale": float(scale)}, predict)]


class Ridge(Baseline):
    """Linear least squares with an L2 penalty, solved in its dual form for all penalties at once."""

    name = "ridge"
    lengths: tuple = (None,)  # no kernel: the scalar product of the features

    def candidates(self, train, seed):
        return [
            candidate
            for weight in scalar_weights(train)
            for length in self.lengths
            for candidate in dual(train, weight, length)
        ]


class KernelRidge(Ridge):
    """Ridge with a Gaussian kernel."""

    name = "kernel ridge"
    lengths = LENGTHS


def dual(train, weight: float, length: float | None) -> list[Candidate]:
    """Kernel ridge regression for every penalty of `ALPHAS` from one eigendecomposition; length None: linear kernel.

    Features and targets are centred, so there is no penalty on the mean spectrum. Saunders, Gammerman and Vovk, ICML
    (1998).
    """
    features = Features(train, weight)
    x, mean = features(train), train.targets.mean(axis=0, dtype=float)
    width = None if length is None else length * np.sqrt(squared_distances(x, x).mean())

    def kernel(a):
        return a @ x.T if width is None else np.exp(-squared_distances(a, x) / (2 * width**2))

    latest = [None, None]  # all penalties are asked about one dataset after another

    def to(dataset):
        if latest[0] is not dataset:
            latest[:] = dataset, kernel(features(dataset))
        return latest[1]

    values, vectors = np.linalg.eigh(kernel(x))
    projected, unit = vectors.T @ (train.targets - mean), max(values.mean(), np.finfo(float).tiny)

    def predictor(alpha):
        weights = vectors @ (projected / (np.maximum(values, 0) + alpha * unit)[:, None])
        return lambda dataset: to(dataset) @ weights + mean

    settings = {} if length is None else {"length": length}
    settings |= {"scalar_weight": weight} if train.scalars.shape[1] else {}
    return [Candidate({"alpha": float(alpha), **settings}, predictor(alpha)) for alpha in ALPHAS]


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)


class PartialLeastSquares(Baseline):
    """Partial least squares; one fit of many components contains all smaller ones."""

    name = "pls"
    components = 12

    def candidates(self, train, seed):
        from sklearn.cross_decomposition import PLSRegression

        found = []
        for weight in scalar_weights(train):
            features = Features(train, weight)
            x, mean = features(train), train.targets.mean(axis=0, dtype=float)
            most = max(1, min(self.components, len(x) - 2, x.shape[1]))
            model = PLSRegression(most, scale=False).fit(x, train.targets)
            for k in range(1, self.components + 1):  # always as many candidates: folds must agree on their number
                used = min(k, model.x_rotations_.shape[1])
                slope = model.x_rotations_[:, :used] @ model.y_loadings_[:, :used].T
                found.append(
                    Candidate(
                        {"components": k, "scalar_weight": weight}, lambda d, f=features, s=slope, m=mean: f(d) @ s + m
                    )
                )
        return found


class NearestNeighbors(Baseline):
    """Mean of the k spectra whose inputs are nearest, weighted by the inverse distance."""

    name = "k nearest neighbours"
    counts = (1, 2, 3, 5, 8, 12)

    def candidates(self, train, seed):
        def predictor(k, features, known):
            def predict(dataset):
                distance = np.sqrt(squared_distances(features(dataset), known))
                near = np.argsort(distance, axis=1, kind="stable")[:, :k]
                weight = 1 / (np.take_along_axis(distance, near, axis=1) + 1e-6)
                return np.einsum("nk,nkm->nm", weight / weight.sum(1, keepdims=True), train.targets[near])

            return predict

        return [
            Candidate({"k": k, "scalar_weight": weight}, predictor(k, features, features(train)))
            for weight in scalar_weights(train)
            for features in [Features(train, weight)]
            for k in self.counts
        ]


class GradientBoosting(Baseline):
    """Gradient-boosted trees from the principal components of the inputs to those of the spectra."""

    name = "gradient boosting"
    inputs, outputs, depth, rate, share = 12, 6, 2, 0.1, 0.7
    trees = (20, 40, 80)

    def candidates(self, train, seed):
        from sklearn.decomposition import PCA
        from sklearn.ensemble import GradientBoostingRegressor

        features = Features(train)
        x = features(train)
        scalars = train.scalars.shape[1]
        reduce = PCA(min(self.inputs, len(x) - 1, x.shape[1]), svd_solver="full").fit(x)
        spectra = PCA(min(self.outputs, len(x) - 1, train.targets.shape[1]), svd_solver="full").fit(train.targets)

        def reduced(dataset):  # trees do not care about scale: a scalar is one more column
            x = features(dataset)
            return np.concatenate([reduce.transform(x), x[:, x.shape[1] - scalars :]], axis=1)

        models = [
            GradientBoostingRegressor(
                n_estimators=max(self.trees),
                max_depth=self.depth,
                learning_rate=self.rate,
                subsample=self.share,
                max_features="sqrt",
                random_state=seed,
            ).fit(reduced(train), score)
            for score in spectra.transform(train.targets).T
        ]

        def predictor(trees):
            def predict(dataset):
                z = reduced(dataset)
                stages = [next(s for n, s in enumerate(model.staged_predict(z), 1) if n == trees) for model in models]
                return spectra.inverse_transform(np.stack(stages, axis=1))

            return predict

        return [Candidate({"trees": trees}, predictor(trees)) for trees in self.trees]


BASELINES = {
    b.name: b
    for b in (MeanSpectrum, GroundState, Ridge, PartialLeastSquares, NearestNeighbors, GradientBoosting, KernelRidge)
}
