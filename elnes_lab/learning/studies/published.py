"""The band-gap question in the manner of the published work, and the same network with other zeros of energy.

Kiyohara, Tsubaki and Mizoguchi, npj Comput. Mater. 6, 68 (2020): a plain feed-forward network from the ground-state
PDOS to the spectrum, both on an axis from the valence-band maximum, and the gap as one more input. Here: no principal
components, no ridge regression below, no shifted rows, one network. Channels, layer sizes (two of 100 units), rate, epochs and
batches are this study's own choice, not taken from the paper.
"""

import dataclasses
from typing import NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np

from ..baselines import Features, joined
from ..dataset import Dataset, InputChoice, TargetChoice, grouped_folds, usable
from .evaluation import VARIANTS, number
from .gap import ALIGNMENTS, verdict
from .scaling import run
from .significance import bootstrap, paired_test

HIDDEN = (100, 100)
RATE, EPOCHS, BATCH = 1e-3, 200, 32
NETWORK = (
    f"one plain network on the scaled bins, {' and '.join(map(str, HIDDEN))} hidden units, ReLU, Adam at "
    f"{RATE:g}, {EPOCHS} epochs of batches of {BATCH}, no early stopping, O s and O p PDOS as input"
)
SETTINGS = ("both at the valence band", "PDOS at its edge, ELNES at the valence band", "both at their edges")
CHANNELS = ("O s", "O p")


class Task(NamedTuple):
    setting: str
    inputs: str
    seed: int
    fold: int


def study(
    db,
    *,
    seeds: int = 2,
    folds: int = 5,
    settings=SETTINGS,
    workers=None,
    scheduler=None,
    report=None,
) -> dict:
    """Error with and without the gap, one record per setting and group, JSON types: medians, means, geometric mean of the
    ratio of errors with its 95 % bootstrap interval, p of Wilcoxon's test."""
    datasets = {}
    for setting in settings:
        (zero, window), (target_zero, target_window) = ALIGNMENTS[setting]
        target = dataclasses.replace(TargetChoice(), alignment=target_zero, window=target_window)
        variants = {
            name: dataclasses.replace(InputChoice(), channels=CHANNELS, alignment=zero, window=window, scalars=scalars)
            for name, scalars in VARIANTS.items()
        }
        rows = db[np.logical_and.reduce([usable(db, variant, target)[0] for variant in variants.values()])]
        for name, variant in variants.items():
            datasets[setting, name] = Dataset.from_database(rows, variant, target)
    tasks = [Task(*key, seed, fold) for key in datasets for seed in range(seeds) for fold in range(folds)]
    parts = run(fit_plain, (datasets, folds), tasks, workers=workers, scheduler=scheduler, report=report)
    records = []
    for setting in settings:
        without, with_gap = (
            np.nanmean([part for part, task in zip(parts, tasks) if task[:2] == (setting, name)], axis=0)
            for name in VARIANTS
        )
        data = datasets[setting, next(iter(VARIANTS))]
        for group in dict.fromkeys(data.kinds):
            of = np.asarray(data.kinds == group)
            ratio = bootstrap(np.log(with_gap[of] / without[of]), data.groups[of], np.mean)
            records.append(
                {
                    "setting": setting,
                    "group": str(group),
                    "n": int(of.sum()),
                    "structures": len(set(map(str, data.groups[of]))),
                    **{
                        f"{word}_{name}": number(value(mse[of]))
                        for word, value in (("median", np.median), ("mean", np.mean))
                        for name, mse in (("without", without), ("with", with_gap))
                    },
                    "ratio": number(np.exp(ratio.value)),
                    "ratio_low": number(np.exp(ratio.low)),
                    "ratio_high": number(np.exp(ratio.high)),
                    "over": ratio.unit,
                    "verdict": verdict(ratio.low, ratio.high),
                    "p": number(paired_test(with_gap[of], without[of], data.groups[of]).p),
                }
            )
    return {"seeds": seeds, "folds": folds, "network": NETWORK, "records": records}


def fit_plain(shared: tuple, task: Task) -> np.ndarray:
    """MSE (n,) of every row held out in one fold, NaN elsewhere."""
    datasets, folds = shared
    data = datasets[task.setting, task.inputs]
    split = grouped_folds(data, folds, seed=task.seed)[task.fold]
    held, mse = np.concatenate([split.test, split.amorphous]), np.full(len(data), np.nan)
    known = joined(data.subset(split.train), data.subset(split.validation))
    scaled = Features(known)
    predicted = plain_network(scaled(known), known.targets, scaled(data.subset(held)), task.seed * folds + task.fold)
    mse[held] = ((predicted - data.targets[held]) ** 2).mean(1)
    return mse


def plain_network(
    x,
    y,
    held,
    seed: int,
    hidden=HIDDEN,
    epochs: int = EPOCHS,
) -> np.ndarray:
    """Predictions (k, m) for held (k, f) of a network fitted to x (n, f), y (n, m)."""
    from sklearn.neural_network import MLPRegressor

    network = MLPRegressor(
        hidden_layer_sizes=hidden,
        learning_rate_init=RATE,
        batch_size=min(BATCH, len(x)),
        max_iter=epochs,
        alpha=0,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    with catch_warnings():
        simplefilter("ignore")  # ConvergenceWarning: the number of epochs is part of the setting
        network.fit(x, y)
    return np.maximum(network.predict(held), 0)
