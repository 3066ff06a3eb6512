"""Plain methods fitted quickly, and tried on what they have not seen: by group, and with fewer groups to learn from."""

from __future__ import annotations

import numpy as np

from ..errors import unknown
from ..learning import metrics
from ..learning.baselines import BASELINES, dual
from ..learning.dataset import Dataset
from ..learning.splits import grouped_folds
from ..learning.studies.curve import LEAST, SHARES, power_law

FOLDS = 5
TRIED_ON = 150  # spectra on which the constants of a method are chosen: enough for them, and quick
DUAL = ("ridge", "kernel ridge")
PLAIN = ("mean spectrum", "pdos itself", *DUAL)


def fitted(name: str, train: Dataset):
    """A plain method fitted to a dataset: function from a dataset to spectra (n, m).

    The constants of ridge and kernel ridge are chosen on some of its groups, at most TRIED_ON spectra (two groups at least).
    Raises DataError for a name that is none of PLAIN.
    """
    if name not in PLAIN:
        raise unknown(str(name), PLAIN, "plain method")
    nothing = train.subset(np.empty(0, int))
    if name not in DUAL:
        return BASELINES[name]().fit(train, nothing).predict
    settings = BASELINES[name]().fit(thinned(train, TRIED_ON), nothing).settings
    found = dual(train, settings.get("scalar_weight", 1.0), settings.get("length"))
    predict = next(one.predict for one in found if one.settings == settings)
    return lambda dataset: np.maximum(predict(dataset), 0)


def held_out(name: str, data: Dataset, share: float = 1.0) -> tuple[np.ndarray, float]:
    """MSE (n,) of every crystal row by a plain method that never saw its group, NaN of the others; and the spectra that it was
    fitted to, mean over the folds. share: of the groups to learn from, drawn at random, smaller ones within larger ones."""
    found, counts = np.full(len(data), np.nan), []
    for number, split in enumerate(grouped_folds(data, FOLDS, seed=0)):
        groups = np.asarray(data.groups[split.development], str)
        names = np.random.default_rng(number).permutation(np.unique(groups))
        kept = names[: min(max(LEAST, round(share * len(names))), len(names))]
        rows, held = split.development[np.isin(groups, kept)], data.subset(split.test)
        found[split.test] = metrics.mse(held, fitted(name, data.subset(rows))(held))
        counts.append(len(rows))
    return found, float(np.mean(counts))


def learning_curve(name: str, data: Dataset, planned: int):
    """(table, law): by share of the groups learnt from the spectra, mean and median MSE of held-out crystals; and what
    `studies.curve.power_law` makes of them for so many planned spectra."""
    import pandas as pd

    crystals, rows, errors = np.asarray(data.kinds == "crystal"), [], []
    for share in SHARES:
        mse, count = held_out(name, data, share)
        errors.append(mse[crystals])
        rows.append({"spectra": count, "mean MSE": errors[-1].mean(), "median MSE": np.median(errors[-1])})
    table = pd.DataFrame(rows, index=pd.Index([f"{100 * share:.0f} %" for share in SHARES], name="of the nets"))
    return table, power_law(table["spectra"], np.array(errors), data.groups[crystals], planned)


def thinned(data: Dataset, most: int) -> Dataset:
    """Whole groups of a dataset, drawn at random, of at most so many rows together; two groups at least, if there are."""
    groups = np.asarray(data.groups, str)
    kept, count = [], 0
    for name in np.random.default_rng(0).permutation(np.unique(groups)):
        size = int((groups == name).sum())
        if len(kept) < 2 or count + size <= most:
            kept.append(name)
            count += size
    return data.subset(np.isin(groups, kept))
