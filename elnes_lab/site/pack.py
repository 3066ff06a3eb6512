"""Arrays and texts as small files that a browser reads: quantised curves, gzip, and a description that says what is where.

A curve (last axis) is stored in steps of its largest absolute value over 32,767, so that no value is off by more than half a
step: 1.5e-5 of the highest peak. Second differences of the steps, the low bytes of all before the high bytes, halve what
gzip makes of smooth curves. `read` is the way back, for tests; static/data.js is the same for the browser.
"""

import gzip
import json
from pathlib import Path

import numpy as np

from ..errors import DataError

STEPS = 32767  # of a curve's largest absolute value
NOTHING = -32768  # in the place of NaN
SUFFIX = ".pack"  # not .gz, which some servers unpack on the way and others do not


class Pack:
    """Contents of one file: `add` arrays, `add_json` texts, `write`."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.entries: list[dict] = []

    def add(self, name: str, values, dtype: str = "float32") -> None:
        """An array as it is, in little-endian numbers of a type that JavaScript has (float32, float64, int32)."""
        values = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
        self._append({"name": name, "type": dtype, "shape": list(values.shape)}, values.tobytes())

    def add_curves(self, name: str, values) -> None:
        """Curves (..., m) in steps. Raises DataError if one comes back more than half a step off, or is infinite."""
        values = np.asarray(values, float)
        if np.isinf(values).any():
            raise DataError(f"{name} has infinite values, which cannot be packed. Build the database again.")
        step = steps(values)
        coded = encode(values, step)
        worst = np.nanmax(np.abs(decode(coded, values.shape, step) - values) / step[..., None], initial=0.0)
        if worst > 0.5001:
            raise DataError(f"{name} does not come back as it was packed ({worst:.3g} steps off). Report this.")
        self.add(f"{name}.step", step)
        self._append({"name": name, "type": "curves", "shape": list(values.shape)}, coded)

    def add_json(self, name: str, value) -> None:
        """Texts, numbers, lists and dicts; NaN becomes null."""
        self._append({"name": name, "type": "json"}, dumps(value))

    def _append(self, entry: dict, content: bytes) -> None:
        content += bytes(-len(content) % 8)  # typed arrays begin at multiples of their size
        start = sum(map(len, self.parts))
        self.entries.append(entry | {"start": start, "bytes": len(content)})
        self.parts.append(content)

    def write(self, path: Path) -> dict:
        """Writes the file; its description: name, size in bytes, and what is where."""
        content = gzip.compress(b"".join(self.parts), 9, mtime=0)
        path.write_bytes(content)
        return {"file": path.name, "size": len(content), "entries": self.entries}


def steps(values: np.ndarray) -> np.ndarray:
    """Step of each curve (...,), a number that single precision holds; 1 for a curve of zeros."""
    top = np.nanmax(np.abs(values), axis=-1, initial=0.0)
    return np.where(top > 0, top / STEPS, 1.0).astype(np.float32).astype(float)


def encode(values: np.ndarray, step: np.ndarray) -> bytes:
    """Curves (..., m) in steps (...,) as bytes."""
    known = np.isfinite(values)
    whole = np.clip(np.rint(np.where(known, values, 0) / step[..., None]), -STEPS, STEPS)
    whole = np.where(known, whole, NOTHING).astype(np.int64)
    change = np.diff(whole, n=2, axis=-1, prepend=np.zeros((*whole.shape[:-1], 2), np.int64))
    return (change & 0xFFFF).astype("<u2").reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()


def decode(content: bytes, shape, step: np.ndarray) -> np.ndarray:
    """The way back: curves (..., m), NaN where nothing is known."""
    count = int(np.prod(shape))
    pairs = np.frombuffer(content, np.uint8, 2 * count).reshape(2, -1).T
    change = np.ascontiguousarray(pairs).view("<u2").reshape(shape).astype(np.int64)
    whole = np.cumsum(np.cumsum(change, axis=-1), axis=-1) & 0xFFFF
    whole = np.where(whole > STEPS, whole - 0x10000, whole)
    return np.where(whole == NOTHING, np.nan, whole * np.asarray(step, float)[..., None])


def read(folder: Path, description: dict) -> dict:
    """Contents of a file as `Pack.write` described it: name -> array or JSON value."""
    content = gzip.decompress((Path(folder) / description["file"]).read_bytes())
    found = {}
    for entry in description["entries"]:
        part = content[entry["start"] : entry["start"] + entry["bytes"]]
        name, kind = entry["name"], entry["type"]
        if kind == "json":
            found[name] = json.loads(part.rstrip(b"\0"))
        elif kind == "curves":
            found[name] = decode(part, entry["shape"], found[f"{name}.step"])
        else:
            dtype = np.dtype(kind).newbyteorder("<")
            found[name] = np.frombuffer(part, dtype, int(np.prod(entry["shape"]))).reshape(entry["shape"])
    return found


def dumps(value) -> bytes:
    """Strict JSON, as short as it can be: NumPy values as lists and numbers, NaN and infinities as null."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.7g}") if np.isfinite(value) else None
    return value
