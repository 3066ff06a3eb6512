"""The structure route under the protocol of the others: the same folds and seeds, every crystal held out with its net, the
glass never trained on; beside it plainer ones, and both routes in one kernel.

>>> train_shipped_route(db, Path("data/models"))
>>> evaluate_route(db, seeds=2)["records"][0]["mse_median"]
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import metrics
from ..dataset import Dataset, grouped_folds
from ..estimators import ENSEMBLE, estimator
from ..intervals import coverage
from ..kernels import KernelModel
from ..site_calibration import Calibration
from ..site_dataset import VALUES, SiteDataset
from ..site_part import Part
from ..splits import NET
from ..structure_route import train_route
from ..structure_store import SHIPPED, load_route, save_route
from ..surroundings import SITE_START, STEPS, site_blocks, site_features
from .evaluation import FOLDS, Evaluation, number
from .shipped import BOTH as BOTH_INPUTS
from .shipped import FOLDERS, choice_of, evaluate_shipped, figures, unseen
from .significance import paired_test

ROUTE, BOTH, MEAN = "structure", "structure and PDOS", "mean spectrum"
BOTH_KERNEL, BOTH_GAP = "structure and PDOS, kernel alone", "structure, PDOS and gap"
PLAIN = {"SOAP alone": 0, "bond lengths and angles alone": 1}  # block of the site's features
MODELS = (ROUTE, BOTH, BOTH_KERNEL, BOTH_GAP, *PLAIN, MEAN)
# Of the others: "structure".
INPUTS = {BOTH: BOTH_INPUTS, BOTH_KERNEL: BOTH_INPUTS, BOTH_GAP: f"{BOTH_INPUTS}+gap"}
SEEDS = 2
SHARES = (0.25, 0.5, 1.0)  # of the training structures, of the learning curve


class Said(NamedTuple):
    """Of held-out rows: spectra (n, m), along x, y, z (n, 3, m), bounds of the 90 % interval or None, and what the structure
    route says besides, (n, b + v), or None."""

    mean: np.ndarray
    along: np.ndarray
    bounds: tuple | None = None
    rest: np.ndarray | None = None


def train_shipped_route(db, folder: Path, *, seed: int = 0, report=None) -> Path:
    """Trains the cross-fitted route of a Database and stores it with its metrics; its folder."""
    data = SiteDataset.from_database(db)
    route = train_route(data, seed=seed, report=report)
    return save_route(route, Path(folder) / SHIPPED, metrics=shipped_figures(route, data))


def shipped_figures(route, data: SiteDataset) -> dict:
    """What `shipped.figures` tells of a route on each kind of structures that what predicts them has not seen."""
    return {kind: figures(route, part) for kind, part in unseen(route, data).items()}


def evaluate_route(
    db,
    *,
    seeds: int = SEEDS,
    folds: int = FOLDS,
    models=MODELS,
    grouping: str = NET,
    shipped: Path | None = None,
    report=None,
) -> dict:
    """Repeated grouped cross-validation as `evaluation.evaluate`; JSON types. records and tests as there; besides: what
    the route says of PDOS, onset and band gap; curve: its error by the share of the structures trained on; stored: the
    figures of the shipped one (shipped: folder of the models)."""
    import pandas as pd

    data = SiteDataset.from_database(db, grouping=grouping)
    both, gap = choice_of(BOTH_INPUTS, db), ("band_gap",)
    rows = db[list(data.sites)]
    asked = {INPUTS[BOTH]: both, INPUTS[BOTH_GAP]: dataclasses.replace(both, scalars=gap)}
    wanted = {name: choice for name, choice in asked.items() if name in map(INPUTS.get, models)}
    datasets = {n: Dataset.from_database(rows, c, data.target, grouping=grouping) for n, c in wanted.items()}
    frames, rest, curve = [], [], []
    every = [(seed, k, split) for seed in range(seeds) for k, split in enumerate(grouped_folds(data, folds, seed=seed))]
    for done, (seed, fold, split) in enumerate(every):
        held = data.subset(rows := np.concatenate([split.test, split.amorphous]))
        for model in models:
            said = FITS[model](data, datasets, split, rows, seed * folds + fold)
            frames.append(frame(held, said, model=model, inputs=INPUTS.get(model, ROUTE), seed=seed, fold=fold))
            if said.rest is not None:
                rest.append(besides(held, said.rest, seed))
        if seed == 0:
            curve += [shared(data, split, share, seed) for share in SHARES]
        if report:
            report(done + 1, len(every))
    evaluation = Evaluation(
        pd.concat(frames, ignore_index=True), None, None, data.target, seeds, folds, db.version, [], grouping
    )
    return {
        "data": db.version,
        "seeds": seeds,
        "folds": folds,
        "grouping": grouping,
        "target": data.target.to_dict(),
        "records": evaluation.records(),
        "tests": tests(evaluation, models),
        "besides": summary(pd.concat(rest)) if rest else [],
        "curve": points(curve),
        "stored": stored(db, shipped, data) if shipped else [],
    }


def fit_route(data, datasets, split, held, seed) -> Said:
    """The route with intervals from the closed-form residuals of its training structures."""
    rows = np.sort(split.development)
    part, residuals, variance = Part.fit(data, rows)
    train, test = data.subset(rows), data.subset(held)
    values, along, own = part.curves(test.features, test.numbers)
    m = data.targets.shape[1]
    half = Calibration.fit(train, residuals, variance, np.zeros(train.numbers.shape)).spectrum.half(own, 0.9)
    mean = values[:, :m]
    bounds = (np.maximum(mean - half, 0), mean + half) if np.isfinite(half).all() else None
    return Said(mean, along, bounds, values[:, m:])


def fit_both(inputs: str, name: str):
    """A direction-resolved model of the descriptors of the structure and of the PDOS with its responses; name: of an estimator."""

    def fit(data, datasets, split, held, seed) -> Said:
        given = datasets[inputs]
        fitted = estimator(name).fit(given.subset(split.train), given.subset(split.validation), seed)
        found = fitted.model.predict(given.subset(held))
        return Said(found.mean, found.polarized, None if found.lower is None else (found.lower, found.upper))

    return fit


def fit_plain(block: int):
    """A kernel of one block of the site's features."""

    def fit(data, datasets, split, held, seed) -> Said:
        rows, sizes = np.sort(split.development), site_blocks(data.elements)
        features = np.split(site_features(data.features, data.numbers), sizes[:1], axis=1)[block]
        model, _ = KernelModel.of_samples(
            features[rows],
            [features.shape[1]],
            data.targets[rows],
            np.asarray(data.groups[rows], str),
            [SITE_START[block], SITE_START[-1]],
            steps=STEPS,
            directions=1,
        )
        mean = np.maximum(model.values(features[held])[0], 0)
        return Said(mean, np.repeat(mean[:, None], 3, 1))

    return fit


