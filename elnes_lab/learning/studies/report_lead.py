"""The head of the report: the best model against the best plain method and the network, and against the goals set."""

from ..estimators import ANN, DIRECTED, SHIFTED
from .texts import GROUPS, fixed, measured_percent, percent, plural, table

# Set for this generation of models before it was made, with spectra counted from the first empty level: highest median
# and mean MSE of crystals by grouping, of the glass, of polarised spectra; p against the best plain method; intervals.
GOALS = {"net": (0.0145, 0.024), "dos": (0.0125, 0.021)}
GLASS, POLARIZED, SURE, COVERED, POOR = 0.010, 0.028, 0.01, (0.88, 0.92), 0.03
NAMES = {"net": "new nets", "dos": "grouped by density of states"}


def plain(record: dict) -> bool:
    """Whether a record is of a method that anybody could take from a library."""
    return record["model"] not in (*DIRECTED, ANN, SHIFTED)


def lead(e: dict, study: dict | None = None) -> list[str]:
    """The best model, the best plain method and the network, both groupings; goals; what the choice of zero is worth."""
    lines = ["## The best model against the others", ""]
    for part in (e, *e.get("others", [])):
        for group in ("crystal", "amorphous"):
            lines += compared(part, e["model"], part.get("grouping", "net"), group)
    if len(lines) == 2:
        return []
    if any(r["mse_polarized_mean"] is not None for r in e["records"]):
        lines += [
            "Polarised: MSE of the spectra along x, y and z. Only the direction-resolved models predict these; the others "
            "say their isotropic spectrum for each, so their figures there tell what a direction is worth and not how "
            "well such a method could learn it.",
            "",
        ]
    return lines + goals(e) + zero(study)


def chosen(part: dict, model: str, group: str) -> list[dict]:
    """Records of one group without the gap: the model, the plain method with the lowest median, the network."""
    records = [r for r in part["records"] if r["group"] == group and r["inputs"] == "pdos"]
    mine = [r for r in records if r["model"] == model]
    methods = [r for r in records if plain(r) and r["model"] != model]
    best = [min(methods, key=lambda r: r["mse_median"])] if methods else []
    return mine + best + [r for r in records if r["model"] == ANN != model]


def test(part: dict, rival: dict) -> dict | None:
    """The paired test of the model against one record."""
    return next(
        (
            t
            for t in part["tests"]
            if all(t[a] == rival[b] for a, b in (("rival", "model"), ("inputs", "inputs"), ("group", "group")))
        ),
        None,
    )


def compared(part: dict, model: str, grouping: str, group: str) -> list[str]:
    records = chosen(part, model, group)
    if len(records) < 2 or records[0]["model"] != model:
        return []
    mine, rows = records[0], []
    for r in records:
        against = test(part, r)
        rows.append(
            [
                r["model"],
                fixed(r["mse_median"]),
                fixed(r["mse_mean"]),
                f"{against['p']:.2g}" if against else "",
                percent(r["coverage_90"]),
                percent(r["structures_below_80"]),
                fixed(r["mse_polarized_median"]),
                fixed(r["mse_polarized_mean"]),
                str(r["seeds"]),
            ]
        )
    head = (
        "model | median MSE | mean | p | points inside the 90 % intervals | structures below 80 % | polarised: median | "
        "mean | seeds"
    )
    lines = [
        f"{GROUPS[group][0].upper()}{GROUPS[group][1:]}, {NAMES[grouping]}: {mine['n']} spectra of "
        f"{plural(mine['structures'], 'structure')}, without the gap; p of `{model}` against the row, over "
        f"{unit(part, records)}s:",
        "",
        *table(head, rows),
        "",
    ]
    for r in records[1:]:
        against, ratio = test(part, r), mine["mse_mean"] / r["mse_mean"]
        if against:
            sure = against["p"] < SURE
            word = ("better than" if against["difference"] < 0 else "worse than") if sure else "not surely apart from"
            lines += [
                f"`{model}` is {word} `{r['model']}` here (p = {against['p']:.2g}): {ratio:.2f} of its mean error, "
                f"{mine['mse_median'] / r['mse_median']:.2f} of its median; smaller on "
                f"{percent(against['share_better'])} of the {against['unit']}s."
            ]
    return [*lines, ""]


def unit(part: dict, records: list[dict]) -> str:
    return next((t["unit"] for t in (test(part, r) for r in records) if t), "structure")


