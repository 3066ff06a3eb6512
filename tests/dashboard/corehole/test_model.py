"""Core hole without widgets: what is learnt of it at the sites of the shipped models, and the walk through them."""

import numpy as np
import pytest

from elnes_lab import open_database
from elnes_lab.dashboard.common.words import ALL
from elnes_lab.dashboard.corehole.model import CoreHoleModel
from elnes_lab.dashboard.session import Session
from elnes_lab.figures.corehole import learnt_figure
from elnes_lab.learning import metrics


@pytest.fixture(scope="module")
def db():
    return open_database(verify=False)


@pytest.fixture
def holes(db):
    model = CoreHoleModel(db, Session(db))
    model.load()
    assert model.state == "ready", model.problem
    return model


def test_core_hole_begins_with_a_usual_amorphous_site_and_has_three_curves_each(db, holes):
    site = holes.selection[0]
    assert db["kind"][holes.positions[site]] == "amorphous"
    curves = holes.curves()["curves"]
    assert len(curves) == 2
    for curve, result, one in zip(curves, holes.effects, holes.judged):
        left, whole = (((curve[name] - curve["computed"]) ** 2).mean() for name in ("predicted", "ground"))
        assert 1 - left / whole == pytest.approx(result.learnt[one.row[holes.positions[site]]], abs=0.02)
        np.testing.assert_allclose(np.diff(curve["energy"]), 0.1, atol=1e-4)  # all points that are stored


def test_what_is_learnt_is_the_whole_at_most(holes):
    learnt = holes.learnt()
    assert np.isfinite(learnt[:, holes.shown]).all() and (learnt[:, holes.shown] < 1).all()
    assert np.median(learnt[:, holes.shown]) > 0.5  # the networks do know of the core hole


def test_core_hole_walk_begins_with_the_least_learnt(holes):
    ranking, learnt = holes.ranking(), holes.learnt().min(axis=0)
    values = [learnt[holes.positions[label]] for label in ranking]
    assert values == sorted(values)
    holes.kind = "crystal"
    holes.go(0)
    assert not holes.amorphous[holes.positions[holes.selection[0]]] and holes.kind != ALL
    holes.text = "no such mineral"
    assert learnt_figure(**holes.summary()).data and holes.ranking() == [] and holes.medians() == []


def test_numbers_of_a_site_agree_with_its_curves(holes):
    heads, rows = holes.numbers()
    assert heads == ["PDOS", "computed", *holes.titles()]
    assert all(len(cells) == len(heads) for _, _, cells in rows)
    share = {name: cells for name, _, cells in rows}["Intensity near the edge"]
    curve = holes.curves()["curves"][0]
    near = metrics.edge_weight(curve["energy"], curve["computed"])
    assert float(share[1].split()[0]) == pytest.approx(100 * near, abs=1.5)  # of bins there, of points here
