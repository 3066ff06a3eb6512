"""Finding an engine, refusing a bad one, and engines that die, hang or talk nonsense."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.qe import engine as module
from elnes_lab.sources.qe import plan
from elnes_lab.sources.qe.engine import PROGRAMS, Engine, find_engine
from elnes_lab.sources.qe.plan import Step, perform
from elnes_lab.sources.qe.pseudopotentials import pseudopotentials
from elnes_lab.sources.qe.settings import Settings


def banner(version: str) -> str:
    return f"print('     Program PWSCF v.{version} starts on 24Nov2026')"


def test_executables_on_path_come_before_the_environment(program, tmp_path, monkeypatch):
    folder = program(banner("7.3.1"))
    monkeypatch.setenv("PATH", str(folder))
    found = find_engine()
    assert (found.kind, found.version) == ("executables", "7.3.1") and set(found.commands) == set(PROGRAMS)
    monkeypatch.setenv("ELNES_LAB_ENGINE", str(program(banner("7.0"), folder="other")))
    assert find_engine().version == "7.0"


@pytest.mark.parametrize(
    "lines, names, says",
    [
        (banner("6.7MaX"), PROGRAMS, "K_POINTS gamma"),
        (banner("6.4.1"), PROGRAMS, "older than 7.0"),
        ("pass", PROGRAMS, "does not print a version"),
        (banner("7.2"), ("pw", "pp"), "has no projwfc.x, ld1.x"),
    ],
)
def test_a_bad_engine_is_refused_and_the_way_to_a_good_one_named(program, monkeypatch, lines, names, says):
    monkeypatch.setenv("PATH", str(program(lines, *names)))
    with pytest.raises(DataError, match=says) as refused:
        find_engine()
    assert "make engine" in str(refused.value)


def test_no_engine_at_all_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="no usable Quantum ESPRESSO.*make engine"):
        find_engine()
    monkeypatch.setenv("ELNES_LAB_ENGINE", str(tmp_path / "nothing"))
    with pytest.raises(DataError, match="neither a folder with pw.x nor a Python"):
        find_engine()


def test_a_python_is_an_engine_only_with_qepy_and_an_old_numpy(tmp_path):
    python = tmp_path / "python"
    for answer, says in (("", "no qepy"), ("7.2.0 2.1.0", "numpy 2.1.0"), ("6.7.0 1.26.4", "K_POINTS gamma")):
        python.write_text(f"#!/bin/sh\necho {answer}\n")
        python.chmod(0o755)
        assert says in module.python_engine(python)[1]
    python.write_text("#!/bin/sh\necho 7.2.0 1.26.4\n")
    found, _ = module.python_engine(python)
    assert found.version == "7.2" and found.commands["pp"] == (str(python), "-m", "qepy", "--pp.x")


@pytest.mark.parametrize(
    "kind, says",
    [
        ("dies", "killed by signal 9, most often because memory"),
        ("hangs", "stopped after 1 s"),
        ("reports", "stopped in electrons: charge is wrong"),
        ("does not converge", "did not converge"),
        ("says nothing", "without finishing.*nothing"),
    ],
)
def test_what_went_wrong_is_said(fake, tmp_path, kind, says):
    with pytest.raises(DataError, match=says):
        fake(kind).run("pw", "&control\n/\n", tmp_path, limit=1 if kind == "hangs" else 60)
    assert (tmp_path / "pw.in").exists() and (tmp_path / "pw.out").exists()


def test_a_crash_by_chance_is_tried_again_but_not_for_ever(program, tmp_path):
    crash = "import os, signal; open('runs', 'a').write('x')\nif len(open('runs').read()) <= {}: os.kill(os.getpid(), signal.SIGSEGV)"
    for crashes, ends in ((2, True), (9, False)):
        work = tmp_path / str(crashes)
        work.mkdir()
        folder = program(crash.format(crashes) + "\nprint('JOB DONE')", "pw", folder=f"bin{crashes}")
        engine = Engine("executables", "7.2", {"pw": (str(folder / "pw.x"),)})
        if ends:
            assert "JOB DONE" in engine.run("pw", "", work, limit=60)
        else:
            with pytest.raises(DataError, match="killed by signal 11"):
                engine.run("pw", "", work, limit=60)
        assert (work / "runs").read_text() == "xxx"


def test_the_heap_reaches_beyond_what_the_fast_library_reads(program, tmp_path):
    """Without, pw.x of one of the stored structures was killed by signal 11 in three runs of three, and in none with it."""
    folder = program("import os; print(os.environ.get('MALLOC_TOP_PAD_', '0'), 'JOB DONE')", "pw")
    commands = {"pw": (str(folder / "pw.x"),)}
    assert int(Engine("executables", "7.2", commands, ("",)).run("pw", "", tmp_path, limit=60).split()[0]) >= 2**24
    assert Engine("executables", "7.2", commands).run("pw", "", tmp_path, limit=60).split()[0] == "0"


def test_a_program_that_went_away_is_a_sentence(tmp_path):
    gone = Engine("executables", "7.2", {"pw": (str(tmp_path / "pw.x"),)})
    with pytest.raises(DataError, match="cannot be started"):
        gone.run("pw", "", tmp_path, limit=1)


@pytest.mark.parametrize("kind", ["dies", "hangs", "talks nonsense", "finishes", "reports"])
@pytest.mark.parametrize("step", ["ground", "density"])
def test_a_step_with_a_broken_engine_ends_in_a_sentence(
    fake,
    planned,
    tmp_path,
    monkeypatch,
    kind,
    step,
):
    monkeypatch.setattr(plan, "tools", lambda hole: (fake(kind), SimpleNamespace(folder=tmp_path)))
    outcome = perform(
        Step(
            step,
            planned["quartz-alpha"],
            Settings(),
            (3,) if step == "density" else (),
            limit=1 if kind == "hangs" else 60,
        )
    )
    assert outcome.problem.endswith(".") or kind == "reports"
    assert outcome.problem and not outcome.rows and not outcome.stop
    assert "density.in" in outcome.evidence and "Traceback" not in outcome.problem


def test_no_engine_on_a_worker_stops_the_queue(planned, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    plan.tools.cache_clear()
    outcome = perform(Step("ground", planned["quartz-alpha"], Settings()))
    assert outcome.stop and "make engine" in outcome.problem


def test_a_full_scratch_folder_stops_the_queue(fake, planned, monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "tools", lambda hole: (fake("dies"), SimpleNamespace(folder=tmp_path)))
    monkeypatch.setattr(plan.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e6))
    outcome = perform(Step("ground", planned["quartz-alpha"], Settings()))
    assert outcome.stop and "TMPDIR" in outcome.problem


def test_nothing_is_left_in_the_scratch_folder_even_by_a_killed_process(fake, planned, monkeypatch, tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    monkeypatch.setattr(plan.tempfile, "tempdir", str(tmp_path / "scratch"))
    left = tmp_path / "scratch" / f"elnes-lab-{plan.socket.gethostname()}-{dead.pid}-abc"
    left.mkdir(parents=True)
    monkeypatch.setattr(plan, "tools", lambda hole: (fake("dies"), SimpleNamespace(folder=tmp_path)))
    perform(Step("ground", planned["quartz-alpha"], Settings()))
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans")
def test_the_engine_has_its_workers_priority_and_ends_with_it(fake, tmp_path):
    folder = fake("hangs").commands["pw"][0]
    worker = (
        "import os, sys; os.nice(7); from pathlib import Path; from elnes_lab.sources.qe.engine import Engine\n"
        "Engine('executables', '7.2', {'pw': (sys.argv[1],)}).run('pw', '', Path(sys.argv[2]), limit=600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", worker, folder, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    until = time.monotonic() + 120
    while not (tmp_path / "pw.out").exists() or b"working" not in (tmp_path / "pw.out").read_bytes():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    (child,) = psutil.Process(process.pid).children()
    assert child.nice() == os.getpriority(os.PRIO_PROCESS, 0) + 7
    group = Path(f"/proc/{child.pid}/autogroup")
    if group.exists():  # sessions are scheduled as groups: nice would count for nothing
        assert group.read_text().endswith(f" nice {child.nice()}\n")
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


@pytest.mark.parametrize("kind, says", [("dies", "signal 9"), ("says nothing", "without finishing")])
def test_a_broken_ld1_leaves_no_pseudopotential(fake, tmp_path, kind, says):
    with pytest.raises(DataError, match=says):
        pseudopotentials(fake(kind), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
