"""Structures that people bring: read from each format, refused in a sentence where they cannot be, told apart where silly."""

import io
import random
import re

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.io.structure_files import render_cif
from elnes_lab.io.structure_input import ATOMS, extends, read_structure
from elnes_lab.structure import Environment


def written(atoms, kind):
    from ase.io import write

    file = io.StringIO()
    write(file, atoms, format=kind)
    return file.getvalue().encode()


@pytest.fixture
def quartz(shipped):
    return shipped.atoms("quartz-alpha")


@pytest.fixture
def cif(shipped):
    return render_cif(shipped[["quartz-alpha/O3"]])["quartz-alpha"]


def refused(source, says, name="one.cif"):
    with pytest.raises(DataError, match=says) as found:
        read_structure(source, name)
    text = str(found.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 500
    return text


def test_each_format_gives_the_same_structure(quartz, cif, tmp_path):
    path = tmp_path / "quartz.cif"
    path.write_bytes(cif)
    found = [
        read_structure(path),
        read_structure(written(quartz, "vasp"), "POSCAR"),
        read_structure(written(quartz, "extxyz"), "a.txt"),
        read_structure(quartz),
    ]
    for one in found:
        assert one.formula == "SiO2" and one.sites[0][1] == 6 and len(one.sites) == 1 and one.remarks == ()
        assert one.environment.density == pytest.approx(found[-1].environment.density, rel=1e-5)
        assert one.coordination == {"Si": {4: 3}, "O": {2: 6}}
    assert [one.format for one in found] == ["CIF", "POSCAR", "extended XYZ", ""]


def test_symmetric_cif_is_expanded(shipped, tmp_path):
    from pymatgen.io.cif import CifWriter

    text = str(CifWriter(shipped.structure("stishovite"), symprec=0.01))
    found = read_structure(text.encode(), "stishovite.cif")
    assert sum(count for _, count in found.sites) == 4 and len(found.sites) == 1
    assert any("more than four oxygens" in remark for remark in found.remarks)


def test_what_is_no_silicon_oxide_is_refused_with_the_reason(quartz, cif):
    titanium = quartz.copy()
    titanium.symbols[1] = "Ti"
    assert "Si and O" in refused(written(titanium, "vasp"), "contains Ti", "POSCAR")
    titanium.symbols[:3] = ["Al", "Ti", "Si"]
    refused(titanium, "Al, Ti")
    refused(quartz[:3], "no O")
    refused(quartz[3:], "no Si")
    refused(cif.replace(b"  1\n", b"  0.5\n"), "partially occupied")


def test_cells_that_cannot_be_are_refused(quartz):
    flat = quartz.copy()
    flat.set_cell(quartz.cell.array * [[1], [1], [0]])
    refused(flat, "flat cell")
    skewed = quartz.copy()
    skewed.set_cell(
        np.array([quartz.cell.array[0], quartz.cell.array[0] * 1.001, quartz.cell.array[2]]), scale_atoms=True
    )
    refused(skewed, "flat cell")
    for factor, says in ((5.0, "isolated molecule"), (0.5, "no solid")):
        scaled = quartz.copy()
        scaled.set_cell(quartz.cell.array * factor, scale_atoms=True)
        refused(scaled, says)
    crowded = quartz.copy()
    crowded.positions[4] = crowded.positions[3] + 0.3
    refused(crowded, "on top of each other")
    undefined = quartz.copy()
    undefined.positions[0] = np.nan
    refused(undefined, "no numbers")
    refused(written(quartz, "xyz"), "no cell", "quartz.xyz")


def test_a_left_handed_cell_is_turned_and_the_atoms_stay(quartz):
    mirrored = quartz.copy()
    mirrored.set_cell(quartz.cell.array[[1, 0, 2]])
    found = read_structure(mirrored)
    assert np.linalg.det(found.atoms.cell.array) > 0 and "left-handed" in found.remarks[0]
    assert found.atoms.positions == pytest.approx(quartz.positions)
    assert found.environment.site(3)["si_o_mean"] == pytest.approx(Environment.of(quartz).site(3)["si_o_mean"])


def test_molecules_and_large_models_are_refused(quartz):
    from ase import Atoms

    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.62 / 3**0.5
    molecule = Atoms("SiO4", positions=np.vstack([[0, 0, 0], tetrahedron]) + 3, cell=[6.5] * 3, pbc=True)
    refused(molecule, "isolated molecules")
    assert not extends(Environment.of(molecule)) and extends(Environment.of(quartz))
    large = quartz.repeat((5, 5, 5))
    assert str(ATOMS) in refused(large, "1,125 atoms")
    refused(written(quartz.repeat((11, 11, 10)), "extxyz"), "10,890 atoms", "large.xyz")
    refused(b"a" * (5 * 2**20), "larger than")


def test_plausible_and_silly_are_told_apart(quartz, shipped):
    vacancy = shipped.atoms("coesite")
    del vacancy[10]
    found = read_structure(vacancy)
    assert any("fewer than four oxygens" in remark for remark in found.remarks)
    assert any("no SiO2" in remark for remark in found.remarks)
    stretched = quartz.copy()
    stretched.set_cell(quartz.cell.array * 1.5, scale_atoms=True)
    refused(stretched, "no silicon oxide|isolated")
    squeezed = quartz.copy()
    squeezed.set_cell(quartz.cell.array * 0.88, scale_atoms=True)
    assert any("shortest Si-O" in remark for remark in read_structure(squeezed).remarks)


def test_a_hundred_damaged_cifs_are_read_or_refused_in_a_sentence(cif):
    deal, refusals = random.Random(7), 0
    lines = cif.decode().splitlines()
    for number in range(100):
        kind, text = number % 5, list(lines)
        if kind == 0:
            damaged = cif[: deal.randrange(len(cif))]
        elif kind == 1:
            del text[deal.randrange(len(text))]
            damaged = "\n".join(text).encode()
        elif kind == 2:
            at = deal.randrange(len(text))
            text[at] = re.sub(r"\d", lambda m: str(deal.randrange(10)), text[at])
            damaged = "\n".join(text).encode()
        elif kind == 3:
            damaged = bytearray(cif)
            for _ in range(5):
                damaged[deal.randrange(len(cif))] = deal.randrange(256)
        else:
            deal.shuffle(text)
            damaged = "\n".join(text).encode()
        try:
            found = read_structure(bytes(damaged), "damaged.cif")
            assert len(found.atoms) <= ATOMS and found.sites
        except DataError as problem:
            refusals += 1
            assert "\n" not in str(problem) and "damaged.cif" in str(problem) and len(str(problem)) < 600
    assert 20 < refusals < 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"\0\1\2",
        b"hello",
        b"data_\n",
        b"3\n",
        b"3\nLattice=\n",
        b"\xef\xbb\xbf",
        b"a\n1\n1 0 0\n0 1 0\n0 0 1\nSi O\n1 2\n",
        b"99999999999\n=\n",
        b"a\n1\n9 0 0\n0 9 0\n0 0 9\nSi O\n99999999999 2\nDirect\n0 0 0\n",
    ],
)
def test_other_content_is_refused(content):
    for name in ("x.cif", "x.xyz", "POSCAR", "x"):
        refused(content, "x|POSCAR", name)


def test_objects_that_are_no_structures_are_refused(tmp_path):
    refused(42, "no structure")
    refused(tmp_path / "nothing.cif", "no file")
    refused(tmp_path, "no file")


def test_small_files_that_would_fill_the_memory_are_refused(quartz):
    wide = b'1\nLattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3:x:R:5000000\nO 0 0 0\n'
    with pytest.raises(DataError, match="more than 100 columns"):
        read_structure(wide, name="wide.extxyz")
    many = b"x\n1.0\n5 0 0\n0 5 0\n0 0 5\nSi O\n100000000 2 ! x\nDirect\n0 0 0\n"
    with pytest.raises(DataError, match="more atoms than it has lines"):
        read_structure(many, name="POSCAR")
