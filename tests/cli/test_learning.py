"""The learning commands, on the shipped database with a few epochs."""

import json

import numpy as np
import pandas as pd
import pytest

from elnes_lab.cli.program import main
from elnes_lab.store import data_directory

LONG = "x" * 300


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
        (m, i, g) for m in ("mean spectrum", "ridge") for i in ("pdos", "pdos+gap") for g in ("crystal", "amorphous")
    }
    error = {(r["model"], r["inputs"], r["group"]): r["mse_median"] for r in records}
    assert error["ridge", "pdos", "crystal"] < error["mean spectrum", "pdos", "crystal"]
    assert "ridge" in (tmp_path / "learning.md").read_text()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["train"], "folder"),
        (["predict", "nowhere", "x.csv"], "ensemble-pdos-gap"),
        (["predict", "ensemble-pdos", "x.csv", "--where", "band_gap > 99"], "no spectrum"),
        (["predict", "ensemble-pdos", "x.csv", "--where", "band_gap"], "true or false"),
        (["evaluate", "--models", "oracle"], "ridge"),
        (["evaluate", "--models", "ridge", "--folds", "1000", "--workers", "0"], "fewer folds"),
        (["evaluate", "--docs", "docs"], "numbers"),
        (["study", "--docs", "docs"], "numbers"),
        (["search", "wdth=64", "--workers", "0"], "width"),
        (["search", "skip=5", "--workers", "0"], "skip"),
        (["search", "members=" + "1," * 200 + "1", "width=" + "1," * 200 + "1"], "40,401"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "learning.json").write_text("{damaged")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert (tmp_path / "docs" / "learning.json").read_text() == "{damaged" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["train", ""], "empty"),
        (["train", "file"], "no folder"),
        (["train", "file/below"], "no folder"),
        (["train", "/proc/x"], "cannot be written"),
        (["train", LONG], "too long"),
        (["train", "x/" * 3000], "6000 bytes"),
        (["train", "taken"], "is a folder"),
        (["train", "--shipped", "file"], "no folder"),
        (["train", "m", "--members", "0"], "1 to 256"),
        (["train", "m", "--epochs", "0"], "--epochs"),
        (["train", "m", "--epochs", "-1"], "--epochs"),
        (["train", "m", "--epochs", "9" * 5000], "--epochs"),
        (["train", "m", "--seed", "-1"], "4294967295"),
        (["train", "m", "--seed", str(2**32)], "4294967295"),
        (["train", "m", "--seed", "9" * 5000], "4294967295"),
        (["predict", "ensemble-pdos", LONG + ".csv"], "too long"),
        (["predict", "ensemble-pdos", "file/x.csv"], "no folder"),
        (["predict", "ensemble-pdos", "nowhere/x.csv"], "no folder"),
        (["predict", "ensemble-pdos", "taken", "--overwrite"], "folder"),
        (["predict", "ensemble-pdos", "/dev/null", "--overwrite"], "no plain file"),
        (["predict", "ensemble-pdos", "file"], "exists"),
        (["predict", "ensemble-pdos", "/proc/x"], "cannot be written"),
        (["predict", LONG, "x.csv"], "too long"),
        (["predict", "ensemble-pdos", "x.csv", "--where", ""], "empty"),
        (["predict", "", "x.csv"], "empty"),
        (["evaluate", "--json", LONG], "too long"),
        (["evaluate", "--seeds", "0"], "--seeds"),
        (["evaluate", "--seeds", "-1"], "--seeds"),
        (["evaluate", "--seeds", "9" * 30], "--seeds"),
        (["evaluate", "--folds", "1"], "--folds"),
        (["evaluate", "--workers", "-1"], "--workers"),
        (["evaluate", "--scheduler", ""], "empty"),
        (["study", "--seeds", "0"], "--seeds"),
        (["search"], "NAME=VALUE"),
        (["search", "width"], "width=64"),
        (["search", "width="], "width=64"),
        (["search", "width=1", "--seeds", "0"], "--seeds"),
        (["search", "width=1", "width=2"], "twice"),
        (["search", "width=" + "[" * 100_000], "width=64"),
    ],
)
def test_what_cannot_be_is_told_before_the_database_is_opened(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("elnes_lab.database.open_database", lambda *words, **options: pytest.fail("opened"))
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken" / "model.safetensors").mkdir(parents=True)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and len(error) < 1000
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "model.safetensors", "taken"]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["evaluate", "--json", "file/x"], "no folder"),
        (["evaluate", "--json", "taken"], "folder"),
        (["evaluate", "--json", "/proc/x"], "cannot be written"),
        (["evaluate", "--json", "/dev/null"], "no plain file"),
        (["evaluate", "--docs", "file"], "no folder"),
        (["evaluate", "--docs", "taken"], "learning.md"),
        (["study", "--docs", "taken"], "learning.md"),
    ],
)
def test_a_place_for_hours_of_work_is_tried_first(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("results.evaluate", "inputs.study_inputs"):
        monkeypatch.setattr(f"elnes_lab.learning.studies.{name}", lambda *words, **options: pytest.fail("computed"))
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken" / "learning.md").mkdir(parents=True)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and (tmp_path / "file").read_text() == "kept"


def test_predict_takes_a_model_as_it_was_downloaded(tmp_path, shipped, monkeypatch):
    from elnes_lab.learning.packed import pack

    (tmp_path / "mine.zip").write_bytes(pack(data_directory() / "models" / "ensemble-pdos"))
    monkeypatch.chdir(tmp_path)
    where = ["--where", "structure == 'quartz-alpha'"]
    assert main(["predict", "mine.zip", "mine.csv", *where]) == 0
    assert main(["predict", "ensemble-pdos", "shipped.csv", *where]) == 0
    texts = [(tmp_path / name).read_text() for name in ("mine.csv", "shipped.csv")]
    assert texts[0].replace("mine.zip", "ensemble-pdos") == texts[1]


def test_a_structure_file_is_predicted_from_the_structure_alone(shipped, tmp_path, capsys):
    from elnes_lab.io.export import export

    cif = tmp_path / "quartz.cif"
    export(shipped[["quartz-alpha/O3"]], cif)
    assert main(["predict", str(cif)]) == 0
    printed = capsys.readouterr().out
    assert (
        "SiO2" in printed and "own edge" in printed and "quartz-alpha of the training data is this structure" in printed
    )
    file = tmp_path / "out.csv"
    assert main(["predict", str(cif), str(file)]) == 0
    table = pd.read_csv(file, comment="#", index_col="energy_eV")
    assert {"average", "average lower", "O3", "O3 upper", "O3 x"} <= set(table) and (
        table["O3"] <= table["O3 upper"]
    ).all()
    assert table["O3"].mean() == pytest.approx(1, abs=0.03)
    assert printed.endswith(file.read_text()) and main(["predict", str(cif), str(file)]) == 2
    cif.write_text(cif.read_text().replace("Si ", "Ge ").replace("Si4+", "Ge"))
    capsys.readouterr()
    assert main(["predict", str(cif)]) == 2 and "Ge" in capsys.readouterr().err
