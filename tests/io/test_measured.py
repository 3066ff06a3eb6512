"""Measured spectra from files of all kinds: what is read is what was written, and what cannot be is refused in words."""

import io
import os
import struct
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.io.export import export_bytes
from elnes_lab.io.measured import read

sys.path.insert(0, str(Path(__file__).parent))
from dm_file import dm_file  # noqa: E402

ENERGY = np.round(np.arange(500, 575, 0.25), 6)
COUNTS = np.round(900 * np.exp(-0.01 * (ENERGY - 500)) + 400 / (1 + np.exp(-(ENERGY - 535) * 2)))


def table(row, lines=ENERGY, counts=COUNTS, head=""):
    return (head + "".join(row.format(e, c) for e, c in zip(lines, counts))).encode()


def comma(content):
    return content.replace(b".", b",")


@pytest.mark.parametrize(
    "content",
    [
        table("{:.2f},{:.1f}\n"),
        table("{:.2f}, {:.1f},\n", head="Energy (eV),Counts\n"),
        comma(table("{:.2f};{:.1f}\n", head="Energie;Zahl\n")),
        comma(table("{:.2f} {:.1f}\n")),
        comma(table("{:.2f}\t{:.1f}\r\n", head="# a file. With words, and 3 numbers 4\n\n")),
        table("  {:.4e}   {:.1f}  \n", head="% old\n"),
        table("{:.2f} {:.1f}\n").decode().encode("utf-16"),
        b"\xef\xbb\xbf" + table('"{:.2f}","{:.1f}"\n'),
        table("{:.5f},{:.1f}\n", ENERGY / 1000, head="energy (keV),counts\n"),
        table("{:.5f} {:.1f}\n", ENERGY / 1000),
        table("{:.2f} {:.1f}\n", ENERGY[::-1], COUNTS[::-1]),
        table("{:.2f} {:.1f}\n", np.roll(ENERGY, 7), np.roll(COUNTS, 7)),
    ],
)
def test_tables_of_all_kinds(content):
    found = read("a.csv", content)
    np.testing.assert_allclose(found.energy, ENERGY, atol=1e-6)
    np.testing.assert_allclose(found.intensity, COUNTS)


def test_what_was_done_to_the_numbers_is_said():
    content = table("{:.2f} {:.1f}\n", np.r_[ENERGY[::-1], ENERGY[3]], np.r_[np.nan, COUNTS[-2::-1], COUNTS[3] + 2])
    found = read("a.txt", content + b"lost words\n")
    assert len(found.energy) == len(ENERGY) - 1
    assert found.intensity[3] == COUNTS[3] + 1  # a mean of two
    text = " ".join(found.notes)
    assert all(word in text for word in ("1 point without", "descending", "occurs twice", "1 line that fit no table"))
    assert found.record()["notes"] == list(found.notes)


def test_an_absorption_table_names_its_columns_and_makes_mu_of_currents():
    head = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n#---\n# energy i0 itrans\n"
    rows = table("{:.2f} 5.0 {:.3f}\n", counts=5 * np.exp(-COUNTS / 1000), head=head)
    found = read("a.xdi", rows)
    assert found.items[found.item] == "ln(i0/itrans)"
    np.testing.assert_allclose(found.intensity, COUNTS / 1000, atol=1e-3)
    assert (read("a.xdi", rows, item=1).intensity == 5).all()


@pytest.mark.parametrize("format", ["csv", "msa", "hspy"])
def test_our_own_exports_come_back(shipped, format):
    rows = shipped["quartz-alpha/O3"]
    energy, intensity = rows.curves(zero="loss")
    found = read(*export_bytes(rows, format, zero="loss"))
    known = np.isfinite(intensity[0])
    np.testing.assert_allclose(found.energy, energy[known], atol=1e-6)
    np.testing.assert_allclose(found.intensity, intensity[0][known], rtol=1e-6, atol=1e-9)


