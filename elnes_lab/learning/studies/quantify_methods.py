"""Other ways from a spectrum to structure, on the folds, the copies and the inputs of the quantifier, to compare with.

A method is a function (inputs (rows, k), targets (rows, properties) standardized, random) -> function of inputs (n, k).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..quantification.instrument import COUNTS, TRAINED_COUNTS, Conditions
from ..quantification.model import inputs_of, kernel
from ..quantification.training import Sites, copies_of, solved

RIDGE = 3e-3  # of the linear model: share of the variance of an input
TREES, LEAF, SHARE = 60, 3, 0.3
WIDTH, DROPOUT, DECAY, RATE, EPOCHS, BATCH = 48, 0.1, 3e-2, 6e-3, 20, 128


class Pool(NamedTuple):
    """Spectra recorded for training and testing: inputs (copies, n, k) with the place last; copy 0 is as stored."""

    train: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, sites: Sites, scale: float, random: np.random.Generator, tests: int = 3) -> Pool:
        """Copies as for the quantifier and tests, drawn over the whole range of conditions, besides the spectra as stored."""
        copies = copies_of(len(sites.zero))

        def recorded(number, counts):
            every = [sites.recorded(Conditions.constant(len(sites.zero)))]
            every += [sites.recorded(Conditions.drawn(len(sites.zero), random, counts), random) for _ in range(number)]
            return np.stack([inputs_of(features, place, scale) for features, place in every])

        return cls(recorded(copies, TRAINED_COUNTS), recorded(tests, COUNTS))


def cross_validated(
    method,
    pool: Pool,
    values,
    fold,
    random,
    columns=slice(None),
) -> np.ndarray:
    """What a method says of the test spectra of each fold, trained on the others: (1 + tests, n, properties).

    columns: of the inputs, that the method may see."""
    found = np.zeros((len(pool.test), *values.shape))
    for k in np.unique(fold):
        inside, outside = fold != k, fold == k
        mean, deviation = values[inside].mean(0), values[inside].std(0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        inputs = pool.train[:, inside][..., columns]
        targets = np.tile((values[inside] - mean) / deviation, (len(inputs), 1))
        answer = method(inputs.reshape(len(targets), -1), targets, random)
        for i in range(len(pool.test)):
            found[i, outside] = answer(pool.test[i, outside][:, columns]) * deviation + mean
    return found


def mean_predictor(inputs, targets, random):
    """The mean of the training sites, whatever the spectrum."""
    return lambda x: np.zeros((len(x), targets.shape[1]))


def ridge(inputs, targets, random):
    """A linear model."""
    centre = inputs.mean(0)
    x = inputs - centre
    matrix = x.T @ x + RIDGE * np.trace(x.T @ x) / x.shape[1] * np.eye(x.shape[1])
    weights = np.linalg.solve(matrix, x.T @ targets)
    return lambda new: (new - centre) @ weights


def forest(inputs, targets, random):
    """Extremely randomized trees, all properties at once."""
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(
        TREES, max_features=SHARE, min_samples_leaf=LEAF, random_state=int(random.integers(2**31))
    )
    return trees.fit(inputs, targets).predict


def kernel_ridge(inputs, targets, random):
    """The shipped model's regression."""
    weights = solved(kernel(inputs, inputs), targets)
    return lambda x: kernel(x, inputs) @ weights


def network(inputs, targets, random):
    """One network for all properties; as many of them, to average, as there are properties."""
    return networks(inputs, targets, random, np.ones((targets.shape[1], 1, targets.shape[1])))


def network_each(inputs, targets, random):
    """A network for each property."""
    return networks(inputs, targets, random, np.eye(targets.shape[1])[:, None])


def networks(inputs, targets, random, counts):
    """Networks of two hidden layers with dropout, trained as one: counts (networks, 1, properties) says which properties
    each learns; the answer is their mean over those that learn a property."""
    import torch

    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    centre, scale = inputs.mean(0), np.sqrt(inputs.var(0).mean())
    x, y = (torch.from_numpy(np.asarray(a, np.float32)) for a in ((inputs - centre) / scale, targets))
    counted = torch.from_numpy(counts.astype(np.float32))
    sizes = [x.shape[1], WIDTH, WIDTH, y.shape[1]]
    weights = [
        (torch.randn(len(counts), a, b, generator=generator) / a**0.5).requires_grad_()
        for a, b in zip(sizes, sizes[1:])
    ]
    biases = [torch.zeros(len(counts), 1, b).requires_grad_() for b in sizes[1:]]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": DECAY}, {"params": biases, "weight_decay": 0.0}], lr=RATE
    )
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)

    def forward(value, train):
        value = value.expand(len(counts), *value.shape)
        for i, (weight, bias) in enumerate(zip(weights, biases)):
            if i:
                value = torch.tanh(value)
                if train:
                    value = value * (torch.rand(value.shape, generator=generator) > DROPOUT) / (1 - DROPOUT)
            value = value @ weight + bias
        return value

    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            loss = (
                torch.nn.functional.smooth_l1_loss(
                    forward(x[rows], True), y[rows].expand(len(counts), -1, -1), reduction="none", beta=0.5
                )
                * counted
            )
            optimizer.zero_grad()
            (loss.sum() / len(rows)).backward()
            optimizer.step()
            schedule.step()

    def answer(new):
        with torch.no_grad():
            out = forward(torch.from_numpy(np.asarray((new - centre) / scale, np.float32)), False) * counted
        return (out.sum(0) / counted.sum(0)).numpy().astype(float)

    return answer


METHODS = {
    "mean of the training sites": mean_predictor,
    "ridge": ridge,
    "forest": forest,
    "network, all properties": network,
    "networks, one a property": network_each,
    "kernel ridge (shipped)": kernel_ridge,
}
