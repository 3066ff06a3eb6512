"""The weights of a stored model: what the header of a safetensors file says, checked before a byte of it is used.

A safetensors file is the length of its header (8 bytes), the header (JSON: name, type, shape and place of each array)
and the arrays, one after another.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from .card import REMEDY, Meaning, read_bytes, shown, strict_json
from .intervals import LEVELS

WEIGHTS = "model.safetensors"
WEIGHTS_LIMIT = 2**30  # bytes
HEADER_LIMIT = 2**16  # bytes: 500 arrays; a model has some twenty
TYPES = {"F16": ("float16", 2), "F32": ("float32", 4), "F64": ("float64", 8), "I64": ("int64", 8)}
SMALLEST, LARGEST = 1e-9, 1e9  # of a scale; of any number: far beyond what training leaves, far from overflow
SCALES = ("input_scale", "scalar_scale", "output_scale")
SAME = 1e-6  # eV


class Entry(NamedTuple):
    """Type (NumPy's name) and shape of one array."""

    dtype: str
    shape: tuple[int, ...]


def read_weights(folder: Path, card: dict) -> tuple[bytes, dict[str, Entry]]:
    """Content of the file of the weights, and its header. Raises DataError for a pickle (they can run programs: never
    opened), a file that is not whole, of another layout, or not the one that the card describes.
    """
    path = folder / WEIGHTS
    content = read_bytes(path, WEIGHTS_LIMIT)
    check_magic(path, content)
    try:
        header = read_header(content, card["layout"])
    except ValueError as problem:
        raise DataError(f"{path} is not a whole safetensors file ({str(problem).splitlines()[0]}). {REMEDY}") from None
    if hashlib.sha256(content).hexdigest() != card["weights_sha256"]:
        raise DataError(f"{path} is not the file that its card describes: it was changed or damaged. {REMEDY}")
    return content, header


def check_magic(path: Path, content: bytes) -> None:
    """DataError for a pickle or a zip of pickles, recognized by the first bytes."""
    if content[8:9] != b"{":
        what = (
            "a pickle, which can run programs when opened"
            if content[:1] == b"\x80" or content[:2] == b"PK"
            else "no safetensors file"
        )
        raise DataError(f"{path} is {what}: it was not read. Models are stored as safetensors. {REMEDY}")


def read_header(content: bytes, wanted: str) -> dict[str, Entry]:
    """Name -> Entry of the arrays of a safetensors file of the layout wanted. Raises ValueError unless they fill it, one
    after another.
    """
    length = int.from_bytes(content[:8], "little")
    if length > min(HEADER_LIMIT, len(content) - 8):
        raise ValueError(f"its header would have {length:,} bytes")
    header = strict_json(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    about = header.pop("__metadata__", None)
    layout = about.get("layout") if isinstance(about, dict) else None
    if layout != wanted:
        raise ValueError(f"it has the layout {shown(layout)!r}, its card '{wanted}'")
    found, places = {}, []
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"'{shown(name)}' is not described by type, shape and place")
        kind, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(kind, str) or kind not in TYPES:
            raise ValueError(f"'{shown(name)}' is of the type {shown(kind)}")
        if not whole(shape) or len(shape) > 8 or not whole(place) or len(place) != 2:
            raise ValueError(f"'{shown(name)}' has the shape {shown(shape)} and the place {shown(place)}")
        if place[1] - place[0] != math.prod(shape) * TYPES[kind][1]:
            raise ValueError(f"'{shown(name)}' has {shown(shape)} numbers in {place[1] - place[0]} bytes")
        found[name] = Entry(TYPES[kind][0], tuple(shape))
        places.append(tuple(place))
    end = 0
    for first, last in sorted(places):
        if first != end:
            raise ValueError("its arrays do not lie one after another")
        end = last
    if end != len(content) - 8 - length:
        raise ValueError(f"its arrays have {end:,} bytes, and there are {len(content) - 8 - length:,}")
    return found


def whole(values) -> bool:
    """Whether these are a list of whole numbers that a file can have."""
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**48 for value in values
    )


def check_shapes(path, header: dict[str, Entry], network: dict[str, Entry], meaning: Meaning) -> None:
    """DataError unless the arrays of a file are those of a network (name -> Entry) and the curves of its card."""
    wanted = dict(network)
    wanted["energy"] = Entry("float64", (meaning.choice.bins,))
    wanted["target_energy"] = Entry("float64", (meaning.target.bins,))
    if "widths" in header:
        wanted["widths"] = Entry("float32", (len(LEVELS), meaning.sizes["targets"]))
    compare(path, header, wanted)


def compare(path, header: dict[str, Entry], wanted: dict[str, Entry]) -> None:
    """DataError unless a file has just these arrays."""
    for name in sorted(wanted.keys() | header.keys()):
        found, asked = header.get(name), wanted.get(name)
        if found != asked:
            raise DataError(
                f"{path} does not fit its card: '{shown(name)}' is {described(found)}, not {described(asked)}. {REMEDY}"
            )


def described(entry: Entry | None) -> str:
    return f"{entry.dtype} of the shape {entry.shape}" if entry else "nothing"


def check_numbers(path, arrays: dict[str, np.ndarray], meaning) -> None:
    """DataError for numbers that no training leaves: not finite, absurdly large, scales that are not positive, energies
    other than those of the choices, intervals of negative width or narrower for a higher probability.
    """
    for name, values in arrays.items():
        ends = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if name == "widths":
            if not ends[0] >= 0 or (values[1:] < values[:-1]).any() or (np.isfinite(values) & (values > LARGEST)).any():
                raise DataError(f"{path} cannot be used: its intervals have widths that cannot be. {REMEDY}")
        elif not np.isfinite(ends).all():
            raise DataError(f"{path} holds undefined numbers in '{name}'. {REMEDY}")
        elif max(-ends[0], ends[1]) > LARGEST:
            raise DataError(f"{path} cannot be used: '{name}' reaches {max(ends, key=abs):.2g}. {REMEDY}")
        elif name.rpartition(".")[2] in SCALES and values.size and not ends[0] >= SMALLEST:
            raise DataError(f"{path} cannot be used: '{name}' is {ends[0]:.2g}, and a scale is positive. {REMEDY}")
    for name, choice in (("energy", meaning.choice), ("target_energy", meaning.target)):
        if np.abs(arrays[name] - choice.centres).max() > SAME:
            raise DataError(f"{path} does not fit its card: '{name}' are not the energies of its window. {REMEDY}")
