"""Splits: structures stay whole, near duplicates together, the glass apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.learning.dataset import grouped_folds, make_split, structure_groups
from elnes_lab.learning.splits import shares

quick = settings(max_examples=40, deadline=None)


class Rows:
    """As much of a Dataset as splits look at."""

    def __init__(self, groups, amorphous=0):
        self.groups = np.array([f"g{g}" for g in groups], dtype=object)
        self.structures = self.groups
        self.kinds = np.array(["crystal"] * (len(groups) - amorphous) + ["amorphous"] * amorphous, dtype=object)


@quick
@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.integers(3, 6), st.integers(0, 99))
def test_folds_hold_out_every_crystal_once_and_cut_no_group(groups, k, seed):
    data = Rows(groups)
    if len(set(groups)) < k:
        with pytest.raises(DataError, match="folds"):
            grouped_folds(data, k, seed=seed)
        return
    folds = grouped_folds(data, k, seed=seed)
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(groups)))
    largest = np.unique(groups, return_counts=True)[1].max()
    for fold in folds:
        parts = [set(data.groups[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert all(parts) and not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert len(fold.development) + len(fold.test) == len(groups)
        assert abs(len(fold.test) - len(groups) / k) <= largest


@quick
@given(st.lists(st.integers(0, 15), min_size=12, max_size=50), st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_split_keeps_groups_whole_and_the_glass_out(groups, glass, seed, include):
    if len(set(groups)) < 3:
        return
    data = Rows([*groups, *[100 + i // 3 for i in range(glass)]], amorphous=glass)
    split = make_split(data, seed=seed, include_amorphous=include)
    rows = np.concatenate([split.train, split.validation, split.test, split.amorphous])
    assert sorted(rows) == list(range(len(data.kinds)))
    names = [set(data.groups[part]) for part in (split.train, split.validation, split.test, split.amorphous)]
    assert all(names[:3]) and sum(len(n) for n in names) == len(set(data.groups))
    assert (data.kinds[split.test] == "crystal").all()
    assert include or (data.kinds[split.development] == "crystal").all()
    if include:
        assert (data.kinds[split.train] == "amorphous").any()
        counts = [
            len(set(data.groups[part][data.kinds[part] == "amorphous"]))
            for part in (split.train, split.validation, split.amorphous)
        ]
        assert counts == shares(sum(counts)).tolist() and (counts[2] > 0) == (sum(counts) > 1)


def test_same_seed_same_split_other_seed_other_split(real):
    first, again, other = (make_split(real, seed=s) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.test, again.test)
    assert set(first.test) != set(other.test) or set(first.validation) != set(other.validation)


def test_too_few_structures_are_refused():
    with pytest.raises(DataError, match="three different crystals"):
        make_split(Rows([0, 0, 1, 1]))
    with pytest.raises(DataError, match="positive"):
        make_split(Rows([0, 1, 2]), fractions=(1, 0, 0))
    with pytest.raises(DataError, match="folds"):
        grouped_folds(Rows([0, 1, 2, 3]), 2)


def test_one_crystal_under_two_names_is_one_group(shipped):
    groups = dict(zip(shipped["structure"], structure_groups(shipped, "dos")))
    assert groups["prototype-06"] == groups["prototype-00"] == "prototype-00"
    assert groups["quartz-alpha"] != groups["quartz-beta"] != groups["cristobalite"]
    reversed_rows = shipped[np.arange(len(shipped))[::-1]]
    again = dict(zip(reversed_rows["structure"], structure_groups(reversed_rows, "dos")))
    assert (again["prototype-06"] == again["prototype-00"]) and len(set(again.values())) == len(set(groups.values()))


def test_one_net_is_one_group_and_twins_by_their_dos_stay_together(shipped):
    """Grouping by net joins what grouping by DOS joins, and phases of one net; nothing else, and never two glasses."""
    dos, net = structure_groups(shipped, "dos").astype(str), structure_groups(shipped, "net").astype(str)
    for group in np.unique(dos):
        assert len(set(net[dos == group])) == 1
    crystal, nets = shipped["kind"] == "crystal", shipped["net"].astype(str)
    for name in np.unique(nets[crystal]):
        assert len(set(net[crystal & (nets == name)])) == 1
    found, structures = dict(zip(shipped["structure"], net)), shipped["structure"].astype(str)
    assert found["quartz-alpha"] == found["quartz-beta"]
    assert (
        found["cristobalite"] == found["prototype-17"]
        and len({found[s] for s in ("quartz-alpha", "cristobalite", "coesite", "stishovite", "SOD")}) == 5
    )
    assert len(set(net)) < len(set(dos))
    for glass in np.unique(structures[~crystal]):
        assert set(net[structures == glass]) == {glass} == set(structures[net == glass])
    np.testing.assert_array_equal(structure_groups(shipped), net)


def test_unknown_grouping_is_refused(shipped):
    with pytest.raises(DataError, match="grouping 'nets'.*net"):
        structure_groups(shipped, "nets")
