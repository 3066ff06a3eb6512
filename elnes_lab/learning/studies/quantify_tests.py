"""What a quantifier says of nets it never saw: by group, of averages and mixtures, under each condition, beyond the angle."""

from __future__ import annotations

import numpy as np

from ...spectra import half_height
from ..choices import EDGE_BELOW_HALF_HEIGHT
from ..quantification.instrument import BACKGROUNDS, COUNTS, PLURALS, SHIFTS, WIDTHS, Conditions
from ..quantification.model import MODES, PLACED, Quantifier
from ..quantification.prepare import WINDOW
from ..quantification.properties import CURVES, KEYS, averages
from ..quantification.training import Sites
from .quantify_methods import Pool, cross_validated, kernel_ridge, mean_predictor

GRID = {  # condition -> values at which the error is told; the others are drawn over their whole range
    "shift": (*SHIFTS[:1], -0.25, 0.0, 0.25, *SHIFTS[1:]),
    "fwhm": (WIDTHS[0], 0.7, 1.1, 1.5, WIDTHS[1]),
    "counts": (COUNTS[0], 300.0, 1000.0, 3000.0, COUNTS[1]),
    "background": (BACKGROUNDS[0], -0.05, 0.0, 0.05, BACKGROUNDS[1]),
    "plural": (PLURALS[0], 0.1, 0.2, PLURALS[1]),
    "subtracted": (0.5, 1.0, 2.0, 4.0),  # not in training: whether intervals hold all the same
}
TRAINED = tuple(name for name in GRID if name != "subtracted")
UNITS = {
    "shift": "eV",
    "fwhm": "eV",
    "counts": "in the maximum",
    "background": "of the maximum",
    "plural": "mean free paths",
    "subtracted": "maxima",
}
PARTS = ((-3, 4), (4, 9), (9, 14), (14, 20), (20, 30))  # eV from the zero
MIXTURES = 200
VARIED = 10  # values of the truth, below which a share of explained variance says nothing
REPEATS = 2  # draws of the conditions


def scores(truth, value, lower=None, upper=None) -> list[dict]:
    """mae, rmse, r2 (None if the truth takes fewer than `VARIED` values) and coverage of each property, from (..., n, properties)."""
    truth = np.broadcast_to(truth, value.shape).reshape(-1, value.shape[-1])
    wrong = value.reshape(truth.shape) - truth
    variance = truth.var(0)
    inside = (
        None
        if lower is None
        else ((lower - 1e-6 <= truth.reshape(value.shape)) & (truth.reshape(value.shape) <= upper + 1e-6)).reshape(
            truth.shape
        )
    )
    return [
        {
            "property": key,
            "mae": float(np.abs(wrong[:, j]).mean()),
            "rmse": float(np.sqrt((wrong[:, j] ** 2).mean())),
            "r2": float(1 - (wrong[:, j] ** 2).mean() / variance[j]) if len(np.unique(truth[:, j])) >= VARIED else None,
            "coverage": None if inside is None else float(inside[:, j].mean()),
        }
        for j, key in enumerate(KEYS)
    ]


def told(
    model: Quantifier,
    sites: Sites,
    conditions: Conditions,
    mode: str,
    random,
    names=None,
):
    """The estimate of sites recorded under conditions by parts that never saw their net."""
    features, place = sites.recorded(conditions, random)
    return model.estimate(
        features, place if mode == PLACED else None, held_out=sites.structures if names is None else names
    )


def averaged(db, sites: Sites, members: list[np.ndarray], weights: np.ndarray) -> Sites:
    """Sites whose spectra are weighted means over the members of each group, on the energy-loss scale, with the means of
    their properties: what a beam sees. members: rows of each group; weights (n,)."""
    energy, curves = db.curves(zero="loss")
    known = np.isfinite(curves)
    first, last = known.argmax(1), curves.shape[1] - 1 - known[:, ::-1].argmax(1)
    rows = np.arange(len(curves))
    ends = np.where(
        np.arange(curves.shape[1]) < first[:, None], curves[rows, first][:, None], curves[rows, last][:, None]
    )
    intensity = averages(np.where(known, curves, ends), weights, members)
    zero = half_height(energy, intensity) - EDGE_BELOW_HALF_HEIGHT
    one = np.array([rows[0] for rows in members])
    return Sites(
        energy,
        intensity,
        zero,
        zero,
        averages(sites.values, weights, members),
        sites.radius,
        averages(sites.curves, weights, members),
        sites.structures[one],
        sites.groups[one],
        sites.kinds[one],
        np.ones(len(members)),
    )


