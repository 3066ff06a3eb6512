"""Damaged, foreign and hostile .npz files: each gets a sentence, none a traceback, a hang or gigabytes of memory."""

import io
import os
import socket
import zipfile

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources import npz
from elnes_lab.sources.quantum_espresso import SITE_SHAPES, read_ground, read_site


@pytest.fixture(scope="module")
def step(raw_results):
    """A real core-hole file: (path, its bytes, its ground state)."""
    path = raw_results / "stishovite" / "O2.npz"
    return path, path.read_bytes(), read_ground(path.with_name("ground.npz"))


def repacked(content: bytes, **members: bytes) -> bytes:
    """The archive with some members (name without .npy) replaced by other bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, members.get(info.filename.removesuffix(".npy"), old.read(info)))
    return out.getvalue()


def npy(values) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=True)
    return out.getvalue()


def header(text: str) -> bytes:
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body + bytes(64)


def test_every_flipped_byte_gives_the_same_numbers_or_a_sentence(step):
    """All bytes of the small file, one after the other in steps: zlib, zip and header parsers see each kind of damage."""
    path, whole, ground = step
    right = read_site(path, ground, whole)
    refused = 0
    for at in range(0, len(whole), 9):
        spoiled = bytearray(whole)
        spoiled[at] ^= 1 << at % 8
        try:
            row = read_site(path, ground, bytes(spoiled))
            np.testing.assert_array_equal(row.strength, right.strength)
            assert all(getattr(row, name) == getattr(right, name) for name in ("site", "homo", "lumo", "total_energy"))
        except DataError as problem:
            assert str(problem).isprintable() and len(str(problem)) < 400
            refused += 1
    assert refused > len(whole) // 9 / 2


HOSTILE = {
    "complex": npy(np.ones((3, 451), complex)),
    "dates": npy(np.zeros((3, 451), "datetime64[s]")),
    "objects": npy(np.array([print], object)),
    "records": npy(np.zeros(3, "i4,f8")),
    "text": npy(np.array("strong")),
    "wide floats": npy(np.ones((3, 451), np.longdouble)),
    "booleans": npy(np.ones((3, 451), bool)),
    "an endless shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 451000000000), }"),
    "no bytes in a number": header("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }"),
    "a negative shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -16), }"),
    "a header that is no literal": header("{'descr': '<f4', 'fortran_order': (((((((("),
    "a header with an open quote": header("{'descr': '<f4L, \x00'''"),
    "a header of another version": b"\x93NUMPY\x09\x00" + bytes(200),
    "an empty member": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_arrays_that_cannot_be_a_strength(step, what):
    path, whole, ground = step
    with pytest.raises(DataError, match="compute this step again"):
        read_site(path, ground, repacked(whole, strength=HOSTILE[what]))


def test_names_of_characters_that_do_not_exist(raw_results):
    path = raw_results / "stishovite" / "ground.npz"
    name = np.frombuffer(b"\xff\xff\xff\x7f" * 4, "<U4").reshape(())
    with pytest.raises(DataError, match="not readable as .npz|the name "):
        read_ground(path, repacked(path.read_bytes(), name=npy(name)))


def test_sizes_are_looked_at_before_anything_is_unpacked(step, monkeypatch):
    path, whole, ground = step
    honest = repacked(whole, strength=bytes(npz.LIMIT + 1))  # deflated to some kB
    with pytest.raises(DataError, match="more than 16 MB"):
        npz.read_arrays(honest, SITE_SHAPES, "core-hole")
    lying = honest.replace((npz.LIMIT + 1).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(DataError, match="not readable as .npz"):
        npz.read_arrays(lying, SITE_SHAPES, "core-hole")
    sparse = path.parent.parent / "sparse.npz"
    with open(sparse, "wb") as file:
        file.truncate(npz.LIMIT + 1)
    with pytest.raises(DataError, match="more than 16 MB"):
        npz.read_regular(sparse)
    sparse.unlink()


@pytest.mark.parametrize("field, value", [("compression", 99), ("flags", 1)])
def test_zip_methods_and_encryption_that_python_does_not_know(step, field, value):
    path, whole, ground = step
    spoiled = bytearray(whole)
    for signature, offset in (
        (b"PK\x03\x04", {"compression": 8, "flags": 6}),
        (b"PK\x01\x02", {"compression": 10, "flags": 8}),
    ):
        at = -1
        while (at := spoiled.find(signature, at + 1)) >= 0:
            spoiled[at + offset[field]] = value
    with pytest.raises(DataError, match="not readable as .npz"):
        read_site(path, ground, bytes(spoiled))


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # the path of a socket is short
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
    for name in ("pipe", "folder", "device", "socket"):
        with pytest.raises(DataError, match="not a regular file"):
            npz.read_regular(tmp_path / name)
    listener.close()
    with pytest.raises(DataError, match="cannot be read"):
        npz.read_regular(tmp_path / "ring")
    with pytest.raises(FileNotFoundError):
        npz.read_regular(tmp_path / "nothing")


def test_a_file_that_may_not_be_read(step, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(npz.os, "open", refuse)  # root may read everything
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        npz.read_regular(step[0])
