"""Descriptors of oxygen sites: textbook crystals, sum rules, invariances, and the sites that were computed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab.errors import DataError
from elnes_lab.structure import Environment, kind_of

RAW = Path(__file__).parents[1] / "data" / "raw"


def load(name: str) -> Environment:
    with np.load(RAW / name / "ground.npz") as ground:
        return Environment(ground["cell"], ground["symbols"], ground["positions"])


# The crystals were relaxed with a PBE-like potential, which makes lengths of silicon oxides 1 % and volumes 2 to 5 %
# larger than measured; so 2 % on lengths and angles and 5 % on densities against experiment.
# Levien, Prewitt and Weidner, Am. Mineral. 65, 920 (1980): quartz. Dollase, Z. Kristallogr. 121, 369 (1965):
# cristobalite. Levien and Prewitt, Am. Mineral. 66, 324 (1981): coesite. Hill, Newton and Gibbs, J. Solid State Chem.
# 47, 185 (1983): stishovite. Rings of quartz and cristobalite: vertex symbols of the nets qtz
# and dia in the RCSR; those of coesite and stishovite were checked against an exhaustive search.
LENGTH, DENSITY = 0.02, 0.05
TEXTBOOK = {
    "quartz-alpha": dict(
        groups={("P3_121", 152), ("P3_221", 154)},
        density=2.65,
        multiplicities=[6],
        si_o=[[1.605, 1.614]],
        si_o_si=[143.7],
        rings=[[6, 6, 6, 6, 8, 8]],
    ),
    "cristobalite": dict(
        groups={("P4_12_12", 92), ("P4_32_12", 96)},
        density=2.33,
        multiplicities=[8],
        si_o=[[1.603, 1.603]],
        si_o_si=[146.5],
        rings=[[6] * 6],
    ),
    # O1 to O5; O1 is a center of inversion.
    "coesite": dict(
        groups={("C2/c", 15)},
        density=2.92,
        multiplicities=[2, 2, 4, 4, 4],
        si_o=[[1.595] * 2, [1.612] * 2, [1.614, 1.617], [1.606, 1.620], [1.620, 1.624]],
        si_o_si=[180.0, 142.6, 144.5, 149.6, 137.3],
        rings=[[8, 8, 8, 8, 9, 9], [6, 6, 6, 6, 8, 8], [4, 4, 4, 4, 8, 8], [4, 4, 6, 6, 8, 9], [4, 4, 6, 6, 9, 9]],
    ),
    "stishovite": dict(
        groups={("P4_2/mnm", 136)},
        density=4.29,
        multiplicities=[4],
        si_o=[[1.757, 1.757, 1.809]],
        si_o_si=[(98.7 + 2 * 130.6) / 3],
        rings=[[2] * 2 + [3] * 10],
    ),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_crystals(name):
    environment, known = load(name), TEXTBOOK[name]
    assert environment.space_group in known["groups"]
    assert environment.density == pytest.approx(known["density"], rel=DENSITY)
    sites = environment.inequivalent_oxygens
    assert sorted(count for _, count in sites) == known["multiplicities"]
    for (i, _), si_o, angle, rings in zip(sites, known["si_o"], known["si_o_si"], known["rings"], strict=True):
        site = environment.site(i)
        assert site["coordination"] == len(si_o)
        assert site["si_o"] == pytest.approx(si_o, rel=LENGTH)
        assert site["si_o_si_angle"] == pytest.approx(angle, rel=LENGTH)
        assert site["rings"].tolist() == rings
        assert site["ring_size"] == min(rings) and site["ring_mean"] == pytest.approx(np.mean(rings))


def test_angle_that_symmetry_makes_180():
    coesite = load("coesite")
    assert coesite.site(coesite.inequivalent_oxygens[0][0])["si_o_si_angle"] == pytest.approx(180, abs=0.01)


def test_octahedra_of_stishovite():
    """Edge O-O is the short one, opposite corners are at 180 degrees, and each silicon has six oxygens."""
    stishovite = load("stishovite")
    site = stishovite.site(2)
    assert site["si_o_si"] == pytest.approx([98.7, 130.6, 130.6], abs=0.5)
    assert [len(stishovite.bonds(i).index) for i in stishovite.bonds(2).index] == [6, 6, 6]
    assert site["o_o_min"] == pytest.approx(2.29, rel=LENGTH)
    assert len(site["o_si_o"]) == 15 and len(site["o_o"]) == 14  # shared edge: one oxygen, two angles
    assert site["o_si_o"][-3:] == pytest.approx([180] * 3, abs=0.01)


def test_tetrahedra_sum_rule():
    """To first order the six angles of a tetrahedron average 109.47 degrees; each is seen by two of its oxygens."""
    quartz = load("quartz-alpha")
    angles = np.concatenate([quartz.site(i)["o_si_o"] for i in quartz.oxygens])
    assert len(angles) == 2 * 6 * 3 and angles.mean() == pytest.approx(np.degrees(np.arccos(-1 / 3)), abs=0.05)


def test_rings_are_primitive():
    """Zeolite vertex symbols (Atlas of Zeolite Framework Types): SOD 4.4.6.6.6.6, GIS 4.4.4.8.8.8.

    In GIS two 4-rings share an edge: the 6-ring around both has a shortcut and must not count.
    """
    from ase.spacegroup import crystal

    sodalite = crystal(
        ["Si", "O"], [(0.25, 0.5, 0), (0.149, 0.5, 0.851)], spacegroup=229, cellpar=[8.984, 8.984, 8.984, 90, 90, 90]
    )
    gismondine = crystal(
        ["Si", "O", "O"],
        [(0.1592, 0.3408, 0.25), (0, 0.3151, 0.286), (0.25, 0.2953, 0.375)],
        spacegroup=141,
        setting=1,
        cellpar=[9.831, 9.831, 10.195, 90, 90, 90],
    )
    rings = lambda atoms: {
        tuple(environment.site(i)["rings"].tolist())
        for environment in [Environment.of(atoms)]
        for i, _ in environment.inequivalent_oxygens
    }
    assert len(sodalite) == 36 and rings(sodalite) == {(4, 4, 6, 6, 6, 6)}
    assert len(gismondine) == 48 and rings(gismondine) == {(4, 4, 4, 4, 8, 8), (4, 4, 8, 8, 8, 8)}


@pytest.mark.parametrize("name", ["prototype-00", "prototype-07", "quartz-beta", "coesite", "stishovite", "glass-131"])
def test_voronoi_volumes_fill_the_cell(name):
    environment = load(name)
    volumes = [environment.voronoi_volume(i) for i in range(len(environment.symbols))]
    assert min(volumes) > 1 and sum(volumes) == pytest.approx(environment.volume, rel=1e-6)


@pytest.mark.parametrize("change", [np.eye(3), [[1, 3, 0], [0, 1, -2], [0, 0, 1]]])
def test_neighbors_of_a_tiny_cell(change):
    """Three atoms, so that most neighbors are images of one another: same list as ASE's, outside the cell too."""
    from ase import Atoms
    from ase.neighborlist import neighbor_list

    tiny = load("prototype-00")
    cell = np.array(change) @ tiny.cell
    positions = tiny.positions @ tiny.cell @ np.linalg.inv(cell) + [[0, 0, 0], [2, -1, 0], [0, 0, 3]]
    first, second, vector, image = neighbor_list(
        "ijDS", Atoms(tiny.symbols, cell=cell, scaled_positions=positions, pbc=True), 5.0
    )
    environment = Environment(cell, tiny.symbols, positions)
    for i in range(3):
        near, mine = environment.neighbors(i, 5.0), first == i
        key = lambda index, image: [(int(j), *map(int, shift)) for j, shift in zip(index, image)]
        expected = dict(zip(key(second[mine], image[mine]), vector[mine]))
        assert sorted(key(near.index, near.image)) == sorted(expected)
        assert near.vector == pytest.approx(np.array([expected[k] for k in key(near.index, near.image)]), abs=1e-9)
        assert near.distance == pytest.approx(np.linalg.norm(near.vector, axis=1))
        assert (np.diff(near.distance) >= 0).all()
        assert len(environment.bonds(i).index) == (6 if tiny.symbols[i] == "Si" else 3)


