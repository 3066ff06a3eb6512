"""The parts of docs/physics.md about gap, onset and exciton, and about crystal against glass."""

from ..learning.studies.texts import plural, table

WORDS = {
    "onset": "onset",
    "half": "half height",
    "peak": "first peak",
    "levels": "first empty less highest occupied level of the core-hole cell",
    "binding": "gap less that difference",
    "band_gap": "band gap",
    "density": "density",
    "si_o_mean": "mean Si-O length",
    "si_o_si_angle": "Si-O-Si angle",
    "farthest": "distance from the holes to the farthest point of the cell",
}
UNITS = {
    "band_gap": "eV",
    "density": "g/cm^3",
    "si_o_mean": "angstrom",
    "si_o_si_angle": "degree",
    "farthest": "angstrom",
}


def trends(n: dict) -> list[str]:
    t = n["trends"]
    lines = [
        "## Trends of gap and onset",
        "",
        f"Means of {plural(t['nets'], 'net')} of crystals, sites with a remark left out. Spearman's rank correlation; "
        f"Theil-Sen slope with its 95 % interval, so that no single net decides. With "
        f"{plural(len(t['pairs']), 'pair')} looked at, p has to be below {limit(t):.1g} to count.",
        "",
    ]
    if not t["pairs"]:
        return [*lines, "Too few nets for a trend.", ""]
    lines += [
        *table(
            "of | with | nets | rho | p | slope",
            [
                [
                    WORDS[r["what"]],
                    WORDS[r["against"]],
                    str(r["n"]),
                    f"{r['rho']:+.2f}",
                    f"{r['p']:.1g}",
                    f"{r['slope']:+.3g} ({r['low']:+.3g} to {r['high']:+.3g}){unit(r)}",
                ]
                for r in t["pairs"]
            ],
        ),
        "",
    ]
    sure = [r for r in t["pairs"] if r["p"] < limit(t)]
    rise, fall = (
        [f"{WORDS[r['what']]} with {WORDS[r['against']]}" for r in sure if (r["rho"] > 0) == up] for up in (True, False)
    )
    lines += [
        " ".join(f"{word}: {'; '.join(which)}." for word, which in (("Rises", rise), ("Falls", fall)) if which)
        or "None of them counts.",
        "",
    ]
    onset = next((r for r in t["pairs"] if (r["what"], r["against"]) == ("onset", "band_gap")), None)
    if onset:
        lines += [
            f"Onset against gap has the slope {onset['slope']:.2f} ({onset['low']:.2f} to {onset['high']:.2f}). It "
            "would be 1 if the O 1s level stayed with the top of the valence band and the conduction band alone moved; it is "
            + (
                "less: part of a wider gap is a valence band that lies lower against O 1s, or a hole that binds more."
                if onset["high"] < 1
                else "more."
                if onset["low"] > 1
                else "compatible with that."
            ),
            "",
        ]
    return lines


def limit(t: dict) -> float:
    """The p below which one of the pairs of `trends` counts: Bonferroni's for 5 %."""
    return 0.05 / max(1, len(t["pairs"]))


def strength(r: dict) -> str:
    return f"rho {r['rho']:+.2f}, p = {r['p']:.1g}"


def unit(r: dict) -> str:
    return "" if r["against"] == "band_gap" else f" eV per {UNITS[r['against']]}"


