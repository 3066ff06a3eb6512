"""A folder of calculations whose workers take the stored results; none of them outlives its test."""

import os
import sys
import time
from pathlib import Path

import pytest

from elnes_lab.sources.calculations.place import Calculations
from elnes_lab.sources.calculations.request import request

HERE = Path(__file__).parent
PATIENCE = 120  # s; the machine may be busy


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Function that gives the folder of calculations with `most` places; `fields` go into the workers' environment."""
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[2]))
    monkeypatch.setenv("STORED_LOG", str(tmp_path / "log"))

    def make(most=1, **fields):
        for name in ("STORED_SECONDS", "STORED_FAILS", "STORED_HANGS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in fields.items():
            monkeypatch.setenv(f"STORED_{name.upper()}", str(value))
        return Calculations(tmp_path / "place", most, (sys.executable, str(HERE / "stored_worker.py")))

    yield make
    for one in make().every():
        one.remove()


@pytest.fixture
def wanted(shipped):
    """Function that gives the Request of a structure of the database, brought as a file of that name."""

    def make(sid, repeat=(1, 1, 1)):
        from elnes_lab.structure import Environment

        atoms = shipped.atoms(sid).repeat(repeat)
        return request(atoms, f"{sid}.cif", [index for index, _ in Environment.of(atoms).inequivalent_oxygens])

    return make


@pytest.fixture
def until():
    """Function that waits until a condition holds."""

    def wait(condition, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while not (found := condition()):
            assert time.monotonic() < end, f"no {what} in {patience} s"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def lines(tmp_path):
    """Function that gives the lines of the workers' log that begin with a word, without it."""

    def read(word):
        path = tmp_path / "log"
        text = path.read_text() if os.path.exists(path) else ""
        return [line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{word} ")]

    return read
