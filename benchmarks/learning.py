"""Timings of learning, as ratios against peers on the same rows in the same run, one thread each.

    python benchmarks/learning.py                         # on the shipped database
    python benchmarks/learning.py --database FOLDER --rows 1189 --folds 5

Training: the default networks against as many scikit-learn `MLPRegressor`s of the same hidden layers on the same
principal components, at the settings that suit few rows best (L-BFGS, alpha 1); against kernel ridge with its search of
hyper-parameters; against XANESNET's multilayer perceptron at its documented settings; and against a plain PyTorch loop (one
network after another, one batch after another, torch.optim) that makes as many steps as ours made, with DataLoader and
without. All are judged by the MSE on the same held-out structures; seconds are CPU seconds of one thread. Prediction: the
rows of the database, repeated to `--rows`. First principles: as recorded for the same rows; the gain counts the ground
state, which the prediction needs too.
"""

import argparse
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


def scikit_learn(training, train, test) -> np.ndarray:
    """Mean spectra of MLPRegressors at their best on few rows (L-BFGS, alpha 1) of the same hidden layers, on the same
    principal components; (n, m)."""
    from sklearn.neural_network import MLPRegressor

    hyper, x, held, found = training.hyper, encoded(training, train), encoded(training, test), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning, should it reach max_iter
        for member in range(hyper.members):
            network = MLPRegressor(
                hidden_layer_sizes=(hyper.width,) * hyper.depth,
                solver="lbfgs",
                alpha=1.0,
                random_state=member,
                max_iter=500,
            )
            found.append(network.fit(x / x.std(), train.targets).predict(held / x.std()))
    return np.mean(found, axis=0)


def kernel_ridge(train, validation, test, seed: int) -> np.ndarray:
    """Spectra of kernel ridge with its own search of hyper-parameters on training structures, (n, m)."""
    from elnes_lab.learning.estimators import estimator

    return estimator("kernel ridge").fit(train, validation, seed).predict(test)


# XANESNET's multilayer perceptron as its documentation sets it: five layers, of which the first has 512 units and each
# next half as many, PReLU, dropout 0.2, Adam at 1e-4, batches of 64, L2 0.001 in the loss, Xavier weights, zero biases.
XANESNET = {"layers": 5, "units": 512, "shrink": 0.5, "dropout": 0.2, "rate": 1e-4, "batch": 64, "l2": 1e-3}
XANESNET_EPOCHS = 500


def xanesnet(train, test, seed: int) -> np.ndarray:
    """Spectra of one such network on the PDOS as it is (each channel scaled), (n, m)."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    from elnes_lab.learning.baselines import Features

    torch.manual_seed(seed)
    scaled, o = Features(train), XANESNET
    x, held = (torch.from_numpy(scaled(data).astype(np.float32)) for data in (train, test))
    widths = [x.shape[1], *(int(o["units"] * o["shrink"] ** k) for k in range(o["layers"] - 1))]
    parts = [p for a, b in zip(widths, widths[1:]) for p in (nn.Linear(a, b), nn.Dropout(o["dropout"]), nn.PReLU())]
    network = nn.Sequential(*parts, nn.Linear(widths[-1], train.targets.shape[1]))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(network.parameters(), lr=o["rate"])
    loader = DataLoader(TensorDataset(x, torch.from_numpy(train.targets)), batch_size=o["batch"], shuffle=True)
    for _ in range(XANESNET_EPOCHS):
        for batch, wanted in loader:
            optimizer.zero_grad()
            weights = sum((p**2).sum() for p in network.parameters())
            (((network(batch) - wanted) ** 2).mean() + o["l2"] * weights.sqrt()).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        return network(held).numpy()


def plain_loop(
    training,
    train,
    test,
    epochs: int,
    rows_per_epoch: int,
    loading: bool,
) -> np.ndarray:
    """Mean spectra of the same networks, each trained alone with torch.optim.AdamW; (n, m). loading: batches from a
    DataLoader, else by indices drawn at once."""
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
            drawn = torch.randint(len(x), (rows_per_epoch,)).split(hyper.batch_size)
            for batch, wanted in loader if loading else ((x[rows_], y[rows_]) for rows_ in drawn):
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
            "scikit-learn, L-BFGS, alpha 1": timed(lambda: scikit_learn(training, known, test)),
            "kernel ridge": timed(
                lambda: kernel_ridge(data.subset(split.train), data.subset(split.validation), test, number)
            ),
            "XANESNET's architecture": timed(lambda: xanesnet(known, test, number)),
            **{
                f"plain PyTorch loop{words}": timed(
                    lambda: plain_loop(training, known, test, min(epochs, training.hyper.epochs), rows, loading)
                )
                for words, loading in ((" with DataLoader", True), (" without", False))
            },
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
    ground, corehole = float(once) / len(db), float(db["seconds"].sum()) / len(db)
    alone = [
        median_of(call, clock=time.process_time)
        for call in (lambda: model.predict(tiled), lambda: model.predict(database))
    ]
    return {
        "rows": rows,
        "ms_from_dataset": 1e3 * ready,
        "ms_from_database": 1e3 * whole,
        "cpu_ms_from_dataset": 1e3 * alone[0],
        "cpu_ms_from_database": 1e3 * alone[1],
        "ground_state_core_seconds_per_spectrum": ground,
        "core_hole_core_seconds_per_spectrum": corehole,
        # The input of a prediction is a ground state, which has to be computed as well.
        "gain_over_first_principles": (ground + corehole) / (ground + whole / rows),
    }


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
