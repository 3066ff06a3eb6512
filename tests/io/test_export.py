"""Exports read back by programs that know nothing of ELNES Lab, and by a strict reading of ISO 22029."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elnes_lab
from elnes_lab import DataError
from elnes_lab.io import FORMATS, export, export_bytes
from elnes_lab.io.export import safe_names
from elnes_lab.spectra import ENERGY_TITLES, RMS_WINDOW, Broadening

SINGLE = 2.0**-23  # relative, of a number rounded to single precision and to its shortest text
SIX_DIGITS = 6e-6  # relative, of a number in EMSA/MAS
MSA_FIRST = ["FORMAT", "VERSION"]
MSA_REQUIRED = {
    *MSA_FIRST,
    "TITLE",
    "DATE",
    "TIME",
    "OWNER",
    "NPOINTS",
    "NCOLUMNS",
    "XUNITS",
    "YUNITS",
    "DATATYPE",
    "XPERCHAN",
    "OFFSET",
}
MSA_SIGNALS = {"EDS", "WDS", "ELS", "AES", "PES", "XRF", "CLS", "GAM"}


@pytest.fixture(scope="module")
def db():
    return elnes_lab.open_database()


@pytest.fixture(scope="module")
def placed(db):
    """A few sites of different structures that have an onset."""
    rows = db.query("onset > 0")
    return rows[np.unique(np.linspace(0, len(rows) - 1, 5).astype(int))]


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: archive.read(name) for name in archive.namelist()}


def parse_msa(content: bytes) -> tuple[dict, np.ndarray]:
    """Header and (points, 2) data of an EMSA/MAS file of X, Y pairs; AssertionError where it departs from ISO 22029."""
    text = content.decode("ascii")
    assert text.endswith("\r\n") and not re.search(r"(?<!\r)\n|\r(?!\n)", text)
    lines = text.split("\r\n")[:-1]
    start = next(i for i, line in enumerate(lines) if line.startswith("#SPECTRUM    : "))
    assert lines[-1].startswith("#ENDOFDATA   : ")
    pairs = [re.fullmatch(r"#([A-Z]{1,12}) *: (.{0,64})", line).groups() for line in lines[:start]]
    assert all(line[13] == ":" and line.isprintable() for line in lines[:start])
    keys = [key for key, _ in pairs]
    assert keys[:2] == MSA_FIRST and MSA_REQUIRED <= set(keys)
    assert all(keys.count(key) == 1 for key in keys if key not in ("TITLE", "COMMENT"))
    header = {key: " ".join(value.strip() for name, value in pairs if name == key) for key in keys}
    assert header["FORMAT"] == "EMSA/MAS Spectral Data File" and header["VERSION"] == "1.0"
    assert header["SIGNALTYPE"] in MSA_SIGNALS and header["DATATYPE"] == "XY" and float(header["NCOLUMNS"]) == 1
    data = np.array([[float(number) for number in line.split(", ")] for line in lines[start + 1 : -1]])
    assert data.shape == (float(header["NPOINTS"]), 2) and np.isfinite(data).all()
    axis = float(header["OFFSET"]) + float(header["XPERCHAN"]) * np.arange(len(data))
    np.testing.assert_allclose(data[:, 0], axis, rtol=SIX_DIGITS, atol=1e-9)
    return header, data


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zero": "loss", "fwhm": 0.5, "pdos": True},
        {"zero": "onset", "polarization": "y"},
        {"zero": "first_peak"},
    ],
)
def test_csv_is_read_by_pandas(placed, options):
    import pandas as pd

    _, content = export_bytes(placed, "csv", **options)
    table = pd.read_csv(io.BytesIO(content), comment="#", index_col="energy")
    curve = {key: value for key, value in options.items() if key != "pdos"}
    energy, intensity = placed.curves(**curve)
    own = table[list(placed.sites)].reindex(np.round(energy, 6))
    np.testing.assert_allclose(own.to_numpy().T, intensity, rtol=SINGLE, atol=0)
    head = [line for line in content.decode().splitlines() if line.startswith("#")]
    assert any(ENERGY_TITLES[options.get("zero", "vbm")] in line for line in head)
    assert any(placed.version in line for line in head)
    assert any("0.5 eV full width" in line for line in head) == ("fwhm" in options)
    if options.get("pdos"):
        energy, pdos = placed.pdos_curves("O p", **curve)
        names = [f"{site} O p PDOS" for site in placed.sites]
        own = table[names].reindex(np.round(energy, 6))
        np.testing.assert_allclose(own.to_numpy().T, pdos, rtol=SINGLE, atol=1e-12)
        assert len(table.columns) == 2 * len(placed)
    else:
        assert list(table.columns) == list(placed.sites) and len(table) == len(energy)


def test_json_is_strict_and_complete(db):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    db = db[np.arange(0, len(db), 9)]
    whole = json.loads(export_bytes(db, "json", polarization="all")[1], parse_constant=refuse)
    assert whole["schema"] == {"name": "elnes-lab.spectra", "version": 1}
    assert whole["facts"]["data version"] == db.version
    assert [row["site"] for row in whole["sites"]] == list(db.sites)
    np.testing.assert_allclose(whole["energy"], db.energy, atol=1e-6)
    for name in db.columns:
        values = [row["columns"][name] for row in whole["sites"]]
        if isinstance(db[name][0], str):
            assert values == list(db[name])
        else:
            np.testing.assert_array_equal(np.array(values, float).astype(db[name].dtype), db[name])
    strength = np.array([[row["spectrum"][p] for p in "xyz"] for row in whole["sites"]])
    np.testing.assert_array_equal(strength.astype(np.float32), db.elnes)
    isotropic = [row["spectrum"]["isotropic"] for row in whole["sites"]]
    np.testing.assert_allclose(isotropic, strength.mean(1), rtol=1e-6, atol=1e-12)
    channel = np.array([row["pdos"]["O p"] for row in whole["sites"]], float)
    np.testing.assert_allclose(channel, db.pdos_curves("O p")[1], rtol=SINGLE)


def test_hspy_is_read_by_rosettasciio(placed, tmp_path):
    from rsciio.hspy import file_reader

    n = len(placed)
    for rows, polarization, shape in ((placed, "isotropic", (n,)), (placed[:1], "z", ()), (placed, "all", (n, 4))):
        path = export(rows, tmp_path / "out.hspy", zero="loss", polarization=polarization, overwrite=True)
        (signal,) = file_reader(path)
        *navigation, axis = signal["axes"]
        energy, intensity = rows.curves(zero="loss", polarization="z" if polarization == "z" else "isotropic")
        assert signal["data"].shape == (*shape, len(energy))
        stored = signal["data"].reshape(len(rows), -1, len(energy))
        np.testing.assert_allclose(stored[:, 0], intensity, rtol=1e-12)
        if polarization == "all":
            np.testing.assert_allclose(stored[:, 1:].mean(1), stored[:, 0], rtol=1e-5, atol=1e-12)
        assert (axis["name"], axis["units"], axis["navigate"]) == ("Energy loss", "eV", False)
        np.testing.assert_allclose(axis["offset"] + axis["scale"] * np.arange(axis["size"]), energy, atol=1e-5)
        assert [a["size"] for a in navigation] == list(shape) and all(a["navigate"] for a in navigation)
        assert signal["metadata"]["Signal"]["signal_type"] == "EELS"
        assert "Acquisition_instrument" not in signal["metadata"]
        own = signal["original_metadata"]["elnes_lab"]
        assert list(own["sites"]) == list(rows.sites)
        np.testing.assert_array_equal(own["columns"]["band_gap"], rows["band_gap"])
        assert list(own["columns"]["space_group"]) == list(rows["space_group"])


def test_msa_holds_to_the_standard(placed):
    from rsciio.msa import parse_msa_string

    files = unzipped(export_bytes(placed, "msa", zero="loss", fwhm=0.3)[1])
    energy, intensity = placed.curves(zero="loss", fwhm=0.3)
    facts = json.loads(export_bytes(placed, "json", zero="loss", fwhm=0.3, pdos=False)[1])["facts"]
    comment = " ".join(f"{name} = {fact}" for name, fact in facts.items()).replace(": ", " = ")
    assert len(files) == len(placed) and all(re.fullmatch(r"[\w.+-]+\.msa", name) for name in files)
    for content, curve, site in zip(files.values(), intensity, placed.sites):
        header, data = parse_msa(content)
        known = np.isfinite(curve)
        assert header["SIGNALTYPE"] == "ELS" and header["XUNITS"] == "eV"
        assert header["TITLE"] == f"{site} O K edge, isotropic"
        np.testing.assert_allclose(data[:, 1], curve[known], rtol=SIX_DIGITS)
        np.testing.assert_allclose(float(header["OFFSET"]), energy[known][0], atol=1e-6)
        (other,) = parse_msa_string(content.decode())
        np.testing.assert_array_equal(other["data"], data[:, 1])
        assert other["metadata"]["Signal"]["signal_type"] == "EELS"
        assert other["axes"][0]["scale"] == pytest.approx(0.1)
        assert header["COMMENT"] == comment == " ".join(other["original_metadata"]["COMMENT"].split())


def test_cif_is_read_by_pymatgen(db):
    from pymatgen.io.cif import CifParser

    files = unzipped(export_bytes(db, "cif")[1])
    assert len(files) == len(db.structures)
    for structure, content in zip(db.structures, files.values()):
        parser = CifParser.from_str(content.decode(), site_tolerance=0, frac_tolerance=0)
        (read,) = parser.parse_structures(primitive=False)
        wanted = db.structure(structure)
        np.testing.assert_allclose(read.lattice.parameters, wanted.lattice.parameters, atol=1e-7)
        difference = read.frac_coords - wanted.frac_coords
        assert np.abs(difference - np.round(difference)).max() < 1e-8 and read.species == wanted.species
        (block,) = parser.as_dict().values()
        rows = db[db["structure"] == structure]
        atoms = {site.rpartition("/")[2]: atom for site, atom in zip(rows.sites, rows["atom"])}
        assert {label: block["_atom_site_label"].index(label) for label in atoms} == atoms
        assert " ".join(atoms) in content.decode() and db.version in content.decode()


def test_extxyz_marks_the_sites(db, tmp_path):
    from ase.io import read

    some = db[::2]
    frames = read(export(some, tmp_path / "glass.extxyz"), ":")
    assert [atoms.info["structure"] for atoms in frames] == some.structures
    for atoms in frames:
        wanted = db.atoms(atoms.info["structure"])
        np.testing.assert_allclose(atoms.cell.array, wanted.cell.array, atol=1e-9)
        np.testing.assert_allclose(atoms.positions, wanted.positions, atol=1e-7)
        assert atoms.get_chemical_formula("all") == wanted.get_chemical_formula("all")
        rows = some[some["structure"] == atoms.info["structure"]]
        marked = np.flatnonzero(atoms.arrays["absorber"])
        np.testing.assert_array_equal(marked, np.sort(rows["atom"]))
        order = np.argsort(rows["atom"])
        np.testing.assert_array_equal(atoms.arrays["multiplicity"][marked], rows["multiplicity"][order])
        np.testing.assert_allclose(atoms.arrays["onset"][marked], rows["onset"][order], atol=1e-7)
        assert atoms.info["database"] == f"ELNES Lab {db.version}"


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_selection_gives_the_same_bytes(db, format, tmp_path):
    rows = db[[0, len(db) - 1]]
    name, content = export_bytes(rows, format)
    assert export_bytes(rows, format) == (name, content)
    path = tmp_path / f"out.{format}.zip" if name.endswith(".zip") else tmp_path / f"out.{format}"
    assert export(rows, path).read_bytes() == content
    folder = export(rows, f"{tmp_path}/new/", format=format)
    files = unzipped(content) if name.endswith(".zip") else {name: content}
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files
    with pytest.raises(DataError, match="exists already"):
        export(rows, folder, format=format)


def test_a_failed_write_leaves_the_old_file(db, tmp_path, monkeypatch):
    path = tmp_path / "one.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match="exists already"):
        export(db[:1], path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(DataError, match="No space left"):
            export(db[:1], path, overwrite=True)
    assert path.read_text() == "mine" and [file.name for file in tmp_path.iterdir()] == ["one.csv"]
    assert export(db[:1], path, overwrite=True).read_text() != "mine"
    with pytest.raises(DataError, match="cannot be written"):
        export(db[:1], tmp_path / "no" / "folder.csv")
    with pytest.raises(DataError, match="cannot be written"):
        export(db[:1], path / "inside.csv")


def test_what_cannot_be_exported_is_refused(db, tmp_path, monkeypatch):
    for call, sentence in (
        (lambda: export(db, tmp_path / "out.xls"), "Choose one of: csv.*extxyz"),
        (lambda: export(db, tmp_path / "out"), "does not say which format"),
        (lambda: export(db, tmp_path / "out.zip"), "does not say which format"),
        (lambda: export_bytes(db, "docx"), "Choose one of"),
        (lambda: export(db[np.zeros(len(db), bool)], tmp_path / "out.csv"), "selection is empty"),
        (lambda: export_bytes(db[[]], "cif"), "selection is empty"),
        (lambda: export(db, tmp_path / "out.msa"), r"out\.msa\.zip"),
        (lambda: export_bytes(db, "msa", pdos=True), "no place for the PDOS"),
        (lambda: export_bytes(db, "csv", polarization="w"), "polarization"),
        (lambda: export_bytes(db, "csv", zero="fermi"), "fermi"),
    ):
        with pytest.raises(DataError, match=sentence):
            call()
    rows = db[:2]
    monkeypatch.setattr(rows, "shifts", lambda zero, pdos=False: np.array([525.0, np.nan]))
    with pytest.raises(DataError, match=f"1 of the 2 sites.*{db.sites[1]}"):
        export_bytes(rows, "csv", zero="loss")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=130) | st.sampled_from(["a/b", "a:b", "A B", "con", "NUL", "..", "\u03b1-quartz/O3"])))
def test_file_names_are_safe_and_different(titles):
    names = safe_names(titles)
    assert len({name.lower() for name in names}) == len(titles)
    for name in names:
        assert re.fullmatch(r"[\w+][\w.+-]*", name, re.ASCII) and len(name) <= 110 and not name.endswith(".")
        assert name.lower().split(".")[0] not in ("con", "nul")


def test_import_is_light():
    heavy = {"pandas", "xarray", "ase", "pymatgen", "rsciio", "h5py", "scipy"}
    code = "import elnes_lab.io, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".csv", "a\0b.csv", "a\0b/", "file/inside.csv", "pipe.csv", "device.csv", "folder.zip/"]
)
def test_places_where_no_file_can_be(db, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.csv").symlink_to("/dev/null")
    (tmp_path / "folder.zip").write_text("mine")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(DataError, match="cannot be|not a file but|no plain file"):
        export(db[:1], f"{tmp_path}/{name}", format="csv", overwrite=True)
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "device.csv").is_symlink()


@pytest.mark.parametrize("format", ["hspy", "msa"])
def test_no_room_for_temporary_files(db, monkeypatch, format):
    """Told before the HDF5 library writes: on a full disk that ends the process."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("elnes_lab.io.spectra_files.shutil.disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(DataError, match="No space left on device.*TMPDIR"):
        export_bytes(db[:2], format)


