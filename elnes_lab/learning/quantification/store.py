"""Quantifiers on disk: a folder with model.safetensors (arrays only) and card.json, sealed and checked like other models'.

The arrays are those of `model.Quantifier`, with "domain.*" and "placed.*" and "shape.*" for the calibrations; what grows with
the database is in single precision. The card says their sizes, the properties in their order and the folds.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...version import VERSION
from ..card import CARD, CARD_LIMIT, DIGEST, REMEDY, SEAL, read_bytes, sealed, strict_json
from ..choices import is_number, shown
from ..weights import LARGEST, WEIGHTS, Entry, compare, read_weights
from .domain import ARRAYS
from .domain import WIDE as DOMAIN_WIDE
from .model import LENGTH, MODES, OUTPUTS, PLACE, REFERENCE, SHARP, TERMS, WIDE, Calibration, Quantifier
from .prepare import BIN, CENTRES, WINDOW
from .properties import CURVES, PROPERTIES, RADII

LAYOUT = "ELNES Lab quantifier 1"
KEYS = {
    "layout": str,
    "data_sha256": str,
    "weights_sha256": str,
    "properties": list,
    "curves": list,
    "window": list,
    "bin": float,
    "radii": list,
    "kernel": dict,
    "sizes": dict,
    "folds": dict,
    "training": dict,
    "metrics": dict,
    "versions": dict,
    SEAL: str,
}
SIZES = {"parts": 20, "sites": 10**5, "copies": 100, "radius": 1000, "components": 64, "domain": 64}  # at most
KEYS_OF_DOMAIN = (*ARRAYS, "rest", "limits")


def save(model: Quantifier, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes a quantifier into a folder (made if need be; one in it is replaced), each file whole or not at all; the
    folder. metrics: for the card. Raises DataError, before anything is written, for what `load` would refuse."""
    from safetensors.numpy import save as pack

    from ..store import write

    said = {
        "layout": LAYOUT,
        "data_sha256": model.checksum,
        "weights_sha256": "0" * 64,
        **meant(),
        "sizes": {
            "parts": len(model.weights),
            "sites": len(model.fold),
            "copies": len(model.known) // len(model.fold),
            "radius": len(model.radius),
            "components": model.components.shape[1],
            "domain": len(model.domain["components"]),
        },
        "folds": model.folds,
        "training": model.facts,
        "metrics": metrics or {},
        "versions": {"elnes_lab": VERSION, "numpy": np.__version__, "python": platform.python_version()},
    }
    wanted = entries(said["sizes"])
    arrays = {name: np.array(value, wanted[name].dtype, order="C") for name, value in to_arrays(model).items()}
    check(f"The quantifier for {folder}", arrays)
    weights = pack(arrays, {"layout": LAYOUT})
    card = sealed(said | {"weights_sha256": hashlib.sha256(weights).hexdigest()})
    content = (json.dumps(card, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()
    check_card(card, "The card")
    return write(Path(folder), weights, content)


def load(folder: Path | str, db=None) -> Quantifier:
    """The quantifier of a folder. With a Database, `warning` says if it was trained on other data. Raises DataError,
    before anything is built, for a missing, damaged or foreign file and for what does not fit together."""
    from safetensors.numpy import load as unpack

    from ..store import data_warning

    folder = Path(folder)
    card = read_card(folder)
    content, header = read_weights(folder, card)
    compare(folder / WEIGHTS, header, entries(card["sizes"]))
    arrays = unpack(content)
    check(folder / WEIGHTS, arrays)
    if not 0 <= arrays["fold"].min() <= arrays["fold"].max() < card["sizes"]["parts"]:
        raise DataError(f"{folder / WEIGHTS} cannot be used: 'fold' names parts that are not there. {REMEDY}")
    arrays = {name: value if name == "fold" else np.asarray(value, float) for name, value in arrays.items()}
    return Quantifier(
        folds=card["folds"],
        **{name: arrays[name] for name in PLAIN},
        calibrations={mode: Calibration(arrays[f"{mode}.coefficients"], arrays[f"{mode}.widths"]) for mode in MODES},
        domain={name: arrays[f"domain.{name}"] for name in KEYS_OF_DOMAIN},
        checksum=card["data_sha256"],
        facts=card["training"],
        warning=data_warning(card["data_sha256"], db),
    )


PLAIN = (
    "scale",
    "known",
    "fold",
    "targets",
    "weights",
    "mean",
    "deviation",
    "radius",
    "curve_mean",
    "curve_profile",
    "components",
    "prior",
    "prior_curve",
    "place",
    "quality",
)


def to_arrays(model: Quantifier) -> dict[str, np.ndarray]:
    """All numbers of a quantifier by name."""
    found = {name: getattr(model, name) for name in PLAIN}
    found |= {f"domain.{name}": model.domain[name] for name in KEYS_OF_DOMAIN}
    for mode in MODES:
        found |= {f"{mode}.{name}": getattr(model.calibrations[mode], name) for name in Calibration._fields}
    return found


def entries(sizes: dict) -> dict[str, Entry]:
    """Type and shape of every array of a file whose card has these sizes."""
    inputs, outputs = len(CENTRES) // WIDE + 1, len(PROPERTIES) + len(CURVES) * sizes["components"]
    properties, curve, rows = (len(PROPERTIES),), (len(CURVES), sizes["radius"]), sizes["sites"] * sizes["copies"]
    wide = len(CENTRES) // DOMAIN_WIDE
    shapes = {
        "scale": (1,),
        "mean": properties,
        "deviation": properties,
        "prior": (2, *properties),
        "place": (2,),
        "quality": (2,),
        "radius": curve[1:],
        "curve_mean": curve,
        "curve_profile": curve,
        "prior_curve": curve,
        "components": (len(CURVES), sizes["components"], sizes["radius"]),
        "domain.components": (sizes["domain"], wide),
        "domain.spread": (sizes["domain"],),
        "domain.rest": (1,),
        "domain.limits": (2,),
        **{f"domain.{name}": (wide,) for name in ("low", "high", "scale", "mean")},
        **{f"{mode}.coefficients": (OUTPUTS, TERMS) for mode in MODES},
        **{f"{mode}.widths": (OUTPUTS,) for mode in MODES},
    }
    growing = {
        "known": (rows, inputs),
        "targets": (sizes["sites"], outputs),
        "weights": (sizes["parts"], len(MODES), rows, outputs),
    }
    return (
        {name: Entry("float64", shape) for name, shape in shapes.items()}
        | {"fold": Entry("int64", (sizes["sites"],))}
        | {name: Entry("float32", shape) for name, shape in growing.items()}
    )


def check(path, arrays: dict[str, np.ndarray]) -> None:
    """DataError for numbers that no training leaves: undefined, absurdly large, scales and widths that are not
    positive."""
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise DataError(f"{path} holds undefined numbers in '{name}'. {REMEDY}")
        if values.size and float(np.abs(values).max()) > LARGEST:
            raise DataError(f"{path} cannot be used: '{name}' reaches {np.abs(values).max():.2g}. {REMEDY}")
        last = name.rpartition(".")[2]
        if last in ("scale", "deviation", "spread", "rest", "limits", "widths") and not values.min() > 0:
            raise DataError(f"{path} cannot be used: '{name}' is {values.min():.2g}, and it must be positive. {REMEDY}")


def meant() -> dict:
    """What a card says of the version of this package: what is read from which window, and how spectra are compared."""
    return {
        "properties": [one.key for one in PROPERTIES],
        "curves": [one.key for one in CURVES],
        "window": list(WINDOW),
        "bin": BIN,
        "radii": list(RADII),
        # with other constants the same weights would say something else
        "kernel": {"length": LENGTH, "place": PLACE, "reference": REFERENCE, "sharp": SHARP, "bins": WIDE},
    }


def read_card(folder: Path | str) -> dict:
    """The card of a stored quantifier, checked. DataError if there is none, or if it is of another layout, was changed
    after it was written, or says what cannot be meant."""
    path = Path(folder) / CARD
    if not os.path.lexists(path):
        raise DataError(f"There is no quantifier in {folder}: {CARD} is missing. `elnes-lab train --shipped` makes it.")
    content = read_bytes(path, CARD_LIMIT)
    try:
        card = strict_json(content)
    except ValueError as problem:
        raise DataError(f"{path} cannot be read ({str(problem).splitlines()[0]}). {REMEDY}") from None
    layout = card.get("layout") if isinstance(card, dict) else None
    if layout != LAYOUT:
        raise DataError(f"{path} has the layout {shown(layout)!r}, and a quantifier has '{LAYOUT}'. {REMEDY}")
    if SEAL not in card or sealed(card)[SEAL] != card[SEAL]:
        raise DataError(f"{path} was changed or damaged after it was written: its checksum is another. {REMEDY}")
    check_card(card, path)
    return card


def check_card(card: dict, path) -> None:
    """DataError for other keys or types, sizes that cannot be, another window, kernel or other properties
    than this version's."""

    def refuse(what):
        return DataError(f"{path} cannot be used: {what} {REMEDY}")

    if card.keys() != KEYS.keys():
        raise refuse(f"its entries are {shown(sorted(card))}.")
    for name, kind in KEYS.items():
        if not isinstance(card[name], kind):
            raise refuse(f"its '{name}' is {shown(card[name])}.")
    for name, value in meant().items():
        if card[name] != value:
            raise refuse(f"its '{name}' is {shown(card[name])}, that of this version {shown(value)}.")
    if not DIGEST.fullmatch(card["weights_sha256"]) or not (
        DIGEST.fullmatch(card["data_sha256"]) or not card["data_sha256"]
    ):
        raise refuse("a checksum in it is no sha256.")
    sizes = card["sizes"]
    if sizes.keys() != SIZES.keys() or not all(
        isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= SIZES[name] for name, n in sizes.items()
    ):
        raise refuse(f"its sizes are {shown(sizes)}.")
    if not all(is_number(k) and isinstance(k, int) and 0 <= k < sizes["parts"] for k in card["folds"].values()):
        raise refuse("its folds name parts that are not there.")
