"""Structures of the repository, a small invented crystal for the recursion, and engines that fail in the ways engines
do."""

import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.sources.qe.engine import Engine
from elnes_lab.sources.qe.structures import read_structures
from elnes_lab.sources.qe.upf import PartialWave, Pseudopotential

RAW = Path(__file__).parents[3] / "data" / "raw"
BEHAVIOR = {
    "finishes": "print('JOB DONE')",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "hangs": "import time; print('working', flush=True); time.sleep(600)",
    "talks nonsense": "print('k = 42 JOB DONE \\n! total energy = a lot')",
    "reports": "print('%%%%\\n     Error in routine  electrons (1):\\n     charge is wrong\\n%%%%'); sys.exit(1)",
    "does not converge": "print('convergence NOT achieved after 80 iterations: stopping\\n JOB DONE.')",
    "says nothing": "pass",
}


@pytest.fixture(scope="session")
def planned():
    """id -> Structure of the list that comes with the repository."""
    return {s.sid: s for s in read_structures(RAW / "structures.extxyz")[0]}


@pytest.fixture
def program(tmp_path):
    """Function that writes an executable Python program `name`.x, with these lines, and returns its folder."""

    def write(lines: str, *names: str, folder: str = "bin") -> Path:
        for name in names or ("pw", "projwfc", "pp", "ld1"):
            path = tmp_path / folder / f"{name}.x"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!{sys.executable}\nimport sys\n{lines}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return tmp_path / folder

    return write


@pytest.fixture
def fake(program):
    """Function that returns an Engine whose programs all behave as the named kind of BEHAVIOR."""

    def make(kind: str) -> Engine:
        folder = program(BEHAVIOR[kind])
        return Engine(
            "executables", "7.2", {name: (str(folder / f"{name}.x"),) for name in ("pw", "projwfc", "pp", "ld1")}
        )

    return make


def invented(projectors: int, seed: int) -> Pseudopotential:
    """An ultrasoft pseudopotential of smooth functions, s and p, with an overlap that stays positive."""
    random = np.random.default_rng(seed)
    x = np.arange(801) * 0.0125 - 5
    r = np.exp(x)
    gaussian = lambda width, l: r ** (l + 1) * np.exp(-((r / width) ** 2))
    l = [0, 1] * (projectors // 2)
    beta = [gaussian(random.uniform(0.9, 1.5), li) for li in l]
    n = len(l)
    same = np.equal.outer(l, l)
    q, d0 = (np.where(same, (m := random.normal(size=(n, n)) * scale) + m.T, 0) for scale in (0.05, 0.5))
    qfunc = {
        (i, j, k): 0.1 * r * gaussian(1.1, k)
        for i in range(n)
        for j in range(i, n)
        for k in range(abs(l[i] - l[j]), l[i] + l[j] + 1, 2)
    }
    waves = [PartialWave(1.5, gaussian(w, 1), gaussian(w * 1.1, 1)) for w in (1.0, 1.6)]
    return Pseudopotential(r, r * 0.0125, l, beta, d0, q, qfunc, waves, core=gaussian(0.2, 0))


@pytest.fixture(scope="session")
def pseudos():
    return {"Oh": invented(4, 1), "Si": invented(2, 2), "O": invented(2 * 2, 3)}


@pytest.fixture(autouse=True)
def no_engine_by_chance(request, monkeypatch):
    """What a test finds does not depend on the machine, unless it asks for the engine."""
    if "engine" not in request.fixturenames:
        monkeypatch.delenv("ELNES_LAB_ENGINE", raising=False)
        monkeypatch.setattr("elnes_lab.sources.qe.engine.environments", list)


@pytest.fixture(scope="session")
def engine():
    """The engine of this machine."""
    from elnes_lab.errors import DataError
    from elnes_lab.sources.qe.engine import find_engine

    try:
        return find_engine()
    except DataError as reason:
        pytest.skip(f"no engine: {reason}")
