"""`elnes-lab compute` and `elnes-lab engine` as a person uses them; nothing is computed here."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from ase.io import read, write

from elnes_lab.build import build
from elnes_lab.cli.program import main
from elnes_lab.sources.qe.folder import Folder
from elnes_lab.sources.qe.plan import tools

RAW = Path(__file__).parents[2] / "data" / "raw"


@pytest.fixture(scope="module")
def listed(tmp_path_factory) -> Path:
    """A list of two structures that can be computed and one that cannot."""
    path = tmp_path_factory.mktemp("list") / "list.extxyz"
    chosen = [
        atoms for atoms in read(RAW / "structures.extxyz", ":") if atoms.info["sid"] in ("quartz-alpha", "prototype-04")
    ]
    foreign = chosen[0].copy()
    foreign.symbols[0] = "Ge"
    foreign.info["sid"] = "foreign"
    write(path, [*chosen, foreign])
    return path


@pytest.fixture(autouse=True)
def no_engine(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ELNES_LAB_ENGINE", raising=False)
    monkeypatch.setattr("elnes_lab.sources.qe.engine.environments", list)


def test_a_dry_run_counts_what_is_missing_and_leaves_nothing_behind(listed, tmp_path, capsys):
    command = ["compute", str(listed), "--output", str(tmp_path / "out"), "--dry-run", "--workers", "1"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert (
        "2 ground states and 7 spectra" in out and "quartz-alpha: ground, O3; 9 atoms, 54 in the core-hole cell" in out
    )
    assert "Left out: foreign" in err and "Ge" in err
    hours = re.search(r"about (?:(\d+) h )?(\d+) min", out)
    assert 5 < int(hours[1] or 0) * 60 + int(hours[2]) < 120
    (tmp_path / "have" / "quartz-alpha").mkdir(parents=True)
    shutil.copy(RAW / "quartz-alpha" / "O3.npz", tmp_path / "have" / "quartz-alpha")
    assert main([*command, "--have", str(tmp_path / "have")]) == 0
    assert "2 ground states and 6 spectra" in capsys.readouterr().out
    assert not list(tmp_path.glob("out*"))


def test_status_tells_finished_running_failed_and_waiting(listed, tmp_path, capsys):
    folder = Folder(tmp_path / "out")
    folder.prepare()
    folder.fail("prototype-04", "O5", "It did not converge.", {})
    claim = folder.claim("prototype-04", "O6")
    (tmp_path / "have" / "quartz-alpha").mkdir(parents=True)
    shutil.copy(RAW / "quartz-alpha" / "O3.npz", tmp_path / "have" / "quartz-alpha")
    assert (
        main(["compute", str(listed), "--output", str(tmp_path / "out"), "--have", str(tmp_path / "have"), "--status"])
        == 0
    )
    out = capsys.readouterr().out
    assert "finished 1 of 9" in out and "waiting  6" in out
    assert "prototype-04 O5: It did not converge." in out and re.search(
        r"running  1\n  prototype-04 O6: on .*, process \d+, since 20", out
    )
    claim.release()


def test_nothing_to_do_needs_no_engine(listed, tmp_path, capsys):
    assert (
        main(["compute", str(listed), "--only", "quartz-alpha", "--output", str(tmp_path / "out"), "--have", str(RAW)])
        == 0
    )
    assert "2 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], "make engine"),
        (["--only", "nothing"], "no structure nothing"),
        (["--sites", "O3"], "--only"),
        (["--only", "quartz-alpha", "--sites", "O4"], "O4 is not among the inequivalent oxygens of quartz-alpha: O3"),
        (["--only", "quartz-alpha", "--sites", "first"], "no list of oxygens"),
        (["--workers", "-1"], "workers cannot work"),
        (["--workers", "9999"], "workers cannot work"),
        (["--nice", "99999999999999999999"], "priority"),
        (["--have", "x" * 5000], "There is no folder"),
        (["--output", "x" * 5000], "Nothing can be written"),
        (["--scheduler", "tcp://127.0.0.1:1"], "No Dask scheduler"),
        (["--have", "nowhere"], "nowhere"),
        (["--quality", "best"], "no quality 'best'"),
        (["--setting", "iterations"], "not NAME=VALUE"),
        (["--setting", "hole=none"], "full core hole"),
        (["--recompute", "nothing"], "no structure nothing"),
        (["--recompute", "quartz-alpha", "--only", "quartz-alpha"], "Leave out --only"),
        (["--output", "/dev/null/out"], "Nothing can be written"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_status_2(
    listed,
    tmp_path,
    capsys,
    monkeypatch,
    arguments,
    says,
):
    monkeypatch.chdir(tmp_path)
    if says != "make engine":
        monkeypatch.setattr("elnes_lab.sources.qe.engine.find_engine", lambda: "an engine")
    assert main(["compute", str(listed), "--workers", "0", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error


def test_engine_says_what_there_is(capsys):
    assert main(["engine"]) == 2
    assert "no usable Quantum ESPRESSO" in capsys.readouterr().err


def test_the_books_of_the_queue_are_nothing_to_build_from(raw, tmp_path):
    folder = Folder(raw)
    folder.prepare()
    folder.store_density("quartz-alpha", "O4", {"site": 4}, 1.0)
    folder.fail("stishovite", "O3", "It did not converge.", {}, {"site": 3})
    assert build(raw, tmp_path / "built")["rejected"] == []


def test_an_engine_that_makes_no_pseudopotentials_stops_everything_and_fails_nothing(
    listed, tmp_path, capsys, monkeypatch
):
    for name in ("pw", "projwfc", "pp", "ld1"):
        program = tmp_path / f"{name}.x"
        program.write_text(f"#!{sys.executable}\nprint('Program PWSCF v.7.2 starts on')\n")
        program.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tools.cache_clear()
    command = ["compute", str(listed), "--output", str(tmp_path / "out"), "--workers", "0"]
    assert main(command) == 2
    assert "ld1.x ended without finishing" in capsys.readouterr().err
    assert main([*command, "--status"]) == 0
    out = capsys.readouterr().out
    assert "running  0" in out and "failed   0" in out and "waiting  9" in out


def test_a_path_that_cannot_be_is_a_sentence(capsys):
    assert main(["compute", "x" * 5000 + ".cif"]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_computing_again_is_planned_like_anything_else(listed, tmp_path, capsys):
    output = tmp_path / "out"
    shutil.copytree(RAW / "quartz-alpha", output / "quartz-alpha")
    command = ["compute", str(listed), "--output", str(output), "--recompute", "quartz-alpha"]
    wide = ["--setting", "image_distance=10.5", "--dry-run", "--workers", "1"]
    assert main([*command, *wide]) == 0
    out = capsys.readouterr().out
    assert "quartz-alpha: ground, O3; 9 atoms," in out and "1 ground states and 1 spectra" in out
    assert int(re.search(r"(\d+) in the core-hole cell", out)[1]) > 54
    assert main([*command, *wide, "--status"]) == 0 and "waiting  2" in capsys.readouterr().out
    assert main(["compute", str(listed), "--output", str(output), *wide]) == 0, "what is there is not computed again"
    assert "prototype-04: ground" in (out := capsys.readouterr().out) and "quartz-alpha" not in out


def test_spectra_for_the_ground_state_of_another_supercell_are_refused_before_they_are_computed(
    listed, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("elnes_lab.sources.qe.engine.find_engine", lambda: "an engine")
    (tmp_path / "out" / "quartz-alpha").mkdir(parents=True)
    shutil.copy(RAW / "quartz-alpha" / "ground.npz", tmp_path / "out" / "quartz-alpha")
    command = ["compute", str(listed), "--output", str(tmp_path / "out"), "--only", "quartz-alpha", "--workers", "0"]
    assert main([*command, "--setting", "image_distance=10.5"]) == 2
    assert "--recompute quartz-alpha" in capsys.readouterr().err


def test_no_ground_state_is_old(listed, tmp_path, capsys):
    command = ["compute", str(listed), "--output", str(tmp_path / "out"), "--recompute", "old-ground-states"]
    assert main(command) == 0
    assert "No stored ground state" in capsys.readouterr().out and not list(tmp_path.glob("out*"))
