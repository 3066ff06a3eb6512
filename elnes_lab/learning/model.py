"""A trained model as a user holds it: predicts spectra with intervals, from a database or a dataset.

>>> prediction = model.predict(db)
>>> prediction.mean, prediction.lower, prediction.energy
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from ..errors import DataError
from .choices import InputChoice, TargetChoice
from .dataset import Dataset, taken
from .intervals import around, check_level, half_widths
from .network import Network

ROWS_AT_ONCE = 512  # their hidden units stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Prediction:
    """Spectra of n sites: mean (n, m) over members, members (k, n, m), lower and upper (n, m) or None, all in the
    target's unit (mean 1, or bohr^2/eV); energy (m,) bin centres in eV (of one curve: m = 3 * energies with "xyz");
    sites (n,). level: the probability that lower to upper stands for, of each energy by itself.
    """

    mean: np.ndarray
    members: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    energy: np.ndarray
    sites: np.ndarray
    level: float


@dataclass(frozen=True, eq=False)
class Model:
    """Network, choices and calibration. widths (level, m): half widths of the intervals for `intervals.LEVELS`, or
    None.

    facts: what the card says of the training (seed, split, losses, calibration). warning: text if the data are not
    those it was trained on, else "".
    """

    network: Network
    choice: InputChoice
    target: TargetChoice
    energy: np.ndarray
    target_energy: np.ndarray
    widths: np.ndarray | None
    checksum: str
    facts: dict = field(default_factory=dict)
    warning: str = ""

    @classmethod
    def calibrated(cls, network: Network, data: Dataset, held_out: np.ndarray, facts: dict) -> Model:
        """A model with intervals from the rows (k, n) that members left out. One member: no interval, as it has no
        spread and its validation rows chose its weights.
        """
        widths, rows = None, held_out.any(0) & (data.kinds == "crystal")
        if len(held_out) > 1 and rows.any():
            weights = held_out[:, rows] / held_out[:, rows].sum(0)
            with torch.inference_mode():
                inside = network(torch.from_numpy(data.inputs[rows]), torch.from_numpy(data.scalars[rows])).numpy()
            residuals = data.targets[rows] - np.einsum("kn,knm->nm", weights, inside)
            widths = half_widths(residuals, data.groups[rows]).astype(np.float32)
            facts = {**facts, "calibration_rows": int(rows.sum()), "calibration_groups": len(set(data.groups[rows]))}
        return cls(network, data.choice, data.target, data.energy, data.target_energy, widths, data.checksum, facts)

    @property
    def hyper(self):
        """Hyper-parameters of the network and its training."""
        return self.network.hyper

    def dataset(self, data) -> Dataset:
        """The inputs of a Database, or a Dataset of this model's choices; see `dataset.taken`."""
        return taken(data, self.choice)

    def predict(self, data, *, level: float = 0.9) -> Prediction:
        """Spectra of a Database or Dataset. lower and upper are None for a single member, and where there were too few
        structures to calibrate `level` on. Raises DataError for a level that is none of `intervals.LEVELS`, and where the
        weights give no finite spectrum.
        """
        check_level(level)
        data = self.dataset(data)
        members = np.empty((self.hyper.members, len(data), self.network.sizes["targets"]), np.float32)
        with torch.inference_mode():
            for start in range(0, len(data), ROWS_AT_ONCE):
                rows = slice(start, start + ROWS_AT_ONCE)
                spectra = self.network(torch.from_numpy(data.inputs[rows]), torch.from_numpy(data.scalars[rows]))
                members[:, rows] = spectra.numpy()
        if not np.isfinite(members).all():
            raise DataError(
                "The model gives no finite spectrum for these inputs: its weights are of no use. Train it again."
            )
        mean = members.mean(0)
        lower, upper = around(mean, self.widths, level)
        return Prediction(mean, members, lower, upper, self.target_energy, data.sites, level)
