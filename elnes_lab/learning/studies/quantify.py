"""How well structure is read from spectra: the shipped quantifier, and the study behind docs/quantify.md.

>>> ship(db, Path("data/models"))                       # trains it, measures it, stores both
>>> study(db, docs=Path("docs"))["groups"][0]["scores"]
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...io.export import write_whole
from ...io.places import file_place
from ..quantification.instrument import Conditions
from ..quantification.model import MODES
from ..quantification.reading import FOLDER
from ..quantification.store import save
from ..quantification.training import Sites, fit
from . import quantify_tests as tests
from .quantify_methods import METHODS, Pool, cross_validated
from .report_quantify import markdown

NUMBERS, REPORT = "quantify.json", "quantify.md"
SHIPPED = "kernel ridge (shipped)"


def ship(db, folder: Path, *, seed: int = 0, report=None) -> Path:
    """Trains a quantifier and stores it with its errors on nets it never saw; its folder within `folder`."""
    sites = Sites.of(db)
    model = fit(sites, str(db.store.attribute("raw_sha256", "")), seed=seed, report=report)
    random = np.random.default_rng(seed + 1)
    measured = {}
    for name, conditions in (
        ("stored", Conditions.constant(len(sites.zero))),
        ("recorded", Conditions.drawn(len(sites.zero), random)),
    ):
        for mode in MODES:
            found = tests.told(model, sites, conditions, mode, random)
            measured[f"{name}, {mode}"] = rounded(tests.scores(sites.values, found.value, found.lower, found.upper))
    return save(model, Path(folder) / FOLDER, metrics=measured)


def study(db, *, docs: Path | None = None, seed: int = 0, report=None) -> dict:
    """Everything docs/quantify.md says, as JSON types; written there with its numbers if docs is given. report: called
    with (done, parts)."""
    if docs:
        for name in (NUMBERS, REPORT):
            file_place(Path(docs) / name, make=True)
    tell = report or (lambda done, parts: None)
    parts = 4 + len(METHODS)
    sites, random = Sites.of(db), np.random.default_rng(seed + 2)
    if len(sites.zero) != len(db):
        lost = np.setdiff1d(db["structure"].astype(str), sites.structures)
        db = db[~np.isin(db["structure"].astype(str), lost)]
        sites = Sites.of(db)
        if len(sites.zero) != len(db):
            raise DataError("Some structures have sites without all properties. Build the database again.")
    model = fit(sites, str(db.store.attribute("raw_sha256", "")), seed=seed)
    tell(1, parts)
    pool = Pool.of(sites, float(model.scale[0]), random)
    methods, spectrum = [], None
    for i, (name, method) in enumerate(METHODS.items()):
        values = cross_validated(method, pool, sites.values, model.fold, random)
        spectrum = values if name == SHIPPED else spectrum
        methods.append(
            {
                "method": name,
                "stored": tests.scores(sites.values, values[:1]),
                "recorded": tests.scores(sites.values, values[1:]),
            }
        )
        tell(2 + i, parts)
    found = {
        "data": db.version,
        "rows": len(sites.zero),
        "structures": len(set(sites.structures)),
        "nets": len(set(sites.groups[sites.kinds == "crystal"])),
        "glass": int((sites.kinds != "crystal").sum()),
        "folds": len(model.weights),
        "methods": methods,
        "groups": tests.by_group(model, db, sites, random),
        "beyond_angle": tests.beyond_angle(pool, sites, model.fold, spectrum, random),
    }
    tell(parts - 2, parts)
    found["windows"] = tests.windows(pool, sites, model.fold, random)
    tell(parts - 1, parts)
    found["robustness"] = tests.robustness(model, sites, random)
    tell(parts, parts)
    found = rounded(found)
    if docs:
        write_whole(Path(docs) / NUMBERS, (json.dumps(found, indent=1) + "\n").encode())
        write_whole(Path(docs) / REPORT, markdown(found).encode())
    return found


def rounded(value):
    """The same with numbers of four digits."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
