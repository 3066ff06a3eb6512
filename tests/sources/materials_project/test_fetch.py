"""The real client against a local server: what is fetched, what is not fetched twice, and what goes wrong on the
way."""

import json
import time

import numpy as np
import pytest
from ase.io import read

from elnes_lab.cli.program import main
from elnes_lab.errors import DataError
from elnes_lab.sources.materials_project.client import asked, find_key, open_client, within
from elnes_lab.sources.materials_project.fetch import DOS_LABEL, XAS_LABEL, fetch
from elnes_lab.sources.materials_project.spectra import fetched_spectra


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr("elnes_lab.sources.materials_project.client.LONGEST_WAIT", 0.2)
    return open_client(server.key, endpoint=server.url, timeout=20, pause=0.0)


@pytest.mark.parametrize(
    "key, why", [(None, "Get one at https"), ("", "Get one at https"), ("short", "no key"), ("ä" * 32, "no key")]
)
def test_without_a_key_the_message_says_how_to_get_one(monkeypatch, capsys, tmp_path, key, why):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    with pytest.raises(DataError, match=why):
        find_key(key)
    if key is None:
        assert main(["fetch", "materials-project", "--output", str(tmp_path / "mp")]) == 2
        assert "MP_API_KEY" in capsys.readouterr().err and not (tmp_path / "mp").exists()


def test_everything_is_fetched_and_keeps_its_label(client, tmp_path):
    found = fetch(client, tmp_path)
    assert found.materials == ["mp-6930", "mp-6947"] and found.refused == [] and (found.dos, found.xas) == (1, 1)
    frames = read(tmp_path / "structures.extxyz", ":")
    assert [atoms.info["sid"] for atoms in frames] == found.materials
    assert all(atoms.info["origin"] == "Materials Project" for atoms in frames) and len(frames[0]) == 9
    with np.load(tmp_path / "materials" / "mp-6930" / "vasp-dos.npz") as dos:
        np.testing.assert_allclose(dos["energy"], np.linspace(-20, 20, 81) - 1.5)
        np.testing.assert_allclose(dos["dos"], np.linspace(0, 8, 81))
        expected = np.arange(1, 10)[:, None] * np.ones(81)
        np.testing.assert_allclose(dos["pdos_s"], 0.1 * expected)
        np.testing.assert_allclose(dos["pdos_p"], 0.6 * expected)
        assert dos["label"] == DOS_LABEL and dos["symbols"].tolist().count("O") == 6
    spectra, refused = fetched_spectra(tmp_path)
    assert refused == [] and [(s.material, s.label) for s in spectra] == [("mp-6930", XAS_LABEL)]
    np.testing.assert_allclose(spectra[0].intensity, 1 + np.sin(np.linspace(535, 590, 100)) ** 2)


def test_what_was_fetched_is_not_asked_for_again(client, server, tmp_path):
    fetch(client, tmp_path)
    before = len(server.requests())
    content = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = fetch(client, tmp_path)
    assert (again.dos, again.xas) == (1, 1) and [
        path for _, path in server.requests()[before:] if "summary" not in path
    ] == []
    assert content == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_the_list_is_one_that_the_queue_takes_and_no_database_takes_the_rest(client, tmp_path, capsys, monkeypatch):
    from elnes_lab.build import build
    from elnes_lab.sources.qe.structures import read_structures

    fetch(client, tmp_path)
    structures, refused = read_structures(tmp_path / "structures.extxyz")
    assert [s.sid for s in structures] == ["mp-6930", "mp-6947"] and refused == []
    with pytest.raises(DataError, match="no spectrum"):
        build(tmp_path / "materials", tmp_path / "db")


