"""Where results can go, asked before there are any."""

import os

import pytest

from elnes_lab.errors import DataError
from elnes_lab.io.places import file_place, folder_place


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "new",
        "file",
        "x" * 255,
    ],
)
def test_a_file_that_can_be_written(folder, name):
    before = sorted(folder.iterdir())
    assert file_place(folder / name) == folder / name
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "name",
    [
        "",
        "new",
        "new/deep/er",
    ],
)
def test_a_folder_that_can_be_made(folder, name):
    before = sorted(folder.iterdir())
    assert folder_place(folder / name) == folder / name and file_place(folder / name / "file", make=True)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "name, says",
    [
        ("", "a folder"),
        ("pipe", "no plain file"),
        ("link", "no plain file"),
        ("file/below", "no folder"),
        ("new/file", "no folder"),
        ("x" * 256, "too long"),
        ("a\0b", "cannot be written"),
        ("/proc/x", "cannot be written"),
    ],
)
def test_a_file_that_cannot(folder, name, says):
    with pytest.raises(DataError, match=says):
        file_place(folder / name)


@pytest.mark.parametrize(
    "name, says",
    [
        ("file", "no folder"),
        ("pipe", "no folder"),
        ("link", "no folder"),
        ("file/below/it", "no folder"),
        ("x" * 256, "too long"),
        ("a\0b", "cannot be written"),
        ("/proc/x/y", "cannot be written"),
    ],
)
def test_a_folder_that_cannot(folder, name, says):
    with pytest.raises(DataError, match=says):
        folder_place(folder / name)
    with pytest.raises(DataError):
        file_place(folder / name / "file", make=True)
