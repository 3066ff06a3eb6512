"""The part of the report on the band gap: whether it helps, and why."""

from .. import metrics
from .texts import GROUPS, WORD, deviation, percent, plural, table


def gap(e: dict, study: dict | None) -> list[str]:
    if not e["gap_effect"]:
        return []
    lines = [
        "## Does the band gap help?",
        "",
        "Ratio: geometric mean over sites of the MSE with the gap over the MSE without it; below 1 the gap helps. "
        "Spread: standard deviation over seeds of the change of the median.",
        "",
        *table(
            "model | group | median without | with | ratio | 95 % interval | over | p | sites better | spread",
            [
                [
                    r["model"],
                    r["group"],
                    f"{r['median_without']:.4f}",
                    f"{r['median_with']:.4f}",
                    f"{r['ratio']:.3f}",
                    f"{r['ratio_low']:.3f} to {r['ratio_high']:.3f}",
                    f"{r['over']}s",
                    f"{r['p']:.2g}",
                    percent(r["sites_better"]),
                    f"{deviation(r['by_seed']):.4f}",
                ]
                for r in e["gap_effect"]
            ],
        ),
        "",
    ]
    for r in (r for r in e["gap_effect"] if r["model"] == e["model"]):
        spread = deviation(r["by_seed"])
        small = abs(r["median_with"] - r["median_without"]) < spread
        lines += [
            f"On {GROUPS[r['group']]} the error of `{r['model']}` with the gap is {WORD[r['verdict']]}"
            + (
                f" ({abs(1 - r['ratio']) * 100:.1f} %{', less than the spread over seeds' if small else ''})"
                if r["verdict"] != "undecided"
                else ""
            )
            + (f", on the evidence of {plural(r['structures'], 'structure')} only." if r["over"] == "site" else "."),
            "",
        ]
    return (
        lines
        + core_hole(e)
        + told(e)
        + (aligned(study) if study and study.get("alignments") else [])
        + (as_published(study) if study and study.get("published") else [])
    )


def core_hole(e: dict) -> list[str]:
    if not e["core_hole"]:
        return []
    lines = [
        "### Is the core-hole effect underestimated?",
        "",
        f"The core hole draws intensity to the edge. Its effect: the share of the first {metrics.EDGE_WINDOW[1]:g} "
        f"eV above the edge that "
        f"lies in the first {metrics.EDGE_WIDTH:g} eV, in the ELNES less in the ground-state O p PDOS of the same "
        f"width. Exciton: the "
        "highest point near the edge, prediction less reference (height in units of the mean spectrum, position in "
        "eV).",
        "",
        *table(
            "model | inputs | group | ground state | effect | predicted | bias | 95 % interval | exciton height | "
            "exciton position",
            [
                [
                    r["model"],
                    r["inputs"],
                    r["group"],
                    f"{r['ground_state']:.3f}",
                    f"{r['effect']:+.3f}",
                    f"{r['predicted']:+.3f}",
                    f"{r['bias']:+.4f}",
                    f"{r['bias_low']:+.4f} to {r['bias_high']:+.4f}",
                    f"{r['exciton_height_bias']:+.2f} of {r['exciton_height']:.2f}",
                    f"{r['exciton_position_bias']:+.2f}",
                ]
                for r in e["core_hole"]
            ],
        ),
        "",
    ]
    for group in ("crystal", "amorphous"):
        both = {r["inputs"]: r for r in e["core_hole"] if r["group"] == group and r["model"] == e["model"]}
        if len(both) < 2:
            continue
        without, with_gap = both["pdos"], both["pdos+gap"]
        share = abs(without["bias"] / without["effect"]) * 100 if without["effect"] else 0.0
        start = f"Without the gap `{e['model']}`"
        first = {
            "lower": f"{start} underestimates the core-hole effect on {GROUPS[group]} by {share:.0f} %",
            "higher": f"{start} overestimates the core-hole effect on {GROUPS[group]} by {share:.0f} %",
            "undecided": f"{start} has no measurable bias of the core-hole effect on {GROUPS[group]}",
        }
        change = abs(without["bias"]) - abs(with_gap["bias"])
        mended = change / abs(without["bias"]) if without["bias"] else 0.0
        second = (
            ""
            if without["verdict"] == "undecided"
            else (
                "; the gap as an input mends most of that"
                if mended > 0.5
                else (
                    f"; the gap as an input takes {mended * 100:.0f} % of that away"
                    if mended > 0.1
                    else (
                        "; the gap as an input does not mend that"
                        if mended > -0.1
                        else "; with the gap the bias is larger"
                    )
                )
            )
        )
        lines += [first[without["verdict"]] + second + ".", ""]
    effects = {r["group"]: r["effect"] for r in e["core_hole"]}
    if len(effects) == 2:
        word = "stronger" if effects["amorphous"] > effects["crystal"] else "weaker"
        lines += [
            f"The effect itself is {word} in the amorphous spectra ({effects['amorphous']:+.3f}) than in the "
            f"crystals on average ({effects['crystal']:+.3f}).",
            "",
        ]
    return lines


