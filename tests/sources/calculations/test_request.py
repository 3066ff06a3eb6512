"""What is computed for a structure that is brought: its smallest cell, with the same surroundings of every site."""

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.calculations.request import cost, request, same
from elnes_lab.structure import Environment


@pytest.mark.parametrize("sid", ["quartz-alpha", "coesite"])
def test_a_large_cell_becomes_the_smallest_one_and_each_site_keeps_its_surroundings(shipped, wanted, sid):
    small, large = wanted(sid), wanted(sid, (2, 1, 1))
    atoms = shipped.atoms(sid)
    assert len(small.structure.symbols) == len(large.structure.symbols) <= len(atoms)
    given = Environment.of(large.given)
    computed = Environment(large.structure.cell, large.structure.symbols, large.structure.positions)
    assert set(large.standing) == {index for index, _ in given.inequivalent_oxygens}
    assert set(large.standing.values()) <= {index for index, _ in large.structure.oxygens}
    assert computed.density == pytest.approx(given.density)
    for index, standing in large.standing.items():
        for name in ("si_o_mean", "si_o_si_angle"):
            assert computed.site(standing)[name] == pytest.approx(given.site(index)[name], abs=0.02)
    # neither turned nor moved: the polarization axes stay those of the file
    images = np.linalg.solve(computed.cell.T, (given.positions @ given.cell).T).T
    for image in images:
        away = image - computed.positions
        assert np.linalg.norm((away - np.round(away)) @ computed.cell, axis=1).min() < 0.02


def test_what_is_too_large_is_refused_with_what_it_would_need(shipped):
    atoms = shipped.atoms("quartz-alpha").repeat((4, 3, 3))
    atoms.rattle(0.05, seed=1)
    with pytest.raises(
        DataError, match=r"big.cif has 324 atoms.*324 atoms in the cell with the core hole, about .* h .* up to 300"
    ):
        request(atoms, "big.cif", [8])
    atoms.symbols[0] = "Ge"
    with pytest.raises(DataError):
        request(atoms[:9], "germanium.cif", [8])


def test_the_cost_is_that_of_the_queue(wanted):
    found = cost(wanted("quartz-alpha").structure)
    assert found.atoms == 54 and 60 < found.ground < 3600 and 60 < found.site < 3600
    assert "54 atoms" in str(found) and "min" in str(found)


def test_names_become_ids_and_one_structure_is_known_again(shipped):
    atoms = shipped.atoms("quartz-alpha")
    first = request(atoms, "../../My quartz (α).cif", [3]).structure
    again = request(atoms, "My quartz (α).cif", [3]).structure
    other = request(shipped.atoms("stishovite"), "My quartz (α).cif", [2]).structure
    assert first.sid == again.sid != other.sid and first.sid.startswith("My-quartz-")
    moved = atoms.copy()
    assert same(atoms, moved)
    moved.positions[3, 0] += 0.01
    assert not same(atoms, moved) and not same(atoms, atoms.repeat((1, 1, 2)))
