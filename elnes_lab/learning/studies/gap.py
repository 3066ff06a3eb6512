"""What the band gap adds to the PDOS, and why: the question of the published work, put to this database.

There, a network that knew only the PDOS underestimated the core-hole effect in amorphous silica, and the band gap as
one more input mended it (Kiyohara, Tsubaki and Mizoguchi, npj Comput. Mater. 6, 68 (2020)). Four questions: is the
error smaller with the gap; is the core-hole effect underestimated without it; what does the gap tell that the PDOS
does not; and does the answer hang on how the curves are aligned?
"""

import dataclasses

import numpy as np

from ..baselines import Ridge
from ..dataset import Dataset, InputChoice, TargetChoice, grouped_folds
from ..estimators import ANN
from .evaluation import Evaluation, evaluate, number, rounded
from .significance import bootstrap, paired_test

WITHOUT, WITH = "pdos", "pdos+gap"
ALIGNMENTS = {  # input and target: zero and window, eV
    "both at their edges": (("cbm", (-2.0, 15.0)), ("edge", (-2.0, 30.0))),
    "PDOS at its edge, ELNES at its first empty level": (("cbm", (-2.0, 15.0)), ("onset", (-2.0, 30.0))),
    "both at the valence band": (("vbm", (3.0, 20.0)), ("vbm", (3.0, 35.0))),
    "both at the ground state's edge": (("cbm", (-2.0, 15.0)), ("cbm", (-2.0, 30.0))),
    "PDOS at its edge, ELNES at the valence band": (("cbm", (-2.0, 15.0)), ("vbm", (3.0, 35.0))),
}


def gap_effect(evaluation: Evaluation, model: str = ANN) -> list[dict]:
    """Error with and without the gap for one model: one record per group, JSON types.

    ratio: geometric mean over sites of MSE with the gap over MSE without, below 1 if the gap helps, with its 95 %
    bootstrap interval; p: Wilcoxon's paired test over structures; by_seed: change of the median MSE, one per seed.
    """
    found = []
    for group in groups(evaluation, model):
        without, with_gap = (evaluation.per_site(model, inputs, group) for inputs in (WITHOUT, WITH))
        ratio = bootstrap(np.log(with_gap["mse"] / without["mse"]), without["cluster"], np.mean)
        test = paired_test(with_gap["mse"], without["mse"], without["cluster"])
        seeds = evaluation.medians_by_seed(model, WITH, group) - evaluation.medians_by_seed(model, WITHOUT, group)
        found.append(
            {
                "model": model,
                "group": group,
                "n": len(without),
                "structures": int(without["cluster"].nunique()),
                "median_without": number(without["mse"].median()),
                "median_with": number(with_gap["mse"].median()),
                "ratio": number(np.exp(ratio.value)),
                "ratio_low": number(np.exp(ratio.low)),
                "ratio_high": number(np.exp(ratio.high)),
                "p": number(test.p),
                "sites_better": number((with_gap["mse"] < without["mse"]).mean()),
                "over": ratio.unit,
                "by_seed": [number(x) for x in seeds],
                "verdict": verdict(ratio.low, ratio.high),
            }
        )
    return found


def verdict(low: float, high: float) -> str:
    """ "lower", "higher" or "undecided", from the interval of a logarithm of a ratio or of a difference."""
    return "lower" if high < 0 else "higher" if low > 0 else "undecided"


