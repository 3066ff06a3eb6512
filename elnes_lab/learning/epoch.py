"""What a training says after each epoch."""
from __future__ import annotations

from typing import NamedTuple


class EpochRecord(NamedTuple):
    """Losses are mean squared errors in the square of the target's unit, means over members, before the non-negative
    map.

    train_loss is of shifted rows with dropout, so it can exceed validation_loss. best_epoch: of the member that
    improved last. seconds: wall time since the start.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    best_validation: float
    best_epoch: int
    seconds: float
    learning_rate: float
