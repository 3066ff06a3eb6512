"""The state of the New structure panel: what is brought is predicted, what cannot be leaves what is shown."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from elnes_lab.dashboard.newstructure.model import SITES, NewStructureModel, strange
from elnes_lab.figures.newstructure import spectra_figure


@pytest.fixture
def model(shipped):
    return NewStructureModel(shipped)


def text_of(atoms, kind):
    from ase.io import write

    file = io.StringIO()
    write(file, atoms, format=kind)
    return file.getvalue()


def test_a_file_is_predicted_and_a_bad_one_leaves_it_shown(model, shipped):
    model.read("POSCAR", text_of(shipped.atoms("coesite"), "vasp").encode())
    found = model.found
    assert model.problem == "" and model.state == "ready" and len(model.table()) == len(found.crystal.sites) == 5
    assert dict(model.facts())["Composition"] == "SiO2, 24 atoms"
    assert any("coesite of the database" in text for text, _ in model.remarks())
    for name, content in (
        ("a.cif", b"data_x\n_cell_length_a 3"),
        ("b.xyz", b"\xff\xfe\x00"),
        ("c", b""),
        ("d.vasp", b"x\n" * 9),
    ):
        model.read(name, content)
        assert model.problem.startswith(name) and model.problem.endswith(".") and model.found is found
    model.paste("  ")
    assert "Nothing was pasted" in model.problem
    model.paste("x" * (2**20 + 1))
    assert "letters" in model.problem and model.found is found


def test_a_structure_of_the_database_stands_beside_what_was_computed(model, shipped):
    model.take("coesite")
    assert model.source == "coesite" and 0.5 < model.inside() <= 1
    known = {near[0].split("/")[0] for site in model.found.prediction.nearest for near in site}
    assert "coesite" not in known
    model.choose([1])
    curves = model.curves()
    label = f"coesite/{curves['sites'][0]['title']}"
    assert curves["others"][0]["title"].endswith(label.split("/")[1])
    assert curves["others"][0]["values"] == pytest.approx(model.computed([label])[0])
    assert model.absorber == shipped[label]["atom"][0]
    figure = spectra_figure(**curves)
    drawn = {trace.meta: trace for trace in figure.data if trace.visible}
    assert {"average", "site.0", "band.site", "other.0", "pdos.0", "band.pdos"} <= set(drawn)
    assert "band.average" not in drawn and drawn["site.0"].name == f"structure route, {curves['sites'][0]['title']}"


def test_the_average_is_that_of_all_sites_by_their_number(model):
    model.take("coesite")
    p, weights = model.found.prediction, [count for _, count in model.found.crystal.sites]
    assert p.average[0] == pytest.approx(np.average(p.mean, 0, weights))
    assert (p.average[1] <= p.average[0]).all() and (p.average[2] >= p.average[0]).all()
    model.choose(range(10))
    assert len(model.selection) == SITES and model.selection[-1] == 4
    model.choose([7, -1])
    assert model.selection == ()


def test_the_file_holds_what_is_drawn(model, shipped):
    with pytest.raises(Exception, match="Nothing is predicted"):
        model.csv()
    model.paste(text_of(shipped.atoms("cristobalite"), "extxyz"))
    name, content = model.csv()
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    table = np.array([line.split(",") for line in lines[1:]], float)
    column = lines[0].split(",").index("average")
    assert name == "elnes-lab-pasted-text.csv" and table[:, column] == pytest.approx(
        model.found.prediction.average[0], rel=1e-4
    )


def test_a_newer_structure_wins(shipped):
    waiting = []

    class Later:
        def start(self, work, done):
            waiting.append((work, done))

    model = NewStructureModel(shipped, Later())
    model.take("quartz-alpha")
    assert model.state == "loading" and model.found is None
    work, done = waiting[0]
    done(work(), None)
    assert model.state == "ready" and model.source == "quartz-alpha"
    model.take("coesite")
    waiting[1][1](None, RuntimeError("boom"))
    assert model.state == "ready" and "RuntimeError" in model.problem and model.source == "quartz-alpha"


def test_sites_that_are_strange_for_one_reason_are_one_sentence():
    found = SimpleNamespace(
        sites=np.array([f"O{i}" for i in range(20)]),
        score=np.array([1.24, 0.4, 1.71, *[0.9] * 3, 3.0, *[1.1] * 13]),
        reasons=[
            "its surroundings are new",
            "",
            "its surroundings are new",
            "",
            "",
            "",
            "Si-O is long",
            *["another"] * 13,
        ],
    )
    first, second, third = strange(found)
    assert first == "O6 lies outside the training data (score 3.0): Si-O is long. Its interval is no longer sure."
    assert second.startswith("O0, O2 lie outside the training data (scores 1.2 to 1.7): their surroundings are new.")
    assert third.startswith("O7, O8, O9, O10 and 9 more lie")
    found.reasons = list(map(str, range(20)))
    assert len(strange(found)) == 4 and strange(found)[-1].startswith("13 more sites lie")
    found.score[:] = 0.9
    assert strange(found) == []
