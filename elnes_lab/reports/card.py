"""The data card, data/README.md: what the rows are, where they came from, how they are spread, what is missing.

Everything counted comes from the open database; the sentences about a source or a file are those of this module.
"""

import numpy as np

from ..learning.studies.texts import percent, plural, table
from ..schema import CHECKSUMS, COLUMNS, FILE, STRUCTURES

TITLE = "# Data card: O K-edge ELNES of silicon oxides"
# How structures of a source were got, before all were relaxed alike.
ORIGINS = {
    "mineral": "published crystal structures of silica minerals",
    "prototype": "published structure types of compounds AB2, with silicon and oxygen on their sites; the label of "
    f"the type (Pearson symbol, space group, Wyckoff letters) is in `{STRUCTURES}`",
    "framework": "zeolite frameworks by their three-letter code, as pure silica",
    "search": "crystals found by random search with symmetry; not known to have been made",
    "melt-quench": "glasses, periodic cells melted and quenched in simulation",
    "user": "brought by a user of this package",
}
# Column -> digits; one value of a structure, or one of each site.
BY_STRUCTURE = {"n_atoms": 0, "band_gap": 2, "density": 2}
BY_SITE = {
    "coordination": 0,
    "si_o_mean": 3,
    "si_o_si_angle": 1,
    "onset": 2,
    "multiplicity": 0,
    "image_distance": 1,
    "pdos_top": 1,
}
ELECTRONS = 0.05  # share of the valence electrons that a DOS may miss without a word


def numbers(db) -> dict:
    """All that the card says of a database, for programs: counts, distributions, what is missing, limits."""
    every = db.frame([name for name in COLUMNS if name != "name"])
    first = every.groupby("structure", sort=False).first()
    missing = [site.split("/")[0] for site in db.missing["site"]]
    waiting = {name: missing.count(name) for name in dict.fromkeys(missing)}
    electrons = first["electron_error"][first["electron_error"].abs() >= ELECTRONS]
    return {
        "version": db.version,
        "spectra": len(db),
        "structures": len(first),
        "planned": db.planned,
        "nets": every["net"].nunique(),
        "conventions": str(db.store.attribute("Conventions")),
        "licence": str(db.store.attribute("license")),
        "method": str(db.store.attribute("method")),
        "references": str(db.store.attribute("references")),
        "raw_sha256": str(db.store.attribute("raw_sha256")),
        "sources": [
            {
                "source": name,
                "kind": ", ".join(sorted(rows["kind"].unique())),
                "spectra": len(rows),
                "structures": rows["structure"].nunique(),
                "in_cells": int(rows["multiplicity"].sum()),
            }
            for name, rows in every.groupby("source")
        ],
        "kinds": {name: len(rows) for name, rows in every.groupby("kind")},
        "distributions": [
            {
                "column": name,
                "of": of,
                "group": group,
                "n": int(values.notna().sum()),
                **dict(zip(("min", "median", "max"), spread(values))),
            }
            for frame, of, names in ((first, "structures", BY_STRUCTURE), (every, "sites", BY_SITE))
            for name in names
            for group, values in [("all", frame[name])] + [(k, r[name]) for k, r in frame.groupby("kind")]
        ],
        "untouched": {name: n for name, n in waiting.items() if name not in first.index},
        "partial": {name: n for name, n in waiting.items() if name in first.index},
        "rejected": db.rejected.to_dict("records"),
        "remarks": counts(db.remarks["remark"]),
        "settings": db.info()["settings"],
        "remarked": len(db.remarks),
        "no_onset": int(every["onset"].isna().sum()),
        "electrons": {name: float(value) for name, value in electrons.sort_values(key=lambda v: -v.abs()).items()},
        "hours": float((every["seconds"].sum() + first["ground_seconds"].sum()) / 3600),
    }


def spread(values) -> tuple[float, float, float]:
    """Smallest, median and largest of what is known; NaN if nothing is."""
    known = np.asarray(values, float)[np.isfinite(np.asarray(values, float))]
    return (float(known.min()), float(np.median(known)), float(known.max())) if known.size else (np.nan,) * 3


