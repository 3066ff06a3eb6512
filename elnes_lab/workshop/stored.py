"""The stored results of the repository (docs/learning.json), as text for a notebook and as numbers for its exercises."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from ..errors import DataError
from ..learning.studies import report, report_gap

DOCS, NUMBERS = Path(__file__).resolve().parents[2] / "docs", "learning.json"  # beside the notebooks, in the repository
SECTIONS = ("short", "gap", "published")


class Text:
    """Markdown that a notebook shows as it is meant."""

    def __init__(self, markdown: str):
        self.markdown = markdown

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


class Stored:
    """What `elnes-lab evaluate` and `elnes-lab study` last found, on which data it is said each time."""

    def __init__(self, db):
        self.version = db.version
        self.path = DOCS / NUMBERS

    @cached_property
    def numbers(self) -> dict:
        """The numbers of the report. Raises DataError where they are not."""
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            raise DataError(
                "The stored results (docs/learning.json) are not there or cannot be read. They come with the repository; `make models` "
                "makes them again."
            ) from None

    def section(self, name: str) -> Text:
        """A part of docs/learning.md: "short", "gap" (what it could tell) or "published" (the published setting)."""
        if name not in SECTIONS:
            raise DataError(f"There is no part {str(name)[:40]!r}. Choose one of {', '.join(SECTIONS)}.")
        evaluation, study = self.numbers["evaluation"], self.numbers["study"]
        lines = {
            "short": lambda: report.short(evaluation),
            "gap": lambda: report_gap.told(evaluation),
            "published": lambda: report_gap.as_published(study),
        }[name]()
        of = study["data"] if name == "published" else evaluation["data"]
        older = "" if of == self.version else f", not of this database (`{self.version}`)"
        return Text("\n".join([*lines, "", f"*Stored results of data version `{of}`{older}.*"]))

    def published(self) -> list[dict]:
        """Records of the network in the published manner on the amorphous spectra, one for each setting."""
        found = [one for one in self.numbers["study"]["published"]["records"] if one["group"] == "amorphous"]
        if not found:
            raise DataError("the stored results have no amorphous spectra.")
        return found
