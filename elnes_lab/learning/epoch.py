"""A training that can be watched, and what it says after each epoch."""

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


class Watched:
    """A training: an iterator of records that may be stopped at any time. Subclasses set `records`, a generator, and have a
    `model`, the best so far."""

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.records)

    def close(self) -> None:
        """Ends the iteration; what was learnt stays."""
        self.records.close()

    def fit(self):
        """Trains to the end; the model."""
        for _ in self:
            pass
        return self.model
