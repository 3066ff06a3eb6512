"""The numbers of the physics review: polymorphs, trends of gap and exciton, crystal against glass, sum rule.

Every number is measured on the open database; `physics_text` turns them into docs/physics.md.
"""

import numpy as np

from ..errors import DataError
from ..sources.qe.cells import farthest, supercell
from ..spectra import half_height
from .features import features

POLYMORPHS = ("quartz-alpha", "quartz-beta", "cristobalite", "coesite", "stishovite")
FWHM = 0.5  # eV, Gaussian on top of the stored Lorentzian: a good instrument
COARSE = 1.5  # the same of an ordinary one
WINDOWS = (5, 10, 15, 20, 25, 30)  # eV above the edge, of the sum rule
BELOW = 3.0  # eV below the edge from which areas are taken: the Lorentzian's tail
EDGE_BELOW_HALF = 1.4  # eV, median distance of the first empty level below the half height (docs/method.md)
NEARLY = 0.02  # angstrom by which the distance of two holes may differ from the stored one
MANY = 1000  # atoms of a supercell at most
REACH = 30.0  # eV above the edge: where curves are compared
SLATER = 7.7  # charge that a 1s electron of oxygen sees: 8 less 0.30 (J. C. Slater, Phys. Rev. 36, 57, 1930)


def numbers(db) -> dict:
    """All of the review. DataError if the database has no row."""
    if not len(db):
        raise DataError(
            "The database holds no spectrum, so there is nothing to review. Build it with `elnes-lab build`."
        )
    table, placed = frame(db), db[np.isfinite(db["onset"])]  # without an onset there is no place on the loss scale
    table["farthest"] = farthest_points(db)
    return {
        "version": db.version,
        "spectra": len(db),
        "structures": len(db.structures),
        "planned": db.planned,
        "fwhm": FWHM,
        "coarse": COARSE,
        "polymorphs": [polymorph(placed, name) for name in POLYMORPHS if name in placed.structures],
        "absent": [name for name in POLYMORPHS if name not in placed.structures],
        "trends": trends(table),
        "exciton": exciton(table),
        "glass": glass(placed, frame(placed)) if len(placed) else None,
        "area": area(db, table),
    }


def frame(db):
    """The columns that are used here, with `levels` (first empty level over highest occupied of the core-hole cell),
    `binding` (ground-state gap less levels), `half` and `peak` (half height and first peak on the loss scale), eV."""
    table = db.frame(
        [
            "structure",
            "name",
            "kind",
            "net",
            "multiplicity",
            "coordination",
            "band_gap",
            "density",
            "si_o_mean",
            "si_o_si_angle",
            "onset",
            "remark",
        ]
    )
    table["levels"] = db["lumo"] - db["homo"]
    table["binding"] = table["band_gap"] - table["levels"]
    shift = db.shifts("loss")
    table["half"] = half_height(db.energy, db.isotropic) + shift
    table["peak"] = db.first_peaks + shift
    return table


def farthest_points(db) -> np.ndarray:
    """Distance (n,) in angstrom from the core holes to the farthest point between them, of each row; NaN where the distance of
    the holes is not known. The supercell is the smallest one of that distance, as it was when it was chosen."""
    known, found = {}, []
    for name, apart in zip(db["structure"], np.round(db["image_distance"].astype(float), 2)):
        if (name, apart) not in known:
            atoms = db.atoms(name)
            matrix, reached = (
                supercell(atoms.cell.array, len(atoms), apart - NEARLY, MANY) if apart > 0 else (None, 0.0)
            )
            same = apart > 0 and abs(reached - apart) < 2 * NEARLY
            known[name, apart] = farthest(matrix @ atoms.cell.array) if same else np.nan
        found.append(known[name, apart])
    return np.array(found)


def mean_curve(db, rows, fwhm: float = FWHM) -> tuple[np.ndarray, np.ndarray]:
    """Isotropic spectrum of some rows, weighted by multiplicity as in a crystal: energy loss (e,), bohr^2/eV (e,)."""
    rows = db[rows]
    energy, curves = rows.curves(zero="loss", fwhm=fwhm)
    weights = rows["multiplicity"].astype(float)
    curve = (curves * weights[:, None]).sum(0) / weights.sum()
    known = np.isfinite(curve)
    return energy[known], curve[known]


