"""The folder: what is in it, that it is what the database has, and what it refuses."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elnes_lab.cli import main
from elnes_lab.errors import DataError
from elnes_lab.figures.style import OKABE_ITO
from elnes_lab.site import build_site
from elnes_lab.site.pack import STEPS, read

ROOT = Path(__file__).resolve().parents[2]
HALF = 0.501 / STEPS  # of a curve's highest value


def strict(text):
    def refuse(name):
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def manifest(site):
    return strict((site / "data" / "site.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def content(site, manifest):
    return {name: read(site / "data", description) for name, description in manifest["packs"].items()}


def near(found, wanted):
    top = np.nanmax(np.abs(wanted), axis=-1, keepdims=True)
    return (np.abs(found - wanted) <= HALF * top).all()


def test_spectra_and_densities_are_those_of_the_database(small, content):
    assert near(content["spectra"]["elnes"], small.elnes)
    assert near(content["pdos"]["pdos"], small.pdos)
    for zero in ("vbm", "onset", "loss"):
        assert content["table"][f"shift.{zero}"] == pytest.approx(small.shifts(zero), abs=1e-9, nan_ok=True)
        assert content["table"][f"pdos_shift.{zero}"] == pytest.approx(
            small.shifts(zero, pdos=True), abs=1e-9, nan_ok=True
        )


def test_the_table_is_that_of_the_database(small, content):
    table = content["table"]["table"]
    assert table["sites"] == list(small.sites)
    for name in ("structure", "kind", "space_group"):
        assert table["columns"][name] == list(small[name])
    for name in ("band_gap", "si_o_mean", "si_o_si_angle"):
        found = [np.nan if value is None else value for value in table["columns"][name]]
        assert found == pytest.approx(small[name], rel=1e-6, nan_ok=True)


def test_energies_are_those_of_the_database(small, manifest):
    for name, wanted in (("energy", small.energy), ("pdos_energy", small.pdos_energy)):
        start, count, step = manifest["axes"][name]
        assert start + step * np.arange(count) == pytest.approx(wanted, abs=1e-4)


def test_errors_follow_from_the_curves(small, content):
    """Predicted less computed, from the files alone, gives the MSE that the page names: they belong to the same sites."""
    found, elnes = content["predictions"], content["spectra"]["elnes"].mean(axis=1)
    compared = 0
    for k, errors in enumerate(found["inspect"]["mse"]):
        energy, step = found[f"energy.{k}"], found[f"energy.{k}"][1] - found[f"energy.{k}"][0]
        for row, at in enumerate(found[f"row.{k}"]):
            if at < 0:
                assert errors[row] is None
                continue
            axis = small.energy + found[f"shift.{k}"][at]
            computed = np.mean([np.interp(energy + by, axis, elnes[row]) for by in (-step / 4, step / 4)], axis=0)
            mse = ((computed / computed.mean() - found[f"predicted.{k}"][at]) ** 2).mean()
            assert mse == pytest.approx(errors[row], rel=0.05)
            assert (found[f"lower.{k}"][at] <= found[f"predicted.{k}"][at] + 1e-3).all()
            assert (found[f"upper.{k}"][at] >= found[f"predicted.{k}"][at] - 1e-3).all()
            compared += 1
    assert compared >= len(small)


def test_what_the_predictions_are_is_said(manifest):
    assert "out of fold" in manifest["words"]["inspect"]["said"] or "are tests" in manifest["words"]["inspect"]["said"]


def test_drawings_have_every_site_and_whole_bonds(small, content):
    structures = content["structures"]["structures"]
    assert set(structures) == set(small.structures)
    for label, name, bonds in zip(small.sites, small["structure"], small.bonds):
        drawn = structures[name]["sites"][label.rpartition("/")[2]]
        at = np.reshape(drawn["at"], (-1, 3)) / 1000
        assert not at[0].any()  # the absorber
        pairs = np.reshape(drawn["bonds"], (-1, 2))
        mine = pairs[(pairs == 0).any(axis=1)].max(axis=1)
        assert sorted(np.linalg.norm(at[mine], axis=1)) == pytest.approx(bonds[np.isfinite(bonds)], abs=2e-3)
        cell = structures[name]["cell"]
        place = cell["absorbers"][label.rpartition("/")[2]]
        assert cell["index"][place] == int(label.rpartition("O")[2])


def test_colours_and_words_are_those_of_the_package(manifest):
    template = manifest["templates"]["overlay"]["data"]
    assert [trace["line"]["color"] for trace in template[:6]] == list(OKABE_ITO) == manifest["words"]["colors"]
    assert manifest["templates"]["prediction"]["layout"]["yaxis"]["title"]["text"]
    own = [path for path in (ROOT / "elnes_lab" / "site" / "static").iterdir() if path.suffix in (".js", ".css")]
    assert own
    for path in own:
        assert not [color for color in OKABE_ITO if color.lower() in path.read_text().lower()], path.name


def test_nothing_is_asked_from_elsewhere(site, manifest):
    """No address of another host but the one link to the published idea, and no path of this machine."""
    allowed = ("http://www.w3.org/2000/svg", "https://doi.org/")
    for path in site.rglob("*"):
        if path.suffix not in (".html", ".js", ".css", ".json") or path.name == "plotly.min.js":
            continue
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+[^\s\"'`)]*", text)
        assert [one for one in found if not one.startswith(allowed)] == [], path.name
        assert re.findall(r"(?:src|href)=[\"']/|url\([\"']?/|from \"/", text) == [], path.name
        assert str(ROOT) not in text and "/home/" not in text and "/tmp/" not in text, path.name
        for name in re.findall(r"(?:from|import) \"\./([\w.]+)\"", text):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"
    page = (site / "index.html").read_text()
    for name in re.findall(r"(?:src|href)=\"([^\":]+)\"", page):
        assert (site / name).is_file(), name


def test_no_widget_is_imported(built, tmp_path):
    code = (
        "import sys; from elnes_lab.database import open_database; from elnes_lab.site import build_site; "
        f"build_site(open_database({str(built)!r}), {str(tmp_path / 'site')!r}, models=False); "
        "print([name for name in ('ipywidgets', 'anywidget', 'weas_widget', 'IPython') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_models_the_pages_say_so(small, tmp_path):
    info = build_site(small, tmp_path / "site", models=False)
    manifest = strict((tmp_path / "site" / "data" / "site.json").read_text())
    assert not info["predicted"] and "predictions" not in manifest["packs"]
    assert manifest["models"]["problem"] == info["problem"] != ""


def test_a_data_folder_without_models_is_no_failure(built, small, tmp_path, monkeypatch):
    monkeypatch.setenv("ELNES_LAB_DATA", str(built))
    info = build_site(small, tmp_path / "site")
    assert not info["predicted"] and "models" in info["problem"]


def test_another_folder_is_left_as_it_is(small, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(DataError, match="did not make"):
        build_site(small, tmp_path / "mine", models=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_its_own_folder_is_replaced(built, tmp_path, capsys):
    command = ["site", str(tmp_path / "site"), "--database", str(built), "--no-models"]
    assert main(command) == 0
    (tmp_path / "site" / "old.txt").touch()
    assert main([*command, "--json"]) == 0
    out = capsys.readouterr().out
    info = json.loads(out[out.index("{") :])
    assert info["spectra"] > 0 and "old.txt" not in info["files"]
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file()) == sum(
        info["files"].values()
    )
