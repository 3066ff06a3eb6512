"""The part of docs/physics.md about quartz, cristobalite, coesite and stishovite, and the values quoted for them."""

from ..learning.studies.texts import percent, table

SHOULDER, RESONANCE = 1.0, 22.0  # eV above quartz's first peak: 538, 560; quoted, no publication found
STISHOVITE = 544.0  # eV, the doublet's upper peak; quoted, no publication found
CLOSE = 1.0  # eV: what is called agreement


def polymorphs(n: dict) -> list[str]:
    lines = [
        "## The silica polymorphs",
        "",
        "Peaks and shoulders from the onset on: eV from the first peak, in brackets height over the highest point.",
        "",
        *table(
            "structure | sites | Si per O | first peak (eV of loss, height) | further peaks | shoulders",
            [
                [
                    p["name"],
                    str(p["sites"]),
                    f"{p['coordination']:g}",
                    f"{p['first']:.1f} ({height(p):.2f})",
                    listed(p["features"], "peak"),
                    listed(p["features"], "shoulder"),
                ]
                for p in n["polymorphs"]
            ],
        ),
        "",
    ]
    if n["absent"]:
        lines += [f"Not in the database, or without an onset: {', '.join(n['absent'])}.", ""]
    by_id = {p["structure"]: p for p in n["polymorphs"]}
    said = []
    if any(f["from_first"] < 0 for p in n["polymorphs"] for f in p["features"]):
        said += [
            "- What comes before the first peak is the foot of the conduction band; no measured feature was at hand "
            "for it."
        ]
    if "quartz-alpha" in by_id:
        said += quartz(by_id["quartz-alpha"])
    four = [p for p in n["polymorphs"] if p["coordination"] == 2]
    if four:
        single = [p["name"] for p in four if order(p)[0]["from_first"] == 0 and rest(p) < 0.5]
        said += [
            f"- Intensity order of the tetrahedral ones: in {len(single)} of {len(four)} the first peak is the "
            "strongest by more than a factor of two. The next strongest peaks lie at "
            f"{'; '.join(f'{name_order(p)}' for p in four)}.",
            f"- Their first peaks lie within {max(p['first'] for p in four) - min(p['first'] for p in four):.1f} eV "
            "of each other.",
        ]
    if "stishovite" in by_id:
        said += stishovite(by_id["stishovite"], by_id.get("quartz-alpha"), four, n["coarse"])
    return lines + [*said, ""] if said else lines


def listed(features, kind) -> str:
    return ", ".join(
        f"{f['from_first']:+.1f} ({f['height']:.2f})" for f in features if f["kind"] == kind and f["from_first"] != 0
    )


def height(p: dict) -> float:
    return next((f["height"] for f in p["features"] if f["from_first"] == 0), float("nan"))


def order(p: dict) -> list[dict]:
    """Peaks by height, the strongest first."""
    return sorted((f for f in p["features"] if f["kind"] == "peak"), key=lambda f: -f["height"])


def rest(p: dict) -> float:
    """Height of the strongest peak but the first."""
    return max((f["height"] for f in order(p) if f["from_first"] != 0), default=0.0)


def name_order(p: dict) -> str:
    return f"{p['name']} " + ", ".join([f"{f['from_first']:+.1f}" for f in order(p) if f["from_first"] != 0][:3])


def nearest(p: dict, at: float, kinds=("peak", "shoulder")) -> dict | None:
    """The feature nearest to `at`, eV from the first peak; None if there is none."""
    return min(
        (f for f in p["features"] if f["kind"] in kinds and f["from_first"] != 0),
        key=lambda f: abs(f["from_first"] - at),
        default=None,
    )


def off(apart: float) -> str:
    return f"off by {apart:+.1f} eV, {'within' if abs(apart) <= CLOSE else 'more than'} {CLOSE:g} eV"


def quartz(p: dict) -> list[str]:
    lines = []
    shoulder = [f for f in p["features"] if f["kind"] == "shoulder" and 0 < f["from_first"] <= 2 * SHOULDER]
    lines += [
        f"- Alpha-quartz, shoulder at +{SHOULDER:g} eV: "
        + (
            f"found at {' and '.join('{:+.1f}'.format(f['from_first']) for f in shoulder)} eV."
            if shoulder
            else "not found."
        )
    ]
    found = [f for f in p["features"] if f["kind"] == "peak" and abs(f["from_first"] - RESONANCE) <= 4]
    if found:
        top = max(found, key=lambda f: f["height"])
        lines += [
            f"- Alpha-quartz, resonance at +{RESONANCE:g} eV: the strongest peak there is at {top['from_first']:+.1f} "
            f"eV ({top['loss']:.1f} eV of loss), {off(top['from_first'] - RESONANCE)}; it reaches "
            f"{percent(top['height'])} of the first peak."
        ]
    else:
        lines += [f"- Alpha-quartz, resonance at +{RESONANCE:g} eV: not found within 4 eV."]
    return lines


def stishovite(p: dict, quartz: dict | None, four: list[dict], coarse: float) -> list[str]:
    upper = next((f for f in p["features"] if f["kind"] == "peak" and f["from_first"] > 0), None)
    if upper is None:
        return ["- Stishovite: no second peak, where two are expected."]
    lines = [
        f"- Stishovite is a doublet: {p['first']:.1f} and {upper['loss']:.1f} eV, heights {height(p):.2f} and "
        f"{upper['height']:.2f}. Against the {STISHOVITE:g} eV quoted for it the upper peak is "
        f"{off(upper['loss'] - STISHOVITE)}"
    ]
    side = nearest(p, STISHOVITE - p["first"], ("shoulder",))
    if side and abs(side["loss"] - STISHOVITE) <= CLOSE and side["loss"] > upper["loss"]:
        lines[0] += f". It is split: a shoulder, its weaker half, lies at {side['loss']:.1f} eV"
    blurred = [e for e in p["coarse"] if abs(e - upper["loss"]) <= 2]
    if blurred:
        lines[0] += f". With {coarse:g} eV (FWHM) instead its maximum is at {blurred[0]:.1f} eV"
    lines[0] += (
        ". How far a measured first peak lies from it was not at hand, so the distance within the doublet is not "
        "compared."
    )
    if four:
        most = max(
            max((f["height"] for f in q["features"] if f["kind"] == "peak" and 3 < f["from_first"] < 10), default=0)
            for q in four
        )
        lines += [
            "- The second peak tells threefold from twofold oxygen: from 3 to 10 eV above the first peak none of the "
            f"tetrahedral ones has a peak above {percent(most)} of its maximum, stishovite has "
            f"{percent(upper['height'])}. Fukui et al. find that the short-range structure strongly influences the "
            "measured spectra."
            if upper["height"] > 1.5 * most
            else "- The height of the second peak does not tell stishovite from the tetrahedral ones here."
        ]
    if quartz:
        lines += [
            f"- Stishovite's onset lies {p['onset'] - quartz['onset']:+.2f} eV from alpha-quartz's, its first peak "
            f"{p['first'] - quartz['first']:+.2f} eV. No published number was at hand for either."
        ]
    return lines