SHEAR = st.tuples(st.permutations(range(3)), st.integers(-2, 2), st.integers(-2, 2))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["quartz-alpha", "stishovite", "prototype-00", "prototype-03", "prototype-08"]),
    shears=st.lists(SHEAR, max_size=2),
    double=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_descriptors_do_not_depend_on_the_description(name, shears, double, seed):
    """Rotation, shift, order of the atoms and choice of the cell (skewed, doubled) leave a site what it is."""
    from ase import Atoms
    from ase.build import make_supercell
    from scipy.spatial.transform import Rotation

    rng, original = np.random.default_rng(seed), load(name)
    matrix = np.diag([1 + double, 1, 1])
    for (row, other, _), amount, twice in shears:
        matrix[row] += amount * matrix[other]
        matrix[other] += twice * matrix[row]
    atoms = make_supercell(Atoms(original.symbols, cell=original.cell, scaled_positions=original.positions), matrix)
    order = rng.permutation(len(atoms))
    positions = atoms.get_scaled_positions(wrap=False) + rng.uniform(-1, 1, 3) + rng.integers(-2, 3, (len(atoms), 3))
    changed = Environment(
        atoms.cell.array @ Rotation.random(rng=rng).as_matrix(),
        np.array(atoms.get_chemical_symbols())[order],
        positions[order],
    )
    i = int(rng.choice(original.oxygens))
    moved = int(np.flatnonzero(order == i)[0])
    before, after = original.site(i), changed.site(moved)
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert np.shape(after[key]) == np.shape(value), key
        assert after[key] == pytest.approx(value, abs=1e-5, nan_ok=True), key
    for a, b in zip(original.site_rdf(i, r_max=5), changed.site_rdf(moved, r_max=5)):
        assert b == pytest.approx(a, abs=1e-6)


