"""How the error falls with the number of structures to learn from, and what that promises for as many spectra as the
database is planned to hold.

>>> study_curve(db, seeds=2)["models"][0]["planned"]
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from ..dataset import Dataset, InputChoice, grouped_folds, usable
from ..estimators import DIRECTED, estimator
from .evaluation import number
from .scaling import run

MODELS = ("directed kernel", "kernel ridge")
SHARES = (0.2, 0.35, 0.6, 1.0)  # of the groups to train on
LEAST = 6  # groups that a model is fitted to
DRAWS = 500


class Task(NamedTuple):
    model: str
    share: float
    seed: int
    fold: int


def study_curve(
    db,
    *,
    seeds: int = 2,
    folds: int = 5,
    models=MODELS,
    shares=SHARES,
    workers=None,
    scheduler=None,
    report=None,
) -> dict:
    """Held-out error by net against the number of training structures, JSON types.

    Each fold's training groups are thinned to a share of them, groups drawn at random, the same for all models. models:
    one record each, with points (share, groups and spectra trained on, mean and median MSE of held-out crystals and of
    the glass) and the power law through the mean errors (`power_law`). Raises DataError as `evaluate` does.
    """
    choice = dataclasses.replace(InputChoice(), directed=any(name in DIRECTED for name in models))
    data = Dataset.from_database(db[usable(db, choice)[0]], choice)
    tasks = [
        Task(model, share, seed, fold)
        for model in models
        for share in shares
        for seed in range(seeds)
        for fold in range(folds)
    ]
    parts = run(fit_share, (data, folds), tasks, workers=workers, scheduler=scheduler, report=report)
    crystals, found = np.asarray(data.kinds == "crystal"), []
    for model in models:
        points, errors = [], []
        for share in shares:
            mine = [part for part, task in zip(parts, tasks) if (task.model, task.share) == (model, share)]
            each = np.nanmean([mse for _, _, mse in mine], axis=0)
            of, glass = each[crystals], each[~crystals]
            errors.append(of)
            points.append(
                {
                    "share": share,
                    "groups": number(np.mean([g for g, _, _ in mine])),
                    "spectra": number(np.mean([n for _, n, _ in mine])),
                    "mse_mean": number(of.mean()),
                    "mse_median": number(np.median(of)),
                    "amorphous_median": number(np.median(glass)) if len(glass) else None,
                }
            )
        law = power_law([p["spectra"] for p in points], np.array(errors), data.groups[crystals], db.planned)
        found.append({"model": model, "points": points, **law})
    return {"seeds": seeds, "folds": folds, "planned": db.planned, "models": found}


def fit_share(shared: tuple, task: Task) -> tuple[int, int, np.ndarray]:
    """Groups and spectra trained on, and the MSE (n,) of every row held out, NaN elsewhere."""
    data, folds = shared
    split = grouped_folds(data, folds, seed=task.seed)[task.fold]
    names = np.unique(np.asarray(data.groups[split.development], str))
    count = min(max(LEAST, round(task.share * len(names))), len(names))
    kept = np.random.default_rng([task.seed, task.fold]).permutation(names)[:count]  # smaller shares lie in larger ones
    train, validation = (
        rows[np.isin(np.asarray(data.groups[rows], str), kept)] for rows in (split.train, split.validation)
    )
    model = estimator(task.model).fit(data.subset(train), data.subset(validation), task.seed)
    held, mse = np.concatenate([split.test, split.amorphous]), np.full(len(data), np.nan)
    mse[held] = ((model.predict(data.subset(held)) - data.targets[held]) ** 2).mean(1)
    return count, len(train) + len(validation), mse


def power_law(spectra, errors: np.ndarray, groups, planned: int, draws: int = DRAWS) -> dict:
    """Exponent b of error = a n^-b through the mean errors at n spectra (k,), and the error at `planned` spectra, each
    with its 95 % bootstrap interval over groups of the held-out rows (errors (k, n), groups (n,)).

    The intervals hold what other test structures would change, not whether the law goes on.
    """
    logs = np.log(np.asarray(spectra, float))
    _, codes = np.unique(np.asarray(groups, str), return_inverse=True)
    sums = np.stack([np.bincount(codes, row) for row in np.asarray(errors, float)])
    counts = np.bincount(codes).astype(float)

    def fit(weight):
        slope, start = np.polyfit(logs, np.log((sums @ weight) / (counts @ weight)), 1)
        return -slope, np.exp(start + slope * np.log(planned)) if planned else np.nan

    random, size = np.random.default_rng(0), len(counts)
    drawn = np.array([fit(np.bincount(random.integers(size, size=size), minlength=size)) for _ in range(draws)])
    value, (low, high) = fit(np.ones(size)), np.quantile(drawn, [0.025, 0.975], axis=0)
    return {
        "exponent": [number(x) for x in (value[0], low[0], high[0])],
        "at_planned": [number(x) for x in (value[1], low[1], high[1])],
    }
