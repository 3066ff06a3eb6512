"""What the Download button of the Browse panel gives, read back by programs that know nothing of ELNES Lab."""

import csv
import json
import zipfile

import h5py
import numpy as np
import pytest

import elnes_lab

SITE = "stishovite/O2"  # not the first of the database, so that a file of another site shows


@pytest.fixture(scope="module")
def chosen():
    db = elnes_lab.open_database()
    return db[np.flatnonzero(db.sites == SITE)]


@pytest.fixture(scope="module")
def page(visit):
    page = visit(f"sites={SITE}")
    wait_for_curves(page, 1)
    yield page
    assert page.problems == [] and page.foreign == []
    page.context.close()


def wait_for_curves(page, count):
    page.wait_for_function(
        f"document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === {2 * count}"
    )


def download(page, format):
    """(name, path) of what the Download button gives in a format, named as in its list."""
    page.locator("select", has=page.locator("option:has-text('CSV table')")).select_option(label=format)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    return waiting.value.suggested_filename, waiting.value.path()


def test_csv_and_json(page, chosen):
    name, path = download(page, "CSV table")
    lines = path.read_text(encoding="utf-8").splitlines()
    head, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    assert name == "stishovite_O2.csv" and head == ["energy", SITE]
    wanted = np.transpose([chosen.energy, chosen.isotropic[0]])
    np.testing.assert_allclose(np.array(rows, float), wanted, rtol=1e-6, atol=1e-9)
    name, path = download(page, "JSON")
    (site,) = json.loads(path.read_text(encoding="utf-8"))["sites"]
    assert name == "stishovite_O2.json" and site["site"] == SITE
    np.testing.assert_allclose(site["spectrum"]["isotropic"], chosen.isotropic[0], rtol=1e-6)


def test_hspy_is_read_by_h5py(page, chosen):
    name, path = download(page, "HyperSpy .hspy")
    assert name == "stishovite_O2.hspy"
    with h5py.File(path) as file:
        (signal,) = file["Experiments"].values()
        np.testing.assert_allclose(signal["data"][...], chosen.isotropic[0], rtol=1e-6)
        axis = signal["axis-0"].attrs
        assert (axis["name"], axis["units"]) == ("Energy loss", "eV")
        energy = axis["offset"] + axis["scale"] * np.arange(axis["size"])
        np.testing.assert_allclose(energy, chosen.curves()[0], atol=1e-5)
        assert signal["metadata/General"].attrs["title"] == SITE


def test_msa_has_the_curve_on_the_energies_that_are_drawn(page, chosen):
    from rsciio.msa import parse_msa_string

    zero = page.locator(".elnes-control", has=page.locator(".widget-label:has-text('Energy zero')"))
    zero.get_by_role("button", name="energy loss").click()
    page.wait_for_function("document.querySelector('.elnes-spectra').data[0].x[0] > 500")
    name, path = download(page, "EMSA .msa")
    drawn = page.evaluate("""(() => { const t = document.querySelector('.elnes-spectra').data[0];
        return [...t.x].filter((x, i) => Number.isFinite(t.y[i])); })()""")
    zero.get_by_role("button", name="valence band").click()
    page.wait_for_function("document.querySelector('.elnes-spectra').data[0].x[0] < 100")
    (spectrum,) = parse_msa_string(path.read_text(encoding="ascii"))
    assert name == "stishovite_O2.msa" and SITE in spectrum["metadata"]["General"]["title"]
    energy, intensity = chosen.curves(zero="loss")
    known = np.isfinite(intensity[0])
    np.testing.assert_allclose(spectrum["data"], intensity[0][known], rtol=1e-5)
    offset = spectrum["axes"][0]["offset"]
    assert offset == pytest.approx(energy[known][0], abs=1e-4) and drawn[0] == pytest.approx(offset, abs=1e-4)
    assert len(drawn) == known.sum()


def test_cif_and_extended_xyz_hold_the_structure_and_say_which_site(page, chosen):
    import ase.io
    from pymatgen.core import Structure

    wanted = chosen.structure("stishovite")
    name, path = download(page, "CIF")
    text = path.read_text(encoding="utf-8")
    assert name == "stishovite.cif" and "# computed sites: O2\n" in text
    read = Structure.from_str(text, fmt="cif")
    np.testing.assert_allclose(read.lattice.parameters, wanted.lattice.parameters, atol=1e-6)
    assert read.species == wanted.species
    name, path = download(page, "Extended XYZ")
    atoms = ase.io.read(path, format="extxyz")
    assert name == "stishovite.extxyz" and atoms.info["structure"] == "stishovite"
    assert np.flatnonzero(atoms.arrays["absorber"]).tolist() == chosen["atom"].tolist()
    np.testing.assert_allclose(atoms.cell.array, wanted.lattice.matrix, atol=1e-6)


def test_several_sites_in_a_format_for_one_come_as_a_zip(page, chosen):
    page.locator(".elnes-table .row[data-site='0']").click(modifiers=["Control"])
    wait_for_curves(page, 2)
    name, path = download(page, "EMSA .msa")
    assert name == f"silicon-oxides_2-spectra_{chosen.version}.zip"
    with zipfile.ZipFile(path) as file:
        assert len(file.namelist()) == 2 and "stishovite_O2.msa" in file.namelist()
