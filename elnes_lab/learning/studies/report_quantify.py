"""docs/quantify.md from the numbers of `quantify.study`; every sentence follows them."""

from __future__ import annotations

from ..quantification.instrument import TRAINED_COUNTS
from ..quantification.model import MODES, PLACED, SHAPE
from ..quantification.properties import PROPERTIES
from .quantify_tests import TRAINED, UNITS
from .texts import percent, table

SHORT = {
    "si_o_si_angle": "angle, °",
    "si_o_mean": "Si-O, Å",
    "coordination": "N(Si)",
    "density": "density, g/cm³",
    "o_o_min": "O-O, Å",
    "band_gap": "gap, eV",
}
DIGITS = {one.key: one.digits for one in PROPERTIES}
GOAL = 8.0  # degrees
WORDS = {PLACED: "with the place of the edge", SHAPE: "by the shape alone"}
COLUMNS = " | ".join(SHORT[one.key] for one in PROPERTIES)


def markdown(found: dict) -> str:
    """The whole report."""
    return "\n".join(
        [
            *head(found),
            *methods(found),
            *groups(found),
            *curves(found),
            *angle(found),
            *windows(found),
            *robustness(found),
            "",
        ]
    )


def number(score: dict, name: str) -> str:
    return f"{score[name]:.{DIGITS[score['property']]}f}" if score[name] is not None else ""


def both(score: dict) -> str:
    """Mean and root mean square error."""
    return f"{number(score, 'mae')} / {number(score, 'rmse')}"


def head(f: dict) -> list[str]:
    return [
        "# Quantify: structure from a spectrum, and how well",
        "",
        "Written by `elnes-lab study --quantify` from the numbers in `quantify.json`; do not edit. The text follows the numbers.",
        "",
        f"{f['rows']} sites of {f['structures']} structures, {f['nets']} nets of crystals, {f['glass']} sites of glass (data version "
        f"{f['data']}). Whatever is said of a spectrum is said by a model that was trained without its net, in {f['folds']} folds. "
        '"Stored": the spectra of the database. "Recorded": as an instrument would record them, drawn evenly over shifts up '
        "to 0.5 eV, a Gaussian of 0.3 to 2 eV FWHM, 100 to 10,000 counts in the maximum (channels of 0.1 eV), a power-law "
        "background up to a tenth of the maximum either way, and up to 0.3 mean free paths of plural scattering by a plasmon of "
        f"23 eV; all methods are trained on noisier ones ({TRAINED_COUNTS[0]:g} to {TRAINED_COUNTS[1]:,.0f} counts). "
        'The zero of energy is the spectrum\'s own edge. "With the place": where that lies on the energy-loss '
        'scale is read, too, which needs a calibration to 0.5 eV; "by the shape alone" needs none. The truth is that of '
        "the relaxed structures; the gap is PBE's.",
        "",
    ]


def methods(f: dict) -> list[str]:
    lines = ["## Methods on the same folds", ""]
    for state in ("stored", "recorded"):
        best = {one.key: min(m[state][j]["mae"] for m in f["methods"]) for j, one in enumerate(PROPERTIES)}
        lines += [
            f"Mean absolute / root mean square error of all sites, with the place of the edge, {state}; the smallest mean bold:",
            "",
            *table(
                f"method | {COLUMNS}",
                [
                    [m["method"], *(f"**{both(s)}**" if s["mae"] == best[s["property"]] else both(s) for s in m[state])]
                    for m in f["methods"]
                ],
            ),
            "",
        ]
    one, each = ([s["mae"] for s in m["recorded"]] for m in f["methods"] if m["method"].startswith("network"))
    fewer = [SHORT[p.key].split(",")[0] for p, a, b in zip(PROPERTIES, one, each) if a < b]
    return lines + [
        f"One network for all properties against one for each (recorded): it is nearer for "
        f"{', '.join(fewer) if fewer else 'none of them'}. Constants of the kernel were chosen on folds like "
        "these.",
        "",
    ]


def groups(f: dict) -> list[str]:
    lines = [
        "## By group",
        "",
        "Mean absolute error of the shipped model, in brackets that of the mean of the training sites; R²; "
        "coverage of the 90 % interval.",
        "",
    ]
    for state in ("stored", "recorded"):
        for mode in MODES:
            rows = [r for r in f["groups"] if r["state"] == state and r["mode"] == mode]
            lines += [
                f"{state.capitalize()}, {WORDS[mode]}:",
                "",
                *table(
                    f"group | n | {COLUMNS}",
                    [
                        [
                            r["group"],
                            str(r["n"]),
                            *(
                                f"{number(s, 'mae')} ({number(m, 'mae')}); {s['r2']:.2f}; {percent(s['coverage'])}"
                                if s["r2"] is not None
                                else f"{number(s, 'mae')} ({number(m, 'mae')}); {percent(s['coverage'])}"
                                for s, m in zip(r["scores"], r["mean_predictor"])
                            ),
                        ]
                        for r in rows
                    ],
                ),
                "",
            ]
    said = [
        r for r in f["groups"] if r["state"] == "recorded" and r["mode"] == PLACED and r["group"].startswith("crystals")
    ][0]
    worse = [
        f"{SHORT[s['property']].split(',')[0]} of {r['group']}"
        for r in f["groups"]
        if r["state"] == "recorded" and r["mode"] == PLACED
        for s, m in zip(r["scores"], r["mean_predictor"])
        if s["mae"] >= m["mae"]
    ]
    return lines + [
        (f"No better than the mean (recorded, with the place): {', '.join(worse)}. " if worse else "")
        + 'Mixtures and averages are not in training. How often a property of a crystal is named rather than "not from this '
        'spectrum" (recorded, with the place): '
        + ", ".join(f"{SHORT[one.key].split(',')[0]} {percent(x)}" for one, x in zip(PROPERTIES, said["informative"]))
        + ".",
        "",
    ]


