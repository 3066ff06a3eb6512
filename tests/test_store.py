"""The file that is its own witness: damage is told before and after opening, with and without a list beside it."""

import os
import shutil

import numpy as np
import pytest

from elnes_lab import digests, schema
from elnes_lab import store as module
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.schema import CHECKSUMS, FILE, STRUCTURES
from elnes_lab.store import REQUIRED, Store


@pytest.fixture
def copy(built, tmp_path):
    """A copy of the database file to damage, alone in its folder: no list, no structures file."""
    return shutil.copy(built / FILE, tmp_path / FILE)


@pytest.fixture(params=["in memory", "on the disk"])
def place(request, monkeypatch):
    """Small files are held in memory; of large ones only what is read is in memory, and is checked when it is read."""
    if request.param == "on the disk":
        monkeypatch.setattr(module, "MEMORY_BYTES", 0)
        monkeypatch.setattr(module, "CACHE_BYTES", 0)
    return request.param


def contents(path, **options) -> dict:
    """Every variable, whole and by rows, and every attribute."""
    store = Store(path, **options)
    try:
        rows = np.arange(store.size)[::-1]
        whole = {name: store.read(name) for name in REQUIRED}
        return (
            whole
            | {f"{name} by rows": store.read(name, rows) for name in ("elnes", "pdos", "rdf", "kind")}
            | store.attributes
        )
    finally:
        store.close()


def same(found: dict, wanted: dict) -> bool:
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[k], wanted[k], equal_nan=np.asarray(wanted[k]).dtype.kind == "f") for k in wanted
    )


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]


