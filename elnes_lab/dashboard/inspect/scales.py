"""The spectra of one site on the scales that are chosen for all pages: energy loss, intensity in bohr^2/eV."""

import numpy as np

from ...figures.style import intensity_unit

CURVES = ("computed", "mean", "lower", "upper")


def on_scales(detail, *, loss=None, means=None) -> dict:
    """Arguments of the figure of one site (`InspectModel.detail`) on other scales.

    loss: eV to add to the energies of all spectra, which gives energy loss; None: they count from their own zero. means: for
    each model the mean of the computed spectrum in bohr^2/eV, the unit of its curves; None: they stay in that unit. The inputs
    keep their axis: they are what the network is given.
    """
    detail = detail | {"curves": [dict(one) for one in detail["curves"]]}
    if loss is not None and np.isfinite(loss):
        detail["zero"] = "loss"
        for one in detail["curves"]:
            one |= {name: one[name] + loss for name in ("energy", "computed_energy")}
    if means is not None:
        largest = [mean * np.max(one["computed"]) for one, mean in zip(detail["curves"], means)]
        factor, detail["unit"] = intensity_unit(np.array(largest), False)
        for one, mean in zip(detail["curves"], means):
            one |= {name: factor * mean * one[name] for name in CURVES if one[name] is not None}
    return detail
