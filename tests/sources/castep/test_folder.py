"""From a folder of CASTEP calculations to a database: the numbers that were put in, and a reason for everything left
out."""

import shutil

import numpy as np
import pytest

from elnes_lab.cli.program import main
from elnes_lab.database import open_database
from elnes_lab.errors import DataError
from elnes_lab.sources.castep import folder as castep
from elnes_lab.sources.castep.report import Report
from elnes_lab.sources.castep.run import read_run
from elnes_lab.sources.quantum_espresso import read_ground, read_site
from elnes_lab.spectra import broaden


@pytest.fixture(scope="module")
def imported(calculations, tmp_path_factory):
    raw = tmp_path_factory.mktemp("imported")
    return raw, castep.import_folder(calculations, raw)


@pytest.fixture
def spoiled(calculations, tmp_path):
    """A copy of the smaller structure, to spoil."""
    return shutil.copytree(calculations / "quartz-alpha", tmp_path / "in" / "quartz-alpha").parent


def test_every_structure_becomes_a_row(imported):
    raw, found = imported
    assert found.refused == [] and found.notes == []
    assert found.steps == [
        ("quartz-alpha", "ground"),
        ("quartz-alpha", "O3"),
        ("stishovite", "ground"),
        ("stishovite", "O2"),
    ]


@pytest.mark.parametrize("name, atom", [("quartz-alpha", 3), ("stishovite", 2)])
def test_the_row_holds_what_was_computed(imported, files, name, atom):
    raw, found = imported
    ground = read_ground(raw / name / "ground.npz")
    site = read_site(raw / name / f"O{atom}.npz", ground)
    stored = read_ground(files.RAW / name / "ground.npz")
    spectrum = read_site(files.RAW / name / f"O{atom}.npz", stored)
    assert ground.band_gap == pytest.approx(stored.band_gap, abs=1e-5)
    np.testing.assert_allclose(ground.cell, stored.cell, atol=1e-9)
    np.testing.assert_array_equal(ground.supercell, stored.supercell)
    assert ground.supercell_energy == pytest.approx(stored.supercell_energy, abs=1e-7)
    with np.load(files.RAW / name / "ground.npz") as file:
        assert ground.top == pytest.approx(files.ground_levels(dict(file)).max(2).min() - file["vbm"], abs=1e-6)
    assert np.isnan(ground.pdos_pxyz).all()
    for mine, theirs in (
        (ground.pdos_p, stored.pdos_p),
        (ground.pdos_s, stored.pdos_s),
    ):  # resampled with 0.15 eV of Gaussian
        expected = broaden(stored.energy, theirs, gaussian_fwhm=0.15 * 2.3548)
        assert np.abs(mine - expected)[:, :500].max() < 0.06 * expected.max()
    assert site.multiplicity == spectrum.multiplicity
    assert (site.homo, site.lumo) == pytest.approx((spectrum.homo, spectrum.lumo), abs=1e-4)
    assert np.isnan(site.total_energy) and site.neutral_energy == pytest.approx(spectrum.neutral_energy, abs=1e-7)
    assert site.image_distance == pytest.approx(spectrum.image_distance, abs=1e-4)
    assert site.seconds == pytest.approx(4 * 26.35)
    edge = spectrum.energy >= spectrum.lumo - spectrum.homo - 0.05
    expected = broaden(spectrum.energy, spectrum.strength * edge, lorentzian_fwhm=0.8)  # each state broadened once more
    window = (site.energy > 3) & (site.energy < 35)
    np.testing.assert_allclose(
        site.strength[:, window], expected[:, : len(site.energy)][:, window], atol=0.02 * expected.max()
    )


def test_the_onset_is_the_transition_energy_of_total_energies(imported, files, tmp_path):
    from elnes_lab.build import build

    raw, _ = imported
    build(raw, tmp_path)
    with open_database(tmp_path) as db:
        assert list(db.sites) == ["quartz-alpha/O3", "stishovite/O2"]
        onset = db["onset"]
        assert (
            np.isnan(db.pdos[:, db.channels.index("O px")]).all()
            and np.isfinite(db.pdos[:, db.channels.index("O p")]).all()
        )
    with (
        np.load(files.RAW / "quartz-alpha" / "O3.npz") as site,
        np.load(files.RAW / "quartz-alpha" / "ground.npz") as ground,
    ):
        valence = float(site["neutral_energy"] - ground["supercell_energy"])
    core = [files.ATOMS["O:exc"][i] - files.ATOMS["O"][i] for i in (0, 1)]
    assert onset[0] == pytest.approx(valence + core[0] - core[1], abs=1e-3)