def core_hole_effect(evaluation: Evaluation, model: str = ANN) -> list[dict]:
    """How well one model renders the core-hole effect: one record per group and inputs, JSON types; empty without
    edge axes.

    effect: share of the intensity of the first 15 eV above the edge that lies in the first 4 eV, ELNES less
    ground-state PDOS (mean over sites); predicted: the same of the prediction; bias: predicted - effect with its 95 %
    interval; exciton_height_bias and exciton_position_bias (eV): highest point near the edge, predicted - reference.
    """
    found = []
    if evaluation.reference["edge_ground"].isna().all():
        return found
    for group in groups(evaluation, model):
        for inputs in (WITHOUT, WITH):
            sites = evaluation.per_site(model, inputs, group)
            reference = evaluation.reference.loc[sites.index]
            effect = reference["edge_weight"] - reference["edge_ground"]
            bias = bootstrap(sites["edge_weight"] - reference["edge_weight"], sites["cluster"], np.mean)
            height = bootstrap(sites["exciton_height"] - reference["exciton_height"], sites["cluster"], np.mean)
            position = bootstrap(sites["exciton_position"] - reference["exciton_position"], sites["cluster"], np.mean)
            found.append(
                {
                    "model": model,
                    "inputs": inputs,
                    "group": group,
                    "n": len(sites),
                    "over": bias.unit,
                    "ground_state": number(reference["edge_ground"].mean()),
                    "effect": number(effect.mean()),
                    "predicted": number((sites["edge_weight"] - reference["edge_ground"]).mean()),
                    "bias": number(bias.value),
                    "bias_low": number(bias.low),
                    "bias_high": number(bias.high),
                    "verdict": verdict(bias.low, bias.high),
                    "exciton_height": number(reference["exciton_height"].mean()),
                    "exciton_height_bias": number(height.value),
                    "exciton_height_low": number(height.low),
                    "exciton_height_high": number(height.high),
                    "exciton_position_bias": number(position.value),
                }
            )
    return found


def groups(evaluation: Evaluation, model: str) -> list[str]:
    """Groups that the model was evaluated on both with and without the gap."""
    have = evaluation.combinations()
    return [group for group in ("crystal", "amorphous") if {(model, i, group) for i in (WITHOUT, WITH)} <= set(have)]


def gap_from_pdos(db, choice: InputChoice | None = None, *, folds: int = 5, seeds: int = 3) -> list[dict]:
    """How well the same PDOS bins tell the gap itself, by ridge on held-out structures: one record per group.

    error: rms in eV over sites; spread: standard deviation of the gap over crystals, what not looking at the PDOS
    would leave; values: number of different gaps in the group: a glass has one gap for all its sites, so the gap
    cannot tell them apart.
    """
    choice = dataclasses.replace(choice or InputChoice(), scalars=())
    data = Dataset.from_database(db, choice)
    gap = np.asarray(db["band_gap"], float)
    asked = dataclasses.replace(data, targets=gap[:, None])
    errors = {"crystal": [], "amorphous": []}
    for seed in range(seeds):
        for split in grouped_folds(asked, folds, seed=seed):
            model = Ridge().fit(asked.subset(split.train), asked.subset(split.validation), seed)
            for group, rows in (("crystal", split.test), ("amorphous", split.amorphous)):
                if rows.size:
                    errors[group] += list(model.predict(asked.subset(rows))[:, 0] - gap[rows])
    crystals = gap[data.kinds == "crystal"]
    return [
        {
            "group": group,
            "error": number(np.sqrt(np.mean(np.square(e)))),
            "spread": number(crystals.std()),
            "low": number(gap[data.kinds == group].min()),
            "high": number(gap[data.kinds == group].max()),
            "training_low": number(crystals.min()),
            "training_high": number(crystals.max()),
            "values": int(np.unique(gap[data.kinds == group]).size),
        }
        for group, e in errors.items()
        if e
    ]


def alignments(db, *, model: str = "ridge", seeds: int = 3, folds: int = 5, **where) -> list[dict]:
    """`gap_effect` of one model for each of `ALIGNMENTS`; where: workers, scheduler, report, options of `evaluate`."""
    found = []
    for name, ((input_zero, input_window), (target_zero, target_window)) in ALIGNMENTS.items():
        evaluation = evaluate(
            db,
            seeds=seeds,
            folds=folds,
            models=[model],
            **where,
            choice=dataclasses.replace(InputChoice(), alignment=input_zero, window=input_window),
            target=dataclasses.replace(TargetChoice(), alignment=target_zero, window=target_window),
        )
        found += [{"alignment": name, **rounded(record)} for record in gap_effect(evaluation, model)]
    return found
