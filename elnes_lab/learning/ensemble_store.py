"""Ensembles on disk: a folder with model.safetensors (arrays only) and card.json, like other models; no pickle.

The arrays of part i begin with "i.": "i.kernel.*" are the weighted training inputs and dual weights of its kernel
model, "i.network.*" the networks' weights, "i.weights" what the two count. The card holds the choices, the networks'
sizes and, if the ensemble is cross-fitted, the part of each structure.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..version import VERSION
from .choices import InputChoice, TargetChoice
from .combine import Difficulty
from .directions import BLOCKS, STRENGTHS, as_target
from .ensemble import Ensemble, Part
from .hyper import Hyper
from .intervals import LEVELS
from .kernels import KernelModel
from .store import CARD, WEIGHTS, data_warning, replace

LAYOUT = "ELNES Lab ensemble 1"
REMEDY = "Train it again, or fetch it again."
NEEDED = ("inputs", "target", "data_sha256", "weights_sha256", "parts", "folds", "training")
MOST_PARTS = 100


def save(model: Ensemble, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes an Ensemble into a folder (made if need be; a model in it is replaced), each file whole or not at all; the
    folder. metrics: for the card. Raises DataError for what JSON cannot hold."""
    from safetensors.numpy import save as pack

    folder = Path(folder)
    arrays, described = {"energy": model.energy, "target_energy": model.target_energy}, []
    if model.difficulty is not None:
        arrays |= {"profile": model.difficulty.profile, "coefficients": model.difficulty.coefficients,
                   "widths": model.widths}
    for i, part in enumerate(model.parts):
        arrays[f"{i}.weights"] = part.weights
        entry = {"kernel": part.kernel is not None, "network": None}
        if part.kernel is not None:
            arrays |= {f"{i}.kernel.{f.name}": getattr(part.kernel, f.name) for f in dataclasses.fields(KernelModel)}
        if part.network is not None:
            network = part.network.network
            entry["network"] = {"hyper_parameters": network.hyper.to_dict(), "sizes": network.sizes}
            arrays |= {f"{i}.network.{name}": value.numpy() for name, value in network.state_dict().items()}
        described.append(entry)
    weights = pack({name: np.ascontiguousarray(value) for name, value in arrays.items()}, {"layout": LAYOUT})
    card = {
        "layout": LAYOUT, "data_sha256": model.checksum, "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "inputs": model.choice.to_dict(), "target": model.target.to_dict(), "channels": list(BLOCKS),
        "strengths": list(STRENGTHS), "parts": described, "folds": model.folds, "training": model.facts,
        "metrics": metrics or {}, "interval_levels": list(LEVELS),
        "versions": {"elnes_lab": VERSION, "numpy": np.__version__, "python": platform.python_version()},
    }
    try:
        text = json.dumps(card, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as problem:
        raise DataError(
            f"The card cannot be written as JSON: {problem}. Give metrics as finite numbers, texts, lists and dicts."
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / WEIGHTS, weights)
    replace(folder / CARD, text.encode())
    return folder


def is_ensemble(folder: Path | str) -> bool:
    """Whether the card in a folder says that an ensemble is stored there; False if there is no readable card."""
    try:
        card = json.loads((Path(folder) / CARD).read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return False
    return isinstance(card, dict) and card.get("layout") == LAYOUT


def read_card(folder: Path | str) -> dict:
    """The card of a stored ensemble; DataError if there is none or it is not one."""
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"There is no model in {folder}: {CARD} is missing.") from None
    except (ValueError, OSError, RecursionError) as problem:
        raise DataError(f"{path} cannot be read ({str(problem).splitlines()[0]}). {REMEDY}") from None
    layout = card.get("layout") if isinstance(card, dict) else None
    if layout != LAYOUT:
        raise DataError(f"{path} has the layout '{layout}', not '{LAYOUT}'. {REMEDY}")
    missing = [name for name in NEEDED if name not in card]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. {REMEDY}")
    parts, folds = card["parts"], card["folds"]
    if not (isinstance(parts, list) and 1 <= len(parts) <= MOST_PARTS and all(isinstance(p, dict) for p in parts)):
        raise DataError(f"The parts in {path} are no list of 1 to {MOST_PARTS} descriptions. {REMEDY}")
    if not (isinstance(folds, dict) and all(type(n) is int and 0 <= n < len(parts) for n in folds.values())):
        raise DataError(f"The folds in {path} name parts that are not there. {REMEDY}")
    return card


def load(folder: Path | str, db=None) -> Ensemble:
    """The Ensemble of a folder. With a Database, `warning` says if it was trained on other data.

    Raises DataError for a missing, damaged or foreign file, and for arrays that do not fit the card."""
    folder = Path(folder)
    card, path = read_card(folder), folder / WEIGHTS
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}. {REMEDY}") from None
    if hashlib.sha256(content).hexdigest() != card["weights_sha256"]:
        raise DataError(f"{path} is not the file that its card was written for. {REMEDY}")
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack

    try:
        arrays = unpack(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path} is not a whole safetensors file ({problem}). {REMEDY}") from None
    bad = [name for name, value in arrays.items() if value.dtype.kind != "f" or np.isnan(value).any()
           or name != "widths" and np.isinf(value).any()]  # a width is infinite where there were too few structures
    if bad:
        raise DataError(f"{path} holds undefined numbers in '{bad[0]}'. {REMEDY}")
    try:
        return assemble(card, arrays, db)
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, AttributeError) as problem:
        raise DataError(f"{path} does not fit its card ({problem}). {REMEDY}") from None