def goals(e: dict) -> list[str]:
    """Each goal, what was measured, met or missed."""
    rows = []

    def goal(name: str, wanted: str, found: float | None, met: bool, shown=fixed) -> None:
        if found is not None:
            rows.append([name, wanted, shown(found), "met" if met else "missed"])

    for part in (e, *e.get("others", [])):
        grouping = part.get("grouping", "net")
        for group in ("crystal", "amorphous"):
            records = chosen(part, e["model"], group)
            if not records or records[0]["model"] != e["model"]:
                continue
            r, where = records[0], f"{group}, {NAMES[grouping]}: "
            limits = GOALS[grouping] if group == "crystal" else (GLASS,)
            for key, limit in zip(("mse_median", "mse_mean"), limits):
                goal(where + key.replace("mse_", "") + " MSE", f"at most {limit:g}", r[key], r[key] <= limit)
            against = test(part, records[1]) if len(records) > 1 and plain(records[1]) else None
            if against and group == "crystal":
                goal(
                    where + f"p against {records[1]['model']}",
                    f"below {SURE:g}",
                    against["p"],
                    against["p"] < SURE and against["difference"] < 0,
                    lambda p: f"{p:.2g}",
                )
            if group == "crystal" and r["mse_polarized_median"] is not None:
                goal(
                    where + "median of polarised spectra",
                    f"at most {POLARIZED:g}",
                    r["mse_polarized_median"],
                    r["mse_polarized_median"] <= POLARIZED,
                )
            if r["coverage_90"] is not None:
                goal(
                    where + "points inside the 90 % intervals",
                    "88 to 92 %",
                    r["coverage_90"],
                    COVERED[0] <= r["coverage_90"] <= COVERED[1],
                    measured_percent,
                )
                goal(
                    where + "structures below 80 %",
                    "at most 3 %",
                    r["structures_below_80"],
                    r["structures_below_80"] <= POOR,
                    measured_percent,
                )
    missed = sum(row[-1] == "missed" for row in rows)
    return (
        [
            "### Goals",
            "",
            "Set before these models were made, for spectra counted from the first empty level; for "
            f"`{e['model']}`, {len(rows) - missed} of {len(rows)} are met, {missed} missed.",
            "",
            *table("what | goal | measured | ", rows),
            "",
        ]
        if rows
        else []
    )


def zero(study: dict | None) -> list[str]:
    """How much of an error's fall is owed to the zero of energy, which is a change of the question."""
    zeros = {r["zero"]: r["crystal"] for r in (study or {}).get("reference", {}).get("zeros", [])}
    old, new = zeros.get("first empty level"), zeros.get("half height")
    if not old or not new:
        return []
    fall = {key: 1 - new[key] / old[key] for key in ("mse_median", "mse_mean")}
    loss = new["on_loss_median"] / old["on_loss_median"]
    kept = (1 - loss) / fall["mse_median"] if fall["mse_median"] > 0 else 1.0
    lines = [
        "### What the zero of energy has to do with it",
        "",
        "Spectra are counted from their own edge (`edge`), earlier ones from the first empty level of the charged cell "
        "(`onset`). For one and the same method, kernel ridge, on new nets, this change alone takes the median MSE "
        f"from {fixed(old['mse_median'])} to {fixed(new['mse_median'])} and the mean from {fixed(old['mse_mean'])} to "
        f"{fixed(new['mse_mean'])} ({percent(fall['mse_median'])} and {percent(fall['mse_mean'])} less), with no "
        "better model: the position of the spectrum is taken out of what is asked. Errors counted from the edge must "
        "not be compared with errors counted from the first empty level, and the goals above were set with the latter.",
        "",
        "The position is a question of its own: on the scale of energy loss kernel ridge predicts the zero with an error "
        f"of {new['position_rms']:.2f} eV (rms; median {new['position_median']:.2f} eV) for the edge, and of "
        f"{old['position_rms']:.2f} eV ({old['position_median']:.2f} eV) for the first empty level. Predicted spectra "
        f"put at predicted positions have a median MSE of {fixed(new['on_loss_median'])} with the edge and "
        f"{fixed(old['on_loss_median'])} with the first empty level: on that scale the edge is "
        + (
            f"{percent(1 - loss)} better."
            if loss < 0.97
            else f"{percent(loss - 1)} worse."
            if loss > 1.03
            else "neither better nor worse."
        )
        + (
            f" Most of the gain of the edge ({percent(1 - max(kept, 0))} of it, by the medians) is the position taken out of "
            "the question."
            if kept < 0.5
            else ""
        ),
        "",
    ]
    return lines
