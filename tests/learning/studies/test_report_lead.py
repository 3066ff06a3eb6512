"""The head of the report says what its numbers say."""

from elnes_lab.learning.studies.report_lead import lead


def numbers(p: float, median: float) -> dict:
    same = dict(
        inputs="pdos",
        group="crystal",
        n=9,
        structures=9,
        mse_mean=0.02,
        coverage_90=0.9,
        structures_below_80=0.05,
        mse_polarized_median=0.02,
        mse_polarized_mean=0.03,
        seeds=2,
    )
    records = [
        dict(same, model="ensemble", mse_median=median),
        dict(same, model="ridge", mse_median=0.03),
        dict(same, model="pls", mse_median=0.04),
        dict(same, model="ann", mse_median=0.02),
    ]
    tests = [
        dict(rival=r, inputs="pdos", group="crystal", p=p, difference=-0.01, share_better=0.8, unit="structure")
        for r in ("ridge", "pls", "ann")
    ]
    return {"model": "ensemble", "grouping": "net", "records": records, "tests": tests}


def test_the_best_plain_method_and_the_network_are_beside_the_best_model_and_goals_are_met_or_missed():
    text = "\n".join(lead(numbers(1e-5, 0.01)))
    assert "better than `ridge`" in text and "better than `ann`" in text and "pls" not in text
    assert (
        "median MSE | at most 0.0145 | 0.0100 | met" in text
        and "structures below 80 % | at most 3 % | 5.0 % | missed" in text
    )
    text = "\n".join(lead(numbers(0.2, 0.016)))
    assert "not surely apart from `ridge`" in text and "at most 0.0145 | 0.0160 | missed" in text
    assert "below 0.01 | 0.2 | missed" in text


def test_the_gain_of_another_zero_is_not_called_a_better_model():
    def of(**changes):
        return {
            "crystal": dict(mse_median=0.02, mse_mean=0.04, position_rms=0.5, position_median=0.2, on_loss_median=0.03)
            | changes
        }

    zeros = [{"zero": "first empty level", **of()}, {"zero": "half height", **of(mse_median=0.01, position_rms=0.4)}]
    text = "\n".join(lead(numbers(1e-5, 0.01), {"reference": {"zeros": zeros}}))
    assert (
        "50 % and 0 % less" in text
        and "no better model" in text
        and "0.40 eV" in text
        and "neither better nor worse" in text
    )
