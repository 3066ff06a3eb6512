"""Every model on the same splits, every crystal held out, the glass never trained on.

Repeated grouped cross-validation: for each seed the groups of crystal structures are dealt anew into k folds; each
fold is predicted by models that saw none of its structures, and the amorphous spectra are predicted by all of them.

>>> evaluation = evaluate(db, seeds=2, models=["ridge", "mean spectrum"])
>>> evaluation.records()[0]["mse_median"]
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...errors import DataError
from .. import metrics
from ..dataset import Dataset, InputChoice, TargetChoice, grouped_folds, usable
from ..estimators import ANN, DIRECTED, estimator, names
from ..intervals import coverage
from ..splits import NET
from .scaling import run
from .significance import bootstrap, paired_test

if TYPE_CHECKING:
    import pandas

VARIANTS = {"pdos": (), "pdos+gap": ("band_gap",)}  # inputs by the names of the records
SEEDS, FOLDS = 10, 5
# A fit takes a quarter of a minute where others take a second; the differences between models are far above the spread
# over seeds, so fewer seeds of these tell the same. Tests use the seeds that both models have.
SLOW = (*DIRECTED, "gradient boosting")
SLOW_SEEDS = 2
POOR_COVERAGE = 0.8  # of a structure's points inside its 90 % intervals: less and they promise too much there
DECILES = np.arange(0.1, 0.95, 0.1)


class Task(NamedTuple):
    """One fit: a model (by name) with one variant of the inputs, on one fold of one seed."""

    model: str
    inputs: str
    seed: int
    fold: int


@dataclass(frozen=True, eq=False)
class Shared:
    """What all tasks need: a Dataset per variant, ground-state curves (n, m) or None, number of folds, options of the
    network."""

    datasets: dict
    ground: np.ndarray | None
    folds: int
    options: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Results of `evaluate`. frame: one row per model, inputs, seed, fold and predicted site with the measures of
    `metrics.measures`, coverage, edge_weight, exciton_position and exciton_height of the prediction; `reference`
    holds the same three of the reference spectrum, and edge_ground of the ground state, per site. skipped: why rows
    were left out. grouping: what counted as one structure, see `splits.structure_groups`.
    """

    frame: pandas.DataFrame
    reference: pandas.DataFrame
    choice: InputChoice
    target: TargetChoice
    seeds: int
    folds: int
    version: str
    skipped: list
    grouping: str = NET

    def seeds_of(self, model: str, inputs: str) -> set:
        """The seeds that a model was fitted with."""
        rows = self.frame
        return set(rows[(rows.model == model) & (rows.inputs == inputs)].seed)

    def per_site(self, model: str, inputs: str, group: str, seeds=None) -> pandas.DataFrame:
        """Means over seeds (default: all) and folds, one row per site of a group ("crystal", "amorphous"), with structure
        and cluster."""
        rows = self.frame
        rows = rows[(rows.model == model) & (rows.inputs == inputs) & (rows.group == group)]
        if seeds is not None:
            rows = rows[rows.seed.isin(seeds)]
        columns = rows.groupby("site", sort=True)
        return (
            columns[["structure", "cluster"]]
            .first()
            .join(columns.mean(numeric_only=True).drop(columns=["seed", "fold"]))
        )

    def combinations(self) -> list[tuple[str, str, str]]:
        """(model, inputs, group) in the order of evaluation."""
        return list(dict.fromkeys(self.frame[["model", "inputs", "group"]].itertuples(index=False, name=None)))

    def records(self) -> list[dict]:
        """One record per model, inputs and group, JSON types: grouping, n, mse_mean, mse_median with its 95 % interval over
        structures, nine deciles, worst, cosine, peak errors, coverage_90 (null where a model gives no interval),
        seeds and folds.
        """
        found = []
        for model, inputs, group in self.combinations():
            sites = self.per_site(model, inputs, group)
            mse, interval = sites["mse"].to_numpy(), bootstrap(sites["mse"], sites["cluster"])
            per_seed = self.medians_by_seed(model, inputs, group)
            found.append(
                {
                    "model": model,
                    "inputs": inputs,
                    "group": group,
                    "grouping": self.grouping,
                    "n": len(sites),
                    "structures": int(sites["cluster"].nunique()),
                    "mse_mean": number(mse.mean()),
                    "mse_median": number(np.median(mse)),
                    "mse_median_low": number(interval.low),
                    "mse_median_high": number(interval.high),
                    "interval_over": interval.unit,
                    "deciles": [number(x) for x in np.quantile(mse, DECILES)],
                    "mse_worst": number(mse.max()),
                    "worst_site": str(sites["mse"].idxmax()),
                    "mse_median_spread_of_seeds": number(per_seed.std()),
                    "cosine_median": number(sites["cosine"].median()),
                    "peak_error_median": number(sites["peak_error"].median()),
                    "peaks_within_0.5_eV": number(sites["peaks_05"].mean()),
                    "peaks_within_1_eV": number(sites["peaks_10"].mean()),
                    "coverage_90": number(sites["coverage"].mean()),
                    "structures_below_80": number(below(sites["coverage"], sites["structure"])),
                    "mse_polarized_median": number(sites["mse_polarized"].median()),
                    "mse_polarized_mean": number(sites["mse_polarized"].mean()),
                    "reference_mse": list(metrics.REFERENCE_MSE),
                    "seeds": len(self.seeds_of(model, inputs)),
                    "folds": self.folds,
                    "data": self.version,
                }
            )
        return found

    def medians_by_seed(self, model: str, inputs: str, group: str) -> np.ndarray:
        """Median MSE over the sites of a group, one per seed (amorphous: mean over folds first), shape (seeds,)."""
        rows = self.frame
        rows = rows[(rows.model == model) & (rows.inputs == inputs) & (rows.group == group)]
        return rows.groupby(["seed", "site"])["mse"].mean().groupby("seed").median().to_numpy()

    def tests(self, model: str = ANN) -> list[dict]:
        """A paired test of one model against each other one, same inputs, same sites: one record per rival, inputs
        and group."""
        found = []
        for rival, inputs, group in self.combinations():
            if rival == model or (model, inputs, group) not in self.combinations():
                continue
            seeds = self.seeds_of(model, inputs) & self.seeds_of(rival, inputs)
            mine, other = (self.per_site(name, inputs, group, seeds) for name in (model, rival))
            test = paired_test(mine["mse"], other["mse"], mine["cluster"])
            found.append(
                {
                    "model": model,
                    "rival": rival,
                    "inputs": inputs,
                    "group": group,
                    "grouping": self.grouping,
                    **rounded(test._asdict()),
                }
            )
        return found