def exciton(n: dict) -> list[str]:
    e = n["exciton"]
    lines = [
        "## Exciton: the first empty level in the field of the hole",
        "",
        "Measure: the ground state's gap less the distance of the first empty from the highest occupied level of the "
        "core-hole cell. It is positive where the hole pulls the level into the gap. It is not a binding energy: "
        "both levels are at Gamma of a charged cell (0.3 eV between 72 and 144 atoms of quartz, "
        "[method.md](method.md)), and the hole is static.",
        "",
        *table(
            "kind | sites without remark | structures | 10 % below (eV) | median | 10 % above",
            [
                [k["kind"], str(k["sites"]), str(k["structures"]), *(f"{k[x]:.2f}" for x in ("low", "median", "high"))]
                for k in e["kinds"]
            ],
        ),
        "",
    ]
    pair, reach = (
        next((r for r in n["trends"]["pairs"] if (r["what"], r["against"]) == ("binding", against)), None)
        for against in ("band_gap", "farthest")
    )
    most = limit(n["trends"])
    said = [
        f"The measure is positive, as a hole that pulls the first empty level down makes it, at {n['spectra'] - e['unbound']} of {n['spectra']} sites."
    ]
    if pair:
        said += [
            f"It is {'larger' if pair['rho'] > 0 else 'smaller'} where the gap is wider ({strength(pair)})."
            if pair["p"] < most
            else f"It does not measurably depend on the gap ({strength(pair)}, where less than {most:.1g} counts): the "
            "hole shifts the edge by about as much in a wide gap as in a narrow one."
        ]
    if reach and reach["p"] < most and reach["rho"] > 0:
        said += [
            f"It grows with the cell, by the distance from the holes to the point farthest from them ({strength(reach)}): there "
            "the potential of the charged cell is higher, and with it the highest occupied level. That part is no pull of the hole."
        ]
        alike = n["trends"]["at_one_distance"]
        if alike and pair and pair["p"] < most:
            said += [
                f"With that distance taken out (partial rank correlation) the gap still counts ({strength(alike)})."
                if alike["p"] < most
                else f"With that distance taken out (partial rank correlation) the gap no longer counts ({strength(alike)}): what "
                "looks like a stronger hole in a wider gap comes with larger cells."
            ]
    if e["p"] is not None:
        medians = {k["kind"]: k["median"] for k in e["kinds"]}
        said += [
            f"Glass less crystal: {round(medians['amorphous'] - medians['crystal'], 2) + 0:+.2f} eV between the medians, "
            + ("a difference" if e["p"] < 0.05 else "no measurable difference")
            + f" between structures (p = {e['p']:.1g}). A stronger "
            "hole in the glass, as Kiyohara et al. describe it, is "
            + ("seen" if e["p"] < 0.05 and medians["amorphous"] > medians["crystal"] else "not seen")
            + " in this level; for the "
            "spectra see [learning.md](learning.md)."
        ]
    far = "; ".join(
        f"{m['site']} {m['binding']:.2f} eV" + (f" ({m['remark']})" if m["remark"] else "") for m in e["most"]
    )
    return [*lines, " ".join(said), "", f"Largest: {far}.", ""]


def glass(n: dict) -> list[str]:
    g = n["glass"]
    if g is None:
        return ["## Crystal against glass", "", "There are not both in the database yet.", ""]
    lines = [
        "## Crystal against glass",
        "",
        f"Sites without remark and with two silicons; {plural(g['structures'], 'amorphous structure')}. Within: the "
        "median over structures of the standard deviation among the sites of one (three or more).",
        "",
        *table(
            "of | kind | sites | mean | standard deviation | within (structures)",
            [
                [
                    WORDS[r["column"]],
                    r["kind"],
                    str(r["sites"]),
                    f"{r['mean']:.3f}" if r["column"] == "si_o_mean" else f"{r['mean']:.2f}",
                    f"{r['std']:.3f}",
                    ""
                    if r["within"] is None or r["column"] == "band_gap"
                    else f"{r['within']:.3f} ({r['structures']})",
                ]
                for r in g["rows"]
            ],
        ),
        "",
    ]
    wider = []
    for column in ("onset", "half", "peak"):
        rows = {r["kind"]: r for r in g["rows"] if r["column"] == column}
        if all(rows[k]["within"] for k in ("crystal", "amorphous")):
            wider.append(f"{WORDS[column]} {rows['amorphous']['within'] / rows['crystal']['within']:.1f}")
    if wider:
        lines += [
            "The sites of one glass differ from each other more than those of one crystal by the factor: "
            f"{', '.join(wider)}.",
            "",
        ]
    names = {p["structure"]: p["name"] for p in n["polymorphs"]}
    near = sorted(g["distances"], key=g["distances"].get)
    if near:
        lines += [
            "Mean glass against each polymorph, both of mean 1 over 30 eV, on the energy-loss scale (root mean "
            "square difference): "
            + ", ".join(f"{names[s]} {g['distances'][s]:.2f}" for s in near)
            + ". Width at half of the highest point: glass "
            f"{g['widths']['amorphous']:.1f} eV, "
            "" + ", ".join(f"{names[s]} {g['widths'][s]:.1f}" for s in near) + ".",
            "",
        ]
    if "stishovite" in g["distances"] and len(near) > 1:
        lines += [
            "Measured glass resembles quartz and coesite below about 10 GPa, stishovite above 22 GPa (Phys. Rev. B 75, 012201); "
            "the glass here "
            + (
                "too is nearest to the tetrahedral ones, and farthest from stishovite."
                if near[-1] == "stishovite"
                else f"is nearest to {names[near[0]]} and farthest from {names[near[-1]]}, which does not agree."
            ),
            "",
        ]
    return lines