def structure_averages(db, sites: Sites) -> Sites:
    """One row a structure: the mean over its sites, each as often as the cell has it."""
    members = [np.flatnonzero(sites.structures == name) for name in dict.fromkeys(sites.structures)]
    return averaged(db, sites, members, sites.weights)


def mixtures(model: Quantifier, whole: Sites, random, number: int = MIXTURES) -> Sites:
    """Sums of two structure averages in shares drawn evenly; both are unknown to the part that answers (of one fold, and
    of different nets). `whole` is what `structure_averages` gives."""
    fold = np.array([model.folds[name] for name in whole.structures])
    a, b = np.triu_indices(len(fold), 1)
    good = np.flatnonzero((fold[a] == fold[b]) & (whole.groups[a] != whole.groups[b]))
    chosen = random.choice(good, min(number, len(good)), replace=False)
    a, b, share = a[chosen], b[chosen], random.uniform(0, 1, len(chosen))
    mix = lambda x: share.reshape(-1, *[1] * (x.ndim - 1)) * x[a] + (1 - share).reshape(-1, *[1] * (x.ndim - 1)) * x[b]
    intensity = mix(whole.intensity)
    zero = half_height(whole.energy, intensity) - EDGE_BELOW_HALF_HEIGHT
    return Sites(
        whole.energy,
        intensity,
        zero,
        zero,
        mix(whole.values),
        whole.radius,
        mix(whole.curves),
        whole.structures[a],
        whole.groups[a],
        whole.kinds[a],
        np.ones(len(a)),
    )


def by_group(model: Quantifier, db, sites: Sites, random) -> list[dict]:
    """Scores of crystals, glass, averages and mixtures, as stored and as recorded, in both modes; with those of the mean
    of the sites of the other folds."""
    whole = structure_averages(db, sites)
    groups = {
        "crystals, new nets": (sites, sites.kinds == "crystal"),
        "glass": (sites, sites.kinds != "crystal"),
        "averages over a structure": (whole, None),
        "mixtures of two structures": (mixtures(model, whole, random), None),
    }
    found = []
    fold = np.array([model.folds[name] for name in sites.structures])
    means = np.stack([sites.values[fold != k].mean(0) for k in range(len(model.weights))])
    for name, (rows, mask) in groups.items():
        mask = np.ones(len(rows.zero), bool) if mask is None else mask
        count = len(rows.zero)
        if not mask.any():
            continue
        cases = [
            ("stored", [Conditions.constant(count)]),
            ("recorded", [Conditions.drawn(count, random) for _ in range(REPEATS)]),
        ]
        constant = means[[model.folds[one] for one in rows.structures]]
        for state, conditions in cases:
            for mode in MODES:
                answers = [told(model, rows, one, mode, random) for one in conditions]
                value, lower, upper = (
                    np.stack([getattr(one, part)[mask] for one in answers]) for part in ("value", "lower", "upper")
                )
                found.append(
                    {
                        "group": name,
                        "n": int(mask.sum()),
                        "state": state,
                        "mode": mode,
                        "scores": scores(rows.values[mask], value, lower, upper),
                        "informative": np.mean([one.informative[mask] for one in answers], axis=(0, 1)).tolist(),
                        "mean_predictor": scores(rows.values[mask], constant[mask]),
                        "curves": [
                            curve_scores(rows.curves[mask, c], sites.curves[:, c].mean(0), answers, mask, c)
                            for c in range(len(CURVES))
                        ],
                    }
                )
    return found


def curve_scores(truth, mean, answers, mask, c) -> dict:
    """Root mean square error of a radial distribution, that of the mean of the database, and coverage of its band."""
    value, lower, upper, said = (
        np.stack([getattr(one, name)[mask, c] for one in answers])
        for name in ("curve", "curve_lower", "curve_upper", "curve_informative")
    )
    inside = (lower - 1e-6 <= truth) & (truth <= upper + 1e-6)
    return {
        "curve": CURVES[c].key,
        "rmse": float(np.sqrt(((value - truth) ** 2).mean())),
        "rmse_mean": float(np.sqrt(((mean - truth) ** 2).mean())),
        "coverage": float(inside.mean()),
        "informative": float(said.mean()),
    }


