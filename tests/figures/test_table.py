"""The table of a figure holds the numbers that were drawn."""

import io

import numpy as np
import pandas as pd

from elnes_lab.figures.browse import spectrum_overlay
from elnes_lab.figures.prediction import prediction_figure
from elnes_lab.figures.table import figure_csv


def read(content):
    return pd.read_csv(io.BytesIO(content), comment="#")


def test_curves_of_one_axis_share_its_column_and_unused_traces_are_left_out():
    energy, pdos_energy = np.arange(0, 10, 0.5), np.arange(-5, 5, 0.25)
    rng = np.random.default_rng(0)
    spectra, pdos = rng.random((2, 20)) * 1e-4, rng.random((2, 40))
    figure = spectrum_overlay(energy, spectra, pdos_energy=pdos_energy, pdos=pdos, names=["a, b", "c"], slots=5)
    content = figure_csv(figure, notes=["two\nlines", "data"])
    assert content.decode().startswith("# two lines\n# data\n")
    table = read(content)
    assert len(table.columns) == 6 and table.columns[0].startswith("Energy")
    for column, values in zip(table.columns[[1, 2]], spectra):
        assert np.allclose(table[column].dropna(), values * 1e6) and "ELNES (10⁻⁶ bohr²/eV)" in column
    for column, values in zip(table.columns[[4, 5]], pdos):
        assert np.allclose(table[column].dropna(), values)
    assert table.columns[1].endswith(": a, b")


def test_a_band_becomes_its_two_ends_and_nothing_is_invented_where_there_is_none():
    energy = np.linspace(-2, 30, 40)
    mean = np.sin(energy) + 2
    curve = {
        "energy": energy,
        "computed_energy": energy,
        "computed": mean + 0.1,
        "mean": mean,
        "lower": mean - 0.5,
        "upper": mean + 0.25,
        "title": "without band gap",
        "color": "#E69F00",
    }
    inputs = {"input_energy": np.linspace(-2, 15, 18), "inputs": np.ones((1, 18)), "channels": ["O p"]}
    table = read(figure_csv(prediction_figure([curve], **inputs)))
    by = {name.rpartition(": ")[2]: table[name].dropna() for name in table.columns}
    assert np.allclose(by["lower end of the interval"], mean - 0.5) and np.allclose(
        by["upper end of the interval"], mean + 0.25
    )
    assert np.allclose(by["computed"], mean + 0.1) and np.allclose(by["predicted without band gap"], mean)
    assert len(by["O p"]) == 18
    table = read(figure_csv(prediction_figure([curve | {"lower": None, "upper": None}], **inputs)))
    assert not any("interval" in name for name in table.columns)