def evaluate(
    db,
    *,
    seeds: int = SEEDS,
    folds: int = FOLDS,
    models=None,
    inputs=tuple(VARIANTS),
    choice: InputChoice | None = None,
    target: TargetChoice | None = None,
    grouping: str = NET,
    gap_models=None,
    options: dict | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    report=None,
) -> Evaluation:
    """All models (default: every baseline and "ann") with each variant of the inputs, by repeated grouped
    cross-validation.

    grouping: "net" or "dos", what counts as one structure (`splits.structure_groups`). gap_models: the models that get
    more than the first of the inputs (default: all). Models of `SLOW` get at most `SLOW_SEEDS` seeds. options: keyword
    arguments of the network's training. workers, scheduler, report: as in `scaling.run`. Rows that
    lack what the choices ask for are left out and named in `skipped`. Raises DataError for unknown models or
    groupings, fewer structures than folds, and fewer than one seed.
    """
    if seeds < 1:
        raise DataError("At least one seed is needed. Give a whole number of 1 or more.")
    choice, target = choice or InputChoice(), target or TargetChoice()
    models = list(dict.fromkeys(models or names()))
    for model in models:
        estimator(model)  # an unknown name must fail before any work
    if any(model in DIRECTED for model in models):
        choice = dataclasses.replace(choice, directed=True)
    variants = {name: dataclasses.replace(choice, scalars=(*choice.scalars, *VARIANTS[name])) for name in inputs}
    masks, skipped = zip(*(usable(db, variant, target) for variant in variants.values()))
    db = db[np.logical_and.reduce(masks)]
    shared = Shared(
        {name: Dataset.from_database(db, variant, target, grouping=grouping) for name, variant in variants.items()},
        ground_curves(db, target),
        folds,
        options or {},
    )
    data = next(iter(shared.datasets.values()))
    for seed in range(seeds):
        grouped_folds(data, folds, seed=seed)
    tasks = [
        Task(model, name, seed, fold)
        for model in models
        for name in variants
        if gap_models is None or name == inputs[0] or model in gap_models
        for seed in range(min(seeds, SLOW_SEEDS) if model in SLOW else seeds)
        for fold in range(folds)
    ]
    frames = run(fit_fold, shared, tasks, workers=workers, scheduler=scheduler, report=report)
    import pandas as pd

    return Evaluation(
        pd.concat(frames, ignore_index=True),
        reference_frame(data, shared.ground),
        choice,
        target,
        seeds,
        folds,
        db.version,
        list(dict.fromkeys(sum(skipped, []))),
        grouping,
    )


