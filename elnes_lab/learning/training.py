"""Training, one record per epoch, to be watched and stopped at any time.

>>> training = train(dataset, split, members=5, seed=1)
>>> for record in training:
...     print(record.epoch, record.validation_loss)
>>> model = training.model                                  # best weights so far, whether or not it ran to the end
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Iterator

import numpy as np
import torch

from ..errors import DataError
from ..schema import ENERGY_STEP
from .dataset import Dataset
from .epoch import EpochRecord, Watched
from .hyper import Hyper
from .linear import ridge
from .model import Model
from .network import fitted
from .splits import Split, deal

SHIFTS_OF_RIDGE = 7  # of those that the rows are trained with, evenly spread
ROWS_OF_RIDGE = 2000  # with all their shifts; where there are more rows, fewer shifts, but 3 at least
ROWS_PER_EPOCH = 256  # drawn at least, each with its own shift, however few there are


def train(dataset: Dataset, split: Split, *, seed: int = 0, deterministic: bool = True, **hyper) -> Training:
    """A Training to iterate over; keyword arguments are those of `Hyper`. Nothing is trained before the first step."""
    return Training(dataset, split, seed=seed, deterministic=deterministic, **hyper)


class Training(Watched):
    """An iterator of EpochRecord; `close` ends it, `model` is the Model with the best weights so far.

    One member trains on split.train and stops by split.validation. An ensemble deals the groups of both into `parts`;
    each member leaves one part out, stops by it, and calibrates the interval on it. So all of the rows are used, each
    is predicted by members that never saw its structure, and test and amorphous rows play no part. deterministic: one
    thread, so that the same seed gives the same weights on one machine; else torch's threads are left as they are.
    Raises DataError, before any work, for rows without target, undefined values, no row or structure to hold out.
    """

    def __init__(self, dataset: Dataset, split: Split, *, seed: int = 0, deterministic: bool = True, **hyper):
        self.hyper, self.seed, self.deterministic = Hyper.of(hyper), int(seed), deterministic
        if dataset.targets.shape[1] == 0:
            raise DataError("The dataset has no target to learn. Make it with a TargetChoice.")
        rows = np.sort(split.development)
        self.data = dataset.subset(rows)
        for what, values in (
            ("inputs", self.data.inputs),
            ("scalars", self.data.scalars),
            ("targets", self.data.targets),
        ):
            bad = ~np.isfinite(values.reshape(len(rows), -1)).all(1)
            if bad.any():
                raise DataError(
                    f"The {what} of {', '.join(self.data.sites[bad][:4])} are undefined. Leave those rows out."
                )
        self.held_out = self.held_out_rows(np.isin(rows, split.validation))
        if not (self.held_out.any(1).all() and (~self.held_out).any(1).all()):
            raise DataError(
                "There is nothing to train on or nothing to validate on. Choose a split with rows in both parts, of at "
                "least two different structures."
            )
        self.split_structures = {
            part: sorted(set(map(str, dataset.structures[getattr(split, part)])))
            for part in ("train", "validation", "test", "amorphous")
        }
        self.best_epochs = np.zeros(self.hyper.members, int)
        self.best = np.full(self.hyper.members, np.inf)
        self.network = self.best_weights = None
        self.records = self.run()

    def held_out_rows(self, validation: np.ndarray) -> np.ndarray:
        """Mask (k, n) of the rows that each member must not see."""
        members = self.hyper.members
        if members == 1:
            return validation[None]
        parts = min(self.hyper.parts, len(set(self.data.groups)))
        random = np.random.default_rng([self.seed, 1])
        masks = []
        while len(masks) < members:  # every round deals anew
            number = deal(self.data.groups, parts, random)
            masks += [number == part for part in range(parts)] if parts > 1 else [np.zeros(len(number), bool)]
        return np.array(masks[:members])

    @property
    def epochs(self) -> int:
        """Number of records at most."""
        return self.hyper.epochs if self.hyper.kind != "linear" else 1

    @property
    def model(self) -> Model:
        """The Model with each member's best weights so far, calibrated on what each member left out.

        Before the first epoch these are the weights that training starts from: the ridge regression."""
        if self.network is None:
            with self.threads():
                self.prepare()
        network = copy.deepcopy(self.network)
        network.load_state_dict({**network.state_dict(), **self.best_weights})
        return Model.calibrated(
            network.eval(),
            self.data,
            self.held_out,
            facts={
                "seed": self.seed,
                "deterministic": self.deterministic,
                "split": self.split_structures,
                "best_epochs": self.best_epochs.tolist(),
                "validation_loss": [float(x) for x in self.best],
            },
        )

    @contextlib.contextmanager
    def threads(self):
        """One torch thread while deterministic work runs; the setting is the caller's again between epochs."""
        before = torch.get_num_threads()
        if self.deterministic:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def prepare(self) -> None:
        """Scales, components, ridge regressions, and the encoded rows for every shift: encoded (shift, n, z), wanted
        (shift, n, r).
        """
        data, hyper = self.data, self.hyper
        shifted = list(shifted_rows(data, hyper.shift))
        self.network = fitted(hyper, data, self.seed, np.concatenate([y for _, y in shifted]))
        scalars = torch.from_numpy(data.scalars)
        with torch.no_grad():
            self.encoded = torch.stack(
                [self.network.encode(torch.from_numpy(np.ascontiguousarray(x)), scalars) for x, _ in shifted]
            )
            y = torch.stack([torch.from_numpy(np.ascontiguousarray(y)) for _, y in shifted]) / self.network.output_scale
            y = y - self.network.target_mean
            self.wanted = y @ self.network.target_components.T
            lost = ((y - self.wanted @ self.network.target_components) ** 2).sum(2).mean()
        unit = float(self.network.output_scale) ** 2 / data.targets.shape[1]
        self.to_mse = lambda square: (square + float(lost)) * unit
        self.start()
        self.best_weights = {name: p.detach().clone() for name, p in self.network.named_parameters()}

    def start(self) -> None:
        """Each member's ridge regression on its own shifted rows; its mean spectrum if the network has no skip
        connection.
        """
        count = min(SHIFTS_OF_RIDGE, max(3, ROWS_OF_RIDGE // len(self.data)))
        shifts = np.unique(np.linspace(0, len(self.encoded) - 1, count).round().astype(int))
        x = np.stack([self.network.linear_inputs(self.encoded[i]).numpy() for i in shifts])
        y, groups = self.wanted[shifts].numpy(), np.tile(self.data.groups, (len(shifts), 1))
        for k, held in enumerate(self.held_out):
            if self.hyper.skip:
                weight, offset, _ = ridge(
                    np.concatenate(x[:, ~held]), np.concatenate(y[:, ~held]), groups[:, ~held].ravel()
                )
                self.network.skip_weight[k] = torch.from_numpy(weight)
            else:
                offset = y[:, ~held].mean((0, 1))
            self.network.skip_offset[k] = torch.from_numpy(np.asarray(offset))

    def run(self) -> Iterator[EpochRecord]:
        begin = time.perf_counter()
        hyper = self.hyper
        with self.threads():
            self.prepare()
            random = torch.Generator().manual_seed(self.seed + 1)
            trained = torch.from_numpy(~self.held_out).float()
            trained *= len(self.data) / trained.sum(1, keepdim=True)
            optimizer = AdamW(list(self.network.parameters()), hyper.weight_decay)
            self.noise = torch.empty(2**20).bernoulli_(1 - hyper.dropout, generator=random).div_(1 - hyper.dropout)
        for epoch in range(self.epochs):
            rate = 0.5 * hyper.learning_rate * (1 + math.cos(math.pi * epoch / hyper.epochs))
            with self.threads():
                train_loss = self.one_epoch(optimizer, rate, trained, random)
                validation = self.validate()
            better = validation < self.best
            self.best[better], self.best_epochs[better] = validation[better], epoch
            chosen = torch.from_numpy(better)
            for name, parameter in self.network.named_parameters():
                if chosen.any():
                    self.per_member(self.best_weights[name])[chosen] = self.per_member(parameter.detach())[chosen]
            yield EpochRecord(
                epoch,
                self.to_mse(train_loss),
                float(validation.mean()),
                float(self.best.mean()),
                int(self.best_epochs.max()),
                time.perf_counter() - begin,
                rate,
            )
            if epoch - self.best_epochs.max() >= hyper.patience:
                return

    def per_member(self, parameter: torch.Tensor) -> torch.Tensor:
        """A view whose first axis is the member (filters of a convolution are stored side by side)."""
        return parameter.view(self.hyper.members, -1)

    def one_epoch(self, optimizer: AdamW, rate: float, trained: torch.Tensor, random: torch.Generator) -> float:
        """Steps over all rows in random order, each with a random shift and fresh dropout; mean squared error in
        coefficients.
        """
        shifts, rows = self.encoded.shape[:2]
        rounds = max(1, math.ceil(ROWS_PER_EPOCH / rows))
        order = torch.cat([torch.randperm(rows, generator=random) for _ in range(rounds)])
        total, seen = 0.0, 0
        for batch in order.split(self.hyper.batch_size):
            shift = torch.randint(shifts, (len(batch),), generator=random)
            masks = (
                [self.mask(units, len(batch), random) for units in self.network.hidden_units()]
                if self.hyper.dropout
                else None
            )
            error = self.network.coefficients(self.encoded[shift, batch], masks) - self.wanted[shift, batch]
            error = (error * error).sum(2) * trained[:, batch]
            loss = error.sum() / len(batch)  # summed over members: each has its own gradient, whatever their number
            if loss.requires_grad:
                optimizer.step(loss, rate)
            total, seen = total + float(loss.detach()) * len(batch), seen + len(batch)
        return total / seen / self.hyper.members

    def mask(self, units: int, rows: int, random: torch.Generator) -> torch.Tensor:
        """Dropout mask (k, rows, units), scaled so that the mean stays: a random stretch of random numbers drawn once,
        because drawing takes longer than the rest of a step. Masks too large for that are drawn.
        """
        shape, size = (self.hyper.members, rows, units), self.hyper.members * rows * units
        if size > len(self.noise) // 2:
            return torch.empty(shape).bernoulli_(1 - self.hyper.dropout, generator=random).div_(1 - self.hyper.dropout)
        start = int(torch.randint(len(self.noise) - size, (), generator=random))
        return self.noise[start : start + size].view(shape)

    @torch.no_grad()
    def validate(self) -> np.ndarray:
        """Mean squared error of each member on the rows it left out, unshifted, (k,)."""
        middle = len(self.encoded) // 2
        error = ((self.network.coefficients(self.encoded[middle]) - self.wanted[middle]) ** 2).sum(2).numpy()
        return self.to_mse((error * self.held_out).sum(1) / self.held_out.sum(1))


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101) on all parameters as one vector.

    torch.optim imports torch's compiler at its first step: 3 seconds, longer than the training.
    """

    BETA_1, BETA_2, SMALL = 0.9, 0.99, 1e-8

    def __init__(self, parameters: list, weight_decay: float):
        """Moves the parameters' storage into one vector; they stay the same objects."""
        self.parameters, self.weight_decay, self.steps = parameters, weight_decay, 0
        self.values = torch.cat([p.detach().reshape(-1) for p in parameters]) if parameters else torch.empty(0)
        start = 0
        for p in parameters:
            p.data = self.values[start : start + p.numel()].view(p.shape)
            start += p.numel()
        self.mean, self.square = torch.zeros_like(self.values), torch.zeros_like(self.values)

    @torch.no_grad()
    def step(self, loss: torch.Tensor, rate: float) -> None:
        """One step down the gradient of the loss."""
        gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, self.parameters)])
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self.BETA_1)
        self.square.mul_(self.BETA_2).addcmul_(gradient, gradient, value=1 - self.BETA_2)
        unbiased = (1 - self.BETA_2**self.steps) ** 0.5
        self.values.mul_(1 - rate * self.weight_decay).addcdiv_(
            self.mean,
            self.square.sqrt().add_(self.SMALL * unbiased),
            value=-rate * unbiased / (1 - self.BETA_1**self.steps),
        )


def shifted_rows(data: Dataset, largest: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs (n, c, b) and targets (n, m) moved up together by every common multiple of both steps within +-largest eV,
    the unmoved ones in the middle; the end value stands in at the ends. Both curves keep their relation when the zero
    of energy moves by a little, which is what a rigid shift of one structure's potential does.
    """
    a, b = data.choice.points, data.target.points
    unit = math.lcm(a, b)
    count = int(largest / (unit * ENERGY_STEP) + 1e-6)
    curves = data.targets.reshape(len(data), data.target.curves, -1)
    for step in range(-count, count + 1):
        x = np.clip(np.arange(data.inputs.shape[2]) - step * unit // a, 0, data.inputs.shape[2] - 1)
        y = np.clip(np.arange(curves.shape[2]) - step * unit // b, 0, curves.shape[2] - 1)
        yield data.inputs[..., x], curves[..., y].reshape(len(data), -1)
