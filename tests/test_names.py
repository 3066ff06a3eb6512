"""One structure, one name: what the raw files' names become."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from elnes_lab.names import LABEL, SILICA, TYPES, Named, distinct, given


@pytest.mark.parametrize(
    "raw, source, number, name",
    [
        ("Quartz-alpha", "mineral", 154, "alpha-quartz"),
        ("Anatase", "prototype", 141, "anatase type"),
        ("Brookite", "prototype", 57, "from brookite type"),
        ("Keatite", "prototype", 96, "keatite"),
        ("AB2_tI6_139_a_e", "prototype", 12, "from MoSi2 type"),
        ("XY2_tI6_139_a_e", "prototype", 139, "XY2_tI6_139_a_e type"),
        ("SOD", "framework", 229, "SOD framework"),
        ("glass-131", "melt-quench", 1, "glass 131"),
        ("rnd-11-16", "search", 63, "search 11-16"),
        ("Anatase", "user", 141, "Anatase"),
        ("Opal", "mineral", 1, "Opal"),
    ],
)
def test_names_say_what_a_structure_is_for_silica(raw, source, number, name):
    assert given(raw, source, number).name == name


def test_the_prototype_is_kept_apart_with_its_own_space_group():
    assert given("AB2_tI6_139_a_e", "prototype", 12) == Named("from MoSi2 type", "AB2_tI6_139_a_e", "I4/mmm")
    assert given("Quartz-alpha", "mineral", 154).prototype == ""


def test_every_label_of_the_table_is_one_and_a_label_that_names_itself_is_not_renamed():
    for raw, (name, label) in (SILICA | TYPES).items():
        assert LABEL.fullmatch(label) and "_" not in name
        assert not LABEL.fullmatch(raw) or raw == label


@forall(st.lists(st.tuples(st.sampled_from(["Pnma", "Cmcm"]), st.sampled_from(["PbCl2 type", "quartz"])), max_size=8))
def test_two_structures_never_share_a_name(found):
    named = distinct([(f"s-{i}", group, Named(name)) for i, (group, name) in enumerate(found)])
    names = [one.name for one in named.values()]
    assert len(set(names)) == len(names) == len(found)
    assert distinct([("a", "Pnma", Named("x")), ("b", "Cmcm", Named("x")), ("c", "P1", Named("y"))]) == {
        "a": Named("x, Pnma"),
        "b": Named("x, Cmcm"),
        "c": Named("y"),
    }