def fit_fold(shared: Shared, task: Task) -> pandas.DataFrame:
    """Fits one model on one fold; measures of every spectrum it did not see, one row each."""
    import pandas as pd

    data = shared.datasets[task.inputs]
    split = grouped_folds(data, shared.folds, seed=task.seed)[task.fold]
    options = shared.options if task.model == ANN else {}
    seed = task.seed * shared.folds + task.fold  # folds, too, must not share their random numbers
    model = estimator(task.model, **options).fit(data.subset(split.train), data.subset(split.validation), seed)
    held = data.subset(np.concatenate([split.test, split.amorphous]))
    predicted = model.predict(held)
    bounds = model.interval(held)
    covered = np.full(len(held), np.nan) if bounds is None else coverage(held.targets, *bounds)
    return pd.DataFrame(
        {
            **task._asdict(),
            "site": held.sites,
            "structure": held.structures,
            "cluster": held.groups,
            "group": held.kinds,
            **metrics.measures(held, predicted),
            "coverage": covered,
            "mse_polarized": polarized_error(model, held, predicted),
            **edge_measures(held, predicted, shared.ground is not None),
        }
    )


def polarized_error(model, held: Dataset, predicted) -> np.ndarray:
    """Mean square error (n,) of the spectra along x, y and z, in units in which their mean is the isotropic spectrum of
    mean 1: of a model that predicts them, and of one that says the isotropic spectrum for each; NaN if the Dataset
    holds no directions."""
    if held.directed is None or held.target.curves > 1:
        return np.full(len(held), np.nan)
    directions = getattr(model, "polarized", None)
    curves = np.asarray(predicted)[:, None] if directions is None else directions(held)
    return ((curves - held.directed.targets) ** 2).mean((1, 2))


def edge_measures(dataset, curves, possible: bool) -> dict[str, np.ndarray]:
    """edge_weight, exciton_position, exciton_height (n,) of curves (n, m); NaN where the axis does not count from the
    edge."""
    if not possible:
        return {name: np.full(len(dataset), np.nan) for name in ("edge_weight", "exciton_position", "exciton_height")}
    position, height = metrics.exciton(dataset.target_energy, np.asarray(curves, float))
    return {
        "edge_weight": metrics.edge_weight(dataset.target_energy, curves),
        "exciton_position": position,
        "exciton_height": height,
    }


def ground_curves(db, target: TargetChoice) -> np.ndarray | None:
    """Ground-state spectra on the target's axis, or None if that axis does not count from the edge or is too short."""
    window = target.window[0] <= metrics.EDGE_WINDOW[0] and target.window[1] >= metrics.EDGE_WINDOW[1]
    if target.alignment == "vbm" or target.curves > 1 or not window:
        return None
    return metrics.ground_state(db, Dataset.from_database(db[:1], target=target).target_energy, target.broadening)


def below(coverage, structures, least: float = POOR_COVERAGE) -> float:
    """Share of the structures whose mean coverage (n,) over sites is below `least`; NaN without intervals."""
    mean = coverage.groupby(np.asarray(structures, str)).mean()
    return float((mean < least).mean()) if mean.notna().all() else np.nan


def reference_frame(data: Dataset, ground) -> pandas.DataFrame:
    """Structure, cluster, group and what `edge_measures` finds in the references and the ground state, by site."""
    import pandas as pd

    edge = np.full(len(data), np.nan) if ground is None else metrics.edge_weight(data.target_energy, ground)
    return pd.DataFrame(
        {
            "structure": data.structures,
            "cluster": data.groups,
            "group": data.kinds,
            "edge_ground": edge,
            **edge_measures(data, data.targets, ground is not None),
        },
        index=pd.Index(data.sites, name="site"),
    )


def number(value, digits: int = 6) -> float | None:
    """A float of a few significant digits for JSON; None for what is not defined."""
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def rounded(fields: dict) -> dict:
    """The same fields with `number` applied to the floats."""
    return {key: number(value) if isinstance(value, float) else value for key, value in fields.items()}
