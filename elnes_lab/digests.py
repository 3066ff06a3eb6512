"""What makes a database file its own witness: a digest of the whole file behind its last byte, one of every variable inside.

The seal is a line after the HDF5 data, where HDF5 and every netCDF reader stop reading: a file can be checked before anything
parses it, whether or not a list of checksums lies beside it. The digests in the attributes `sha256` hold for the decoded values:
they tell of damage after the file was opened, and, through a table with a digest for every BLOCK rows, of damage to a few rows of
a file too large to be read whole.
"""

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray

ATTRIBUTE = "sha256"
BLOCK = 16  # rows; also the rows of a stored chunk, so that no chunk is read for nothing
TABLE = "_sha256"  # suffix of the variable with the digests of the blocks
SEAL = b"\nELNES Lab: sha256 of all before this line "
SEAL_LENGTH = len(SEAL) + 64 + 1


def seal(content: bytes) -> bytes:
    """The line that follows the bytes of a whole file."""
    return SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n"


def is_sealed(content: bytes) -> bool:
    """Whether the bytes end with the seal of what stands before it."""
    return len(content) > SEAL_LENGTH and content[-SEAL_LENGTH:] == seal(memoryview(content)[:-SEAL_LENGTH])


def in_blocks(shape: tuple[int, ...]) -> bool:
    """Whether a variable of this shape has a table of digests: the spectra and whatever else is read by rows."""
    return len(shape) == 3


def table(values: np.ndarray) -> np.ndarray:
    """Digests (blocks, 32), uint8, of every BLOCK rows of an array."""
    return np.array([block_digest(values[i : i + BLOCK]) for i in range(0, len(values), BLOCK)], np.uint8).reshape(
        -1, 32
    )


def block_digest(values: np.ndarray) -> np.ndarray:
    """Digest (32,), uint8, of the rows of one block."""
    return np.frombuffer(hashlib.sha256(raw(values)).digest(), np.uint8)


def body(values: np.ndarray) -> bytes:
    """What the digest of a variable covers: its values, or their table."""
    return table(values).tobytes() if in_blocks(values.shape) else raw(values)


def of_variable(name: str, dimensions: tuple[str, ...], dtype: np.dtype, shape: tuple[int, ...], covered: bytes) -> str:
    """Digest of a variable: its name, dimensions, type and shape, then what `body` gives."""
    head = [name, list(dimensions), "text" if is_text(dtype) else dtype.newbyteorder("<").str, list(shape)]
    return hashlib.sha256(json.dumps(head).encode() + b"\n" + covered).hexdigest()


def is_text(dtype: np.dtype) -> bool:
    return dtype == str or dtype.kind not in "biufc"  # noqa: E721 (of NumPy)


def of_attributes(attributes: dict) -> str:
    """Digest of the file's own attributes, without the digest itself and without those of the libraries (_NCProperties)."""
    values = {
        name: np.asarray(attributes[name]).tolist()
        for name in sorted(attributes)
        if name != ATTRIBUTE and not name.startswith("_")
    }
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def raw(values: np.ndarray) -> bytes:
    """The values as bytes, the same on every machine."""
    if is_text(values.dtype):
        return json.dumps(values.tolist()).encode()
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()


def sign(dataset) -> "xarray.Dataset":
    """The xarray Dataset with digests of its variables, of their blocks and of its attributes. Texts must be objects."""

    tables = {}
    for name, variable in dataset.variables.items():
        if in_blocks(variable.shape):
            tables[name + TABLE] = (
                ("block", "digest"),
                table(variable.values),
                {"long_name": f"sha256 of every {BLOCK} rows of {name}"},
            )
    signed = dataset.assign(tables)
    for name, variable in signed.variables.items():
        signed[name].attrs[ATTRIBUTE] = of_variable(
            name, variable.dims, variable.dtype, variable.shape, body(variable.values)
        )
    signed.attrs[ATTRIBUTE] = of_attributes(signed.attrs)
    return signed
