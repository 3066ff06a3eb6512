"""The PDOS route from the file of a ground state is that from the database."""

from pathlib import Path

import numpy as np
import pytest

from elnes_lab.errors import DataError
from elnes_lab.learning import predict_ground
from elnes_lab.learning.dataset import elnes_bins
from elnes_lab.learning.from_ground import StepRows, shipped_model
from elnes_lab.sources.quantum_espresso import read_ground, read_site

RAW = Path(__file__).parents[2] / "data" / "raw"


@pytest.mark.parametrize("structure, atoms", [("quartz-alpha", [3]), ("prototype-04", [4, 5])])
def test_it_is_what_the_database_gives(shipped, structure, atoms):
    model = shipped_model()
    rows = shipped[[f"{structure}/O{i}" for i in atoms]]
    wanted, found = model.predict(rows), predict_ground(RAW / structure / "ground.npz", atoms, structure=structure)
    for name in ("mean", "lower", "upper", "polarized"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=2e-4), name
    assert list(found.sites) == [f"O{i}" for i in atoms]
    # without the name it is a new structure, which all parts predict: they have seen this one
    new = predict_ground(read_ground(RAW / structure / "ground.npz"), atoms)
    assert np.abs(new.mean - found.mean).max() > 1e-3


def test_the_spectrum_of_the_files_is_that_of_the_database(shipped):
    ground = read_ground(RAW / "quartz-alpha" / "ground.npz")
    rows = StepRows(ground, [3], [read_site(RAW / "quartz-alpha" / "O3.npz", ground)])
    target, stored = shipped_model().target, shipped[["quartz-alpha/O3"]]
    assert elnes_bins(rows, target)[1] == pytest.approx(elnes_bins(stored, target)[1], abs=1e-5)
    assert rows["si_o_si_angle"] == pytest.approx(stored["si_o_si_angle"])


def test_what_is_no_oxygen_or_no_ground_state_is_a_sentence(tmp_path):
    path = RAW / "quartz-alpha" / "ground.npz"
    for atoms in ([0], [99], [-1], []):
        with pytest.raises(DataError, match="oxygen"):
            predict_ground(path, atoms)
    (tmp_path / "ground.npz").write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError):
        predict_ground(tmp_path / "ground.npz", [3])
    with pytest.raises(DataError, match="column"):
        StepRows(read_ground(path), [3])["colour"]
