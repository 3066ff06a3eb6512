"""The card of a stored model: strict JSON, sealed by a checksum of its own, checked before anything is built from it.

Needs no torch. Two checksums are in a card: `weights_sha256`, of the file of the weights, and `card_sha256`, of the
card itself, so that one changed digit in either is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from .choices import InputChoice, TargetChoice, is_number, shown
from .hyper import Hyper
from .intervals import LEVELS

LAYOUT, ENSEMBLE, KERNEL_RIDGE = "ELNES Lab model 2", "ELNES Lab ensemble 2", "ELNES Lab kernel ridge 1"
LAYOUTS = (LAYOUT, ENSEMBLE, KERNEL_RIDGE)
CARD = "card.json"
REMEDY = "Train it again with `elnes-lab train`, or fetch it again."
CARD_LIMIT = 4 * 2**20  # bytes: names of 100,000 structures
DEPTH = 12  # brackets within brackets; a card has 3
LARGEST_SIZE = 2**31  # of an axis
SEAL = "card_sha256"
KEYS = {  # key -> type
    "layout": str,
    "data_sha256": str,
    "weights_sha256": str,
    "inputs": dict,
    "target": dict,
    "hyper_parameters": dict,
    "sizes": dict,
    "training": dict,
    "metrics": dict,
    "interval_levels": list,
    "versions": dict,
    SEAL: str,
}
SIZES = ("channels", "bins", "scalars", "inputs", "encoded", "coefficients", "targets")
SHOWN = {
    "inputs": ("channels", "window", "alignment"),
    "target": ("window", "alignment"),
    "hyper_parameters": ("kind", "members"),
}  # what lists of models show has no default
KINDS = ("crystal", "amorphous")  # groups of metrics that pages show
DIGEST = re.compile("[0-9a-f]{64}")


class Meaning(NamedTuple):
    """What a checked card says: the choices, the hyper-parameters and the sizes of the network."""

    choice: InputChoice
    target: TargetChoice
    hyper: Hyper
    sizes: dict


def read_bytes(path: Path, limit: int) -> bytes:
    """Content of a regular file. Raises DataError for a file that is not there or may not be read, a folder, a pipe or
    device (which could be waited for without end), and more than `limit` bytes.
    """
    handle = None
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} is no file but a folder, a pipe or a device. {REMEDY}")
        if found.st_size > limit:
            raise DataError(
                f"{path} has {found.st_size:,} bytes; no such file of a model has more than {limit:,}. {REMEDY}"
            )
        with os.fdopen(handle, "rb") as file:
            handle = None
            return file.read(found.st_size)
    except FileNotFoundError:
        raise DataError(f"There is no {path}. {REMEDY}") from None
    except (OSError, ValueError) as problem:
        if isinstance(problem, DataError):
            raise
        raise DataError(f"{path} cannot be read ({getattr(problem, 'strerror', None) or problem}). {REMEDY}") from None
    finally:
        if handle is not None:
            os.close(handle)


def strict_json(content: bytes):
    """The value of a JSON text in UTF-8. Raises ValueError for what is none, and for what readers understand in
    different ways or cannot hold: keys given twice, NaN, infinity, unpaired surrogates, brackets nested more than
    `DEPTH` deep.
    """

    def once(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is given twice")
        return found

    def number(text):
        value = float(text)
        if not is_number(value):
            raise ValueError(f"{shown(text)} is no number that can be stored")
        return value

    text = content.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=once, parse_float=number, parse_constant=number)
    except RecursionError:
        raise ValueError("its brackets are nested too deep") from None
    level, inside = [value], 0
    while level:
        inside += 1
        if inside > DEPTH + 1:
            raise ValueError("its brackets are nested too deep")
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        level = [value for part in parts for value in part]
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def sealed(card: dict) -> dict:
    """The card with the checksum of its other entries: sha256 of them as compact JSON with sorted keys."""
    rest = {name: value for name, value in card.items() if name != SEAL}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return {**rest, SEAL: hashlib.sha256(text.encode("utf-8")).hexdigest()}


def to_bytes(card: dict) -> bytes:
    """A card as a file, sealed and checked. Raises DataError if JSON cannot hold it or `read_card` would refuse it."""
    try:
        content = (json.dumps(sealed(card), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8")
        strict_json(content)
    except (TypeError, ValueError, RecursionError) as problem:
        raise DataError(
            f"The card cannot be written as JSON: {problem}. Give metrics as finite numbers, texts, lists and dicts."
        ) from None
    if len(content) > CARD_LIMIT:
        raise DataError(f"The card would have {len(content):,} bytes, more than {CARD_LIMIT:,}. Give fewer metrics.")
    checks(card.get("layout"))[1](sealed(card), "The card")
    return content


def checks(layout: str):
    """What a card of a layout has, key -> type, and the function that gives its meaning."""
    if layout == ENSEMBLE:
        from . import ensemble_card

        return ensemble_card.KEYS, ensemble_card.meaning
    if layout == KERNEL_RIDGE:
        from . import kernel_ridge_store

        return kernel_ridge_store.KEYS, kernel_ridge_store.meaning
    return KEYS, meaning


def read_card(folder: Path | str) -> dict:
    """The card of a stored model or ensemble. Raises DataError if there is none, and if it is of another layout, was changed after
    it was written, or says what cannot be meant.
    """
    path = Path(folder) / CARD
    if not os.path.lexists(path):
        raise DataError(
            f"There is no model in {folder}: {CARD} is missing. A model is a folder with model.safetensors and {CARD}."
        )
    content = read_bytes(path, CARD_LIMIT)
    try:
        card = strict_json(content)
    except ValueError as problem:
        raise DataError(f"{path} cannot be read ({str(problem).splitlines()[0]}). {REMEDY}") from None
    layout = card.get("layout") if isinstance(card, dict) else None
    if layout not in LAYOUTS:
        known = ", ".join(f"'{name}'" for name in LAYOUTS)
        raise DataError(f"{path} has the layout {shown(layout)!r}, this version reads {known}. {REMEDY}")
    keys, mean = checks(layout)
    missing = [name for name in keys if name not in card]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. {REMEDY}")
    if sealed(card)[SEAL] != card[SEAL]:
        raise DataError(f"{path} was changed or damaged after it was written: its checksum is another. {REMEDY}")
    mean(card, path)
    return card


def meaning(card: dict, path) -> Meaning:
    """What a card says. Raises DataError, with the path, for unknown keys, other types, and values that cannot be or do
    not fit together.
    """

    refuse = refusal(path)
    check_entries(card, KEYS, SHOWN, refuse)
    try:
        choice, target = InputChoice.from_dict(card["inputs"]), TargetChoice.from_dict(card["target"])
        hyper = Hyper.of(card["hyper_parameters"])
    except DataError as problem:
        raise refuse(str(problem)) from None
    check_common(card, refuse)
    check_sizes(card["sizes"], choice, target.bins * target.curves, len(choice.channels), refuse)
    return Meaning(choice, target, hyper, card["sizes"])


def refusal(path):
    """A function from what is wrong to the DataError about the card at a path."""
    return lambda what: DataError(f"{path} cannot be used: {what} {REMEDY}")


def check_entries(card: dict, keys: dict, lists: dict, refuse) -> None:
    """Entries have the names and types of keys, and in them what lists of models show."""
    for name, value in card.items():
        if name not in keys:
            raise refuse(f"it has an entry '{shown(name)}', which no model has.")
        if not isinstance(value, keys[name]) or isinstance(value, bool):
            raise refuse(f"its '{name}' is {shown(value)}.")
    for section, names in lists.items():
        lacking = [name for name in names if name not in card[section]]
        if lacking:
            raise refuse(f"its '{section}' lack {', '.join(lacking)}.")


def check_common(card: dict, refuse) -> None:
    """Checksums, levels, versions, training and metrics are such as any model has."""
    for name in ("data_sha256", "weights_sha256"):
        if not DIGEST.fullmatch(card[name]) and (card[name] or name == "weights_sha256"):
            raise refuse(f"its '{name}' is {shown(card[name])!r}, which is no sha256.")
    if card["interval_levels"] != list(LEVELS):
        raise refuse(
            f"its intervals are for {shown(card['interval_levels'])}, those of this version for {list(LEVELS)}."
        )
    if not all(isinstance(text, str) for text in card["versions"].values()):
        raise refuse("its versions are no texts.")
    check_training(card["training"], refuse)
    for kind in KINDS:
        figures = card["metrics"].get(kind) or {}
        error = figures.get("mse_median") if isinstance(figures, dict) else ""
        if error is not None and not is_number(error):
            raise refuse(f"its metrics for '{kind}' have no number mse_median.")


def check_sizes(sizes: dict, choice: InputChoice, targets: int, channels: int, refuse) -> None:
    """Sizes are whole numbers that follow from the choices where they do."""
    for name in SIZES:
        if name not in sizes:
            raise refuse(f"its sizes lack '{name}'.")
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SIZE:
            raise refuse(f"its sizes have {shown(name)} = {shown(value)}.")
    wanted = {
        "channels": channels,
        "bins": choice.bins,
        "scalars": len(choice.scalars),
        "encoded": sizes["inputs"] + len(choice.scalars),
        "targets": targets,
    }
    for name, value in wanted.items():
        if sizes[name] != value:
            raise refuse(f"its sizes have {name} = {sizes[name]}, its choices make {value}.")
    for name, most in (("inputs", wanted["channels"] * wanted["bins"]), ("coefficients", wanted["targets"])):
        if not 1 <= sizes[name] <= most:
            raise refuse(f"its sizes have {name} = {sizes[name]}, which is not from 1 to {most}.")


def check_training(training: dict, refuse) -> None:
    """A training names the structures it used: errors are told for the others only."""
    split, seed = training.get("split"), training.get("seed")
    if not isinstance(split, dict) or not {"train", "validation"} <= split.keys():
        raise refuse("it does not say which structures it was trained and validated on.")
    for part, names in split.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise refuse(f"the structures of its part '{shown(part)}' are no list of names.")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise refuse(f"its seed is {shown(seed)}.")
