"""Filters: the same rows as pandas, and nothing else than filters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.filter_syntax import DEEPEST, LONGEST
from elnes_lab.query import mask

NUMBERS = {"band_gap": np.float32, "onset": np.float64, "coordination": np.int8, "n_atoms": np.int16, "atom": np.int32}
TEXTS = ("kind", "name", "structure")
WORDS = ("quartz", "alpha-quartz", "Quartz", "glass-131", "a.c", "", "å & b", "it's")
VALUES = st.integers(-40, 40).map(lambda x: x / 8)  # exact in every type, so rounding cannot decide


@st.composite
def frames(draw):
    """A table of up to six rows with the types of the database, NaN included."""
    n = draw(st.integers(0, 6))
    columns = {}
    for name, dtype in NUMBERS.items():
        values = st.integers(-5, 5) if np.issubdtype(dtype, np.integer) else VALUES | st.just(np.nan)
        columns[name] = np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype)
    for name in TEXTS:
        columns[name] = np.array(draw(st.lists(st.sampled_from(WORDS), min_size=n, max_size=n)), object)
    return columns


numbers = st.recursive(
    st.sampled_from(list(NUMBERS)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner | VALUES.map(repr)).map(lambda x: f"({x[0]} {x[1]} {x[2]})"),
        st.tuples(inner, st.sampled_from(["2", "4", "0.5"])).map(" / ".join),
        inner.map(lambda x: f"-{x}"),
    ),
    max_leaves=3,
)
texts = st.sampled_from(TEXTS)
constant = st.sampled_from(WORDS).map(repr)
compare = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
either_in = st.sampled_from(["in", "not in", "==", "!="])


def listed(items):
    return st.lists(items, max_size=3).map(lambda found: f"[{', '.join(found)}]")


atoms = st.one_of(
    st.tuples(numbers, compare, numbers | VALUES.map(repr)).map(" ".join),
    st.tuples(VALUES.map(repr), compare, numbers, compare, numbers).map(" ".join),
    st.tuples(st.sampled_from(list(NUMBERS)), either_in, listed(VALUES.map(repr))).map(" ".join),
    st.tuples(texts, compare, texts | constant).map(" ".join),
    st.tuples(texts, either_in, listed(constant)).map(" ".join),
    st.tuples(texts, constant, st.sampled_from(["", ", case=False"])).map(
        lambda x: f"{x[0]}.str.contains({x[1]}{x[2]}, regex=False)"
    ),
    st.tuples(texts, constant).map(lambda x: f"{x[0]}.str.startswith({x[1]})"),
)
filters = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "&", "|"]), inner).map(" ".join),
        inner.map(lambda x: f"({x})"),
        inner.map(lambda x: f"not ({x})"),
        inner.map(lambda x: f"~({x})"),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(columns=frames(), text=filters)
def test_any_filter_takes_the_rows_that_pandas_takes(columns, text):
    frame = pd.DataFrame(columns)
    wanted = frame.index.isin(frame.query(text, engine="python").index)
    assert mask(text, columns, columns.get).tolist() == wanted.tolist()


COLUMNS = {
    "band_gap": np.array([4.5, 5.5, np.nan], np.float32),
    "coordination": np.array([1, 2, 100], np.int8),
    "name": np.array(["alpha-quartz", "Quartz (beta)", "glass"], object),
}


@pytest.mark.parametrize(
    "text, rows",
    [
        ("name.contains('quartz')", [0]),
        ("name.contains('quartz', case=False)", [0, 1]),
        ("name.contains('(beta)')", [1]),
        ("name.str.contains('(beta)', regex=False)", [1]),
        ("name.contains('a|b')", []),
        ("name.startswith('alpha')", [0]),
        ("name.startswith('q', case=False)", [1]),
        ("band_gap > 5 | coordination == 1 & name == 'x'", [1]),
        ("not band_gap > 5", [0, 2]),
        ("band_gap != band_gap", [2]),
        ("coordination * coordination == 10000", [2]),
        ("coordination in (1, 100)", [0, 2]),
        ("coordination in [-1]", []),
        ("4 < band_gap < 5 != coordination", [0]),
        ("band_gap > 5 and\n  name != '&' # a note", [1]),
        ("coordination / 0 > 1", [0, 1, 2]),
        ("(band_gap > 5) == True", [1]),
    ],
)
def test_what_filters_mean(text, rows):
    assert np.flatnonzero(mask(text, COLUMNS, COLUMNS.get)).tolist() == rows


@pytest.mark.parametrize(
    "text, says",
    [
        ("@__builtins__", "uses @"),
        ("@Store.__init__.__globals__['os'].system('touch here')", "uses @"),
        ("name.__class__.__mro__", ".__mro__"),
        ("name.to_csv('here') == 1", r"name.to_csv\(...\)"),
        ("open('here', 'w')", "uses open"),
        ("name.str.upper() == 'X'", "upper"),
        ("name.str", ".str"),
        ("9**9**9 > band_gap", r"\*\*"),
        ("band_gap % 2 == 0", "uses %"),
        ("band_gap // 2 == 0", "//"),
        ("coordination << 9**9 > 1", "<<"),
        ("band_gap[0] > 1", r"\[...\]"),
        ("(lambda: 1)()", "uses lambda"),
        ("(x := band_gap) > 1", ":="),
        ("f'{name}' == 'x'", "uses f'...'"),
        ("[x for x in name] == 1", "uses for"),
        ("{1: band_gap}", r"\{...\}"),
        ("band_gap > 1 if band_gap > 2 else name", "uses if"),
        ("band_gap is None", "uses is"),
        ("band_gap == None", "None"),
        ("band_gap == ...", r"\.\.\."),
        ("name == b'x'", "b'x'"),
        ("band_gap > 1j", "1j"),
        ("band_gap in {1, 2}", "in without"),
        ("'quartz' in name", "in without"),
        ("name in [band_gap]", "band_gap in a list"),
        ("['a'] == name", "a list without in"),
        ("name in [open('here', 'w')]", "in a list"),
        ("name.contains(open('here', 'w'))", "one text"),
        ("name.contains()", "one text"),
        ("name.contains('a', flags=1)", "one text"),
        ("name.contains('a', **name)", "one text"),
        ("'a'.contains('a')", "contains"),
        ("name.str.contains('a|b')", "pattern"),
        ("name.contains('a', regex=True)", "pattern"),
        ("band_gap.contains('5')", "a number"),
        ("band_gap > 1e999", "1e309"),
        ("band_gap > " + "9" * 30, "999"),
        ("band_gap > " + "9" * 5000, "999"),
        ("", "empty"),
        (" \n", "empty"),
        ("band_gap >", "cannot be evaluated"),
        ("band_gap = 5", "compare with =="),
        ("band_gap > 5)", "cannot be evaluated"),
        ("(band_gap > 5", "cannot be evaluated"),
        ("name == 'a", "cannot be evaluated"),
        ("band_gap > 5\0", "cannot be evaluated"),
        ("name == '\udc80'", "cannot be evaluated"),
        ("name < 5", "a text"),
        ("band_gap == '5'", "a number"),
        ("band_gap in ['a']", "a text"),
        ("name + 'a' == 'b'", "take numbers"),
        ("~band_gap > 5", "parentheses"),
        ("band_gap and name", "comparisons"),
        ("band_gap", "true or false"),
        ("1 < 2", "true or false"),
        ("1 / 0 > band_gap", "division by zero"),
        ("bandgap > 5", "band_gap"),
        ("x" * 200 + " > 1", "no column"),
        ("import os", "cannot be evaluated"),
        ("band_gap > 5; name", "cannot be evaluated"),
        ("band_gap > 1 " + "and band_gap > 1 " * LONGEST, "characters"),
        ("(" * 300 + "band_gap" + ")" * 300, "too deeply"),
        ("-" * (LONGEST - 20) + "band_gap > 1", "too deeply"),
        ("not " * 2000 + "band_gap > 1", "too deeply"),
        ("band_gap" + " + 1" * 2000 + "> 1", "too deeply"),
        ("f(" * 30 + ")" * 30, "uses f"),
        ("name" + ".a" * 3000, "too deeply"),
        ("[" * 3000, "too deeply"),
        (5, "text"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_anything_else_is_refused_by_name_at_once(text, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=says) as refusal:
        mask(text, COLUMNS, COLUMNS.get)
    assert len(str(refusal.value)) < 700 and not list(tmp_path.iterdir())


def test_nothing_is_read_for_a_filter_that_is_refused():
    with pytest.raises(DataError):
        mask("band_gap > 5 and name.to_csv('here')", COLUMNS, lambda name: pytest.fail(f"{name} was read"))


def test_deep_and_long_filters_within_the_limits_work():
    deep = "(" * (DEEPEST - 2) + "band_gap > 5" + ")" * (DEEPEST - 2)
    assert mask(deep, COLUMNS, COLUMNS.get).tolist() == [False, True, False]
    many = " or ".join(f"name == 'glass-{k}'" for k in range(300)) + f" or name in {[str(k) for k in range(200)]}"
    assert not mask(many, COLUMNS, COLUMNS.get).any()
