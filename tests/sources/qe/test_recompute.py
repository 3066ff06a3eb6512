"""Rows computed again: when stored ones are replaced, what is kept, what a kill or a failure leaves."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.build import build
from elnes_lab.cli.recomputing import settings_of
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.sources.checks import electron_error
from elnes_lab.sources.qe.plan import Outcome
from elnes_lab.sources.qe.pools import Here
from elnes_lab.sources.qe.settings import FIRST, QUALITIES, Settings, changed, described
from elnes_lab.sources.quantum_espresso import read_ground, read_site

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import recompute_task  # noqa: E402
import stored_task  # noqa: E402

IDS = ("quartz-alpha", "stishovite", "prototype-17")
WIDE = "image_distance=10"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A list of three structures and the folder of what is stored of them; what begins is logged."""
    from ase.io import read, write

    monkeypatch.setenv("STORED_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("STORED_SECONDS", "0")
    frames = [atoms for atoms in read(stored_task.RAW / "structures.extxyz", ":") if atoms.info["sid"] in IDS]
    write(tmp_path / "list.extxyz", frames)
    for sid in IDS:
        shutil.copytree(stored_task.RAW / sid, tmp_path / "out" / sid)
        make_old(tmp_path / "out" / sid / "ground.npz", 1.0 if sid == "stishovite" else 0.97)
    return tmp_path


def make_old(path: Path, counted: float) -> None:
    """A ground state as the first ones were: no word of its settings, and a DOS that counts this part of the electrons."""
    with np.load(path) as file:
        arrays = {key: file[key] for key in file if key != "settings"}
    arrays["dos"] = (counted * recompute_task.counted(arrays)).astype(np.float32)
    np.savez(path, **arrays)


def contents(folder: Path) -> dict[str, bytes]:
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*/*.npz"))}


def begun(place: Path) -> list[str]:
    path = place / "log"
    return [line.rsplit(" ", 1)[0] for line in path.read_text().splitlines()] if path.exists() else []


def run(place: Path, *words: str, ids="quartz-alpha", task=recompute_task.task):
    queue, replace = recompute_task.recomputation(place / "list.extxyz", place / "out", [ids], *words)
    replace()
    queue.run(Here(task))
    return queue


def kept(place: Path) -> set[bytes]:
    return {path.read_bytes() for path in (place / "out.queue" / "replaced").glob("*/*.npz")}


def fits(place: Path, sid: str, settings: str) -> None:
    """Ground state and spectra of a structure belong together and say how they were computed."""
    ground = read_ground(place / "out" / sid / "ground.npz")
    rows = [read_site(path, ground) for path in (place / "out" / sid).glob("O*.npz")]
    assert rows and {ground.settings, *(row.settings for row in rows)} == {settings}


def test_all_steps_of_a_structure_are_replaced_and_what_was_there_is_kept(place):
    before = contents(place / "out")
    queue = run(place, WIDE)
    assert not queue.failures and queue.counts() == (2, 2)
    after, text = contents(place / "out"), described(settings_of("original", [WIDE]), "site")
    assert {name for name in after if after[name] != before[name]} == {"quartz-alpha/ground.npz", "quartz-alpha/O3.npz"}
    assert kept(place) == {before["quartz-alpha/ground.npz"], before["quartz-alpha/O3.npz"]}
    fits(place, "quartz-alpha", text)
    assert not [path for path in (place / "out.queue" / "recomputed").rglob("*") if path.is_file()]
    begun_once = begun(place)
    assert run(place, WIDE).counts() == (2, 2) and begun(place) == begun_once, (
        "what has the settings is not computed again"
    )
    build(place / "out", place / "built")
    with open_database(place / "built") as db:
        settings = dict(zip(db.sites, db["settings"]))
        assert settings["quartz-alpha/O3"] == text == db["quartz-alpha/O3"]["ground_settings"][0]
        assert settings["stishovite/O2"] in ("original", "iterations=300")
        assert list(db.query("settings == 'image_distance=10 max_atoms=1000'").sites) == ["quartz-alpha/O3"]


@pytest.mark.parametrize("kind", ["ground", "density", "spectra"])
def test_nothing_is_replaced_before_all_of_it_has_passed(place, kind):
    def failing(step):
        return Outcome(problem="It went wrong.") if step.kind == kind else recompute_task.task(step)

    before = contents(place / "out")
    queue = run(place, WIDE, task=failing)
    assert list(queue.failures.values()) == ["It went wrong."] and contents(place / "out") == before
    for name in queue.jobs[0].names:
        queue.folder.forget("quartz-alpha", name)
    assert not run(place, WIDE).failures and kept(place)
    assert begun(place).count("ground quartz-alpha ground") == 1, "finished steps are kept"
    fits(place, "quartz-alpha", "image_distance=10 max_atoms=1000")


def test_steps_that_pass_alone_and_not_together_replace_nothing(place):
    def odd(step):
        outcome = recompute_task.task(step)
        if step.kind == "ground":
            outcome.rows[0]["supercell"] = outcome.rows[0]["supercell"][:, [2, 1, 0]]
        return outcome

    before = contents(place / "out")
    queue = run(place, WIDE, task=odd)
    assert "supercell is not the one" in "".join(queue.failures.values()) and contents(place / "out") == before


def test_only_what_a_setting_changes_is_computed_again(place):
    before = contents(place / "out")
    run(place, "iterations=500", ids="stishovite")
    assert [line.split()[0] for line in begun(place)] == ["density", "spectra"]
    changed_now = {name for name, content in contents(place / "out").items() if content != before[name]}
    assert changed_now == {"stishovite/O2.npz"}


def test_old_ground_states_are_found_and_replaced_alone(place):
    before = contents(place / "out")
    wanted = [sid for sid in IDS if abs(electron_error(read_ground(place / "out" / sid / "ground.npz"))) > 0.02]
    assert wanted == ["quartz-alpha", "prototype-17"]
    queue = run(place, ids="old-ground-states")
    assert {job.structure.sid for job in queue.jobs} == set(wanted)
    assert sorted(begun(place)) == sorted(f"ground {sid} ground" for sid in wanted)
    after, files = contents(place / "out"), {f"{sid}/ground.npz" for sid in wanted}
    assert {name for name in after if after[name] != before[name]} == files
    assert kept(place) == {before[name] for name in files}
    assert run(place, ids="old-ground-states").jobs == []


def test_a_ground_state_that_no_longer_fits_the_stored_spectra_replaces_nothing(place):
    def other(step):
        outcome = recompute_task.task(step)
        outcome.rows[0]["supercell"] = np.diag([1, 1, round(abs(np.linalg.det(outcome.rows[0]["supercell"])))])
        return outcome

    before = contents(place / "out")
    assert "do not fit together" in "".join(run(place, ids="old-ground-states", task=other).failures.values())
    assert contents(place / "out") == before


@pytest.mark.parametrize("at", [1, 2])
def test_kill_9_between_two_files_is_mended_by_the_next_start(place, at):
    before = contents(place / "out")
    command = [sys.executable, HERE / "recompute_task.py", place / "list.extxyz", place / "out", place / "log", "10"]
    environment = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parents[2]}"}
    killed = subprocess.run([*command, "quartz-alpha"], env=environment | {"KILLED_AT": str(at)})
    assert killed.returncode == -signal.SIGKILL
    mixed = {name for name, content in contents(place / "out").items() if content != before[name]}
    assert len(mixed) == at - 1
    steps = begun(place)
    assert subprocess.run([*command, "quartz-alpha"], env=environment).returncode == 0
    assert begun(place) == steps and len(steps) == 3, "nothing is computed twice"
    fits(place, "quartz-alpha", "image_distance=10 max_atoms=1000")
    assert kept(place) == {before["quartz-alpha/ground.npz"], before["quartz-alpha/O3.npz"]}


