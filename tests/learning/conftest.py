"""A made-up dataset with a known relation between PDOS and spectrum, and a small trained model of it; the real one."""

import numpy as np
import pytest

from elnes_lab.learning.dataset import Dataset, InputChoice, TargetChoice, make_split, usable

INPUT = InputChoice(
    window=(0.0, 8.9), alignment="vbm", step=0.3, broadening=0.0, channels=("O s", "O p"), scalars=("band_gap",)
)
TARGET = TargetChoice(window=(0.0, 11.9), alignment="vbm", step=0.3)


@pytest.fixture(scope="session")
def made_up():
    """Function of (structures, seed): rows in pairs per structure; targets are a convex, non-linear map of two peaks
    and the gap.
    """

    def make(structures: int = 24, seed: int = 0, amorphous: int = 0) -> Dataset:
        random = np.random.default_rng(seed)
        n = 2 * (structures + amorphous)
        energy, target_energy = 0.1 + 0.3 * np.arange(INPUT.bins), 0.1 + 0.3 * np.arange(TARGET.bins)
        position = np.repeat(random.uniform(2.5, 6.0, n // 2), 2) + random.normal(0, 0.1, n)
        height, gap = random.uniform(0.5, 1.5, n), random.uniform(4, 6, n)
        bump = lambda axis, at, width: np.exp(-0.5 * ((axis - at[:, None]) / width) ** 2)
        inputs = np.stack([height[:, None] * bump(energy, position, 0.8), bump(energy, position + 1.5, 1.2)], 1)
        targets = (0.2 + 0.3 * height**2)[:, None] * bump(target_energy, position + gap - 4, 0.9) + bump(
            target_energy, position + 3, 1.5
        )
        scale = targets.mean(1)
        names = np.array([f"s{i // 2}" for i in range(n)], dtype=object)
        kinds = np.array(["crystal"] * (2 * structures) + ["amorphous"] * (2 * amorphous), dtype=object)
        return Dataset(
            inputs.astype(np.float32),
            gap[:, None].astype(np.float32),
            (targets / scale[:, None]).astype(np.float32),
            energy,
            target_energy,
            np.array([f"{s}/O{i}" for i, s in enumerate(names)], dtype=object),
            names,
            kinds,
            names,
            scale,
            INPUT,
            TARGET,
            "0" * 64,
        )

    return make


@pytest.fixture(scope="session")
def small_model(made_up):
    """(model, dataset, split): an ensemble of five after a few epochs; do not change it."""
    from elnes_lab.learning.training import train

    data = made_up()
    split = make_split(data, seed=0)
    return train(data, split, members=5, width=16, depth=1, epochs=12, shift=0.3).fit(), data, split


@pytest.fixture(scope="session")
def rows(shipped):
    """The rows of the shipped database that the default choices can be made from."""
    return shipped[usable(shipped, InputChoice(scalars=("band_gap",)), TargetChoice())[0]]


@pytest.fixture(scope="session")
def real(rows):
    """Default dataset of the shipped database, with the gap."""
    return Dataset.from_database(rows, InputChoice(scalars=("band_gap",)))
