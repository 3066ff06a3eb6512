"""Reading a computed step (.npz) without trusting it: whatever the file is, arrays of the shapes asked for or a `DataError`.

Only regular files are opened, sizes are looked at before anything is read, no pickle is loaded, and whatever the libraries
raise on damaged bytes becomes one sentence.
"""

import hashlib
import io
import math
import os
import stat
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError

LIMIT = 16 * 2**20  # bytes of a file, and of all its arrays; the largest real step (110 atoms) has 1.3 MB
AGAIN = "compute this step again"
TEXTS = ("symbols", "name", "source", "method", "absorber", "edge", "settings")
UNKNOWN = ("neutral_energy", "total_energy", "pdos_pxyz", "offset")  # NaN as a whole where it was not computed
INTEGERS = ("site", "multiplicity", "supercell")


class Content(NamedTuple):
    """A file as it was when it was read: its bytes and their sha256."""

    bytes: bytes
    sha256: str


def read_regular(path: Path, limit: int = LIMIT) -> Content:
    """The bytes of a regular file of at most `limit` bytes, read once.

    Raises FileNotFoundError if there is none (any more), and DataError for what is no regular file (a pipe would hang), too
    large or not readable.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DataError("it is not a regular file but a folder, pipe or device; move it away")
        # what was a file a moment ago may be a pipe now: without O_NONBLOCK opening it would wait for a writer
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DataError("it is not a regular file but a folder, pipe or device; move it away")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise DataError(f"it cannot be read: {problem.strerror or problem}") from None
    if len(content) > limit:
        raise DataError(f"it has more than {limit // 2**20} MB, which no computed step has; {AGAIN}")
    return Content(content, hashlib.sha256(content).hexdigest())


def read_arrays(content: bytes, shapes: dict[str, str], what: str, optional: dict[str, str] | None = None) -> dict:
    """Arrays of an .npz file whose keys and shapes are those of `shapes` (equal letters are equal lengths); those of `optional`
    if they are there.

    Raises DataError for a damaged or foreign file, a missing key, another shape or type, sizes beyond LIMIT, or a value that is
    not finite (those named in UNKNOWN may be NaN from end to end).
    """
    try:
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            shapes = shapes | {key: shape for key, shape in (optional or {}).items() if key in members}
            missing = [key for key in shapes if key not in members]
            if missing:
                raise DataError(f"not a {what} file: it has no {', '.join(missing)}; {AGAIN}")
            if sum(members[key].file_size for key in shapes) > LIMIT:
                raise DataError(
                    f"its arrays say they have more than {LIMIT // 2**20} MB, which no computed step has; {AGAIN}"
                )
            arrays = {key: parse_array(member(archive, members[key]), key, what) for key in shapes}
    except DataError:
        raise
    except Exception as problem:  # zipfile, zlib and the parsers below them raise a dozen types on damaged bytes
        lines = str(problem).splitlines()
        detail = printable(lines[0]) if lines else type(problem).__name__
        raise DataError(f"not readable as .npz, truncated or of another format ({detail}); {AGAIN}") from None
    sizes: dict[str, int] = {}
    for key, shape in shapes.items():
        wanted = [int(s) if s.isdigit() else sizes.get(s) for s in shape.split(",") if s]
        found = arrays[key].shape
        if len(found) != len(wanted) or any(w not in (None, f) for w, f in zip(wanted, found)):
            raise DataError(f"{key} has shape {found}, not ({shape}); {AGAIN}")
        sizes.update({s: f for s, f in zip(shape.split(","), found) if s and not s.isdigit()})
        if (
            arrays[key].dtype.kind == "f"
            and not np.isfinite(arrays[key]).all()
            and not (key in UNKNOWN and np.isnan(arrays[key]).all())
        ):
            raise DataError(f"non-finite value in {key}; {AGAIN}")
    return arrays


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """One member, checked against its CRC. A bomb is not unpacked beyond the size it declares, as `archive.read` would."""
    with archive.open(info) as file:
        return file.read(info.file_size + 1)


def parse_array(content: bytes, key: str, what: str) -> np.ndarray:
    """The array of one .npy file in memory; its header is checked against the bytes that are there before anything is made."""
    file = io.BytesIO(content)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, by_columns, dtype = read_header[np.lib.format.read_magic(file)](file)
    allowed = "U" if key in TEXTS else "iu" if key in INTEGERS else "fiu"
    if dtype.kind not in allowed or not dtype.itemsize or (dtype.itemsize > 8 and dtype.kind != "U"):
        raise DataError(f"{key} is of type {printable(str(dtype))}, which a {what} file does not have; {AGAIN}")
    rest = content[file.tell() :]
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(rest):
        raise DataError(f"{key} is not as long as its header says; {AGAIN}")
    values = np.frombuffer(rest, dtype).reshape(shape, order="F" if by_columns else "C").astype(dtype.newbyteorder("="))
    if dtype.kind == "U":
        values.tolist()  # ValueError for numbers that are no characters
    return values


def printable(text: str, length: int = 80) -> str:
    """The text on one line of ASCII, cut to `length` characters: for names and details of unknown files in a report."""
    plain = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    return plain if len(plain) <= length else plain[: length - 3] + "..."
