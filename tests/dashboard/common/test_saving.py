"""Saved figures are named after what they show, and their tables say so."""

import plotly.graph_objects as go
from hypothesis import given
from hypothesis import strategies as st

from elnes_lab.dashboard.common.saving import Saving, file_name


def test_name_title_and_table_follow_what_is_shown():
    shown, asked = ["alpha-quartz O3"], []
    saving = Saving(
        lambda: go.Figure(go.Scatter(x=[1.0], y=[2.0], name=shown[0])),
        lambda: ([shown[0], "x"], f"{shown[0]}: spectrum"),
        asked.append,
        notes=["version 1"],
    )
    assert (saving.image.name, saving.image.title) == ("elnes-alpha-quartz-O3-x", "alpha-quartz O3: spectrum")
    shown[0] = "β <glass> O1/../"
    name, content = saving._csv()
    assert name == "elnes-glass-O1-x.csv" and saving.image.name == "elnes-glass-O1-x"
    assert content.decode().splitlines()[:2] == ["# β <glass> O1/../: spectrum", "# version 1"] and asked == []


@given(st.lists(st.text(max_size=60), max_size=5))
def test_a_file_name_is_one_on_every_system(parts):
    name = file_name(*parts)
    assert name.isascii() and 5 <= len(name) <= 80 and all(letter.isalnum() or letter == "-" for letter in name)
    assert not name.endswith("-")
