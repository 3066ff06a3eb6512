"""Relaxation with the universal potential: the one that relaxed the database, right for silica, nothing lost."""

import threading

import numpy as np
import pytest
from ase.spacegroup import crystal

from elnes_lab.errors import DataError
from elnes_lab.sources.potential import relax, universal
from elnes_lab.sources.potential.relaxation import Stopped, render_cif
from elnes_lab.structure import Environment

needs_potential = pytest.mark.skipif(bool(universal.missing()), reason=universal.INSTALL)
# Measured cells and positions at room temperature: Levien, Prewitt and Weidner, Am. Mineral. 65, 920 (1980); Downs and Palmer,
# Am. Mineral. 79, 9 (1994); Ross et al., Am. Mineral. 75, 739 (1990). The last: most that the volume may differ, percent.
MEASURED = {
    "quartz": (((0.4697, 0, 2 / 3), (0.4133, 0.2672, 0.1188 + 2 / 3)), 154, (4.916, 4.916, 5.4054, 90, 90, 120), 8.0),
    "cristobalite": (((0.3003, 0.3003, 0), (0.2392, 0.1044, 0.1787)), 92, (4.9717, 4.9717, 6.9222, 90, 90, 90), 8.0),
    "stishovite": (((0, 0, 0), (0.3062, 0.3062, 0)), 136, (4.1801, 4.1801, 2.6678, 90, 90, 90), 5.0),
}


def measured(name):
    positions, group, cell, _ = MEASURED[name]
    return crystal(("Si", "O"), positions, spacegroup=group, cellpar=cell)


@needs_potential
@pytest.mark.parametrize("sid", ["quartz-alpha", "stishovite", "glass-131"])
def test_it_is_the_potential_that_relaxed_the_database(planned, sid):
    atoms = planned[sid].copy()
    atoms.calc = universal.calculator()
    assert atoms.get_potential_energy() / len(atoms) == pytest.approx(atoms.info["chgnet_ev_per_atom"], abs=1e-4)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.1


@needs_potential
@pytest.mark.parametrize("name", MEASURED)
def test_measured_crystals_keep_their_volume_and_space_group(name):
    relaxed = relax(measured(name))
    assert relaxed.converged and 0 < relaxed.volume_change < MEASURED[name][3]  # as PBE, which it learnt from
    assert Environment.of(relaxed.atoms).space_group[1] == MEASURED[name][1]
    assert relaxed.energy_change < 0


@needs_potential
def test_a_swollen_crystal_comes_back_and_what_was_given_stays(planned):
    stored = planned["quartz-alpha"]
    swollen = stored.copy()
    swollen.set_cell(swollen.cell * 1.02, scale_atoms=True)
    kept = swollen.copy()
    import torch

    steps, threads, before = [], set(), torch.get_num_threads()
    relaxed = relax(swollen, report=lambda step: (steps.append(step), threads.add(torch.get_num_threads())))
    assert threads == {1} and torch.get_num_threads() == before  # more would only keep each other and the page waiting
    assert relaxed.atoms.get_volume() == pytest.approx(relax(stored).atoms.get_volume(), rel=0.01)
    assert relaxed.force < 0.03 and relaxed.pressure < 0.1 and relaxed.steps == steps[-1].number == len(steps) - 1
    assert (swollen.positions == kept.positions).all() and (swollen.cell == kept.cell).all()
    assert relaxed.atoms.get_chemical_symbols() == swollen.get_chemical_symbols() and relaxed.displacement < 0.3
    assert f"volume {relaxed.volume_change:+.1f} %" in relaxed.sentence and "CHGNet 0.3.0" in relaxed.sentence
    rows = {name: (float(before), float(after)) for name, before, after in relaxed.rows}
    assert rows["density, g/cm³"][1] > rows["density, g/cm³"][0]
    assert rows["mean Si–O length, Å"][1] < rows["mean Si–O length, Å"][0]
    again = relax(relaxed.atoms)
    assert abs(again.volume_change) < 0.2 and again.displacement < 0.02
    fixed = relax(swollen, cell=False)
    assert fixed.volume_change == pytest.approx(0) and "fixed cell" in fixed.sentence
    text = render_cif(relaxed, "mine.cif").decode()
    assert text.startswith("# mine.cif\n# Relaxed with CHGNet") and "_cell_length_a" in text


@needs_potential
def test_it_ends_when_it_is_stopped(planned):
    stop, seen = threading.Event(), []

    def report(step):
        seen.append(step)
        if step.number == 2:
            stop.set()

    swollen = planned["quartz-alpha"].copy()
    swollen.set_cell(swollen.cell * 1.05, scale_atoms=True)
    with pytest.raises(Stopped, match="stopped"):
        relax(swollen, report=report, stop=stop)
    assert len(seen) == 3 and seen[0].left >= 0


def test_other_weights_are_refused_and_no_pickle_is_run(monkeypatch):
    if universal.missing():
        pytest.skip(universal.INSTALL)
    universal.network.cache_clear()
    monkeypatch.setattr(universal, "CHECKSUM", "0" * 64)
    monkeypatch.setattr("torch.load", lambda *a, **k: pytest.fail("read before it was checked"))
    with pytest.raises(DataError, match="not the published ones"):
        universal.network()
    universal.network.cache_clear()


def test_without_the_package_a_sentence_says_what_to_install(planned, monkeypatch):
    monkeypatch.setattr(universal, "find_spec", lambda name: None)
    universal.network.cache_clear()
    with pytest.raises(DataError, match="pip install"):
        relax(planned["quartz-alpha"])


def test_what_nothing_holds_together_is_refused(planned, constant):
    with pytest.raises(DataError, match="runs away"):
        relax(planned["quartz-alpha"], symmetry=False, calculator=constant(stress=-0.5))
    assert relax(planned["glass-131"], calculator=constant()).steps == 0


def test_bad_structures_are_refused_before_the_potential_sees_them(planned, constant):
    odd = planned["quartz-alpha"].copy()
    odd.symbols[0] = "Ti"
    with pytest.raises(DataError, match="Ti"):
        relax(odd, calculator=constant())
    with pytest.raises(DataError, match="no file"):
        relax("nowhere.cif", calculator=constant())


def test_the_displacement_leaves_out_the_cell_and_the_whole(planned):
    from elnes_lab.sources.potential.relaxation import Relaxed

    before = planned["glass-131"].copy()
    after = before.copy()
    after.set_cell(after.cell * 1.03, scale_atoms=True)
    after.positions += 0.7
    after.wrap()
    made = lambda atoms: Relaxed(before, atoms, (-8.0, -8.001), 3, 0.01, 0.05, True, True, "test", 1.0)
    assert made(after).displacement == pytest.approx(0, abs=1e-9)
    assert made(after).volume_change == pytest.approx(100 * (1.03**3 - 1))
    after.positions[7] += (0.3, 0, 0)
    assert made(after).displacement == pytest.approx(0.3 * 71 / 72)
    assert made(after).energy_change == pytest.approx(-1)
