"""Structure routes on disk: a folder with model.safetensors (arrays only) and card.json, like other models; no pickle.

"known.*" are the training sites, stored once: "known.directed" (float16) and "known.numbers" are their descriptors,
"known.targets" their spectra along x, y, z, "known.pdos" and "known.values" what is predicted besides. The arrays of part i
begin with "i.": "i.rows" are its training sites; "i.site" and "i.directed" are the weights of the blocks of its two kernels,
followed by the logarithm of the ridge. The rest of a kernel model follows from these.

>>> save_route(route, "my-route")
>>> route = load_route("my-route", db)                     # or load_route(), the one that comes with the package
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import descriptors
from ..errors import DataError
from ..subject import Subject
from ..version import VERSION
from .card import CARD, CARD_LIMIT, SEAL, check_common, check_entries, read_bytes, refusal, sealed, strict_json
from .choices import InputChoice, TargetChoice, shown
from .combine import Difficulty
from .intervals import LEVELS
from .kernels import KernelModel
from .site_calibration import Band, Calibration
from .site_dataset import PDOS, VALUES
from .site_part import Part
from .store import data_warning, found, write
from .structure_route import StructureRoute
from .surroundings import directed_blocks, directed_features, site_blocks, site_features
from .weights import WEIGHTS, Entry, check_numbers, compare, read_weights

LAYOUT = "ELNES Lab structure route 1"
SHIPPED = "structure"  # the folder of the one that comes with the package
REMEDY = "Train it again with `elnes-lab train --shipped`, or fetch it again."
KEYS = {
    "layout": str,
    "data_sha256": str,
    "weights_sha256": str,
    "absorber": str,
    "edge": str,
    "elements": list,
    "descriptors": dict,
    "target": dict,
    "pdos": dict,
    "known": list,
    "parts": list,
    "folds": dict,
    "training": dict,
    "metrics": dict,
    "interval_levels": list,
    "versions": dict,
    SEAL: str,
}
SETTINGS = {
    "cutoff": descriptors.CUTOFF,
    "radial": descriptors.RADIAL,
    "angular": descriptors.ANGULAR,
    "width": descriptors.WIDTH,
    "numbers": list(descriptors.NUMBERS),
    "values": list(VALUES),
}
MOST_PARTS, MOST_PAIRS = 21, 2 * 10**8  # samples squared, of all parts: 4 bytes each, when all are asked
BANDS = ("spectrum", "average", "pdos")


class RouteMeaning(NamedTuple):
    """What a checked card says; choice: the PDOS that is predicted besides; elements: in the order of the descriptors."""

    choice: InputChoice
    target: TargetChoice
    known: int
    parts: tuple[int, ...]
    elements: tuple[str, ...]


def save_route(route: StructureRoute, folder: Path | str, *, metrics: dict | None = None) -> Path:
    """Writes a StructureRoute into a folder (made if need be; a model in it is replaced), each file whole or not at all;
    the folder. metrics: for the card. Raises DataError, before anything is written, for what `load_route` would refuse."""
    from safetensors.numpy import save as pack

    whole = route.parts[-1]
    rows, sites, n = whole.rows, whole.site, len(whole.rows)
    if any(not np.isin(part.rows, rows).all() for part in route.parts) or route.calibration is None:
        raise DataError(
            "This route cannot be stored: its last part has not seen all that the others have, or it has no "
            "intervals. Train it with `train_route`."
        )
    place = {row: k for k, row in enumerate(rows)}
    isotropic, _, count = directed_blocks(route.elements)
    directed = whole.directed.features.reshape(n, 3, -1)[..., isotropic:-count]
    m = len(route.energy)
    b = len(route.pdos_energy)
    arrays = {
        "energy": PDOS.centres,
        "target_energy": route.energy,
        "known.directed": directed,
        "known.numbers": whole.numbers,
        "known.targets": whole.directed.targets.reshape(n, 3, m),
        "known.spectra": sites.targets[:, :m],
        "known.pdos": sites.targets[:, m : m + b],
        "known.values": sites.targets[:, m + b :],
        "values": route.calibration.values,
        "limits": route.calibration.limits,
    }
    for name in BANDS:
        band = getattr(route.calibration, name)
        arrays |= {
            f"{name}.profile": band.difficulty.profile,
            f"{name}.coefficients": band.difficulty.coefficients,
            f"{name}.half_widths": band.widths,
        }
    for i, part in enumerate(route.parts):
        arrays |= {f"{i}.rows": [place[row] for row in part.rows]}
        kinds = ("site", part.site, site_blocks), ("directed", part.directed, directed_blocks)
        for kind, model, sizes in ((name, model, blocks(route.elements)) for name, model, blocks in kinds):
            arrays[f"{i}.{kind}"] = [*model.scales[np.cumsum((0, *sizes[:-1]))], model.theta[-1]]
    card = {
        "layout": LAYOUT,
        "data_sha256": route.checksum,
        "weights_sha256": "0" * 64,
        "absorber": route.absorber,
        "edge": route.edge,
        "elements": list(route.elements),
        "descriptors": SETTINGS,
        "target": route.target.to_dict(),
        "pdos": PDOS.to_dict(),
        "known": [route.known[row] for row in rows],
        "parts": [len(part.rows) for part in route.parts],
        "folds": route.folds,
        "training": route.facts,
        "metrics": metrics or {},
        "interval_levels": list(LEVELS),
        "versions": {"elnes_lab": VERSION, "numpy": np.__version__, "python": platform.python_version()},
    }
    said = meaning(card | {SEAL: ""}, "The card")
    wanted = entries(said)
    arrays = {name: np.array(value, wanted[name].dtype, order="C") for name, value in arrays.items()}
    check(f"The model for {folder}", arrays, said)
    weights = pack(arrays, {"layout": LAYOUT})
    return write(Path(folder), weights, to_bytes(card | {"weights_sha256": hashlib.sha256(weights).hexdigest()}))


def to_bytes(card: dict) -> bytes:
    try:
        content = (json.dumps(sealed(card), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8")
        strict_json(content)
    except (TypeError, ValueError, RecursionError) as problem:
        raise DataError(
            f"The card cannot be written as JSON: {problem}. Give metrics as finite numbers, texts, lists and dicts."
        ) from None
    return content


def read_route_card(folder: Path | str) -> dict:
    """The card of a stored route. Raises DataError if there is none, and if it is of another layout, was changed after it was
    written, or says what cannot be meant."""
    path = Path(folder) / CARD
    if not os.path.lexists(path):
        raise DataError(f"There is no structure route in {folder}: {CARD} is missing. {REMEDY}")
    try:
        card = strict_json(read_bytes(path, CARD_LIMIT))
    except ValueError as problem:
        raise DataError(f"{path} cannot be read ({str(problem).splitlines()[0]}). {REMEDY}") from None
    layout = card.get("layout") if isinstance(card, dict) else None
    if layout != LAYOUT:
        raise DataError(f"{path} has the layout {shown(layout)!r}, a structure route has '{LAYOUT}'. {REMEDY}")
    missing = [name for name in KEYS if name not in card]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. {REMEDY}")
    if sealed(card)[SEAL] != card[SEAL]:
        raise DataError(f"{path} was changed or damaged after it was written: its checksum is another. {REMEDY}")
    meaning(card, path)
    return card


def meaning(card: dict, path) -> RouteMeaning:
    """What a card says. Raises DataError, with the path, for what cannot be or does not fit together."""
    refuse = refusal(path)
    check_entries(card, KEYS, {"pdos": ("channels", "window"), "target": ("window", "alignment")}, refuse)
    try:
        choice, target = InputChoice.from_dict(card["pdos"]), TargetChoice.from_dict(card["target"])
    except DataError as problem:
        raise refuse(str(problem)) from None
    check_common(card, refuse)
    whole = lambda value: isinstance(value, int) and not isinstance(value, bool)
    if card["descriptors"] != SETTINGS or choice != PDOS:
        raise refuse("its descriptors or its PDOS are not those of this version.")
    if target.curves > 1:
        raise refuse("its target is not the isotropic spectrum.")
    for name in ("elements", "known"):
        if not card[name] or not all(isinstance(text, str) for text in card[name]):
            raise refuse(f"its '{name}' are {shown(card[name])}.")
    try:
        subject = Subject.of(card["absorber"], card["edge"], card["elements"])
    except DataError as problem:
        raise refuse(f"{problem}.") from None
    parts, known = card["parts"], len(card["known"])
    if not 1 <= len(parts) <= MOST_PARTS or not all(whole(n) and 1 <= n <= known for n in parts) or parts[-1] != known:
        raise refuse(f"its 'parts' are {shown(parts)} of {known} training sites.")
    if sum((3 * n) ** 2 for n in parts) > MOST_PAIRS:
        raise refuse(f"its parts remember more than {MOST_PAIRS:,} pairs of training spectra.")
    for name, number in card["folds"].items():
        if not whole(number) or not 0 <= number < len(parts):
            raise refuse(f"the fold of {shown(name)} is {shown(number)}, which names a part that is not there.")
    return RouteMeaning(choice, target, known, tuple(parts), subject.elements)


def entries(said: RouteMeaning) -> dict[str, Entry]:
    """Type and shape of every array that the file of a card has."""
    m, b, v, n = said.target.bins, said.choice.bins, len(VALUES), said.known
    wanted = {
        "energy": Entry("float64", (b,)),
        "target_energy": Entry("float64", (m,)),
        "known.directed": Entry("float16", (n, 3, descriptors.sizes(said.elements)[0])),
        "known.numbers": Entry("float32", (n, len(descriptors.NUMBERS))),
        "known.targets": Entry("float32", (n, 3, m)),
        "known.spectra": Entry("float32", (n, m)),
        "known.pdos": Entry("float32", (n, b)),
        "known.values": Entry("float32", (n, v)),
        "values": Entry("float32", (len(LEVELS), v)),
        "limits": Entry("float64", (2,)),
    }
    for name, size in zip(BANDS, (m, m, b)):
        wanted |= {
            f"{name}.profile": Entry("float64", (size,)),
            f"{name}.coefficients": Entry("float64", (3,)),
            f"{name}.half_widths": Entry("float32", (len(LEVELS), size)),
        }
    for i, rows in enumerate(said.parts):
        wanted |= {
            f"{i}.rows": Entry("int64", (rows,)),
            f"{i}.site": Entry("float32", (len(site_blocks(said.elements)) + 1,)),
            f"{i}.directed": Entry("float32", (len(directed_blocks(said.elements)) + 1,)),
        }
    return wanted


def check(path, arrays: dict[str, np.ndarray], said: RouteMeaning) -> None:
    """DataError for numbers that no training leaves."""

    def refuse(name, what):
        raise DataError(f"{path} cannot be used: '{name}' {what}. {REMEDY}")

    open_ended = {name for name in arrays if name == "values" or name.endswith("half_widths")}
    check_numbers(path, {name: values for name, values in arrays.items() if name not in open_ended}, said)
    for name in open_ended:
        values = arrays[name]
        if np.isnan(values).any() or values.min() < 0 or (values[1:] < values[:-1]).any():
            refuse(name, "has widths that cannot be")
    for name, values in arrays.items():
        kind = name.rpartition(".")[2]
        if kind == "rows" and not (values.min() >= 0 and values.max() < said.known):
            refuse(name, "names training spectra that are not there")
        if kind in ("profile", "coefficients", "limits") and not values.min() >= 0:
            refuse(name, "is negative somewhere")
        if kind in ("site", "directed") and name[0].isdigit() and not (values[:-1].min() >= 0 and abs(values[-1]) < 50):
            refuse(name, "has weights that cannot be")


def load_route(folder: Path | str = SHIPPED, db=None) -> StructureRoute:
    """The StructureRoute of a folder, or the shipped one. With a Database, `warning` says if it was trained on other data.

    Raises DataError, before anything is built, for a missing, damaged or foreign file, for a card that says what cannot be
    meant, and for arrays that do not fit it. Needs no torch."""
    from safetensors.numpy import load as unpack

    folder = found(folder)
    card, path = read_route_card(folder), folder / WEIGHTS
    said = meaning(card, folder / CARD)
    content, header = read_weights(folder, card)
    compare(path, header, entries(said))
    arrays = unpack(content)
    check(path, arrays, said)
    directed, numbers = np.asarray(arrays["known.directed"], np.float32), arrays["known.numbers"]
    along, sites = directed_features(directed, numbers).reshape(said.known, 3, -1), site_features(directed, numbers)
    targets = np.concatenate([arrays[f"known.{name}"] for name in ("spectra", "pdos", "values")], 1)
    parts = []
    for i in range(len(said.parts)):
        rows = arrays[f"{i}.rows"]
        mean = np.asarray(targets[rows].astype(float).mean(0), np.float32)
        curves = arrays["known.targets"][rows].reshape(3 * len(rows), -1)
        parts.append(
            Part(
                kernel(arrays[f"{i}.site"], site_blocks(said.elements), sites[rows], targets[rows], mean),
                kernel(
                    arrays[f"{i}.directed"],
                    directed_blocks(said.elements),
                    along[rows].reshape(3 * len(rows), -1),
                    curves,
                    np.asarray(curves.astype(float).mean(0), np.float32),
                ),
                rows,
                numbers[rows],
            )
        )
    bands = [
        Band(Difficulty(arrays[f"{name}.profile"], arrays[f"{name}.coefficients"]), arrays[f"{name}.half_widths"])
        for name in BANDS
    ]
    route = StructureRoute(
        parts,
        said.target,
        arrays["target_energy"],
        arrays["energy"],
        Calibration(*bands, arrays["values"], arrays["limits"]),
        card["known"],
        card["data_sha256"],
        card["folds"],
        card["training"],
        card["absorber"],
        card["edge"],
        said.elements,
    )
    return dataclasses.replace(route, warning=data_warning(card["data_sha256"], db))


def kernel(weights, sizes, features, targets, mean) -> KernelModel:
    """The kernel model of stored weights of blocks; of theta the ridge is all that a prediction needs."""
    return KernelModel(np.repeat(weights[:-1], sizes), features, targets, mean, weights[-1:])
