"""Is a spectrum's input like those a model was trained on, and if not, in what?

The score has two parts, and the larger one counts: how far single bins lie outside the range of the training inputs,
and how far the whole curve lies from the space and the cloud that the training inputs span. 1 is the value that 80 %
of the training spectra keep when their own structure is left out, and never less than one bin outside by what is worth
a name: above it a spectrum is as strange as the strangest fifth of them, or stranger.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..descriptors import NUMBERS
from ..errors import DataError
from ..schema import COLUMNS
from .baselines import inner_folds
from .surroundings import WORDS

LEVEL = 0.8  # share of held-out training spectra that score below 1
FOLDS = 10  # parts of the training structures, each left out once to set the limits
VARIANCE = 0.99  # of the training inputs, that the principal components keep
COMPONENTS = 12  # at most
GRACE = 0.05  # share of a channel's spread that a bin may lie outside before it is named
NAMED = 3  # reasons per spectrum, the gravest first
UNITS = {name: f" {column.units}" for name, column in COLUMNS.items() if column.units not in ("", "1")}


class Part(NamedTuple):
    """Statistics of one set of training inputs: range, scale and principal components of the features."""

    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    mean: np.ndarray
    components: np.ndarray
    spread: np.ndarray
    rest: float


class DomainScore:
    """`fit` on the training rows, then `score` (n,) and `reasons` (n texts, "" where nothing lies outside) of any
    dataset of the same input choice."""

    def __init__(self, part: Part, limits: tuple[float, float], names: list[tuple[str, float | None]]):
        self.part, self.limits, self.names = part, limits, names

    @classmethod
    def fit(cls, train) -> DomainScore:
        """From the training rows; the limits come from leaving out structure groups. Raises DataError for fewer than
        two groups."""
        features = columns(train)
        held = [
            measure(statistics(train, features[inside]), features[outside])
            for inside, outside in inner_folds(train.groups, FOLDS)
        ]
        beyond, distance = (np.concatenate(values) for values in zip(*held))
        # Where training is dense, most held-out rows lie outside nowhere.
        least = GRACE / np.sqrt(features.shape[1]), np.finfo(float).tiny
        limits = tuple(max(float(np.quantile(values, LEVEL)), low) for values, low in zip((beyond, distance), least))
        return cls(statistics(train, features), limits, named(train))

    def score(self, dataset) -> np.ndarray:
        """Out-of-domain score, (n,), without unit: below 1 as familiar as the training structures are to one
        another."""
        beyond, distance = measure(self.part, self.checked(dataset))
        with np.errstate(over="ignore"):  # a limit may be tiny: whatever differs from structures all alike is outside
            return np.maximum(beyond / self.limits[0], distance / self.limits[1])

    def reasons(self, dataset) -> list[str]:
        """One text per row: which channel, at which energies, which scalar lies outside, gravest first; "" if nothing
        does."""
        features = self.checked(dataset)
        above, below = (features - self.part.high) / self.part.scale, (self.part.low - features) / self.part.scale
        distances = measure(self.part, features)[1] / self.limits[1]
        return [
            self.explain(row, up, down, distance) for row, up, down, distance in zip(features, above, below, distances)
        ]

    def explain(self, row, above, below, distance) -> str:
        found = []
        for channel in dict.fromkeys(name for name, energy in self.names if energy is not None):
            places = np.array(
                [k for k, (name, energy) in enumerate(self.names) if name == channel and energy is not None]
            )
            energies = np.array([self.names[k][1] for k in places])
            for excess, word in ((above[places], "higher"), (below[places], "lower")):
                if (excess > GRACE).any():
                    found.append(
                        (
                            float(np.maximum(excess, 0).max()),
                            f"{channel} {spans(energies, excess > GRACE)} lies {word} than in any training structure",
                        )
                    )
        for k in (k for k, (_, energy) in enumerate(self.names) if energy is None):
            key = self.names[k][0]
            least, digits = (GRACE, WORDS[key][2]) if key in WORDS else (0, 2)
            name, unit = called(self.names[k][0]), UNITS.get(self.names[k][0], "")
            for excess, bound, words in (
                (above[k], self.part.high[k], "above the largest"),
                (below[k], self.part.low[k], "below the smallest"),
            ):
                if excess > least:
                    text = f"{name} {row[k]:.{digits}f}{unit} lies {words} in training ({bound:.{digits}f}{unit})"
                    found.append((float(excess) + 1, text))
        texts = [text for _, text in sorted(found, key=lambda entry: -entry[0])[:NAMED]]
        if distance > 1 and not texts:
            texts = [
                "its curves as a whole are unlike those of any training structure, though no single energy is out of range"
            ]
        return "; ".join(texts)

    def checked(self, dataset) -> np.ndarray:
        if named(dataset) != self.names:
            raise DataError(
                "These inputs are not those the score was fitted on: channels, window, step or scalars differ. "
                "Make the dataset with the same choice."
            )
        return columns(dataset)


def called(name: str) -> str:
    """A column as a sentence has it."""
    return WORDS[name][0] if name in WORDS else name.replace("_", " ")


def columns(dataset) -> np.ndarray:
    """Features (n, f) as floats: channels one after another, then scalars, then the numbers of the surroundings if there are."""
    found = np.asarray(dataset.features(), float)
    return found if dataset.surroundings is None else np.concatenate([found, dataset.surroundings.numbers], 1)


def named(dataset) -> list[tuple[str, float | None]]:
    """(channel, energy) of each curve's bin, (name, None) of each scalar and number."""
    return [
        *((c, round(float(e), 4)) for c in dataset.choice.channels for e in dataset.energy),
        *((name, None) for name in dataset.choice.scalars),
        *((name, None) for name in (NUMBERS if dataset.surroundings is not None else ())),
    ]


