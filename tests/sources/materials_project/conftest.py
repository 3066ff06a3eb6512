"""A local Materials Project: documents built with emmet-core, served to the real client by a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

RAW = Path(__file__).parents[3] / "data" / "raw"
MATERIALS = {"mp-6930": "quartz-alpha", "mp-6947": "stishovite"}  # our own structures under their ids there
KEY = "k" * 32
DOS = {"energies": np.linspace(-20, 20, 81), "fermi": 1.5}


def crystal(name):
    from pymatgen.core import Lattice, Structure

    with np.load(RAW / name / "ground.npz") as ground:
        return Structure(Lattice(ground["cell"]), ground["symbols"].tolist(), ground["positions"])


def plain(value):
    """Without what a table of cloud storage cannot hold: empty groups, and lists of nothing."""
    if isinstance(value, dict):
        kept = {name: plain(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part not in ({}, None, [])}
    if isinstance(value, list):
        return [] if all(part is None for part in value) else [plain(part) for part in value]
    return value


def documents():
    """Route -> documents, as emmet-core's models write them."""
    from emmet.core.electronic_structure import ElectronicStructureDoc
    from emmet.core.summary import SummaryDoc
    from emmet.core.xas import XASDoc
    from pymatgen.analysis.xas.spectrum import XAS
    from pymatgen.core import Element

    found = {"materials/summary": [], "materials/xas": [], "materials/electronic_structure": []}
    for number, (sid, name) in enumerate(MATERIALS.items()):
        structure = crystal(name)
        summary = SummaryDoc.from_structure(
            meta_structure=structure,
            material_id=sid,
            energy_above_hull=0.01 * number,
            band_gap=5.7,
            deprecated=False,
            theoretical=False,
            has_props={},
            origins=[],
            warnings=[],
        )
        energy = np.linspace(535, 590, 100)
        xas = XASDoc.from_spectrum(
            XAS(energy, 1 + np.sin(energy) ** 2, structure, Element("O"), edge="K", spectrum_type="XANES"),
            material_id=sid,
            task_id=sid,
            last_updated="2026-01-01T00:00:00",
        )
        electronic = ElectronicStructureDoc.from_structure(
            meta_structure=structure,
            material_id=sid,
            band_gap=5.7,
            deprecated=False,
            last_updated="2026-01-01T00:00:00",
            warnings=[],
            origins=[],
        )
        electronic = electronic.model_dump(mode="json") | {"dos": {"task_id": sid} if number == 0 else None}
        found["materials/summary"].append({"id": sid, "document": summary.model_dump(mode="json")})
        found["materials/electronic_structure"].append({"id": sid, "document": electronic})
        if number == 0:
            found["materials/xas"].append({"id": sid, "document": xas.model_dump(mode="json")})
    return found


def tables(folder):
    """The tables of densities of states, with that of the first material."""
    import pyarrow
    from deltalake import write_deltalake
    from emmet.core.band_theory import ElectronicDos
    from emmet.core.mpid import AlphaID
    from pymatgen.electronic_structure.core import Orbital, Spin
    from pymatgen.electronic_structure.dos import CompleteDos, Dos

    sid, name = next(iter(MATERIALS.items()))
    structure, energy = crystal(name), DOS["energies"]
    orbitals = [Orbital.s, Orbital.py, Orbital.pz, Orbital.px]
    sites = {
        site: {
            orbital: {Spin.up: (i + 1) * np.full(len(energy), 0.1 if orbital is Orbital.s else 0.2)}
            for orbital in orbitals
        }
        for i, site in enumerate(structure)
    }
    whole = CompleteDos(structure, Dos(DOS["fermi"], energy, {Spin.up: np.linspace(0, 8, len(energy))}), sites)
    row = plain(ElectronicDos.from_pmg(whole, identifier=sid, run_type="GGA").model_dump(mode="json"))
    row["identifier"] = str(AlphaID(sid.split("-")[1], padlen=8))
    projected = row.pop("projected_densities") | {"identifier": row["identifier"], "run_type": "GGA"}
    for table, one in (("total-dos", row), ("projected-dos", projected)):
        write_deltalake(
            folder / "materialsproject-parsed" / "core" / "electronic-structure" / table,
            pyarrow.Table.from_pylist([one]),
        )


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    (root / "documents.json").write_text(json.dumps(documents()))
    (root / "behaviour.json").write_text("{}")
    tables(root / "s3")
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("server.py"), root], stdout=subprocess.PIPE, text=True
    )
    yield root, f"http://127.0.0.1:{int(process.stdout.readline())}/"
    process.terminate()
    process.wait()


@pytest.fixture
def server(running, monkeypatch):
    """url; key; behave(route=..., **what it answers); requests(): the paths asked for since the test began; documents,
    to alter."""
    root, url = running
    for name, value in (("AWS_ENDPOINT_URL", url.rstrip("/")), ("AWS_ALLOW_HTTP", "true"), ("NO_PROXY", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MP_API_KEY", raising=False)
    whole = (root / "documents.json").read_text()
    (root / "requests.txt").write_text("")
    special: dict = {}

    def behave(route, **what):
        special[route] = what
        (root / "behaviour.json").write_text(json.dumps(special))

    def alter(route, index, change):
        found = json.loads(whole)
        change(found[route][index]["document"])
        (root / "documents.json").write_text(json.dumps(found))

    yield SimpleNamespace(
        url=url,
        key=KEY,
        behave=behave,
        alter=alter,
        requests=lambda: [line.split(" ", 1) for line in (root / "requests.txt").read_text().splitlines()],
    )
    (root / "behaviour.json").write_text("{}")
    (root / "documents.json").write_text(whole)
