"""Words of the command line that are checked when they are read: before anything is opened, computed or written."""

import argparse
import math
import os
import re
from pathlib import Path

from ..errors import DataError

LARGEST_SEED = 2**32 - 1  # what all random generators take
MOST_REPEATS = 1000  # seeds or folds of an evaluation
LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes, of common file systems


class Misuse(DataError):
    """A command line that cannot be read; the message begins with the command."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, by an exception, instead of printing the usage and ending the process."""

    def error(self, message: str):
        message = message if len(message) <= 400 else message[:397] + "..."
        raise Misuse(f"{self.prog}: {message}. `{self.prog} --help` says more.")


def whole(low: int, high: int):
    """Type of an argument: a whole number from low to high."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {low} to {high}")
        return value

    return read


def number(low: float, high: float):
    """Type of an argument: a number from low to high."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a number from {low:g} to {high:g}")
        return value

    return read


def words(text: str) -> str:
    """Type of an argument: a text with something in it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the text is empty")
    return text


def address(text: str) -> str:
    """Type of an argument: a path below which pages are served."""
    if not re.fullmatch(r"[\w.~/-]{1,255}", text, re.ASCII) or "//" in text or ".." in text:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a path like /elnes/")
    return text


def hostname(text: str) -> str:
    """Type of an argument: a name as in the Host header."""
    if not re.fullmatch(r"[\w.:-]{1,253}", text):
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a host name")
    return text


def path(text: str) -> Path:
    """Type of an argument: a path that a file system can hold. The empty one would be the working directory."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    if "\0" in text:
        raise argparse.ArgumentTypeError("the name holds a zero byte")
    longest, total = max(len(os.fsencode(part)) for part in text.split(os.sep)), len(os.fsencode(text))
    if longest > LONGEST_NAME or total > LONGEST_PATH:
        size, most = (longest, LONGEST_NAME) if longest > LONGEST_NAME else (total, LONGEST_PATH)
        raise argparse.ArgumentTypeError(f"the name {shown(text)} is too long: {size} bytes, {most} are the most")
    return Path(text)


def shown(text: str) -> str:
    """The text in quotes, cut after 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
