"""From raw files to the database: nothing invented, nothing hidden, nothing half-written."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from elnes_lab.build import alone, build, onset
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.sources.quantum_espresso import read_ground, read_site


def sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reasons(info) -> dict:
    return {row["site"]: row["reason"] for row in info["rejected"]}


def test_rows_are_the_computed_numbers(raw_results, small):
    for label in small.sites:
        structure, atom = label.split("/")
        folder = raw_results / structure
        with np.load(folder / f"{atom}.npz") as site, np.load(folder / "ground.npz") as ground:
            row = small[label]
            np.testing.assert_array_equal(row.elnes[0], site["strength"])
            index = int(site["site"])
            np.testing.assert_array_equal(row.pdos[0, small.channels.index("O p")], ground["pdos_p"][index])
            np.testing.assert_array_equal(row.pdos[0, 2:5], ground["pdos_pxyz"][index])
            cell, positions = ground["cell"], ground["positions"] @ ground["cell"]
            images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3) @ cell
            silicons = np.flatnonzero(ground["symbols"] == "Si")
            distance = np.linalg.norm(positions[silicons][:, None] + images - positions[index], axis=2)
            bonded = np.repeat(silicons, (distance < 2.2).sum(1))  # the same silicon through two images counts twice
            silicon = row.pdos[0, small.channels.index("Si p")]
            np.testing.assert_allclose(silicon, ground["pdos_p"][bonded].mean(0), atol=1e-5)
            np.testing.assert_allclose(row.bonds[0][: len(bonded)], np.sort(distance[distance < 2.2]), atol=1e-5)
            assert row["band_gap"][0] == np.float32(ground["band_gap"])


def test_twice_the_same_bytes(raw_results, built, tmp_path):
    build(raw_results, tmp_path)
    for name in ("silicon_oxides_o_k.nc", "structures.extxyz"):
        assert sha256(tmp_path / name) == sha256(built / name)


def test_checksum_list_covers_database_and_raw_files(raw, tmp_path):
    output = tmp_path / "out"
    build(raw, output)
    listed = (output / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == 2 + len(list(raw.rglob("*.npz")))
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=output, check=True)


SPOILED_SITES = {
    "strength below": lambda a: {"strength": a["strength"] - 0.1 * a["strength"].max() * (abs(a["energy"] - 4) < 0.5)},
    "no edge": lambda a: {"strength": np.ones_like(a["strength"])},
    "no edge: the strength is nowhere": lambda a: {"strength": np.zeros_like(a["strength"])},
    "non-finite": lambda a: {"strength": np.where(a["energy"] > 20, np.nan, a["strength"])},
    "not an oxygen": lambda a: {"site": np.array(0)},
    "not a core-hole file": lambda a: {"strength": None},
    "shape": lambda a: {"strength": a["strength"][:, :-1]},
    "equal steps": lambda a: {"energy": a["energy"] ** 3},
    "supercell": lambda a: {"supercell": 2 * a["supercell"]},
    "gap out of range": lambda a: {"lumo": a["homo"] - 1},
}


@pytest.mark.parametrize("reason", SPOILED_SITES)
def test_a_spoiled_spectrum_is_rejected_with_its_reason_and_costs_nothing_else(raw, tmp_path, alter, reason):
    file = raw / "stishovite" / "O2.npz"
    with np.load(file) as arrays:
        changes = SPOILED_SITES[reason](dict(arrays))
    if "site" in changes:
        file = file.rename(file.with_name("O0.npz"))
    alter(file, **changes)
    before = len(list(raw.rglob("O*.npz")))
    info = build(raw, tmp_path / "out")
    assert list(reasons(info)) == [f"stishovite/{file.stem}"]
    assert reason in reasons(info)[f"stishovite/{file.stem}"]
    assert info["spectra"] == before - 1
    with open_database(tmp_path / "out") as db:
        assert "stishovite" not in db.structures
        assert db.rejected["reason"][0] == reasons(info)[f"stishovite/{file.stem}"]


@pytest.mark.parametrize(
    "reason, changes",
    {
        "gap out of range": {"band_gap": np.array(0.02)},
        "PDOS cut off below the window": {"top": np.array(12.0)},
        "not a ground-state file": {"pdos_pxyz": None},
        "non-finite": {"dos": np.full(551, np.inf)},
    }.items(),
)
def test_a_spoiled_ground_state_rejects_all_its_sites(raw, tmp_path, alter, reason, changes):
    alter(raw / "prototype-04" / "ground.npz", **changes)
    info = build(raw, tmp_path / "out")
    assert len(info["rejected"]) == 6 and all(reason in r for r in reasons(info).values())
    assert info["spectra"] == 2


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 truncated"])
def test_truncated_and_foreign_files(raw, tmp_path, content):
    whole = (raw / "quartz-alpha" / "O3.npz").read_bytes()
    for spoiled in (content, whole[: len(whole) // 2]):
        (raw / "quartz-alpha" / "O3.npz").write_bytes(spoiled)
        info = build(raw, tmp_path / "out")
        assert "compute this step again" in reasons(info)["quartz-alpha/O3"]


def test_a_pickle_is_refused(raw, tmp_path, alter):
    alter(raw / "quartz-alpha" / "O3.npz", homo=np.array([print], dtype=object))
    assert "quartz-alpha/O3" in reasons(build(raw, tmp_path / "out"))


def test_missing_sites_are_listed(raw, tmp_path):
    (raw / "prototype-04" / "O5.npz").unlink()
    (raw / "stishovite" / "O2.npz").unlink()
    info = build(raw, tmp_path / "out")
    assert info["missing"] == ["prototype-04/O5", "stishovite/O2"]
    assert info["spectra"] == 6 and info["planned"] == 8 and info["structures"] == 2


def test_planned_structures_without_a_usable_ground_state_are_missing(raw, tmp_path, alter):
    """Not begun, or begun with a ground state that is rejected: the sites to be computed are listed either way."""
    (raw / "structures.extxyz").write_text(
        "".join(
            f'3\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 sid={name} name=new source=search pbc="T T T"\n'
            "Si 0 0 0\nO 1.6 0 0\nO 0 1.6 0.1\n"
            for name in ("new", "rejected", "quartz-alpha")
        )
    )
    shutil.copytree(raw / "stishovite", raw / "rejected")
    (raw / "rejected" / "O2.npz").unlink()
    alter(raw / "rejected" / "ground.npz", band_gap=np.array(0.0))
    info = build(raw, tmp_path / "out")
    assert info["missing"] == ["new/O1", "new/O2", "rejected/O1", "rejected/O2"]
    assert list(reasons(info)) == ["rejected/ground"]
    assert info["planned"] == info["spectra"] + len(info["missing"])


def test_nothing_usable_leaves_the_database_as_it_was(raw, tmp_path):
    build(raw, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for file in raw.rglob("O*.npz"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="left as it was"):
        build(raw, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_crash_while_writing_leaves_the_database_as_it_was(raw, tmp_path, monkeypatch):
    build(raw, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (raw / "stishovite" / "O2.npz").unlink()
    monkeypatch.setattr("elnes_lab.build.checksums", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build(raw, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_onset_of_later_sites_needs_the_first(raw_results):
    folder = raw_results / "prototype-04"
    ground = read_ground(folder / "ground.npz")
    first, second = (read_site(folder / f"{name}.npz", ground) for name in ("O3", "O4"))
    onsets = [onset(site, first, ground.supercell_energy) for site in (first, second)]
    assert onsets[0] == pytest.approx(first.neutral_energy - ground.supercell_energy + 742.2)
    assert onsets[1] - onsets[0] == pytest.approx(second.total_energy + second.lumo - first.total_energy - first.lumo)
    assert np.isnan(onset(second, None, ground.supercell_energy))


def folder_contents(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def readable(folder) -> int:
    """Rows of the database, all of which can be read with its structures."""
    with open_database(folder) as db:
        assert np.isfinite(db.elnes).all() and set(db.frames) == set(db.structures)
        return len(db)


@pytest.fixture
def two_states(raw_results, tmp_path):
    """A raw folder of one structure, a database built from it, and then one structure more in the raw folder."""
    raw, output = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(raw_results / "stishovite", raw / "stishovite")
    build(raw, output)
    shutil.copytree(raw_results / "quartz-alpha", raw / "quartz-alpha")
    return raw, output


KILLED = """
import os, signal, sys
import elnes_lab.build as module
raw, output, when = sys.argv[1], sys.argv[2], int(sys.argv[3])
steps = 0
def counted(real):
    def call(*arguments, **options):
        global steps
        if steps == when:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return real(*arguments, **options)
    return call