def test_rdf_counts_neighbors_and_tends_to_one():
    quartz = load("quartz-alpha")
    assert quartz.site_rdf(3)[0] == pytest.approx(np.linspace(0, 10, 201))
    near = quartz.neighbors(3, 10)
    r, g_si, g_o = quartz.site_rdf(3, sigma=0.05)
    for g, symbol, limit, known in ((g_si, "Si", 2.5, 2), (g_o, "O", 3.0, 6)):  # gaps between shells
        density = np.sum(quartz.symbols == symbol) / quartz.volume
        assert np.trapezoid((4 * np.pi * r**2 * density * g)[r <= limit], dx=0.05) == pytest.approx(known, abs=1e-3)
        assert np.sum((quartz.symbols[near.index] == symbol) & (near.distance < limit)) == known
    r, g_si, g_o = quartz.site_rdf(3, r_max=30, step=0.1)
    far = r > 20
    for g in (g_si, g_o):
        assert np.average(g[far], weights=r[far] ** 2) == pytest.approx(1, abs=0.01)
    with pytest.raises(DataError, match="sigma"):
        quartz.site_rdf(3, step=0.2, sigma=0.1)


def test_sites_are_those_that_were_computed():
    """The symmetry found here is what chose the sites of the spectra: same atoms, same multiplicities."""
    checked = 0
    for folder in sorted(ground.parent for ground in RAW.glob("*/ground.npz")):
        environment = load(folder.name)
        sites = dict(environment.inequivalent_oxygens)
        assert sum(sites.values()) == len(environment.oxygens)
        for file in folder.glob("O*.npz"):
            with np.load(file) as row:
                assert sites[int(row["site"])] == int(row["multiplicity"]), file
            checked += 1
    assert checked


def test_glass():
    glass = load("glass-131")
    assert glass.space_group == ("P1", 1) and len(glass.inequivalent_oxygens) == len(glass.oxygens)
    sites = [glass.site(i) for i in glass.oxygens]
    coordination, angle, length = (
        np.array([site[name] for site in sites]) for name in ("coordination", "si_o_si_angle", "si_o_mean")
    )
    assert coordination.mean() == pytest.approx(2, abs=0.05) and length == pytest.approx(1.62, rel=0.03)
    assert {len(glass.bonds(i).index) for i in np.flatnonzero(glass.symbols == "Si")} == {4}
    # Mozzi and Warren, J. Appl. Cryst. 2, 164 (1969): most probable angle 144, asymmetric, from 120 to 180.
    assert 140 < angle.mean() < 155 and angle.std() > 5 and 115 < angle.min()


def test_dangling_oxygens_have_no_angle():
    quartz = load("quartz-alpha")
    keep = np.arange(1, 9)  # without its first silicon
    broken = Environment(quartz.cell, quartz.symbols[keep], quartz.positions[keep])
    sites = [broken.site(i) for i in broken.oxygens]
    assert sorted(site["coordination"] for site in sites) == [1, 1, 1, 1, 2, 2]
    for site in sites:
        assert np.isnan(site["si_o_si_angle"]) == (site["coordination"] == 1) and np.isfinite(site["si_o_mean"])
        assert site["coordination"] == 2 or np.isnan(site["ring_size"])
    lonely = Environment(np.eye(3) * 9, ["Si", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]).site(1)
    assert lonely["coordination"] == 0 and np.isnan(lonely["o_o_min"])
    assert lonely["voronoi_volume"] == pytest.approx(729 / 2)


