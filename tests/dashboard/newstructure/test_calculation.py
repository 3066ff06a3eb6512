"""The full calculation of the New structure panel: off unless allowed, each visitor's own, three routes on one axis."""

import io
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.dashboard.newstructure import calculation
from elnes_lab.dashboard.newstructure.calculation import OFF, CalculationModel
from elnes_lab.dashboard.newstructure.loss import computed_places, on_loss
from elnes_lab.dashboard.newstructure.model import NewStructureModel
from elnes_lab.dashboard.newstructure.own_files import OwnFiles
from elnes_lab.dashboard.newstructure.routes import NONE
from elnes_lab.dashboard.session import Session
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.figures.newstructure import spectra_figure
from elnes_lab.learning.dataset import elnes_bins
from elnes_lab.sources.calculations.place import Calculations

ROOT = Path(__file__).parents[3]
WORKER = ROOT / "tests" / "sources" / "calculations" / "stored_worker.py"
PATIENCE = 120  # s


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("ELNES_LAB_CALCULATIONS", "1")
    for name in ("SECONDS", "FAILS", "HANGS", "LOG"):
        monkeypatch.delenv(f"STORED_{name}", raising=False)
    made = Calculations(tmp_path / "place", 1, (sys.executable, str(WORKER)))
    yield made
    for one in made.every():
        one.remove()


@pytest.fixture
def page(shipped, place):
    """Function that opens the panel for a visitor; tokens: what the browser has kept."""

    def visit(tokens=(), shared=True):
        session = Session(shipped)
        session.calculations = list(tokens)
        structure = NewStructureModel(shipped)
        model = CalculationModel(structure, session, place, shared=shared)
        model.open()
        return model

    return visit


def brought(shipped, sid, repeat=(1, 1, 1)):
    from ase.io import write

    text = io.StringIO()
    write(text, shipped.atoms(sid).repeat(repeat), format="vasp")
    return text.getvalue().encode()


def waited(model, kind):
    end = time.monotonic() + PATIENCE
    while model.state is None or model.state.kind != kind:
        assert time.monotonic() < end, f"not {kind} in two minutes, but {model.state}"
        time.sleep(0.02)
        model.poll()


def test_it_is_off_unless_the_server_allows_it(shipped, monkeypatch, tmp_path):
    for text in ("0", ""):
        monkeypatch.setenv("ELNES_LAB_CALCULATIONS", text)
        monkeypatch.setenv("ELNES_LAB_CALCULATIONS_FOLDER", str(tmp_path / "place"))
        model = CalculationModel(NewStructureModel(shipped), Session(shipped), shared=True)
        model.open()
        model.structure.read("quartz-alpha", brought(shipped, "quartz-alpha"))
        model.start()
        assert model.closed == OFF and model.mine == [] and model.cost is None
    assert not (tmp_path / "place").exists()


