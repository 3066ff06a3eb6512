"""Models of silica glass: the dynamics, its interruption, the folder of models and the list for the queue."""

import json
import threading

import numpy as np
import pytest
from ase.calculators.lj import LennardJones

from elnes_lab.errors import DataError
from elnes_lab.sources.potential import models, relax, universal
from elnes_lab.sources.potential.models import make_models
from elnes_lab.sources.potential.quench import Schedule, State, quench, scattered
from elnes_lab.sources.qe.structures import read_structures
from elnes_lab.structure import Environment

SHORT = Schedule(melt=0.2, quench=0.4)
COLD = Schedule(melt=0.1, quench=0.2, hot=600)


def pair():
    return LennardJones(sigma=1.7, epsilon=0.2, rc=4.0, smooth=True)


def test_the_start_is_as_dense_as_asked_and_no_atoms_are_close():
    atoms = scattered(72, 2.2, np.random.default_rng(3))
    assert Environment.of(atoms).density == pytest.approx(2.2, rel=1e-3)
    distances = atoms.get_all_distances(mic=True) + 9 * np.eye(72)
    oxygen = atoms.numbers == 8
    assert distances.min() > 1.2 and distances[np.ix_(oxygen, oxygen)].min() > 1.7
    with pytest.raises(DataError, match="multiple of 3"):
        scattered(25, 2.2, np.random.default_rng(0))


def test_the_schedule_melts_then_cools_evenly():
    s = Schedule(hot=4300, cold=300, melt=1, quench=4, step=2)
    assert (s.melt_steps, s.steps, s.rate) == (500, 2500, 1e15)
    assert [s.temperature(step) for step in (0, 499, 500, 1500, 2500)] == [4300, 4300, 4300, 2300, 300]


def test_an_interrupted_quench_goes_on_to_the_same_model(tmp_path):
    whole = quench(24, 5, COLD, pair())
    place, stop = tmp_path / "state.npz", threading.Event()

    def report(moment):
        if moment.step == 60:
            stop.set()

    assert quench(24, 5, COLD, pair(), place=place, report=report, stop=stop) is None
    seen = []
    again = quench(24, 5, COLD, pair(), place=place, report=seen.append)
    assert (
        [moment.stage for moment in seen][:1] == ["quench"]
        and seen[0].step == 80
        and seen[-1].step == seen[-1].steps == 150
        and seen[-1].left == 0
    )
    assert seen[-1].stage == "quench" and seen[-1].wanted < 310
    np.testing.assert_allclose(again.positions, whole.positions, atol=1e-6)
    other = quench(24, 6, COLD, pair(), place=place)  # a state of another seed is not gone on from
    assert np.abs(other.positions - whole.positions).max() > 0.1


def test_a_state_that_was_cut_off_is_made_anew(tmp_path):
    place = tmp_path / "state.npz"
    atoms = scattered(24, 2.2, np.random.default_rng(0))
    State(atoms, 7, np.random.default_rng(1)).save(place, "key")
    assert State.load(place, "key").step == 7 and State.load(place, "other") is None
    place.write_bytes(place.read_bytes()[:200])
    assert State.load(place, "key") is None and State.load(tmp_path / "none", "key") is None


def test_dynamics_that_goes_astray_is_told():
    with pytest.raises(DataError, match="goes astray"):
        quench(24, 1, Schedule(melt=5, quench=0.1, step=50.0), pair())


@pytest.fixture
def stored(glasses, monkeypatch, constant):
    """make_models(folder, seeds) with a "dynamics" that ends in stored glass, or for seed 2 in one that lacks an oxygen."""

    def ended(atoms, seed, schedule, calculator, **rest):
        solid = glasses[0].copy()
        if seed == 2:
            del solid[int(np.flatnonzero(solid.numbers == 8)[5])]
        if seed == 3:
            raise DataError("The dynamics goes astray.")
        return solid

    monkeypatch.setattr(models, "quench", ended)
    return lambda folder, seeds, **rest: make_models(folder, 72, seeds, SHORT, calculator=constant(), **rest)


def test_good_models_are_listed_for_the_queue_and_bad_ones_say_why(stored, tmp_path, glasses):
    made = stored(tmp_path, [1, 2, 3])
    assert [model.passed for model in made] == [True, False, False]
    assert "Silicon without four oxygens 8.3" in made[1].reasons[0] and made[2].reasons == ["The dynamics goes astray."]
    listed, refused = read_structures(tmp_path / "structures.extxyz")
    assert [s.sid for s in listed] == ["amorphous-72-1"] and refused == [] and listed[0].source == "melt-quench"
    np.testing.assert_allclose(listed[0].cell, glasses[0].cell.array, atol=1e-6)
    table = json.loads((tmp_path / "quality.json").read_text())
    assert [row["sid"] for row in table] == [f"amorphous-72-{n}" for n in (1, 2, 3)] and "radial" not in table[0]
    record = json.loads((tmp_path / "amorphous-72-1.json").read_text())
    assert len(record["radial"]["r"]) == len(record["radial"]["Si-O"]) and record["how"]["hot"] == SHORT.hot


def test_what_is_finished_is_not_made_twice(stored, tmp_path, monkeypatch, constant):
    first = stored(tmp_path, [1])
    monkeypatch.setattr(models, "quench", lambda *a, **k: pytest.fail("made again"))
    assert stored(tmp_path, [1])[0].record == first[0].record
    with pytest.raises(DataError, match="another hot"):
        make_models(tmp_path, 72, [1], Schedule(melt=0.2, quench=0.4, hot=5000), calculator=constant())
    (tmp_path / "amorphous-72-1.json").write_text("{")  # cut off by a full disk
    monkeypatch.undo()


def test_a_model_belongs_to_the_process_that_holds_its_lock(stored, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".amorphous-72-1.lock"):
        assert stored(tmp_path, [1]) == []
    assert len(stored(tmp_path, [1])) == 1


@pytest.mark.skipif(bool(universal.missing()), reason=universal.INSTALL)
def test_a_small_melt_solidifies():
    """24 atoms, cooled far too fast for a good glass, on a thermostat that keeps up with it: but silicon has found about four
    oxygens, nothing flies apart, and it is somewhat less bound than the stored glasses (-8.30 eV/atom)."""
    potential, seen = universal.calculator(), []
    with universal.one_thread():
        solid = quench(24, 1, Schedule(melt=0.04, quench=0.16, friction=0.05), potential, report=seen.append)
        relaxed = relax(solid, symmetry=False, calculator=potential, steps=25)
    assert [moment.stage for moment in seen] == ["start", "melt", *["quench"] * 4] and seen[
        -1
    ].temperature < 2000 < seen[1].temperature
    assert relaxed.energy_change < 0 and -8.29 < relaxed.energies[1] < -7.4
    e = Environment.of(relaxed.atoms)
    bonds = [len(e.bonds(i).index) for i in np.flatnonzero(e.symbols == "Si")]
    assert 1.8 < e.density < 3 and 3 <= np.mean(bonds) <= 5