def statistics(dataset, features) -> Part:
    """Range and principal components of the rows given, scaled by the spread of each channel (never of each bin: one
    that hardly varies in training would outweigh all others) and of each scalar."""
    mean = features.mean(0)
    bins = dataset.inputs.shape[2]
    variance = ((features - mean) ** 2).mean(0)
    curves = variance[: dataset.inputs.shape[1] * bins].reshape(-1, bins).mean(1).repeat(bins)
    scale = np.sqrt(np.concatenate([curves, variance[curves.size :]]))
    scale[scale == 0] = 1.0
    _, values, vectors = np.linalg.svd((features - mean) / scale, full_matrices=False)
    explained = np.cumsum(values**2) / max((values**2).sum(), np.finfo(float).tiny)
    keep = max(1, min(COMPONENTS, int(np.searchsorted(explained, VARIANCE)) + 1, len(features) - 1))
    spread = values[:keep] / np.sqrt(len(features))
    rest = np.sqrt((values[keep:] ** 2).sum() / len(features) + (0.01 * values[0]) ** 2 / len(features))
    return Part(
        features.min(0), features.max(0), scale, mean, vectors[:keep], np.maximum(spread, 1e-9), float(max(rest, 1e-9))
    )


def measure(part: Part, features) -> tuple[np.ndarray, np.ndarray]:
    """Two distances (n,): rms excess of the bins over the training range in units of the channel's spread, and
    distance from the training cloud (Mahalanobis within the components, residual outside them; Jackson and Mudholkar,
    Technometrics 21, 341 (1979)).
    """
    outside = np.maximum(np.maximum(features - part.high, part.low - features), 0) / part.scale
    centred = (features - part.mean) / part.scale
    scores = centred @ part.components.T
    residual = ((centred - scores @ part.components) ** 2).sum(1)
    return np.sqrt((outside**2).mean(1)), np.sqrt(((scores / part.spread) ** 2).mean(1) + residual / part.rest**2)


def spans(energies, marked) -> str:
    """ "above 12.1 eV", "from 2.1 to 3.5 eV": the widest run of marked bins, with a word if there are more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(int), [0]])))
    starts, stops = edges[::2], edges[1::2] - 1
    widest = int(np.argmax(stops - starts))
    low, high = energies[starts[widest]], energies[stops[widest]]
    others = " and elsewhere" if len(starts) > 1 else ""
    if starts[widest] == stops[widest]:
        return f"at {low:.1f} eV{others}"
    if stops[widest] == len(energies) - 1:
        return f"above {low:.1f} eV{others}"
    return f"from {low:.1f} to {high:.1f} eV{others}"
