"""The best we can do: a direction-resolved kernel model and networks together, with intervals that know what is hard.

>>> training = train_ensemble(Dataset.from_database(db, InputChoice(directed=True)), split)
>>> for record in training:
...     print(record.epoch, record.validation_loss)
>>> prediction = training.model.predict(db)
>>> prediction.mean, prediction.polarized, prediction.lower
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from ..database import unknown
from ..errors import DataError
from .choices import InputChoice, TargetChoice
from .combine import Difficulty, stacking
from .dataset import Dataset, taken
from .directions import as_target, directed, samples
from .epoch import EpochRecord, Watched
from .intervals import LEVELS, check_level, half_widths
from .kernels import KernelModel, block_features, half
from .splits import Split

KERNEL, NETWORK = "kernel", "network"
PARTS = (KERNEL, NETWORK)
ROWS_AT_ONCE = 512  # samples; their hidden units stay in the processor's cache
# What suits three samples a site, of eight channels, best: fewer and larger steps than for one sample a site.
# Wider hidden layers change the error by less than the seed does.
HYPER = {
    "width": 64,
    "epochs": 40,
    "batch_size": 256,
    "learning_rate": 1e-2,
    "input_variance": 0.999,
    "target_variance": 0.998,
}


@dataclass(frozen=True, eq=False)
class EnsemblePrediction:
    """As `model.Prediction`, for n sites: mean, lower, upper (n, m), members (k, n, m), one per kind of model; and
    polarized (n, 3, m): along x, y and z, in units in which the mean of the three is `mean`. spread (n, m): the error
    to be expected. lower and upper are None where there was too little to calibrate on.
    """

    mean: np.ndarray
    members: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    energy: np.ndarray
    sites: np.ndarray
    level: float
    polarized: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True, eq=False)
class Part:
    """Models fitted to one set of rows: kernel and network (either may be None), and their weights (2,)."""

    kernel: KernelModel | None
    network: object | None
    weights: np.ndarray

    def curves(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Curves of each model (k, n, 3, m) from the features (3 n, f) of samples, and the variance of the process
        (n,): 0 without a kernel.
        """
        found, variance = [], np.zeros(len(features) // 3)
        if self.kernel is not None:
            curves, by_direction = self.kernel.curves(features)
            found, variance = [curves], by_direction.mean(1)
        if self.network is not None:
            found.append(network_curves(self.network, features))
        return np.maximum(np.stack(found), 0), variance


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Parts, choices and calibration; predicts like `model.Model`. folds: the part (by number) that has not seen a
    structure's net, by structure; structures that are not there get the mean of all parts.
    """

    parts: list
    choice: InputChoice
    target: TargetChoice
    energy: np.ndarray
    target_energy: np.ndarray
    difficulty: Difficulty | None
    widths: np.ndarray | None
    checksum: str
    folds: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    warning: str = ""

    def dataset(self, data) -> Dataset:
        """The inputs of a Database, or a Dataset of this model's choices; see `dataset.taken`."""
        return taken(data, self.choice)

    def predict(self, data, *, level: float = 0.9) -> EnsemblePrediction:
        """Spectra of a Database or Dataset, of each structure by the parts that have not seen it.

        Raises DataError for a level that is none of `intervals.LEVELS`, and where the model gives no finite spectrum.
        """
        check_level(level)
        data = self.dataset(data)
        curves, mean, variance = self.by_direction(data)
        if not (np.isfinite(curves).all() and np.isfinite(variance).all()):
            raise DataError(
                "The model gives no finite spectrum for these inputs: its numbers are of no use. Train it again."
            )
        members, mean_curve = as_target(curves, self.target), as_target(mean, self.target)
        spread = np.zeros_like(mean_curve)
        lower = upper = None
        if self.difficulty is not None:
            spread = self.difficulty(variance, members.std(0))
            width = self.widths[LEVELS.index(level)]
            if np.isfinite(width).all():
                lower, upper = np.maximum(mean_curve - width * spread, 0), mean_curve + width * spread
        return EnsemblePrediction(
            mean_curve, members, lower, upper, self.target_energy, data.sites, level, mean, spread
        )

    def by_direction(self, data: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Curves of each kind of model (k, n, 3, m), their weighted mean (n, 3, m), variance of the process (n,)."""
        fold = np.array([self.folds.get(str(name), -1) for name in data.structures], int)
        kinds = sum(model is not None for model in (self.parts[0].kernel, self.parts[0].network))
        curves = np.zeros((kinds, len(data), 3, self.target.bins), np.float32)
        features = block_features(data)[0].reshape(len(data), -1)
        mean, variance, count = np.zeros(curves.shape[1:], np.float32), np.zeros(len(data)), np.zeros(len(data))
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero((fold == number) | (fold < 0))
            if len(rows):
                found, var = part.curves(features[rows].reshape(3 * len(rows), -1))
                curves[:, rows] += found
                mean[rows] += np.tensordot(part.weights, found, 1)
                variance[rows] += var
                count[rows] += 1
        return curves / count[:, None, None], mean / count[:, None, None], variance / count


def network_curves(model, features: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
    """Curves (n, 3, m) of the networks trained on samples, from the features (3 n, f) of samples: of the mean
    coefficients of all members, or of those that `held` (k, 3 n) is not 0 for, weighted.
    """
    import torch

    network, sizes, found = model.network, model.network.sizes, []
    curves = sizes["channels"] * sizes["bins"]  # what follows the scalars is the kernel's alone: the surroundings
    inputs, scalars, _ = np.split(np.asarray(features, np.float32), [curves, curves + sizes["scalars"]], axis=1)
    inputs = inputs.reshape(len(features), sizes["channels"], sizes["bins"])
    with torch.inference_mode():
        for start in range(0, len(features), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            x, s = (torch.from_numpy(np.ascontiguousarray(part[rows])) for part in (inputs, scalars))
            coefficients = network.coefficients(network.encode(x, s))
            if held is None:
                mean = coefficients.mean(0)
            else:
                weight = torch.from_numpy(np.asarray(held[:, rows] / held[:, rows].sum(0), np.float32))
                mean = (weight[..., None] * coefficients).sum(0)
            found.append(network.decode(mean))
    return torch.cat(found).numpy().reshape(len(features) // 3, 3, -1)


def rounded(model):
    """A `model.Model` with its matrices rounded as a stored ensemble keeps them (`kernels.half`)."""
    import torch

    with torch.no_grad():
        for value in model.network.state_dict().values():
            if value.ndim > 1:
                value.copy_(torch.from_numpy(half(value.numpy())))
    return model


def in_samples(split: Split) -> Split:
    """The same split of the three samples of each site."""
    return Split(*((3 * getattr(split, f.name)[:, None] + np.arange(3)).ravel() for f in dataclasses.fields(split)))


def train_ensemble(
    dataset: Dataset,
    split: Split,
    *,
    seed: int = 0,
    models=PARTS,
    deterministic: bool = True,
    **hyper,
) -> EnsembleTraining:
    """An EnsembleTraining to iterate over; hyper: of the network, as in `Hyper`, where other than `HYPER`."""
    return EnsembleTraining(dataset, split, seed=seed, models=models, deterministic=deterministic, **hyper)


class EnsembleTraining(Watched):
    """An iterator of EpochRecord, as `training.Training`; `close` ends it, `model` is the Ensemble so far.

    Kernel and network learn from split.train and split.validation. What each says of a structure that it did not see
    (the kernel in closed form, the network through the members that left the structure out) gives the weights of the
    two and calibrates the intervals; test and amorphous rows play no part. models: "kernel", "network" or both.
    Raises DataError, before any work, for a dataset without directions or targets, and for unknown models.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        *,
        seed=0,
        models=PARTS,
        deterministic=True,
        **hyper,
    ):
        self.models = tuple(models)
        for name in self.models:
            if name not in PARTS:
                raise unknown(str(name), PARTS, "part of an ensemble")
        if not self.models:
            raise DataError("An ensemble of nothing cannot be trained. Choose " + " or ".join(PARTS) + ".")
        directed(dataset)
        self.seed, self.split_structures = (
            int(seed),
            {
                part: sorted(set(map(str, dataset.structures[getattr(split, part)])))
                for part in ("train", "validation", "test", "amorphous")
            },
        )
        self.data = dataset.subset(np.sort(split.development))
        self.training = self.kernel = self.left_out = None
        if NETWORK in self.models:
            from .training import train

            self.training = train(
                samples(dataset), in_samples(split), seed=seed, deterministic=deterministic, **{**HYPER, **hyper}
            )
            self.hyper = self.training.hyper
        self.records = self.run()

    @property
    def epochs(self) -> int:
        """Number of records at most: epochs of the networks, or one for the kernel alone."""
        return self.training.epochs if self.training is not None else 1

    def run(self):
        from time import perf_counter

        begin = perf_counter()
        if KERNEL in self.models:
            self.fit_kernel()
            error = float(((as_target(self.left_out.curves, self.data.target) - self.data.targets) ** 2).mean())
            if self.training is None:
                yield EpochRecord(0, 0.0, error, error, 0, perf_counter() - begin, 0.0)
                return
        for record in self.training:
            yield record._replace(seconds=perf_counter() - begin)

    def fit_kernel(self) -> None:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            self.kernel, self.left_out = KernelModel.fit(self.data)

    @property
    def model(self) -> Ensemble:
        """The Ensemble of the kernel and of each network member's best weights so far."""
        if KERNEL in self.models and self.kernel is None:
            self.fit_kernel()
        data, variance, network = self.data, np.zeros(len(self.data)), None
        if self.kernel is not None:
            variance = self.left_out.variance.mean(1)
        if self.training is not None:
            network = rounded(self.training.model)
        outside = self.left_out_curves(slice(None), network)
        flat = as_target(outside, data.target)
        weights = stacking(flat, data.targets, data.groups)
        part = Part(self.kernel, network, weights)
        facts = {
            "seed": self.seed,
            "split": self.split_structures,
            "models": list(self.models),
            "weights": dict(zip([m for m in PARTS if m in self.models], map(float, weights))),
        }
        residuals = data.targets - np.tensordot(weights, flat, 1)
        return assembled([part], data, residuals, variance, flat.std(0), {}, facts)

    def left_out_curves(self, rows, network) -> np.ndarray:
        """What each kind of model says (k, n, 3, m) of rows of the training data that it has not seen; network: with
        weights to take (a `model.Model`), or None."""
        found = []
        if self.kernel is not None:
            found.append(self.left_out.curves[rows])
        if network is not None:
            # Members that left a row out speak for it; if each has seen it (one round short of all parts) all do.
            held = self.training.held_out.astype(float)
            held[:, held.sum(0) == 0] = 1.0
            part = self.data.subset(rows) if not isinstance(rows, slice) else self.data
            held = held.reshape(len(held), len(self.data), 3)[:, rows].reshape(len(held), -1)
            found.append(network_curves(network, block_features(part)[0], held))
        return np.maximum(np.stack(found), 0)

    def outside(self, rows, model=None) -> np.ndarray:
        """Spectra (n, m) of rows of the training data by what has not seen them: by an Ensemble of this training, or by
        the present weights, the kinds of model counting the same."""
        network = self.training if model is None else model.parts[0].network
        curves = self.left_out_curves(rows, network)
        weights = np.full(len(curves), 1 / len(curves)) if model is None else model.parts[0].weights
        return as_target(np.tensordot(weights, curves, 1), self.data.target)


def assembled(
    parts,
    data: Dataset,
    residuals,
    variance,
    apart,
    folds: dict,
    facts: dict,
) -> Ensemble:
    """An Ensemble with intervals from rows left out: residuals and apart (n, m), variance (n,). Too few groups for any
    level: no intervals."""
    crystal = np.asarray(data.kinds == "crystal")
    difficulty = widths = None
    if len(set(map(str, data.groups[crystal]))) > 1:
        residuals, variance, apart, groups = residuals[crystal], variance[crystal], apart[crystal], data.groups[crystal]
        difficulty = Difficulty.fit(residuals, variance, apart, groups)
        widths = half_widths(residuals / difficulty(variance, apart), groups).astype(np.float32)
    return Ensemble(
        parts,
        data.choice,
        data.target,
        data.energy,
        data.target_energy,
        difficulty,
        widths,
        data.checksum,
        folds,
        facts,
    )
