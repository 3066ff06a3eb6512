"""The whole route with the real engine on a crystal of three atoms, coarse enough for a minute."""

from dataclasses import replace

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.sources.qe.folder import Folder
from elnes_lab.sources.qe.plan import Step, perform
from elnes_lab.sources.qe.pools import Here
from elnes_lab.sources.qe.pseudopotentials import KINDS, fingerprint, pseudopotentials
from elnes_lab.sources.qe.queue import Job, Queue
from elnes_lab.sources.qe.settings import Settings
from elnes_lab.sources.quantum_espresso import read_ground, read_site

COARSE = Settings(k_length=8, k_length_density=6, image_distance=6.0, iterations=400, aliasing=1e-2)


def test_from_structure_to_checked_files(engine, planned, tmp_path):
    structure = planned["search-21-1126"]
    events, folder = [], Folder(tmp_path / "out")
    queue = Queue([Job(structure, [1], 1)], folder, settings=COARSE, report=events.append)
    queue.run(Here(perform))
    assert not queue.failures and [e.step.kind for e in events] == ["ground", "density", "spectra"]
    ground = read_ground(tmp_path / "out/search-21-1126/ground.npz")
    row = read_site(tmp_path / "out/search-21-1126/O1.npz", ground)
    with (
        np.load(folder.output / "search-21-1126/ground.npz") as coarse,
        np.load(stored("search-21-1126", "ground")) as fine,
    ):
        assert set(coarse) - {"kshift", "settings"} == set(fine) - {"kshift", "settings"}
        assert "k_length=8" in str(coarse["settings"]) and "aliasing" not in str(coarse["settings"])
        assert coarse["band_gap"] == pytest.approx(float(fine["band_gap"]), abs=0.2)
        assert coarse["total_energy"] == pytest.approx(float(fine["total_energy"]), abs=0.3)
        below = coarse["energy"] < 2
        assert coarse["dos"][below].sum() * 0.1 == pytest.approx(16, rel=0.02)
    with np.load(stored("search-21-1126", "O1")) as fine:
        energy = fine["energy"]
        a, b = (np.interp(energy, energy, s.mean(0)) for s in (row.strength, fine["strength"]))
        above = energy > 3
        # a third of the supercell and of the k points: the same edge, not the same spectrum. Not one of the crystals that
        # were computed again with 12 angstrom between holes: the energies of a charged cell hang on its size
        assert np.corrcoef(a[above], b[above])[0, 1] > 0.8
        assert a[above].mean() == pytest.approx(b[above].mean(), rel=0.1)
        assert row.neutral_energy - ground.supercell_energy == pytest.approx(
            float(fine["neutral_energy"] - np.load(stored("search-21-1126", "ground"))["supercell_energy"]), abs=1.5
        )


def test_fewer_radial_points_and_a_coarser_grid_change_next_to_nothing(engine, planned, tmp_path):
    """The engine itself on both meshes: total energies within a millielectronvolt for an atom, levels and spectra alike."""
    rows = []
    for mesh, grid in (("full", 1.0), ("coarse", 0.75)):
        settings = replace(COARSE, mesh=mesh, grid=grid, hole="full")
        density = perform(Step("density", planned["prototype-00"], settings, (1,)))
        assert not density.problem
        found = perform(Step("spectra", planned["prototype-00"], settings, (1,), densities=tuple(density.rows)))
        assert not found.problem
        rows.append(found.rows[0])
    atoms = 3 * abs(np.linalg.det(rows[0]["supercell"]))
    assert rows[1]["total_energy"] == pytest.approx(rows[0]["total_energy"], abs=1e-3 * atoms)
    for key in ("homo", "lumo"):
        assert rows[1][key] == pytest.approx(rows[0][key], abs=0.01)
    above = rows[0]["energy"] > 3
    a, b = (row["strength"].mean(0)[above] for row in rows)
    assert 0 < ((a / a.mean() - b / b.mean()) ** 2).mean() < 5e-4


def stored(sid: str, name: str):
    from pathlib import Path

    return Path(__file__).parents[3] / "data" / "raw" / sid / f"{name}.npz"


def test_pseudopotentials_are_made_once_and_again_when_spoilt(engine, tmp_path):
    made = pseudopotentials(engine, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in made.folder.iterdir()}
    assert (
        pseudopotentials(engine, tmp_path) is made
        and {path: path.stat().st_mtime_ns for path in made.folder.iterdir()} == files
    )
    victim = made.folder / f"{KINDS['Si']}.upf"
    victim.write_text(victim.read_text().replace("PP_BETA", "PP_BETTER", 1))
    again = pseudopotentials(engine, tmp_path)
    assert "PP_BETTER" not in victim.read_text() and fingerprint(again.kinds["Si"]) == fingerprint(made.kinds["Si"])


def test_another_input_is_another_pseudopotential(engine, tmp_path, monkeypatch):
    import shutil

    from elnes_lab.sources.qe import pseudopotentials as module

    inputs = shutil.copytree(module.INPUTS, tmp_path / "inputs")
    changed = inputs / "Si.ld1.in"
    changed.write_text(changed.read_text().replace("1.75", "1.85"))
    monkeypatch.setattr(module, "INPUTS", inputs)
    with pytest.raises(DataError, match="another pseudopotential Si"):
        pseudopotentials(engine, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/*"))
