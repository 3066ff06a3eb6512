"""Curves and texts as the browser reads them."""

import gzip
import json

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.site import sites
from elnes_lab.site.pack import STEPS, Pack, dumps, read


def test_what_is_packed_comes_back(tmp_path):
    curves = np.random.default_rng(0).normal(size=(3, 2, 40)) * 10.0 ** np.arange(-4, 2).reshape(3, 2, 1)
    curves[1, 0, 5:9], curves[2, 1] = np.nan, 0.0
    pack = Pack()
    pack.add_json("words", {"ä": [1, None, "x"]})
    pack.add("odd", np.arange(3), "int32")  # 12 bytes: what follows must begin at a multiple of 8 all the same
    pack.add_curves("curves", curves)
    found = read(tmp_path, pack.write(tmp_path / "one.pack"))
    assert found["words"] == {"ä": [1, None, "x"]}
    assert found["odd"].tolist() == [0, 1, 2]
    top = np.nanmax(np.abs(curves), axis=-1, keepdims=True)
    assert (np.isnan(found["curves"]) == np.isnan(curves)).all()
    off = np.abs(found["curves"] - curves)
    assert np.nanmax(off / np.where(top > 0, top, 1)) <= 0.501 / STEPS
    assert np.nanmax(off) > 0  # else nothing was quantised, and this says nothing
    assert not found["curves"][2, 1].any()


def test_the_same_contents_give_the_same_file(tmp_path):
    sizes = []
    for name in ("a.pack", "b.pack"):
        pack = Pack()
        pack.add_curves("x", [[0.0, 1.0, 0.5]])
        sizes.append(pack.write(tmp_path / name)["size"])
    assert (tmp_path / "a.pack").read_bytes() == (tmp_path / "b.pack").read_bytes()
    assert sizes[0] == (tmp_path / "a.pack").stat().st_size


def test_infinite_values_are_refused():
    with pytest.raises(DataError, match="infinite"):
        Pack().add_curves("x", [[0.0, np.inf]])


def test_json_has_no_nan():
    text = dumps({"a": np.array([1.0, np.nan]), "b": np.float32(2), "c": (np.int64(3), float("inf"))}).decode()
    assert json.loads(text) == {"a": [1.0, None], "b": 2.0, "c": [3, None]}


def test_all_planned_spectra_take_less_than_ten_megabytes(shipped, site, tmp_path):
    """Spectra, PDOS and table of the database as it is, and what the small one says of predictions and drawings."""
    from elnes_lab.dashboard.browse.model import BrowseModel

    packs = {
        "table": sites.table(shipped, BrowseModel(shipped)),
        "spectra": sites.spectra(shipped),
        "pdos": sites.pdos(shipped),
    }
    packs["structures"] = sites.structures(shipped)[0]
    each = sum(pack.write(tmp_path / name)["size"] for name, pack in packs.items()) / len(shipped)
    manifest = json.loads((site / "data" / "site.json").read_text())
    description = manifest["packs"]["predictions"]
    content = gzip.decompress((site / "data" / description["file"]).read_bytes())
    entries = description["entries"]
    parts = b"".join(content[e["start"] : e["start"] + e["bytes"]] for e in entries if e["type"] != "json")
    count = next(e["shape"][0] for e in entries if e["name"] == "predicted.0")
    each += len(gzip.compress(parts, 9)) / count
    texts = sum(e["bytes"] for e in entries if e["type"] == "json") / count / 5  # five times smaller, at least
    assert (each + texts) * max(shipped.planned, len(shipped)) < 10e6
