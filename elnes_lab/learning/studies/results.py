"""The evaluation and the studies as files: records for programs, numbers as JSON, and the report made of those
numbers alone.

>>> run_evaluation(db, seeds=10, records=Path("data/models/evaluation.json"), docs=Path("docs"))
>>> run_study(db, docs=Path("docs"))
"""

import json
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...io.export import make_folder, write_whole
from ...io.places import file_place
from ..dataset import Dataset, grouped_folds, usable
from ..domain import DomainScore
from ..estimators import ANN, ENSEMBLE, SHIFTED, names
from ..splits import DOS, GROUPINGS, NET, structure_groups
from . import curve, published, reference
from . import gap as bandgap
from . import inputs as studies
from .evaluation import FOLDS, SEEDS, VARIANTS, Evaluation, evaluate, number
from .report import markdown
from .shipped import evaluate_shipped

NUMBERS, REPORT = "learning.json", "learning.md"
LEADS = (ENSEMBLE, ANN)  # what the report is about: the first of these that was evaluated
GAP_MODELS = (ENSEMBLE, ANN, "kernel ridge", "ridge")  # evaluated with the gap, too, if no models are named
# Under the second grouping only what bears on the comparison with the published and earlier figures: half the seeds, and
# not the plain methods that are slow, or far behind under the first.
SLOW_OR_FAR = ("directed network", SHIFTED, "gradient boosting", "pls", "k nearest neighbours", "pdos itself")
UNASKED = ("gradient boosting",)  # takes as long as the rest together and comes last but two: only by name
KEYS = ("model", "inputs", "group", "grouping")
STUDY_SEEDS = 5
PUBLISHED_SEEDS = CURVE_SEEDS = 2
STUDY_MODEL = "ridge"


