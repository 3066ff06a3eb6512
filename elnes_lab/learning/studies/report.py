"""The report on learning, written from its numbers: every sentence that interprets is chosen by what the numbers
say."""

from .. import metrics
from .report_curve import curve
from .report_gap import gap
from .report_lead import lead, plain
from .report_reference import groupings, noise
from .report_structure import route
from .texts import GROUPS, WORD, counted, fixed, percent, plural, span, table


def markdown(numbers: dict) -> str:
    """The report, Markdown, from {"evaluation": `results.summary`, "study": what `results.run_study` returns,
    "structure": `structure.evaluate_route`}, each optional."""
    parts = [
        "# Learning: how well it works",
        "",
        "Written by `elnes-lab evaluate` and `elnes-lab study` from the numbers in `learning.json`; do not edit. The "
        "text follows the numbers: with a larger database both change.",
        "",
    ]
    if "evaluation" in numbers:
        e = numbers["evaluation"]
        parts += [
            *lead(e, numbers.get("study")),
            *short(e),
            *measured(e),
            *models(e),
            *groupings(e),
            *stored(e),
            *rivals(e),
            *gap(e, numbers.get("study")),
            *domain(e),
        ]
    if "structure" in numbers:
        parts += route(numbers["structure"], numbers.get("evaluation"))
    if "study" in numbers:
        parts += [
            *curve(numbers["study"]),
            *(inputs(numbers["study"]) if numbers["study"].get("choices") else []),
            *noise(numbers["study"]),
        ]
    return "\n".join(parts).rstrip() + "\n"


def short(e: dict) -> list[str]:
    """The answers, one sentence per group and question."""
    lines, model = ["## The band gap and the plain methods in short", ""], e["model"]
    for group in ("crystal", "amorphous"):
        records = [r for r in e["records"] if r["group"] == group]
        mine = [r for r in records if r["model"] == model]
        have = {(t["rival"], t["inputs"], t["group"]) for t in e["tests"]}
        others = [r for r in records if plain(r) and (r["model"], r["inputs"], group) in have]
        if not mine or not others:
            continue
        best, rival = (min(found, key=lambda r: r["mse_median"]) for found in (mine, others))
        test = next(
            t for t in e["tests"] if (t["rival"], t["inputs"], t["group"]) == (rival["model"], rival["inputs"], group)
        )
        sure = ("; the difference is significant" if test["p"] < 0.05 else "; the difference is not significant") + (
            f" for equal inputs (p = {test['p']:.2g}, {test['pairs']} {test['unit']}s"
            + (f" of {plural(rival['structures'], 'structure')})." if test["unit"] == "site" else ").")
        )
        lines += [
            f"- On {GROUPS[group]} the best `{model}` ({best['inputs']}) has a median MSE of "
            f"{best['mse_median']:.4f}, the best plain method "
            f"({rival['model']}, {rival['inputs']}) {rival['mse_median']:.4f}{sure}"
        ]
    for r in (r for r in e["gap_effect"] if r["model"] == model):
        lines += [
            f"- With the band gap as an input the error on {GROUPS[r['group']]} is {WORD[r['verdict']]}: ratio "
            f"{r['ratio']:.3f} ({r['ratio_low']:.3f} to {r['ratio_high']:.3f} over {r['over']}s)."
        ]
    for r in (r for r in e["core_hole"] if r["model"] == model and r["inputs"] == "pdos"):
        word = {"lower": "underestimated", "higher": "overestimated", "undecided": "rendered without measurable bias"}[
            r["verdict"]
        ]
        lines += [
            f"- Without the gap the core-hole effect on {GROUPS[r['group']]} is {word}: {r['predicted']:+.3f} where "
            f"the reference has {r['effect']:+.3f}."
        ]
    return lines + [""] if len(lines) > 2 else []


