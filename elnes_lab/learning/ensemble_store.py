"""Ensembles on disk: a folder with model.safetensors (arrays only) and card.json, like other models; no pickle.

"known.*" are the training sites, stored once: "known.along", "known.shared" and "known.scalars" are their inputs,
"known.targets" their spectra; with the surroundings, "known.surroundings" and "known.numbers" are the descriptors along
x, y, z and the numbers in units of `descriptors.NUMBERS`. The arrays of part i begin with "i.": "i.rows" are the training sites of its kernel
model, "i.kernel.*" how it weighs them, "i.network.*" the networks' weights, "i.weights" what the two count. Matrices
are float16: models are rounded so when they are trained. The card is described in `ensemble_card`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..version import VERSION
from .card import CARD, ENSEMBLE, REMEDY, read_card, to_bytes
from .combine import Difficulty
from .directions import ALONG, BLOCKS, ISOTROPIC, STRENGTHS
from .ensemble import Ensemble, Part
from .ensemble_card import EnsembleMeaning, PartMeaning, meaning
from .intervals import LEVELS
from .kernels import KernelModel
from .surroundings import directed_blocks, scaled_features
from .weights import LARGEST, WEIGHTS, Entry, check_numbers, compare, read_weights


def save(model: Ensemble, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes an Ensemble into a folder (made if need be; a model in it is replaced), each file whole or not at all; the
    folder. metrics: for the card. Raises DataError, before anything is written, for what JSON cannot hold and for a
    model that `load` would refuse."""
    from safetensors.numpy import save as pack

    from .store import write

    arrays, described = shared(model), []
    arrays |= {"energy": model.energy, "target_energy": model.target_energy}
    if model.difficulty is not None:
        arrays |= {
            "profile": model.difficulty.profile,
            "coefficients": model.difficulty.coefficients,
            "widths": model.widths,
        }
    for i, part in enumerate(model.parts):
        arrays[f"{i}.weights"] = part.weights
        entry = {"kernel": None, "network": None}
        if part.kernel is not None:
            entry["kernel"] = len(part.kernel.features) // 3
            arrays |= {f"{i}.kernel.{name}": getattr(part.kernel, name) for name in ("scales", "mean", "theta")}
        if part.network is not None:
            network = part.network.network
            entry["network"] = {"hyper_parameters": network.hyper.to_dict(), "sizes": network.sizes}
            arrays |= {f"{i}.network.{name}": value.numpy() for name, value in network.state_dict().items()}
        described.append(entry)
    card = {
        "layout": ENSEMBLE,
        "data_sha256": model.checksum,
        "weights_sha256": "0" * 64,
        "inputs": model.choice.to_dict(),
        "target": model.target.to_dict(),
        "channels": list(BLOCKS),
        "strengths": list(STRENGTHS),
        "parts": described,
        "folds": model.folds,
        "known": len(arrays.get("known.along", ())),
        "intervals": int(model.difficulty is not None),
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
    weights = pack(arrays, {"layout": ENSEMBLE})
    return write(Path(folder), weights, to_bytes(card | {"weights_sha256": hashlib.sha256(weights).hexdigest()}))


def shared(model: Ensemble) -> dict[str, np.ndarray]:
    """The training sites of all kernel models, each once, and which of them are those of each part."""
    place, rows, found = {}, [], {}
    for i, part in enumerate(model.parts):
        if part.kernel is None:
            continue
        sites = np.concatenate(
            [
                part.kernel.features.reshape(len(part.kernel.features) // 3, -1),
                part.kernel.targets.reshape(len(part.kernel.targets) // 3, -1),
            ],
            axis=1,
        )
        places = []
        for row in sites:
            key = row.tobytes()
            if key not in place:
                place[key] = len(place)
                rows.append(row)
            places.append(place[key])
        found[f"{i}.rows"] = np.array(places)
    if not rows:
        return {}
    bins, scalars = model.choice.bins, len(model.choice.scalars)
    width = next(part.kernel.features.shape[1] for part in model.parts if part.kernel is not None)
    features, targets = np.split(np.array(rows), [3 * width], axis=1)
    features = features.reshape(len(rows), 3, width)
    end = len(BLOCKS) * bins + scalars
    around = {}
    if model.choice.surroundings:
        isotropic, directed, _ = directed_blocks(model.choice.surroundings)
        around = {
            "known.surroundings": features[..., end + isotropic : end + isotropic + directed],
            "known.numbers": features[:, 0, end + isotropic + directed :],
        }
    channels = features[..., : len(BLOCKS) * bins].reshape(len(rows), 3, len(BLOCKS), bins)
    return found | {
        "known.along": channels[:, :, : len(ALONG)],
        "known.shared": channels[:, 0, len(ALONG) :],
        "known.scalars": features[:, 0, len(BLOCKS) * bins : end],
        "known.targets": targets.reshape(len(rows), 3, -1),
        **around,
    }


def entries(said: EnsembleMeaning) -> dict[str, Entry]:
    """Type and shape of every array that the file of a card has; makes none of them. Raises DataError for sizes that
    describe no network."""
    bins, curve = said.choice.bins, said.target.bins
    wanted = {"energy": Entry("float64", (bins,)), "target_energy": Entry("float64", (curve,))}
    if said.intervals:
        size = curve * said.target.curves
        wanted |= {
            "profile": Entry("float64", (size,)),
            "coefficients": Entry("float64", (3,)),
            "widths": Entry("float32", (len(LEVELS), size)),
        }
    if any(part.kernel for part in said.parts):
        number = "float16" if said.target.normalization == "mean" else "float32"
        wanted |= {
            "known.along": Entry("float16", (said.known, 3, len(ALONG), bins)),
            "known.shared": Entry("float16", (said.known, len(ISOTROPIC), bins)),
            "known.scalars": Entry("float32", (said.known, len(said.choice.scalars))),
            "known.targets": Entry(number, (said.known, 3, curve)),
        }
    around = directed_blocks(said.choice.surroundings) if said.choice.surroundings else ()
    if around and any(part.kernel for part in said.parts):
        wanted |= {
            "known.surroundings": Entry("float16", (said.known, 3, around[1])),
            "known.numbers": Entry("float32", (said.known, around[2])),
        }
    for i, part in enumerate(said.parts):
        wanted[f"{i}.weights"] = Entry("float64", (part.models,))
        if part.kernel:
            wanted |= {
                f"{i}.rows": Entry("int64", (part.kernel,)),
                f"{i}.kernel.scales": Entry("float32", (len(BLOCKS) * bins + len(said.choice.scalars) + sum(around),)),
                f"{i}.kernel.mean": Entry("float32", (curve,)),
                f"{i}.kernel.theta": Entry("float32", (len(BLOCKS) + len(said.choice.scalars) + len(around) + 1,)),
            }
        if part.hyper is not None:
            wanted |= {
                f"{i}.network.{name}": Entry("float16" if value.ndim > 1 else "float32", tuple(value.shape))
                for name, value in outline(part).state_dict().items()
            }
    return wanted


def outline(part: PartMeaning):
    """The network of a part, without memory for its numbers."""
    import torch

    from .network import build

    try:
        with torch.device("meta"):
            return build(part.hyper, part.sizes)
    except (KeyError, TypeError, RuntimeError) as problem:
        raise DataError(f"The sizes in {CARD} describe no network ({problem!r}). {REMEDY}") from None


def check(path, arrays: dict[str, np.ndarray], said: EnsembleMeaning) -> None:
    """DataError for numbers that no training leaves, as `weights.check_numbers`."""
    check_numbers(path, arrays, said)

    def refuse(name, what):
        raise DataError(f"{path} cannot be used: '{name}' {what}. {REMEDY}")

    for name, values in arrays.items():
        last = name.rpartition(".")[2]
        if last == "rows" and values.size and not (0 <= values.min() and values.max() < said.known):
            refuse(name, "names training spectra that are not there")
        if last in ("profile", "coefficients", "scales", "weights") and values.size and values.min() < 0:
            refuse(name, "is negative somewhere")
        if last == "weights" and abs(values.sum() - 1) > 1e-3:
            refuse(name, f"has the sum {values.sum():.3g}, not 1")
        if last == "theta" and np.abs(values).max() > 50:
            refuse(name, "is far from what a training finds")
        if last == "profile" and not values.max() < LARGEST**0.5:
            refuse(name, "is too large")


def load(folder: Path | str, db=None) -> Ensemble:
    """The Ensemble of a folder. With a Database, `warning` says if it was trained on other data.

    Raises DataError, before anything is built, for a missing, damaged or foreign file, for a card that says what cannot
    be meant, and for arrays that do not fit it."""
    from safetensors.numpy import load as unpack

    from .store import data_warning

    folder = Path(folder)
    card, path = read_card(folder), folder / WEIGHTS
    if card["layout"] != ENSEMBLE:
        raise DataError(f"{folder} holds no ensemble but a '{card['layout']}'. Open it with `elnes_lab.learning.load`.")
    said = meaning(card, folder / CARD)
    content, header = read_weights(folder, card)
    compare(path, header, entries(said))
    arrays = unpack(content)
    check(path, arrays, said)
    parts = [stored_part(i, part, arrays, said, card["data_sha256"]) for i, part in enumerate(said.parts)]
    difficulty = widths = None
    if said.intervals:
        difficulty, widths = Difficulty(arrays["profile"], arrays["coefficients"]), arrays["widths"]
    return Ensemble(
        parts,
        said.choice,
        said.target,
        arrays["energy"],
        arrays["target_energy"],
        difficulty,
        widths,
        card["data_sha256"],
        card["folds"],
        card["training"],
        data_warning(card["data_sha256"], db),
    )


def stored_part(i: int, part: PartMeaning, arrays: dict, said: EnsembleMeaning, checksum: str) -> Part:
    """Part i from checked arrays."""
    kernel = network = None
    if part.kernel:
        rows = arrays[f"{i}.rows"]
        along, common, scalars, targets = (
            np.asarray(arrays[f"known.{name}"][rows], np.float32) for name in ("along", "shared", "scalars", "targets")
        )
        common = np.broadcast_to(common[:, None], (len(rows), 3, *common.shape[1:]))
        channels = np.concatenate([along, common], axis=2).reshape(3 * len(rows), -1)
        features = np.concatenate([channels, np.repeat(scalars, 3, axis=0)], axis=1)
        if said.choice.surroundings:
            directed = np.asarray(arrays["known.surroundings"][rows], np.float32)
            features = np.concatenate([features, scaled_features(directed, arrays["known.numbers"][rows])], axis=1)
        kernel = KernelModel(
            arrays[f"{i}.kernel.scales"],
            features,
            targets.reshape(len(features), -1),
            arrays[f"{i}.kernel.mean"],
            arrays[f"{i}.kernel.theta"],
        )
    if part.hyper is not None:
        network = stored_network(i, part, arrays, said, checksum)
    return Part(kernel, network, arrays[f"{i}.weights"])


def stored_network(i: int, part: PartMeaning, arrays: dict, said: EnsembleMeaning, checksum: str):
    """The network of part i as a `model.Model` of samples."""
    import torch

    from .model import Model

    network, prefix = outline(part), f"{i}.network."
    network.load_state_dict(
        {
            name[len(prefix) :]: torch.from_numpy(np.array(value, np.float32))
            for name, value in arrays.items()
            if name.startswith(prefix)
        },
        assign=True,
    )
    return Model(
        network.eval(),
        said.choice,
        dataclasses.replace(said.target, polarization="isotropic"),
        arrays["energy"],
        arrays["target_energy"],
        None,
        checksum,
    )
