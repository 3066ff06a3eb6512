"""Models on disk: a folder with model.safetensors (arrays only) and card.json (everything else, readable by people).

>>> save(model, "my-model", metrics={"crystal": {"mse_median": 0.02}})
>>> model = load("my-model", db)
>>> model.warning                                           # "" if it was trained on these data
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import tempfile
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..version import VERSION
from .card import CARD, ENSEMBLE, KERNEL_RIDGE, LAYOUT, REMEDY, meaning, read_card, to_bytes
from .intervals import LEVELS
from .packed import opened
from .weights import WEIGHTS, WEIGHTS_LIMIT, Entry, check_numbers, check_shapes, read_weights

__all__ = ["CARD", "ENSEMBLE", "LAYOUT", "WEIGHTS", "check", "load", "read_card", "save"]


def save(model, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes a Model into a folder (made if need be; a model in it is replaced), each file whole or not at all; the
    folder.

    metrics: anything JSON can hold, for the card. Raises DataError, before anything is written, for metrics that JSON
    cannot hold and for a model that `load` would refuse, such as one with undefined weights.
    """
    import torch
    from safetensors.torch import save as pack

    from . import ensemble, ensemble_store, kernel_ridge, kernel_ridge_store

    if isinstance(model, ensemble.Ensemble):
        return ensemble_store.save(model, folder, metrics=metrics)
    if isinstance(model, kernel_ridge.KernelRidgeModel):
        return kernel_ridge_store.save(model, folder, metrics=metrics)
    folder = Path(folder)
    arrays = {name: value.detach().clone().contiguous() for name, value in model.network.state_dict().items()}
    arrays |= {
        "energy": torch.from_numpy(np.array(model.energy)),
        "target_energy": torch.from_numpy(np.array(model.target_energy)),
    }
    if model.widths is not None:
        arrays["widths"] = torch.from_numpy(np.array(model.widths))
    weights = pack(arrays, {"layout": LAYOUT})
    card = {
        "layout": LAYOUT,
        "data_sha256": model.checksum,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
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
    text = to_bytes(card)
    check_numbers("The model", {name: value.numpy() for name, value in arrays.items()}, meaning(card, "The card"))
    return write(folder, weights, text)


def write(folder: Path, weights: bytes, card: bytes) -> Path:
    """Both files of a model into a folder; the folder. DataError if it cannot be written."""
    if len(weights) > WEIGHTS_LIMIT:
        raise DataError(
            f"The weights take {len(weights):,} bytes, more than the {WEIGHTS_LIMIT:,} of a model. "
            "Train a smaller network."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / WEIGHTS, weights)
        replace(folder / CARD, card)
    except OSError as problem:
        raise DataError(
            f"The model cannot be written into {folder}: {problem.strerror}. Choose a folder that you may write to."
        ) from None
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


def check(folder: Path | str) -> dict:
    """The card of a stored model whose files are whole and are those that were written. Needs no torch.

    Raises DataError otherwise, as `load` does.
    """
    card = read_card(folder)
    read_weights(Path(folder), card)
    return card


def load(folder: Path | str, db=None):
    """The Model or Ensemble of a folder, of a .zip that the dashboard saved, or of the name of a shipped one, such as
    "ensemble-pdos". With a Database, `model.warning` says if the model was trained on other data.

    Raises DataError, before anything is built or executed, for a missing or damaged file, a pickle (they can run
    programs: never opened), another layout, a card that says what cannot be meant, and arrays of other names, types or
    shapes than the card's or with numbers that no training leaves.
    """
    with opened(found(folder)) as place:
        return load_folder(place, db)


def load_folder(folder: Path, db):
    """The Model or Ensemble of a folder, as `load` gives it."""
    card = read_card(folder)
    if card["layout"] == ENSEMBLE:
        from . import ensemble_store

        return ensemble_store.load(folder, db)
    if card["layout"] == KERNEL_RIDGE:
        from . import kernel_ridge_store

        return kernel_ridge_store.load(folder, db)
    path, said = folder / WEIGHTS, meaning(card, folder / CARD)
    content, header = read_weights(folder, card)
    import torch
    from safetensors.torch import load as unpack

    from .model import Model
    from .network import build

    try:
        with torch.device("meta"):  # shapes without memory
            network = build(said.hyper, said.sizes)
    except (KeyError, TypeError, RuntimeError) as problem:
        raise DataError(f"The sizes in {folder / CARD} describe no network ({problem!r}). {REMEDY}") from None
    shapes = {
        name: Entry(str(value.dtype).removeprefix("torch."), tuple(value.shape))
        for name, value in network.state_dict().items()
    }
    check_shapes(path, header, shapes, said)
    arrays = unpack(content)
    check_numbers(path, {name: value.numpy() for name, value in arrays.items()}, said)
    energy, target_energy, widths = (arrays.pop(name, None) for name in ("energy", "target_energy", "widths"))
    network.load_state_dict(arrays, assign=True)
    model = Model(
        network.eval(),
        said.choice,
        said.target,
        energy.numpy(),
        target_energy.numpy(),
        None if widths is None else widths.numpy(),
        card["data_sha256"],
        card["training"],
    )
    return dataclasses.replace(model, warning=data_warning(card["data_sha256"], db))


def found(folder: Path | str) -> Path:
    """A model's folder or file; a bare name that is none here is one of the shipped models, wherever one works. Raises
    DataError for a name that is neither.
    """
    folder = Path(folder)
    if len(folder.parts) == 1 and not os.path.lexists(folder):
        from ..store import data_directory

        shipped = data_directory() / "models"
        names = sorted(path.parent.name for path in shipped.glob(f"*/{CARD}"))
        if folder.name in names:
            return shipped / folder
        there = f"those that came with the data are {', '.join(names)}" if names else f"and none in {shipped}"
        raise DataError(
            f"There is no model {str(folder)!r}: no folder or .zip of that name is here, {there}. Name a folder, "
            "a .zip that the page Train saved, or one of these."
        )
    return folder


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
