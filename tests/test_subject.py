"""What spectra are of, as data: read, written, defaulted, refused."""

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.structure import Environment
from elnes_lab.subject import Subject, bond_length, mass, number


def test_a_file_that_says_nothing_is_of_silicon_oxides():
    found = Subject.read({"title": "x"})
    assert found == Subject("O", "K", ("O", "Si")) and found.label == "O K" and found.material == "silicon oxides"
    assert found.words("Si-O length of silicon") == "Si-O length of silicon"


def test_what_is_written_is_read_and_worded():
    found = Subject.of("O", "K", ["Si", "O", "Mg"])
    assert Subject.read(found.attributes()) == found and found.elements == ("O", "Mg", "Si")
    assert found.material == "oxides of Mg and Si" and found.cations == ("Mg", "Si")
    germanium = Subject.of("O", "K", {"O", "Ge"})
    assert germanium.words("O-Si-O angle at the bonded silicons") == "O-Ge-O angle at the bonded cations"


@pytest.mark.parametrize(
    "absorber, edge, elements, says",
    [
        ("O", "K", ["O"], "not those of an oxide"),
        ("O", "K", ["O", "Xx"], "not those of an oxide"),
        ("Si", "K", ["O", "Si"], "absorbing element is 'Si'"),
        ("O", "K", ["Si", "Ge"], "absorbing element"),
        ("O", "edge", ["O", "Si"], "name it like K"),
    ],
)
def test_what_cannot_be_meant_is_refused(absorber, edge, elements, says):
    with pytest.raises(DataError, match=says):
        Subject.of(absorber, edge, elements)


def test_elements_have_the_numbers_of_the_tables():
    assert (number("Ge"), number("O"), mass("Si")) == (32, 8, 28.085)
    assert mass("Mg") == pytest.approx(24.305, abs=1e-3) and bond_length("Si") == 2.2
    # Ge-O is 1.74 in quartz-type GeO2, its second neighbor beyond 3; Mg-O 2.1 in MgO.
    assert 1.9 < bond_length("Ge") < 2.6 and 2.2 < bond_length("Mg") < 2.9


def test_an_oxide_of_two_metals_has_bonds_of_its_own_lengths():
    """Rock salt MgO with one Mg in four replaced by Si: every bond is between oxygen and another element, within its reach."""
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    positions = np.concatenate([basis, (basis + [0.5, 0, 0]) % 1])
    made = Environment(4.21 * np.eye(3), ["Mg", "Mg", "Mg", "Si", "O", "O", "O", "O"], positions)
    assert [len(made.bonds(i).index) for i in range(3)] == [6, 6, 6]
    assert set(made.bonds(3).distance.round(3)) == {2.105}
    site = made.site(4)
    assert site["coordination"] == 6 and site["si_o_mean"] == pytest.approx(2.105)
    assert made.density == pytest.approx((3 * 24.305 + 28.085 + 4 * 15.999) * 1.66053906660 / 4.21**3, rel=1e-4)
    with pytest.raises(DataError, match="must contain O"):
        Environment(4.21 * np.eye(3), ["Mg"] * 4 + ["Si"] * 4, positions)