def polymorph(db, name: str) -> dict:
    """Features of one structure's spectrum; positions on the loss scale and from its own first peak."""
    rows = db["structure"] == name
    energy, curve = mean_curve(db, rows)
    some = db[rows]
    start = float(np.nanmin(some["onset"]))
    found = features(energy, curve, start=start)
    first = next((f.energy for f in found if f.kind == "peak"), np.nan)
    coarse = features(*mean_curve(db, rows, COARSE), start=start)
    return {
        "coarse": [f.energy for f in coarse if f.kind == "peak"],
        "structure": name,
        "name": str(some["name"][0]),
        "sites": len(some),
        "first": first,
        "onset": start,
        "gap": float(some["band_gap"][0]),
        "coordination": float(np.average(some["coordination"], weights=some["multiplicity"])),
        "features": [
            {"loss": f.energy, "from_first": f.energy - first, "height": f.height, "kind": f.kind} for f in found
        ],
    }


def by_net(table):
    """Mean of each net of crystals, so that no net counts twice, and of ordinary rows only."""
    rows = table[(table["kind"] == "crystal") & (table["remark"] == "")]
    return rows.groupby(["net", "structure"]).mean(numeric_only=True).groupby("net").mean()


PAIRS = (
    ("onset", "band_gap"),
    ("onset", "si_o_si_angle"),
    ("onset", "si_o_mean"),
    ("onset", "density"),
    ("half", "band_gap"),
    ("peak", "band_gap"),
    ("levels", "band_gap"),
    ("binding", "band_gap"),
    ("binding", "si_o_si_angle"),
    ("binding", "density"),
    ("binding", "farthest"),
    ("band_gap", "si_o_mean"),
    ("band_gap", "density"),
)


def trends(table) -> dict:
    """Rank correlations over nets, slopes (Theil-Sen: no single net decides) with their 95 % intervals."""
    from scipy.stats import spearmanr, theilslopes

    nets, found = by_net(table), []
    for what, against in PAIRS:
        both = nets[[against, what]].dropna().to_numpy()
        if len(both) < 5 or not both.std(0).all():
            continue
        rank, line = spearmanr(*both.T), theilslopes(both[:, 1], both[:, 0])
        found.append(
            {
                "what": what,
                "against": against,
                "n": len(both),
                "rho": float(rank.statistic),
                "p": float(rank.pvalue),
                "slope": float(line.slope),
                "low": float(line.low_slope),
                "high": float(line.high_slope),
            }
        )
    three = nets[["binding", "band_gap", "farthest"]].dropna().to_numpy()
    return {
        "nets": len(nets),
        "pairs": found,
        # Large and long cells are those of frameworks, whose gaps are wide.
        "at_one_distance": partial(*three.T) if len(three) >= 5 and three.std(0).all() else None,
    }


def partial(one, other, third) -> dict:
    """Spearman's rank correlation `rho` of two columns (n,) with what both share with a third taken out, and its `p` (two-sided)."""
    from scipy.stats import rankdata, t

    ranks = np.array([rankdata(column) for column in (one, other)])
    base = np.stack([np.ones(len(third)), rankdata(third)], 1)
    rest = ranks.T - base @ np.linalg.lstsq(base, ranks.T, rcond=None)[0]
    rho = float(np.clip(np.corrcoef(rest.T)[0, 1], -1, 1))
    free = len(third) - 3
    return {"rho": rho, "p": float(2 * t.sf(abs(rho) * np.sqrt(free / max(1 - rho**2, 1e-300)), free))}


def exciton(table) -> dict:
    """The binding (gap less levels) of ordinary rows by kind; who is farthest out of all."""
    from scipy.stats import mannwhitneyu

    ordinary = table[table["remark"] == ""]
    medians = [
        group["binding"].median().to_numpy()
        for group in (ordinary[ordinary["kind"] == kind].groupby("structure") for kind in ("crystal", "amorphous"))
    ]
    return {
        "p": float(mannwhitneyu(*medians).pvalue) if all(len(m) for m in medians) else None,
        "kinds": [
            {
                "kind": kind,
                "sites": len(rows),
                "structures": rows["structure"].nunique(),
                **dict(zip(("low", "median", "high"), np.percentile(rows["binding"], [10, 50, 90]).tolist())),
            }
            for kind, rows in ordinary.groupby("kind")
        ],
        "most": [
            {"site": site, "binding": float(row["binding"]), "remark": row["remark"]}
            for site, row in table.nlargest(3, "binding").iterrows()
        ],
        "unbound": int((table["binding"] <= 0).sum()),
    }


