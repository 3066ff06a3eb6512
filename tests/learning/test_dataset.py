"""Choices and datasets: what the numbers are, and what is refused."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elnes_lab import spectra
from elnes_lab.errors import DataError
from elnes_lab.learning.dataset import Dataset, InputChoice, TargetChoice, target_shift, usable


def test_inputs_and_targets_are_the_curves_of_the_database(rows):
    choice = InputChoice(
        channels=("Si p", "O p"),
        window=(1, 12),
        alignment="vbm",
        step=0.1,
        broadening=0.5,
        scalars=("density", "band_gap"),
    )
    target = TargetChoice(window=(3, 20), alignment="vbm", step=0.1, normalization="none")
    data = Dataset.from_database(rows, choice, target)
    energy, curves = rows.pdos_curves("Si p", fwhm=0.5)
    energy, curves = spectra.cut(energy, curves, (1, 12))
    np.testing.assert_allclose(data.energy, energy, atol=1e-5)
    np.testing.assert_allclose(data.inputs[:, 0], curves, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(data.targets, spectra.cut(*rows.curves(), (3, 20))[1], rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(data.features()[:, -1], rows["band_gap"])
    assert data.features().shape[1] == len(data.feature_names) and data.feature_names[-2] == "density"


def test_of_no_rows_none_is_usable(rows):
    mask, reasons = usable(rows[:0])
    assert mask.shape == (0,) and reasons == []


@pytest.mark.parametrize("alignment,zero", [("cbm", "onset"), ("vbm", "vbm")])
def test_alignment_agrees_with_the_database(rows, alignment, zero):
    shifted = {"vbm": 0.0, "cbm": rows["band_gap"][:, None]}[alignment]
    data = Dataset.from_database(
        rows, InputChoice(window=(0.5, 10), alignment=alignment, step=0.1, broadening=0.0, channels=("O p",)), None
    )
    axis, curves = rows.pdos_curves("O p", zero="vbm")
    for row in range(0, len(rows), 9):  # linear interpolation is a coarser way to the same values
        wanted = np.interp(data.energy + np.broadcast_to(shifted, (len(rows), 1))[row], axis, curves[row])
        np.testing.assert_allclose(data.inputs[row, 0], wanted, atol=0.05 * np.nanmax(wanted))
    onset = Dataset.from_database(
        rows, InputChoice(), TargetChoice(window=(-2, 25), alignment="onset", step=0.1, normalization="none")
    )
    axis, curves = rows.curves(zero="onset")
    np.testing.assert_allclose(
        onset.targets[0], np.interp(onset.target_energy, axis, curves[0]), atol=0.01 * np.nanmax(curves[0])
    )


@pytest.mark.parametrize("polarization", ["isotropic", "xyz"])
def test_normalized_targets_have_mean_one_and_come_back_absolute(rows, polarization):
    target = TargetChoice(window=(-1, 25), alignment="onset", step=0.2, polarization=polarization)
    data = Dataset.from_database(rows, None, target)
    np.testing.assert_allclose(data.targets.mean(1), 1, rtol=1e-5)
    absolute = Dataset.from_database(rows, None, dataclasses.replace(target, normalization="none"))
    back = data.to_spectra(data.targets, absolute=True)
    assert back.shape == ((len(rows), 3, target.bins) if polarization == "xyz" else (len(rows), target.bins))
    np.testing.assert_allclose(back.reshape(len(data), -1), absolute.targets, rtol=1e-4, atol=1e-9)


def test_polarizations_average_to_the_isotropic_target(rows):
    three, one = (
        Dataset.from_database(rows, None, TargetChoice(polarization=p, normalization="none"))
        for p in ("xyz", "isotropic")
    )
    np.testing.assert_allclose(three.to_spectra(three.targets).mean(1), one.targets, rtol=1e-4, atol=1e-8)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 80),
    st.integers(1, 6),
    st.integers(4, 30),
    st.booleans(),
    st.floats(0, 2),
    st.sampled_from(["O s", "DOS"]),
)
def test_choices_survive_json_and_predict_their_bins(
    low,
    points,
    count,
    cbm,
    broadening,
    channel,
):
    import json

    window = (low / 10, low / 10 + points * count / 10)
    choice = InputChoice(
        window=window, step=points / 10, alignment="cbm" if cbm else "vbm", broadening=broadening, channels=(channel,)
    )
    assert InputChoice.from_dict(json.loads(json.dumps(choice.to_dict()))) == choice
    target = TargetChoice(window=window, step=points / 10, alignment="onset")
    assert TargetChoice.from_dict(json.loads(json.dumps(target.to_dict()))) == target
    assert choice.bins in (count, count + 1) and (count < points or choice.bins * points <= count * points + 1)


def test_bin_count_is_that_of_the_arrays(rows):
    for step in (0.1, 0.2, 0.3, 0.7):
        choice = InputChoice(window=(0.0, 9.0), step=step)
        data = Dataset.from_database(rows[:3], choice, None)
        assert data.inputs.shape == (3, len(choice.channels), choice.bins) and data.targets.shape == (3, 0)
        np.testing.assert_allclose(np.diff(data.energy), step)


@pytest.mark.parametrize(
    "wrong,says",
    [
        (lambda: InputChoice(channels=("O d",)), "no channel 'O d'"),
        (lambda: InputChoice(channels=()), "nothing to learn from"),
        (lambda: InputChoice(scalars=("space_group",)), "holds text"),
        (lambda: InputChoice(scalars=("gap",)), "no column 'gap'"),
        (lambda: InputChoice(window=(5, 5.1)), "fewer than three"),
        (lambda: InputChoice(window=5), "not a pair"),
        (lambda: InputChoice(step=0.15), "multiple"),
        (lambda: InputChoice(step=float("nan")), "number"),
        (lambda: InputChoice(broadening=-1), "negative"),
        (lambda: InputChoice(alignment="fermi"), "alignment"),
        (lambda: TargetChoice(normalization="peak"), "normalization"),
        (lambda: TargetChoice(polarization="x"), "polarization"),
        (lambda: InputChoice.from_dict({"chanels": []}), "channels"),
        (lambda: InputChoice(channels=("O p", "O p")), "twice"),
    ],
)
def test_choices_that_mean_nothing_are_refused(wrong, says):
    with pytest.raises(DataError, match=says):
        wrong()


def test_windows_outside_the_data_name_the_sites_and_usable_leaves_them_out(rows):
    wide = InputChoice(window=(0, 24), alignment="vbm")
    with pytest.raises(DataError, match="/O.* no complete PDOS from 0 to 24 eV"):
        Dataset.from_database(rows, wide)
    mask, reasons = usable(rows, wide)
    assert 0 < mask.sum() < len(rows) and len(reasons) == 1 and "complete PDOS" in reasons[0]
    assert len(Dataset.from_database(rows[mask], wide)) == mask.sum()
    with pytest.raises(DataError, match="no spectrum over all"):
        Dataset.from_database(rows, None, TargetChoice(window=(0, 60)))
    with pytest.raises(DataError, match="no spectra"):
        Dataset.from_database(rows[[]])


def test_an_undefined_number_names_its_site(rows, monkeypatch):
    spoilt = np.flatnonzero(rows["structure"] == "coesite")[:2]
    whole = np.array(rows.store.read("band_gap"))
    whole[rows.rows[spoilt]] = np.nan
    monkeypatch.setitem(rows.store.cache, "band_gap", whole)
    choice = InputChoice(alignment="vbm", window=(2, 15), scalars=("band_gap",))
    with pytest.raises(
        DataError, match=f"{rows.sites[spoilt[0]]}, {rows.sites[spoilt[1]]} have no value in the column 'band_gap'"
    ):
        Dataset.from_database(rows, choice)
    np.testing.assert_array_equal(np.flatnonzero(~usable(rows, choice)[0]), spoilt)
    assert len(Dataset.from_database(rows, dataclasses.replace(choice, scalars=()))) == len(rows)


def test_the_dataset_needs_no_torch():
    modules = "sys, elnes_lab.learning.dataset, elnes_lab.learning.store, elnes_lab.learning.hyper"
    code = f"import {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_edge_is_the_spectrum_s_own_and_near_the_conduction_band_s(rows):
    """The half height lies at 1.4 eV for every site, whatever the supercell's levels; the zero is the edge, on average."""
    data = Dataset.from_database(rows, target=TargetChoice(alignment="edge", window=(-4, 28), step=0.1))
    found = spectra.half_height(data.target_energy, data.targets)
    np.testing.assert_allclose(found, 1.4, atol=0.02)
    first = TargetChoice(alignment="edge"), TargetChoice(alignment="onset")
    shifts = [target_shift(rows, target) for target in first]
    assert abs(np.median(shifts[0] - shifts[1])) < 0.2 and np.std(shifts[0] - shifts[1]) > 0.1
