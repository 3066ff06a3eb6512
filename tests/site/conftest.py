"""The pages as files over the small database, with what the shipped models predict; read only."""

import pytest

from elnes_lab.database import open_database
from elnes_lab.site import build_site


@pytest.fixture(scope="session")
def site(built, tmp_path_factory):
    """Folder of the pages."""
    folder = tmp_path_factory.mktemp("site") / "public"
    with open_database(built) as db:
        build_site(db, folder)
    return folder
