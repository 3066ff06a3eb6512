"""Kernel ridge regression as a model to hold: what a network must beat, chosen, stored and looked at like a network.

>>> model = train_kernel_ridge(Dataset.from_database(db), split).fit()
>>> model.predict(db).mean

Its hyper-parameters are those that `baselines.KernelRidge` finds by grouped cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError
from .baselines import Features, KernelRidge, inner_folds, squared_distances
from .choices import InputChoice, TargetChoice
from .dataset import Dataset, taken
from .epoch import EpochRecord, Watched
from .intervals import around, check_level, half_widths
from .model import Prediction
from .splits import Split

NAME = KernelRidge.name


@dataclass(frozen=True, eq=False)
class KernelRidgeModel:
    """Gaussian kernels at the n training sites. input_mean (c, b), input_scale (c,), scalar_mean and scalar_scale (s,):
    what makes features (f = c b + s) of inputs; known (n, f); length: width of the kernel in their units; dual (n, m) and
    mean (m,): the spectrum is kernel @ dual + mean. The rest as in `model.Model`.
    """

    input_mean: np.ndarray
    input_scale: np.ndarray
    scalar_mean: np.ndarray
    scalar_scale: np.ndarray
    known: np.ndarray
    length: float
    dual: np.ndarray
    mean: np.ndarray
    settings: dict
    choice: InputChoice
    target: TargetChoice
    energy: np.ndarray
    target_energy: np.ndarray
    widths: np.ndarray | None
    checksum: str
    facts: dict = field(default_factory=dict)
    warning: str = ""

    @classmethod
    def solved(cls, data: Dataset, settings: dict, facts: dict | None = None) -> KernelRidgeModel:
        """The model of all rows of a Dataset with the settings that `baselines.KernelRidge` chose; without intervals."""
        made = Features(data, settings.get("scalar_weight", 1.0))
        known = made(data).astype(np.float32).astype(float)  # as it is stored, so that a stored model says the same
        square = squared_distances(known, known)
        length = settings["length"] * np.sqrt(square.mean())
        kernel = np.exp(-square / (2 * length**2))
        mean = data.targets.mean(axis=0, dtype=float)
        kernel[np.diag_indices_from(kernel)] += settings["alpha"] * kernel.trace() / len(kernel)
        dual = np.linalg.solve(kernel, data.targets - mean)
        return cls(
            made.mean,
            made.scale[:, 0],
            made.scalar_mean,
            made.scalar_scale,
            known,
            float(length),
            dual,
            mean,
            dict(settings),
            data.choice,
            data.target,
            data.energy,
            data.target_energy,
            None,
            data.checksum,
            facts or {},
        )

    def dataset(self, data) -> Dataset:
        """The inputs of a Database, or a Dataset of this model's choices; see `dataset.taken`."""
        return taken(data, self.choice)

    def predict(self, data, *, level: float = 0.9) -> Prediction:
        """Spectra of a Database or Dataset, not negative; one member. Raises DataError as `Model.predict` does."""
        check_level(level)
        data = self.dataset(data)
        curves = ((data.inputs - self.input_mean) / self.input_scale[:, None]).reshape(len(data), -1)
        features = np.concatenate([curves, (data.scalars - self.scalar_mean) / self.scalar_scale], axis=1)
        kernel = np.exp(-squared_distances(features, self.known) / (2 * self.length**2))
        mean = np.maximum(kernel @ self.dual + self.mean, 0)
        if not np.isfinite(mean).all():
            raise DataError(
                "The model gives no finite spectrum for these inputs: its numbers are of no use. Train it again."
            )
        lower, upper = around(mean, self.widths, level)
        return Prediction(mean, mean[None], lower, upper, self.target_energy, data.sites, level)


def train_kernel_ridge(dataset: Dataset, split: Split, *, seed: int = 0) -> KernelRidgeTraining:
    """A KernelRidgeTraining to iterate over."""
    return KernelRidgeTraining(dataset, split, seed=seed)


class KernelRidgeTraining(Watched):
    """An iterator of one EpochRecord, as `training.Training`. It learns from split.train and split.validation together;
    intervals come from predictions of their structures by regressions that left them out. Raises DataError for a dataset
    without targets.
    """

    epochs = 1

    def __init__(self, dataset: Dataset, split: Split, *, seed: int = 0):
        if dataset.targets.shape[1] == 0:
            raise DataError("The dataset has no target to learn. Make it with a TargetChoice.")
        self.seed, self.split_structures = (
            int(seed),
            {
                part: sorted(set(map(str, dataset.structures[getattr(split, part)])))
                for part in ("train", "validation", "test", "amorphous")
            },
        )
        self.data = dataset.subset(np.sort(split.development))
        self.left_out = self.fitted = None
        self.records = self.run()

    def run(self):
        from time import perf_counter

        begin = perf_counter()
        error = float(((self.outside(slice(None)) - self.data.targets) ** 2).mean())
        seen = float(((self.model.predict(self.data).mean - self.data.targets) ** 2).mean())
        yield EpochRecord(0, seen, error, error, 0, perf_counter() - begin, 0.0)

    @property
    def model(self) -> KernelRidgeModel:
        """The fitted KernelRidgeModel, with intervals where there are structures enough."""
        if self.fitted is None:
            import dataclasses

            data, nothing = self.data, self.data.subset(np.empty(0, int))
            settings = KernelRidge().fit(data, nothing, self.seed).settings
            self.left_out = np.empty_like(data.targets, dtype=float)
            for inside, outside in inner_folds(data.groups):
                part = KernelRidgeModel.solved(data.subset(inside), settings)
                self.left_out[outside] = part.predict(data.subset(outside)).mean
            found = KernelRidgeModel.solved(data, settings, {"seed": self.seed, "split": self.split_structures})
            crystal, widths = np.asarray(data.kinds == "crystal"), None
            if crystal.any():
                residuals = data.targets[crystal] - self.left_out[crystal]
                widths = half_widths(residuals, data.groups[crystal]).astype(np.float32)
            self.fitted = dataclasses.replace(found, widths=widths)
        return self.fitted

    def outside(self, rows, model=None) -> np.ndarray:
        """Spectra (k, m) of rows of the training data by regressions that left their structures out."""
        self.model  # noqa: B018 fits them
        return self.left_out[rows]