def test_the_command(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MP_API_KEY", server.key)
    words = [
        "fetch",
        "materials-project",
        "--endpoint",
        server.url,
        "--output",
        str(tmp_path / "mp"),
        "--only",
        "mp-6930",
        "--no-dos",
    ]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "1 structures" in said and "1 spectra (FEFF)" in said
    assert not list((tmp_path / "mp").rglob("vasp-dos*"))


def test_a_refused_key(server, tmp_path):
    with pytest.raises(DataError, match="refuses the key"):
        fetch(open_client("x" * 32, endpoint=server.url, pause=0.0), tmp_path)


def test_too_many_requests_are_waited_for(client, server, tmp_path):
    server.behave(
        "materials/xas", status=429, times=2, headers={"Retry-After": "100000"}, body='{"detail": "slow down"}'
    )
    start = time.monotonic()
    assert fetch(client, tmp_path, dos=False).xas == 1
    assert time.monotonic() - start < 60  # the server's day is cut to the limit
    assert sum("xas" in path for _, path in server.requests()) >= 4


def test_a_server_that_wants_a_break_ends_the_run_and_the_next_goes_on(client, server, tmp_path):
    server.behave("materials/xas", status=429, body='{"detail": "slow down"}')
    with pytest.raises(DataError, match="asks for a break"):
        fetch(client, tmp_path, dos=False)
    assert len(list(tmp_path.glob("materials/*/structure.json"))) == 2
    server.behave("materials/xas", times=0)
    assert fetch(client, tmp_path, dos=False).xas == 1


def test_a_silent_server_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr("elnes_lab.sources.materials_project.client.TRIES", 2)
    server.behave("heartbeat", delay=30)
    with pytest.raises(DataError, match="does not answer in time"):
        open_client(server.key, endpoint=server.url, timeout=0.5, pause=0.0)


def test_no_server_and_another_server(server, monkeypatch):
    monkeypatch.setattr("elnes_lab.sources.materials_project.client.TRIES", 1)
    with pytest.raises(DataError, match="cannot be reached"):
        open_client(server.key, endpoint="http://127.0.0.1:9/", timeout=2)
    server.behave("heartbeat", body="<html>Sign in to this network</html>")
    with pytest.raises(DataError, match="login page"):
        open_client(server.key, endpoint=server.url, timeout=5)


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "{}",
        '{"data": 5}',
        '{"data": [{"spectrum": {"x": [1, 2], "y": [0]}}]}',
        "[]",
        '{"data": [null], "meta": {"total_doc": "many"}}',
    ],
)
def test_malformed_documents_cost_that_document(client, server, tmp_path, body):
    server.behave("materials/xas", body=body)
    found = fetch(client, tmp_path, dos=False)
    assert found.materials == ["mp-6930", "mp-6947"] and found.xas == 0
    assert (
        all("cannot be used" in reason and len(reason) < 400 for _, reason in found.refused) and len(found.refused) == 2
    )
    assert not list(tmp_path.rglob("feff-xas.*"))


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda d: d.pop("structure"), "malformed"),
        (lambda d: d["structure"].pop("lattice"), "malformed"),
        (lambda d: d.update(material_id="../../etc"), "malformed|id"),
        (lambda d: d["structure"]["sites"][0]["species"][0].update(element="Ge"), "Ge"),
        (
            lambda d: d["structure"]["lattice"].update(matrix=[[1e-3, 0, 0], [0, 1, 0], [0, 0, 1]]),
            "cubic angstrom|angstrom",
        ),
    ],
)
def test_malformed_materials_are_left_out(client, server, tmp_path, change, why):
    import re

    server.alter("materials/summary", 1, change)
    found = fetch(client, tmp_path, dos=False, xas=False)
    assert found.materials == ["mp-6930"] and len(found.refused) == 1 and re.search(why, found.refused[0][1])
    assert {path.parent.name for path in tmp_path.glob("materials/*/*")} <= {"mp-6930", "mp-6947"}


def test_a_damaged_file_is_named(client, tmp_path):
    fetch(client, tmp_path, dos=False)
    path = tmp_path / "materials" / "mp-6930" / "feff-xas.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"label": "ours"}))
    spectra, refused = fetched_spectra(tmp_path)
    assert spectra == [] and "fetch it again" in refused[0][1]


def test_limits_without_a_server():
    assert (
        asked("7", 1.0) == 7
        and asked("1e9", 1.0) == 60
        and asked("Wed, 21 Oct 2026 07:28:00 GMT", 1.5) == 1.5
        and asked("nan", 1) >= 0
    )
    with pytest.raises(DataError, match="does not answer in 0 s"):
        within(0.05, lambda: time.sleep(5), "nothing comes")
    with pytest.raises(DataError, match="cannot be used"):
        within(5, lambda: 1 / 0, "nothing comes")
