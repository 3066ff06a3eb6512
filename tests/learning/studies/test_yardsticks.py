"""Errors of plain methods out of the evaluation that came with the data."""

import json

import pytest

from elnes_lab.learning.studies.yardsticks import MODELS, yardsticks
from elnes_lab.store import data_directory


def test_the_shipped_evaluation_has_them_for_both_groups_and_their_order_is_as_reported():
    path = data_directory() / "models" / "evaluation.json"
    found = yardsticks(path)
    assert set(found) == {"crystal", "amorphous"}
    for group, methods in found.items():
        assert set(methods) == set(MODELS)
        assert methods["kernel ridge"]["mse_median"] < methods["mean spectrum"]["mse_median"]
        same = [
            r
            for r in json.loads(path.read_text())
            if r["group"] == group and r["model"] == "kernel ridge" and r["grouping"] == "net" and r["inputs"] == "pdos"
        ]
        assert [methods["kernel ridge"]] == same


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '[{"model": "mean spectrum"}]',
        "[" * 100_000,
        None,
        '[{"model": "mean spectrum", "inputs": "pdos", "grouping": "net", "mse_median": "x"}]',
    ],
)
def test_without_one_that_can_be_read_there_are_none(tmp_path, content):
    if content is not None:
        (tmp_path / "evaluation.json").write_text(content)
    assert yardsticks(tmp_path / "evaluation.json") == {}
