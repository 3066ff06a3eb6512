"""The evaluation of the structure route on a few crystals: each is held out once, and the report says what was found."""

import numpy as np
import pytest

from elnes_lab.learning.site_dataset import SiteDataset
from elnes_lab.learning.studies.report_structure import route as reported
from elnes_lab.learning.studies.structure import BOTH, MEAN, ROUTE, evaluate_route

SOME = (
    "ACO",
    "SOD",
    "coesite",
    "cristobalite",
    "prototype-04",
    "prototype-10",
    "prototype-13",
    "quartz-alpha",
    "quartz-beta",
)


@pytest.fixture(scope="module")
def found(shipped):
    return evaluate_route(shipped[np.isin(shipped["structure"], SOME)], seeds=1, folds=3, models=(ROUTE, BOTH, MEAN))


def test_each_crystal_is_held_out_once_and_directions_are_learnt(found, shipped):
    records = {r["model"]: r for r in found["records"]}
    rows = SiteDataset.from_database(shipped[np.isin(shipped["structure"], SOME)])
    assert {r["n"] for r in records.values()} == {len(rows)} and set(records) == {ROUTE, BOTH, MEAN}
    assert records[BOTH]["mse_polarized_median"] < 0.8 * records[MEAN]["mse_polarized_median"]
    assert [p["share"] for p in found["curve"]] == [0.25, 0.5, 1.0]
    assert {t["rival"] for t in found["tests"]} == {BOTH, MEAN}


def test_the_report_tells_which_goals_are_met(found):
    text = "\n".join(reported(found))
    assert "From the structure alone" in text and f"`{BOTH}`" in text and "mean of the training spectra alone" in text
    spoilt = found | {"records": [r | {"mse_median": 0.5} for r in found["records"]]}
    assert "missed" in "\n".join(reported(spoilt))