os.fsync, os.replace = counted(os.fsync), counted(os.replace)
module.build(raw, output)
"""


@pytest.mark.parametrize("when, rows", [(0, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_killed_at_any_step_the_database_is_the_old_or_the_new_one(two_states, when, rows):
    """Three files are written, then three are replaced; `when` steps are done when the process is killed."""
    raw, output = two_states
    killed = subprocess.run([sys.executable, "-c", KILLED, raw, output, str(when)])
    assert killed.returncode == -signal.SIGKILL
    assert readable(output) == rows
    if when == 4:
        assert build(raw, output)["spectra"] == 2  # the lock died with its process
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=output, check=True)
        assert not list(output.glob("*.part"))


def test_two_builds_at_once(two_states):
    raw, output = two_states
    with alone(output):
        with pytest.raises(DataError, match="Another build is writing"):
            build(raw, output)
    assert readable(output) == 1
    assert build(raw, output)["spectra"] == 2


def test_a_lock_that_a_dead_process_left_is_no_lock(two_states):
    raw, output = two_states
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from elnes_lab.build import alone\n"
            "with alone(Path(sys.argv[1])): print('locked', flush=True); time.sleep(600)",
            output,
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"locked\n"
    with pytest.raises(DataError, match="Another build is writing"):
        build(raw, output)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert build(raw, output)["spectra"] == 2


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
def test_a_full_disk_is_a_sentence_and_the_old_database_stays(two_states):
    """The limit of a file's size stands for the disk: writing fails in the middle either way."""
    raw, output = two_states
    before = folder_contents(output)
    code = (
        "import resource, sys; from elnes_lab.build import build; from elnes_lab.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: build(*sys.argv[1:])\nexcept DataError as problem: print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", code, raw, output], capture_output=True, text=True)
    assert done.returncode == 0 and "cannot be written: File too large. The database is as it was" in done.stdout, done
    assert folder_contents(output) == before


