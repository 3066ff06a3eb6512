"""Search for hyper-parameters of the network, spread over workers like the folds and seeds of an evaluation.

>>> search(db, {"width": [64, 128], "dropout": [0.0, 0.3]}, workers=2)[0]["options"]
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ..dataset import Dataset, InputChoice, TargetChoice, grouped_folds, usable
from ..estimators import ANN, estimator
from ..hyper import Hyper
from .evaluation import FOLDS, number
from .scaling import run
from .significance import bootstrap

MOST = 10_000  # combinations


class Trial(NamedTuple):
    """One fit: position of the hyper-parameters in the grid, seed and fold."""

    place: int
    seed: int
    fold: int


def search(
    db,
    grid: dict[str, list],
    *,
    seeds: int = 1,
    folds: int = FOLDS,
    choice: InputChoice | None = None,
    target: TargetChoice | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    report=None,
) -> list[dict]:
    """Every combination of the values in grid (names of `Hyper` fields), best first: records of options, error and
    its interval.

    error: mean over structure groups of the median MSE of held-out crystals in grouped cross-validation; low and
    high: its 95 % bootstrap interval over groups; seconds are not compared. Amorphous spectra are not looked at: they
    stay a test. The error of the winner is a little too good, as it was chosen by it. Raises DataError, before any
    work, for an empty grid or one of more than MOST combinations, no seed, a field that is none, and a value out of its
    range.
    """
    count = math.prod(map(len, grid.values()))
    if not grid or not count:
        raise DataError("There is nothing to search. Give at least one hyper-parameter with one value.")
    if count > MOST:
        raise DataError(f"The grid has {count:,} combinations, {MOST:,} are the most. Give fewer values.")
    if seeds < 1:
        raise DataError("At least one seed is needed. Give a whole number of 1 or more.")
    options = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    for entry in options:
        Hyper.of(entry)
    estimator(ANN)  # imports torch before any task counts its threads
    choice, target = choice or InputChoice(), target or TargetChoice()
    db = db.query("kind == 'crystal'")
    data = Dataset.from_database(db[usable(db, choice, target)[0]], choice, target)
    for seed in range(seeds):
        grouped_folds(data, folds, seed=seed)
    trials = [Trial(*numbers) for numbers in itertools.product(range(len(options)), range(seeds), range(folds))]
    errors = run(held_out_error, (data, folds, options), trials, workers=workers, scheduler=scheduler, report=report)
    groups, found = np.asarray(data.groups, str), []
    for place, entry in enumerate(options):
        mse = np.zeros(len(data))
        for trial, (rows, error) in zip(trials, errors):
            if trial.place == place:
                mse[rows] += error / seeds
        per_group = np.array([np.median(mse[groups == name]) for name in np.unique(groups)])
        interval = bootstrap(per_group, np.arange(len(per_group)), np.mean)
        found.append(
            {
                "options": entry,
                "error": number(interval.value),
                "low": number(interval.low),
                "high": number(interval.high),
            }
        )
    return sorted(found, key=lambda record: record["error"])


def held_out_error(shared: tuple, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the fold's test part and their MSE."""
    data, folds, options = shared
    split = grouped_folds(data, folds, seed=trial.seed)[trial.fold]
    model = estimator(ANN, **options[trial.place]).fit(
        data.subset(split.train), data.subset(split.validation), trial.seed * folds + trial.fold
    )
    held = data.subset(split.test)
    return split.test, ((model.predict(held) - held.targets) ** 2).mean(axis=1)
