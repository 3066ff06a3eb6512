"""Inspect without widgets: errors and roles of the shipped models, filters, the walk, the CSV."""

import csv
import dataclasses
import re

import numpy as np
import pytest

from elnes_lab import DataError, open_database
from elnes_lab.dashboard.corehole.model import CoreHoleModel
from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.session import NamedModel, Session
from elnes_lab.dashboard.sites.judged import KNOWN, NEW, TRAIN, TWIN, VALIDATION, judge, roles
from elnes_lab.dashboard.sites.model import NO_MODEL, THIRD, WITH_GAP, WITHOUT_GAP
from elnes_lab.learning.dataset import target_shift
from elnes_lab.learning.domain import DomainScore


@pytest.fixture(scope="module")
def db():
    return open_database(verify=False)


@pytest.fixture(scope="module")
def session(db):
    return Session(db)


def opened(panel, db, session):
    session.site = ""  # that a test before has chosen
    model = panel(db, session)
    model.load()
    assert model.state == "ready", model.problem
    return model


@pytest.fixture
def model(db, session):
    return opened(InspectModel, db, session)


@pytest.mark.parametrize("panel", [InspectModel, CoreHoleModel])
def test_a_view_that_fails_gives_a_sentence_instead_of_waiting_for_ever(panel, db, session):
    model = panel(db, session)

    def draw(change):
        if change.new:
            raise ValueError("no such trace")

    model.observe(draw, "judged")
    model.load()
    assert model.state == "failed"
    assert model.problem == "The models cannot be shown: no such trace. Reload the page."


def test_errors_are_those_the_model_was_shipped_with(db, session):
    for entry in session.models:
        one = judge(db, entry)
        if one.data.checksum != entry.card["data_sha256"]:
            pytest.skip("the shipped models were trained on other data")
        for kind, measured in entry.card["metrics"].items():
            chosen = one.new & (db["kind"] == kind)
            assert chosen.sum() == measured["n"]
            assert np.median(one.mse[chosen]) == pytest.approx(measured["mse_median"], rel=1e-3)
        # Cross-fitted: every site is a test, so none is set apart.
        assert (one.new == (one.row >= 0)).all() and one.new[db["kind"] == "crystal"].sum() > 100


def test_crystals_are_compared_with_those_that_their_part_was_trained_on(db, session):
    """The score of a crystal leaves out its own fold; that of the glass none."""
    one = judge(db, session.models[0])
    folds = session.models[0].load().folds
    data = one.data
    part = np.array([folds.get(str(name), -1) for name in data.structures])
    assert set(data.kinds[part < 0]) == {"amorphous"}
    for number in (0, -1):
        domain = DomainScore.fit(data.subset((part >= 0) & (part != number)))
        rows = np.flatnonzero(part == number)
        np.testing.assert_allclose(one.score[one.row >= 0][rows], domain.score(data.subset(rows)), rtol=1e-6)


def test_a_twin_that_came_after_the_training_is_no_test(db, session):
    """It is predicted by all parts, most of which have seen its net."""
    one, folds = judge(db, session.models[0]), session.models[0].load().folds
    late = next(
        str(name)
        for name in one.data.structures
        if (one.data.groups[one.data.structures != name] == one.data.groups[one.data.structures == name][0]).any()
        and str(name) in folds
    )
    found = roles({}, one.data, {name: fold for name, fold in folds.items() if name != late})
    assert set(found[one.data.structures == late]) == {TWIN} and set(found[one.data.structures != late]) == {NEW}


def test_both_shipped_models_are_shown_first_orange_without_and_green_with_the_gap(model):
    assert [one.with_gap for one in model.judged] == [False, True]
    assert model.colors() == [WITHOUT_GAP, WITH_GAP]
    assert model.titles() == ["without band gap", "with band gap"]
    assert model.place() == 0  # the worst


