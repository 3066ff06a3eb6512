"""One choice of zero and intensity for all pages, whoever makes it: a click, an earlier visit, or a link."""

import pytest
from traitlets import Enum, HasTraits

from elnes_lab.dashboard import frame
from elnes_lab.dashboard.common.scales import MEAN, OWN_ZEROS, ScaleButtons
from elnes_lab.dashboard.common.words import OWN
from elnes_lab.dashboard.session import Session

ABSOLUTE = ("per eV", "absolute", "")


class First(HasTraits):
    zero = Enum(("vbm", "onset", "loss"), "vbm")
    intensity = Enum(("absolute", "mean"), "absolute")


class Second(HasTraits):
    zero = Enum((OWN, "loss"), OWN)
    intensity = Enum(("mean", "absolute"), "mean")


@pytest.fixture
def pages(shipped):
    session = Session(shipped)
    first, second = First(), Second()
    zeros = [("valence band", "vbm", ""), ("edge", "onset", ""), ("energy loss", "loss", "")]
    return (
        session,
        (first, ScaleButtons(first, session, zeros, (ABSOLUTE, MEAN))),
        (second, ScaleButtons(second, session, OWN_ZEROS, (MEAN, ABSOLUTE))),
    )


def test_each_page_keeps_its_own_until_something_is_chosen_and_then_all_follow(pages):
    session, (first, buttons), (second, others) = pages
    assert (first.zero, first.intensity, second.zero, second.intensity) == ("vbm", "absolute", OWN, "mean")
    assert session.chosen == {}
    buttons.groups["zero"].value = "loss"
    assert first.zero == second.zero == others.groups["zero"].value == "loss"
    assert (first.intensity, second.intensity) == ("absolute", "mean")  # nobody has chosen that
    others.groups["zero"].value = OWN
    assert first.zero == buttons.groups["zero"].value == "onset" and second.zero == OWN
    buttons.groups["zero"].value = "vbm"
    assert second.zero == OWN
    others.groups["intensity"].value = "absolute"
    assert first.intensity == "absolute"
    assert session.chosen == {"zero": "vbm", "intensity": "absolute"}


def test_what_an_earlier_visit_chose_comes_back_but_not_over_a_click_or_a_link(pages):
    session, (first, buttons), _ = pages
    buttons.groups["intensity"].value = "mean"
    session.recall({"zero": "loss", "intensity": "absolute", "site": "x"})
    assert (first.zero, first.intensity) == ("loss", "mean") and session.chosen == {"zero": "loss", "intensity": "mean"}
    session.follow_link()
    assert (first.zero, first.intensity) == ("vbm", "absolute")
    session.recall({"zero": "loss"})
    assert first.zero == "vbm"
    buttons.linked["intensity"].value = "mean"
    assert first.intensity == "mean" and session.chosen["zero"] == "loss"
    session.recall({"zero": "kelvin", "intensity": 3})
    assert first.zero == "vbm"


def test_a_link_shows_the_same_to_all_and_leaves_the_choice_of_who_opens_it(shipped):
    page = frame.Frame(shipped)
    session = page.page.session
    session.recall({"zero": "loss", "intensity": "mean"})
    model = page.current.model
    assert (model.zero, model.intensity) == ("loss", "mean")
    page._hear(page.page, {"type": "ready", "query": "?sites=stishovite/O2&intensity=mean"}, [])
    assert (model.zero, model.intensity) == ("vbm", "mean") and session.chosen == {"zero": "loss", "intensity": "mean"}
    assert page.current.link()[0] == "sites=stishovite/O2&intensity=mean"
    page._hear(page.page, {"type": "ready", "query": "?page=browse&token=x"}, [])  # no link: only an address
    assert model.intensity == "mean"
