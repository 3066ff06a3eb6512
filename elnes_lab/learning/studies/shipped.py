"""The pre-trained models that come with the repository: made by one call, and measured on what they never saw.

They are cross-fitted ensembles (`crossfit`): each crystal is predicted by parts that never saw its net, so that all of
them are tests. From the PDOS, with and without the band gap, and from the structure and the PDOS together.

>>> train_shipped(db, Path("data/models"))
>>> evaluate_shipped(db, Path("data/models"))[0]["mse_median"]
"""

from pathlib import Path

import numpy as np

from .. import metrics
from ..crossfit import cross_fit, crossed
from ..dataset import Dataset, InputChoice, TargetChoice, usable
from ..estimators import ENSEMBLE
from ..intervals import coverage
from ..splits import NET
from .evaluation import DECILES, VARIANTS, number

BOTH = "structure+pdos"  # inputs of the model of both routes
FOLDERS = {"pdos": "ensemble-pdos", "pdos+gap": "ensemble-pdos-gap", BOTH: "ensemble-structure-pdos"}


def choice_of(inputs: str, db) -> InputChoice:
    """What the model of these inputs (a key of FOLDERS) is given, for the elements of a Database."""
    around = db.subject.elements if inputs == BOTH else ()
    return InputChoice(scalars=VARIANTS.get(inputs, ()), directed=True, surroundings=around)


def train_shipped(db, folder: Path, *, seed: int = 0, report=None, **hyper) -> list[Path]:
    """Trains a cross-fitted ensemble of each of the inputs of FOLDERS and stores them with their metrics; their folders.

    report is called with (inputs, crossfit.Progress) after every epoch of every part; hyper: hyper-parameters of the
    networks other than the defaults, and folds. Rows that lack what the default choices ask for are left out.
    """
    from ..store import save

    folder, made = Path(folder), []
    for inputs, name in FOLDERS.items():
        choice = choice_of(inputs, db)
        data = Dataset.from_database(db[usable(db, choice, TargetChoice())[0]], choice)
        training = cross_fit(data, seed=seed, **hyper)
        for progress in training:
            if report:
                report(inputs, progress)
        model = training.model
        measured = {group: figures(model, part) for group, part in unseen(model, data).items()}
        made.append(save(model, folder / name, metrics=measured))
    return made


def evaluate_shipped(db, folder: Path, grouping: str = NET, inputs=tuple(FOLDERS)) -> list[dict]:
    """The stored models of these inputs on the structures of a Database that they were neither trained nor validated on, nor on any of
    their group (grouping: as in `splits.structure_groups`): one record per inputs and group, with n, mse_mean,
    mse_median, deciles, coverage_90 and `warning` (text if the data have changed since training).

    Raises DataError if a model is missing or damaged.
    """
    from ..store import load

    found = []
    for name in inputs:
        model = load(Path(folder) / FOLDERS[name], db)
        rows = db[usable(db, model.choice, model.target)[0]]
        data = Dataset.from_database(rows, model.choice, model.target, grouping=grouping)
        found += [
            {
                "model": ENSEMBLE,
                "inputs": name,
                "group": group,
                "grouping": grouping,
                **figures(model, part),
                "warning": model.warning,
            }
            for group, part in unseen(model, data).items()
        ]
    return found


def unseen(model, data: Dataset) -> dict[str, Dataset]:
    """Rows by kind of the structures, near duplicates included, that what predicts them was not trained on."""
    touched = [*model.facts["split"]["train"], *model.facts["split"]["validation"]]
    groups = np.asarray(data.groups, str)
    free = ~np.isin(groups, groups[np.isin(data.structures.astype(str), touched)])
    free &= ~crossed(getattr(model, "folds", {}), data)
    return {str(kind): data.subset(free & (data.kinds == kind)) for kind in dict.fromkeys(data.kinds[free])}


def figures(model, data: Dataset) -> dict:
    """n, structures, mse_mean, mse_median, deciles, coverage_90 (None without an interval) of one model on some
    rows."""
    prediction = model.predict(data)
    mse = metrics.mse(data, prediction.mean)
    covered = (
        None if prediction.lower is None else number(coverage(data.targets, prediction.lower, prediction.upper).mean())
    )
    return {
        "n": len(data),
        "structures": int(np.unique(np.asarray(data.groups, str)).size),
        "mse_mean": number(mse.mean()),
        "mse_median": number(np.median(mse)),
        "deciles": [number(x) for x in np.quantile(mse, DECILES)],
        "coverage_90": covered,
    }