def fit_mean(data, datasets, split, held, seed) -> Said:
    rows = np.sort(split.development)
    mean = np.repeat(data.targets[rows].mean(0)[None], len(held), 0)
    return Said(mean, np.repeat(mean[:, None], 3, 1))


FITS = {
    ROUTE: fit_route,
    BOTH: fit_both(INPUTS[BOTH], ENSEMBLE),
    BOTH_KERNEL: fit_both(INPUTS[BOTH_KERNEL], "directed kernel"),
    BOTH_GAP: fit_both(INPUTS[BOTH_GAP], ENSEMBLE),
    **{name: fit_plain(block) for name, block in PLAIN.items()},
    MEAN: fit_mean,
}


def frame(held: SiteDataset, said: Said, **task):
    """The measures of every held-out row, as in the frame of an `evaluation.Evaluation`."""
    import pandas as pd

    covered = np.full(len(held), np.nan) if said.bounds is None else coverage(held.targets, *said.bounds)
    return pd.DataFrame(
        {
            **task,
            "site": held.sites,
            "structure": held.structures,
            "cluster": held.groups,
            "group": held.kinds,
            **metrics.measures(held, said.mean),
            "coverage": covered,
            "mse_polarized": ((said.along - held.directed.targets) ** 2).mean((1, 2)),
        }
    )


