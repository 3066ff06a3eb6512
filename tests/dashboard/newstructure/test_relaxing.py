"""Relaxation on the New structure page: off until asked for, what it changed, the way back, and nothing lost on the way."""

import pytest

from elnes_lab.dashboard.newstructure.model import NewStructureModel
from elnes_lab.dashboard.newstructure.relaxing import DONE, OFF, RUNNING, Relaxing
from elnes_lab.errors import DataError
from elnes_lab.sources.potential import universal

needs_potential = pytest.mark.skipif(bool(universal.missing()), reason=universal.INSTALL)


class Later:
    """A Background whose work is done when the test says so."""

    def __init__(self):
        self.waiting, self.forgotten = [], 0

    def start(self, work, done):
        self.waiting.append((work, done))

    def forget(self):
        self.forgotten += 1


def text_of(atoms):
    import io

    from ase.io import write

    file = io.StringIO()
    write(file, atoms, format="extxyz")
    return file.getvalue()


@needs_potential
def test_relaxed_spectra_follow_and_one_call_leads_back(shipped):
    model = NewStructureModel(shipped)
    relaxing = Relaxing(model)
    swollen = shipped.atoms("quartz-alpha")
    swollen.set_cell(swollen.cell * 1.02, scale_atoms=True)
    model.paste(text_of(swollen))
    given, plain = model.found, model.csv()
    assert relaxing.state == OFF and given.crystal.relaxed is None and b"Relaxed" not in plain[1]
    with pytest.raises(DataError, match="Nothing is relaxed"):
        relaxing.cif()
    told = []
    relaxing.observe(lambda change: told.append(change.new), "progress")
    relaxing.start()
    assert relaxing.state == DONE and relaxing.shown and relaxing.problem == "" and model.found is relaxing.relaxed
    assert any("largest force" in text for text in told)
    assert model.found.crystal.environment.density > given.crystal.environment.density
    assert (model.found.prediction.mean != given.prediction.mean).any() and len(model.table()) == 1
    name, content = model.csv()
    assert name == "elnes-lab-pasted-text-relaxed.csv" and b"Relaxed with CHGNet" in content
    assert relaxing.cif()[0] == "elnes-lab-pasted-text-relaxed.cif" and b"Relaxed with CHGNet" in relaxing.cif()[1]
    assert [row[0].split(",")[0] for row in relaxing.rows()][:2] == ["cell volume", "density"]
    relaxing.show(False)
    assert model.found is given and model.csv() == plain and relaxing.state == DONE and not relaxing.shown
    relaxing.show(True)
    assert model.found is relaxing.relaxed
    model.take("coesite")
    assert relaxing.state == OFF and relaxing.relaxed is None and not relaxing.shown and relaxing.rows() == []


def test_a_run_is_ended_by_stop_and_by_another_structure(shipped):
    model = NewStructureModel(shipped)
    model.take("quartz-alpha")
    relaxing = Relaxing(model, Later())
    relaxing.missing = lambda: ""
    given = model.found
    relaxing.start()
    relaxing.start()  # a second click does nothing
    assert relaxing.state == RUNNING and len(relaxing.background.waiting) == 1 and relaxing.progress
    event = relaxing.stop_event
    relaxing.stop()
    assert event.is_set() and relaxing.state == OFF and relaxing.background.forgotten == 1
    relaxing.background.waiting[0][1](given, None)  # too late
    assert relaxing.state == OFF and model.found is given
    relaxing.start()
    event = relaxing.stop_event
    model.take("coesite")
    assert event.is_set() and relaxing.state == OFF and model.found is not given
    relaxing.start()
    relaxing.background.waiting[-1][1](None, DataError("It runs away."))
    assert relaxing.state == OFF and relaxing.problem == "It runs away." and model.found.crystal.relaxed is None
    relaxing.start()
    relaxing.background.waiting[-1][1](None, KeyError("x"))
    assert "KeyError" in relaxing.problem and relaxing.problem.endswith(".")


def test_without_the_package_the_page_says_what_to_install(shipped, monkeypatch):
    monkeypatch.setattr(universal, "find_spec", lambda name: None)
    model = NewStructureModel(shipped)
    relaxing = Relaxing(model)
    relaxing.start()  # nothing is shown yet
    assert relaxing.problem == ""
    model.take("quartz-alpha")
    relaxing.start()
    assert "pip install" in relaxing.problem and relaxing.state == OFF