def test_a_flipped_bit_anywhere_is_refused_before_hdf5_sees_it(copy):
    whole = copy.read_bytes()
    for at in [*range(0, len(whole), len(whole) // 60), len(whole) - 1]:
        copy.write_bytes(flipped(whole, at))
        with pytest.raises(DataError, match="does not end with the sha256 of its content"):
            Store(copy)
    for cut in (0, 7, len(whole) // 2, len(whole) - 1, len(whole) - digests.SEAL_LENGTH):
        copy.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="does not end with the sha256 of its content"):
            Store(copy)


def test_of_a_large_file_what_is_read_is_right_or_refused(copy, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_BYTES", 0)
    monkeypatch.setattr(module, "CACHE_BYTES", 0)
    whole, wanted, refused = copy.read_bytes(), contents(copy), 0
    for at in range(5, len(whole), len(whole) // 20):
        copy.write_bytes(flipped(whole, at))
        try:
            assert same(contents(copy), wanted)
        except DataError:
            refused += 1
    assert refused > 5


@pytest.mark.parametrize(
    "spoil", ["site", "kind", "band_gap", "elnes", "pdos", "structures", "elnes_sha256", "attribute", "digest"]
)
def test_each_variable_is_compared_with_its_digest(copy, place, spoil):
    """The values changed through the HDF5 library, as a program would, and sealed again: only the digests inside can tell."""
    import h5py

    os.truncate(copy, copy.stat().st_size - digests.SEAL_LENGTH)
    with h5py.File(copy, "r+") as file:
        if spoil == "attribute":
            file.attrs["planned_spectra"] = np.int64(7)
        elif spoil == "digest":
            del file["band_gap"].attrs[digests.ATTRIBUTE]
        else:
            values = file[spoil][...]
            values.flat[-1] = b"other" if values.dtype.kind == "O" else 1 + values.flat[-1]
            file[spoil][...] = values
    content = copy.read_bytes()
    copy.write_bytes(content + digests.seal(content))
    if spoil == "elnes_sha256" and place == "in memory":
        contents(copy)  # the table is needed by rows only
        return
    with pytest.raises(DataError, match="cannot be used.*build it again"):
        contents(copy)
    contents(copy, verify=False)


@pytest.mark.parametrize("loss", ["damaged", "cut", "replaced", "removed"])
def test_a_file_that_is_lost_after_it_was_opened(copy, place, loss):
    wanted, other = contents(copy), copy.with_name("other.nc")
    store = Store(copy)
    if loss == "damaged":
        with open(copy, "r+b") as file:
            for at in range(0, os.path.getsize(copy), 512):
                file.seek(at)
                file.write(b"\xff" * 64)
    elif loss == "cut":
        os.truncate(copy, 4096)
    elif loss == "replaced":
        other.write_bytes(b"another database")
        os.replace(other, copy)
    else:
        copy.unlink()
    try:
        for name in REQUIRED:
            np.testing.assert_array_equal(store.read(name), wanted[name])
    except DataError as problem:
        assert place == "on the disk" and loss in ("damaged", "cut") and "damaged or changed" in str(problem)
    else:
        assert place == "in memory" or loss in ("replaced", "removed")
    store.close()


def test_what_lies_beside_the_file_is_not_asked(copy):
    """A list that is a folder, or of bytes that are no text; structures that are cut or of another database."""
    (copy.parent / CHECKSUMS).mkdir()
    assert len(open_database(copy).frames) == 3
    (copy.parent / CHECKSUMS).rmdir()
    (copy.parent / CHECKSUMS).write_bytes(b"\xff\xfe" * 50)
    (copy.parent / STRUCTURES).write_bytes(b"7\n\xff")
    with open_database(copy) as db:
        assert set(db.frames) == set(db.structures) and len(db.structure("stishovite")) == 6


def test_structures_are_those_of_the_file_beside(built, small):
    assert small.store.structures().encode() == (built / STRUCTURES).read_bytes()


def test_places_where_no_database_can_be(tmp_path, copy):
    for path in (tmp_path / "nothing", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(DataError, match="There is no database|cannot be read"):
            open_database(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="There is no database"):
        open_database(tmp_path / "pipe")
    db = open_database(copy)
    db.close()
    with pytest.raises(DataError, match="was closed"):
        db.elnes


def test_an_older_layout_says_build_again(copy):
    import h5py

    os.truncate(copy, copy.stat().st_size - digests.SEAL_LENGTH)
    with h5py.File(copy, "r+") as file:
        file.attrs["Conventions"] = "ELNES Lab 1"
    with pytest.raises(DataError, match="elnes-lab build"):
        open_database(copy)
    with pytest.raises(DataError, match="layout 'ELNES Lab 1'.*elnes-lab build"):
        open_database(copy, verify=False)


def test_blocks_cover_every_row_once():
    values = np.random.default_rng(0).normal(size=(37, 3, 5)).astype(np.float32)
    table = digests.table(values)
    assert table.shape == (3, 32)
    for row in range(len(values)):
        other = values.copy()
        other[row, 2, 4] = np.nextafter(other[row, 2, 4], np.float32(9))
        changed = (digests.table(other) != table).any(1)
        assert changed.tolist() == [block == row // digests.BLOCK for block in range(3)]
    assert digests.table(values[:0]).shape == (0, 32)
    np.testing.assert_array_equal(digests.table(values.astype(">f4")), table)


def test_a_file_from_before_a_column_opens_with_what_its_rows_are(raw_results, tmp_path, monkeypatch):
    older = {name: column for name, column in schema.COLUMNS.items() if name not in module.ABSENT}
    with monkeypatch.context() as before:
        before.setattr(schema, "COLUMNS", older)
        write_anew(raw_results, tmp_path)
    with open_database(tmp_path) as db:
        assert "settings" not in db.store.file.variables
        assert set(db["settings"]) == {"original"} and len(db["ground_settings"]) == len(db)
        assert len(db[:2]["settings"]) == 2 and "settings" in db.table


def write_anew(raw, folder):
    """The database file alone; `build` reads it back with all of today's columns."""
    from elnes_lab.build import collect, extended_xyz, netcdf, to_dataset

    collected = collect(raw)
    (folder / FILE).write_bytes(netcdf(to_dataset(collected, extended_xyz(collected))))
