"""Whether a file or folder can be written, found out before the work whose result goes there."""
import os
import tempfile
from pathlib import Path

from ..errors import DataError


def file_place(path: Path | str, *, make: bool = False) -> Path:
    """The path of a file that can be written (or replaced: whether it may be is another question). Nothing is made.

    make: the folder need not exist, it is made later. Raises DataError for a folder, a device, a name that cannot be,
    a folder that is not there or that lets nobody write.
    """
    path = Path(path)
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as problem:    # ValueError: a zero byte in the name
        raise cannot(path, problem) from None
    else:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is {'a folder' if path.is_dir() else 'no plain file'}. Name a file.")
    if not make and not os.path.isdir(path.parent):
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}. Make it, or choose another one.")
    folder_place(path.parent)
    return path


def folder_place(path: Path | str) -> Path:
    """The path of a folder that files can be written into, or that can be made. Nothing is made.

    Raises DataError for a file, a place below a file, a name that cannot be, and a folder that lets nobody write.
    """
    path = nearest = Path(path)
    try:
        while not os.path.lexists(nearest) and nearest != nearest.parent:
            nearest = nearest.parent
        if not nearest.is_dir():
            raise DataError(f"{nearest} is a file, so {'it' if nearest == path else path} cannot be a folder. "
                            "Choose another name.")
        if nearest != path:
            os.lstat(path)                      # a name too long for the file system
    except (FileNotFoundError, NotADirectoryError):
        pass
    except DataError:
        raise
    except (OSError, ValueError) as problem:
        raise cannot(path, problem) from None
    try:
        with tempfile.TemporaryFile(dir=nearest):   # rights alone do not tell: read-only disks, /proc, quotas
            pass
    except OSError as problem:
        raise cannot(path, problem) from None
    return path


def cannot(path: Path, problem: Exception) -> DataError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return DataError(f"{path} cannot be written: {reason}. Choose a place and a name that you may write to.")
