"""elnes-lab match and quantify: a measured file in, the nearest spectra or the structure and the steps out."""

import json

import numpy as np
import pytest

from elnes_lab.cli import main
from elnes_lab.measured.example import example


@pytest.fixture(scope="module")
def file(shipped, tmp_path_factory):
    raw = example(shipped)
    path = tmp_path_factory.mktemp("measured") / "measured.csv"
    path.write_text("".join(f"{energy:.2f};{counts:.0f}\n" for energy, counts in zip(raw.energy, raw.intensity)))
    return path


def test_match_names_the_structure_and_writes_every_step(file, tmp_path, capsys):
    assert main(["match", str(file), "--top", "3", "--output", str(tmp_path / "out.json")]) == 0
    text = capsys.readouterr().out
    assert text.index("coesite") < text.index("mixture") and "proves nothing" in text
    saved = json.loads((tmp_path / "out.json").read_text())
    assert [step["step"] for step in saved["steps"]] == [
        "as read",
        "crop",
        "background",
        "calibration",
        "normalization",
    ]
    assert saved["matching"]["matches"][0]["label"] == "coesite" and len(saved["energy_eV"]) == len(saved["intensity"])
    assert main(["match", str(file), "--output", str(tmp_path / "out.json")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_match_does_as_it_is_told(file, tmp_path, capsys):
    options = [
        "--offset",
        "-0.6",
        "--background",
        "508",
        "526",
        "--background-kind",
        "line",
        "--fwhm",
        "0.8",
        "--sites",
        "--measure",
        "mse",
    ]
    assert main(["match", str(file), *options, "--json", "--output", str(tmp_path / "out.csv")]) == 0
    about = json.loads(capsys.readouterr().out)
    steps = {step["step"]: step for step in about["steps"]}
    assert steps["calibration"]["offset_eV"] == -0.6 and steps["background"]["kind"] == "line"
    assert (steps["background"]["low_eV"], steps["background"]["high_eV"]) == (508, 526)
    assert about["matching"]["library"] == "sites" and about["matching"]["matches"][0]["label"].startswith("coesite/")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert sum(line.startswith("# step") for line in head) == 5
    names = lines[len(head)].split(",")
    table = np.genfromtxt(lines[len(head) + 1 :], delimiter=",")
    known = np.isfinite(table).all(axis=1)
    columns = dict(zip(names, table[known].T))
    np.testing.assert_allclose(columns["intensity"] - columns["overlay"], columns["residual_overlay"], atol=1e-5)
    assert np.sqrt(np.mean(columns["residual_overlay"] ** 2)) < 0.2


def test_quantify_reads_the_structure_and_says_what_it_did(file, capsys):
    assert main(["quantify", str(file)]) == 0
    text = capsys.readouterr().out
    assert "background" in text and "Si-O-Si angle" in text
    assert main(["quantify", str(file), "--json", "--offset", "-0.6"]) == 0
    about = json.loads(capsys.readouterr().out)
    read = {one["key"]: one for one in about["quantification"]["properties"]}
    assert read["si_o_si_angle"]["lower"] < read["si_o_si_angle"]["value"] < read["si_o_si_angle"]["upper"]
    assert about["quantification"]["mode"] == "placed" and about["steps"][3]["offset_eV"] == -0.6


def test_quantify_takes_a_file_as_an_instrument_wrote_it(shipped, tmp_path, capsys):
    raw = example(shipped)
    head = (
        "#FORMAT : EMSA/MAS Spectral Data File\n#VERSION : 1.0\n#NPOINTS : 336\n#XUNITS : eV\n#DATATYPE : XY\n"
        "#XPERCHAN : 0.2\n#OFFSET : 505\n"
    )
    rows = "".join(f"{energy:.1f}, {counts:.0f}\n" for energy, counts in zip(raw.energy, raw.intensity))
    (tmp_path / "raw.msa").write_text(f"{head}#SPECTRUM : here\n{rows}#ENDOFDATA : \n")
    assert main(["quantify", str(tmp_path / "raw.msa")]) == 0
    said = capsys.readouterr()
    assert "Si-O-Si angle" in said.out and "background" in said.out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nowhere.csv"], "no file that is there"),
        (["FILE", "--background", "535", "540"], "No O K edge|already high|above"),
        (["FILE", "--output", "x.txt"], "neither a .csv nor a .json"),
        (["FILE", "--item", "7"], "none of them"),
        (["FILE", "--low-loss", "FILE"], "no zero-loss peak"),
        (["FILE", "--shifts", "9"], "not a number from 0 to 5"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(file, capsys, arguments, words):
    import re

    assert main(["match", *(str(file) if word == "FILE" else word for word in arguments)]) == 2
    assert re.search(words, capsys.readouterr().err)
