"""What an exercise asks for, and how an answer is read: whatever was typed, it is understood or explained, never a traceback."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import unknown

OPEN = (None, ...)  # what stands for an answer before there is one
TYPED = re.compile(r"\s*([-+−]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*(?:eV|%|°|degrees?|percent|percentage points)?\s*")


NAMES = {
    "list": "a list",
    "tuple": "a list",
    "dict": "a table",
    "ndarray": "an array",
    "Series": "a column",
    "DataFrame": "a table",
    "Database": "a database",
}


class Misread(Exception):
    """An answer that is none of what was asked; the message says what is expected."""


@dataclass(frozen=True)
class Number:
    """One number in `unit` ("" for none), right within `within` of the truth; relative: within that share of it."""

    unit: str = ""
    within: float = 0.0
    relative: bool = False

    @property
    def asked(self) -> str:
        return f"one number{f' in {self.unit}' if self.unit else ''}"

    def read(self, answer, lesson) -> float:
        value = number(answer)
        if value is None or not np.isfinite(value):
            raise Misread(f"The answer is {self.asked}; this is {kind_of(answer)}.")
        return value

    def same(self, answer: float, truth: float) -> bool:
        return abs(answer - truth) <= self.within * (abs(truth) if self.relative else 1) + 1e-9


@dataclass(frozen=True)
class Whole(Number):
    """A whole number, right if it is the true one."""

    @property
    def asked(self) -> str:
        return "a whole number"

    def read(self, answer, lesson) -> float:
        value = super().read(answer, lesson)
        if value != round(value):
            raise Misread("The answer is a whole number; this has decimals.")
        return value


@dataclass(frozen=True)
class Choice:
    """One of the words that `options` (or a function of the lesson) gives; capitals and spaces around do not matter."""

    options: tuple[str, ...] | Callable
    what: str = "answer"

    asked = "one of the words that are offered, in quotes"

    def read(self, answer, lesson) -> str:
        options = self.options(lesson) if callable(self.options) else self.options
        word = text(answer)
        if word is None:
            raise Misread(f"The answer is {self.asked}; this is {kind_of(answer)}.")
        found = {str(option).casefold(): str(option) for option in options}
        if word.strip().casefold() not in found:
            raise Misread(str(unknown(word.strip(), [*found.values()], self.what)))
        return found[word.strip().casefold()]

    def same(self, answer: str, truth: str) -> bool:
        return answer == truth


@dataclass(frozen=True)
class Site:
    """The label of a site of the lesson's database, as in "quartz-alpha/O3"; a Database of that one row will do, too."""

    asked = 'the label of a site in quotes, such as "quartz-alpha/O3"'

    def read(self, answer, lesson) -> str:
        word = text(getattr(answer, "sites", answer))
        if word is None:
            raise Misread(f"The answer is {self.asked}; this is {kind_of(answer)}.")
        if word.strip() not in lesson.db.positions:
            raise Misread(f"The database has no site {word.strip()[:40]!r}. The answer is {self.asked}.")
        return word.strip()

    def same(self, answer: str, truth: str) -> bool:
        return answer == truth


def single(answer):
    """The one value of an array, a column or a list of one; anything else as it is."""
    if isinstance(answer, (str, bytes, dict, set)) or answer is None:
        return answer
    try:
        values = np.asarray(answer)
        return values.reshape(-1)[0] if values.size == 1 and values.ndim else answer
    except Exception:  # an object of somebody's own: no number and no word, whatever it does when looked at
        return answer


def number(answer) -> float | None:
    """The number that an answer is or, as a text, spells; None if it is none."""
    value = single(answer)
    if isinstance(value, str):
        match = TYPED.fullmatch(value)
        return float(match[1].replace(",", ".").replace("−", "-")) if match else None
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    return None


def text(answer) -> str | None:
    """The text that an answer is; None if it is none."""
    value = single(answer)
    return str(value) if isinstance(value, (str, np.str_)) else None


def kind_of(answer) -> str:
    """In words what was given in place of an answer."""
    if isinstance(answer, (bool, np.bool_)):
        return "true or false"
    if isinstance(answer, (str, np.str_)):
        return f"the text {str(answer)[:40]!r}"
    value = number(answer)
    if value is not None:
        return "a number" if np.isfinite(value) else "not a finite number"
    if callable(answer):
        return "a function: are its brackets missing?"
    try:
        return f"{NAMES.get(type(answer).__name__, 'something')} of {len(answer)} values"
    except Exception:  # it has no length
        return f"something of the type {type(answer).__name__}"