@pytest.mark.parametrize("hole", [4, 7])
def test_a_hole_on_an_equivalent_oxygen_gives_the_row_of_the_first(files, imported, tmp_path, hole):
    files.write_structure(tmp_path / "in" / "quartz-alpha", "quartz-alpha", 3, hole=hole)
    found = castep.import_folder(tmp_path / "in", tmp_path / "raw")
    assert found.steps == [("quartz-alpha", "ground"), ("quartz-alpha", "O3")] and found.refused == []
    with (
        np.load(tmp_path / "raw" / "quartz-alpha" / "O3.npz") as one,
        np.load(imported[0] / "quartz-alpha" / "O3.npz") as other,
    ):
        np.testing.assert_allclose(one["strength"], other["strength"], atol=1e-4 * other["strength"].max())


def test_a_charged_cell_takes_its_onset_from_a_neutral_one(spoiled, tmp_path):
    """The hole's spectrum is that of the charged cell, its neutral partner has no matrix elements."""
    holes = spoiled / "quartz-alpha" / "holes"
    for path in list(holes.iterdir()):
        if path.suffix != ".elnes_bin":
            shutil.copy(path, holes / path.name.replace("hole", "partner"))
    rewrite(
        holes / "hole.castep",
        (": +0.000", ": +1.000"),
        ("Final energy, E             =", "Final energy, E      =  -18858.5 eV\n was ="),
    )
    rewrite(holes / "hole.bands", ("     289    ", "     288    "))
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert found.refused == [] and found.notes == []
    ground = read_ground(tmp_path / "raw" / "quartz-alpha" / "ground.npz")
    site = read_site(tmp_path / "raw" / "quartz-alpha" / "O3.npz", ground)
    assert site.total_energy == -18858.5
    with np.load(holes.parents[2] / "raw" / "quartz-alpha" / "O3.npz") as file:
        assert float(file["neutral_energy"]) == site.neutral_energy == pytest.approx(-18850.42427705, abs=1e-6)


