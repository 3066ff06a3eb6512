"""Timings of learning, as ratios against peers on the same rows in the same run, one thread each.

    python benchmarks/learning.py                         # on the shipped database
    python benchmarks/learning.py --database FOLDER --rows 1189 --folds 5

Training: the default ensemble against as many scikit-learn `MLPRegressor`s of the same hidden layers on the same
principal components, once on the shifted rows that ours draws from and once on the rows as they are; and against a
plain PyTorch loop (one network after another, one batch after another, DataLoader and torch.optim) that makes as many
steps as ours made. All are judged by the ensemble mean's MSE on the same held-out structures; seconds are CPU seconds of one
thread. Prediction: the rows of the database, repeated to `--rows`. The time of the first-principles calculation is the
one recorded for the same rows.
"""

import argparse
import dataclasses
import json
import math
import statistics
import time
import warnings

import numpy as np

from elnes_lab import open_database
from elnes_lab.learning.dataset import Dataset, InputChoice, TargetChoice, grouped_folds, usable


def timed(call, clock=time.process_time):
    """Seconds and result: CPU time of the one thread at work, which other programs on the machine do not lengthen."""
    start = clock()
    result = call()
    return clock() - start, result


def median_of(call, runs: int = 25, clock=time.perf_counter) -> float:
    """Median seconds on the wall or another clock."""
    return statistics.median(timed(call, clock)[0] for _ in range(runs))


def encoded(training, data) -> np.ndarray:
    """The principal components our network sees, (n, z)."""
    import torch

    with torch.inference_mode():
        return training.network.encode(torch.from_numpy(data.inputs), torch.from_numpy(data.scalars)).numpy()


def scikit_learn(training, train, test, shifted: bool) -> np.ndarray:
    """Mean spectra of MLPRegressors, scikit-learn's defaults but for the size; (n, m). shifted: on the rows ours draws
    from.
    """
    from sklearn.neural_network import MLPRegressor

    from elnes_lab.learning.training import shifted_rows

    hyper = training.hyper
    moved = shifted_rows(train, hyper.shift if shifted else 0.0)
    train = [dataclasses.replace(train, inputs=np.ascontiguousarray(x), targets=y) for x, y in moved]
    x, y = (np.concatenate(part) for part in ([encoded(training, t) for t in train], [t.targets for t in train]))
    held, spread = encoded(training, test), x.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning, should it reach max_iter
        found = []
        for member in range(hyper.members):
            network = MLPRegressor(hidden_layer_sizes=(hyper.width,) * hyper.depth, random_state=member, max_iter=500)
            found.append(network.fit(x / spread, y).predict(held / spread))
    return np.mean(found, axis=0)