def test_two_networks_alike_have_two_colours_and_their_names(db, model):
    entry = model.session.models[0]
    model.session.models = [*model.session.models, NamedModel("mine", entry.card, "trained", model=entry.load(), db=db)]
    model.second = "mine"
    assert model.colors() == [WITHOUT_GAP, THIRD] and model.titles() == [entry.name, "mine"]
    np.testing.assert_array_equal(*model.errors())
    model.second = NO_MODEL
    assert len(model.judged) == 1 and model.errors().shape == (1, len(db))
    model.session.models = model.session.models[:-1]


def test_sites_are_ordered_by_structure_crystals_first(db, model):
    kinds, structures = db["kind"][model.shown], db["structure"][model.shown]
    assert (np.diff((kinds == "amorphous").astype(int)) >= 0).all()
    starts = 1 + (structures[1:] != structures[:-1]).sum()
    assert starts == len(set(structures))
    usable = np.isfinite(model.errors()).any(axis=0)
    assert len(model.shown) == usable.sum()


def test_filters_combine(db, model):
    everything = len(model.shown)
    model.kind = "crystal"
    assert set(db["kind"][model.shown]) == {"crystal"}
    model.training = "new"
    roles_left = {one.role[i] for one in model.judged for i in model.shown}
    assert roles_left == {NEW}
    both = model.shown
    model.lowest = float(np.median(model.worst()[both]))
    assert 0 < len(model.shown) < len(both) and (model.worst()[model.shown] >= model.lowest).all()
    model.text = "no such mineral"
    assert not len(model.shown) and model.ranking() == [] and model.place() is None
    with pytest.raises(DataError, match="nothing to save"):
        model.csv()
    model.step(1)  # nowhere to go: nothing happens
    model.reset()
    assert len(model.shown) == everything


def test_the_walk_goes_from_the_worst_to_the_best_and_stops_there(model):
    worst, ranking = model.worst(), model.ranking()
    errors = [worst[model.positions[label]] for label in ranking]
    assert errors == sorted(errors, reverse=True) and len(set(ranking)) == len(model.shown)
    model.go(0)
    model.step(-1)
    assert model.selection == (ranking[0],)
    model.step(1)
    assert model.selection == (ranking[1],)
    model.go(len(ranking) - 1)
    model.step(1)
    assert model.selection == (ranking[-1],)


def test_a_box_narrows_the_walk_but_not_the_plot(model):
    everything, inside = len(model.shown), model.ranking()[5:9]
    model.box(inside[::-1])
    assert model.ranking() == inside and model.selection == (inside[0],) and len(model.shown) == everything
    model.step(1)
    assert model.selection == (inside[1],)
    model.box([])
    assert len(model.ranking()) == everything and model.selection == (inside[1],)


def test_unknown_site_is_refused(model):
    with pytest.raises(DataError, match="quartz/O99"):
        model.select("quartz/O99")


def test_medians_leave_out_what_was_trained_on(db, model):
    rows = {group: (count, structures, medians) for group, count, structures, medians in model.medians()}
    for group, kind in (("crystals", "crystal"), ("amorphous", "amorphous")):
        mask = np.all([one.new for one in model.judged], axis=0) & (db["kind"] == kind)
        assert rows[group][0] == mask.sum() and rows[group][1] == len(set(db["structure"][mask]))
        np.testing.assert_allclose(rows[group][2], [np.median(one.mse[mask]) for one in model.judged])
    model.training = "known"
    assert model.medians() == []


