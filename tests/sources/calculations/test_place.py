"""Calculations in the background: begun, queued, finished, failed, cancelled, killed, gone on with, found by token alone."""

import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.calculations import place as place_module
from elnes_lab.sources.calculations import state
from elnes_lab.sources.calculations.place import Calculations, allowed
from elnes_lab.sources.calculations.state import State
from elnes_lab.sources.quantum_espresso import read_ground, read_site


def kind(one):
    return one.state().kind


def test_a_calculation_ends_with_the_row_and_no_worker(place, wanted, until):
    one = place().start(wanted("quartz-alpha"), 3)
    until(lambda: kind(one) == "finished", "end")
    ground = read_ground(one.ground)
    row = read_site(one.row(3), ground)
    assert one.rows == [one.row(3)] and one.row(4) is None and row.site == 3
    with np.load(place_module.Path(place_module.__file__).parents[3] / "data/raw/quartz-alpha/O3.npz") as stored:
        assert np.array_equal(row.strength, stored["strength"])
    until(lambda: not one.is_alive, "end of the worker")
    assert stat.S_IMODE(one.path.stat().st_mode) == stat.S_IMODE(one.place.root.stat().st_mode) == 0o700
    one.remove()
    assert place().find(one.token) is None and place().every() == []


def test_it_goes_on_without_whoever_started_it_and_is_found_by_its_token_alone(place, wanted, until, shipped, tmp_path):
    made = place(seconds=0.5)
    script = (
        "import sys\nfrom elnes_lab.database import open_database\n"
        "from elnes_lab.sources.calculations.place import Calculations\n"
        "from elnes_lab.sources.calculations.request import request\n"
        f"place = Calculations({str(made.root)!r}, 1, {made.command!r})\n"
        "wanted = request(open_database().atoms('quartz-alpha'), 'quartz-alpha.cif', [3])\n"
        "print(place.start(wanted, 3).token)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    token = ended.stdout.strip()
    one = place().find(token)
    assert one.title == "quartz-alpha.cif" and one.sites == [3] and one.is_of(shipped.atoms("quartz-alpha"))
    until(lambda: kind(one) == "finished", "end")
    for strange in ("", "..", "../place", token[:-1], token.upper() + "x", "0" * 32, f"{token}/", "log"):
        assert place().find(strange) is None


def test_one_place_is_one_at_once_in_the_order_of_coming(place, wanted, until, lines):
    first = place(most=1, hangs="ground").start(wanted("quartz-alpha"), 3)
    until(lambda: (first.path / "engine.pid").exists(), "engine")
    where, others = place(most=1, seconds=0.1), []
    for sid, site in (("stishovite", 2), ("prototype-04", 4)):
        others.append(where.start(wanted(sid), site))
        until(lambda: len(os.listdir(where.root / "waiting")) == len(others), "ticket")
    until(lambda: others[1].state().before == 1, "its number in the queue")
    assert kind(first) == "running" and [kind(one) for one in others] == ["queued"] * 2
    others.insert(1, where.start(wanted("cristobalite"), next(iter(wanted("cristobalite").standing))))
    others[1].cancel()  # while it waits
    assert kind(others.pop(1)) == "cancelled"
    first.cancel()
    until(lambda: all(kind(one) == "finished" for one in others), "end of all")
    steps = [line.split()[1].rpartition("-")[0] for line in lines("begin")]
    assert steps == ["quartz-alpha"] + ["stishovite"] * 3 + ["prototype-04"] * 3, "one began before another had ended"
    assert os.listdir(where.root / "waiting") == []


def test_two_places_are_two_at_once(place, wanted, until):
    where = place(most=2, hangs="ground")
    both = [where.start(wanted(sid), site) for sid, site in (("quartz-alpha", 3), ("stishovite", 2))]
    until(lambda: all((one.path / "engine.pid").exists() for one in both), "both engines")
    third = where.start(wanted("prototype-04"), 4)
    until(lambda: len(os.listdir(where.root / "waiting")) == 1, "ticket")
    assert kind(third) == "queued" and [kind(one) for one in both] == ["running"] * 2
    both[0].cancel()
    until(lambda: kind(third) == "running", "the place that became free")


def test_cancel_ends_the_engine_and_keeps_what_is_finished(place, wanted, until, lines):
    one = place(hangs="density").start(wanted("quartz-alpha"), 3)
    engine = int(until(lambda: (one.path / "engine.pid").exists() and (one.path / "engine.pid").read_text(), "engine"))
    assert one.state().step == "core-hole density" and one.ground is not None
    with pytest.raises(DataError, match="under way already"):
        one.resume()
    one.cancel()
    assert kind(one) == "cancelled" and one.worker() is None
    until(lambda: not psutil.pid_exists(engine) or psutil.Process(engine).status() == "zombie", "end of the engine")
    place()
    one.resume()
    until(lambda: kind(one) == "finished", "end")
    assert sum(line.startswith("ground") for line in lines("begin")) == 1
    one.cancel()
    assert kind(one) == "finished", "what has finished cannot be cancelled any more"


def test_a_failure_has_its_reason_and_can_be_tried_again(place, wanted, until):
    one = place(fails="density").start(wanted("quartz-alpha"), 3)
    until(lambda: kind(one) == "failed", "failure")
    assert one.state().reason == "The density did not converge." and one.ground is not None and one.rows == []
    place()
    until(lambda: not one.is_alive, "end of the worker")
    one.resume()
    until(lambda: kind(one) == "finished", "end")


def test_a_killed_worker_is_seen_and_costs_the_running_step_alone(place, wanted, until, lines):
    one = place(hangs="density").start(wanted("quartz-alpha"), 3)
    until(lambda: (one.path / "engine.pid").exists(), "engine")
    os.kill(one.worker(), signal.SIGKILL)
    until(lambda: kind(one) == "interrupted", "notice")
    other = place().start(wanted("stishovite"), 2)
    until(lambda: kind(other) == "finished", "end: the killed one keeps no place")
    one.resume()
    until(lambda: kind(one) == "finished", "end")
    assert sum(line.startswith("ground quartz") for line in lines("begin")) == 1


def test_another_site_of_the_structure_takes_its_ground_state(place, wanted, until, lines):
    where, asked = place(), wanted("prototype-04")
    first, second = list(asked.standing)[:2]
    one = where.start(asked, first)
    until(lambda: kind(one) == "finished" and not one.is_alive, "end")
    one.resume(second)
    until(lambda: kind(one) == "finished" and len(one.rows) == 2, "second site")
    assert where.find(one.token).sites == [first, second]
    assert sum(line.startswith("ground") for line in lines("begin")) == 1


def test_a_queue_has_an_end(place, wanted, until, monkeypatch):
    where = place(hangs="ground")
    one = where.start(wanted("quartz-alpha"), 3)
    until(lambda: kind(one) == "running", "first step")
    monkeypatch.setattr(place_module, "MOST_WAITING", 1)
    where.start(wanted("stishovite"), 2)
    until(lambda: len(os.listdir(where.root / "waiting")) == 1, "ticket")
    with pytest.raises(DataError, match="wait for their turn.*elnes-lab compute"):
        where.start(wanted("prototype-04"), 4)
    assert len(where.every()) == 2


def test_what_cannot_be_written_is_a_sentence(wanted, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be begun.*Nothing was computed"):
        Calculations(tmp_path / "file" / "place").start(wanted("quartz-alpha"), 3)


def test_old_calculations_are_removed_unless_somebody_works_at_them(place, wanted, until):
    where = place(most=2)
    old, new = (where.start(wanted(sid), site) for sid, site in (("quartz-alpha", 3), ("stishovite", 2)))
    until(lambda: kind(old) == kind(new) == "finished" and not old.is_alive, "end")
    working = place(most=2, hangs="ground").start(wanted("prototype-04"), 4)
    until(lambda: (working.path / "engine.pid").exists(), "engine")
    for one in (old, working):
        os.utime(one.path / state.FILE, (time.time() - 40 * 86400,) * 2)
    (where.root / "not a calculation").mkdir()
    assert where.tidy(30) == 1
    assert {one.token for one in where.every()} == {new.token, working.token}
    assert (where.root / "not a calculation").is_dir()


def test_the_time_left_runs_down_and_damaged_states_are_no_states(tmp_path):
    told = State("running", step="ground state", left=100.0, at=1000.0, begun=940.0)
    assert (
        told.time_left(1040.0) == 60 and told.time_left(2000.0) == 0 and told.share(1040.0) == pytest.approx(100 / 160)
    )
    state.write(tmp_path, told)
    assert state.read(tmp_path) == told
    for text in ("", "{", "[]", '{"kind": "flying"}', '{"kind": "running", "surprise": 1}'):
        (tmp_path / state.FILE).write_text(text)
        assert state.read(tmp_path).kind == "interrupted"


def test_what_the_environment_allows(monkeypatch):
    for text, number in (("", None), ("0", 0), ("3", 3), ("-1", None), ("many", None)):
        monkeypatch.setenv("ELNES_LAB_CALCULATIONS", text)
        assert allowed() == number


def test_the_worker_of_a_page_with_a_limit_of_memory_has_none():
    script = (
        "import resource as r\nfrom elnes_lab.dashboard.serving.confine import limit_memory\n"
        "from elnes_lab.sources.calculations.worker import unlimited\n"
        "before = r.getrlimit(r.RLIMIT_DATA)\nlimit_memory(900)\nassert r.getrlimit(r.RLIMIT_DATA)[0] > 900e6\n"
        "unlimited()\nassert r.getrlimit(r.RLIMIT_DATA) == before\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux limits the memory of a process so")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
