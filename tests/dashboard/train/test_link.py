"""A link holds the choices of the Train panel and gives them back; what is wrong in it does no harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import open_database
from elnes_lab.dashboard.train.choices import BEST, OWN, PRESETS, TrainChoices
from elnes_lab.dashboard.train.link import query, read, restore

CHOICES = {
    "channels": st.lists(st.sampled_from(["O s", "O p", "Si s", "Si p"]), min_size=1, unique=True),
    "gap": st.booleans(),
    "ridge": st.booleans(),
    "amorphous": st.booleans(),
    "kind": st.sampled_from(["mlp", "conv", "kernel"]),
    "input_zero": st.sampled_from(["cbm", "vbm"]),
    "target_zero": st.sampled_from(["edge", "cbm", "vbm"]),
    "members": st.sampled_from([1, 3, 20]),
    "epochs": st.integers(1, 60).map(lambda n: 5 * n),
    "seed": st.integers(0, 9999),
}


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(list(CHOICES)), st.none(), max_size=5), st.data())
def test_a_link_restores_what_it_was_made_from(names, data):
    db = open_database(verify=False)
    model = TrainChoices(db)
    for name in names:
        value = data.draw(CHOICES[name])
        setattr(model, name, tuple(c for c in db.channels if c in value) if name == "channels" else value)
    twin = TrainChoices(db)
    state, sentences = read(twin, query(model))
    restore(twin, state)
    assert sentences == []
    for name in (*BEST, "seed", "preset"):
        assert getattr(twin, name) == getattr(model, name), name


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_short_link(shipped, preset):
    model = TrainChoices(shipped)
    model.preset = preset
    assert query(model) == f"preset={preset}"
    assert read(model, query(model))[0] == PRESETS[preset]


def test_what_no_control_of_the_page_can_choose_is_ignored_and_named(shipped):
    model = TrainChoices(shipped)
    before = {name: getattr(model, name) for name in BEST}
    state, sentences = read(
        model,
        "epochs=100000&members=7&channels=O p,Xe p&input_window=5~-5&kind=x&seed=-1&ridge=2&preset=own&preset=" + OWN,
    )
    assert state == {} and len(sentences) == 1 and "epochs=100000" in sentences[0]
    restore(model, state)
    assert {name: getattr(model, name) for name in BEST} == before
