"""Saving a figure: SVG and PNG drawn in the browser, and the numbers it shows as CSV."""

import re
import unicodedata

import anywidget
import ipywidgets as ipw
from traitlets import Dict, List, Unicode

from ...figures.style import EXPORT_SIZES
from ...figures.table import figure_csv
from .widgets import STATIC, Download


class SaveFigure(anywidget.AnyWidget):
    """Buttons that save the figure of their card (the one with the class `target`, if given) as SVG or PNG.

    title: written above the figure; hidden: `meta` of the traces that show what is chosen on the page, not data, and are
    left out; sizes: name -> width, height and letters (pixels) to choose from, one choice for all figures.
    """

    _esm = STATIC / "image.js"
    name = Unicode("elnes-lab").tag(sync=True)
    title = Unicode().tag(sync=True)
    help = Unicode("Save this figure").tag(sync=True)
    target = Unicode().tag(sync=True)
    hidden = List(Unicode()).tag(sync=True)
    sizes = Dict(EXPORT_SIZES).tag(sync=True)


class Saving:
    """`widget`: the buttons SVG, PNG and CSV of a figure. make() is the figure for the CSV; describe() gives the parts of the
    file's name and the title, when they are needed: on `write`.
    """

    def __init__(
        self,
        make,
        describe,
        failed,
        *,
        help="Save this figure",
        notes=(),
        **traits,
    ) -> None:
        self.make, self.describe, self.notes = make, describe, notes
        self.image = SaveFigure(help=help, **traits)
        table = Download(self._csv, failed, label="CSV", help=f"{help}: the numbers that it shows")
        self.widget = ipw.Box([self.image, table]).add_class("elnes-saving")
        self.write()

    def write(self, change=None) -> None:
        """Take over what the figure shows now."""
        parts, title = self.describe()
        self.image.name, self.image.title = file_name(*parts), title

    def _csv(self) -> tuple:
        self.write()
        return f"{self.image.name}.csv", figure_csv(self.make(), notes=[*filter(None, [self.image.title]), *self.notes])


def file_name(*parts) -> str:
    """Name of a file, without its suffix, after what is in it: ASCII letters, digits and hyphens, at most 80."""
    text = unicodedata.normalize("NFKD", " ".join(map(str, parts))).encode("ascii", "ignore").decode()
    return "-".join(["elnes", *re.findall(r"[A-Za-z0-9]+", text)])[:80].rstrip("-")
