"""The button that explains what the pages call things and shows around."""

import anywidget
from traitlets import List

from .terms import TERMS, TOUR
from .widgets import STATIC


class Help(anywidget.AnyWidget):
    """The button ? of every page: what the terms mean, and the tour, which begins by itself at the first visit."""

    _esm = STATIC / "help.js"
    _css = STATIC / "help.css"
    terms = List([list(term) for term in TERMS]).tag(sync=True)
    tour = List([dict(zip(("where", "text"), step)) for step in TOUR]).tag(sync=True)
