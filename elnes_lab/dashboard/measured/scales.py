"""A measured spectrum and ours on the scales that are chosen for all pages: relative to the edge, intensity as it was measured."""

import numpy as np

from ..common.words import OWN

CURVES = ("measured", "computed", "mixture")


def on_scales(beside, treated, unit, *, zero, intensity):
    """Arguments of `figures.measured.beside_figure` (as `MeasuredModel.beside` gives them) on other scales.

    treated: measured.Treated; its edge is at half height. unit: of the intensity as it was
    read, "" if the file says none. zero: "loss" or OWN, from the edge; intensity: "mean", or "absolute": as it was measured.
    """
    beside = dict(beside)
    if intensity == "absolute":
        last = [stage for stage in treated.stages if stage.record["step"] != "normalization"][-1]
        mean = np.interp(beside["energy"], last.energy, last.intensity).mean()
        beside |= {name: mean * beside[name] for name in CURVES}
        beside["parts"] = [(name, mean * curve, share) for name, curve, share in beside["parts"]]
        beside["unit"] = unit or "as measured"
    if zero == OWN:
        beside |= {"energy": beside["energy"] - treated.edge, "zero": "half"}
    return beside
