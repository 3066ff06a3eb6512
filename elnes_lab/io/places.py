"""Whether a file or folder can be written, found out before the work whose result goes there."""

import contextlib
import os
import tempfile
from pathlib import Path

from ..errors import DataError


def file_place(path: Path | str, *, make: bool = False) -> Path:
    """The path of a file that can be written (or replaced: whether it may be is another question). Nothing is made.

    make: the folder need not exist, it is made later. Raises DataError for a folder, a device, a link to nothing, a
    name that cannot be, a folder that is not there or that lets nobody write.
    """
    path = Path(path)
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as problem:  # ValueError: a zero byte in the name
        raise cannot(path, problem) from None
    else:
        if not os.path.isfile(path):  # a device, a pipe or a link to nothing would be replaced by the file
            raise DataError(f"{path} is {'a folder' if os.path.isdir(path) else 'no plain file'}. Name a file.")
    if not make and not os.path.isdir(path.parent):
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}. Make it, or choose another one.")
    attempt(path.parent, path)
    return path


def folder_place(path: Path | str) -> Path:
    """The path of a folder that files can be written into, or that can be made. Nothing is made.

    Raises DataError for a file, a place below a file, a name that cannot be, and a folder that lets nobody write.
    """
    path = Path(path)
    attempt(path, path)
    return path


def attempt(folder: Path, path: Path) -> None:
    """DataError about `path` unless `folder` can be written into, or made where it is missing."""
    nearest = folder
    try:
        while not os.path.lexists(nearest) and nearest != nearest.parent:
            nearest = nearest.parent
        if not os.path.isdir(nearest):
            raise DataError(f"{path} cannot be written: {nearest} is no folder. Choose another name.")
        if nearest != folder:
            with contextlib.suppress(FileNotFoundError):
                os.lstat(folder)  # a name too long for the file system
        with tempfile.TemporaryFile(dir=nearest):  # rights alone do not tell: read-only disks, /proc, quotas
            pass
    except OSError as problem:
        raise cannot(path, problem) from None
    except DataError:
        raise
    except ValueError as problem:  # a zero byte in the name
        raise cannot(path, problem) from None


def cannot(path: Path, problem: Exception) -> DataError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return DataError(f"{path} cannot be written: {reason}. Choose a place and a name that you may write to.")