def plain_loop(training, train, test, epochs: int, rows_per_epoch: int) -> np.ndarray:
    """Mean spectra of the same networks, each trained alone with DataLoader and torch.optim.AdamW; (n, m)."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, RandomSampler, TensorDataset

    hyper, found = training.hyper, []
    x, y = torch.from_numpy(encoded(training, train)), torch.from_numpy(train.targets)
    held = torch.from_numpy(encoded(training, test))
    for member in range(hyper.members):
        torch.manual_seed(member)
        widths = [x.shape[1], *[hyper.width] * hyper.depth]
        layers = [
            part for a, b in zip(widths, widths[1:]) for part in (nn.Linear(a, b), nn.SiLU(), nn.Dropout(hyper.dropout))
        ]
        network = nn.Sequential(*layers, nn.Linear(hyper.width, y.shape[1]), nn.Softplus())
        optimizer = torch.optim.AdamW(network.parameters(), lr=hyper.learning_rate, weight_decay=hyper.weight_decay)
        rows = TensorDataset(x, y)
        loader = DataLoader(
            rows, batch_size=hyper.batch_size, sampler=RandomSampler(rows, replacement=True, num_samples=rows_per_epoch)
        )
        for epoch in range(epochs):
            optimizer.param_groups[0]["lr"] = 0.5 * hyper.learning_rate * (1 + math.cos(math.pi * epoch / epochs))
            network.train()
            for batch, wanted in loader:
                optimizer.zero_grad()
                ((network(batch) - wanted) ** 2).mean().backward()
                optimizer.step()
        network.eval()
        with torch.no_grad():
            found.append(network(held).numpy())
    return np.mean(found, axis=0)


def training_times(data, folds: int) -> dict:
    """Seconds and mean held-out MSE of each way, over the first `folds` of five folds."""
    from elnes_lab.learning.training import ROWS_PER_EPOCH, train

    seconds, errors = {}, {}
    for number, split in enumerate(grouped_folds(data, 5)[:folds]):
        test, known = data.subset(split.test), data.subset(split.development)
        training = train(data, split, seed=number)
        took, model = timed(training.fit)
        epochs = int(training.best_epochs.max()) + training.hyper.patience + 1
        rows = len(known) * max(1, math.ceil(ROWS_PER_EPOCH / len(known)))
        for name, (spent, spectra) in {
            "ours": (took, model.predict(test).mean),
            "scikit-learn, same shifted rows": timed(lambda: scikit_learn(training, known, test, True)),
            "scikit-learn, rows as they are": timed(lambda: scikit_learn(training, known, test, False)),
            "plain PyTorch loop": timed(
                lambda: plain_loop(training, known, test, min(epochs, training.hyper.epochs), rows)
            ),
        }.items():
            seconds[name] = seconds.get(name, 0) + spent
            errors[name] = errors.get(name, 0) + float(((spectra - test.targets) ** 2).mean()) / folds
    return {
        "seconds": seconds,
        "held_out_mse": errors,
        "ratio": {name: spent / seconds["ours"] for name, spent in seconds.items()},
    }


def prediction_times(db, data, rows: int) -> dict:
    """Milliseconds for `rows` rows, from the Dataset and from the Database, and the ratio to their first-principles
    time.
    """
    from elnes_lab.learning.training import train

    model = train(data, grouped_folds(data, 5)[0], epochs=2).fit()
    tiled = data.subset(np.arange(rows) % len(data))
    database = db[np.arange(rows) % len(db)]
    ready, whole = median_of(lambda: model.predict(tiled)), median_of(lambda: model.predict(database))
    once = db.table.groupby("structure", sort=False)["ground_seconds"].first().sum()
    per_row = (float(db["seconds"].sum()) + float(once)) / len(db)
    alone = [
        median_of(call, clock=time.process_time)
        for call in (lambda: model.predict(tiled), lambda: model.predict(database))
    ]
    return {"rows": rows, "ms_from_dataset": 1e3 * ready, "ms_from_database": 1e3 * whole,
            "cpu_ms_from_dataset": 1e3 * alone[0], "cpu_ms_from_database": 1e3 * alone[1],
            "first_principles_core_seconds_per_spectrum": per_row, "ratio_to_first_principles": per_row * rows / whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default=None, help="file or folder; default: the shipped one")
    parser.add_argument("--rows", type=int, default=1189, help="rows to predict")
    parser.add_argument("--folds", type=int, default=5, help="of five, to train on")
    arguments = parser.parse_args()
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    # torch.optim imports torch's compiler at its first step, scikit-learn itself when first used: not part of training.
    import sklearn.neural_network  # noqa: F401
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))]).step()
    db = open_database(arguments.database)
    choice, target = InputChoice(), TargetChoice()
    db = db[usable(db, choice, target)[0]]
    data = Dataset.from_database(db, choice, target)
    with threadpool_limits(1):
        report = {
            "rows": len(data),
            "crystals": int((data.kinds == "crystal").sum()),
            "groups": len(set(data.groups)),
            "prediction": prediction_times(db, data, arguments.rows),
            "training": training_times(data, arguments.folds),
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