def test_from_a_file_to_three_routes_on_one_axis(page, shipped, tmp_path):
    model = page()
    model.structure.read("quartz-alpha.vasp", brought(shipped, "quartz-alpha", (1, 1, 2)))
    assert model.closed == "" and model.cost.atoms == 54 and model.current is None and model.routes.pdos == {}
    assert "pdos_route" not in model.curves()
    with pytest.raises(DataError, match="Nothing is computed"):
        OwnFiles(model).steps()
    model.start()
    token, title = model.session.calculations[0]
    assert title == "quartz-alpha.vasp" and model.structure.selection == (0,)
    waited(model, "finished")
    label = model.label
    curves = model.curves()
    assert curves["others"][0]["title"] == f"computed here, {label}"
    assert curves["pdos_route"]["title"] == f"PDOS route, {label}" and len(curves["pdos_route"]["mean"]) == 160
    target = model.structure._route().target
    assert curves["others"][0]["values"] == pytest.approx(
        elnes_bins(shipped[["quartz-alpha/O3"]], target)[1][0], abs=1e-4
    )
    drawn = {trace.meta: trace.name for trace in spectra_figure(**curves).data if trace.visible}
    assert drawn["site.0"] == f"structure route, {label}" and drawn["route.pdos"] == f"PDOS route, {label}"
    assert {"band.site", "band.route", "other.0", "pdos.0", "pdos.computed"} <= set(drawn)
    errors = model.errors()
    square = ((curves["others"][0]["values"] - curves["pdos_route"]["mean"]) ** 2).mean()
    assert errors["PDOS route"] == pytest.approx(square) and set(errors) == {"structure route", "PDOS route"}
    assert model.onsets()[0][3] == pytest.approx(shipped["quartz-alpha/O3"]["onset"][0], abs=0.01)
    # on the scale of energy loss what was computed here lies where the same row of the database does, not where it is predicted
    row = shipped[["quartz-alpha/O3"]]
    places = model.places()
    assert places["other.0"] == pytest.approx(computed_places(row, target)[0], abs=0.01)
    assert places["other.0"] != places["site.0"] and places["site.0"] == model.structure.places()["site.0"]
    moved = on_loss(spectra_figure(**curves), places)
    x, y = next((trace.x, trace.y) for trace in moved.data if trace.meta == "other.0")
    axis, stored = row.curves(zero="loss")
    assert x[np.argmax(y)] == pytest.approx(
        np.ravel(axis)[np.nanargmax(stored[0])], abs=0.4
    )  # bins of 0.2 eV, broadened
    model.structure.choose(())
    assert model.places()["other.0"] == pytest.approx(places["other.0"])  # its only site is the average
    model.structure.choose([0])
    lines = [line for line in model.structure.csv(model.routes)[1].decode().splitlines() if not line.startswith("#")]
    columns = lines[0].split(",")
    assert {f"{label} PDOS route", f"{label} PDOS route upper", f"{label} computed"} <= set(columns)
    values = np.array([line.split(",") for line in lines[1:]], float)
    assert values[:, columns.index(f"{label} computed")] == pytest.approx(
        curves["others"][0]["values"], rel=1e-4, abs=1e-5
    )
    # the rows as files
    (tmp_path / "mine.nc").write_bytes(OwnFiles(model).database()[1])
    with open_database(tmp_path / "mine.nc") as db:
        assert len(db) == 1 and np.array_equal(db.elnes[0], shipped["quartz-alpha/O3"].elnes[0])
    with zipfile.ZipFile(io.BytesIO(OwnFiles(model).steps()[1])) as archive:
        names = set(archive.namelist())
    sid = model.current.steps.name
    assert names == {f"raw/{sid}/ground.npz", f"raw/{sid}/O3.npz", f"structures/{sid}.extxyz", "README.txt"}
    with pytest.raises(DataError, match="writes no files"):
        OwnFiles(model).add(str(tmp_path / "mine"))
    assert not (tmp_path / "mine").exists()


def test_a_visitor_finds_a_calculation_again_and_no_other_one_does(page, shipped, monkeypatch):
    monkeypatch.setenv("STORED_HANGS", "density")
    first = page()
    first.structure.read("quartz-alpha.vasp", brought(shipped, "quartz-alpha"))
    first.start()
    kept = list(first.session.calculations)
    other = page()  # another browser
    other.structure.read("quartz-alpha.vasp", brought(shipped, "quartz-alpha"))
    assert other.mine == [] and other.current is None and other.cost is not None
    other.show(kept[0][0])
    assert other.current is None and other.structure.found.crystal.name == "quartz-alpha.vasp"

    again = page(kept)  # the page was closed meanwhile, and its kernel with it
    assert [one.token for one in again.mine] == [kept[0][0]] and again.current is None
    again.show(kept[0][0])
    assert again.structure.found.crystal.name == "quartz-alpha.vasp" and again.current.token == kept[0][0]
    assert again.structure.selection == (0,)
    waited(again, "running")
    end = time.monotonic() + PATIENCE
    while not again.routes.pdos:  # as soon as the ground state is there
        assert time.monotonic() < end
        time.sleep(0.02)
        again.poll()
    assert again.state.is_active and again.routes.computed == {} and "pdos_route" in again.curves()
    again.cancel()
    assert again.state.kind == "cancelled" and again.routes.pdos
    again.remove()
    assert again.current is None and again.session.calculations == [] and again.cost is not None
    gone = page(kept)  # a browser that still knows the token
    assert gone.mine == [] and gone.session.calculations == [] and gone.problem == ""


