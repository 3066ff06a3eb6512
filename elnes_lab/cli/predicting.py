"""The command `predict`: of a structure file, of a computed ground state, or of rows of the database."""

import os
import sys

import numpy as np

from ..errors import DataError
from ..io.structure_input import SUFFIXES
from .potential import predicted

GROUND = "ground.npz"  # that of a folder


def opened(options):
    from ..database import open_database

    return open_database(options.database, verify=not options.no_verify)


def run_predict(options) -> None:
    from ..io.export import exists, write_whole
    from ..io.places import file_place
    from ..learning.dataset import usable
    from ..learning.store import load

    if options.model.suffix.lower() == ".npz" or os.path.isfile(options.model / GROUND):
        if options.relax:
            raise DataError(f"--relax is for a structure file, and {options.model} holds a computed ground state.")
        return run_ground(options)
    if options.model.suffix.lower() != ".zip" and (options.model.is_file() or options.model.suffix.lower() in SUFFIXES):
        return run_structure(options)
    if options.relax:
        raise DataError(f"--relax is for a structure file, and {options.model} is none.")
    if options.path is None:
        raise DataError(f"{options.model} is no structure file, and for a model a CSV file to write must be named too.")
    if file_place(options.path).exists() and not options.overwrite:
        raise exists(options.path)
    with opened(options) as db:
        rows = db.query(options.where) if options.where else db
        model = load(options.model, db)
        mask, left_out = usable(rows, model.choice)
        if not mask.any():
            raise DataError(
                "The selection holds no spectrum that this model can predict, so there is nothing to "
                f"write. {' '.join(left_out) or 'Widen the filter.'}"
            )
        for sentence in [*filter(None, [model.warning]), *("Left out: " + text for text in left_out)]:
            print(sentence, file=sys.stderr)
        prediction = model.predict(rows[mask])
        text = table_of(prediction, model.target, options.model.name, f"data version {db.version}")
        write_whole(options.path, text.encode())
    print(f"{len(prediction.sites)} spectra written to {options.path}")


def table_of(prediction, target, name: str, origin: str) -> str:
    """A prediction as CSV: energy, then mean, lower and upper of each site; what it is stands in comments above."""
    curves, size = {"energy_eV": prediction.energy}, len(prediction.energy)
    for i, site in enumerate(prediction.sites):
        for k, axis in enumerate(("",) if target.curves == 1 else (" x", " y", " z")):
            part = slice(k * size, (k + 1) * size)
            for word, values in (("", prediction.mean), (" lower", prediction.lower), (" upper", prediction.upper)):
                if values is not None:
                    curves[f"{site}{axis}{word}"] = values[i, part]
    unit = "mean 1 in the window" if target.normalization == "mean" else "bohr^2/eV"
    head = (
        f"# ELNES predicted by {name}, {unit}; lower and upper: {prediction.level:.0%} interval\n"
        f"# energy in eV, zero: {target.alignment}; {origin}\n"
    )
    table = np.array(list(curves.values())).T
    lines = [",".join(curves), *(",".join(f"{value:.7g}" for value in row) for row in table)]
    return head + "\n".join(lines) + "\n"


def run_ground(options) -> None:
    """Predicts the sites of a computed ground state from its structure and its PDOS, before any core hole."""
    from ..io.export import exists, write_whole
    from ..io.places import file_place
    from ..learning.from_pdos import SHIPPED, predict_ground, shipped_model

    if options.path and file_place(options.path).exists() and not options.overwrite:
        raise exists(options.path)
    found = predict_ground(options.model)
    text = table_of(
        found.prediction, shipped_model().target, SHIPPED, f"from structure and PDOS of {options.model.name}"
    )
    if options.path:
        write_whole(options.path, text.encode())
        print(f"{len(found.weights)} sites, from structure and PDOS, written to {options.path}")
    else:
        print(text, end="")


def run_structure(options) -> None:
    """Predicts the sites of a structure file and writes them, with what is strange about them on standard error."""
    from ..io.export import exists, write_whole
    from ..io.places import file_place
    from ..learning.from_structure import render_csv

    if options.path and file_place(options.path).exists() and not options.overwrite:
        raise exists(options.path)
    found = predicted(options)
    outside = [
        f"{site}: outside the training data, {reason}."
        for site, reason in zip(found.prediction.sites, found.prediction.reasons)
        if reason
    ]
    for sentence in (*found.crystal.remarks, *outside):
        print(sentence, file=sys.stderr)
    if options.path:
        write_whole(options.path, render_csv(found))
        print(
            f"{len(found.crystal.sites)} sites of {found.crystal.name} ({found.crystal.formula}), from the structure alone, "
            f"written to {options.path}"
        )
    else:
        print(render_csv(found).decode(), end="")
