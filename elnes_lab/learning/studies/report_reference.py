"""The parts of the report on what a new structure is, and on how noisy the reference is."""

from statistics import median

from ..choices import EDGE_BELOW_HALF_HEIGHT, TargetChoice
from .texts import fixed, plural, table


def groupings(e: dict) -> list[str]:
    """The same models where a crystal's net may be among those trained on, in another cell or distorted."""
    lines = []
    for other in e.get("others", []):
        lines += [
            "### Grouped by density of states alone",
            "",
            f"Here only two names of one crystal count as one structure: a held-out crystal may be a distortion or "
            f"another phase of one trained on, such as alpha-quartz of beta-quartz. {plural(other['seeds'], 'seed')}. "
            "Errors on new nets are those above; the difference is what a known net is worth.",
            "",
        ]
        rows = []
        for r in sorted(other["records"], key=lambda r: (r["group"] != "crystal", r["mse_median"])):
            same = next((x for x in e["records"] if all(x[k] == r[k] for k in ("model", "inputs", "group"))), None)
            rows.append(
                [
                    r["model"],
                    r["inputs"],
                    r["group"],
                    fixed(r["mse_median"]),
                    f"{r['mse_median_low']:.4f} to {r['mse_median_high']:.4f}",
                    fixed(r["mse_mean"]),
                    fixed(same and same["mse_median"]),
                    fixed(same and same["mse_mean"]),
                ]
            )
        lines += [
            *table("model | inputs | group | median MSE | 95 % interval | mean | by net: median | mean", rows),
            "",
        ]
        tests = [t for t in other["tests"] if t["group"] == "crystal"]
        if tests:
            lines += [
                f"On crystals so grouped `{tests[0]['model']}` against "
                + "; ".join(f"{t['rival']} ({t['inputs']}): {t['difference']:+.4f}, p = {t['p']:.2g}" for t in tests)
                + ".",
                "",
            ]
    return lines


def noise(study: dict) -> list[str]:
    """Twins, and the candidates for the zero of energy."""
    found = study.get("reference")
    if not found:
        return []
    apart, within = ([t for t in found["twins"] if t["same_cell"] is same] for same in (False, True))
    lines = ["## The noise of the reference", ""]
    if apart:
        plain, edge, shifted = (median(t[key] for t in apart) for key in ("mse", "edge", "shifted"))
        lines += [
            f"Twins are sites of two structures of one net whose surroundings agree (rms below 0.1 angstrom over all "
            "distances up to 6.5 angstrom): one crystal, computed in two supercells. Their spectra differ by an MSE of "
            f"{min(t['mse'] for t in apart):.4f} to {max(t['mse'] for t in apart):.4f} (median {plain:.4f}) counted from "
            f"the first empty level, by {edge:.4f} in the median counted from the half height, and by {shifted:.4f} "
            f"after the rigid shift that fits best, which is at most {max(abs(t['shift']) for t in apart):.2f} eV. Half "
            "of it is the noise of one spectrum; some of it is their geometry. What is left after a shift is the "
            "supercell's shape and its k points.",
            "",
            *table(
                "sites | rms of distances (angstrom) | from the first empty level | from the half height | best shift "
                "(eV) | after it",
                [
                    [
                        " and ".join(t["sites"]),
                        f"{t['geometry']:.3f}",
                        fixed(t["mse"]),
                        fixed(t["edge"]),
                        f"{t['shift']:+.2f}",
                        fixed(t["shifted"]),
                    ]
                    for t in apart
                ],
            ),
            "",
        ]
    close = [t for t in within if apart and t["geometry"] <= median(x["geometry"] for x in apart)]
    if close:
        lines += [
            f"{plural(len(close), 'pair')} of inequivalent sites within one structure, hence one supercell, are at least "
            f"as alike as the median of these pairs: there the median MSE is {median(t['mse'] for t in close):.4f}, "
            "which is what such differences of geometry alone are worth.",
            "",
        ]
    return lines + chosen(found["zeros"])


def chosen(zeros: list[dict]) -> list[str]:
    """Candidates for the zero, by the twins and by what can be predicted."""
    best = {
        key: min((r for r in zeros if key != "position_rms" or value(r, key) > 1e-3), key=lambda r: value(r, key))[
            "zero"
        ]
        for key in ("twins_mean", "mse_median", "position_rms", "on_loss_median")
        if all(value(r, key) is not None for r in zeros)
    }
    words = {
        "twins_mean": "twins agree best",
        "mse_median": "spectra are predicted best",
        "position_rms": "the zero itself (where it is not known by definition) is predicted best",
        "on_loss_median": "spectra on the scale of energy loss are predicted best",
    }
    return [
        "### Which zero of energy",
        "",
        "Each spectrum is counted from a zero of its own. Twins: MSE between spectra of one crystal in two supercells. "
        "Spectra: MSE of kernel ridge on crystals of other nets than those trained on, over the same stretch of a typical "
        "spectrum. A zero taken from the spectrum could hide an error in where it lies, so its position on the scale of "
        "energy loss is predicted too, from the same inputs by the same method (error in eV), and the predicted spectra, "
        "put at the predicted positions, are compared on that scale.",
        "",
        *table(
            "zero | twins: median | mean | spectra: median | mean | position: rms | median | on the loss scale: median | "
            "mean | amorphous: spectra | on the loss scale",
            [
                [
                    r["zero"],
                    fixed(r.get("twins_median")),
                    fixed(r.get("twins_mean")),
                    *(fixed(r["crystal"][key]) for key in ("mse_median", "mse_mean")),
                    *(fixed(r["crystal"][key], 3) for key in ("position_rms", "position_median")),
                    *(fixed(r["crystal"][key]) for key in ("on_loss_median", "on_loss_mean")),
                    *(fixed(r.get("amorphous", {}).get(key)) for key in ("mse_median", "on_loss_median")),
                ]
                for r in zeros
            ],
        ),
        "",
        "By these numbers " + "; ".join(f"{words[key]} from: {name}" for key, name in best.items()) + ".",
        "",
        f"The default of the target is `{TargetChoice().alignment}`; `edge` is the half height of the spectrum broadened by "
        f"1 eV, less {EDGE_BELOW_HALF_HEIGHT:g} eV (the median distance of the first empty level), so that it still counts "
        "from the conduction-band edge.",
        "",
    ]


def value(record: dict, key: str):
    return record.get(key, record["crystal"].get(key))
