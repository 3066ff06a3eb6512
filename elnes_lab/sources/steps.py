"""Writing the files of a raw folder: each whole or not at all."""

import io
import os
from pathlib import Path

import numpy as np

from ..errors import DataError


def packed(arrays: dict) -> bytes:
    """The bytes of an .npz file with these arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **{key: np.asarray(value) for key, value in arrays.items()})
    return file.getvalue()


def put(path: Path, content: bytes) -> None:
    """Writes a file, and its folder if there is none. DataError if it cannot be written; then the old one is still
    there."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as problem:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            pass
        raise DataError(
            f"{path} cannot be written: {problem.strerror or problem}; make room or name another folder"
        ) from None
