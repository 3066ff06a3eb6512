"""The workshop: four lessons as notebooks, their figures, tables and exercises. Nothing else of the package imports it.

>>> from elnes_lab import workshop
>>> lesson = workshop.begin(1)
>>> lesson.overlay("quartz-alpha/O3")
>>> lesson.check.first_peak(538)

What is right is computed from the open database when it is asked for: no number is written down here.
"""

from importlib import import_module

from ..errors import DataError

LESSONS = {1: ("seeing", "Seeing"), 2: ("predicting", "Predicting"), 3: ("glass", "Glass"), 4: ("reading", "Reading")}


def begin(number: int, path=None):
    """The lesson of that number (1 to 4) on the database at `path`, default the one that came with the package.

    Linear algebra keeps to one processor from here on: matrices this small are slower on many, and a class shares them.
    Raises DataError for a number that is no lesson's, and for a database that cannot be opened.
    """
    from threadpoolctl import threadpool_limits

    from ..database import open_database

    if number not in LESSONS:
        raise DataError(f"There is no lesson {str(number)[:20]!r}. Choose one of {', '.join(map(str, LESSONS))}.")
    module, name = LESSONS[number]
    lesson = getattr(import_module(f".{module}", __name__), name)(open_database(path))
    threadpool_limits(1)  # stays: nothing restores it
    return lesson