def tests(evaluation: Evaluation, models) -> list[dict]:
    """A paired test of the route against each of the others, over structures (or sites, of few structures)."""
    found = []
    for rival in (name for name in models if name != ROUTE and ROUTE in models):
        for group in ("crystal", "amorphous"):
            mine, other = (evaluation.per_site(name, INPUTS.get(name, ROUTE), group) for name in (ROUTE, rival))
            if len(mine):
                test = paired_test(mine["mse"], other["mse"], mine["cluster"])._asdict()
                found.append(
                    {
                        "rival": rival,
                        "group": group,
                        **{key: number(value) if isinstance(value, float) else value for key, value in test.items()},
                    }
                )
    return found


def besides(held: SiteDataset, rest, seed: int):
    """Errors of what is predicted beside the spectrum, of each row."""
    import pandas as pd

    b = held.pdos.shape[1]
    errors = {name: np.abs(rest[:, b + k] - held.values[:, k]) for k, name in enumerate(VALUES)}
    spread = {f"{name} itself": held.values[:, k] for k, name in enumerate(VALUES)}
    square = ((np.maximum(rest[:, :b], 0) - held.pdos) ** 2).mean(1)
    return pd.DataFrame(
        {
            "group": held.kinds,
            "site": held.sites,
            "seed": seed,
            **errors,
            **spread,
            "pdos": square,
            "pdos itself": (held.pdos**2).mean(1),
        }
    )


def summary(rows) -> list[dict]:
    """Per group: mean absolute error of onset and gap beside their spread (eV), and the median error of the PDOS over its
    mean square."""
    found = []
    for group, part in rows.groupby("group", sort=False):
        sites = part.drop(columns=["group", "seed"]).groupby("site").mean()
        record = {
            "group": group,
            "n": len(sites),
            "pdos_relative": number((sites["pdos"] / sites["pdos itself"]).median()),
        }
        for name in VALUES:
            record |= {name: number(sites[name].mean()), f"{name}_spread": number(sites[f"{name} itself"].std())}
        found.append(record)
    return found


def shared(data: SiteDataset, split, share: float, seed: int) -> tuple[float, int, np.ndarray]:
    """Share, number of structures, and errors of the held-out crystals of the route trained on that share of the nets."""
    names = np.unique(np.asarray(data.groups[split.development], str))
    some = np.random.default_rng(seed).permutation(names)[: max(2, round(share * len(names)))]
    rows = np.sort(split.development[np.isin(np.asarray(data.groups[split.development], str), some)])
    held = data.subset(split.test)
    return (
        share,
        len(some),
        metrics.mse(held, Part.fit(data, rows)[0].curves(held.features, held.numbers)[0][:, : data.targets.shape[1]]),
    )


def points(curve) -> list[dict]:
    """Per share: nets trained on (mean over folds) and the median error over all held-out crystals."""
    return [
        {
            "share": share,
            "structures": number(np.mean([n for s, n, _ in curve if s == share])),
            "mse_median": number(np.median(np.concatenate([e for s, _, e in curve if s == share]))),
        }
        for share in SHARES
    ]


def stored(db, folder: Path, data: SiteDataset) -> list[dict]:
    """Figures of the shipped route, by kind, and of the model of both routes if it is there. DataError if one is missing or
    damaged."""
    route, folder = load_route(Path(folder) / SHIPPED, db), Path(folder)
    found = [
        {"inputs": ROUTE, "group": kind, **one, "warning": route.warning}
        for kind, one in shipped_figures(route, data).items()
    ]
    there = (folder / FOLDERS[BOTH_INPUTS]).is_dir()
    return found + (evaluate_shipped(db, folder, inputs=(BOTH_INPUTS,)) if there else [])
