"""Reading what the programs print: round trips through their formats, and what is not in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elnes_lab.errors import DataError
from elnes_lab.sources.qe import checks, inputs, outputs
from elnes_lab.sources.qe.settings import RYDBERG, Settings


def printed(bands: np.ndarray) -> str:
    """Eigenvalues as pw.x prints them: 8 a line, 9 characters each, which may touch."""
    text = "\n     End of band structure calculation\n"
    for level in bands:
        lines = "\n".join("  " + "".join(f"{e:9.4f}" for e in level[i : i + 8]) for i in range(0, len(level), 8))
        text += f"\n          k = 0.0000-0.2500 0.0000 (   531 PWs)   bands (ev):\n\n{lines}\n"
        text += "\n     occupation numbers \n" + "  1.0000" * len(level) + "\n"
    return text + "\n     highest occupied, lowest unoccupied level (ev):     5.1234    9.4321\n"


@settings(max_examples=50, deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 20)), elements=st.floats(-999, 999)))
def test_band_energies_come_back_as_printed(bands):
    bands = np.sort(bands, axis=1)
    found = outputs.band_energies(printed(bands), bands.shape[1])
    assert found == pytest.approx(np.round(bands, 4), abs=1e-9)


@pytest.mark.parametrize(
    "text, least, says",
    [
        ("", 1, "0 bands where 1"),
        (printed(np.array([[1.0, 2.0]])), 3, "2 bands where 3"),
        (printed(np.array([[2.0, 1.0]])), 2, "do not rise"),
    ],
)
def test_bands_that_cannot_be(text, least, says):
    with pytest.raises(DataError, match=says):
        outputs.band_energies(text, least)


def test_the_last_converged_energy_counts():
    text = "     total energy = -9.0 Ry\n" + "".join(
        f"!    total energy              =     {e} Ry\n" for e in (-10.5, -11.25)
    )
    assert outputs.total_energy(text) == pytest.approx(-11.25 * RYDBERG)
    with pytest.raises(DataError, match="no converged total energy"):
        outputs.total_energy("     total energy = -9.0 Ry\n")


def test_the_potential_comes_back_in_the_order_of_the_axes(tmp_path):
    potential = np.random.default_rng(0).normal(size=(3, 4, 5))
    numbers = potential.transpose(2, 1, 0).ravel()
    lines = ["run", "3 4 5 3 4 5 2 1", "0 7.0 0.0 0.0 0.0 0.0 0.0", "1 0 0", "0 1 0", "0 0 1", "100.0 4.0 25.0 1"]
    lines += ["1 Si 4.0", "1 0.0 0.0 0.0 1", "2 0.5 0.5 0.5 1"]
    lines += ["".join(f"{v:17.9E}" for v in numbers[i : i + 5]) for i in range(0, len(numbers), 5)]
    path = tmp_path / inputs.POTENTIAL
    path.write_text("\n".join(lines) + "\n")
    assert outputs.local_potential(path) == pytest.approx(potential, abs=1e-8)
    for text in ("", "\n".join(lines[:-2]), "\n".join(lines).replace("E", "X"), "\n".join([*lines[:-1], " NaN" * 5])):
        path.write_text(text)
        with pytest.raises(DataError):
            outputs.local_potential(path)


def test_every_projection_must_be_there(tmp_path):
    for name in ("1(Si)_wfc#1(s)", "1(Si)_wfc#2(p)", "2(O)_wfc#1(s)", "2(O)_wfc#2(p)"):
        columns = 3 if name.endswith("(s)") else 5
        np.savetxt(tmp_path / f"pdos.pdos_atm#{name}", np.arange(2 * columns).reshape(2, columns))
    found = outputs.projections(tmp_path, 2)
    assert set(found) == {(0, "s"), (0, "p"), (1, "s"), (1, "p")} and found[1, "p"].shape == (2, 4)
    with pytest.raises(DataError, match="4 projections for 3 atoms"):
        outputs.projections(tmp_path, 3)


def test_a_hole_is_a_charge_a_species_and_no_symmetry():
    cell, symbols, positions = np.eye(3) * 5, ["Si", "O", "O"], np.zeros((3, 3))
    text = inputs.pw("scf", Settings(), cell, symbols, positions, hole=2, bands=12, charge=1)
    assert "Oh 15.999 O_1s_hole.upf" in text and "nosym" in text and "tot_charge=1" in text and "K_POINTS gamma" in text
    atoms = text.split("ATOMIC_POSITIONS crystal\n")[1].splitlines()
    assert [line.split()[0] for line in atoms[:3]] == ["Si", "O", "Oh"]
    text = inputs.pw("nscf", Settings(), cell, symbols, positions, (2, 3, 4), shift=np.array([True, False, True]))
    assert "Oh" not in text and "nosym" not in text and "K_POINTS automatic\n2 3 4 1 0 1" in text


def test_the_count_of_electrons_tells_a_dos_that_lost_a_band():
    energy = np.arange(-20, 12, 0.01)
    band = lambda middle, electrons: electrons * np.exp(-(((energy - middle) / 0.3) ** 2)) / (0.3 * np.sqrt(np.pi))
    whole, lost = band(-15, 4) + band(-3, 12) + band(9, 8), band(-3, 12) + band(9, 8)
    assert checks.electron_count(energy, whole, 3.0, 16) == pytest.approx(0, abs=1e-3)
    checks.check_count(checks.electron_count(energy, whole, 3.0, 16), 0.01)
    with pytest.raises(DataError, match="-25.0%"):
        checks.check_count(checks.electron_count(energy, lost, 3.0, 16), 0.01)