def test_an_msa_whose_pairs_differ_from_its_header_is_read_by_its_pairs():
    bent = ENERGY + 0.01 * (ENERGY - 500)
    head = (
        "#FORMAT      : EMSA/MAS Spectral Data File\n#VERSION     : 1.0\n#NPOINTS     : 300\n#NCOLUMNS    : 1\n#XUNITS      : "
        "Energy Loss (eV)\n#DATATYPE    : XY\n#XPERCHAN    : 0.25\n#OFFSET      : 500\n#SPECTRUM    : here\n"
    )
    found = read("a.msa", table("{:.4f}, {:.1f}\n", bent, head=head) + b"#ENDOFDATA   :\n")
    np.testing.assert_allclose(found.energy, bent)
    assert "those beside the data" in found.notes[0]


@pytest.mark.parametrize("version", [3, 4])
def test_digital_micrograph_spectra(version):
    found = read("a.dm3", dm_file(COUNTS.astype("float32"), offset=500, scale=0.25, version=version))
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_array_equal(found.intensity, COUNTS)
    assert found.kind == "Digital Micrograph" and found.picture is None


def test_a_region_of_a_spectrum_image_in_a_dm4_and_in_a_hyperspy_file(tmp_path):
    pixels = np.arange(12.0).reshape(3, 4)
    cube = (COUNTS[:, None, None] + 100 * pixels).astype("float32")
    made = hyperspy(np.moveaxis(cube, 0, -1), tmp_path)
    assert read("old.hdf5", made).kind == "HyperSpy"
    files = {"a.dm4": dm_file(cube, offset=500, scale=0.25, version=4), "a.hspy": made}
    for name, content in files.items():
        whole, part = read(name, content), read(name, content, region=(1, 3, 2, 4))
        np.testing.assert_allclose(whole.intensity, cube.sum(axis=(1, 2)), rtol=1e-6)
        np.testing.assert_allclose(part.intensity, cube[:, 1:3, 2:4].sum(axis=(1, 2)), rtol=1e-6)
        assert part.region == (1, 3, 2, 4) and part.picture.shape == (3, 4)
        np.testing.assert_allclose(part.picture.values - part.picture.values[0, 0], 100 * pixels, rtol=1e-5)
        with pytest.raises(DataError, match="not within the image of a"):
            read(name, content, region=(0, 4, 0, 1))


def hyperspy(data, folder, scale=0.25, **lies):
    from rsciio.hspy import file_writer

    axes = [
        {
            "_type": "UniformDataAxis",
            "name": n,
            "units": u,
            "offset": o,
            "scale": s,
            "size": size,
            "navigate": n != "Energy loss",
            "is_binned": False,
            "index_in_array": k,
        }
        for k, (n, u, o, s, size) in enumerate(
            [
                ("y", "nm", 0, 1, data.shape[0]),
                ("x", "nm", 0, 1, data.shape[1]),
                ("Energy loss", "eV", 500, scale, data.shape[2]),
            ]
        )
    ]
    file_writer(
        str(folder / "made.hspy"),
        {
            "data": data,
            "axes": axes,
            "metadata": {"General": {"title": "made"}, "Signal": {"signal_type": "EELS"}},
            "original_metadata": {},
            "attributes": {"_lazy": False, "ragged": False},
            "learning_results": {},
            "models": {},
            "package_info": {},
            "tmp_parameters": {},
        }
        | lies,
    )
    return (folder / "made.hspy").read_bytes()


def hdf5(write):
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        write(file)
    return out.getvalue()


def test_of_several_spectra_the_one_with_the_edge_is_read_or_the_low_loss():
    def both(file):
        for name, energy in (("low", ENERGY - 510), ("core", ENERGY)):
            data = file.create_group(name)
            data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["energy"]})
            data["energy"], data["counts"] = energy, COUNTS
            data["energy"].attrs["units"] = "eV"

    content = hdf5(both)
    core, low = read("a.nxs", content), read("a.nxs", content, around=0.0)
    assert core.energy[0] == 500 and low.energy[0] == -10 and len(core.items) == 2 and core.item != low.item
    with pytest.raises(DataError, match="holds 2 spectra"):
        read("a.nxs", content, item=2)


def nexus(file):
    group = file.create_group("entry")
    group.attrs["NX_class"] = "NXentry"
    data = group.create_group("data")
    data.attrs.update({"NX_class": "NXdata", "signal": "mu", "axes": ["energy"]})
    data["energy"], data["mu"] = ENERGY, COUNTS
    data["energy"].attrs["units"] = "eV"


