"""A spectrum of the database finds itself, shifted, broadened and counted; a mixture finds its parts."""

import numpy as np
import pytest

from elnes_lab import similarity
from elnes_lab.errors import DataError
from elnes_lab.measured import Library, match, mixture, suggested, treat
from elnes_lab.measured.example import FWHM, MISCALIBRATED, example
from elnes_lab.measured.fit import fit
from elnes_lab.measured.matching import MEASURES, moved


@pytest.fixture(scope="module")
def sites(shipped):
    return Library(shipped, "sites")


@pytest.fixture(scope="module")
def structures(shipped):
    return Library(shipped)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.4])
def test_every_measure_finds_a_site_again_with_its_shift(sites, measure, shift):
    for row in (0, len(sites.labels) // 2, len(sites.labels) - 1):
        energy = np.arange(527, 569, 0.1)
        found = match(energy, 3.7 * moved(sites, row, energy, shift), sites, measure=measure, within=1.0)
        assert found.order[0] == row
        assert found.shift[row] == pytest.approx(shift, abs=0.01)
        assert found.values["mse"][row] < 1e-6 and found.values["cosine"][row] > 1 - 1e-6


def test_the_values_are_those_of_similarity_and_the_shift_is_the_best_there_is(structures):
    energy = np.arange(527, 569, 0.1)
    intensity = moved(structures, 3, energy, 0.2) + 0.3 * moved(structures, 9, energy, -0.5)
    found = match(energy, intensity, structures, measure="pearson", within=0.5)
    for row in (3, 9, 20):
        tried = [
            similarity.pearson(found.intensity, moved(structures, row, found.energy, by))
            for by in np.arange(-5, 6) / 10
        ]
        assert found.values["pearson"][row] == pytest.approx(max(tried), abs=1e-6)
        assert found.shift[row] == pytest.approx(np.argmax(tried) / 10 - 0.5)


def test_the_average_of_a_structure_is_weighted_by_multiplicity(shipped, structures):
    rows = shipped[np.asarray(shipped["structure"]) == "coesite"]
    energy, curves = rows.curves(zero="loss")
    average = np.average(np.nan_to_num(curves), axis=0, weights=rows["multiplicity"])
    inside = np.isfinite(curves).all(axis=0)
    found = np.interp(energy[inside], structures.energy, structures.raw[structures.find("coesite")])
    np.testing.assert_allclose(found, average[inside], rtol=1e-3, atol=1e-4 * average[inside].max())


def test_the_example_is_found_with_its_offset_its_broadening_and_nothing_else(shipped):
    library = Library(shipped, fwhm=0.5)
    raw = example(shipped)
    np.testing.assert_array_equal(raw.intensity, example(shipped).intensity)
    treated = treat(raw, suggested(raw, edge=library.usual_edge))
    found = match(treated.energy, treated.intensity, library)
    assert library.labels[found.order[0]] == "coesite"
    laid = fit(treated.energy, treated.intensity, library, "coesite")
    offset = next(s.record["offset_eV"] for s in treated.stages if s.record["step"] == "calibration")
    assert offset == pytest.approx(laid.shift - MISCALIBRATED, abs=0.05)
    assert laid.fwhm == pytest.approx(FWHM, abs=0.15) and laid.rms < 0.06
    library.widen(laid.fwhm)
    made = mixture(treated.energy, treated.intensity, library)
    assert made.parts[0][0] == "coesite" and made.parts[0][2] > 3 * made.parts[1][2]


def test_a_mixture_finds_its_parts_and_their_shares(structures):
    energy = np.arange(527, 569, 0.1)
    rows = {label: structures.find(label) for label in ("quartz-alpha", "stishovite")}
    intensity = 0.7 * moved(structures, rows["quartz-alpha"], energy, 0.3) + 0.3 * moved(
        structures, rows["stishovite"], energy, 0.3
    )
    found = mixture(energy, 55 * intensity, structures)
    assert {label: round(share, 2) for label, _, share in found.parts} == {"quartz-alpha": 0.7, "stishovite": 0.3}
    assert found.shift == pytest.approx(0.3) and found.rms < 1e-3
    np.testing.assert_allclose(sum(curve for _, curve, _ in found.parts), found.computed)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"measure": "beauty"}, "no measure"),
        ({"within": 9}, "cannot be tried"),
        ({"window": (540, 545)}, "shares only"),
    ],
)
def test_what_cannot_be_compared_is_refused(structures, options, words):
    energy = np.arange(527, 569, 0.1)
    with pytest.raises(DataError, match=words):
        match(energy, moved(structures, 0, energy, 0), structures, **options)
    with pytest.raises(DataError, match="between 0 and 5"):
        Library(structures.db, fwhm=-1)