def test_the_detail_shows_the_error_that_the_plot_shows(model):
    model.go(3)
    detail, row = model.detail(), model.positions[model.selection[0]]
    for curve, one in zip(detail["curves"], model.judged):
        computed = np.interp(curve["energy"], curve["computed_energy"], curve["computed"])
        assert ((curve["mean"] - computed) ** 2).mean() == pytest.approx(one.mse[row], rel=0.05, abs=1e-4)
        assert computed.mean() == pytest.approx(1, rel=1e-5)
        # drawn as it is stored, not in the network's bins
        energy, stored = model.db[[row]].curves()
        energy = energy + target_shift(model.db[[row]], one.data.target)[0]
        np.testing.assert_allclose(np.diff(curve["computed_energy"]), 0.1, atol=1e-4)
        whole = np.interp(curve["computed_energy"], energy, stored[0])
        np.testing.assert_allclose(curve["computed"] / curve["computed"].max(), whole / whole.max(), atol=0.02)
        assert (curve["lower"] <= curve["mean"] + 1e-6).all() and (curve["mean"] <= curve["upper"]).all()
    assert detail["inputs"].shape == (len(detail["channels"]), len(detail["input_energy"]))


def test_polarised_spectra_of_a_site_are_those_stored_and_their_mean_is_the_mean(model):
    model.select("stishovite/O2")
    mean, along = model.detail()["curves"], []
    for model.along in "xyz":
        along.append(model.detail()["curves"])
        assert all(curve["lower"] is None and curve["title"].endswith(f"along {model.along}") for curve in along[-1])
    for k, curve in enumerate(mean):
        np.testing.assert_allclose(np.mean([c[k]["mean"] for c in along], 0), curve["mean"], atol=1e-5)
        binned = np.interp(curve["energy"], curve["computed_energy"], curve["computed"])
        np.testing.assert_allclose(np.mean([c[k]["computed"] for c in along], 0), binned, atol=0.03)
        spread = np.ptp([c[k]["computed"] for c in along], axis=0).max()
        assert spread > 0.5 and np.ptp([c[k]["mean"] for c in along], axis=0).max() > 0.3 * spread
    model.along = "mean"


def test_a_site_unlike_all_training_structures_is_called_so_with_the_reason(shipped, narrow):
    """The reason is looked up in the data: what it says is larger or smaller there is."""
    model = InspectModel(shipped, narrow)
    model.first, model.second = "narrow", NO_MODEL
    assert model.state == "ready", model.problem
    one = model.judged[0]
    trained = np.isin(one.role[one.row >= 0], (TRAIN, VALIDATION))
    known = one.data.subset(trained)
    assert 0 < len(known) and "stishovite" not in known.structures
    model.select("stishovite/O2")
    sentences = [text for text, warn in model.remarks() if warn]
    assert len(sentences) == 1 and sentences[0].startswith("Outside the training data of the network narrow because ")
    found = re.findall(r"(O p|Si p) from (\S+) to (\S+) eV(?: and elsewhere)? lies (higher|lower)", sentences[0])
    assert found
    features = one.data.inputs[one.row[model.positions["stishovite/O2"]]]
    for channel, low, high, word in found:
        k = one.data.choice.channels.index(channel)
        inside = (one.data.energy > float(low) - 0.06) & (one.data.energy < float(high) + 0.06)
        others, own = known.inputs[:, k, inside], features[k, inside]
        assert inside.any() and ((own > others.max(0)) if word == "higher" else (own < others.min(0))).all()
    model.select("quartz-alpha/O3")
    assert not any("Outside" in text for text, _ in model.remarks())
    gaps = shipped["band_gap"][shipped["structure"] == "prototype-08"]
    model.select("prototype-08/O8")
    assert any(f"band gap {gaps[0]:.2f} eV lies below the smallest in training" in text for text, _ in model.remarks())
    model.training = "new"
    rows = {
        row["site"]: row
        for row in csv.DictReader(line for line in model.csv()[1].decode().splitlines() if not line.startswith("#"))
    }
    assert float(rows["stishovite/O2"]["out_of_domain_1"]) > 1
    assert rows["stishovite/O2"]["why_1"] in sentences[0]


