"""The queue with steps that take no time: who does what, what a kill costs, what becomes of failures."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.qe import folder as folder_module
from elnes_lab.sources.qe import plan
from elnes_lab.sources.qe.folder import Folder
from elnes_lab.sources.qe.plan import Outcome
from elnes_lab.sources.qe.pools import Here, workers
from elnes_lab.sources.qe.settings import Settings, described
from elnes_lab.sources.qe.structures import SOURCES

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import stored_task  # noqa: E402

IDS = ("quartz-alpha", "prototype-04", "stishovite")


@pytest.fixture
def listed(tmp_path):
    """Function that writes the list of some structures of the repository and returns its path."""
    from ase.io import read, write

    def make(*ids: str) -> Path:
        path = tmp_path / f"{ids[0]}.extxyz"
        write(path, [atoms for atoms in read(stored_task.RAW / "structures.extxyz", ":") if atoms.info["sid"] in ids])
        return path

    return make


@pytest.fixture
def start(tmp_path, listed):
    """Function that starts a queue in a process of its own; none of them outlives the test."""
    started, structures = [], listed(*IDS)

    def begin(workers=0, seconds=0.05, **more):
        command = [
            sys.executable,
            HERE / "stored_task.py",
            structures,
            tmp_path / "out",
            tmp_path / "log",
            str(workers),
            str(seconds),
        ]
        environment = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parents[2]}"} | more
        started.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STORED_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("STORED_SECONDS", "0")


def begun(tmp_path) -> list[str]:
    path = tmp_path / "log"
    return [line.rsplit(" ", 1)[0] for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(condition, what: str):
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until, f"no {what} in two minutes"
        time.sleep(0.02)


def complete(output: Path) -> None:
    """Every result is there, whole and the stored one; nothing else is left of the work."""
    names = {(file.parent.name, file.stem) for file in stored_task.RAW.glob("*/*.npz") if file.parent.name in IDS}
    assert {(file.parent.name, file.stem) for file in output.glob("*/*.npz")} == names
    for sid, name in names:
        with np.load(output / sid / f"{name}.npz") as found:
            wanted = stored_task.stored(sid, name)
            assert found["settings"] == described(Settings(), "ground" if name == "ground" else "site")
            assert set(found) == set(wanted) | {"seconds", "settings"} and all(
                np.array_equal(found[k], wanted[k], equal_nan=found[k].dtype.kind == "f") for k in wanted
            )
    assert not [path for path in Path(f"{output}.queue").rglob("*") if path.is_file()]


def test_several_processes_share_the_work(start, tmp_path):
    for process in [start() for _ in range(2)]:
        assert process.wait(300) == 0, process.stderr.read()
    complete(tmp_path / "out")
    steps = Counter(begun(tmp_path))
    assert max(steps.values()) == 1 and sum(step.startswith("density") for step in steps) == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_kill_9_loses_at_most_the_running_steps(start, tmp_path, workers):
    kills = 1 if workers else 2  # Dask takes its time to start
    for _ in range(kills):
        already = len(begun(tmp_path))
        process = start(workers, seconds=0.3)
        wait_for(lambda: len(begun(tmp_path)) >= already + 3, "third step")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(
            lambda: not any(child.is_running() and child.status() != "zombie" for child in children),
            "end of the workers",
        )
    process = start(workers, seconds=0)
    assert process.wait(300) == 0, process.stderr.read()
    complete(tmp_path / "out")
    again = len(begun(tmp_path)) - len(set(begun(tmp_path)))
    assert again <= kills * max(1, workers), "more was lost than what was running"


def test_a_worker_that_dies_is_replaced_and_its_step_fails_at_the_second_time(start, tmp_path):
    process = start(workers=2, STORED_DEADLY="1")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "died, one after the other" in (tmp_path / "out/prototype-04/O5.failed").read_text()
    assert begun(tmp_path).count("density prototype-04 O5") == 2
    assert (tmp_path / "out/prototype-04/O4.npz").exists() and (tmp_path / "out/stishovite/O2.npz").exists()


def test_a_failed_step_keeps_its_reason_and_the_queue_goes_on(environment, listed, tmp_path):
    def failing(step):
        if step.kind == "density" and step.sites == (5,):
            return Outcome(problem="It went wrong.", evidence={"pw.out": b"the end"}, seconds=1.0)
        return stored_task.task(step)

    events = []
    queue = stored_task.queue(listed("prototype-04"), tmp_path / "out", report=events.append)
    queue.run(Here(failing))
    assert queue.failures == {("prototype-04", "O5"): "It went wrong."} and queue.counts() == (6, 7)
    assert (tmp_path / "out.queue/rejected/prototype-04/O5/pw.out").read_bytes() == b"the end"
    assert [e.problem for e in events if e.problem] == ["It went wrong."] and events[-1].left == 0
    again = stored_task.queue(listed("prototype-04"), tmp_path / "out")
    again.run(Here(stored_task.task))
    assert not begun(tmp_path).count("density prototype-04 O5"), "a failed step is not tried again by itself"
    again.folder.forget("prototype-04", "O5")
    again.run(Here(stored_task.task))
    assert again.counts() == (7, 7)


@pytest.mark.parametrize(
    "kind, change, says",
    [
        ("ground", {"band_gap": 0.2}, "gap"),
        ("ground", {"top": 9.0}, "cut off"),
        ("spectra", {"strength": np.zeros((3, 451), np.float32)}, "no edge"),
        ("spectra", {"total_energy": -1000.0}, "transition energy"),
        ("spectra", {"neutral_energy": -1000.0}, "transition energy"),
    ],
)
def test_a_wrong_result_is_kept_aside_and_not_stored(
    environment,
    listed,
    tmp_path,
    kind,
    change,
    says,
):
    def wrong(step):
        outcome = stored_task.task(step)
        if step.kind == kind:
            outcome.rows = [row | change for row in outcome.rows]
        return outcome

    queue = stored_task.queue(listed("stishovite"), tmp_path / "out")
    queue.run(Here(wrong))
    name = "ground" if kind == "ground" else "O2"
    assert says in queue.failures["stishovite", name]
    assert not (tmp_path / f"out/stishovite/{name}.npz").exists()
    assert (tmp_path / f"out.queue/rejected/stishovite/{name}/{name}.npz").exists()


def test_a_full_disk_stops_the_queue_and_costs_nothing(environment, listed, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(folder_module.os, "fsync", full)
        with pytest.raises(DataError, match="No space left.*is kept"):
            queue.run(Here(stored_task.task))
    assert not list((tmp_path / "out").rglob("*.npz")) and not list((tmp_path / "out").rglob("*.part"))
    queue.run(Here(stored_task.task))
    assert queue.counts() == (2, 2)


def test_results_elsewhere_are_not_computed_again(environment, listed, tmp_path):
    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    queue.folder.have = [stored_task.RAW]
    queue.run(Here(stored_task.task))
    assert begun(tmp_path) == [] and queue.counts() == (2, 2)
    with pytest.raises(DataError, match="nowhere"):
        Folder(tmp_path, [tmp_path / "nowhere"])


def test_a_damaged_density_is_computed_again(environment, listed, tmp_path):
    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    path = queue.folder.density("quartz-alpha", "O3")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK cut off")
    queue.run(Here(stored_task.task))
    assert queue.counts() == (2, 2)


def test_a_density_of_other_settings_is_computed_again(environment, listed, tmp_path):
    """What a command with other settings had left would be a row of mixed settings."""
    stopped, settings = [], Settings(image_distance=9.0)

    def stopping(step):
        if step.kind == "spectra" and not stopped:
            stopped.append(step)
            raise KeyboardInterrupt
        return stored_task.task(step)

    with pytest.raises(KeyboardInterrupt):
        stored_task.queue(listed("quartz-alpha"), tmp_path / "out", settings=settings).run(Here(stopping))
    stored_task.queue(listed("quartz-alpha"), tmp_path / "out", settings=Settings(iterations=500)).run(Here(stopping))
    assert [line.split()[0] for line in begun(tmp_path)] == ["ground", "density", "density", "spectra"]
    with (
        np.load(tmp_path / "out/quartz-alpha/O3.npz") as row,
        np.load(tmp_path / "out/quartz-alpha/ground.npz") as ground,
    ):
        assert "iterations=500" in str(row["settings"]) and "image_distance" not in str(row["settings"])
        assert "image_distance=9" in str(ground["settings"])


def test_a_spectrum_that_is_ready_before_its_ground_state_is_stored(environment, listed, tmp_path):
    """Another process may hold the ground state's step for long."""
    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    queue.folder.prepare()
    claim = Folder(tmp_path / "out").claim("quartz-alpha", "ground")
    queue.run(Here(stored_task.task))
    claim.release()
    assert queue.counts() == (1, 2) and (tmp_path / "out/quartz-alpha/O3.npz").exists()