def test_averages_say_what_they_are_of_in_every_format(placed):
    structures = placed.structures
    options = {"zero": "loss", "average": True, "normalized": True, "fwhm": Broadening(0.4, 0.0, 0.1)}
    name, content = export_bytes(placed, "json", **options)
    whole = json.loads(content)
    assert [row["site"] for row in whole["sites"]] == structures and f"{len(structures)}-averages" in name
    assert whole["units"]["spectrum"] == "mean = 1" and "in units of the mean" in whole["facts"]["intensity"]
    assert "0.1 eV per eV" in whole["facts"]["broadening"] and "Gaussian of 0.4 eV" in whole["facts"]["broadening"]
    every = elnes_lab.open_database()["structure"].astype(str)
    for row in whole["sites"]:
        columns = row["columns"]
        assert columns["averaged_sites"] == (every == row["site"]).sum()
        assert columns["share"] == pytest.approx(columns["averaged_oxygens"] / columns["oxygens"])
        assert columns["name"] in whole["facts"]["average"]
    table = export_bytes(placed, "csv", **options)[1].decode()
    assert "# average: " in table and f"energy,{structures[0]}" in table
    for format in ("hspy", "msa"):
        assert export_bytes(placed, format, **options)[1]
    with pytest.raises(DataError, match="no polarization z"):
        export_bytes(placed, "csv", average=True, polarization="z")


def test_normalised_spectra_have_mean_one_and_their_polarizations_too(placed):
    text = export_bytes(placed[:1], "csv", polarization="all", normalized=True)[1].decode()
    table = np.genfromtxt(io.StringIO(text), comments="#", delimiter=",", skip_header=text.count("\n# ") + 2)
    inside = (table[:, 0] >= RMS_WINDOW[0] - 1e-6) & (table[:, 0] <= RMS_WINDOW[1] + 1e-6)
    isotropic, *directions = table[inside, 1:].T
    assert isotropic.mean() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(np.mean(directions, axis=0), isotropic, atol=1e-4)
