"""Each file of CASTEP and OptaDOS, written from its format's specification: what is read is what was written, or a
sentence."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.sources.castep.bands import read_bands
from elnes_lab.sources.castep.cell import read_cell
from elnes_lab.sources.castep.matrix import read_matrix
from elnes_lab.sources.castep.optados import read_core_edge, read_projections
from elnes_lab.sources.castep.report import read_report

ONCE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHAPE = (2, 2, 5, 7, 3)  # k points, spins, bands, orbitals, directions
TABLE = [(1, 1, 1, 1), (1, 2, 1, 1), (2, 1, 1, 1), (2, 1, 2, 1), (2, 1, 2, 2), (2, 1, 2, 3), (2, 1, 2, 4)]


@pytest.fixture(scope="module")
def elements():
    generator = np.random.default_rng(1)
    return generator.normal(size=SHAPE) + 1j * generator.normal(size=SHAPE)


@pytest.mark.parametrize("suffix", ["elnes_bin", "eels_mat"])
@pytest.mark.parametrize("orbital", [0, 1, 6])
def test_matrix_elements_come_back_bit_for_bit(files, elements, tmp_path, suffix, orbital):
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(files.elnes_bin(TABLE, elements, legacy=suffix == "eels_mat"))
    orbitals, values = read_matrix(path, lambda orbitals: orbital)
    np.testing.assert_array_equal(values, elements[..., orbital, :])
    read = np.transpose([orbitals.species, orbitals.atom, orbitals.shell, orbitals.channel])
    np.testing.assert_array_equal(read, TABLE)


def test_the_layout_of_the_records(files, elements):
    """Byte for byte as a Fortran program writes it: real(8), 80 characters, integers, complex(8) with orbitals running
    first."""
    content = files.elnes_bin(TABLE, elements)
    assert content[:16] == bytes.fromhex("00000008 3ff0000000000000 00000008")
    assert content[16:20] == content[100:104] == struct.pack(">i", 80)
    assert content[104:152] == b"".join(struct.pack(">iii", 4, value, 4) for value in (7, 5, 2, 2))
    start = 152 + 4 * (8 + 4 * 7)
    assert content[start : start + 4] == struct.pack(">i", 16 * 7 * 5 * 3)
    second = struct.unpack(">dd", content[start + 4 + 16 : start + 4 + 32])
    assert complex(*second) == elements[0, 0, 0, 1, 0]


@ONCE
@given(data=st.data())
def test_damaged_matrix_elements_are_refused_in_a_sentence(files, elements, tmp_path, data):
    suffix = data.draw(st.sampled_from(["elnes_bin", "eels_mat"]))
    content = bytearray(files.elnes_bin(TABLE, elements, legacy=suffix == "eels_mat"))
    cut = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content[:cut])
    with pytest.raises(DataError):
        read_matrix(path, lambda orbitals: 0)
    at = data.draw(st.integers(0, min(400, len(content) - 1)))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        read_matrix(path, lambda orbitals: 0)
    except DataError as reason:
        assert len(str(reason)) < 400


def test_little_endian_and_newer_files_say_so(files, elements, tmp_path):
    path = tmp_path / "x.elnes_bin"
    content = files.elnes_bin(TABLE, elements)
    path.write_bytes(b"\x08\0\0\0" + content[4:])
    with pytest.raises(DataError, match="little-endian"):
        read_matrix(path, lambda orbitals: 0)
    path.write_bytes(content[:4] + struct.pack(">d", 2.0) + content[12:])
    with pytest.raises(DataError, match="version 2"):
        read_matrix(path, lambda orbitals: 0)


@pytest.mark.parametrize("spins", [1, 2])
def test_bands_come_back(files, tmp_path, spins):
    levels = np.sort(np.random.default_rng(0).normal(0, 8, (3, spins, 6)), -1)
    cell = np.array([[5.0, 0, 0], [-2.5, 4.33, 0], [0.1, 0, 5.4]])
    (tmp_path / "x.bands").write_text(files.bands_file(levels, cell, 8.0, weights=np.array([0.5, 0.25, 0.25])))
    found = read_bands(tmp_path / "x.bands")
    np.testing.assert_allclose(found.levels, levels, atol=3e-7)
    np.testing.assert_allclose(found.cell, cell, atol=1e-6)
    assert found.electrons.sum() == 8 and found.weights.tolist() == [0.5, 0.25, 0.25]
    assert found.edges(3) == pytest.approx((levels[..., :3].max(), levels[..., 3:].min()), abs=1e-6)
    energy = np.arange(levels.min() - 2, levels.max() + 2, 0.02)
    density = found.density(energy, 0.1)
    assert density.sum() * 0.02 == pytest.approx(12, rel=1e-4)  # 6 bands of two electrons
    assert found.complete == pytest.approx(levels[..., -1].min(), abs=1e-6)


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda t: t[:-400], "cut off|not a .bands"),
        (lambda t: t.replace("0.50000000", "0.90000000"), "weights"),
        (lambda t: "", "not a .bands"),
        (lambda t: t.replace("Number of eigenvalues       20", "Number of eigenvalues 99999999"), "says"),
        (lambda t: t.replace("Spin component 1\n", "Spin component 1\n          NaN"), "numbers are expected"),
    ],
)
def test_spoiled_bands(files, tmp_path, change, why):
    text = files.bands_file(np.linspace(-5, 5, 40).reshape(2, 1, 20), 5 * np.eye(3), 8.0)
    (tmp_path / "x.bands").write_text(change(text))
    with pytest.raises(DataError, match=why):
        read_bands(tmp_path / "x.bands")


@pytest.mark.parametrize(
    "text",
    [
        "%block LATTICE_ABC\nang\n4 4 5\n90 90 120\n%endblock LATTICE_ABC\n%BLOCK POSITIONS_FRAC\nsi 1/3 2/3 0.5 ! a "
        "comment\n"
        "O:exc 0 0 0 spin=1\n%ENDBLOCK POSITIONS_FRAC\nKPOINT_MP_GRID 2 2 2\n",
        "%BLOCK LATTICE_CART\nbohr\n7.558904535685 0 0\n-3.7794522678425 6.546203349 0\n0 0 9.448630669606\n%ENDBLOCK "
        "LATTICE_CART\n"
        "%BLOCK POSITIONS_ABS\nSi 0.0 2.309401077 2.5\n8:exc 0 0 0\n%ENDBLOCK POSITIONS_ABS",
    ],
)
def test_ways_to_write_a_structure(tmp_path, text):
    (tmp_path / "x.cell").write_text(text)
    found = read_cell(tmp_path / "x.cell")
    assert found.labels == ("Si", "O:exc")
    np.testing.assert_allclose(np.linalg.norm(found.cell, axis=1), [4, 4, 5], atol=1e-6)
    np.testing.assert_allclose(found.positions, [[1 / 3, 2 / 3, 0.5], [0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "no block lattice"),
        ("%BLOCK lattice_cart\n1 0 0\n0 1 0\n%ENDBLOCK lattice_cart", "no cell"),
        ("%BLOCK lattice_cart\nfurlong\n4 0 0\n0 4 0\n0 0 4\n%ENDBLOCK lattice_cart", "no unit"),
        ("%BLOCK lattice_cart\n4 0 0\n0 4 0\n0 0 4\n%ENDBLOCK lattice_cart", "positions"),
        (
            "%BLOCK lattice_cart\n4 0 0\n0 4 0\n0 0 4\n%ENDBLOCK lattice_cart\n%BLOCK positions_frac\nXq 0 0 "
            "0\n%ENDBLOCK",
            "no element",
        ),
        ("%BLOCK lattice_cart\n4 0 0\n0 4 0\n0 0 nan\n%ENDBLOCK lattice_cart", "numbers are expected"),
    ],
)
def test_spoiled_cells(tmp_path, text, why):
    (tmp_path / "x.cell").write_text(text)
    with pytest.raises(DataError, match=why):
        read_cell(tmp_path / "x.cell")


def test_the_last_run_of_a_report_counts_and_smearing_is_extrapolated(files, tmp_path):
    labels = ["O", "O", "O:exc", "Si"]
    first = files.castep_file(labels, -100.0)
    second = files.castep_file(labels, -200.0, symmetries=4, charge=1).replace(
        "Total time", "NB est. 0K energy (E-0.5TS)      =      -200.50000000     eV\nTotal time"
    )
    (tmp_path / "x.castep").write_text(first + second)
    found = read_report(tmp_path / "x.castep")
    assert (found.energy, found.symmetries, found.charge, found.cutoff, found.version) == (-200.5, 4, 1, 500, "20.1")
    assert found.species == (("O", 2), ("Si", 1), ("O:exc", 1)) and found.hole == "O:exc"
    assert found.all_electron == {label: values[0] for label, values in files.ATOMS.items()}
    assert found.pseudo == {label: values[1] for label, values in files.ATOMS.items()}


@pytest.mark.parametrize("word", ["Column", "Projector"])
def test_projections_come_back_and_sums_are_left_out(files, tmp_path, word):
    energy = np.arange(-10, 10, 0.05)
    curves = np.abs(np.random.default_rng(0).normal(size=(3, len(energy))))
    columns = [
        ([("Si", 1, "s")], curves[0]),
        ([("O", 12, "p")], curves[1]),
        ([("O", 1, "p"), ("O", 2, "p")], curves[2]),
    ]
    path = tmp_path / "x.pdos.dat"
    path.write_text(files.pdos_file(energy, columns, word=word))
    found = read_projections([path])
    assert set(found.channels) == {("Si", 1, "s"), ("O", 12, "p")}
    np.testing.assert_allclose(found.channels["O", 12, "p"], curves[1], rtol=1e-7)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match="table of numbers"):
        read_projections([path])


def test_both_spins_of_a_projector_are_added(files, tmp_path):
    energy = np.arange(-10, 10, 0.05)
    one = [("O", 1, "p")]
    path = tmp_path / "x.pdos.dat"
    path.write_text(files.pdos_file(energy, [(one, np.full_like(energy, 2.0)), (one, np.full_like(energy, -3.0))]))
    np.testing.assert_allclose(read_projections([path]).channels["O", 1, "p"], 5.0)


def test_core_edges_come_back(files, tmp_path):
    energy, values = np.arange(0, 30, 0.1), np.linspace(0, 1, 300)
    path = tmp_path / "x_core_edge.dat"
    path.write_text(files.core_edge_file(energy, values) + files.core_edge_file(energy, 2 * values, "Si 3 L2,3"))
    found = read_core_edge(path)
    assert set(found) == {"O 1 K1 exc", "Si 3 L2,3"}
    np.testing.assert_array_equal(found["O 1 K1 exc"][1], values)