def run_evaluation(
    db,
    *,
    seeds: int = SEEDS,
    folds: int = FOLDS,
    models=None,
    records: Path | None = None,
    docs: Path | None = None,
    shipped: Path | None = None,
    options: dict | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    report=None,
) -> dict:
    """All models on the same splits, tests, the band-gap study and the check of the out-of-domain score.

    If no models are named: all but `UNASKED`, those of `GAP_MODELS` with the gap too; and the main ones grouped by density
    of states, with half the seeds and without the gap. The records say which by `grouping`. Writes the records to a JSON file, and numbers and report into the folder docs,
    where these are given; both must be writable before work starts. shipped: folder of the pre-trained models; what
    `evaluate_shipped` measures of them goes into the field `shipped` of the records of "ann". Returns everything as
    JSON types (`report.markdown` says what is in it), of the grouping by net but for `records` and `others`, which
    holds records and tests of the other one. Otherwise as `evaluate`.
    """
    if records:
        prepare(Path(records))
    if docs:
        prepare_docs(Path(docs))
    stored = [r for grouping in GROUPINGS for r in evaluate_shipped(db, shipped, grouping, VARIANTS)] if shipped else []
    where = dict(folds=folds, options=options, workers=workers, scheduler=scheduler, report=report)
    every = list(dict.fromkeys(models or [name for name in names() if name not in UNASKED]))
    where["gap_models"] = None if models else GAP_MODELS
    evaluation = evaluate(db, seeds=seeds, models=every, grouping=NET, **where)
    found = summary(db, evaluation, every)
    if not models:
        compared = [name for name in every if name not in SLOW_OR_FAR]
        where["gap_models"] = ()  # the gap is a question of its own, asked of new nets
        other = evaluate(db, seeds=max(1, seeds // 2), models=compared, grouping=DOS, **where)
        found["others"] = [
            {"grouping": DOS, "seeds": other.seeds, "records": other.records(), "tests": other.tests(found["model"])}
        ]
    records_of_both = found["records"] + [r for other in found.get("others", []) for r in other["records"]]
    for record, model in ((r, m) for r in records_of_both for m in stored):
        if all(record[key] == model[key] for key in KEYS):
            record["shipped"] = {key: value for key, value in model.items() if key not in KEYS}
    if records:
        write(Path(records), json.dumps(records_of_both, indent=1) + "\n")
    if docs:
        publish(Path(docs), "evaluation", found)
    return found


def run_route(
    db,
    *,
    seeds: int = SEEDS,
    folds: int = FOLDS,
    docs: Path | None = None,
    shipped: Path | None = None,
    report=None,
) -> dict:
    """The evaluation of the structure route (`structure.evaluate_route`, at most its number of seeds); numbers and report
    into the folder docs if given."""
    from . import structure

    if docs:
        prepare_docs(Path(docs))
    found = structure.evaluate_route(db, seeds=min(seeds, structure.SEEDS), folds=folds, shipped=shipped, report=report)
    if docs:
        publish(Path(docs), "structure", found)
    return found


def summary(db, evaluation: Evaluation, models: list[str]) -> dict:
    """Everything the report says about an evaluation, as JSON types."""
    compared = [model for model in GAP_MODELS if model in models]
    lead = next((name for name in LEADS if name in models), models[0])
    return {
        **provenance(db, evaluation.skipped),
        "grouping": evaluation.grouping,
        "groups": group_counts(db),
        "seeds": evaluation.seeds,
        "folds": evaluation.folds,
        "model": lead,
        "inputs": evaluation.choice.to_dict(),
        "target": evaluation.target.to_dict(),
        "records": evaluation.records(),
        "tests": evaluation.tests(lead),
        "gap_effect": [r for model in compared for r in bandgap.gap_effect(evaluation, model)],
        "core_hole": [r for model in compared for r in bandgap.core_hole_effect(evaluation, model)],
        "gap_from_pdos": bandgap.gap_from_pdos(usable_rows(db, evaluation), evaluation.choice, folds=evaluation.folds),
        "domain": domain_check(usable_rows(db, evaluation), evaluation, lead),
    }


def run_study(
    db,
    *,
    seeds: int = STUDY_SEEDS,
    folds: int = FOLDS,
    model: str = STUDY_MODEL,
    docs: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    report=None,
) -> dict:
    """Which inputs and targets, whether the band gap matters under other alignments, by one fast model; and the noise of
    the reference with the choice of its zero (`reference.study`).

    Writes numbers and report into the folder docs if given. Returns everything as JSON types.
    """
    if docs:
        prepare_docs(Path(docs))
    place = {"workers": workers, "scheduler": scheduler}
    where = {"seeds": seeds, "folds": folds, "model": model, **place}
    found = {
        **provenance(db, []),
        "seeds": seeds,
        "folds": folds,
        "model": model,
        "choices": studies.study_inputs(db, report=report, **where),
        "alignments": bandgap.alignments(db, report=report, **where),
        "reference": reference.study(db, folds=folds, workers=workers, scheduler=scheduler, report=report),
        "published": published.study(db, seeds=min(seeds, PUBLISHED_SEEDS), folds=folds, report=report, **place),
        "curve": curve.study_curve(db, seeds=min(seeds, CURVE_SEEDS), folds=folds, report=report, **place),
    }
    if docs:
        publish(Path(docs), "study", found)
    return found


def provenance(db, skipped: list) -> dict:
    """What data: version, numbers of spectra and structures of each kind, what was planned, what was left out."""
    kind, structure = np.asarray(db["kind"]), np.asarray(db["structure"], str)
    return {
        "data": db.version,
        "planned": db.planned,
        "skipped": skipped,
        **{
            group: {"spectra": int((kind == group).sum()), "structures": int(np.unique(structure[kind == group]).size)}
            for group in ("crystal", "amorphous")
        },
    }


def group_counts(db) -> dict:
    """How many structures the crystals count as under each grouping."""
    crystals = db[np.asarray(db["kind"]) == "crystal"]
    return {grouping: len(set(structure_groups(crystals, grouping))) for grouping in GROUPINGS}


def usable_rows(db, evaluation: Evaluation):
    return db[usable(db, evaluation.choice, evaluation.target)[0]]


def domain_check(db, evaluation: Evaluation, model: str) -> list[dict]:
    """Does the out-of-domain score foretell the error? One record per group: Spearman's correlation of score and MSE,
    and the median MSE of the spectra that score below and above 1. Scores are those of folds that did not hold the
    structure.
    """
    from scipy.stats import spearmanr

    data = Dataset.from_database(db, evaluation.choice, evaluation.target, grouping=evaluation.grouping)
    scores = np.zeros(len(data))
    splits = grouped_folds(data, evaluation.folds, seed=0)
    for split in splits:
        score = DomainScore.fit(data.subset(split.development))
        scores[split.test] = score.score(data.subset(split.test))
        if split.amorphous.size:
            scores[split.amorphous] += score.score(data.subset(split.amorphous)) / len(splits)
    found = []
    for group in dict.fromkeys(data.kinds):
        rows = np.flatnonzero(data.kinds == group)
        mse = evaluation.per_site(model, "pdos", group)["mse"].loc[data.sites[rows]].to_numpy()
        above = scores[rows] > 1
        found.append(
            {
                "group": str(group),
                "n": int(rows.size),
                "above_1": int(above.sum()),
                "spearman": number(spearmanr(scores[rows], mse).statistic),
                "mse_below": number(np.median(mse[~above])) if (~above).any() else None,
                "mse_above": number(np.median(mse[above])) if above.any() else None,
            }
        )
    return found


def prepare(path: Path) -> None:
    """Makes the folder of a file to write; DataError if that cannot be, before hours of work are lost."""
    file_place(path, make=True)
    make_folder(path.parent)


def prepare_docs(docs: Path) -> None:
    """The same for the folder of numbers and report; the numbers there are kept, so they must be readable."""
    for name in (NUMBERS, REPORT):
        prepare(docs / name)
    known_numbers(docs)


def known_numbers(docs: Path) -> dict:
    """The parts of the numbers in a folder, {} if there are none."""
    path = docs / NUMBERS
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        known = problem
    if not isinstance(known, dict):
        raise DataError(f"{path} does not hold the numbers of an evaluation. Move it away; it was left as it is.")
    return known


def publish(docs: Path, part: str, found: dict) -> None:
    """Replaces one part of the numbers and writes the report of all parts again."""
    known = known_numbers(docs) | {part: found}
    write(docs / NUMBERS, json.dumps(known, indent=1) + "\n")
    write(docs / REPORT, markdown(known))


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    write_whole(path, text.encode())
