"""A model as one zip file: what the dashboard saves with Download, and what `load` takes as it is.

Nothing is unpickled, no name in a zip becomes a path, and no more is read than a model can hold.
"""

import io
import os
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError
from .card import CARD
from .weights import WEIGHTS

LIMIT = 20 * 2**20  # bytes, of the file and of what it unpacks to
WANTED = "Choose a .zip that the Download button of the page Train saved."
NOT_WHOLE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError)
DIRECTORY_LIMIT = 4096  # bytes of the list of members at the end of a zip: two need some 120


def pack(folder):
    """Bytes of a zip with the two files of a model's folder."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for part in (CARD, WEIGHTS):
            file.write(Path(folder) / part, part)
    return content.getvalue()


@contextmanager
def written(name, content):
    """Path of a folder with the two files in a zip (bytes), for a while. Raises DataError as `unpacked` does."""
    parts = unpacked(name, content)
    with tempfile.TemporaryDirectory() as folder:
        for part, data in parts.items():
            (Path(folder) / part).write_bytes(data)
        yield Path(folder)


@contextmanager
def opened(path):
    """Path of the folder of a model that is a folder or a zip file, for a while. Raises DataError for another file."""
    path = Path(path)
    if not path.is_file():
        yield path
        return
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > LIMIT:
                raise DataError(f"{path.name} is larger than {LIMIT >> 20} MB, no model is. {WANTED}")
            content = file.read(LIMIT + 1)
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}. Name another file.") from None
    with written(path.name, content) as folder:
        try:
            yield folder
        except DataError as problem:  # of the file, not of the folder that it was unpacked to
            raise DataError(
                str(problem).replace(f"{folder}{os.sep}", f"{path.name}: ").replace(str(folder), path.name)
            ) from None


def unpacked(file_name, content):
    """Name -> bytes of the two files in an uploaded zip. Raises DataError for any other content; reads no more than it
    says that it holds, and that is limited.
    """
    if len(content) > LIMIT:
        raise DataError(f"{file_name} is larger than {LIMIT >> 20} MB, no model of this page is. {WANTED}")
    try:
        check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
            if sorted(info.filename for info in members) != sorted((CARD, WEIGHTS)):
                raise DataError(f"{file_name} is not a model: it should hold {CARD} and {WEIGHTS}. {WANTED}")
            if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in members):
                raise DataError(f"{file_name} is packed in a way that no model is. {WANTED}")
            if sum(info.file_size for info in members) > LIMIT:
                raise DataError(f"{file_name} unpacks to more than {LIMIT >> 20} MB. {WANTED}")
            parts = {}
            for info in members:
                with file.open(info) as part:  # as much as is declared: read() alone would unpack gigabytes
                    parts[info.filename] = part.read(info.file_size + 1)
                    if len(parts[info.filename]) != info.file_size:
                        raise zipfile.BadZipFile
            return parts
    except DataError:
        raise
    except NOT_WHOLE:
        raise DataError(f"{file_name} is not a whole zip file. {WANTED}") from None


def check_directory(content):
    """BadZipFile for a list of members that is longer than two names can be: a reader holds all of it in memory."""
    place = content.rfind(b"PK\5\6")
    if place < 0 or len(content) - place < 22:
        raise zipfile.BadZipFile
    (size,) = struct.unpack_from("<L", content, place + 12)
    if size > DIRECTORY_LIMIT or content[max(place - 20, 0) : place].startswith(b"PK\6\7"):
        raise zipfile.BadZipFile