def test_a_failure_is_told_and_can_be_tried_again(page, shipped, monkeypatch):
    monkeypatch.setenv("STORED_FAILS", "spectra")
    model = page()
    model.structure.read("stishovite.vasp", brought(shipped, "stishovite"))
    model.start()
    waited(model, "failed")
    assert model.state.reason == "The density did not converge." and model.routes.pdos and not model.is_finished
    monkeypatch.delenv("STORED_FAILS")
    model.start()
    waited(model, "finished")
    assert model.is_finished and len(model.mine) == 1


def test_a_structure_of_the_database_has_its_three_routes_at_once(page, shipped):
    model = page()
    model.structure.take("coesite")
    labels = {str(site) for site in model.structure.found.prediction.sites}
    assert set(model.routes.pdos) == set(model.routes.computed) == set(model.routes.ground) == labels
    assert not model.routes.here and model.is_stored and model.cost is None
    average = model.curves()
    assert (
        average["pdos_route"]["title"] == "PDOS route, average of the sites" and average["pdos_route"]["lower"] is None
    )
    weights = model.structure.found.prediction.weights
    means = [model.routes.pdos[str(site)][0] for site in model.structure.found.prediction.sites]
    assert average["pdos_route"]["mean"] == pytest.approx(np.average(means, 0, weights))
    model.structure.choose([1])
    one, label = model.curves(), model.label
    assert one["pdos_route"]["mean"] == pytest.approx(model.routes.pdos[label][0])
    assert (
        one["others"][0]["title"] == f"computed, {label}"
        and (one["pdos_route"]["lower"] <= one["pdos_route"]["mean"]).all()
    )
    errors = model.errors()
    assert errors["PDOS route"] < 0.05 and errors["structure route"] < 0.2
    model.start()
    assert model.mine == [], "it was computed long ago"


def test_the_example_of_the_page_imports_no_torch_until_it_is_looked_into(page, monkeypatch):
    for name in [name for name in sys.modules if name == "torch"]:
        monkeypatch.delitem(sys.modules, name)  # as in a kernel whose visitor has trained nothing
    read = []
    monkeypatch.setattr(calculation, "of_database", lambda db, structure, *rest: read.append(structure) or NONE)
    model = page()
    model.structure.suggest("coesite")
    assert model.structure.found is not None and read == []
    model.structure.choose([1])
    assert read == ["coesite"] and not model.structure.suggested
    model.structure.take("quartz-alpha")
    assert read == ["coesite", "quartz-alpha"]


def test_what_is_too_large_is_refused_before_anything_is_begun(page, shipped):
    atoms = shipped.atoms("quartz-alpha").repeat((4, 3, 3))
    atoms.rattle(0.03, seed=1)
    from ase.io import write

    text = io.StringIO()
    write(text, atoms, format="vasp")
    model = page()
    model.structure.read("large.vasp", text.getvalue().encode())
    assert "324 atoms" in model.refusal and "of one core" in model.refusal and model.request is None
    model.start()
    assert model.mine == []


def test_the_only_user_of_a_machine_sees_all_and_adds_rows_to_a_folder(page, shipped, tmp_path):
    model = page(shared=False)
    model.structure.read("quartz-alpha.vasp", brought(shipped, "quartz-alpha"))
    model.start()
    waited(model, "finished")
    assert model.session.calculations == []
    again = page(shared=False)
    assert [one.token for one in again.mine] == [model.current.token]
    OwnFiles(model).add(" ")
    assert "Name the folder" in model.problem
    OwnFiles(model).add(str(tmp_path / "mine"))
    assert model.problem == "" and model.note.endswith("now has spectra: 1.")
    with open_database(tmp_path / "mine") as db:
        assert db.structures == [model.current.steps.name]
    (tmp_path / "mine" / "raw" / model.current.steps.name / "ground.npz").unlink()
    OwnFiles(model).add(str(tmp_path / "mine"))
    with open_database(tmp_path / "mine") as db:
        assert len(db) == 1