def test_a_claim_is_exclusive_and_tells_who_holds_it(tmp_path):
    folder, other = Folder(tmp_path / "out"), Folder(tmp_path / "out")
    folder.prepare()
    claim = folder.claim("a", "O1")
    assert other.claim("a", "O1") is None and other.claim("a", "O2") is not None
    assert other.holder("a", "O1")["pid"] == os.getpid() and other.holder("a", "O3") is None
    claim.release()
    assert other.claim("a", "O1") is not None


def test_no_locks_no_queue(tmp_path, monkeypatch):
    def without(handle, how):
        raise OSError(38, "Function not implemented")

    folder = Folder(tmp_path / "out")
    folder.prepare()
    monkeypatch.setattr(folder_module.fcntl, "flock", without)
    with pytest.raises(DataError, match="no file locks"):
        folder.claim("a", "O1")


def test_the_workers_of_a_scheduler_do_the_same(environment, listed, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        queue = stored_task.queue(listed("prototype-04"), tmp_path / "out")
        with workers(None, cluster.scheduler_address, stored_task.task) as pool:
            queue.run(pool)
    assert queue.counts() == (7, 7) and not queue.failures and max(Counter(begun(tmp_path)).values()) == 1


def test_a_scheduler_that_goes_away_is_a_sentence(environment, listed, tmp_path, monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setenv("STORED_SECONDS", "5")
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None)
    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    with workers(None, cluster.scheduler_address, stored_task.task) as pool:
        threading.Timer(2, cluster.close).start()
        with pytest.raises(DataError, match="scheduler.*is kept"):
            queue.run(pool)
    assert queue.folder.holder("quartz-alpha", "ground") is None


def test_a_program_may_take_many_times_the_estimate_corrected_by_what_was_measured(environment, listed, tmp_path):
    limits = []

    def slow(step):
        limits.append(step.limit)
        outcome = stored_task.task(step)
        outcome.seconds = 1e5
        return outcome

    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    queue.run(Here(slow))
    assert limits[0] >= 900 and limits[-1] > 10 * limits[0]


def test_sites_that_another_process_holds_do_not_hold_up_the_others(environment, listed, tmp_path):
    def others(step):  # while this queue computes densities, another process takes one of the sites
        if step.kind == "density" and not taken:
            taken.append(folder.claim("prototype-04", "O4"))
        return stored_task.task(step)

    taken, folder = [], Folder(tmp_path / "out")
    queue = stored_task.queue(listed("prototype-04"), tmp_path / "out")
    queue.run(Here(others))
    assert taken[0] is not None and queue.counts() == (6, 7)
    assert not queue.is_open(queue.jobs[0], "O8") and queue.is_open(queue.jobs[0], "O4")


def test_an_engine_that_dies_every_time_costs_reasons_and_no_more(fake, environment, listed, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "tools", lambda hole: (fake("dies"), SimpleNamespace(folder=tmp_path)))
    queue = stored_task.queue(listed("quartz-alpha", "stishovite"), tmp_path / "out")
    queue.run(Here(plan.perform))
    assert set(queue.failures) == {("quartz-alpha", "ground"), ("stishovite", "ground")}
    assert all("signal 9" in reason for reason in queue.failures.values())
    assert (tmp_path / "out.queue/rejected/stishovite/ground/density.in").read_text().startswith("&control")
    assert queue.open_steps() == [], "without a ground state its sites are not begun"


def test_structures_that_users_bring_can_be_stored(environment, listed, tmp_path):
    def brought(step):
        outcome = stored_task.task(step)
        if step.kind == "ground":
            outcome.rows[0]["source"] = SOURCES[-1]
        return outcome

    queue = stored_task.queue(listed("quartz-alpha"), tmp_path / "out")
    queue.run(Here(brought))
    assert not queue.failures