def assemble(card: dict, arrays: dict, db) -> Ensemble:
    """The Ensemble of a card and its arrays. Raises ValueError, KeyError ... where they do not fit."""
    if card.get("channels") != list(BLOCKS) or card.get("strengths") != list(STRENGTHS):
        raise ValueError("its channels are not those of this version")
    choice, target = InputChoice.from_dict(card["inputs"]), TargetChoice.from_dict(card["target"])
    parts = []
    for i, entry in enumerate(card["parts"]):
        kernel = network = None
        if entry["kernel"]:
            kernel = KernelModel(*(arrays[f"{i}.kernel.{f.name}"] for f in dataclasses.fields(KernelModel)))
            kernel.check(len(BLOCKS) * choice.bins + len(choice.scalars), target.bins)
        if entry["network"] is not None:
            network = stored_network(i, entry["network"], arrays, choice, target, card["data_sha256"])
        weights = arrays[f"{i}.weights"]
        if weights.shape != ((kernel is not None) + (network is not None),) or not len(weights):
            raise ValueError("there are not as many weights as models")
        parts.append(Part(kernel, network, weights))
    difficulty = widths = None
    if "profile" in arrays:
        difficulty, widths = Difficulty(arrays["profile"], arrays["coefficients"]), arrays["widths"]
        curve = as_target(np.zeros((3, target.bins)), target).size
        if (difficulty.profile.shape, widths.shape) != ((curve,), (len(LEVELS), curve)):
            raise ValueError("the intervals are of other spectra")
    return Ensemble(parts, choice, target, arrays["energy"], arrays["target_energy"], difficulty, widths,
                    card["data_sha256"], card["folds"], card["training"], data_warning(card["data_sha256"], db))


def stored_network(i: int, entry: dict, arrays: dict, choice, target, checksum: str):
    """The network of part i as a `model.Model` of samples."""
    import torch

    from .model import Model
    from .network import build

    network = build(Hyper.of(entry["hyper_parameters"]), entry["sizes"])
    prefix = f"{i}.network."
    network.load_state_dict({name[len(prefix):]: torch.from_numpy(np.array(value)) for name, value in arrays.items()
                             if name.startswith(prefix)})
    if (network.sizes["channels"], network.sizes["bins"], network.sizes["targets"], network.sizes["scalars"]) != (
            len(BLOCKS), choice.bins, target.bins, len(choice.scalars)):
        raise ValueError("the networks' sizes are not those of the choices")
    return Model(network.eval(), choice, dataclasses.replace(target, polarization="isotropic"), arrays["energy"],
                 arrays["target_energy"], None, checksum)
