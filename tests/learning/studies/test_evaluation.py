"""Measures, intervals, scaling out, and the evaluation itself on the committed spectra."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elnes_lab
from elnes_lab.errors import DataError
from elnes_lab.learning import metrics
from elnes_lab.learning.choices import InputChoice, TargetChoice
from elnes_lab.learning.dataset import Dataset, usable
from elnes_lab.learning.studies import gap as bandgap
from elnes_lab.learning.studies import inputs as studies
from elnes_lab.learning.studies import results, scaling, significance
from elnes_lab.learning.studies.evaluation import evaluate
from elnes_lab.learning.studies.report import markdown
from elnes_lab.learning.studies.search import search

FAST = ["ridge", "mean spectrum"]


# Of all sources and many nets; always these, so that what a test says of significance does not change with the data.
STRUCTURES = (
    "quartz-alpha",
    "cristobalite",
    "coesite",
    "stishovite",
    "prototype-04",
    "prototype-13",
    "prototype-22",
    "search-1-179",
    "search-11-137",
    "search-11-254",
    "search-21-1126",
    "AHT",
    "EDI",
    "NAT",
    "SOD",
    "ABW",
    "JBW",
)


@pytest.fixture(scope="module")
def db():
    """All usable crystals of some structures and a few glass sites: small, whatever the database has grown to."""
    whole = elnes_lab.open_database()
    whole = whole[usable(whole, target=TargetChoice())[0]]
    crystals = whole[np.isin(whole["structure"].astype(str), STRUCTURES)]
    return whole[[*crystals.sites, *whole.query("structure == 'glass-131'").sites[:12]]]


@pytest.fixture(scope="module")
def evaluation(db):
    return evaluate(db, seeds=2, folds=4, models=FAST, workers=0)


def test_direction_resolved_models_are_evaluated_beside_the_others(db):
    """On the same rows and folds, and with something learnt from a dozen structures."""
    found = evaluate(db, seeds=1, folds=4, models=["directed kernel", "mean spectrum"], inputs=["pdos"], workers=0)
    rows = found.frame[found.frame.group == "crystal"].set_index("model")
    directed, plain = rows.loc["directed kernel"], rows.loc["mean spectrum"]
    assert list(directed.site) == list(plain.site) and found.choice.directed
    assert directed.mse.mean() < 0.8 * plain.mse.mean()


def test_a_perfect_prediction_is_perfect_and_a_shift_is_measured(db):
    data = Dataset.from_database(db)
    perfect = metrics.measures(data, data.targets)
    assert perfect["mse"].max() == 0 and perfect["cosine"] == pytest.approx(1) and perfect["peak_error"].max() == 0
    assert set(perfect["peaks_05"]) == set(perfect["peaks_10"]) == {1.0}
    moved = metrics.measures(data, np.roll(data.targets, 4, axis=1))  # 0.8 eV
    assert np.median(moved["peak_error"]) == pytest.approx(0.8, abs=0.02)
    assert moved["peaks_05"].mean() < 0.5 < 0.8 < moved["peaks_10"].mean()


def test_three_polarizations_are_the_mean_of_their_measures(db):
    xyz, plain = (Dataset.from_database(db, target=TargetChoice(polarization=p)) for p in ("xyz", "isotropic"))
    wrong = xyz.targets.copy()
    wrong[:, : plain.targets.shape[1]] += 0.3
    assert metrics.measures(xyz, wrong)["mse"] == pytest.approx(0.09 / 3, rel=1e-4)


def test_the_core_hole_draws_intensity_to_the_edge(db):
    data = Dataset.from_database(db)
    ground = metrics.ground_state(db, data.target_energy)
    effect = metrics.edge_weight(data.target_energy, data.targets) - metrics.edge_weight(data.target_energy, ground)
    assert effect.mean() > 0.05 and (effect > 0).mean() > 0.8
    flat = np.ones(171)
    energy = np.linspace(-2, 15, 171)
    assert metrics.edge_weight(energy, flat) == pytest.approx(6 / 17, abs=0.01)
    with pytest.raises(DataError, match="Widen"):
        metrics.edge_weight(energy[:50], flat[:50])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(5, 12))
def test_bootstrap_holds_its_estimate_moves_with_the_data_and_draws_structures(seed, count):
    random = np.random.default_rng(seed)
    structures = np.repeat(np.arange(count), 4)
    values = random.normal(size=count)[structures]  # sites of one structure are alike
    interval = significance.bootstrap(values, structures, np.mean, draws=200)
    shifted = significance.bootstrap(values + 2, structures, np.mean, draws=200)
    assert interval.low <= interval.value <= interval.high and interval.unit == "structure"
    assert np.allclose(np.subtract(shifted[:3], interval[:3]), 2)
    naive = significance.bootstrap(values, np.arange(len(values)), np.mean, draws=200)
    assert interval.high - interval.low > 1.2 * (naive.high - naive.low)  # four copies are not four observations


def test_bootstrap_interval_has_the_width_theory_gives():
    values = np.random.default_rng(0).normal(size=400)
    low, high = significance.bootstrap(values, np.arange(400), np.mean)[1:3]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_paired_test_counts_structures_not_sites():
    structures = np.repeat(np.arange(8), 10)
    a = np.random.default_rng(0).uniform(1, 2, 80)
    test = significance.paired_test(a, a + 0.1, structures)
    assert (
        test.pairs == 8
        and test.p == pytest.approx(2 / 2**8)
        and test.share_better == 1
        and test.difference == pytest.approx(-0.1)
    )
    assert significance.paired_test(a, a, structures).p == 1
    assert significance.paired_test(a, a + 0.1, np.zeros(80)).unit == "site"


def test_every_crystal_is_held_out_once_per_seed_and_the_glass_by_every_fold(evaluation, db):
    ridge = evaluation.frame[(evaluation.frame.model == "ridge") & (evaluation.frame.inputs == "pdos")]
    crystals, glass = (ridge[ridge.group == kind] for kind in ("crystal", "amorphous"))
    assert (crystals.groupby("site").size() == 2).all() and (glass.groupby("site").size() == 2 * 4).all()
    assert set(ridge.site) == set(db.sites)
    assert (crystals.groupby(["seed", "cluster"])["fold"].nunique() == 1).all()


def test_records_have_what_programs_expect_and_ridge_beats_the_mean(evaluation):
    records = json.loads(json.dumps(evaluation.records()))
    assert {(r["model"], r["inputs"], r["group"]) for r in records} == {
        (m, i, g) for m in FAST for i in ("pdos", "pdos+gap") for g in ("crystal", "amorphous")
    }
    for r in records:
        assert r["seeds"] == 2 and len(r["deciles"]) == 9 and r["deciles"] == sorted(r["deciles"])
        assert r["mse_median_low"] <= r["mse_median"] <= r["mse_median_high"] and r["coverage_90"] is None
        assert r["deciles"][4] == pytest.approx(r["mse_median"]) and r["mse_worst"] >= r["deciles"][-1]
    median = {(r["model"], r["group"]): r["mse_median"] for r in records if r["inputs"] == "pdos"}
    assert median["ridge", "crystal"] < 0.8 * median["mean spectrum", "crystal"]  # on one glass it need not be
    test = next(t for t in evaluation.tests("ridge") if t["group"] == "crystal")
    assert test["rival"] == "mean spectrum" and test["difference"] < 0 and test["p"] < 0.1


def test_the_gap_changes_nothing_for_a_model_that_ignores_it(evaluation):
    for record in bandgap.gap_effect(evaluation, "mean spectrum"):
        assert record["ratio"] == record["ratio_low"] == 1 and record["p"] == 1 and record["verdict"] == "undecided"
    for record in bandgap.core_hole_effect(evaluation, "mean spectrum"):
        assert record["bias"] == pytest.approx(record["predicted"] - record["effect"], abs=1e-5)


def test_same_results_on_one_worker_two_and_none(db):
    request = dict(seeds=1, folds=3, models=["ann", "ridge"], inputs=["pdos+gap"], options={"members": 2, "epochs": 10})
    none, one, two = (evaluate(db, workers=workers, **request) for workers in (0, 1, 2))
    for name in ("site", "mse", "edge_weight", "peaks_05"):
        assert np.array_equal(none.frame[name], one.frame[name]) and np.array_equal(one.frame[name], two.frame[name])
    mean = evaluate(db, workers=0, **{**request, "models": ["mean spectrum"]}).frame["mse"].median()
    assert none.frame[none.frame.model == "ann"]["mse"].median() < 0.8 * mean


def broken(shared, task):
    if task == shared:
        raise DataError("this one cannot be done")
    return task


def test_scaling_keeps_order_reports_and_passes_errors_on():
    seen = []
    assert scaling.run(broken, None, range(5), workers=2, report=lambda *counts: seen.append(counts)) == list(range(5))
    assert seen == [(k, 5) for k in range(1, 6)]
    with pytest.raises(DataError, match="cannot be done"):
        scaling.run(broken, 3, range(5), workers=1)
    assert scaling.run(broken, None, []) == []


def test_bad_requests_fail_before_any_work(db, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("work has started")

    monkeypatch.setattr("elnes_lab.learning.studies.evaluation.run", never)
    for request, words in (
        (dict(models=["rigde"]), "ridge"),
        (dict(folds=40), "folds"),
        (dict(seeds=0), "seed"),
        (dict(choice=InputChoice(window=(-2, 29))), "at least one site"),
    ):
        with pytest.raises(DataError, match=words):
            evaluate(db, **{"seeds": 1, "models": FAST, **request})
    monkeypatch.undo()
    monkeypatch.setattr(scaling, "PATIENCE", 1)
    with pytest.raises(DataError, match="No Dask scheduler"):
        evaluate(db, seeds=1, folds=4, models=FAST, scheduler="tcp://127.0.0.1:9")


def test_report_follows_the_numbers(db, evaluation, tmp_path):
    found = json.loads(json.dumps(results.summary(db, evaluation, FAST)))
    results.publish(tmp_path, "evaluation", found)
    text = (tmp_path / results.REPORT).read_text()
    assert text == markdown(json.loads((tmp_path / results.NUMBERS).read_text()))
    best = min((r for r in found["records"] if r["group"] == "crystal"), key=lambda r: r["mse_median"])
    assert f"Lowest median: {best['model']}" in text
    for effect in found["gap_effect"]:
        assert f"{effect['ratio']:.3f}" in text
    for verdict, word in (("lower", "is lower"), ("higher", "is higher"), ("undecided", "not measurably different")):
        changed = {
            **found,
            "model": "ridge",
            "gap_effect": [{**found["gap_effect"][0], "model": "ridge", "verdict": verdict}],
        }
        assert word in markdown({"evaluation": changed})


def test_both_groupings_are_evaluated_recorded_and_reported(db, monkeypatch, tmp_path):
    monkeypatch.setattr(results, "names", lambda: [*FAST, "k nearest neighbours"])
    records = tmp_path / "evaluation.json"
    found = results.run_evaluation(db, seeds=2, folds=3, workers=0, records=records, docs=tmp_path)
    stored = json.loads(records.read_text())
    by = {grouping: [r for r in stored if r["grouping"] == grouping] for grouping in ("net", "dos")}
    assert len(by["net"]) + len(by["dos"]) == len(stored) and by["net"] == found["records"]
    assert {r["model"] for r in by["net"]} - {r["model"] for r in by["dos"]} == {"k nearest neighbours"}
    assert {r["seeds"] for r in by["net"]} == {2} and {r["seeds"] for r in by["dos"]} == {1}
    assert all(set(r) == set(stored[0]) for r in stored)
    counts = {g: {r["structures"] for r in by[g] if r["group"] == "crystal"} for g in by}
    assert counts == {g: {found["groups"][g]} for g in by} and found["groups"]["net"] < found["groups"]["dos"]
    text = (tmp_path / results.REPORT).read_text()
    assert "Grouped by density of states alone" in text and f"by net there are {found['groups']['net']}" in text


def test_a_study_record_per_choice_with_the_defaults_first(db, monkeypatch):
    monkeypatch.setattr(studies, "INPUTS", ({"channels": ("DOS",)}, {"channels": InputChoice().channels}))
    monkeypatch.setattr(studies, "TARGETS", ())
    monkeypatch.setattr(studies, "BOTH", ())
    default, dos = studies.study_inputs(db, seeds=1, folds=4, workers=0)  # the defaults under another name are dropped
    assert default["choice"] == "defaults" and default["against_default"] == [1, 1, 1]
    assert (
        dos["choice"] == "input channels DOS" and dos["against_default"][0] > 1
    )  # the total DOS is of no site in particular
    assert InputChoice.from_dict(default["inputs"]) == InputChoice()


def test_search_finds_the_better_of_two_and_refuses_what_cannot_be(db):
    trials = search(db, {"kind": ["mlp"], "skip": [False], "epochs": [1, 60], "members": [1]}, folds=3, workers=0)
    assert [t["options"]["epochs"] for t in trials] == [60, 1] and trials[0]["low"] <= trials[0]["error"] <= trials[0][
        "high"
    ]
    for grid, words in (({}, "nothing"), ({"widht": [3]}, "width"), ({"epochs": [0]}, "epochs")):
        with pytest.raises(DataError, match=words):
            search(db, grid)
    for grid, seeds, words in (
        ({"width": [4]}, 0, "seed"),
        ({"skip": [5]}, 1, "neither true nor false"),
        ({"width": [4] * 101, "depth": [1] * 100}, 1, "10,100 combinations"),
    ):
        with pytest.raises(DataError, match=words):
            search(db, grid, seeds=seeds)
