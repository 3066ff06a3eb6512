"""The command line as a person or a program uses it."""

import errno
import json
import os
import shutil
import socket

import pandas as pd
import pytest

from elnes_lab.cli.program import main
from elnes_lab.dashboard.serving import confine
from elnes_lab.dashboard.serving.start import serve
from elnes_lab.errors import DataError

LONG = "x" * 300


def test_build_then_info_for_programs(raw, tmp_path, capsys):
    (raw / "prototype-04" / "O5.npz").write_bytes(b"damaged")
    (raw / "prototype-04" / "O6.npz").unlink()
    assert main(["build", "--raw", str(raw), "--output", str(tmp_path / "out"), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert main(["info", "--json", "--database", str(tmp_path / "out")]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info == built
    assert info["spectra"] == 6 and info["structures"] == 3 and info["kind"] == {"crystal": 6}
    assert info["source"] == {"mineral": 2, "prototype": 4}
    assert info["missing"] == ["prototype-04/O6"]
    assert [row["site"] for row in info["rejected"]] == ["prototype-04/O5"]
    assert "truncated" in info["rejected"][0]["reason"]


def test_info_for_people_hides_nothing(raw, tmp_path, capsys):
    (raw / "prototype-04" / "O5.npz").write_bytes(b"damaged")
    (raw / "prototype-04" / "O6.npz").unlink()
    main(["build", "--raw", str(raw), "--output", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "6 of 8 planned" in text and "prototype-04/O5: not readable" in text and "prototype-04 (1)" in text


def test_info_of_a_complete_database_says_so(built, capsys):
    assert main(["info", "--database", str(built)]) == 0
    text = capsys.readouterr().out
    assert "8 of 8 planned" in text and "nothing: every planned site is a row" in text and "computed yet" not in text


def test_export_of_a_filter(built, tmp_path, capsys):
    file = tmp_path / "spectra.csv"
    arguments = ["export", str(file), "--database", str(built), "--where", "source == 'mineral'", "--zero", "loss"]
    assert main(arguments) == 0
    assert list(pd.read_csv(file, comment="#").columns)[1:] == ["quartz-alpha/O3", "stishovite/O2"]
    assert main(arguments) == 2 and "overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["export", "x.csv", "--where", "bandgap > 5"], "band_gap"),
        (["export", "x.csv", "--site", "quartz-alpha/O9"], "quartz-alpha/O3"),
        (["export", "x.docx"], "csv"),
        (["export", "x.csv", "--where", "band_gap > 99"], "empty"),
        (["info", "--database", "nowhere"], "build"),
        (["build", "--raw", "nowhere"], "nowhere"),
        (["serve", "--port", "1000000"], "--port"),
        (["serve", "--ip", "300.0.0.1"], "--port"),
        (["serve", "--ip", "x" * 300], "--ip"),
        (["serve", "--ip", "\udcff"], "--ip"),
        (["serve", "--ip", ""], "empty"),
        (["serve", "--port", "0"], "65535"),
        (["serve", "--preheated", "-1"], "--preheated"),
        (["serve", "--viewers", "-1"], "--viewers"),
        (["serve", "--viewers", "1"], "nobody"),
        (["serve", "--memory", "nan"], "--memory"),
        (["serve", "--memory", "-1"], "--memory"),
        (["serve", "--memory", "1"], "700"),
        (["serve", "--memory", "inf"], "--memory"),
        (["serve", "--base-url", "a b"], "--base-url"),
        (["serve", "--hostname", "a b"], "--hostname"),
        (["build", "--output", "file"], "no folder"),
        (["build", "--output", "file/below"], "no folder"),
        (["build", "--output", "/proc/x"], "cannot be written"),
        (["build", "--output", LONG], "too long"),
        (["build", "--output", ""], "empty"),
        (["build", "--raw", LONG], "too long"),
        (["build", "--raw", "file"], "no folder"),
        (["info", "--database", LONG], "too long"),
        (["info", "--database", ""], "empty"),
        (["info", "--bogus"], "--bogus"),
        (["info", "x" * 5000], "..."),
        ([], "command"),
        (["bogus"], "build"),
        (["export", LONG + ".csv"], "too long"),
        (["export", "x.csv", "--database", LONG], "too long"),
        (["export", "nowhere/x.csv"], "no folder"),
        (["export", "file/x.csv"], "no folder"),
        (["export", "/proc/x.csv"], "cannot be written"),
        (["export", "/dev/null", "--format", "csv", "--overwrite"], "no plain file"),
        (["export", ""], "empty"),
        (["export", "link.csv", "--overwrite"], "no plain file"),
        (["export", "x.csv", "--where", ""], "empty"),
        (["export", "x.csv", "--where", "@Store.__init__.__globals__['os'].system('touch x.csv')"], "uses @"),
        (["export", "x.csv", "--where", "structure.to_csv('x.csv') == 1"], "to_csv"),
        (["export", "x.csv", "--where", "9**9**9 > band_gap"], "**"),
        (["export", "x.csv", "--fwhm", "nan"], "--fwhm"),
        (["export", "x.csv", "--fwhm", "-1"], "--fwhm"),
        (["export", "x.csv", "--site", ""], "empty"),
        (["export", "x.csv", "--site", "quartz-alpha/O3", "--where", "kind == 'amorphous'"], "empty"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(
    built,
    tmp_path,
    capsys,
    monkeypatch,
    arguments,
    says,
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(built, tmp_path / "data")
    monkeypatch.setenv("ELNES_LAB_DATA", str(tmp_path / "data"))
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nothing")
    monkeypatch.setattr("os.execve", lambda *words: pytest.fail("served"))
    there = sorted(tmp_path.rglob("*"))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error.lower() or says in error
    assert error.count("\n") == 1 and len(error) < 1000
    assert sorted(tmp_path.rglob("*")) == there and (tmp_path / "file").read_text() == "kept"


def test_build_says_before_it_reads_that_it_cannot_write(raw, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setattr("elnes_lab.build.collect", lambda raw: pytest.fail("the raw files were read"))
    assert main(["build", "--raw", str(raw), "--output", str(tmp_path / "file")]) == 2


@pytest.mark.parametrize(
    "problem, status, says",
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "x.nc"), 2, "x.nc: Permission denied"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_what_the_machine_refuses_is_a_sentence_too(problem, status, says, capsys, monkeypatch):
    def fail(*arguments, **options):
        raise problem

    monkeypatch.setattr("elnes_lab.database.open_database", fail)
    assert main(["info"]) == status
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_full_disk_loses_no_file(built, tmp_path, capsys, monkeypatch):
    file = tmp_path / "spectra.csv"
    file.write_text("kept")

    def full(*names):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert main(["export", str(file), "--database", str(built), "--overwrite"]) == 2
    assert "No space left" in capsys.readouterr().err
    assert file.read_text() == "kept" and list(tmp_path.iterdir()) == [file]


def test_names_that_are_no_text_are_written_and_told(built, tmp_path, capsys):
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")
    twice = ["--site", "quartz-alpha/O3"] * 2
    assert main(["export", file, "--database", str(built), *twice]) == 0
    assert os.path.exists(file) and "1 spectra" in capsys.readouterr().out


def test_serve_asks_for_a_token_only_where_others_can_reach_it(monkeypatch):
    started = []
    monkeypatch.setattr("os.execve", lambda *words: started.append(words[1]))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DataError, match=f"Port {port}"):
            serve(port=port)
    serve(port=port)
    serve(port=port, ip="0.0.0.0")
    assert ["--Voila.auto_token=True" in words for words in started] == [False, True]


def test_serve_allows_calculations_only_when_told_and_with_an_engine(monkeypatch, tmp_path, capsys):
    from elnes_lab.sources.calculations.calculation import NUMBER
    from elnes_lab.sources.qe import engine

    assert confine.CALCULATIONS == NUMBER
    told = []
    monkeypatch.setattr(os, "execve", lambda path, words, environment: told.append(environment[NUMBER]))
    monkeypatch.setenv("ELNES_LAB_CALCULATIONS_FOLDER", str(tmp_path / "place"))
    monkeypatch.setenv(NUMBER, "7")  # what the command does not say is not taken from the environment
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve(port=port)
    monkeypatch.setattr(engine, "find_engine", lambda: "Quantum ESPRESSO of this test")
    serve(port=port, calculations=2)
    assert told == ["0", "2"] and f"Quantum ESPRESSO of this test; in {tmp_path / 'place'}" in capsys.readouterr().out

    def none():
        raise DataError("There is no usable Quantum ESPRESSO.")

    monkeypatch.setattr(engine, "find_engine", none)
    with pytest.raises(DataError, match="no usable"):
        serve(port=port, calculations=1)
    assert len(told) == 2


@pytest.mark.parametrize(
    "command",
    ["", "build", "train", "predict", "match", "quantify", "converge", "compute", "card", "data", "import", "fetch"],
)
def test_help_is_printed(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*filter(None, [command]), "--help"])
    assert end.value.code == 0 and f"usage: elnes-lab {command}".strip() in capsys.readouterr().out
