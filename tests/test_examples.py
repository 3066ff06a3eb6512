"""The programs in examples/ run as they stand, in any folder, and are short enough to read."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
SAYS = {
    "overlay": ("quartz-alpha/O3: highest point at 5", ["overlay.html", "overlay.csv"]),
    "average": ("coesite/O8: ", ["average.csv"]),
    "most_alike": ("cosine", []),
    "train": ("crystals held out", ["my-model/card.json"]),
    "predict": (": MSE 0.", ["predicted.html"]),
}


def test_there_are_these_examples_of_20_to_60_lines():
    assert {path.stem: 20 <= len(path.read_text().splitlines()) <= 60 for path in FOLDER.glob("*.py")} == dict.fromkeys(
        SAYS, True
    )


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [f"{name}.py"])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    words, files = SAYS[name]
    assert words in capsys.readouterr().out
    assert all((tmp_path / file).stat().st_size > 500 for file in files)
