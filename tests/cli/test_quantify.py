"""elnes-lab quantify on a spectrum of the database, and its wrong words; see test_measured.py for measured ones."""

import re

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


def test_a_structure_can_be_held_out(spectrum, capsys):
    assert main(["quantify", str(spectrum), "--held-out", "coesite", "--background-kind", "none", "--offset", "0"]) == 0
    said = capsys.readouterr()
    assert "Si-O-Si angle" in said.out and "°" in said.out


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["nowhere.csv"], "no file that is there"),
        ([""], "empty"),
        (["{file}", "--model", "nowhere"], "no quantifier"),
        (["{file}", "--held-out", "atlantis"], "atlantis"),
        (["{folder}"], "folder|no file"),
    ],
)
def test_wrong_words_get_a_sentence(arguments, says, spectrum, tmp_path, capsys):
    assert main(["quantify", *(a.format(file=spectrum, folder=tmp_path) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert re.search(says, error) and error.count("\n") == 1


def test_training_what_is_shipped_makes_the_quantifier_too(tmp_path, monkeypatch, capsys):
    from elnes_lab.learning import load_quantifier
    from elnes_lab.learning.studies import shipped as others
    from elnes_lab.learning.studies import structure as routes

    monkeypatch.setattr(others, "train_shipped", lambda *arguments, **options: [])
    monkeypatch.setattr(routes, "train_shipped_route", lambda *arguments, **options: "route")
    assert main(["train", "--shipped", str(tmp_path)]) == 0
    assert "quantifier" in capsys.readouterr().out
    assert load_quantifier(tmp_path / "quantifier").facts["seed"] == 0