def test_a_neutral_energy_stays_with_the_site_that_has_it(place):
    queue, _ = recompute_task.recomputation(place / "list.extxyz", place / "out", ["prototype-17"], WIDE)
    with_energy = [
        int(path.stem[1:])
        for path in (place / "out/prototype-17").glob("O*.npz")
        if np.isfinite(np.load(path)["neutral_energy"])
    ]
    assert [queue.jobs[0].neutral] == with_energy


def test_what_is_recorded_is_what_differs_from_the_first_rows():
    assert described(FIRST, "ground") == described(FIRST, "site") == "original"
    wide = changed(FIRST, image_distance=12.0, iterations=700, k_length=20.0, batch=1)
    assert described(wide, "site") == "image_distance=12 max_atoms=1000 iterations=700"
    assert described(wide, "ground") == "k_length=20 image_distance=12 max_atoms=1000"
    assert changed(FIRST, cutoff=30.0).density_cutoff == 120
    for name, values in QUALITIES.items():
        assert settings_of(name, []) == changed(FIRST, **values)
    assert Settings() in [settings_of(name, []) for name in QUALITIES]


@pytest.mark.parametrize(
    "quality, word, says",
    [
        ("best", "", "no quality"),
        ("original", "grid=0.2", "from 0.5 to 1"),
        ("original", "mesh=none", "no radial mesh"),
        ("original", "iterations=many", "not NAME=VALUE"),
        ("original", "colour=3", "no setting"),
        ("original", "hole=half", "full core hole"),
        ("original", "image_distance=40", "more atoms"),
    ],
)
def test_settings_that_cannot_be_are_sentences(quality, word, says):
    with pytest.raises(DataError, match=says):
        settings_of(quality, [word] if word else [])
