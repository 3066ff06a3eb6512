"""Hyper-parameters of a network and of its training: plain, validated, stored with the weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..errors import DataError, unknown
from .choices import shown

KINDS = ("mlp", "conv", "linear")
LIMITS = {  # smallest and largest value that means something
    "members": (1, 256),
    "width": (1, 4096),
    "depth": (0, 8),
    "filters": (1, 256),
    "kernel": (3, 31),
    "dropout": (0.0, 0.95),
    "epochs": (1, 100_000),
    "learning_rate": (1e-7, 1.0),
    "weight_decay": (0.0, 10.0),
    "batch_size": (1, 1_000_000),
    "patience": (1, 100_000),
    "shift": (0.0, 3.0),
    "input_variance": (0.5, 1.0),
    "target_variance": (0.5, 1.0),
    "parts": (2, 100),
}


@dataclass(frozen=True)
class Hyper:
    """kind: "mlp" (hidden layers on principal components of the PDOS), "conv" (two 1-D convolutions along the energy
    axis, then a hidden layer) or "linear" (the ridge regression that the others start from, alone).

    members: networks of the ensemble, trained as one. width, depth: units and number of hidden layers. filters, kernel:
    of the convolutions; kernel in bins, odd. skip: start from (and stay on top of) a ridge regression. dropout: of
    hidden units. shift: largest common shift in eV of a training PDOS and its spectrum, drawn anew each time (0: none).
    epochs, learning_rate (cosine decay to 0), weight_decay, batch_size, patience (epochs without a better validation
    loss). parts: an ensemble divides train and validation structures into so many parts, and each member leaves one
    out. input_variance, target_variance: share of the variance that the principal components keep.
    """

    kind: str = "mlp"
    members: int = 5
    width: int = 128
    depth: int = 2
    filters: int = 8
    kernel: int = 9
    skip: bool = True
    dropout: float = 0.3
    shift: float = 1.2
    epochs: int = 25
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    batch_size: int = 64
    patience: int = 10
    parts: int = 5
    input_variance: float = 0.9995
    target_variance: float = 0.9995

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown(shown(self.kind), KINDS, "kind of network")
        for name, (low, high) in LIMITS.items():
            value, whole = getattr(self, name), isinstance(low, int)
            if (
                isinstance(value, bool)
                or not isinstance(value, int if whole else (int, float))
                or not low <= value <= high
            ):  # nor is NaN
                raise DataError(
                    f"{name} = {shown(value)} is not {'a whole number' if whole else 'a number'} from {low:g} to {high:g}."
                )
        if not isinstance(self.skip, bool):
            raise DataError(f"skip = {shown(self.skip)} is neither true nor false.")
        if self.kernel % 2 == 0:
            raise DataError(f"The kernel has {self.kernel} bins; give an odd number, so that it has a middle.")
        if self.kind == "linear" and not self.skip:
            raise DataError(
                "A linear model without its ridge regression (skip=False) is nothing. "
                "Leave skip on or choose another kind."
            )

    @classmethod
    def of(cls, fields: dict) -> Hyper:
        """Hyper-parameters from keyword arguments or a card; DataError for a name that is none."""
        names = [field.name for field in dataclasses.fields(cls)]
        for name in fields:
            if name not in names:
                raise unknown(shown(name), names, "hyper-parameter")
        return cls(**fields)

    def to_dict(self) -> dict:
        """The fields as JSON types."""
        return dataclasses.asdict(self)