def counts(remarks) -> dict[str, int]:
    """Kind of remark (its words up to the first number or colon) -> sites."""
    found: dict[str, int] = {}
    for text in remarks:
        for part in text.split("; "):
            kind = part.split(" (")[0].split(": ")[0]
            kind = " ".join(word if not word[0].isdigit() else "n" for word in kind.split())
            found[kind] = found.get(kind, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def markdown(n: dict) -> str:
    """The card from `numbers`."""
    return (
        "\n".join([*head(n), *how(n), *origins(n), *distributions(n), *limits(n), *missing(n), *files(n)]).rstrip()
        + "\n"
    )


def head(n: dict) -> list[str]:
    kinds = " and ".join(f"{count} {name}" for name, count in n["kinds"].items())
    return [
        TITLE,
        "",
        "Written by `elnes-lab card` from the database; do not edit.",
        "",
        f"Data version `{n['version']}`: {n['spectra']} spectra ({kinds}) of {plural(n['structures'], 'structure')}, "
        + (
            "all that are planned."
            if n["spectra"] == n["planned"]
            else f"{percent(n['spectra'] / n['planned'])} of the {n['planned']} planned."
        ),
        "",
        "## What",
        "",
        "One row is one oxygen site, one of each set of equivalent oxygens in a structure: its O K-edge spectrum for "
        "polarization x, y and z with a full core hole in a supercell; of the ground state the PDOS of the same "
        "atom, the mean PDOS of its silicon neighbors and the total DOS; the band gap; and descriptors of its "
        f"surroundings. Structures with the same silicon-oxygen net count as one of {plural(n['nets'], 'net')}: sites "
        "of one structure, and structures of one net, are near-copies of each other, so split by net or structure, "
        "never by site.",
        "",
        "For: browsing and overlay, learning the core-hole effect from the ground state, reading structure from a "
        "spectrum. Not for: absolute energies to better than some tenths of an eV, thermal or excitonic effects, "
        "edges other than O K.",
        "",
    ]


def how(n: dict) -> list[str]:
    return [
        "## How",
        "",
        f"{n['method']}. Structures were relaxed with the universal potential CHGNet before. Lorentzian of 0.4 eV "
        "half width; absolute strength in bohr^2/eV, up to a factor common to all. Both steps, their parameters, "
        "energies and convergence: [docs/method.md](../docs/method.md); how to compute a row again: "
        "[docs/how-to/compute.md](../docs/how-to/compute.md); against published spectra: "
        f"[docs/physics.md](../docs/physics.md). The rows here took {n['hours']:.0f} hours of one core.",
        "",
    ]


def origins(n: dict) -> list[str]:
    return [
        "## Provenance",
        "",
        *table(
            "source | kind | structures | spectra | oxygens in their cells | what",
            [
                [
                    s["source"],
                    s["kind"],
                    str(s["structures"]),
                    str(s["spectra"]),
                    str(s["in_cells"]),
                    ORIGINS.get(s["source"], "not described"),
                ]
                for s in n["sources"]
            ],
        ),
        "",
        f"Per structure: `{STRUCTURES}` holds each as computed, with id, name, source, space group after relaxation "
        "and, where there is one, its prototype; the column `source` repeats it for every row. All numbers of a row "
        "come from `raw/<structure>/ground.npz` and `raw/<structure>/O<atom>.npz`. The seeds of searches and melts "
        "are not among the data; the structures themselves are.",
        "",
    ]


def distributions(n: dict) -> list[str]:
    digits = BY_STRUCTURE | BY_SITE
    rows = []
    for d in (d for d in n["distributions"] if d["n"]):
        column = COLUMNS[d["column"]]
        unit = "" if column.units == "1" else f" ({column.units})"
        rows.append(
            [
                f"{column.long_name}{unit}" if d["group"] == "all" else "",
                d["group"],
                f"{d['n']} {d['of']}",
                *(f"{d[key]:.{digits[d['column']]}f}" for key in ("min", "median", "max")),
            ]
        )
    return ["## Distributions", "", *table("quantity | group | of | min | median | max", rows), ""]


def limits(n: dict) -> list[str]:
    lines = [
        "## Known limits",
        "",
        "- Computed, not measured: PBE (gaps too small), a static hole, no vibrations, no multiplets, no instrument; "
        "geometry of CHGNet, not of PBE or of an experiment.",
        "- The energy-loss scale (column `onset`) rests on one constant common to all sites that puts the first peak "
        "of "
        "alpha-quartz at 538 eV." + (f" {plural(n['no_onset'], 'row')} have no onset yet." if n["no_onset"] else ""),
    ]
    if n["electrons"]:
        named = ", ".join(f"{name} ({value:+.1%})" for name, value in n["electrons"].items())
        lines += [
            f"- {plural(len(n['electrons']), 'structure')} whose DOS misses the electron count by "
            f"{percent(ELECTRONS)} or more, in flat valence bands, which does not matter above the gap: {named}."
        ]
    if n["remarked"]:
        named = "; ".join(f"{kind} ({count})" for kind, count in n["remarks"].items())
        lines += [
            f"- {plural(n['remarked'], 'site')} may stand apart, for reasons in the column `remark` (n: a number): "
            f"{named}. None is left out for it."
        ]
    lines += [
        f"- Rejected, {len(n['rejected'])}: " + " ".join(f"{r['site']}: {r['reason']}." for r in n["rejected"])
        if n["rejected"]
        else "- No computed spectrum was rejected."
    ]
    if len(n["settings"]) > 1:
        named = "; ".join(f"{name or 'of other programs'} ({count})" for name, count in n["settings"].items())
        lines += [
            f"- The spectra were computed with several settings (column `settings`: what differs from the first rows'; "
            f"docs/computing.md says what each changes): {named}."
        ]
    amorphous = sum(s["structures"] for s in n["sources"] if "amorphous" in s["kind"])
    lines += [
        f"- {plural(amorphous, 'amorphous structure')}: all that is said of glass rests on "
        f"{'it' if amorphous == 1 else 'them'}."
        if amorphous
        else "- No amorphous structure yet."
    ]
    return [*lines, ""]


def missing(n: dict) -> list[str]:
    total = sum(n["untouched"].values()) + sum(n["partial"].values())
    lines = ["## What is missing", ""]
    if not total:
        return [*lines, "Nothing: every planned site is a row" + (" or rejected." if n["rejected"] else "."), ""]
    lines += [f"{plural(total, 'planned site')} are not computed yet (in brackets: how many of a structure).", ""]
    for words, key in (("with no row", "untouched"), ("with some rows", "partial")):
        if n[key]:
            lines += [
                f"{plural(len(n[key]), 'structure')} {words}: "
                + ", ".join(f"{name} ({count})" for name, count in n[key].items())
                + ".",
                "",
            ]
    return lines


def files(n: dict) -> list[str]:
    return [
        "## Files, checksums, licence, citation",
        "",
        *table(
            "file | what",
            [
                [
                    f"`{FILE}`",
                    f'the database: netCDF-4, layout "{n["conventions"]}", units on every variable; plain HDF5 to xarray, '
                    "MATLAB, "
                    "Julia, Igor",
                ],
                [f"`{STRUCTURES}`", "the structures, extended XYZ (also inside the database)"],
                [f"`{CHECKSUMS}`", "sha256 of both and of every raw file they were made from"],
                ["`raw/<structure>/`", "`ground.npz` and `O<atom>.npz` as computed; `raw/structures.extxyz`: the plan"],
                ["`models/`", "the pre-trained models, each with its card"],
            ],
        ),
        "",
        f"`sha256sum -c {CHECKSUMS}` in this folder checks everything. The database also carries its own digests: of "
        "the whole file behind its last byte and of every variable in the attribute `sha256`; opening it with this "
        "package checks them. The data version is the beginning of the sha256 over all raw files, "
        f"`{n['raw_sha256']}`.",
        "",
        f"Licence of the data: {n['licence']}. Cite as in `CITATION.cff`, with the data version. The idea: "
        f"{n['references']}.",
        "",
    ]
