"""Descriptors: what turning, moving, repeating and renaming a structure must not change, and what must."""

import numpy as np
import pytest

from elnes_lab.descriptors import ANGULAR, FEATURES, NUMBERS, SOAP, describe, power, sizes, soap
from elnes_lab.errors import DataError
from elnes_lab.structure import Environment


@pytest.fixture
def db(shipped):
    return shipped


@pytest.fixture
def coesite(db):
    return db.atoms("coesite")


def turned(atoms, angle, axis):
    atoms = atoms.copy()
    atoms.rotate(angle, axis, rotate_cell=True)
    return atoms


def test_shapes_and_norm(coesite):
    found = describe(coesite, [10, 12])
    assert found.directed.shape == (2, 3, FEATURES) and found.numbers.shape == (2, len(NUMBERS))
    assert np.linalg.norm(found.directed, axis=-1) == pytest.approx(1)
    assert soap(found.directed).shape == (2, SOAP)
    site = Environment.of(coesite).site(10)
    assert found.numbers[0].tolist() == [site[name] for name in NUMBERS]


def test_turning_about_an_axis_changes_what_belongs_to_the_others_only(coesite):
    first, second = power(coesite, [10])[0], power(turned(coesite, 37, "z"), [10])[0]
    assert second[2] == pytest.approx(first[2], abs=1e-6)
    assert np.abs(second[:2] - first[:2]).max() > 1e-2


def test_soap_is_the_same_in_any_orientation_and_axes_go_along(coesite):
    other = turned(turned(coesite, 71, "x"), -29, "y")
    assert soap(power(other, [10])) == pytest.approx(soap(power(coesite, [10])), abs=1e-6)
    cyclic = turned(coesite, 120, (1, 1, 1))  # x becomes y, y becomes z, z becomes x
    assert power(cyclic, [10])[0, [1, 2, 0]] == pytest.approx(power(coesite, [10])[0], abs=1e-6)


def test_soap_is_the_sum_over_m_whichever_axis(coesite):
    along = power(coesite, [10, 16])
    each = [soap(np.repeat(along[:, [a]], 3, axis=1)) for a in range(3)]
    assert each[0] == pytest.approx(each[1], abs=1e-6) and each[1] == pytest.approx(each[2], abs=1e-6)
    assert ANGULAR > 1 and np.abs(along[:, 0] - along[:, 1]).max() > 1e-2


def test_cell_mirror_and_order_do_not_matter(coesite):
    first = power(coesite, [10])
    assert power(coesite.repeat((2, 1, 1)), [10]) == pytest.approx(first, abs=1e-6)
    moved = coesite.copy()
    moved.translate([1.7, -20, 3])
    moved.wrap()
    assert power(moved[::-1], [len(moved) - 11]) == pytest.approx(first, abs=1e-6)
    mirrored = coesite.copy()
    mirrored.set_cell(coesite.cell.array * [1, 1, -1])
    mirrored.set_positions(coesite.positions * [1, 1, -1])
    assert power(mirrored, [10]) == pytest.approx(first, abs=1e-6)


def test_it_is_smooth_where_an_atom_crosses_the_cutoff(db):
    atoms, steps = db.atoms("quartz-alpha"), []
    for stretch in np.linspace(1.0, 1.02, 21):
        one = atoms.copy()
        one.set_cell(atoms.cell * stretch, scale_atoms=True)
        steps.append(power(one, [3])[0])
    change = np.abs(np.diff(steps, axis=0)).max((1, 2))
    assert change.max() < 3 * change.min() + 1e-4


def test_other_elements_are_refused(db):
    atoms = db.atoms("quartz-alpha")
    atoms.symbols[0] = "Ge"
    with pytest.raises(DataError, match="contains Ge.*O and Si"):
        power(atoms, [3])
    with pytest.raises(DataError, match="at least one"):
        power(db.atoms("quartz-alpha"), [])


def test_elements_are_told_apart_and_those_that_are_not_there_add_nothing(db):
    """Three elements asked for: silica has the same distances to all other sites as with two; a germanium is another neighbor."""
    atoms, three = db.atoms("coesite"), ("O", "Ge", "Si")
    silica = power(atoms, [10, 12, 16], three)
    assert silica.shape == (3, 3, sizes(three)[0]) and soap(silica).shape == (3, sizes(three)[1])
    two = power(atoms, [10, 12, 16])
    assert soap(silica) @ soap(silica).T == pytest.approx(soap(two) @ soap(two).T, abs=1e-6)
    near = Environment.of(atoms).bonds(10).index[0]
    atoms.symbols[near] = "Ge"
    mixed = power(atoms, [10], three)
    same, other = soap(power(db.atoms("coesite"), [10], three))[0], soap(mixed)[0]
    assert other @ same < 0.999 * (same @ same)
    renamed = db.atoms("coesite")
    renamed.numbers[renamed.numbers == 14] = 32
    assert power(renamed, [10], ("O", "Ge")) == pytest.approx(two[:1], abs=1e-6)
