"""Exercises: right answers however they are written, wrong ones with a hint that does not tell, and anything else explained."""

import numpy as np
import pandas as pd
import pytest

from elnes_lab import DataError, workshop
from elnes_lab.workshop.answers import Choice, Number, Site, Whole
from elnes_lab.workshop.checking import RIGHT, UNANSWERED, WRONG, Verdict
from elnes_lab.workshop.seeing import QUARTZ, STISHOVITE, Seeing

EXERCISES = [(number, name) for number in workshop.LESSONS for name in workshop.begin(number).exercises]


class Nasty:
    """An object that fails at whatever it is asked."""

    def __len__(self):
        raise RuntimeError

    __array__ = __float__ = __eq__ = __len__
    __hash__ = None


NONSENSE = {
    "true": True,
    "nothing in it": [],
    "two": [1.0, 2.0],
    "an empty text": "",
    "words": "about half",
    "bytes": b"538",
    "not a number": float("nan"),
    "infinite": np.inf,
    "too large": 10**400,
    "complex": 1j,
    "an array": np.arange(3.0),
    "a table": pd.DataFrame({"a": [1, 2]}),
    "a dict": {"answer": 1},
    "a function": print,
    "a class": Nasty,
    "an object": Nasty(),
    "markup": "<script>alert(1)</script>",
}


@pytest.fixture(scope="module")
def lessons():
    return {number: workshop.begin(number) for number in workshop.LESSONS}


@pytest.fixture
def judged(lessons, request):
    """(exercise, function that checks an answer to it, its true answer)."""
    number, name = request.param
    lesson = lessons[number]
    return lesson.exercises[name], getattr(lesson.check, name), lesson.exercises[name].truth(lesson)


every_exercise = pytest.mark.parametrize("judged", EXERCISES, ids=lambda case: case[1], indirect=True)


@every_exercise
def test_the_truth_is_right_however_it_is_written(judged):
    exercise, check, truth = judged
    spellings = [truth, [truth], np.array([truth]), pd.Series([truth])]
    if isinstance(exercise.asks, Number):
        assert np.isfinite(truth)
        spellings += [f" {truth} ", f"{truth:.6f}".replace(".", ","), np.float64(truth)]
        spellings += [f"{truth} eV", f"{truth} %"]
    else:
        spellings += [f" {truth} ", np.str_(truth)]
    for answer in spellings:
        found = check(answer)
        assert found and found.state == RIGHT, answer
        assert found.text and found.text.endswith(".")


@every_exercise
def test_wrong_answers_get_a_hint_that_does_not_tell(judged, lessons):
    exercise, check, truth = judged
    if isinstance(exercise.asks, Whole):
        wrong = [truth + 1, truth - 1, truth + 100, 0 if truth else 3, 10**6]
    elif isinstance(exercise.asks, Number):
        wrong = [truth * x for x in (-1, 0.5, 2, 0.01, 100)] + [truth + 20, 1 / truth, 1e9, -1e9]
    elif isinstance(exercise.asks, Site):
        wrong = [site for site in lessons[2].db.sites[:5] if site != truth]
    else:
        lesson = next(one for one in lessons.values() if exercise in one.exercises.values())
        options = exercise.asks.options(lesson) if callable(exercise.asks.options) else exercise.asks.options
        wrong = [option for option in options if option != truth][:8]
        assert truth in options and wrong
    for answer in (one for one in wrong if not exercise.asks.same(one, truth)):  # 1 / truth of a ratio that is about 1
        found = check(answer)
        assert not found and found.state == WRONG, answer
        assert found.text.endswith((".", "?")) and found.text != exercise.learnt
        if isinstance(exercise.asks, Number) and truth != round(truth):
            assert f"{truth:.1f}" not in found.text
        elif not isinstance(exercise.asks, Number):
            assert f'"{truth}"' not in found.text
            assert len(truth) == 1 or f" {truth} " not in found.text  # letters are words of every sentence


@every_exercise
def test_anything_else_is_explained(judged):
    exercise, check, _ = judged
    for nothing in (None, ...):
        assert check(nothing).state == check().state == UNANSWERED
        assert exercise.asks.asked in check(nothing).text
    for name, answer in NONSENSE.items():
        found = check(answer)
        assert isinstance(found, Verdict) and found.state == WRONG and found.text.endswith("."), name
        assert "<script" not in found._repr_html_()
    assert check(1, 2, 3).state == WRONG


def test_the_summary_counts_what_is_right_now(lessons):
    check = Seeing(lessons[1].db).check
    assert repr(check.summary()) == "0 of 7 exercises right"
    check.polarisation("z"), check.onset(0.0)
    assert repr(check.summary()) == "1 of 7 exercises right"
    check.polarisation("x")
    assert repr(check.summary()) == "0 of 7 exercises right" and "✗" in check.summary()._repr_html_()
    with pytest.raises(AttributeError, match="Did you mean polarisation"):
        check.polarization("z")


def test_the_truth_follows_the_database(lessons):
    """Of another database other answers are right, and what it cannot answer is said."""
    db = lessons[1].db
    fewer = Seeing(db.query(f"site != '{STISHOVITE}'"))
    here = int((db["coordination"] == 3).sum())
    assert lessons[1].check.threefold(here) and not lessons[1].check.threefold(here - 1)
    assert fewer.check.threefold(here - 1) and not fewer.check.threefold(here)
    assert fewer.check.first_peak(537.0).state == UNANSWERED
    assert "There is no" in fewer.check.first_peak(537.0).text


def test_hints_see_what_was_taken_for_the_answer(lessons):
    lesson = lessons[1]
    quartz, stishovite = lesson.db[QUARTZ], lesson.db[STISHOVITE]
    check = lesson.check
    assert "quartz" in check.first_peak(float((quartz.first_peaks + quartz.shifts("loss"))[0])).text
    assert "valence-band" in check.first_peak(stishovite.first_peaks).text
    assert "onset" in check.first_peak(stishovite["onset"]).text
    assert "wrong sign" in check.onset(quartz["onset"][0] - stishovite["onset"][0]).text
    table = lessons[2].two_splits
    assert "other way round" in lessons[2].check.flatter(table["by site"].median() / table["by net"].median()).text
    assert "one channel" in lessons[2].check.inputs(len(lessons[2].data.energy)).text


def test_begin_refuses_what_is_no_lesson(tmp_path):
    with pytest.raises(DataError, match="Choose one of 1, 2, 3, 4"):
        workshop.begin(5)
    with pytest.raises(DataError):
        workshop.begin(1, tmp_path)


def test_an_answer_is_read_as_its_kind_wants():
    assert Number("eV", within=0.1).read("−1,5 eV", None) == -1.5
    assert Whole().read(np.int64(7), None) == 7 and Whole().read("7", None) == 7
    assert Choice(("Lower", "not measurable")).read(" NOT measurable ", None) == "not measurable"
