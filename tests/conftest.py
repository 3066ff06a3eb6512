"""A small raw folder of real results, and the database made from it; tests may spoil copies."""

# One thread, as the dashboard's kernels have: sums in single precision differ with their number. Before NumPy is imported.
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from elnes_lab.build import build
from elnes_lab.database import open_database

# How long an example takes is the machine's business, not the test's.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

RAW = Path(__file__).parents[1] / "data" / "raw"
# Files that take a minute and more, begun first: of two processes that share the files none then works alone at the end.
LONG = (
    "sources/calculations/test_with_engine.py",
    "sources/qe/test_engine_small.py",
    "learning/studies/test_evaluation.py",
    "workshop/test_notebooks.py",
    "docs/test_site.py",
    "sources/calculations/test_place.py",
    "browser/test_lab.py",
    "browser/test_site_predict.py",
    "browser/test_calculation.py",
    "fuzz/test_fuzz.py",
    "browser/test_opening.py",
)
STRUCTURES = ("prototype-04", "quartz-alpha", "stishovite")
# Silica as it is everywhere: corner-sharing tetrahedra, every oxygen between two silicons.
ORDINARY = (
    "coesite",
    "cristobalite",
    "prototype-10",
    "prototype-13",
    "prototype-17",
    "prototype-18",
    "prototype-22",
    "quartz-alpha",
    "quartz-beta",
)


def pytest_collection_modifyitems(items):
    """Long files first, but browser tests last: Playwright keeps an event loop running, in which nothing else can start one."""
    order = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    assert all(path.is_file() for path in order), "LONG names a file that is gone"
    items.sort(key=lambda item: ("browser" in item.path.parts, order.get(item.path, len(order))))


@pytest.fixture(scope="session")
def raw_results(tmp_path_factory) -> Path:
    """Real results of three structures; read only."""
    folder = tmp_path_factory.mktemp("raw")
    for name in STRUCTURES:
        shutil.copytree(RAW / name, folder / name)
    return folder


@pytest.fixture
def raw(raw_results, tmp_path) -> Path:
    """A copy of them to spoil."""
    return Path(shutil.copytree(raw_results, tmp_path / "raw"))


@pytest.fixture(scope="session")
def built(raw_results, tmp_path_factory) -> Path:
    """Folder with the database of these results; read only."""
    folder = tmp_path_factory.mktemp("built")
    build(raw_results, folder)
    return folder


@pytest.fixture
def small(built):
    """The database of three structures, open."""
    with open_database(built) as db:
        yield db


@pytest.fixture(scope="session")
def shipped():
    """The database of the repository, open."""
    with open_database() as db:
        yield db


@pytest.fixture(scope="session")
def narrow(shipped):
    """A session that has one more model, "narrow": one epoch on ordinary silica, with the gap. Stishovite, where oxygen
    has three silicons, lies outside its training data however large the database is."""
    import tempfile

    from elnes_lab.dashboard.session import Session
    from elnes_lab.learning import Dataset, InputChoice, make_split, train
    from elnes_lab.learning.store import read_card, save

    data = Dataset.from_database(shipped[np.isin(shipped["structure"], ORDINARY)], InputChoice(scalars=("band_gap",)))
    model = train(data, make_split(data, seed=0), members=1, epochs=1).fit()
    with tempfile.TemporaryDirectory() as folder:
        card = read_card(save(model, folder))
    session = Session(shipped)
    session.add("narrow", model, card)
    return session


@pytest.fixture
def alter():
    """Function that rewrites an .npz file with some keys changed; a value of None takes the key away."""

    def rewrite(path: Path, **changes):
        with np.load(path) as file:
            arrays = {k: file[k] for k in file}
        arrays.update(changes)
        np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})

    return rewrite
