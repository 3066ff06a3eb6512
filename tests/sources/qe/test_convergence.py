"""The convergence study: which settings are tried, what is kept, how two spectra are compared; the real engine on one cell."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.cli import main
from elnes_lab.errors import DataError
from elnes_lab.sources.qe.convergence import Study, Variant, compare, markdown, table, variations
from elnes_lab.sources.qe.plan import Outcome
from elnes_lab.sources.qe.settings import HOLES, Settings

GRID = np.round(np.arange(-5, 40.05, 0.1), 6)


def bumps(energy, by=0.0, width=1.5):
    """Peaks at 2, 6 and 14 eV, moved by `by`."""
    x = energy - by
    return sum(a * np.exp(-(((x - at) / width) ** 2)) for a, at in ((1.0, 2), (0.7, 6), (0.9, 14))) + 0.2 * (x > 0)


def variant(name="as stored", value=None, by=0.0, width=1.5, atoms=57):
    return Variant(name, value, atoms, 4, 10.0, GRID, np.tile(bumps(GRID, by, width), (3, 1)))


def invented(step):
    """An engine whose homo lies at 1 and lumo at 3 eV; the spectrum moves with the distance of the holes."""
    if step.settings.hole == "half":
        return Outcome(problem="pw.x stopped.")
    row = dict(homo=1.0, lumo=3.0, energy=GRID, kpoints=np.zeros((2, 3)))
    if step.kind == "spectra":
        moved = 0.1 * (step.settings.image_distance - 8.5)
        row = {**step.densities[0], "strength": np.tile(bumps(GRID - 2.0, moved), (3, 1))}
    return Outcome(rows=[row])


def test_each_variant_differs_from_the_stored_rows_in_one_thing():
    found = variations()
    assert found[0] == ("as stored", None, Settings())
    for name, value, settings in found[1:]:
        changed = {
            f.name for f in dataclasses.fields(Settings) if getattr(settings, f.name) != getattr(Settings(), f.name)
        }
        assert changed - {"density_cutoff", "max_atoms"} == {name} and getattr(settings, name) == value
    assert {value for name, value, _ in found if name == "hole"} == set(HOLES) - {"full"}
    assert len({settings for *_, settings in found}) == len(found)


@pytest.mark.parametrize(
    "wrong", [{"hole": ("wide",)}, {"cutof": (30.0,)}, {"cutoff": (-1.0,)}, {"cutoff": (float("nan"),)}]
)
def test_what_cannot_be_varied_is_a_sentence(wrong):
    with pytest.raises(DataError, match=r"\."):
        variations(wrong)


def test_a_shift_is_found_and_a_change_of_shape_is_not_taken_for_one():
    moved = compare(variant(by=0.3), variant())
    assert moved["shift_eV"] == pytest.approx(-0.3) and moved["mse_aligned"] < 1e-4 < 1e-2 < moved["mse"]
    wider = compare(variant(width=2.0), variant())
    assert wider["mse_aligned"] > 0.5 * wider["mse"] > 0
    same = compare(variant(), variant())
    assert same["shift_eV"] == 0 and same["mse"] == pytest.approx(0, abs=1e-12)


def test_what_is_finished_is_kept_and_what_fails_is_told(planned, tmp_path):
    calls, told = [], []

    def counted(step):
        calls.append(step.kind)
        return invented(step)

    tried = variations({"image_distance": (8.5, 6.5), "hole": ("half",)})
    study = Study(planned["prototype-00"], 1, tried, perform=counted)
    first = list(study.run(tmp_path / "out", told.append))
    assert [v.label for v in first] == ["as stored", "image_distance 6.5 angstrom"] and told == [
        "hole half: pw.x stopped."
    ]
    assert first[1].atoms < first[0].atoms and first[0].energy[0] == pytest.approx(-7)
    rows = table(first)
    assert rows[1]["against_stored"]["shift_eV"] == pytest.approx(0.2, abs=0.03) and "against_finest" not in rows[1]
    assert "| image_distance 6.5 angstrom |" in markdown(first, "x")
    calls.clear()
    (damaged,) = (path for path in (tmp_path / "out").iterdir() if study.digest(tried[0][2]) in path.name)
    damaged.write_bytes(damaged.read_bytes()[:200])
    again = list(study.run(tmp_path / "out", told.append))
    assert calls == ["density", "spectra", "density"]  # the damaged one and the failed one
    np.testing.assert_array_equal(again[1].strength, first[1].strength)
    with pytest.raises(DataError, match="O0 is not among"):
        Study(planned["prototype-00"], 0, tried)


def test_the_command_lists_its_variants_and_refuses_what_is_none(capsys, tmp_path):
    lines = (Path(__file__).parents[3] / "data" / "raw" / "structures.extxyz").read_text().splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if "prototype-00" in line) - 1
    block = "".join(lines[start : start + 2 + int(lines[start])])
    structures = tmp_path / "list.extxyz"
    structures.write_text(block + block.replace("prototype-00", "twin"))
    assert main(["converge", str(structures), "--only", "prototype-00", "--vary", "hole=none", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["as stored: 57 atoms", "hole none: 57 atoms"]
    for wrong in (["--vary", "hole=wide"], ["--vary", "cutoff=much"], ["--site", "O0"], ["--only", "nothing"], []):
        arguments = wrong if wrong in ([], ["--only", "nothing"]) else ["--only", "prototype-00", *wrong]
        assert main(["converge", str(structures), *arguments, "--dry-run"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["iterations=nan", "iterations=1e400", "batch=1.5", "image_distance=60", "cutoff=inf"]
)
def test_numbers_that_cannot_be_are_sentences(words):
    from elnes_lab.cli.convergence import wanted

    with pytest.raises(DataError, match=r"\.$"):
        variations(wanted([words]))
