"""What the lessons compute, against plain arithmetic on the database."""

import dataclasses

import numpy as np
import pytest

from elnes_lab import DataError, workshop
from elnes_lab.learning import metrics
from elnes_lab.workshop import methods
from elnes_lab.workshop.seeing import QUARTZ, SECOND, STISHOVITE
from elnes_lab.workshop.stored import Stored


@pytest.fixture(scope="module")
def seeing():
    return workshop.begin(1)


@pytest.fixture(scope="module")
def predicting():
    return workshop.begin(2)


def test_the_share_at_the_edge_is_that_of_the_curves(seeing):
    row = seeing.db[QUARTZ]
    energy, curve = row.curves(zero="onset", fwhm=0.5)
    share = lambda e, y: y[(e >= -2) & (e <= 4)].sum() / y[(e >= -2) & (e <= 15)].sum()
    table = seeing.edge_shares(QUARTZ).loc[QUARTZ]
    assert table["with the core hole (%)"] == pytest.approx(100 * share(energy, curve[0]), abs=0.6)
    assert 0 < table["ground state (%)"] < table["with the core hole (%)"]
    assert seeing.gain(QUARTZ) == pytest.approx(np.diff(table.to_numpy())[0], abs=0.15)


def test_peaks_merge_once_and_stay_merged(seeing):
    assert len(seeing.peaks(QUARTZ, 0.0)) == 2
    assert len(seeing.peaks(QUARTZ, seeing.merged - 0.1)) > 1
    assert all(len(seeing.peaks(QUARTZ, width)) <= 1 for width in np.arange(seeing.merged, 2.05, 0.1))
    assert len(seeing.peaks(QUARTZ, seeing.merged)) == 1


def test_the_mystery_is_one_threefold_oxygen_with_a_second_peak(seeing):
    rows = seeing.db[seeing.mystery]
    assert sorted(rows["coordination"]) == [2, 2, 3] and STISHOVITE not in seeing.mystery
    energy, curves = rows.curves(zero="first_peak", fwhm=0.5)
    second = np.nanmax(np.where((energy >= SECOND[0]) & (energy <= SECOND[1]), curves, np.nan), axis=1)
    first = curves[:, np.abs(energy).argmin()]
    assert (second / first).argmax() == rows["coordination"].argmax()
    drawn = [trace.name for trace in seeing.mysteries().data]
    assert drawn == ["A", "B", "C"] and not any(site in seeing.mysteries().to_json() for site in seeing.mystery)


def test_held_out_errors_come_from_fits_that_never_saw_the_group(predicting):
    """A group whose own rows are spoilt is predicted as before."""
    data = predicting.data
    whole, count = methods.held_out("ridge", data)
    assert np.isnan(whole).sum() == (data.kinds != "crystal").sum()
    assert 0.7 * predicting.crystals.sum() < count < 0.9 * predicting.crystals.sum()
    rows = np.flatnonzero(data.groups == data.groups[predicting.crystals][0])
    targets = data.targets.copy()
    targets[rows] += 1.0
    spoilt, _ = methods.held_out("ridge", dataclasses.replace(data, targets=targets))
    shift = (targets - data.targets)[rows[0]].mean()
    assert shift == pytest.approx(1.0)
    change = spoilt[rows] - whole[rows]  # of mean((p - t - 1)^2) - mean((p - t)^2) = 1 - 2 mean(p - t)
    assert np.all(np.abs(change - 1.0) < 0.5)


def test_fitted_constants_are_chosen_on_few_spectra_and_used_on_all(predicting):
    train = predicting.data.subset(predicting.split.development)
    few = methods.thinned(train, 50)
    assert len(set(few.groups)) >= 2 and len(few) <= max(50, 2 * np.unique(train.groups, return_counts=True)[1].max())
    assert all((few.groups == name).sum() == (train.groups == name).sum() for name in set(few.groups))
    seen = metrics.mse(train, methods.fitted("kernel ridge", train)(train))
    mean = metrics.mse(train, methods.fitted("mean spectrum", train)(train))
    assert np.median(seen) < 0.5 * np.median(mean)
    with pytest.raises(DataError, match="plain method"):
        methods.fitted("magic", train)


def test_the_learning_curve_ends_with_all_that_is_known(predicting):
    table, law = predicting.thinner
    whole, count = methods.held_out("kernel ridge", predicting.data)
    assert table["spectra"].is_monotonic_increasing and table["spectra"].iloc[-1] == count
    assert table["mean MSE"].iloc[-1] == pytest.approx(np.nanmean(whole))
    low, value, high = law["exponent"][1], law["exponent"][0], law["exponent"][2]
    assert low < value < high


def test_stored_results_say_of_what_data_they_are(predicting, tmp_path):
    stored = Stored(predicting.db)
    for name in ("short", "gap", "published"):
        text = repr(stored.section(name))
        assert text.startswith("##") and "data version" in text
    stored.version = "another"
    assert "not of this database (`another`)" in repr(stored.section("short"))
    with pytest.raises(DataError, match="Choose one of short"):
        stored.section("all")
    missing = Stored(predicting.db)
    missing.path = tmp_path / "learning.json"
    with pytest.raises(DataError, match="make models"):
        missing.published()