def told(e: dict) -> list[str]:
    lines = [
        "### What the gap could tell",
        "",
        "The gap predicted from the same PDOS bins by ridge, on held-out structures:",
        "",
        *table(
            "group | rms error (eV) | spread over crystals (eV) | range (eV) | different gaps",
            [
                [
                    r["group"],
                    f"{r['error']:.2f}",
                    f"{r['spread']:.2f}",
                    f"{r['low']:.2f} to {r['high']:.2f}",
                    str(r["values"]),
                ]
                for r in e["gap_from_pdos"]
            ],
        ),
        "",
    ]
    for r in e["gap_from_pdos"]:
        if r["group"] == "crystal":
            known = 1 - (r["error"] / r["spread"]) ** 2
            lines += [
                (
                    f"The PDOS already tells {percent(known)} of the variance of the gap: the gap is largely redundant."
                    if known > 0.5
                    else f"The PDOS tells {percent(max(known, 0))} of the variance of the gap, so the gap is news to "
                    f"the model; whether that news is of use for the spectrum is what the ratios above say."
                ),
                "",
            ]
        elif r["values"] < 5:
            inside = r["training_low"] <= r["low"] and r["high"] <= r["training_high"]
            lines += [
                f"All amorphous spectra share {plural(r['values'], 'gap')}, {'inside' if inside else 'not inside'} "
                f"the range of the crystals "
                f"({r['training_low']:.2f} to {r['training_high']:.2f} eV): a number that all sites of a glass have "
                f"in common cannot tell them apart; it can only move them all alike."
                + (" Being ordinary, it moves them little." if inside else ""),
                "",
            ]
    return lines


def aligned(study: dict) -> list[str]:
    """The gap's worth under other alignments: it can stand in for an edge that the axis does not show."""
    return [
        "### Does the answer hang on the alignment?",
        "",
        f"The same by {study['model']}, {study['seeds']} seeds:",
        "",
        *table(
            "alignment | group | median without | with | ratio | 95 % interval | MSE with the gap",
            [
                [
                    r["alignment"],
                    r["group"],
                    f"{r['median_without']:.4f}",
                    f"{r['median_with']:.4f}",
                    f"{r['ratio']:.3f}",
                    f"{r['ratio_low']:.3f} to {r['ratio_high']:.3f}",
                    WORD[r["verdict"]],
                ]
                for r in study["alignments"]
            ],
        ),
        "",
    ]


def as_published(study: dict) -> list[str]:
    """The published setting beside the same network on other zeros."""
    records, text = study["published"]["records"], []
    for r in (r for r in records if r["group"] == "amorphous"):
        text.append(
            f"{r['setting']}: the error on the glass is {WORD[r['verdict']]} with the gap"
            + (f" ({r['ratio']:.2f} of it)" if r["verdict"] != "undecided" else "")
        )
    return [
        "### The published setting",
        "",
        "A network in the manner of the published one, with energies from the valence band and the gap as one more input; "
        f"its sizes, channels and training are this study's own choice: {study['published']['network']}; "
        f"{plural(study['published']['seeds'], 'seed')} of {study['published']['folds']} folds by net.",
        "",
        *table(
            "setting | group | structures | median without | with | mean without | with | ratio | 95 % interval | MSE with the gap",
            [
                [
                    r["setting"],
                    r["group"],
                    str(r["structures"]),
                    f"{r['median_without']:.4f}",
                    f"{r['median_with']:.4f}",
                    f"{r['mean_without']:.4f}",
                    f"{r['mean_with']:.4f}",
                    f"{r['ratio']:.3f}",
                    f"{r['ratio_low']:.3f} to {r['ratio_high']:.3f} over {r['over']}s",
                    WORD[r["verdict"]],
                ]
                for r in records
            ],
        ),
        "",
        *(
            [
                ". ".join(text)
                + ". That is on the evidence of "
                + plural(max(r["structures"] for r in records if r["group"] == "amorphous"), "glass").replace(
                    "glasss", "glasses"
                )
                + ", and the intervals do not hold what another start of the network would change. Compare the errors themselves with "
                "those of the models above before a ratio is read as a gain: a network that predicts the glass badly has more to mend.",
                "",
            ]
            if text
            else []
        ),
    ]
