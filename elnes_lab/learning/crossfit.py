"""Cross-fitted ensembles: every crystal of the training data is predicted by models that never saw its net.

The groups of the crystals are dealt into parts; one ensemble is trained without each part. A crystal is predicted by
the ensemble that had to do without it, a new structure (and the glass, which no part trains on) by the mean of all. The
intervals are calibrated on just those predictions.

>>> training = cross_fit(Dataset.from_database(db, InputChoice(directed=True)))
>>> for progress in training:
...     print(progress.part, progress.record.epoch)
>>> save(training.model, "data/models/ensemble")
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import DataError
from .dataset import Dataset, grouped_folds
from .directions import as_target
from .ensemble import PARTS, Ensemble, assembled, train_ensemble
from .epoch import EpochRecord, Watched

FOLDS = 5


class Progress(NamedTuple):
    """The record of an epoch in the training of one part of several."""

    part: int
    parts: int
    record: EpochRecord


def cross_fit(
    dataset: Dataset,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    models=PARTS,
    deterministic: bool = True,
    **hyper,
) -> CrossFit:
    """A CrossFit to iterate over; arguments as those of `ensemble.train_ensemble`."""
    return CrossFit(dataset, folds=folds, seed=seed, models=models, deterministic=deterministic, **hyper)


def crossed(folds: dict, data: Dataset) -> np.ndarray:
    """Mask (n,) of the rows of a Dataset that an ensemble with these folds predicts by a part that has seen another
    structure of their group: a twin of a training crystal that came later, or groups other than those of the training.
    """
    if not folds:
        return np.zeros(len(data), bool)
    groups, own, of_group = np.asarray(data.groups, str), [folds.get(str(s), -1) for s in data.structures], {}
    for group, fold in zip(groups, own):
        of_group.setdefault(group, set()).add(fold)
    return np.array([bool(of_group[group] - {fold, -1}) for group, fold in zip(groups, own)])


class CrossFit(Watched):
    """An iterator of Progress; `close` ends it, `model` is the Ensemble once all parts are trained.

    Which structures are one is what `dataset.groups` says. Raises DataError, before any work, for a dataset without
    directions or targets, for unknown models and for fewer groups of crystals than folds.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        folds=FOLDS,
        seed=0,
        models=PARTS,
        deterministic=True,
        **hyper,
    ):
        self.data = dataset
        self.splits = grouped_folds(dataset, folds, seed=seed)
        self.trainings = [
            train_ensemble(dataset, split, seed=seed + number, models=models, deterministic=deterministic, **hyper)
            for number, split in enumerate(self.splits)
        ]
        self.seed, self.models, self.fitted = int(seed), tuple(models), []
        self.records = self.run()

    def run(self):
        for number, training in enumerate(self.trainings):
            for record in training:
                yield Progress(number, len(self.trainings), record)
            self.fitted.append(training.model)
            training.training = None  # its encoded rows are no longer needed

    @property
    def model(self) -> Ensemble:
        """The Ensemble. Raises DataError until all parts are trained: structures of a part that is missing have been
        seen by all others."""
        if len(self.fitted) < len(self.splits):
            raise DataError(
                f"{len(self.fitted)} of {len(self.splits)} parts are trained, so there are structures that no part "
                "could be tested on. Train to the end, or train one ensemble with a split."
            )
        data, shape = self.data, self.data.targets.shape
        residuals, apart, variance = np.zeros(shape), np.zeros(shape), np.zeros(len(data))
        folds = {}
        for number, (model, split) in enumerate(zip(self.fitted, self.splits)):
            held = data.subset(split.test)
            curves, mean, variance[split.test] = model.by_direction(held)
            residuals[split.test] = held.targets - as_target(mean, data.target)
            apart[split.test] = as_target(curves, data.target).std(0)
            folds |= {str(name): number for name in held.structures}
        kinds = np.asarray(data.kinds == "crystal")
        names = [sorted(set(map(str, data.structures[rows]))) for rows in (kinds, ~kinds)]
        facts = {
            "seed": self.seed,
            "models": list(self.models),
            "cross_fitted": len(self.splits),
            # Nothing that it predicts has been seen by what predicts it: to a reader, all crystals are tests.
            "split": {"train": [], "validation": [], "test": names[0], "amorphous": names[1]},
            "weights": [model.facts["weights"] for model in self.fitted],
        }
        parts = [model.parts[0] for model in self.fitted]
        return assembled(parts, data, residuals, variance, apart, folds, facts)
