"""The command line as a person or a program uses it."""
import json
import shutil
import socket

import pandas as pd
import pytest

from elnes_lab.cli import main
from elnes_lab.dashboard.serving.start import serve
from elnes_lab.errors import DataError


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


def test_export_of_a_filter(built, tmp_path, capsys):
    file = tmp_path / "spectra.csv"
    arguments = ["export", str(file), "--database", str(built), "--where", "source == 'mineral'", "--zero", "loss"]
    assert main(arguments) == 0
    assert list(pd.read_csv(file, comment="#").columns)[1:] == ["quartz-alpha/O3", "stishovite/O2"]
    assert main(arguments) == 2 and "overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0


@pytest.mark.parametrize("arguments, says", [
    (["export", "x.csv", "--where", "bandgap > 5"], "band_gap"),
    (["export", "x.csv", "--site", "quartz-alpha/O9"], "quartz-alpha/O3"),
    (["export", "x.docx"], "csv"),
    (["export", "x.csv", "--where", "band_gap > 99"], "empty"),
    (["info", "--database", "nowhere"], "build"),
    (["build", "--raw", "nowhere"], "nowhere"),
    (["serve", "--port", "1000000"], "--port"),
    (["serve", "--ip", "300.0.0.1"], "--port"),
])
def test_wrong_input_is_one_sentence_and_status_2(built, tmp_path, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(built, tmp_path / "data")
    monkeypatch.setenv("ELNES_LAB_DATA", str(tmp_path / "data"))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error.lower() or says in error
    assert "Traceback" not in error and not (tmp_path / "x.csv").exists()


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
