"""The learning commands, on the shipped database with a few epochs."""
import json

import numpy as np
import pandas as pd
import pytest

from elnes_lab.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "small"
    assert main(["train", str(folder), "--gap", "--members", "2", "--epochs", "2"]) == 0
    return folder


def test_trained_model_predicts_spectra_of_mean_one(model, shipped, tmp_path):
    assert json.loads((model / "card.json").read_text())["inputs"]["scalars"] == ["band_gap"]
    file = tmp_path / "predicted.csv"
    arguments = ["predict", str(model), str(file), "--where", "source == 'mineral'"]
    assert main(arguments) == 0
    table = pd.read_csv(file, comment="#", index_col="energy_eV")
    spectra = table[[name for name in table if " " not in name]]
    assert set(spectra) <= set(shipped.query("source == 'mineral'").sites) and "quartz-alpha/O3" in spectra
    np.testing.assert_allclose(spectra.mean(), 1, atol=0.1)
    assert (spectra.to_numpy() >= 0).all()
    assert main(arguments) == 2 and main([*arguments, "--overwrite"]) == 0


def test_evaluate_writes_one_record_per_model_inputs_and_group(tmp_path):
    file = tmp_path / "evaluation.json"
    arguments = ["--json", str(file), "--docs", str(tmp_path), "--seeds", "1", "--workers", "0"]
    assert main(["evaluate", "--models", "mean spectrum", "ridge", *arguments]) == 0
    records = json.loads(file.read_text())
    assert {(r["model"], r["inputs"], r["group"]) for r in records} == {
        (m, i, g) for m in ("mean spectrum", "ridge") for i in ("pdos", "pdos+gap") for g in ("crystal", "amorphous")}
    error = {(r["model"], r["inputs"], r["group"]): r["mse_median"] for r in records}
    assert error["ridge", "pdos", "crystal"] < error["mean spectrum", "pdos", "crystal"]
    assert "ridge" in (tmp_path / "learning.md").read_text()


@pytest.mark.parametrize("arguments, says", [
    (["train"], "folder"),
    (["predict", "nowhere", "x.csv"], "card.json"),
    (["evaluate", "--models", "oracle"], "ridge"),
    (["evaluate", "--models", "ridge", "--folds", "1000", "--workers", "0"], "fewer folds"),
    (["search", "width"], "width=64"),
    (["search", "wdth=64", "--workers", "0"], "width"),
])
def test_wrong_input_is_one_sentence_and_status_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error and not (tmp_path / "x.csv").exists()