def test_voronoi_of_an_isolated_chain():
    """The volumes fill the cell where the nearest neighbors all lie on one line, 20 Angstrom from the next."""
    chain = Environment(np.diag([20.0, 20.0, 3.2]), ["Si", "O"], [[0, 0, 0], [0, 0, 0.5]])
    assert chain.voronoi_volume(0) == pytest.approx(chain.volume / 2)


def test_from_ase_and_pymatgen():
    from ase import Atoms
    from pymatgen.core import Structure

    known = load("coesite")
    atoms = Atoms(known.symbols, cell=known.cell, scaled_positions=known.positions, pbc=True)
    for other in (atoms, Structure(known.cell, known.symbols, known.positions)):
        assert Environment.of(other).site(12)["si_o"] == pytest.approx(known.site(12)["si_o"])
    with pytest.raises(DataError, match="pymatgen"):
        Environment.of("quartz.cif")
    with pytest.raises(DataError, match="partial"):
        Environment.of(Structure(known.cell, [{"Si": 0.5, "O": 0.5}], [[0, 0, 0]]))


CUBE, TWO = np.eye(3) * 4.0, [[0, 0, 0], [0.4, 0, 0]]


@pytest.mark.parametrize(
    "cell, symbols, positions, message",
    [
        (CUBE, ["Si", "Al"], TWO, "Al"),
        (CUBE, ["O", "O"], TWO, "must contain O and"),
        (CUBE, [], np.zeros((0, 3)), "no atoms"),
        (np.diag([4.0, 4.0, 0.0]), ["Si", "O"], TWO, "cubic Angstrom"),
        (np.diag([0.9, 8.0, 8.0]), ["Si", "O"], TWO, "on top"),
        (CUBE, ["Si", "O"], [[0, 0, 0], [1.01, 0, 0]], "on top"),
        (CUBE, ["Si", "O"], [[0, 0, 0], [np.nan, 0, 0]], "NaN"),
        (CUBE, ["Si", "O"], [[0, 0, 0]], "fit together"),
        (CUBE, "SiO", TWO, "fit together"),
        (CUBE[:2], ["Si", "O"], TWO, "fit together"),
        ("abc", ["Si", "O"], TWO, "not numbers"),
    ],
)
def test_unusable_structures(cell, symbols, positions, message):
    with pytest.raises(DataError, match=message):
        Environment(cell, symbols, positions)


def test_immutable_and_careful():
    quartz = load("quartz-alpha")
    with pytest.raises(ValueError):
        quartz.positions[0] = 0
    for i in (0, 9, -1):
        with pytest.raises(DataError, match="not an oxygen"):
            quartz.site(i)
    assert [kind_of(source) for source in ("mineral", "melt-quench", "search")] == ["crystal", "amorphous", "crystal"]


def test_point_group_of_a_site_and_what_it_allows_of_polarized_spectra():
    """Stishovite's oxygen has m2m with axes along [110] and c: x and y are alike. Quartz's has no symmetry at all. Any
    tensor made symmetric obeys the projector, and the mean is never touched."""
    stishovite, quartz = load("stishovite"), load("quartz-alpha")
    i = stishovite.inequivalent_oxygens[0][0]
    assert len(stishovite.site_symmetry(i)) == 4
    unlike = [k for k in range(3) if np.allclose(stishovite.polarization_projector(i)[k], np.eye(3)[k], atol=1e-3)]
    assert len(unlike) == 1 and np.trace(stishovite.polarization_projector(i)) == pytest.approx(2)
    np.testing.assert_allclose(quartz.polarization_projector(quartz.oxygens[0]), np.eye(3), atol=1e-9)
    random = np.random.default_rng(0)
    for name in ("ACO", "SOD", "prototype-17", "prototype-06"):
        environment = load(name)
        for i, _ in environment.inequivalent_oxygens:
            operations, projector = environment.site_symmetry(i), environment.polarization_projector(i)
            np.testing.assert_allclose(
                operations @ operations.transpose(0, 2, 1), [np.eye(3)] * len(operations), atol=0.02
            )
            tensor = random.normal(size=(3, 3))
            tensor = (operations @ (tensor + tensor.T) @ operations.transpose(0, 2, 1)).mean(0)
            np.testing.assert_allclose(projector @ np.diag(tensor), np.diag(tensor), atol=0.02)
            np.testing.assert_allclose(projector.sum(0), 1, atol=1e-6)
            np.testing.assert_allclose(projector @ projector, projector, atol=1e-9)
