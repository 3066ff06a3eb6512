"""Models in and out of the Train panel: downloaded, uploaded again, damaged, hostile."""

import io
import pickle
import shutil
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.session import Session, numbers
from elnes_lab.dashboard.train.model import TrainModel
from elnes_lab.errors import DataError
from elnes_lab.learning.packed import LIMIT as UPLOAD_LIMIT
from elnes_lab.store import data_directory


@pytest.fixture(scope="module")
def packed(shipped):
    session = Session(shipped)
    return session.pack(session.models[1].name)


def test_a_downloaded_model_comes_back_the_same(model, loop, packed, shipped):
    name, content = packed
    model.upload(name, content)
    loop.run_until(lambda: not model.busy)
    entry = model.session.models[-1]
    assert entry.origin == "uploaded" and entry.with_gap and not model.failed
    original = model.session.models[1]
    assert entry.card == original.card
    rows = shipped.query("structure == 'quartz-alpha'")
    np.testing.assert_array_equal(entry.load().predict(rows).mean, original.load().predict(rows).mean)


def zipped(how=zipfile.ZIP_DEFLATED, /, **files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as file:
        for name, data in files.items():
            file.writestr(name.replace("__", "/").replace("_", "."), data)
    return content.getvalue()


class Bomb:
    def __reduce__(self):
        return print, ("a pickle was run",)


def declaring(content, size):
    """The zip with `size` as the length of what its last member unpacks to, before it and in the list of members."""
    content = bytearray(content)
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<L", content, content.rfind(mark) + at, size)
    return bytes(content)


def crowded(count):
    """A zip whose list has `count` members, all in one place."""
    one = zipped(x=b"")
    place, end = one.find(b"PK\1\2"), one.find(b"PK\5\6")
    entries = one[place:end] * count
    return (
        one[:place]
        + entries
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entries), place, 0)
    )


def wrong_files(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        parts = {info.filename: file.read(info) for info in file.infolist()}
    card, weights = parts["card.json"], parts["model.safetensors"]
    return {
        "text": b"energy,intensity\n1,2\n",
        "empty": b"",
        "torn": packed[: len(packed) // 2],
        "spoilt": packed[:400] + bytes(2000) + packed[2400:],
        "pickle": zipped(card_json=card, model_safetensors=pickle.dumps(Bomb())),
        "other names": zipped(readme_txt=b"hello"),
        "path": zipped(card_json=card, ____etc__model_safetensors=weights),
        "no card": zipped(card_json=b"[]", model_safetensors=weights),
        "wrong sizes": zipped(card_json=card.replace(b'"bins": 85', b'"bins": "x"'), model_safetensors=weights),
        "other sizes": zipped(card_json=card.replace(b'"width": 64', b'"width": 32'), model_safetensors=weights),
        "not text": zipped(card_json=b"\xff\xfe\x00", model_safetensors=weights),
        "unpacks to too much": zipped(card_json=card, model_safetensors=bytes(UPLOAD_LIMIT + 1)),
        "too large": bytes(UPLOAD_LIMIT + 1),
        "unpacks to more than it says": declaring(zipped(card_json=card, model_safetensors=bytes(2**28)), 1000),
        "400,000 members": crowded(400_000),
        "packed another way": zipped(zipfile.ZIP_LZMA, card_json=card, model_safetensors=weights),
        "card twice": crowded(2),
        "deep": zipped(card_json=b"[" * 10**6, model_safetensors=weights),
    }


def test_a_wrong_file_gives_a_sentence_and_no_model(shipped, packed, capsys):
    session = Session(shipped)
    for what, content in wrong_files(packed[1]).items():
        tracemalloc.start()
        with pytest.raises(DataError) as problem:
            session.read("mine.zip", content)
        text, (_, peak) = str(problem.value), tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert text.endswith(".") and "/tmp" not in text and len(text) < 400, (what, text)
        assert peak < 3 * UPLOAD_LIMIT, (what, peak)
    assert all(one.origin == "shipped" for one in session.models) and "pickle was run" not in capsys.readouterr().out


def test_a_refused_upload_is_a_message(model, loop):
    model.upload("notes.txt", b"hello")
    loop.run_until(lambda: not model.busy)
    assert model.failed and "notes.txt is not a whole zip file" in model.message


def test_an_upload_that_predicts_more_than_a_page_can_keep_is_refused(shipped, packed, monkeypatch):
    session = Session(shipped)
    size = numbers(session.models[1].card)  # of networks and kernel along x, y, z, and of their mean
    assert size > 3 * 6 * 160
    monkeypatch.setattr("elnes_lab.dashboard.session.SPECTRA_LIMIT", size - 1)
    with pytest.raises(DataError, match=f"{size:,} numbers a site"):
        session.read("mine.zip", packed[1])
    monkeypatch.setattr("elnes_lab.dashboard.session.SPECTRA_LIMIT", size)
    name = session.add(*session.read("\ud800" + "x" * 300 + "/../<b>.zip", packed[1])).name
    assert name.startswith("Uploaded") and len(name) <= 40 and session.pack(name)[0].endswith(".zip")
    name.encode()


@pytest.mark.parametrize("file", ["card.json", "model.safetensors"])
def test_a_damaged_shipped_model_is_a_sentence_and_the_other_stays(shipped, loop, tmp_path, monkeypatch, file):
    shutil.copytree(data_directory() / "models", tmp_path / "models")
    monkeypatch.setenv("ELNES_LAB_DATA", str(tmp_path))
    session = Session(shipped)
    gone = session.models[1]
    (tmp_path / "models" / "ensemble-pdos-gap" / file).write_bytes(b"{}")
    for use in (gone.load, lambda: session.pack(gone.name)):  # damaged after the page was opened
        with pytest.raises(DataError) as problem:
            use()
        assert gone.name in str(problem.value) and str(tmp_path) not in str(problem.value)
    panel = InspectModel(shipped, session)
    panel.load()
    assert panel.state == "ready" and [one.name for one in panel.judged] == [session.models[0].name]
    assert gone.name in panel.problem
    later = TrainModel(Session(shipped), post=loop.post)  # and before
    assert [row["name"] for row in later.rows()] == [one.name for one in session.models if one is not gone]
    assert later.failed and gone.name in later.message and str(tmp_path) not in later.message
    panel = InspectModel(shipped, later.session)
    panel.load()
    assert panel.state == "ready" and gone.name in panel.problem
