"""Part of lesson 4: a spectrum as a microscope would give it, against the structures of the database."""

from __future__ import annotations

from functools import cached_property

from ..figures import measured as figures
from ..measured import Library, match, suggested, treat
from ..measured.example import example
from .checking import Lesson, on_page

FWHM = 0.8  # eV, of the instrument, where nothing else is said
TOP = 5  # matches that the table shows
ALIKE = 1.25  # an MSE within this factor of the least is as good


class Matching(Lesson):
    """The example of the page "My spectrum", treated and matched."""

    @cached_property
    def unknown(self):
        """A spectrum as a microscope would give it, of a structure of the database, and what it is: `io.measured.Measured`."""
        return example(self.db)

    def matched(self, *, without: str | None = None):
        """The structures of the database against `unknown`, its background subtracted: `measured.Matches`.

        without: a structure that the library is not to have.
        """
        rows = self.db if without is None else self.db[self.db["structure"].astype(str) != without]
        library = Library(rows, fwhm=FWHM)
        treated = treat(self.unknown, suggested(self.unknown, edge=library.usual_edge))
        return match(treated.energy, treated.intensity, library, within=1.0)

    def best(self, matches):
        """Table of the best matches: name, shift, cosine and MSE."""
        import pandas as pd

        order = matches.order[:TOP]
        columns = {"name": matches.library.names[order], "shift (eV)": matches.shift[order]}
        columns |= {name: matches.values[name][order] for name in ("cosine", "mse")}
        return pd.DataFrame(columns, index=pd.Index(matches.library.labels[order], name="structure")).round(4)

    def beside(self, matches):
        """Figure of the measured spectrum, its best match and the second best."""
        first, second = (matches.curve(row) for row in matches.order[:2])
        names = [str(matches.library.names[row]) for row in matches.order[:2]]
        figure = figures.beside_figure(
            energy=matches.energy,
            measured=matches.intensity,
            computed=first,
            name=names[0],
            mixture=second,
            parts=[],
            height=400,
        )
        figure.for_each_trace(lambda trace: trace.update(name=names[1]), {"meta": "mixture"})
        return on_page(figure)

    @cached_property
    def stand_ins(self):
        """Matches of `unknown` in a library that lacks its structure."""
        return self.matched(without=self.unknown.facts["structure"])