def test_a_site_like_the_training_structures_or_trained_on_is_called_so(model):
    for label in model.ranking():
        model.select(label)
        row = model.positions[label]
        texts = [text for text, _ in model.remarks()]
        known, strange = (
            [is_so(one) for one in model.judged]
            for is_so in (lambda one: one.role[row] in KNOWN, lambda one: one.score[row] > 1)
        )
        assert sum("no test" in text for text in texts) == len({one.role[row] for one in model.judged} & set(KNOWN))
        assert any(
            "Outside the training data of the network" in text or "Outside the training data of both" in text
            for text in texts
        ) == any(strange)
        assert any("Within the training data" in text for text in texts) == (not any(strange))
        if all(known) and model.judged[0].role[row] == model.judged[1].role[row]:
            assert texts[0].startswith("Both networks were")


def test_csv_holds_every_site_shown(model):
    model.kind = "amorphous"
    name, content = model.csv()
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert name.endswith(".csv") and [row["site"] for row in rows] == [model.labels[i] for i in model.shown]
    for k, one in enumerate(model.judged, start=1):
        values = [float(row[f"mse_{k}"]) for row in rows]
        np.testing.assert_allclose(values, one.mse[model.shown], rtol=1e-5)
        assert {row[f"training_{k}"] for row in rows} <= {TRAIN, VALIDATION, TWIN, NEW}


def test_twins_of_structures_trained_on_count_as_known(db, session):
    data = judge(db, session.models[0]).data
    twins = [g for g in set(data.groups) if len(set(data.structures[data.groups == g])) > 1]
    if not twins:
        pytest.skip("no near duplicates in this database")
    pair = sorted(set(data.structures[data.groups == twins[0]]))
    found = roles({"train": [pair[0]], "validation": []}, data)
    assert set(found[data.structures == pair[1]]) == {TWIN} and set(found[data.structures == pair[0]]) == {TRAIN}
    assert set(found[~np.isin(data.structures, pair)]) == {NEW}


def test_a_model_that_cannot_be_opened_is_a_sentence(db, session, tmp_path):
    broken = Session(db)
    broken.models = [NamedModel("broken", session.models[0].card, "uploaded", folder=tmp_path / "gone", db=db)]
    model = InspectModel(db, broken)
    model.load()
    assert model.state == "failed" and "There is no model" in model.problem and model.judged == ()
    broken.models = []
    empty = InspectModel(db, broken)
    empty.load()
    assert empty.state == "failed" and "Train one" in empty.problem


def test_the_table_of_a_box_holds_what_is_in_the_box(model):
    inside = model.ranking()[:3]
    model.box(inside)
    name, content = model.csv()
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    assert sorted(line.partition(",")[0] for line in lines[1:]) == sorted(inside) and "box" in name
    model.box([])
    name, content = model.csv()
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    assert len(lines) == 1 + len(model.shown) and "box" not in name


def test_errors_stand_beside_those_of_plain_methods_only_where_the_same_was_predicted(model):
    groups = {group for group, *_ in model.medians()}
    yards = model.yardsticks()
    assert groups <= set(yards) and all(set(yards[group]) == {"mean spectrum", "kernel ridge"} for group in groups)
    for group, _, _, medians in model.medians():
        assert max(medians) < yards[group]["mean spectrum"]["mse_median"]
    one = model.judged[0]
    other = dataclasses.replace(
        one, data=dataclasses.replace(one.data, target=dataclasses.replace(one.data.target, window=(0.0, 20.0)))
    )
    model.judged = (other,)
    assert model.yardsticks() == {}


def test_plain_methods_evaluated_on_other_data_are_said_to_be(model):
    model.yardsticks()
    records = [record for group in model.yards.values() for record in group.values()]
    before = [record["data"] for record in records]
    try:
        for record in records:
            record["data"] = model.db.version
        assert model.yardstick_note() == ""
        records[0]["data"] = "0123456789ab"
        assert "version 0123456789ab" in model.yardstick_note()
    finally:
        for record, data in zip(records, before):
            record["data"] = data
