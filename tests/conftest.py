"""A small raw folder of real results, and the database made from it; tests may spoil copies."""
import shutil
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.build import build
from elnes_lab.database import open_database

RAW = Path(__file__).parents[1] / "data" / "raw"
STRUCTURES = ("prototype-04", "quartz-alpha", "stishovite")


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


@pytest.fixture
def alter():
    """Function that rewrites an .npz file with some keys changed; a value of None takes the key away."""
    def rewrite(path: Path, **changes):
        with np.load(path) as file:
            arrays = {k: file[k] for k in file}
        arrays.update(changes)
        np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})
    return rewrite


def pytest_collection_modifyitems(items):
    """Browser tests last: Playwright keeps an event loop running, in which nothing else can start one."""
    items.sort(key=lambda item: "browser" in item.path.parts)
