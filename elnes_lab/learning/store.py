"""Models on disk: a folder with model.safetensors (arrays only) and card.json (everything else, readable by people).

>>> save(model, "my-model", metrics={"crystal": {"mse_median": 0.02}})
>>> model = load("my-model", db)
>>> model.warning                                           # "" if it was trained on these data
"""
from __future__ import annotations

import dataclasses
import json
import os
import platform
import tempfile
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..version import VERSION
from .choices import InputChoice, TargetChoice
from .hyper import Hyper
from .intervals import LEVELS

LAYOUT = "ELNES Lab model 1"
WEIGHTS, CARD = "model.safetensors", "card.json"
REMEDY = "Train it again with `elnes-lab train`, or fetch it again."


def save(model, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes a Model into a folder (made if need be; a model in it is replaced), each file whole or not at all; the
    folder.

    metrics: anything JSON can hold, for the card. Raises DataError for metrics that JSON cannot hold.
    """
    import torch
    from safetensors.torch import save as pack

    folder = Path(folder)
    card = {
        "layout": LAYOUT,
        "data_sha256": model.checksum,
        "inputs": model.choice.to_dict(),
        "target": model.target.to_dict(),
        "hyper_parameters": model.hyper.to_dict(),
        "sizes": model.network.sizes,
        "training": model.facts,
        "metrics": metrics or {},
        "interval_levels": list(LEVELS),
        "versions": {
            "elnes_lab": VERSION,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    arrays = {name: value.detach().clone().contiguous() for name, value in model.network.state_dict().items()}
    arrays |= {
        "energy": torch.from_numpy(np.array(model.energy)),
        "target_energy": torch.from_numpy(np.array(model.target_energy)),
    }
    if model.widths is not None:
        arrays["widths"] = torch.from_numpy(np.array(model.widths))
    try:
        text = json.dumps(card, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as problem:
        raise DataError(
            f"The card cannot be written as JSON: {problem}. Give metrics as finite numbers, texts, lists and dicts."
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / WEIGHTS, pack(arrays, {"layout": LAYOUT}))
    replace(folder / CARD, text.encode())
    return folder


def replace(path: Path, content: bytes) -> None:
    """Writes beside the file and renames, so that no reader meets half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read_card(folder: Path | str) -> dict:
    """The card of a stored model. Raises DataError if there is none or it is of another layout. Needs no torch."""
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"There is no model in {folder}: {CARD} is missing. A model is a folder with {WEIGHTS} and {CARD}."
        ) from None
    except (ValueError, OSError) as problem:
        raise DataError(f"{path} cannot be read ({str(problem).splitlines()[0]}). {REMEDY}") from None
    layout = card.get("layout") if isinstance(card, dict) else None
    if layout != LAYOUT:
        raise DataError(f"{path} has the layout '{layout}', this version reads '{LAYOUT}'. {REMEDY}")
    missing = [name for name in ("inputs", "target", "hyper_parameters", "sizes", "data_sha256") if name not in card]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. {REMEDY}")
    return card


def load(folder: Path | str, db=None):
    """The Model of a folder. With a Database, `model.warning` says if the model was trained on other data.

    Raises DataError, before anything is executed, for a missing file, a pickle (they can run programs: never opened),
    another layout, and arrays of other names, shapes or undefined values.
    """
    folder = Path(folder)
    card = read_card(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise DataError(f"There is no {path}. {REMEDY}")
    check_magic(path)
    import torch
    from safetensors import SafetensorError, safe_open

    from .model import Model
    from .network import build

    try:
        with safe_open(path, framework="pt") as file:
            layout = (file.metadata() or {}).get("layout")
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as problem:
        raise DataError(f"{path} is not a whole safetensors file ({problem}). {REMEDY}") from None
    if layout != LAYOUT:
        raise DataError(f"{path} has the layout '{layout}', this version reads '{LAYOUT}'. {REMEDY}")
    choice, target = InputChoice.from_dict(card["inputs"]), TargetChoice.from_dict(card["target"])
    try:
        network = build(Hyper.of(card["hyper_parameters"]), card["sizes"])
    except (KeyError, TypeError, RuntimeError) as problem:
        raise DataError(f"The sizes in {folder / CARD} describe no network ({problem!r}). {REMEDY}") from None
    energy, target_energy = arrays.pop("energy", None), arrays.pop("target_energy", None)
    widths = arrays.pop("widths", None)
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in arrays.items()}
    curves = {"energy": (energy, (choice.bins,)), "target_energy": (target_energy, (target.bins,))}
    if widths is not None:
        curves["widths"] = (widths, (len(LEVELS), network.sizes["targets"]))
    for name, (value, shape) in curves.items():
        wanted[name], found[name] = shape, tuple(value.shape) if value is not None else None
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise DataError(
            f"{path} does not fit its card: '{name}' has the shape {found.get(name)}, not {wanted.get(name)}. {REMEDY}"
        )
    if not all(torch.isfinite(value).all() for value in [*arrays.values(), energy, target_energy]):
        raise DataError(f"{path} holds undefined numbers. {REMEDY}")
    network.load_state_dict(arrays)
    model = Model(network.eval(), choice, target, energy.numpy(), target_energy.numpy(),
                  None if widths is None else widths.numpy(), card["data_sha256"], card.get("training", {}))
    return dataclasses.replace(model, warning=data_warning(card["data_sha256"], db))


def check_magic(path: Path) -> None:
    """DataError for a pickle or a zip of pickles, recognized by the first bytes; a safetensors file begins with a
    length and '{'.
    """
    with open(path, "rb") as file:
        head = file.read(9)
    if head[8:9] != b"{":
        what = (
            "a pickle, which can run programs when opened"
            if head[:1] == b"\x80" or head[:2] == b"PK"
            else "no safetensors file"
        )
        raise DataError(f"{path} is {what}: it was not read. Models are stored as safetensors. {REMEDY}")


def data_warning(checksum: str, db) -> str:
    """What to tell a user whose database is not the one of a model; "" if it is, or if there is no database to
    compare.
    """
    now = "" if db is None else str(db.store.attribute("raw_sha256", ""))
    if db is None or now == checksum:
        return ""
    return (
        f"This model was trained on other data (version {checksum[:12] or 'unknown'}) than those open now "
        f"(version {now[:12]}): "
        "spectra that look new may have been in its training set. Train it again to compare on these data."
    )
