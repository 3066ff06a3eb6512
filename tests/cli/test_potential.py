"""`elnes-lab amorphous` and `elnes-lab predict --relax` as a person uses them."""

from pathlib import Path

import pytest
from ase.io import read, write

from elnes_lab.cli.potential import Line, span
from elnes_lab.cli.program import main
from elnes_lab.sources.potential import universal

RAW = Path(__file__).parents[2] / "data" / "raw"


@pytest.fixture(scope="module")
def planned():
    return {atoms.info["sid"]: atoms for atoms in read(RAW / "structures.extxyz", ":")}


def test_a_file_of_structures_is_checked(planned, tmp_path, capsys):
    good, both = tmp_path / "good.extxyz", tmp_path / "both.extxyz"
    write(good, planned["glass-131"])
    write(both, [planned["glass-131"], planned["quartz-alpha"]])
    assert main(["amorphous", "--check", str(good)]) == 0
    out = capsys.readouterr().out
    assert "glass-131: 13 of 13 checks passed" in out and "published: 2.20" in out and "FAILED" not in out
    assert main(["amorphous", "--check", str(both)]) == 1
    out = capsys.readouterr().out
    assert "quartz-alpha:" in out and "FAILED  Number of the space group 15" in out
    assert main(["amorphous", "--check", str(tmp_path / "none.cif")]) == 2
    assert "There is no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, says",
    [
        (["--atoms", "25"], "multiple of 3"),
        (["--atoms", "3"], "whole number from 12"),
        (["--density", "9"], "number from 1.5"),
        (["--hot", "20"], "number from 2500"),
        (["--models", "0"], "whole number from 1"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(words, says, tmp_path, capsys):
    assert main(["amorphous", "--output", str(tmp_path / "out"), *words]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_models_and_reasons_are_told(planned, tmp_path, capsys, monkeypatch):
    from elnes_lab.sources.potential import models

    class Made(models.Model):
        pass

    failed = Made("amorphous-72-2", False, {"problem": "The dynamics goes astray."})
    passed = Made("amorphous-72-1", True, {"seconds": 3.0})

    def make(folder, atoms, seeds, schedule, report, stop):
        assert (atoms, list(seeds), schedule.hot, schedule.quench) == (72, [1, 2], 5000.0, 10.0)
        report(passed.sid, models.Moment("melt", 20, 6000, 4500.0, 4480.0, 700.0))
        report(passed.sid, passed)
        return [passed, failed]

    monkeypatch.setattr(models, "make_models", make)
    command = ["amorphous", "--output", str(tmp_path), "--models", "2", "--hot", "5000"]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "1 of 2 models passed" in out and f"elnes-lab compute {tmp_path / 'structures.extxyz'} --dry-run" in out
    assert "melt, step 20 of 6,000, 4480 K, about 12 min left" in err and "goes astray" in err

    def stopped(*arguments, **rest):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "make_models", stopped)
    assert main(command) == 130 and "goes on" in capsys.readouterr().err


def test_a_line_is_told_now_and_then(capsys, monkeypatch):
    told = Line()
    told.write("one")
    told.write("two")
    told.write("three", last=True)
    assert capsys.readouterr().err == "one\nthree\n"
    assert [span(s) for s in (40, 700, 7500)] == ["40 s", "12 min", "2 h 05 min"]


def test_relaxing_is_for_structures_and_says_what_it_needs(planned, tmp_path, capsys, monkeypatch):
    assert main(["predict", "ensemble-pdos", str(tmp_path / "a.csv"), "--relax"]) == 2
    assert "structure file" in capsys.readouterr().err
    monkeypatch.setattr(universal, "find_spec", lambda name: None)
    universal.network.cache_clear()
    file = tmp_path / "quartz.extxyz"
    write(file, planned["quartz-alpha"])
    assert main(["predict", str(file), "--relax"]) == 2
    assert "pip install" in capsys.readouterr().err


@pytest.mark.skipif(bool(universal.missing()), reason=universal.INSTALL)
def test_a_relaxed_structure_is_predicted_and_the_file_says_so(planned, tmp_path, capsys):
    file, plain, relaxed = tmp_path / "POSCAR", tmp_path / "plain.csv", tmp_path / "relaxed.csv"
    swollen = planned["quartz-alpha"].copy()
    swollen.set_cell(swollen.cell * 1.02, scale_atoms=True)
    write(file, swollen, format="vasp")
    before = file.read_bytes()
    assert main(["predict", str(file), str(plain)]) == 0
    assert main(["predict", str(file), str(relaxed), "--relax"]) == 0
    err = capsys.readouterr().err
    assert "Relaxed with CHGNet 0.3.0" in err and "density, g/cm³:" in err
    assert "Relaxed with CHGNet" not in plain.read_text() and file.read_bytes() == before
    assert "# note: not the structure as it was given. Relaxed with CHGNet 0.3.0" in relaxed.read_text()
    curve = lambda path: [line.split(",")[1] for line in path.read_text().splitlines() if line[0].isdigit()]
    assert curve(plain) != curve(relaxed)
