"""What was done with a measured spectrum, and what came of it, as files: every step with its parameters."""

import json

import numpy as np

from ..version import VERSION

SCHEMA = {"name": "elnes-lab.measured", "version": 1}


def record(treated, matches=None, overlay=None, mixture=None, quantified=None) -> dict:
    """All of it as plain values: what was read, the steps, the matches, the overlay drawn, the mixture, the properties."""
    found = (
        {"schema": SCHEMA, "program": f"ELNES Lab {VERSION}"}
        | treated.record()
        | {"notes": treated.notes, "edge_eV": treated.edge}
    )
    if matches is not None:
        found["matching"] = matches.record()
    if overlay is not None:
        found["overlay"] = overlay.record()
    if mixture is not None:
        found["mixture"] = mixture.record() | {
            "parts": [{"label": label, "share": share} for label, _, share in mixture.parts]
        }
    if quantified is not None:
        found["quantification"] = quantified
    return found


def as_json(treated, **results) -> bytes:
    """The record and the treated spectrum as JSON; energies in eV."""
    whole = record(treated, **results) | {"energy_eV": rounded(treated.energy), "intensity": rounded(treated.intensity)}
    return (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(treated, **results) -> bytes:
    """A table: energy (eV), treated intensity, then, where they are known, overlay, mixture and residual; '#' lines before it say
    what was read, every step with its parameters, and what was found. `pandas.read_csv(file, comment="#")` reads it.
    """
    about = record(treated, **results)
    lines = [
        f"# {key}: {json.dumps(about[key], ensure_ascii=True, allow_nan=False)}" for key in about if key != "steps"
    ]
    lines += [
        f"# step {k}: {json.dumps(step, ensure_ascii=True, allow_nan=False)}" for k, step in enumerate(about["steps"])
    ]
    columns = {"energy_eV": treated.energy, "intensity": treated.intensity}
    shown = results.get("mixture"), results.get("overlay")
    for name, laid in zip(("mixture", "overlay"), shown):
        if laid is not None:
            scale = scale_to(treated, laid)
            columns[name] = np.interp(treated.energy, laid.energy, laid.computed * scale, left=np.nan, right=np.nan)
            columns[f"residual_{name}"] = treated.intensity - columns[name]
    rows = (
        ",".join("" if not np.isfinite(value) else f"{value:.7g}" for value in row) for row in zip(*columns.values())
    )
    return "\n".join([*lines, ",".join(columns), *rows, ""]).encode()


def scale_to(treated, laid) -> float:
    """Factor from an overlay's unit (mean 1 where it was compared) to the treated spectrum's."""
    own = np.interp(laid.energy, treated.energy, treated.intensity)
    return float(own.mean() / laid.measured.mean())


def rounded(values) -> list:
    return [float(f"{value:.7g}") for value in values]
