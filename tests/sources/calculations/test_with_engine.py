"""One calculation from a file to a database of one's own, with the real engine: a crystal of three atoms, coarsely."""

import sys
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.own_rows import add_rows
from elnes_lab.sources.calculations.place import Calculations
from elnes_lab.sources.qe.engine import find_engine

HERE = Path(__file__).parent


def test_a_file_becomes_a_row_in_the_background(wanted, until, tmp_path, monkeypatch):
    try:
        find_engine()
    except DataError as reason:
        pytest.skip(f"no engine: {reason}")
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[2]))
    place = Calculations(tmp_path / "place", 1, (sys.executable, str(HERE / "coarse_worker.py")))
    asked = wanted("prototype-00")
    one = place.start(asked, next(iter(asked.standing)))
    seen = set()
    try:
        until(lambda: seen.add(one.state().step) or not one.state().is_active, "end", 1800)  # a minute alone
        assert one.state().kind == "finished", one.state()
    finally:
        one.cancel()
    assert {"ground state", "core-hole density"} <= seen
    assert not list((place.root / "scratch").iterdir()), "the engine's scratch files are gone"
    info = add_rows([one], tmp_path / "mine")
    with open_database(tmp_path / "mine") as db:
        assert info["spectra"] == len(db) == 1 and str(db["structure"][0]) == one.steps.name
        assert db["band_gap"][0] > 1 and np.isfinite(db["onset"][0])
        assert db.isotropic[0].max() > 5 * db.isotropic[0][db.energy < 0].max()
