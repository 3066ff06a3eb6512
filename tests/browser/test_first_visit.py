"""Somebody who has never been here: the tour, the words, and a first task done with what can be seen and read alone."""

import re
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

import elnes_lab
from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.sites.judged import judge

SLOW = 120_000  # ms; the machine may be busy
FOCUS = "document.activeElement.textContent.trim() || document.activeElement.tagName"


class Person:
    """Does what a person does: clicks and choices by what is written on them, counted in `actions`."""

    def __init__(self, page):
        self.page, self.actions = page, 0

    def click(self, what, name, within=None):
        self.actions += 1
        (within or self.page).get_by_role(what, name=name, exact=True).first.click(timeout=SLOW)

    def choose(self, name, option):
        self.actions += 1
        fields = self.page.get_by_role("combobox", name=name, exact=True)
        fields.filter(visible=True).first.select_option(label=option, timeout=SLOW)


@pytest.fixture(scope="module")
def worst():
    """Label of the crystal site with the largest error of all that no network shown was trained on."""
    db = elnes_lab.open_database()
    session = Session(db)
    judged = [judge(db, session.find(name)) for name in InspectModel(db, session).preferred()]
    errors = np.fmax.reduce([one.mse for one in judged])
    held_out = np.all([one.new | (one.row < 0) for one in judged], axis=0) & (db["kind"] == "crystal")
    return str(db.sites[np.nanargmax(np.where(held_out, errors, np.nan))])


def test_the_worst_held_out_crystal_is_found_exported_and_shared(visit, worst):
    page = visit(first=True)
    person = Person(page)
    person.click("button", "Inspect")
    card = page.get_by_role("region", name=re.compile("worst first"))
    card.wait_for(timeout=SLOW)  # the page is in front, and no other has a field of that name in sight
    person.choose("Kind", "crystal")
    person.choose("Structures", "not trained on")
    if not re.search(r"\b1 of [\d,]+, worst first", card.inner_text()):
        person.click("button", "Worst", within=card)
    page.get_by_role("region", name=re.compile(r"\b1 of [\d,]+, worst first")).wait_for(timeout=SLOW)
    with page.expect_download() as waiting:
        person.click("button", "SVG", within=card)
    person.click("button", "Share")
    link = page.get_by_role("textbox", name="Link to this page")
    link.wait_for()
    assert person.actions <= 8
    # What the person has now is what was asked for.
    address = link.input_value()
    assert f"site={worst}" in address
    text = "".join(xml.etree.ElementTree.parse(waiting.value.path()).getroot().itertext())
    name = re.split(r"\s+1 of", card.get_attribute("aria-label"))[0]
    assert (
        waiting.value.suggested_filename.endswith(".svg")
        and name in text
        and Path(waiting.value.path()).stat().st_size > 5000
    )
    assert page.problems == [] and page.foreign == []
    page.context.close()
    other = visit(address.partition("?")[2], first=True)
    other.get_by_role("region", name=re.compile(re.escape(name) + r" 1 of [\d,]+, worst first")).wait_for(timeout=SLOW)
    assert other.get_by_role("region", name="Tour").count() == 0, "a link shows what it is a link to"
    other.context.close()


def test_the_tour_greets_once_covers_nothing_and_the_words_are_explained(visit):
    page = visit(first=True)
    tour = page.get_by_role("region", name="Tour")
    tour.wait_for(timeout=SLOW)
    texts = []
    for step in range(8):
        texts.append(tour.locator("p").inner_text())
        marked = page.locator(".elnes-toured")
        assert marked.count() == 1 and texts[-1].startswith(f"{step + 1} of 8. ")
        line, what = tour.bounding_box(), marked.bounding_box()
        assert line["y"] + line["height"] <= what["y"] or what["y"] + what["height"] <= line["y"], (
            "the tour covers something"
        )
        if step < 7:
            tour.get_by_role("button", name="Next").click()
    assert len(set(texts)) == 8
    tour.get_by_role("button", name="Back").focus()
    page.keyboard.press("Escape")
    assert tour.count() == 0 and page.locator(".elnes-toured").count() == 0
    assert page.evaluate(FOCUS) == "?"
    page.keyboard.press("Enter")
    words = page.get_by_role("dialog", name="What the words mean")
    words.wait_for()
    for term in ("ELNES", "PDOS", "Core hole", "MSE", "Net", "Interval", "Out of domain"):
        assert words.get_by_text(term, exact=True).is_visible() or words.get_by_text(term, exact=True).count() == 1
    page.keyboard.press("Escape")
    words.wait_for(state="hidden")
    assert page.evaluate(FOCUS) == "?"
    for title in ("Train", "Inspect", "Core hole", "New structure", "My spectrum"):
        page.get_by_role("navigation", name="Pages").get_by_role("button", name=title, exact=True).click()
        assert page.get_by_role("button", name="Help: what the words mean, and a tour").is_visible()
    page.keyboard.press("Tab")
    page.get_by_role("navigation", name="Pages").get_by_role("button", name="Browse", exact=True).click()
    page.reload()
    page.wait_for_selector(".elnes-spectra .main-svg", timeout=SLOW)
    page.wait_for_timeout(1500)
    assert tour.count() == 0, "the tour comes once"
    assert page.problems == [] and page.foreign == []
    page.context.close()
