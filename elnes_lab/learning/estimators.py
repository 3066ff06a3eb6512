"""All models under one protocol: fit(train, validation, seed), predict(dataset) -> (n, m), interval(dataset) ->
bounds or None."""

import numpy as np

from ..errors import unknown
from .baselines import BASELINES, joined
from .splits import Split

ANN = "ann"  # the default network
ENSEMBLE = "ensemble"  # direction-resolved kernel model and networks, stacked
DIRECTED = {ENSEMBLE: ("kernel", "network"), "directed kernel": ("kernel",), "directed network": ("network",)}
SHIFTED = "ridge with shifts"  # what the network starts from: how much of its gain is owed to the shifted rows


class Network:
    """The default network (`training.train`) as an estimator; options are keyword arguments of its training."""

    name = ANN

    def __init__(self, **options):
        from .training import train  # imports torch, which the baselines do without

        self.train, self.options = train, options

    def fit(self, train, validation, seed: int = 0) -> "Network":
        """Trains until early stopping; returns itself."""
        data, n = joined(train, validation), len(train)
        nothing = np.empty(0, int)
        split = Split(np.arange(n), np.arange(n, len(data)), nothing, nothing)
        self.model = self.train(data, split, seed=seed, **self.options).fit()
        return self

    def predict(self, dataset) -> np.ndarray:
        """Mean over the ensemble's members, (n, m)."""
        return np.asarray(self.model.predict(dataset).mean)

    def interval(self, dataset) -> tuple[np.ndarray, np.ndarray] | None:
        """Bounds (n, m) of the 90 % interval, or None if the model gives none."""
        prediction = self.model.predict(dataset)
        return None if prediction.lower is None else (np.asarray(prediction.lower), np.asarray(prediction.upper))


class Directed(Network):
    """The direction-resolved models (`ensemble.train_ensemble`); their datasets need InputChoice(directed=True)."""

    name = ENSEMBLE

    def __init__(self, name: str, **options):
        from .ensemble import train_ensemble

        self.name, self.train, self.options = name, train_ensemble, {"models": DIRECTED[name], **options}

    def polarized(self, dataset) -> np.ndarray:
        """Spectra along x, y and z, (n, 3, m), in units in which their mean is the prediction."""
        return np.asarray(self.model.predict(dataset).polarized)


def names() -> list[str]:
    """Names of all models: the ensemble and the network first."""
    return [*DIRECTED, ANN, SHIFTED, *BASELINES]


def estimator(name: str, **options):
    """A fresh model by name; options only for the network. Raises DataError for a name that is not known."""
    if name == ANN:
        return Network(**options)
    if name in DIRECTED:
        return Directed(name, **options)
    if name == SHIFTED:
        return Network(kind="linear")
    if name not in BASELINES:
        raise unknown(str(name), names(), "model")
    return BASELINES[name]()