def measured(e: dict) -> list[str]:
    low, high = e["target"]["window"]
    lines = [
        "## What was measured",
        "",
        f"Data version `{e['data']}`: {counted(e, 'crystal')} and {counted(e, 'amorphous')}, of {e['planned']} "
        f"spectra planned. "
        f"{plural(e['seeds'], 'seed')} (slow models: two at most), each with {e['folds']}-fold cross-validation grouped by net: crystals with one "
        "silicon-oxygen net (the same coordination sequences of silicon over 14 shells: another cell, a distortion, a "
        "stacking of the same layers), or with one density of states, count as one structure"
        + (
            f" (by net there are {e['groups']['net']} of crystals, by density of states alone {e['groups']['dos']})"
            if "groups" in e
            else ""
        )
        + ": every crystal is predicted by models that never saw its net, and no model ever saw an "
        "amorphous spectrum. The plain methods' hyper-parameters and early stopping use training structures only. "
        "The network's default hyper-parameters and the default inputs were chosen once, with the first 27 crystal "
        "spectra (and one glass) in view: its errors on those are somewhat too good.",
        "",
        f"The figure of merit is the MSE of a spectrum normalized to mean 1 from {low:g} to {high:g} eV (zero: "
        f"{e['target']['alignment']}). "
        f"The reference itself is noisy by {metrics.REFERENCE_MSE[0]:g} to {metrics.REFERENCE_MSE[1]:g} (half of what "
        "one crystal's spectra in two supercells differ by, see below). Intervals are 95 % bootstrap intervals over "
        "structures; with fewer than five structures in a group they are over sites, and speak of those structures "
        "only.",
        "",
    ]
    return lines + ([f"Left out: {' '.join(e['skipped'])}", ""] if e["skipped"] else [])


def models(e: dict) -> list[str]:
    lines = ["## All models on the same splits", ""]
    for group in ("crystal", "amorphous"):
        records = sorted((r for r in e["records"] if r["group"] == group), key=lambda r: r["mse_median"])
        if not records:
            continue
        lines += [
            f"### {group.capitalize()}: {records[0]['n']} spectra of {plural(records[0]['structures'], 'structure')}",
            "",
            *table(
                "model | inputs | median MSE | 95 % interval | mean | worst | cosine | peak error (eV) | peaks in "
                "0.5 eV | peaks in 1 eV | coverage of 90 %",
                [
                    [
                        r["model"],
                        r["inputs"],
                        f"{r['mse_median']:.4f}",
                        f"{r['mse_median_low']:.4f} to {r['mse_median_high']:.4f}",
                        f"{r['mse_mean']:.4f}",
                        f"{r['mse_worst']:.3f}",
                        f"{r['cosine_median']:.4f}",
                        f"{r['peak_error_median']:.2f}",
                        percent(r["peaks_within_0.5_eV"]),
                        percent(r["peaks_within_1_eV"]),
                        percent(r["coverage_90"]),
                    ]
                    for r in records
                ],
            ),
            "",
        ]
        best = records[0]
        times = best["mse_median"] / metrics.REFERENCE_MSE[1]
        lines += [
            (
                f"Lowest median: {best['model']} with {best['inputs']}, {times:.0f} times the upper end of the "
                f"reference's noise."
                if times >= 2
                else f"Lowest median: {best['model']} with {best['inputs']}, within twice the reference's noise."
            ),
            "",
        ]
        covered = [r for r in records if r["coverage_90"] is not None]
        for r in covered:
            gap = r["coverage_90"] - 0.9
            word = "too narrow" if gap < -0.03 else "wider than needed" if gap > 0.03 else "as wide as promised"
            lines += [
                f"The 90 % intervals of {r['model']} ({r['inputs']}) hold {percent(r['coverage_90'])} of the points: "
                f"{word} here."
            ]
        lines += [""] * bool(covered)
    return lines


def stored(e: dict) -> list[str]:
    """The pre-trained models, if they were measured."""
    every = e["records"] + [r for other in e.get("others", []) for r in other["records"]]
    records = [r for r in every if r.get("shipped")]
    if not records:
        return []
    return [
        "### The models that come with the repository",
        "",
        "Cross-fitted, by net: each crystal is predicted by parts that never saw its net, an amorphous structure by all "
        "parts, which saw none.",
        "",
        *table(
            "model | inputs | group | grouping | spectra | median MSE | mean | coverage of 90 %",
            [
                [
                    r["model"],
                    r["inputs"],
                    r["group"],
                    r.get("grouping", ""),
                    str(r["shipped"]["n"]),
                    fixed(r["shipped"]["mse_median"]),
                    fixed(r["shipped"]["mse_mean"]),
                    percent(r["shipped"]["coverage_90"]),
                ]
                for r in records
            ],
        ),
        "",
        *list(dict.fromkeys(r["shipped"]["warning"] for r in records if r["shipped"]["warning"])),
        "",
    ]


