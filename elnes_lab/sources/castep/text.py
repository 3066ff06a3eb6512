"""Text files of finished calculations, read without trusting them."""

from pathlib import Path

from ...errors import DataError
from ..npz import read_regular

LIMIT = 256 * 2**20  # bytes; the PDOS of every atom of a glass on 10,000 energies has 40 MB


def read_lines(path: Path) -> list[str]:
    """Lines of a text file. DataError if it is not there, cannot be read, or holds something else than text."""
    try:
        content = read_regular(path, LIMIT).bytes
    except FileNotFoundError:
        raise DataError(f"{path.name} is not there; copy it beside the other files of its calculation") from None
    except DataError as problem:
        raise DataError(f"{path.name}: {problem}") from None
    if b"\0" in content[:4096]:
        raise DataError(f"{path.name} is not a text file; copy it again")
    return content.decode("utf-8", errors="replace").splitlines()


def numbers(words: list[str], count: int, what: str) -> list[float]:
    """The first `count` words as finite numbers; Fortran's 1.0D+00 and fractions like 1/3 are read too. DataError
    otherwise."""
    try:
        values = [number(word) for word in words[:count]]
    except (ValueError, ZeroDivisionError):
        values = []
    if len(values) != count or not all(abs(value) < 1e12 for value in values):
        shown = " ".join(words)[:60].encode("ascii", "backslashreplace").decode()
        raise DataError(f"{what}: {count} numbers are expected where it says '{shown}'; copy it again")
    return values


def number(word: str) -> float:
    above, slash, below = word.partition("/")
    value = float(above.replace("D", "E").replace("d", "e"))
    return value / float(below) if slash else value
