"""The part of the report about the structure route, from the numbers of `structure.evaluate_route` alone."""

from .structure import BOTH, BOTH_KERNEL, MEAN, ROUTE
from .texts import GROUPS, fixed, measured_percent, percent, plural, table

# Set before the route was made: highest median MSE on new nets and on the glass, and what intervals of 90 % should hold.
GOALS = {"crystal": 0.024, "amorphous": 0.015}
COVERED = (0.88, 0.92)
# What a plain SOAP kernel and the PDOS route's kernel ridge had then, new nets, counted from the first empty level.
BEFORE = (0.0293, 0.0196)


def route(s: dict, e: dict | None = None) -> list[str]:
    """The structure route beside the PDOS route; s: `evaluate_route`, e: the evaluation of the PDOS route, if there is one."""
    lines = [
        "## From the structure alone",
        "",
        "The structure route predicts the spectrum, counted from its own edge, without any first-principles run. "
        f"Data version `{s['data']}`, {plural(s['seeds'], 'seed')} of {s['folds']} folds by net as above; no model ever "
        "saw an amorphous spectrum. Rows with `pdos` are the PDOS route, from the evaluation above"
        + ("." if not e or e["data"] == s["data"] else f" (data version `{e['data']}`, so not quite the same rows).")
        + f" `{BOTH}`: kernel and networks of the PDOS route, the kernel given the structure, too; `{BOTH_KERNEL}`: without the networks.",
        "",
    ]
    for group in ("crystal", "amorphous"):
        rows = [r for r in s["records"] if r["group"] == group]
        if not rows:
            continue
        rows = rows + [
            r
            for r in (e or {}).get("records", [])
            if r["group"] == group
            and r["inputs"] == "pdos"
            and r["model"] in ("ensemble", "directed kernel", "kernel ridge", "ridge")
        ]
        against = {t["rival"]: t["p"] for t in s["tests"] if t["group"] == group}
        lines += [
            f"{GROUPS[group][0].upper()}{GROUPS[group][1:]}: {rows[0]['n']} spectra of "
            f"{plural(rows[0]['structures'], 'structure')}; p of `{ROUTE}` against the row.",
            "",
            *table(
                "model | from | median MSE | mean | p | points inside the 90 % intervals | structures below 80 % | "
                "polarised: median",
                [
                    [
                        r["model"],
                        r["inputs"],
                        fixed(r["mse_median"]),
                        fixed(r["mse_mean"]),
                        f"{against[r['model']]:.2g}" if r["model"] in against and r["inputs"] != "pdos" else "",
                        percent(r["coverage_90"]),
                        percent(r["structures_below_80"]),
                        fixed(r["mse_polarized_median"]),
                    ]
                    for r in sorted(rows, key=lambda r: r["mse_median"])
                ],
            ),
            "",
        ]
    return [*lines, *goals(s), *besides(s), *curve(s), *stored(s)]


def goals(s: dict) -> list[str]:
    rows = []
    for r in (r for r in s["records"] if r["model"] == ROUTE):
        limit = GOALS[r["group"]]
        rows.append(
            [
                f"{r['group']}: median MSE",
                f"at most {limit:g}",
                fixed(r["mse_median"]),
                "met" if r["mse_median"] <= limit else "missed",
            ]
        )
        if r["coverage_90"] is not None:
            rows.append(
                [
                    f"{r['group']}: points inside the 90 % intervals",
                    "88 to 92 %",
                    measured_percent(r["coverage_90"]),
                    "met"
                    if COVERED[0] <= r["coverage_90"] <= COVERED[1]
                    else "too wide"
                    if r["coverage_90"] > COVERED[1]
                    else "too narrow",
                ]
            )
    bare = [f"{r['mse_median']:.4f} on {GROUPS[r['group']]}" for r in s["records"] if r["model"] == MEAN]
    told = f" So counted, the mean of the training spectra alone has {' and '.join(bare)}." if bare else ""
    return (
        [
            *table("what | goal | measured | ", rows),
            "",
            f"The goals were set when a plain SOAP kernel had {BEFORE[0]:g} on new nets and kernel ridge of the PDOS "
            f"{BEFORE[1]:g}, both counted from the first empty level; counted from their own edge, as here, spectra are "
            "easier to predict, so that part of what is met is owed to the zero of energy." + told,
            "",
        ]
        if rows
        else []
    )


def besides(s: dict) -> list[str]:
    if not s["besides"]:
        return []
    lines = [
        "What the route says besides, held out in the same way; the error of the O p PDOS is relative to its mean "
        "square. Where the error of onset or gap is not below their spread, the mean of the training data would say "
        "as much.",
        "",
        *table(
            "group | sites | O p PDOS: median error | onset: mean error (eV) | its spread (eV) | band gap: mean error "
            "(eV) | its spread (eV)",
            [
                [
                    r["group"],
                    str(r["n"]),
                    percent(r["pdos_relative"]),
                    fixed(r["onset"], 2),
                    fixed(r["onset_spread"], 2),
                    fixed(r["band_gap"], 2),
                    fixed(r["band_gap_spread"], 2),
                ]
                for r in s["besides"]
            ],
        ),
        "",
    ]
    for r in s["besides"]:
        useless = [name.replace("_", " ") for name in ("onset", "band_gap") if r[name] > r[f"{name}_spread"]]
        if useless:
            lines += [
                f"On {GROUPS[r['group']]} the route tells nothing of the {' and the '.join(useless)} that the mean "
                "would not.",
                "",
            ]
    return lines


def curve(s: dict) -> list[str]:
    """How the error falls with the number of nets."""
    return [
        "Learning curve, held-out crystals:",
        "",
        *table(
            "nets trained on | median MSE", [[f"{p['structures']:.0f}", fixed(p["mse_median"])] for p in s["curve"]]
        ),
        "",
    ]


def stored(s: dict) -> list[str]:
    if not s["stored"]:
        return []
    return [
        "The route that comes with the repository, and the model of both routes (`structure+pdos`), cross-fitted:",
        "",
        *table(
            "from | group | spectra | median MSE | mean | coverage of 90 %",
            [
                [
                    r.get("inputs", ROUTE),
                    r["group"],
                    str(r["n"]),
                    fixed(r["mse_median"]),
                    fixed(r["mse_mean"]),
                    percent(r["coverage_90"]),
                ]
                for r in s["stored"]
            ],
        ),
        "",
        *(line for text in dict.fromkeys(r["warning"] for r in s["stored"] if r["warning"]) for line in (text, "")),
    ]