def rivals(e: dict) -> list[str]:
    if not e["tests"]:
        return []
    lines = [
        f"## Does `{e['model']}` beat the plain methods?",
        "",
        "Wilcoxon's signed-rank test on the mean MSE of each structure (of each site where there are fewer than five "
        f"structures). A negative difference is in favour of `{e['model']}`.",
        "",
        *table(
            "against | inputs | group | median difference | p | better in | pairs",
            [
                [
                    t["rival"],
                    t["inputs"],
                    t["group"],
                    f"{t['difference']:+.4f}",
                    f"{t['p']:.2g}",
                    percent(t["share_better"]),
                    f"{t['pairs']} {t['unit']}s",
                ]
                for t in e["tests"]
            ],
        ),
        "",
    ]
    for group in ("crystal", "amorphous"):
        tests = [t for t in e["tests"] if t["group"] == group]
        if tests:
            sorted_out = [
                ("better than", [t for t in tests if t["p"] < 0.05 and t["difference"] < 0]),
                ("worse than", [t for t in tests if t["p"] < 0.05 and t["difference"] > 0]),
                (
                    "not distinguishable (p > 0.05) from",
                    [t for t in tests if not (t["p"] < 0.05 and t["difference"] != 0)],
                ),
            ]
            text = "; ".join(
                f"{word} " + ", ".join(f"{t['rival']} ({t['inputs']})" for t in found)
                for word, found in sorted_out
                if found
            )
            lines += [f"On {GROUPS[group]} `{e['model']}` is {text}.", ""]
    return lines


def domain(e: dict) -> list[str]:
    lines = [
        "## Does the out-of-domain score foretell the error?",
        "",
        *table(
            "group | spectra | score above 1 | Spearman's correlation of score and MSE | median MSE below 1 | above 1",
            [
                [
                    r["group"],
                    str(r["n"]),
                    str(r["above_1"]),
                    fixed(r["spearman"], 2),
                    fixed(r["mse_below"]),
                    fixed(r["mse_above"]),
                ]
                for r in e["domain"]
            ],
        ),
        "",
    ]
    return lines


def inputs(study: dict) -> list[str]:
    default = study["choices"][0]
    better = [
        c
        for c in study["choices"][1:]
        if c["against_default"][2] < 1 and c["choice"].startswith("input") and ", target" not in c["choice"]
    ]
    worse = [c for c in study["choices"][1:] if c["against_default"][1] > 1 and c["choice"].startswith("input")]
    lines = [
        "## Which inputs and targets",
        "",
        f"By {study['model']}, {study['seeds']} seeds of {study['folds']} folds, data version `{study['data']}`; one "
        f"choice changed at a time. "
        "Relative: median MSE over that of the mean spectrum for the same target, as MSE of different targets cannot "
        "be compared. "
        "Against the defaults: geometric mean over crystals of the relative error over that of the defaults, with "
        "its 95 % interval over structures; above 1 the defaults are better.",
        "",
        f"Defaults: {', '.join(default['inputs']['channels'])} from {span(default['inputs'])}, broadened by "
        f"{default['inputs']['broadening']:g} eV; ELNES from {span(default['target'])}.",
        "",
        *table(
            "choice | crystals: MSE | relative | amorphous: MSE | relative | against the defaults",
            [
                [
                    c["choice"],
                    fixed(c["crystal"]["mse_median"]),
                    fixed(c["crystal"]["relative"], 2),
                    fixed(c.get("amorphous", {}).get("mse_median")),
                    fixed(c.get("amorphous", {}).get("relative"), 2),
                    "{:.2f} ({:.2f} to {:.2f})".format(*c["against_default"]),
                ]
                for c in study["choices"]
            ],
        ),
        "",
        f"{len(worse)} of the other inputs are measurably worse than the defaults"
        + (f" ({'; '.join(c['choice'] for c in worse)})" if worse else "")
        + f", {len(better)} measurably better"
        + (f" ({'; '.join(c['choice'] for c in better)})" if better else "")
        + "; between the rest and the defaults these data do not decide.",
        "",
        "The targets are not chosen by these numbers alone: broadening makes any target easier and tells less; a "
        "spectrum counted from the valence band or from the first empty level of the charged supercell inherits that "
        "cell's finite-size shift (docs/method.md, 0.3 eV between two cell sizes of quartz), one counted from its own rise "
        "does not, and measured spectra are compared by their edges as well.",
        "",
    ]
    skipped = list(dict.fromkeys(text for c in study["choices"] for text in c["skipped"]))
    return lines + (
        [f"Left out where the window asks for more than the data hold: {' '.join(skipped)}", ""] if skipped else []
    )
