"""What a user's file may hold: structures that can be computed, and sentences about the others."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.sources.qe.structures import SOURCES, read_structures, structure

RAW = Path(__file__).parents[3] / "data" / "raw"
CUBIC = np.diag([4.2, 4.2, 2.7])


def atoms(symbols="SiO2", positions=((0, 0, 0), (0.3, 0.3, 0), (0.7, 0.7, 0)), cell=CUBIC, **info) -> Atoms:
    return Atoms(symbols, scaled_positions=positions, cell=cell, pbc=True, info=info)


def test_a_conventional_cell_becomes_primitive_and_is_not_turned(planned, tmp_path):
    s = planned["quartz-alpha"]
    doubled = Atoms(s.symbols, cell=s.cell, scaled_positions=s.positions, pbc=True).repeat((1, 2, 1))
    for name, options in (("quartz.cif", {}), ("POSCAR", {"format": "vasp"})):
        write(tmp_path / name, doubled, **options)
        (found,), refused = read_structures(tmp_path / name)
        assert not refused and len(found.symbols) == 9 and found.volume == pytest.approx(s.volume, rel=1e-5)
        assert [m for _, m in found.oxygens] == [6] and found.source == "user" and found.sid == (tmp_path / name).stem
        if name == "POSCAR":  # a CIF has no orientation
            whole = found.cell @ np.linalg.inv(s.cell)
            assert whole == pytest.approx(np.round(whole), abs=1e-5)


def test_a_list_keeps_cells_ids_and_the_reasons(tmp_path):
    file = tmp_path / "list.extxyz"
    write(
        file,
        [
            atoms(sid="good", source="mineral", name="Good one"),
            atoms("GeO2", sid="strange"),
            atoms(positions=((0, 0, 0), (0.3, 0.3, 0), (0.3, 0.31, 0)), sid="close"),
            atoms("Si3", sid="bare"),
            atoms(sid="../../etc x"),
        ],
    )
    found, refused = read_structures(file)
    assert [(s.sid, s.name, s.source) for s in found][:1] == [("good", "Good one", "mineral")]
    assert found[1].sid == "etc-x"  # an id becomes a folder
    reasons = dict(refused)
    assert "Ge" in reasons["strange"] and "pseudopotential" in reasons["strange"]
    assert "0.04 Angstrom apart" in reasons["close"] and set(reasons) == {"strange", "close", "bare"}


def test_the_shipped_list_has_the_ids_of_the_database(planned, tmp_path):
    """It calls them `structure`; each was once "structures-17", which nobody can guess."""
    from ase.io import read

    frames = [
        a for a in read(RAW.parent / "structures.extxyz", ":") if a.info["structure"] in ("stishovite", "coesite")
    ]
    write(tmp_path / "list.extxyz", frames)
    found, refused = read_structures(tmp_path / "list.extxyz")
    assert {s.sid for s in found} == {"stishovite", "coesite"} and not refused
    for s in found:
        assert [n for _, n in s.oxygens] == [n for _, n in planned[s.sid].oxygens] and s.source == "mineral"


PARTIAL = """data_x
_cell_length_a 4.2
_cell_length_b 4.2
_cell_length_c 2.7
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si 0 0 0 1.0
O1 O 0.3 0.3 0 {}
O2 O 0.7 0.7 0 1.0
"""


@pytest.mark.parametrize(
    "name, content, says",
    [
        ("partial.cif", PARTIAL.format(0.5), "partially occupied"),
        ("empty.cif", "", "no crystal structure"),
        ("broken.extxyz", '3\nLattice="1 0\nSi 0 0\n', "not readable"),
        ("binary.extxyz", "\x00\x01\x02", "not readable"),
        ("POSCAR", "nothing\n", "not readable"),
        ("molecule.xyz", "3\n\nSi 0 0 0\nO 1.6 0 0\nO -1.6 0 0\n", "no cell"),
    ],
)
def test_what_is_no_structure_is_a_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=says):
        read_structures(tmp_path / name)


def test_full_occupancy_is_none_the_worse(tmp_path):
    (tmp_path / "full.cif").write_text(PARTIAL.format("1.0"))
    assert read_structures(tmp_path / "full.cif")[0][0].symbols == ("Si", "O", "O")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_whatever_a_structure_is_called_its_id_and_name_can_be_stored(text):
    found = structure(atoms(name=text, source=text), text)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}", found.sid)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,79}", found.name)
    assert found.source == (text if text in SOURCES else "user")  # a user's own words are no source of the database


@pytest.mark.parametrize(
    "change, says",
    [({"cell": 4 * CUBIC}, "vacuum"), ({"cell": CUBIC / 2}, "no silicon oxide"), (None, "up to 300 can be computed")],
)
def test_what_would_be_computed_in_vain_is_refused_before(change, says):
    with pytest.raises(DataError, match=says):
        structure(atoms(**change) if change else atoms().repeat((5, 5, 5)), "x")


def test_two_of_one_id_would_share_a_folder(tmp_path):
    write(tmp_path / "list.extxyz", [atoms(sid="same"), atoms(sid="same")])
    with pytest.raises(DataError, match="same"):
        read_structures(tmp_path / "list.extxyz")
    with pytest.raises(DataError, match="no file"):
        read_structures(tmp_path / "nothing.cif")


def test_the_sites_of_the_plan_are_those_it_was_made_with(planned):
    """`ns` was counted when the list was made, by other code."""
    from ase.io import read

    frames = read(RAW / "structures.extxyz", ":")
    assert {a.info["sid"]: a.info["ns"] for a in frames} == {sid: len(s.oxygens) for sid, s in planned.items()}
