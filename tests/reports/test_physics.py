"""The physics review: its numbers are the database's, its sentences follow them."""

import copy
import re

import numpy as np
import pytest
from scipy.stats import spearmanr

from elnes_lab.build import build
from elnes_lab.database import open_database
from elnes_lab.reports.physics import by_net, farthest_points, frame, numbers, partial
from elnes_lab.reports.physics_text import markdown
from elnes_lab.sources.qe.cells import farthest


@pytest.fixture(scope="module")
def found(shipped):
    return numbers(shipped)


def test_first_peaks_and_gaps_are_those_of_the_database(shipped, found):
    text = markdown(found)
    for p in found["polymorphs"]:
        row = shipped[shipped["structure"] == p["structure"]]
        assert p["gap"] == pytest.approx(row["band_gap"][0]) and p["sites"] == len(row)
        peaks = row.first_peaks + row.shifts("loss")
        assert peaks.min() - 0.5 < p["first"] < peaks.max() + 0.5
        assert re.search(rf"\| {re.escape(p['name'])} \| {len(row)} \| .* \| {p['first']:.1f} ", text)
    quartz = next(p for p in found["polymorphs"] if p["structure"] == "quartz-alpha")
    assert quartz["first"] == pytest.approx(538, abs=0.2)  # by the constant of the loss scale
    assert f"alpha-quartz {quartz['gap']:.2f} eV, where 9.65 eV" in text


def test_each_net_counts_once_in_the_trends(shipped, found):
    table = frame(shipped)
    ordinary = table[(table["kind"] == "crystal") & (table["remark"] == "")]
    assert found["trends"]["nets"] == ordinary["net"].nunique() == len(by_net(table))
    pair = next(r for r in found["trends"]["pairs"] if (r["what"], r["against"]) == ("onset", "band_gap"))
    gap, onset = (by_net(table)[name].to_numpy() for name in ("band_gap", "onset"))
    first, second = np.triu_indices(len(gap), 1)
    apart = np.abs(gap[first] - gap[second]) > 0
    slopes = ((onset[first] - onset[second])[apart]) / (gap[first] - gap[second])[apart]
    assert pair["slope"] == pytest.approx(np.median(slopes), rel=1e-4)
    assert pair["low"] < pair["slope"] < pair["high"]


def test_isotropic_areas_converge_as_the_sum_rule_wants(shipped, found):
    spreads = [w["spread"] for w in found["area"]["windows"]]
    assert spreads[-1] < 0.03 and spreads[-1] < spreads[0] / 3
    assert 0 < found["area"]["share"] < 1  # less than the whole 1s shell
    assert sum(c["sites"] for c in found["area"]["by_coordination"]) == len(shipped)
    assert found["area"]["top"] >= found["area"]["windows"][-1]["window"]  # no spectrum ends before the last window


def test_the_text_follows_the_numbers(found):
    other = copy.deepcopy(found)
    quartz = next(p for p in other["polymorphs"] if p["structure"] == "quartz-alpha")
    quartz["features"] = [f for f in quartz["features"] if f["from_first"] == 0]
    other["glass"] = None
    other["area"]["windows"][-1]["spread"] = 0.5
    text = markdown(other)
    assert "resonance at +22 eV: not found" in text and "shoulder at +1 eV: not found" in text
    assert "There are not both in the database" in text and "does not fall" in text
    before = markdown(found)
    assert "not found" not in before.split("Stishovite is")[0] and "does not fall" not in before


@pytest.mark.parametrize(
    "p, rho, says",
    [
        (0.03, 0.2, "does not measurably depend on the gap"),  # one of a dozen, looked at together
        (0.001, 0.5, "It is larger where the gap is wider"),
        (0.001, -0.5, "It is smaller where the gap is wider"),
    ],
)
def test_a_trend_counts_by_the_limit_that_is_said(found, p, rho, says):
    other = copy.deepcopy(found)
    pair = next(r for r in other["trends"]["pairs"] if (r["what"], r["against"]) == ("binding", "band_gap"))
    pair |= {"p": p, "rho": rho}
    text = markdown(other)
    assert says in text and ("gap less that difference with band gap" in text) == (p < 0.01)


@pytest.mark.parametrize("p, says", [(0.4, "the gap no longer counts"), (1e-5, "the gap still counts")])
def test_what_comes_with_larger_cells_is_not_said_of_the_hole(found, p, says):
    other = copy.deepcopy(found)
    for pair in other["trends"]["pairs"]:
        if pair["what"] == "binding" and pair["against"] in ("band_gap", "farthest"):
            pair |= {"p": 1e-6, "rho": 0.5}
    other["trends"]["at_one_distance"] = {"rho": 0.1, "p": p}
    assert says in markdown(other)


def test_the_farthest_points_are_those_of_the_cells_that_were_computed(shipped, raw_results):
    rows = shipped[np.isin(shipped["structure"], ["quartz-alpha", "stishovite", "prototype-04"])]
    found = farthest_points(rows)
    for structure, atom, far in zip(rows["structure"], rows["atom"], found):
        with np.load(raw_results / structure / f"O{atom}.npz") as file:
            assert far == pytest.approx(farthest(file["supercell"] @ shipped.atoms(structure).cell.array), abs=1e-6)


def test_a_partial_rank_correlation_leaves_what_is_not_shared_with_the_third():
    rng = np.random.default_rng(0)
    third, own = rng.normal(size=(2, 400))
    one, other = third + 0.3 * rng.normal(size=400), third + 0.3 * rng.normal(size=400)
    shared = partial(one, other, third)
    assert spearmanr(one, other).statistic > 0.8 and abs(shared["rho"]) < 0.15 and shared["p"] > 0.01
    assert partial(one + own, np.exp(other + own), third)["p"] < 1e-9
    # With one column to take out it is the textbook's (r12 - r13 r23) / sqrt((1 - r13^2)(1 - r23^2)).
    r = spearmanr(np.stack([one, other, third], 1)).statistic
    assert shared["rho"] == pytest.approx(
        (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    )


def test_three_crystals_are_reviewed_without_glass_or_trends(small):
    text = markdown(numbers(small))
    assert "Too few nets" in text and "without an onset: quartz-beta, cristobalite, coesite" in text


def test_a_polymorph_whose_onset_is_not_known_yet_is_named_and_left_out(raw, alter, tmp_path):
    alter(raw / "stishovite" / "O2.npz", neutral_energy=np.nan)
    build(raw, tmp_path / "out")
    with open_database(tmp_path / "out") as db:
        assert np.isnan(db["stishovite/O2"]["onset"]).all()
        found = numbers(db)
    assert [p["structure"] for p in found["polymorphs"]] == ["quartz-alpha"] and "stishovite" in found["absent"]
    assert not re.search(r"\bnan\b", markdown(found))
