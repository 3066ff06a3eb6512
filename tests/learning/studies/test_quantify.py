"""The study of quantify: sums that a beam sees are right, methods see no held-out net, the report is that of its numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import elnes_lab
from elnes_lab.learning import load_quantifier
from elnes_lab.learning.quantification.training import Sites
from elnes_lab.learning.studies import quantify_tests as tests
from elnes_lab.learning.studies.quantify_methods import METHODS, Pool, cross_validated
from elnes_lab.learning.studies.report_quantify import markdown

DOCS = Path(elnes_lab.__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def rows(shipped):
    return shipped[np.isin(shipped["structure"].astype(str), list(load_quantifier().folds))]


@pytest.fixture(scope="module")
def sites(rows):
    return Sites.of(rows)


def test_averages_are_what_the_cell_shows(rows, sites):
    whole = tests.structure_averages(rows, sites)
    i = list(whole.structures).index("coesite")
    one = rows.query("structure == 'coesite'")
    weights = one["multiplicity"].astype(float)
    assert whole.values[i, 0] == pytest.approx(np.average(one["si_o_si_angle"], weights=weights))
    energy, curves = one.curves(zero="loss")
    mean = np.average(curves, axis=0, weights=weights)
    good = np.isfinite(mean)
    np.testing.assert_allclose(
        np.interp(energy[good], whole.energy, whole.intensity[i]), mean[good], atol=2e-3 * np.nanmax(mean)
    )


def test_mixtures_hold_no_net_that_the_answering_part_knows(rows, sites):
    model = load_quantifier()
    whole = tests.structure_averages(rows, sites)
    mixed = tests.mixtures(model, whole, np.random.default_rng(0), 30)
    low, high = whole.values.min(0), whole.values.max(0)
    assert (mixed.values >= low - 1e-9).all() and (mixed.values <= high + 1e-9).all() and len(mixed.zero) == 30


def test_methods_learn_what_is_there_and_not_what_was_held_out():
    random = np.random.default_rng(0)
    inputs = 0.5 * random.normal(size=(1, 160, 3))
    values = np.stack([inputs[0, :, 0], random.normal(size=160)], 1)
    fold, pool = np.arange(160) % 4, Pool(inputs, inputs)
    for name in ("ridge", "kernel ridge (shipped)"):
        error = np.abs(cross_validated(METHODS[name], pool, values, fold, random)[0] - values).mean(0)
        assert error[0] < 0.5 * np.abs(values[:, 0]).mean() and error[1] > 0.7 * np.abs(values[:, 1]).mean()
    hidden = cross_validated(METHODS["ridge"], pool, values, fold, random, np.array([False, True, True]))
    assert np.abs(hidden[0] - values).mean(0)[0] > 0.7 * np.abs(values[:, 0]).mean()


def test_scores_count_as_defined():
    truth = np.stack([np.arange(20.0)] * 6, 1)
    found = tests.scores(truth, truth[None] + 1, truth[None] - 1, truth[None] + 1)[0]
    assert (
        found["mae"] == 1
        and found["rmse"] == 1
        and found["coverage"] == 1
        and found["r2"] == pytest.approx(1 - 1 / 33.25)
    )
    assert tests.scores(truth * 0, truth * 0 + 1)[0]["r2"] is None


def test_the_report_is_that_of_its_numbers():
    found = json.loads((DOCS / "quantify.json").read_text())
    assert (DOCS / "quantify.md").read_text() == markdown(found)
    angle = {m["method"]: m["recorded"][0]["mae"] for m in found["methods"]}
    assert angle["kernel ridge (shipped)"] < 0.6 * angle["mean of the training sites"]
    assert angle["kernel ridge (shipped)"] <= angle["ridge"]
