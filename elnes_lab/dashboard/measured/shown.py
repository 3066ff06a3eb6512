"""What the My spectrum panel shows of a measured spectrum and lets one take away, on the scales chosen for all pages."""

import numpy as np

from ...measured.matching import MEASURES
from ...measured.report import as_csv, as_json
from ..common.words import OWN

CURVES = ("measured", "computed", "mixture")


def on_scales(beside, treated, unit, *, zero, intensity) -> dict:
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


class Shown:
    """Arguments of the panel's figures, rows of its table and contents of its files, from the attributes of a MeasuredModel."""

    def table(self) -> list:
        """Rows of the table of matches, in the library's order: name, label, measures, shift."""
        library, values = self.matches.library, self.matches.values
        return [
            [
                str(library.names[i]),
                str(library.labels[i]),
                *(round(float(values[name][i]), 4) for name in MEASURES),
                round(float(self.matches.shift[i]), 1),
            ]
            for i in range(len(library.labels))
        ]

    def beside(self) -> dict | None:
        """Arguments of `figures.measured.beside_figure`, or None."""
        if self.laid is None:
            return None
        names = dict(zip(self.matches.library.labels.tolist(), self.matches.library.names.tolist()))
        found = {
            "energy": self.laid.energy,
            "measured": self.laid.measured,
            "computed": self.laid.computed,
            "name": names[self.laid.label],
            "mixture": self.mixed.computed,
            "parts": [(names[label], curve, share) for label, curve, share in self.mixed.parts],
        }
        return on_scales(found, self.treated, self.measured.unit, zero=self.zero, intensity=self.intensity)

    def panels(self) -> dict:
        """Arguments of `figures.measured.steps_figure`."""
        by = {stage.record["step"]: stage for stage in self.treated.stages}
        first, crop = self.treated.stages[0], by["crop"]
        done = by.get("background"), by.get("deconvolution")
        shown = (first.energy >= crop.energy[0] - 15) & (first.energy <= crop.energy[-1] + 15)
        return {
            "raw": (first.energy[shown], first.intensity[shown]),
            "region": self.options["region"],
            "window": self.options["window"] if done[0] else None,
            "background": None if done[0] is None else (done[0].energy, done[0].curve),
            "subtracted": None if done[0] is None else (done[0].energy, done[0].intensity),
            "deconvolved": None if done[1] is None else (done[1].energy, done[1].intensity),
            "final": (self.treated.energy, self.treated.intensity),
            "edge": self.treated.edge,
        }

    def alike(self) -> list:
        """Names of the spectra that this measurement can hardly tell from the best, the best first."""
        return [str(self.matches.library.names[i]) for i in self.matches.alike()]

    def results_for_file(self) -> dict:
        """Keyword arguments of `measured.report`."""
        found = {"matches": self.matches, "overlay": self.laid, "mixture": self.mixed}
        if hasattr(self.quantified, "to_dict"):
            found["quantified"] = self.quantified.to_dict()
        return found

    def file(self, format) -> tuple:
        """(file name, bytes): the treated spectrum, every step and all results as "csv" or "json"."""
        made = {"csv": as_csv, "json": as_json}[format](self.treated, **self.results_for_file())
        plain = "".join(
            c if c.isascii() and c.isalnum() else "-"
            for c in self.measured.name.rpartition(".")[0] or self.measured.name
        )
        return f"elnes-lab-{'-'.join(filter(None, plain.split('-')))[:60] or 'spectrum'}.{format}", made

    def picture(self) -> tuple | None:
        """The Picture and the region of a spectrum image, or None."""
        return None if self.measured.picture is None else (self.measured.picture, self.measured.region)
