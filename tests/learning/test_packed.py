"""A model as one zip file, as the dashboard saves it, and shipped models by their names."""

import pytest

from elnes_lab.errors import DataError
from elnes_lab.learning.packed import LIMIT, pack
from elnes_lab.learning.store import load
from elnes_lab.store import data_directory


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "elnes-model-mine.zip"
    path.write_bytes(pack(data_directory() / "models" / "ensemble-pdos"))
    return path


def test_a_model_as_downloaded_loads_and_predicts_as_its_folder_does(packed, shipped):
    rows = shipped[:2]
    folder, zipped = (
        load(place, shipped).predict(rows) for place in (data_directory() / "models" / "ensemble-pdos", packed)
    )
    assert (folder.mean == zipped.mean).all() and (folder.lower == zipped.lower).all()


def test_a_shipped_name_works_in_any_working_directory_and_a_wrong_one_tells_which_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load("ensemble-pdos").choice.scalars == ()
    with pytest.raises(DataError, match="no model 'ann-pdos'.*ensemble-pdos, ensemble-pdos-gap"):
        load("ann-pdos")


def test_a_file_that_is_no_model_gives_a_sentence_with_its_name(packed, tmp_path):
    content = packed.read_bytes()
    for name, wrong in {"torn.zip": content[:500], "text.txt": b"hello", "large.zip": bytes(LIMIT + 1)}.items():
        path = tmp_path / name
        path.write_bytes(wrong)
        with pytest.raises(DataError, match=name):
            load(path)
    middle = len(content) // 2  # of the weights
    packed.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(DataError) as problem:
        load(packed)
    assert "elnes-model-mine.zip" in str(problem.value) and str(tmp_path) not in str(problem.value)
