"""Which inputs and targets: every choice of the defaults against its neighbours, one changed at a time.

The error of different targets cannot be compared as it stands (a wider window holds more that is easy): the figure is
the median MSE divided by that of the mean spectrum for the same target and splits, so 1 means that the PDOS told
nothing.
"""

import dataclasses

import numpy as np

from ..dataset import InputChoice, TargetChoice
from .evaluation import evaluate, number
from .significance import bootstrap

NO_MODEL = "mean spectrum"
INPUTS = (
    *(
        {"channels": c}
        for c in (
            ("O p",),
            ("O s", "O p"),
            ("O p", "Si p"),
            ("O p", "DOS"),
            ("O s", "O p", "Si p"),
            ("O p", "Si s", "Si p"),
            ("O s", "O p", "Si s", "Si p", "DOS"),
            ("O px", "O py", "O pz"),
            ("DOS",),
        )
    ),
    *({"window": w} for w in ((-2.0, 6.0), (-2.0, 10.0), (-2.0, 13.0), (0.0, 15.0), (-10.0, 15.0))),
    *({"broadening": b} for b in (0.0, 0.5, 1.5)),
    *({"step": s} for s in (0.1, 0.5)),
    {"alignment": "vbm", "window": (3.0, 20.0)},
)
TARGETS = (
    *({"window": w} for w in ((-2.0, 15.0), (-2.0, 20.0), (-4.0, 34.0))),
    {"alignment": "onset"},
    {"alignment": "cbm"},
    {"alignment": "vbm", "window": (3.0, 35.0)},
    *({"broadening": b} for b in (0.5, 1.0)),
)
BOTH = (({"alignment": "vbm", "window": (3.0, 20.0)}, {"alignment": "vbm", "window": (3.0, 35.0)}),)


def choices() -> list[tuple[str, InputChoice, TargetChoice]]:
    """What is compared: (name, inputs, target), the defaults first."""
    found = [("defaults", InputChoice(), TargetChoice())]
    found += [
        (f"input {label(change)}", dataclasses.replace(InputChoice(), **change), TargetChoice()) for change in INPUTS
    ]
    found += [
        (f"target {label(change)}", InputChoice(), dataclasses.replace(TargetChoice(), **change)) for change in TARGETS
    ]
    found += [
        (
            f"input {label(a)}, target {label(b)}",
            dataclasses.replace(InputChoice(), **a),
            dataclasses.replace(TargetChoice(), **b),
        )
        for a, b in BOTH
    ]
    return [entry for k, entry in enumerate(found) if k == 0 or entry[1:] != found[0][1:]]


def label(change: dict) -> str:
    """ "channels O s, O p", "window -2 to 10 eV", "alignment vbm, window 3 to 20 eV"."""
    words = {
        "channels": lambda v: "channels " + " + ".join(v),
        "window": lambda v: f"window {v[0]:g} to {v[1]:g} eV",
        "broadening": lambda v: f"broadening {v:g} eV",
        "step": lambda v: f"step {v:g} eV",
        "alignment": lambda v: f"zero at {v}",
    }
    return ", ".join(words[key](value) for key, value in change.items())


def study_inputs(
    db,
    *,
    model: str = "ridge",
    seeds: int = 3,
    folds: int = 5,
    report=None,
    **where,
) -> list[dict]:
    """One record per entry of `choices`, JSON types; a fast model, as hundreds of fits are needed. where: as
    `evaluate` takes.

    relative: median MSE over that of the mean spectrum, per group; against_default: geometric mean over crystals of
    this relative error divided by that of the defaults, with its 95 % interval over structures: above 1 the default
    is better. skipped: rows that lack the data.
    """
    found, default = [], None
    entries = choices()
    for k, (name, choice, target) in enumerate(entries):
        evaluation = evaluate(
            db,
            seeds=seeds,
            folds=folds,
            models=[model, NO_MODEL],
            inputs=["pdos"],
            choice=choice,
            target=target,
            **where,
        )
        record = {"choice": name, "inputs": choice.to_dict(), "target": target.to_dict(), "skipped": evaluation.skipped}
        for group in ("crystal", "amorphous"):
            if (model, "pdos", group) in evaluation.combinations():
                sites, plain = (evaluation.per_site(m, "pdos", group) for m in (model, NO_MODEL))
                record[group] = {
                    "n": len(sites),
                    "mse_median": number(sites["mse"].median()),
                    "mse_mean": number(sites["mse"].mean()),
                    "relative": number(sites["mse"].median() / plain["mse"].median()),
                }
        sites, plain = (evaluation.per_site(m, "pdos", "crystal") for m in (model, NO_MODEL))
        gain = np.log(sites["mse"] / plain["mse"])
        default = gain if default is None else default
        shared = gain.index.intersection(default.index)
        interval = bootstrap(gain[shared] - default[shared], sites.loc[shared, "cluster"], np.mean)
        record["against_default"] = [number(np.exp(x)) for x in interval[:3]]
        found.append(record)
        if report:
            report(k + 1, len(entries))
    return found
