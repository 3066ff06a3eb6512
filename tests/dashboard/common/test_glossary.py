"""The words that are explained are words that the pages use, each once and in sentences; the tour shows what there is."""

import re
from pathlib import Path

import elnes_lab
from elnes_lab.dashboard.common.glossary import TERMS, TOUR
from elnes_lab.subject import Subject

PACKAGE = Path(elnes_lab.__file__).parent


def texts(pattern, *folders):
    files = [path for folder in folders for path in (PACKAGE / folder).rglob(pattern)]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.name != "glossary.py")


def test_every_word_is_used_on_a_page_and_explained_in_sentences():
    used = texts("*.py", "dashboard", "figures").casefold()
    used += f" {Subject().label} edge".casefold()  # the title of the page names the edge of the database
    words = [word for term, _ in TERMS for word in term.split(", ")]
    assert len(words) == len(set(words))
    assert [word for word in words if word.casefold().rstrip("s") not in used] == []
    assert [text for _, text in TERMS if not text.endswith(".") or len(text) > 260] == []


def test_the_tour_points_at_classes_that_there_are():
    there = texts("*.py", "dashboard") + texts("*.js", "dashboard")
    for where, text in TOUR:
        name = re.match(r"\.([\w-]+)", where)[1]
        assert name in there and text.endswith("."), where