def robustness(model: Quantifier, sites: Sites, random) -> list[dict]:
    """Scores against each condition, the others drawn over their whole range."""
    found = []
    for name, values in GRID.items():
        for value in values:
            for mode in MODES:
                answers = [
                    told(
                        model, sites, Conditions.drawn(len(sites.zero), random).replaced(**{name: value}), mode, random
                    )
                    for _ in range(REPEATS)
                ]
                parts = (np.stack([getattr(one, part) for one in answers]) for part in ("value", "lower", "upper"))
                found.append({"condition": name, "value": value, "mode": mode, "scores": scores(sites.values, *parts)})
    return found


def beyond_angle(pool: Pool, sites: Sites, fold, spectrum: np.ndarray, random) -> list[dict]:
    """Whether a spectrum tells more of each property than the angle does.

    spectrum (1 + tests, n, properties): what the kernel regression says of held-out nets. Errors of the mean, of a
    regression on the true angle alone and on the angle read from the spectrum, and of the spectrum; and the correlation
    of what was read with the truth once the true angle's regression is taken from both.
    """
    angle = KEYS.index("si_o_si_angle")
    scale = sites.values[:, angle].std()
    by_mean = cross_validated(mean_predictor, pool, sites.values, fold, random)[0]
    true = np.broadcast_to(sites.values[:, [angle]] / scale, (len(pool.train), len(fold), 1))
    by_true = cross_validated(kernel_ridge, Pool(true, true[:1]), sites.values, fold, random)[0]
    by_read = cross_validated(kernel_ridge, Pool(true, spectrum[..., [angle]] / scale), sites.values, fold, random)
    found = []
    for j, key in enumerate(KEYS):
        if j == angle:
            continue
        error = lambda value: float(np.abs(value - sites.values[:, j]).mean())
        rest = (sites.values - by_true)[:, j]
        partial = [np.corrcoef(spectrum[i, :, j] - by_true[:, j], rest)[0, 1] for i in range(len(spectrum))]
        found.append(
            {
                "property": key,
                "mean": error(by_mean[:, j]),
                "true_angle": error(by_true[:, j]),
                "read_angle": error(by_read[1:, :, j]),
                "spectrum": error(spectrum[1:, :, j]),
                "partial_stored": float(partial[0]),
                "partial_recorded": float(np.mean(partial[1:])),
            }
        )
    return found


def windows(pool: Pool, sites: Sites, fold, random) -> list[dict]:
    """Errors of a regression that sees one part of the spectrum, all below an energy, or the place of the edge alone, of
    recorded spectra of held-out nets."""
    inputs = pool.train.shape[2] - 1
    centres = WINDOW[0] + (np.arange(inputs) + 0.5) * (WINDOW[1] - WINDOW[0]) / inputs
    cases = [(f"{low} to {high} eV", (centres >= low) & (centres < high)) for low, high in PARTS]
    cases += [(f"up to {high} eV", centres < high) for _, high in PARTS[1:]]
    found = []
    for name, mask in cases:
        found.append((name, np.append(mask, False)))
    found.append(("place of the edge alone", np.append(np.zeros(inputs, bool), True)))
    found.append(("all, with the place", np.ones(inputs + 1, bool)))
    return [
        {"window": name, "scores": scores(sites.values, narrowed(pool, columns, sites, fold, random)[1:])}
        for name, columns in found
    ]


def narrowed(pool: Pool, columns, sites, fold, random):
    """Cross-validated with some of the inputs, scaled so that their spread is what that of all is."""
    every, some = pool.train[0][:, :-1].var(0).sum(), pool.train[0][:, columns].var(0).sum()
    factor = np.sqrt(every / some) if not columns[-1] or columns.sum() == 1 else 1.0
    return cross_validated(
        kernel_ridge, Pool(pool.train * factor, pool.test * factor), sites.values, fold, random, columns
    )