def test_both_spins_give_the_spectrum_of_one(spoiled, files, imported, tmp_path):
    from elnes_lab.sources.castep.bands import read_bands

    holes = spoiled / "quartz-alpha" / "holes"
    bands = read_bands(holes / "hole.bands")
    twice = np.repeat(bands.levels, 2, axis=1)
    (holes / "hole.bands").write_text(files.bands_file(twice, bands.cell, 289))
    labels = ["O:exc" if i == 3 else s for i, s in enumerate(read_run(holes / "hole.castep").cell.symbols.tolist())]
    table = files.orbital_table(labels)
    with np.load(files.RAW / "quartz-alpha" / "O3.npz") as site:
        elements = files.hole_levels(dict(site), 144)[1]
    everything = np.full((1, 2, elements.shape[2], len(table), 3), 0.3 + 0j)
    everything[..., np.flatnonzero(table[:, 0] == table[:, 0].max())[0], :] = np.repeat(elements, 2, axis=1)
    (holes / "hole.elnes_bin").write_bytes(files.elnes_bin(table, everything))
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert found.refused == []
    with (
        np.load(tmp_path / "raw" / "quartz-alpha" / "O3.npz") as one,
        np.load(imported[0] / "quartz-alpha" / "O3.npz") as other,
    ):
        np.testing.assert_allclose(one["strength"], other["strength"], rtol=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_damage_to_any_file_ends_in_a_sentence(spoiled, tmp_path, seed):
    """A few bytes changed, or the end cut off, in one file of a structure: no exception, and no row that the reader
    would refuse."""
    generator = np.random.default_rng(seed)
    paths = sorted(path for path in spoiled.rglob("*") if path.is_file())
    path = paths[seed % len(paths)]
    content = bytearray(path.read_bytes())
    for at in generator.integers(0, len(content), 20):
        content[at] = generator.integers(0, 256)
    path.write_bytes(content[: generator.integers(0, len(content))] if seed % 3 == 0 else content)
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert all(reason and "\n" not in reason for _, reason in found.refused)
    for sid, step in found.steps:
        ground = read_ground(tmp_path / "raw" / sid / "ground.npz")
        assert step == "ground" or read_site(tmp_path / "raw" / sid / f"{step}.npz", ground)


def test_the_rows_can_be_learned_from(imported, tmp_path):
    from elnes_lab.build import build
    from elnes_lab.learning import Dataset, InputChoice

    build(imported[0], tmp_path)
    with open_database(tmp_path) as db:
        assert len(Dataset.from_database(db, InputChoice(scalars=("band_gap",))).inputs) == 2
        with pytest.raises(DataError, match="undefined PDOS"):
            Dataset.from_database(db, InputChoice(channels=("O px", "O py", "O pz")))


def test_core_energy_is_that_of_a_published_example():
    """OptaDOS's example of its chemical shift: germanium in NaGe, 11142.28 eV."""
    common = dict(version="20.1", functional="PBE", cutoff=250.0, symmetries=1, seconds=1.0)
    whole = Report(
        charge=0.0,
        energy=-11848.48889250,
        species=(("Na", 4), ("O", 1)),
        pseudopotentials={"O": "qc=6"},
        all_electron={"O": -57112.123},
        pseudo={"O": -8017.4312},
        **common,
    )
    hole = Report(
        charge=1.0,
        energy=-12847.51537458,
        species=(("Na", 4), ("O:exc", 1)),
        pseudopotentials={"O:exc": "qc=6{1s1}"},
        all_electron={"O:exc": -45958.577},
        pseudo={"O:exc": -9005.1869},
        **common,
    )
    runs = [type("Run", (), {"report": report}) for report in (whole, hole)]
    assert hole.energy - whole.energy + castep.core_energy(*runs) == pytest.approx(11142.28, abs=0.005)


def test_the_command_builds_a_database_that_everything_else_reads(calculations, tmp_path, capsys):
    output = tmp_path / "db"
    assert main(["import", "castep", str(calculations), "--output", str(output), "--source", "mineral"]) == 0
    said = capsys.readouterr().out
    assert "2 spectra of 2 structures" in said and "px, py and pz are not known" in said
    assert main(["info", "--database", str(output)]) == 0
    assert main(["export", str(tmp_path / "rows.csv"), "--database", str(output), "--zero", "loss"]) == 0
    with open_database(output) as db:
        assert list(db["source"]) == ["mineral"] * 2
    assert (
        main(["import", "castep", str(calculations / "stishovite"), "--output", str(output)]) == 0
    )  # again, one of them
    with open_database(output) as db:
        assert len(db) == 2


def reason(spoiled, tmp_path):
    """The one reason why nothing came out."""
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert found.steps == [] and not list((tmp_path / "raw").glob("*/*.npz"))
    return " | ".join(f"{what}: {why}" for what, why in found.refused)


def rewrite(path, *pairs):
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def mirrored(path):
    """The PDOS with its energies backwards."""
    lines = path.read_text().splitlines()
    head, rows = [x for x in lines if "#" in x], [x for x in lines if "#" not in x]
    path.write_text("\n".join(head + [a[:15] + b[15:] for a, b in zip(rows, rows[::-1])]) + "\n")


SPOILED = {
    "ends before the end of the calculation": lambda d: rewrite(d / "holes/hole.castep", ("Total time", "Total")),
    "not converged": lambda d: rewrite(
        d / "ground/quartz-alpha.castep",
        (
            "Final energy, E",
            "*Warning* max. SCF cycles performed but system has not reached the groundstate.\nFinal energy, E",
        ),
    ),
    "leaves 1.5 electrons": lambda d: rewrite(d / "holes/hole.castep", ("{1s1}", "{1s1.5}")),
    "cut off": lambda d: (d / "holes/hole.elnes_bin").write_bytes((d / "holes/hole.elnes_bin").read_bytes()[:-100]),
    "no core-loss matrix elements|0 core-hole calculations": lambda d: (d / "holes/hole.elnes_bin").unlink(),
    "other lattice vectors": lambda d: rewrite(d / "holes/hole-out.cell", ("ANG", "BOHR")),
    "no usable ground state": lambda d: (d / "ground/quartz-alpha.pdos.dat").unlink(),
    "does not belong to these eigenvalues": lambda d: mirrored(d / "ground/quartz-alpha.pdos.dat"),
    "a charge of": lambda d: rewrite(d / "holes/hole.castep", (": +0.000", ": +2.000")),
    "its functional is": lambda d: rewrite(
        d / "holes/hole.castep", ("Perdew Burke Ernzerhof", "Local Density Approximation")
    ),
    "36 O, 18 Si, where hole.castep lists 36 O, 1 Se, 18 Si": lambda d: rewrite(
        d / "holes/hole.castep", ("x  O:exc         1", "x  O:exc         1  0 0 0 x\n x  Se           1")
    ),
    "hole.bands is not there": lambda d: (d / "holes/hole.bands").unlink(),
}


@pytest.mark.parametrize("why", SPOILED)
def test_what_cannot_be_a_row_is_left_out_with_its_reason(spoiled, tmp_path, why):
    SPOILED[why](spoiled / "quartz-alpha")
    said = reason(spoiled, tmp_path)
    assert any(part in said for part in why.split("|")), said


def test_what_a_row_lacks_is_said_and_left_undefined(spoiled, tmp_path):
    shutil.rmtree(spoiled / "quartz-alpha" / "supercell")
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert (
        found.notes == ["quartz-alpha: no onset: no ground state in the cell of the core holes"]
        and len(found.steps) == 2
    )
    assert np.isnan(read_ground(tmp_path / "raw" / "quartz-alpha" / "ground.npz").offset)


def test_a_damaged_ground_state_of_the_supercell_costs_the_onset_alone(spoiled, tmp_path):
    (spoiled / "quartz-alpha" / "supercell" / "whole.bands").write_text("")
    found = castep.import_folder(spoiled, tmp_path / "raw")
    assert len(found.steps) == 2 and len(found.notes) == 1
    assert [what for what, _ in found.refused] == ["quartz-alpha/whole"] and "not a .bands file" in found.refused[0][1]


def test_folders_that_would_be_one_structure_are_not_mixed(calculations, tmp_path):
    for name in ("quartz 1", "quartz-1"):
        shutil.copytree(calculations / "quartz-alpha", tmp_path / "in" / name)
    found = castep.import_folder(tmp_path / "in", tmp_path / "raw")
    assert found.steps == [] and "quartz 1, quartz-1 would be one structure" in found.refused[0][1]


def test_rows_of_another_program_are_not_overwritten(calculations, files, tmp_path):
    raw = shutil.copytree(files.RAW / "quartz-alpha", tmp_path / "raw" / "quartz-alpha").parent
    before = (raw / "quartz-alpha" / "O3.npz").read_bytes()
    found = castep.import_folder(calculations / "quartz-alpha", raw)
    assert found.steps == [] and "not from CASTEP" in found.refused[-1][1]
    assert (raw / "quartz-alpha" / "O3.npz").read_bytes() == before


def test_a_folder_without_calculations(tmp_path):
    with pytest.raises(DataError, match="no finished CASTEP"):
        castep.import_folder(tmp_path, tmp_path / "raw")
    with pytest.raises(DataError, match="There is no folder"):
        castep.import_folder(tmp_path / "absent", tmp_path / "raw")


def test_a_database_whose_steps_are_not_beside_it_is_not_built_over(calculations, tmp_path, capsys):
    import shutil

    from elnes_lab.cli import main
    from elnes_lab.schema import FILE
    from elnes_lab.store import data_directory

    shutil.copy(data_directory() / FILE, tmp_path)
    before = (tmp_path / FILE).read_bytes()
    assert main(["import", "castep", str(calculations), "--output", str(tmp_path)]) == 2
    assert "would lose their rows" in capsys.readouterr().err and (tmp_path / FILE).read_bytes() == before
    assert not (tmp_path / "raw").exists()
