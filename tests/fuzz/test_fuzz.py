"""The short form of `make fuzz`: some damaged files for every reader, and the harness itself on readers that fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CASES = 51
READERS = (
    "raw",
    "plan",
    "database",
    "database alone",
    "database open",
    "checksums",
    "structures",
    "card",
    "weights",
    "network",
    "ridge",
    "upload",
    "query",
    "link",
    "measured",
    "measured binary",
    "structure",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    file = tmp_path_factory.mktemp("fuzz") / "results.json"
    done = subprocess.run([sys.executable, HERE, "--cases", str(CASES), "--json", file], capture_output=True, text=True)
    assert file.exists(), done.stdout + done.stderr
    return json.loads(file.read_text())


@pytest.mark.parametrize("reader", READERS)
def test_no_damaged_file_ends_in_a_traceback_a_hang_or_wrong_numbers(results, reader):
    cases = [case for case in results if case["reader"] == reader]
    assert len(cases) >= 3
    failed = [case for case in cases if case["outcome"] not in ("refused", "right", "other")]
    assert not failed, json.dumps(failed, indent=1)


def test_every_reader_is_tried(results):
    assert {case["reader"] for case in results} == set(READERS)
    assert {case["outcome"] for case in results} >= {"refused", "right"}


PROBE = """
import os, sys, time
sys.path[:0] = [{here!r}, {root!r}]
import isolate
from readers import Reader
from elnes_lab.errors import DataError

class Probe(Reader):
    name = "probe"
    good = {{"numbers": "1"}}
    def damage(self, random, folder):
        return "nothing", "bytes"
    def read(self, folder):
        return getattr(self, self.what)(folder)
    def refuse(self, folder): raise DataError("It is damaged. Fetch it again.")
    def mumble(self, folder): raise DataError("KeyError: 'x'")
    def fail(self, folder): raise KeyError("x")
    def wait(self, folder): time.sleep(60)
    def die(self, folder): os.kill(os.getpid(), 11)
    def take(self, folder): return {{"numbers": "1", "taken": str(len(b"x" * (600 * 2**20)))}}
    def ask(self, folder): bytes(2**33)
    def change(self, folder): return {{"numbers": "2"}}
    def run(self, folder):
        (folder / "ran").touch()
        return self.good
    def read_well(self, folder): return self.good

for what in ("refuse", "mumble", "fail", "wait", "die", "take", "ask", "change", "run", "read_well"):
    probe = Probe()
    probe.what = what
    (result,) = isolate.run({{"probe": probe}}, [("probe", 0)], 0, seconds=0.7 if what == "wait" else 60)
    print(what, result.outcome)
"""


def test_the_harness_sees_every_way_to_fail():
    code = PROBE.format(here=str(HERE), root=str(HERE.parents[1]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    seen = dict(line.rsplit(" ", 1) for line in done.stdout.replace("code run", "ran").splitlines())
    assert seen == {
        "refuse": "refused",
        "mumble": "traceback",
        "fail": "traceback",
        "wait": "hang",
        "die": "crash",
        "take": "memory",
        "ask": "memory",
        "change": "wrong",
        "run": "ran",
        "read_well": "right",
    }
