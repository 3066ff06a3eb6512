"""Remarks: what makes a site stand apart is found in its data, and an ordinary site gets none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.remarks import FLATTENED, flattened, remarks
from elnes_lab.sources.quantum_espresso import read_ground, read_site
from elnes_lab.structure import Environment

RAW = Path(__file__).parents[1] / "data" / "raw"


@pytest.fixture(scope="module")
def quartz():
    ground = read_ground(RAW / "quartz-alpha" / "ground.npz")
    site = read_site(next((RAW / "quartz-alpha").glob("O*.npz")), ground)
    return Environment(ground.cell, ground.symbols, ground.positions), ground.band_gap, site


def test_an_ordinary_site_has_no_remark_and_each_rule_finds_its_case(quartz):
    environment, gap, site = quartz
    assert remarks(environment, gap, [site], [np.nan]) == [""]
    narrow = replace(site, lumo=site.homo + gap - 1.6)
    words = "levels of the core-hole cell 1.6 eV closer than the crystal's gap"
    assert remarks(environment, gap, [narrow], [537.0])[0].split("; ")[0] == words
    long = replace(narrow, supercell=np.diag([1, 1, 5]))  # 27 angstrom along c, 5 across
    (text,) = remarks(environment, gap, [long], [537.0])
    assert text.split("; ")[0] == f"{words}, in a cell with points 14 angstrom from any hole"
    late = replace(site, strength=np.roll(site.strength, 15, axis=1))  # 1.5 eV
    assert "spectrum rises" in remarks(environment, gap, [late], [537.0])[0]
    assert remarks(environment, gap, [site] * 4, [537.0, 537.1, 535.2, np.nan]) == [
        "",
        "",
        "core-hole level bound: onset 1.8 eV below the structure's others",
        "",
    ]


def test_an_opened_angle_is_named_beside_it_and_far_from_it(quartz):
    environment, gap, site = quartz
    near, beyond = environment.bonds(site.site).index, np.flatnonzero(environment.symbols == "Si")
    far = np.setdiff1d(beyond, near)[0]
    assert flattened(environment, far) == pytest.approx(111, abs=2)
    for silicon, words in ((near[0], "flattened tetrahedron (O"), (far, "flattened tetrahedra elsewhere")):
        bent = environment.positions.copy()
        oxygen = environment.bonds(silicon)
        bent[silicon] += 0.6 * (oxygen.vector[0] + oxygen.vector[1]) / 2 @ np.linalg.inv(environment.cell)
        moved = Environment(environment.cell, environment.symbols, bent)
        assert flattened(moved, silicon) > FLATTENED
        assert words in remarks(moved, gap, [site], [537.0])[0]


def test_the_database_says_why_its_odd_rows_are_odd(shipped):
    """Rows that models and twins had shown to stand apart, before there was a rule."""
    found = dict(zip(shipped.sites, shipped["remark"]))
    for site, words in (
        ("THO/O24", "closer than the crystal's gap"),
        ("prototype-08/O8", "core-hole level bound"),
        ("prototype-37/O5", "first empty states elsewhere"),
        ("prototype-26/O14", "flattened tetrahedra elsewhere"),
        ("prototype-12/O2", "silicon with 6 oxygens"),
    ):
        assert words in found[site]
    assert not any(
        found[site] for site in shipped.sites if site.split("/")[0] in ("quartz-alpha", "cristobalite", "SOD")
    )
    remarked = shipped.remarks
    assert len(remarked) == sum(text != "" for text in found.values()) < len(shipped) / 4
    assert shipped.info()["remarks"][0] == {"site": remarked["site"][0], "remark": remarked["remark"][0]}
