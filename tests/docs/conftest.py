"""The pages, their code, and the site built from them once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))  # blocks, generated


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the site, built as `make docs` does: any warning, a link that leads nowhere among them, is an error."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "-W", "--keep-going", "-E", "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return folder / "html"
