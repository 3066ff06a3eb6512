"""Whether a spectrum is like those a quantifier was trained on: the score of `learning.domain`, on bins of 1 eV."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..domain import DomainScore, Part
from .prepare import BIN, CENTRES

WIDE = int(round(1 / BIN))  # bins that make one; counted noise hardly shows in their mean
CHANNEL = "the intensity"
LEAST = 0.02  # of the spread, outside the range of training: less is nothing, even if most have none
ARRAYS = ("low", "high", "scale", "mean", "components", "spread")


def fitted(features: np.ndarray, groups: np.ndarray) -> DomainScore:
    """From prepared training spectra (n, bins), as they are and as an instrument would record them."""
    score = DomainScore.fit(SimpleNamespace(**vars(rows(features)), groups=groups))
    score.limits = (max(score.limits[0], LEAST), score.limits[1])
    return score


def rows(features: np.ndarray) -> SimpleNamespace:
    """Spectra (n, bins) as the rows that a `DomainScore` takes: one channel, wide bins, no scalars."""
    features = np.asarray(features, float)
    wide = features[:, : features.shape[1] // WIDE * WIDE].reshape(len(features), -1, WIDE).mean(2)
    energy = CENTRES[: wide.shape[1] * WIDE].reshape(-1, WIDE).mean(1)
    return SimpleNamespace(
        inputs=wide[:, None],
        energy=energy,
        features=lambda: wide,
        choice=SimpleNamespace(channels=(CHANNEL,), scalars=(), surroundings=()),
        surroundings=None,
    )


def to_arrays(score: DomainScore) -> dict[str, np.ndarray]:
    """A score as arrays, by name."""
    part = score.part
    return {name: np.asarray(getattr(part, name), float) for name in ARRAYS} | {
        "rest": np.array([part.rest]),
        "limits": np.array(score.limits, float),
    }


def from_arrays(arrays: dict[str, np.ndarray]) -> DomainScore:
    """The score of such arrays."""
    part = Part(*(arrays[name] for name in ARRAYS), float(arrays["rest"][0]))
    return DomainScore(part, tuple(arrays["limits"]), domain_names())


def domain_names() -> list[tuple[str, float | None]]:
    from ..domain import named

    return named(rows(CENTRES[None]))
