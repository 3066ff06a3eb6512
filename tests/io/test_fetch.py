"""Data for an installed package: from a file, a zip and an address, checked before anything is replaced."""

import functools
import hashlib
import http.server
import shutil
import threading
import zipfile

import pytest

from elnes_lab import open_database
from elnes_lab.cli.program import main
from elnes_lab.errors import DataError
from elnes_lab.io.fetch import fetch
from elnes_lab.schema import CHECKSUMS, FILE, STRUCTURES
from elnes_lab.store import data_directory

DATA = data_directory()


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder with the database file and a zip as a code host makes it of the repository."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(DATA / FILE, folder)
    with zipfile.ZipFile(folder / "project.zip", "w") as archive:
        for name in (FILE, "models/ensemble-pdos/card.json", "models/ensemble-pdos/model.safetensors"):
            archive.write(DATA / name, f"elnes-lab-main/data/{name}")
        archive.writestr("elnes-lab-main/data/../../evil.txt", "x")
        archive.writestr("elnes-lab-main/README.md", "x")
    return folder


@pytest.fixture
def address(sources):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=sources))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def sums_hold(folder):
    lines = [line.split("  ") for line in (folder / CHECKSUMS).read_text().splitlines()]
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for digest, name in lines)
    return {name for _, name in lines}


def test_a_database_file_is_put_in_place_with_its_structures_and_checksums(sources, tmp_path):
    digest = hashlib.sha256((sources / FILE).read_bytes()).hexdigest()
    fetch(str(sources / FILE), tmp_path / "new", sha256=digest)
    assert sums_hold(tmp_path / "new") == {FILE, STRUCTURES}
    with open_database(tmp_path / "new") as db:
        assert (tmp_path / "new" / STRUCTURES).read_text() == db.store.structures()


def test_an_installed_package_gets_data_and_models_from_an_address(address, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ELNES_LAB_DATA", str(tmp_path))
    assert main(["info"]) == 2
    told = capsys.readouterr().err
    assert "elnes-lab data fetch" in told and "ELNES_LAB_DATA" in told and "repository" in told
    assert main(["data", "fetch", f"{address}project.zip"]) == 0
    assert "1 models" in capsys.readouterr().out
    assert sums_hold(tmp_path) == {
        FILE,
        STRUCTURES,
        "models/ensemble-pdos/card.json",
        "models/ensemble-pdos/model.safetensors",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CHECKSUMS, FILE, "models", STRUCTURES])
    assert main(["info", "--json"]) == 0
    capsys.readouterr()
    assert main(["data", "where"]) == 0 and capsys.readouterr().out.strip() == str(tmp_path)


def test_what_is_wrong_changes_nothing_and_is_said_in_one_sentence(sources, address, tmp_path):
    (tmp_path / FILE).write_bytes(b"another one")
    content = (sources / FILE).read_bytes()
    spoilt = tmp_path / "spoilt.nc"
    spoilt.write_bytes(content[:5000] + bytes(100) + content[5100:])
    (tmp_path / "text.nc").write_bytes(b"hello")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    (tmp_path / "torn.zip").write_bytes((sources / "project.zip").read_bytes()[:9999])
    cases = [
        (tmp_path / "spoilt.nc", {}, "damaged or changed"),
        (tmp_path / "text.nc", {}, "text.nc"),
        (tmp_path / "empty.zip", {}, "holds no"),
        (tmp_path / "torn.zip", {}, "whole zip"),
        (tmp_path / "gone.nc", {}, "no file"),
        (f"{address}gone.nc", {}, "404"),
        ("http://127.0.0.1:9/x.nc", {}, "cannot be read"),
        (sources / FILE, {"sha256": "0" * 64}, "not 000"),
        (sources / FILE, {"overwrite": False}, "another database already"),
    ]
    for source, options, says in cases:
        with pytest.raises(DataError, match=says) as problem:
            fetch(str(source), tmp_path, **({"overwrite": True} | options))
        assert str(problem.value).endswith(".")
    assert (tmp_path / FILE).read_bytes() == b"another one" and not (tmp_path / CHECKSUMS).exists()


def test_models_of_ones_own_and_lines_about_other_files_are_kept(sources, tmp_path):
    fetch(str(sources / "project.zip"), tmp_path)
    card = tmp_path / "models" / "ensemble-pdos" / "card.json"
    card.write_text("mine")
    line = f"{'0' * 64}  raw/x.npz\n"
    (tmp_path / CHECKSUMS).write_text(line + (tmp_path / CHECKSUMS).read_text())
    with pytest.raises(DataError, match="another models/ensemble-pdos/card.json already. Give --overwrite"):
        fetch(str(sources / "project.zip"), tmp_path)
    assert card.read_text() == "mine"
    fetch(str(sources / "project.zip"), tmp_path, overwrite=True)
    assert card.read_text() != "mine" and line in (tmp_path / CHECKSUMS).read_text()


def test_a_damaged_zip_and_an_address_that_cannot_be_are_sentences(sources, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sources / FILE, FILE)
    content = bytearray((tmp_path / "deflated.zip").read_bytes())
    content[200:600] = bytes(400)
    (tmp_path / "deflated.zip").write_bytes(content)
    for source in (str(tmp_path / "deflated.zip"), "http://localhost:abc/x.nc", str(tmp_path / "nothing.nc")):
        assert main(["data", "fetch", source]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and error.count("Check the") <= 1 and "Traceback" not in error
