"""The search knows what people call silica, however they write it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elnes_lab.dashboard.common.search import Search
from elnes_lab.dashboard.common.words import symbol

LABELS = ["quartz-alpha/O3", "stishovite/O2", "SOD/O6", "glass-131/O24", "search-11-16/O8"]
COLUMNS = {
    "name": ["alpha-quartz", "stishovite", "SOD framework", "glass 131", "search 11-16"],
    "structure": ["quartz-alpha", "stishovite", "SOD", "glass-131", "search-11-16"],
    "kind": ["crystal", "crystal", "crystal", "amorphous", "crystal"],
    "source": ["mineral", "mineral", "framework", "melt-quench", "search"],
    "space_group": ["P3_221", "P4_2/mnm", "Im-3m", "P1", "Cmcm"],
}


@pytest.fixture
def search():
    return Search(LABELS, COLUMNS)


@pytest.mark.parametrize(
    "text, rows",
    [
        ("P3221", [0]),
        ("P3_221", [0]),
        ("p3₂21", [0]),
        ("P42/mnm", [1]),
        ("SiO2", [0, 1, 2, 3, 4]),
        ("silica glass", [3]),
        ("alpha-quartz", [0]),
        ("quartz-alpha", [0]),
        ("α-quartz", [0]),
        ("Quartz O3", [0]),
        ("zeolite", [2]),
        ("vitreous", [3]),
        ("search-11-16", [4]),
        ("glass-131", [3]),
        ("", [0, 1, 2, 3, 4]),
        ("xyzzy", []),
        ("quartz stishovite", []),
    ],
)
def test_words_that_people_use(search, text, rows):
    mask, sentence = search.find(text)
    assert np.flatnonzero(mask).tolist() == rows and sentence == ""


@pytest.mark.parametrize(
    "text, row, taken", [("qartz", 0, "quartz"), ("stishovit3", 1, "stishovite"), ("frmework SOD", 2, "framework")]
)
def test_a_near_miss_is_taken_for_what_is_nearest_and_said(search, text, row, taken):
    mask, sentence = search.find(text)
    assert np.flatnonzero(mask).tolist() == [row] and f"taken for “{taken}”" in sentence


@given(st.lists(st.integers(0, 4), min_size=1, max_size=1), st.sampled_from(list(COLUMNS)))
def test_whatever_the_page_shows_of_a_site_finds_it(rows, column):
    text = COLUMNS[column][rows[0]]
    for written in (text, text.upper(), symbol(text)):
        assert Search(LABELS, COLUMNS).find(written)[0][rows[0]]