@pytest.mark.parametrize(
    "what", ["a file", "below a file", "too long", "nul", "a folder in the way", "a pipe in the way"]
)
def test_places_where_no_database_can_be_made(two_states, tmp_path, what):
    raw, output = two_states
    if "in the way" in what:
        (output / "structures.extxyz").unlink()
        (os.mkfifo if "pipe" in what else os.mkdir)(output / "structures.extxyz")
        place = output
    else:
        (tmp_path / "file").write_text("")
        place = tmp_path / {"a file": "file", "below a file": "file/sub", "too long": "x" * 300, "nul": "a\0b"}[what]
    with pytest.raises(DataError, match="cannot be written|is not a regular file"):
        build(raw, place)
    assert readable(output) == 1 and not list(tmp_path.glob("out/*.part"))


def test_a_build_for_nothing_leaves_no_folder(tmp_path):
    (tmp_path / "raw").mkdir()
    for raw in ("raw", "nothing"):
        with pytest.raises(DataError, match="no spectrum that can be used|There is no folder"):
            build(tmp_path / raw, tmp_path / "out" / "deep")
        assert not (tmp_path / "out" / "deep").exists()


def test_the_report_says_which_structures_miss_electrons(raw_results, built):
    with open_database(built) as db:
        missed = db.info()["electron_error"]
    assert list(missed) == ["prototype-04", "quartz-alpha", "stishovite"] and all(
        abs(value) < 0.1 for value in missed.values()
    )
