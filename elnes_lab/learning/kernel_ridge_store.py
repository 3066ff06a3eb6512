"""Kernel ridge regressions on disk: a folder with model.safetensors (arrays only) and card.json, like other models."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..version import VERSION
from .card import (
    KERNEL_RIDGE,
    REMEDY,
    SHOWN,
    check_common,
    check_entries,
    read_card,
    refusal,
    to_bytes,
)
from .card import KEYS as MODEL_KEYS
from .choices import InputChoice, TargetChoice, is_number, shown
from .intervals import LEVELS
from .kernel_ridge import NAME, KernelRidgeModel
from .weights import SMALLEST, WEIGHTS, Entry, check_numbers, compare, read_weights

KEYS = {name: kind for name, kind in MODEL_KEYS.items() if name not in ("hyper_parameters", "sizes")} | {
    "method": str,
    "settings": dict,
    "known": int,
    "intervals": int,
}
MOST_KNOWN = 10**5
ARRAYS = (
    "input_mean",
    "input_scale",
    "scalar_mean",
    "scalar_scale",
    "known",
    "dual",
    "mean",
    "energy",
    "target_energy",
)


class KernelRidgeMeaning(NamedTuple):
    """What a checked card says; known: number of training sites; intervals: whether there are any."""

    choice: InputChoice
    target: TargetChoice
    known: int
    intervals: bool


def meaning(card: dict, path) -> KernelRidgeMeaning:
    """What a card says. Raises DataError, with the path, for what cannot be meant."""
    refuse = refusal(path)
    check_entries(card, KEYS, {name: SHOWN[name] for name in ("inputs", "target")}, refuse)
    try:
        choice, target = InputChoice.from_dict(card["inputs"]), TargetChoice.from_dict(card["target"])
    except DataError as problem:
        raise refuse(str(problem)) from None
    check_common(card, refuse)
    if card["method"] != NAME:
        raise refuse(f"its method is {shown(card['method'])}, not {NAME}.")
    if not 1 <= card["known"] <= MOST_KNOWN or card["intervals"] not in (0, 1):
        raise refuse(f"its 'known' is {card['known']} and its 'intervals' {card['intervals']}.")
    for name, value in card["settings"].items():
        if not is_number(value) or value <= 0:
            raise refuse(f"its setting {shown(name)} is {shown(value)}.")
    return KernelRidgeMeaning(choice, target, card["known"], bool(card["intervals"]))


def entries(said: KernelRidgeMeaning) -> dict[str, Entry]:
    """Type and shape of every array that the file of a card has."""
    channels, bins, scalars = len(said.choice.channels), said.choice.bins, len(said.choice.scalars)
    curve = said.target.bins * said.target.curves
    wanted = {
        "input_mean": Entry("float64", (channels, bins)),
        "input_scale": Entry("float64", (channels,)),
        "scalar_mean": Entry("float64", (scalars,)),
        "scalar_scale": Entry("float64", (scalars,)),
        "known": Entry("float32", (said.known, channels * bins + scalars)),
        "length": Entry("float64", (1,)),
        "dual": Entry("float64", (said.known, curve)),
        "mean": Entry("float64", (curve,)),
        "energy": Entry("float64", (bins,)),
        "target_energy": Entry("float64", (said.target.bins,)),
    }
    return wanted | ({"widths": Entry("float32", (len(LEVELS), curve))} if said.intervals else {})


def check(path, arrays: dict[str, np.ndarray], said: KernelRidgeMeaning) -> None:
    """DataError for numbers that no training leaves."""
    check_numbers(path, arrays, said)
    if not arrays["length"][0] >= SMALLEST:
        raise DataError(f"{path} cannot be used: its kernel has the width {arrays['length'][0]:.2g}. {REMEDY}")


def save(model: KernelRidgeModel, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes a KernelRidgeModel into a folder, as `store.save` does for others; the folder."""
    from safetensors.numpy import save as pack

    from .store import write

    arrays = {name: getattr(model, name) for name in ARRAYS} | {"length": [model.length]}
    if model.widths is not None:
        arrays["widths"] = model.widths
    card = {
        "layout": KERNEL_RIDGE,
        "data_sha256": model.checksum,
        "weights_sha256": "0" * 64,
        "inputs": model.choice.to_dict(),
        "target": model.target.to_dict(),
        "method": NAME,
        "settings": {name: float(value) for name, value in model.settings.items()},
        "known": len(model.known),
        "intervals": int(model.widths is not None),
        "training": model.facts,
        "metrics": metrics or {},
        "interval_levels": list(LEVELS),
        "versions": {"elnes_lab": VERSION, "numpy": np.__version__, "python": platform.python_version()},
    }
    to_bytes(card)
    said = meaning(card | {"card_sha256": ""}, "The card")
    wanted = entries(said)
    arrays = {name: np.array(value, wanted[name].dtype, order="C") for name, value in arrays.items()}
    check(f"The model for {folder}", arrays, said)
    weights = pack(arrays, {"layout": KERNEL_RIDGE})
    return write(Path(folder), weights, to_bytes(card | {"weights_sha256": hashlib.sha256(weights).hexdigest()}))


def load(folder: Path | str, db=None) -> KernelRidgeModel:
    """The KernelRidgeModel of a folder. Raises DataError as `store.load` does."""
    from safetensors.numpy import load as unpack

    from .store import data_warning

    folder = Path(folder)
    card, path = read_card(folder), folder / WEIGHTS
    said = meaning(card, path)
    content, header = read_weights(folder, card)
    compare(path, header, entries(said))
    arrays = unpack(content)
    check(path, arrays, said)
    known, length = arrays.pop("known").astype(float), float(arrays.pop("length")[0])
    return KernelRidgeModel(
        **{name: arrays.get(name) for name in (*(n for n in ARRAYS if n != "known"), "widths")},
        known=known,
        length=length,
        settings=card["settings"],
        choice=said.choice,
        target=said.target,
        checksum=card["data_sha256"],
        facts=card["training"],
        warning=data_warning(card["data_sha256"], db),
    )