def plain(file):
    file["scan/energy"], file["scan/mu"], file["scan/other"] = ENERGY, COUNTS, np.zeros(4)


@pytest.mark.parametrize("write", [nexus, plain])
def test_hdf5_where_it_is_clear_what_is_in_it(write):
    found = read("a.h5", hdf5(write))
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_allclose(found.intensity, COUNTS)


def external(file):
    file.create_dataset("energy", data=ENERGY)
    file.create_dataset("mu", (300,), "u1", external=[("/etc/passwd", 0, 300)])


def linked(file):
    file["energy"] = ENERGY
    file["mu"] = h5py.ExternalLink("other.h5", "/mu")


@pytest.mark.parametrize("write", [external, linked])
def test_a_file_that_refers_to_other_files_is_refused(write):
    with pytest.raises(DataError, match="refers to other files"):
        read("a.h5", hdf5(write))


def test_a_spectrum_image_of_two_gigabytes_is_never_in_memory(tmp_path):
    """A sparse file: 2 GB that are announced and there, but take no room on the disk."""
    content = dm_file(
        np.ones((2, 1, 1), "float32"), offset=525, scale=10, version=4, dimensions=(16384, 16384, 2), count=2**29
    )
    at = content.index(struct.pack("<ff", 1, 1))
    path = tmp_path / "large.dm4"
    with path.open("wb") as file:
        file.write(content[:at])
        file.seek(2**31, os.SEEK_CUR)
        file.write(content[at + 8 :])
    with pytest.raises(DataError, match="16,384 times 16,384 pixels"):
        read(path)
    content = dm_file(
        np.ones((1024, 1, 1), "float32"), offset=500, scale=0.1, version=4, dimensions=(1024, 512, 1024), count=2**29
    )
    at = content.index(struct.pack("<ff", 1, 1))
    with path.open("wb") as file:
        file.write(content[:at])
        file.seek(2**31, os.SEEK_CUR)
        file.write(content[at + 4096 :])
    found = read(path, region=(500, 502, 10, 20))
    assert found.region == (500, 502, 10, 20) and (found.intensity == 0).all() and found.picture.shape == (512, 1024)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.csv", b"", "has no content"),
        ("a.csv", b"hello\n" * 30, "no two columns"),
        ("a.csv", table("{:.2f},nan\n"), "holds no spectrum"),
        ("a.csv", table("{:.2f},{:.1f}\n", ENERGY[:5]), "Only 5 of its points"),
        ("a.csv", bytes(range(256)) * 10, "is no text"),
        ("a.zip", b"PK\3\4" + bytes(50), "is an archive"),
        ("a.dm3", table("{:.2f},{:.1f}\n"), "is no .dm3 file"),
        ("a.dm3", dm_file(COUNTS, offset=500, scale=0.25)[:300], "cannot be read as a Digital Micrograph file"),
        ("a.dm3", dm_file(COUNTS, offset=500, scale=0.25, units="nm", signal="CL"), "no spectrum over an energy axis"),
        (
            "a.dm4",
            dm_file(COUNTS, offset=500, scale=0.25, version=4, dimensions=(2**31,), count=2**40),
            "points|Digital Micrograph",
        ),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(500), "cannot be read as a HDF5 file"),
        ("a.hspy", hdf5(plain), "HyperSpy file|no spectrum"),
        (
            "a.h5",
            hdf5(lambda file: file.create_dataset("image", data=np.ones((9, 9)))),
            "no spectrum over an energy axis",
        ),
    ],
)
def test_what_is_no_spectrum_is_refused_in_a_sentence(name, content, words):
    with pytest.raises(DataError, match=words) as caught:
        read(name, content)
    assert (
        "\n" not in str(caught.value) and str(caught.value).endswith(".") and "elnes-measured" not in str(caught.value)
    )


def test_a_bomb_is_refused(tmp_path):
    """A hundred gigabytes of zeros in a few hundred kilobytes: the sum of it would take minutes."""

    def write(file):
        group = file.create_group("entry")
        group.attrs["NX_class"] = "NXentry"
        data = group.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "mu", "axes": ["energy"]})
        data["energy"] = ENERGY
        data.create_dataset("mu", (2**40,), "f8", chunks=(2**24,), compression="gzip")

    with pytest.raises(DataError):
        read("a.h5", hdf5(write))