def glass(db, table) -> dict | None:
    """Spread of crystal and glass sites, and how far the mean glass is from each polymorph; None without glass."""
    ordinary = table[(table["remark"] == "") & (table["coordination"] == 2)]
    if not (table["kind"] == "amorphous").any() or ordinary["kind"].nunique() < 2:
        return None
    rows = []
    for column in ("onset", "half", "peak", "band_gap", "si_o_si_angle", "si_o_mean"):
        for kind, group in ordinary.groupby("kind"):
            inside = group.groupby("structure")[column].agg(["std", "count"])
            inside = inside[inside["count"] >= 3]["std"]
            rows.append(
                {
                    "column": column,
                    "kind": kind,
                    "sites": len(group),
                    "mean": float(group[column].mean()),
                    "std": float(group[column].std()),
                    "within": float(inside.median()) if len(inside) else None,
                    "structures": len(inside),
                }
            )
    whole = mean_curve(db, (table["kind"] == "amorphous").to_numpy())
    distances = {
        name: rms(whole, mean_curve(db, (table["structure"] == name).to_numpy()))
        for name in POLYMORPHS
        if name in db.structures
    }
    return {
        "structures": int(table[table["kind"] == "amorphous"]["structure"].nunique()),
        "rows": rows,
        "distances": distances,
        "widths": {
            "amorphous": width(whole),
            **{name: width(mean_curve(db, (table["structure"] == name).to_numpy())) for name in distances},
        },
    }


def rms(one, other) -> float:
    """Root mean square difference of two curves (energy loss, intensity), each of mean 1 over REACH from the edge."""
    low = max(half_height(*one), half_height(*other)) - 2 * BELOW
    grid = np.arange(low, low + REACH, 0.1)
    first, second = (np.interp(grid, *curve) for curve in (one, other))
    return float(np.sqrt(np.mean((first / first.mean() - second / second.mean()) ** 2)))


def width(curve) -> float:
    """Full width at half of the highest point, eV: between the points nearest to it that lie below."""
    energy, values = curve
    top = int(values.argmax())
    below = np.flatnonzero(values[top:] < values[top] / 2)
    before = np.flatnonzero(values[:top] < values[top] / 2)
    return float(energy[top + below[0]] - energy[before[-1]]) if below.size and before.size else float("nan")


def area(db, table) -> dict:
    """Area under each isotropic spectrum up to some energies above its own edge; bohr^2."""
    energy, curves = db.energy, db.isotropic.astype(float)
    edge = half_height(energy, curves) - EDGE_BELOW_HALF
    polarized, found = db.elnes.astype(float), []
    for window in WINDOWS:
        inside = ((energy >= edge[:, None] - BELOW) & (energy <= edge[:, None] + window)).astype(float)
        areas = np.trapezoid(curves * inside, energy)
        three = np.trapezoid(polarized * inside[:, None], energy)
        found.append(
            {
                "window": window,
                "mean": float(areas.mean()),
                "spread": float(areas.std() / areas.mean()),
                "low": float(areas.min() / areas.mean()),
                "high": float(areas.max() / areas.mean()),
                "lowest": str(db.sites[areas.argmin()]),
                "highest": str(db.sites[areas.argmax()]),
                "polarized": float(np.median(three.std(1) / three.mean(1))),
            }
        )
    by_coordination = [
        {"coordination": int(c), "sites": len(rows), "mean": float(areas[rows].mean())}
        for c in sorted(set(table["coordination"]))
        for rows in [np.flatnonzero(table["coordination"] == c)]
    ]
    return {
        "windows": found,
        "by_coordination": by_coordination,
        "total": 1 / SLATER**2,
        "share": found[-1]["mean"] * SLATER**2,
        "top": float((energy[-1] - edge).min()),
    }
