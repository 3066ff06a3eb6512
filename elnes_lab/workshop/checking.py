"""Exercises and their checker: an answer in, a sentence out; a wrong one gets a hint, never the solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape

from ..errors import DataError, unknown
from .answers import OPEN, Choice, Misread, Number, Site

RIGHT, WRONG, UNANSWERED = "right", "not yet", "not answered yet"
# Symbol and colour beside the word, never in its place: colour-blind readers and grey printers see the same.
LOOKS = {RIGHT: ("✓", "#009E73"), WRONG: ("✗", "#D55E00"), UNANSWERED: ("○", "#8c96a3")}


@dataclass(frozen=True)
class Exercise:
    """title: a few words; asks: what kind of answer; truth: function of the lesson that computes it; hints: pairs of a test
    (lesson, answer, truth) and the sentence for an answer that passes it, the first one counts; otherwise: the hint for
    all others; learnt: what to remember once it is right, a text or a function of the lesson."""

    title: str
    asks: Number | Choice | Site
    truth: Callable
    hints: tuple[tuple[Callable, str], ...]
    otherwise: str
    learnt: str | Callable = ""


class Verdict:
    """What the checker says of an answer: `state` is RIGHT, WRONG or UNANSWERED; true if it is right."""

    def __init__(self, title: str, state: str, text: str):
        self.title, self.state, self.text = title, state, text

    def __bool__(self) -> bool:
        return self.state == RIGHT

    def __repr__(self) -> str:
        return f"[{self.state}] {self.title}. {self.text}".rstrip()

    def _repr_html_(self) -> str:
        symbol, color = LOOKS[self.state]
        return (
            f"<div role='status' style='border-left: 4px solid {color}; padding: 6px 12px; margin: 2px 0; max-width: 62em'>"
            f"<b>{symbol} {escape(self.title)}: {self.state}.</b> {escape(self.text)}</div>"
        )


class Summary:
    """The exercises of a lesson and how far they are."""

    def __init__(self, states: dict[str, tuple[str, str]]):
        self.states = states

    def __repr__(self) -> str:
        right = sum(state == RIGHT for _, state in self.states.values())
        return f"{right} of {len(self.states)} exercises right"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align: left'>{escape(title)}</td><td style='text-align: left'>{LOOKS[state][0]} {state}</td></tr>"
            for title, state in self.states.values()
        )
        return f"<b>{self!r}</b><table>{rows}</table>"


class Check:
    """The exercises of a lesson as functions: `check.first_peak(538)`; `check.summary()` says how far one is."""

    def __init__(self, lesson, exercises: dict[str, Exercise]):
        self._lesson, self._exercises = lesson, exercises
        self._truths, self._states = {}, dict.fromkeys(exercises, UNANSWERED)

    def __dir__(self):
        return [*self._exercises, "summary"]

    def __getattr__(self, name: str):
        if name.startswith("_") or name not in self._exercises:
            raise AttributeError(str(unknown(name, self.__dict__.get("_exercises", {}), "exercise")))
        return partial(self._judge, name)

    def summary(self) -> Summary:
        """All exercises of the lesson, right or not yet."""
        return Summary({name: (one.title, self._states[name]) for name, one in self._exercises.items()})

    def _judge(self, name: str, answer=None, *more) -> Verdict:
        exercise = self._exercises[name]
        if more:
            answer = (answer, *more)
        if any(answer is nothing for nothing in OPEN):
            self._states[name] = UNANSWERED
            text = f"Put your answer in place of the three dots: {exercise.asks.asked}."
            return Verdict(exercise.title, UNANSWERED, text)
        state, text = WRONG, ""
        try:
            value = exercise.asks.read(answer, self._lesson)
            if exercise.asks.same(value, self._truth(name)):
                state, learnt = RIGHT, exercise.learnt
                text = learnt(self._lesson) if callable(learnt) else learnt
            else:
                tests = (hint for test, hint in exercise.hints if test(self._lesson, value, self._truth(name)))
                text = next(tests, exercise.otherwise)
        except Misread as problem:
            text = str(problem)
        except DataError as problem:
            state, text = UNANSWERED, f"This cannot be checked on this database: {problem}"
        self._states[name] = state
        return Verdict(exercise.title, state, text)

    def _truth(self, name: str):
        if name not in self._truths:
            self._truths[name] = self._exercises[name].truth(self._lesson)
        return self._truths[name]


class Lesson:
    """One lesson: `db`, the database; `check`, its exercises; its methods make the tables and figures of the notebook."""

    exercises: dict[str, Exercise] = {}

    def __init__(self, db):
        self.db = db
        self.check = Check(self, self.exercises)


def about(value: Callable, within: float, *, relative: bool = False):
    """A test of hints: whether the answer is near `value(lesson)`; for what is often taken for the answer."""
    return lambda lesson, answer, truth: Number(within=within, relative=relative).same(answer, value(lesson))


def on_page(figure):
    """A figure as notebooks show it: on white, whatever their theme."""
    return figure.update_layout(paper_bgcolor="white", plot_bgcolor="white")