def curves(f: dict) -> list[str]:
    rows = [
        [
            r["group"],
            c["curve"].removeprefix("rdf_").replace("_", "-").replace("si", "Si").replace("o", "O"),
            f"{c['rmse']:.2f}",
            f"{c['rmse_mean']:.2f}",
            percent(c["coverage"]),
            percent(c["informative"]),
        ]
        for r in f["groups"]
        if r["state"] == "recorded" and r["mode"] == PLACED
        for c in r["curves"]
    ]
    return [
        "## Radial distributions",
        "",
        "Root mean square error of g(r) from 1.2 to 6 Å, recorded, with the place; how much of r "
        "the band is clearly narrower than without a spectrum (mostly the first peaks):",
        "",
        *table("group | pair | error | of the mean | coverage of the band | share of r", rows),
        "",
    ]


def angle(f: dict) -> list[str]:
    rows = [
        [
            SHORT[r["property"]],
            *(f"{r[name]:.{DIGITS[r['property']]}f}" for name in ("mean", "true_angle", "read_angle", "spectrum")),
            f"{r['partial_stored']:.2f}",
            f"{r['partial_recorded']:.2f}",
        ]
        for r in f["beyond_angle"]
    ]
    more = [
        SHORT[r["property"]].split(",")[0]
        for r in f["beyond_angle"]
        if r["spectrum"] < r["true_angle"] and r["partial_recorded"] > 0.2
    ]
    rest = [
        SHORT[r["property"]].split(",")[0]
        for r in f["beyond_angle"]
        if not (r["spectrum"] < r["true_angle"] and r["partial_recorded"] > 0.2)
    ]
    return [
        "## Beyond the angle",
        "",
        "Mean absolute error of recorded spectra on new nets, predicted by: the mean; the true angle alone; "
        "the angle read from the spectrum; the spectrum. Then the correlation of what was read with the truth when what the true "
        "angle says is taken from both:",
        "",
        *table("property | mean | true angle | read angle | spectrum | partial correlation, stored | recorded", rows),
        "",
        (f"More than the true angle tells is in the spectrum for: {', '.join(more)}. " if more else "")
        + (f"Not so for: {', '.join(rest)}." if rest else ""),
        "",
    ]


def windows(f: dict) -> list[str]:
    return [
        "## Which part of the spectrum carries what",
        "",
        "Mean absolute error, recorded, new nets, from a part of the spectrum "
        "(eV from the zero, by the shape alone unless said):",
        "",
        *table(f"seen | {COLUMNS}", [[r["window"], *(number(s, "mae") for s in r["scores"])] for r in f["windows"]]),
        "",
    ]


def robustness(f: dict) -> list[str]:
    lines = [
        "## Against each condition",
        "",
        "All sites on new nets; the other conditions drawn over their whole range. Mean absolute "
        "error and coverage of the 90 % interval:",
        "",
    ]
    every, beyond = [], []
    for name in UNITS:
        rows = [r for r in f["robustness"] if r["condition"] == name]
        shown = []
        for value in dict.fromkeys(r["value"] for r in rows):
            pair = {r["mode"]: r["scores"] for r in rows if r["value"] == value}
            row = pair[PLACED][0] | {"where": f"{name} {value:g}"}
            (every if name in TRAINED else beyond).append(row)
            shown.append(
                [
                    f"{value:g}",
                    *(
                        f"{number(pair[mode][j], 'mae')}; {percent(pair[mode][j]['coverage'])}"
                        for mode in MODES
                        for j in (0, 1, 3)
                    ),
                ]
            )
        lines += [
            *table(
                f"{name}, {UNITS[name]} | angle, placed | Si-O, placed | density, placed | angle, shape | Si-O, shape | "
                "density, shape",
                shown,
            ),
            "",
        ]
    worst, least = max(every, key=lambda s: s["mae"]), min(every, key=lambda s: s["coverage"])
    missed = [s for s in every if s["mae"] > GOAL]
    verdict = (
        "within the goal of 8° everywhere"
        if not missed
        else f"beyond the goal of 8° in {len(missed)} of {len(every)} rows ({', '.join(s['where'] for s in missed)})"
    )
    return lines + [
        f"The mean absolute error of the angle, with the place, is {verdict}; it is largest at {worst['where']} "
        f"({worst['mae']:.1f}°; root mean square {worst['rmse']:.1f}°). Its interval covers least at {least['where']}: {percent(least['coverage'])}. A shift changes "
        "nothing by the shape alone, because the zero moves with it.",
        "",
        "Subtracted: a background, so many times as high just below the edge as the spectrum at its maximum, was subtracted and left "
        "its noise (1 means that half of the counts of the maximum are background). Training knows noise of the spectrum's own "
        "counts alone; intervals are wider where a spectrum is rougher, whatever made it so. The angle's covers "
        f"{percent(min(s['coverage'] for s in beyond))} at least, at a mean absolute error of "
        f"{min(s['mae'] for s in beyond):.1f} to {max(s['mae'] for s in beyond):.1f}°.",
        "",
    ]
