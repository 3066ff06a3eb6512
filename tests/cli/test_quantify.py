"""elnes-lab quantify: a file in, properties with intervals or a sentence out."""
import json

import numpy as np
import pytest

from elnes_lab.cli import main


@pytest.fixture
def spectrum(shipped, tmp_path):
    """A text file with the mean spectrum of coesite on the energy-loss scale."""
    energy, curves = shipped.query("structure == 'coesite'").curves(zero="loss", fwhm=0.8)
    mean = curves.mean(0)
    good = np.isfinite(mean)
    path = tmp_path / "coesite.csv"
    np.savetxt(path, np.stack([energy[good], mean[good]], 1), delimiter=",", header="eV, intensity")
    return path


def test_a_file_is_read_in_words_and_for_programs(spectrum, capsys):
    assert main(["quantify", str(spectrum), "--held-out", "coesite"]) == 0
    said = capsys.readouterr()
    assert "Si-O-Si angle" in said.out and "°" in said.out and "90 %" in said.out
    assert main(["quantify", str(spectrum), "--shape", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mode"] == "shape" and 530 < found["zero_eV"] < 540 and len(found["curves"]) == 2
    angle = found["properties"][0]
    assert angle["key"] == "si_o_si_angle" and angle["lower"] < angle["value"] < angle["upper"]


@pytest.mark.parametrize("content, says", [
    ("", "no two columns"), ("a,b\nc,d\n", "no two columns"), ("\n".join(f"{e},1" for e in range(500, 600)), "no edge"),
    ("530,1\n531,2\n", "2 points"), ("\x80\x02", "no two columns"),
])
def test_files_that_cannot_be_read_get_a_sentence(content, says, tmp_path, capsys):
    path = tmp_path / "spectrum.txt"
    path.write_text(content)
    assert main(["quantify", str(path)]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


@pytest.mark.parametrize("arguments, says", [
    (["nowhere.csv"], "There is no"), ([""], "empty"), (["{file}", "--model", "nowhere"], "no quantifier"),
    (["{file}", "--held-out", "atlantis"], "atlantis"), (["{folder}"], "folder"),
])
def test_wrong_words_get_a_sentence(arguments, says, spectrum, tmp_path, capsys):
    assert main(["quantify", *(a.format(file=spectrum, folder=tmp_path) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_training_what_is_shipped_makes_the_quantifier_too(tmp_path, monkeypatch, capsys):
    from elnes_lab.learning import load_quantifier
    from elnes_lab.learning.studies import shipped as others

    monkeypatch.setattr(others, "train_shipped", lambda *arguments, **options: [])
    assert main(["train", "--shipped", str(tmp_path)]) == 0
    assert "quantifier" in capsys.readouterr().out
    assert load_quantifier(tmp_path / "quantifier").facts["seed"] == 0
