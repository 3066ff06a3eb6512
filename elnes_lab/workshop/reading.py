"""Lesson 4: structure from a spectrum, how far the intervals can be trusted, and what cannot be read."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..errors import DataError
from ..figures import browse
from ..figures import workshop as figures
from ..learning.quantification.instrument import Conditions, measured
from ..learning.quantification.model import PLACED, SHAPE
from ..learning.quantification.properties import KEYS, PROPERTIES
from ..learning.quantification.reading import load_quantifier, quantify
from ..learning.quantification.training import Sites
from ..spectra import normalize
from .answers import Choice, Number, Whole
from .checking import Exercise, about, on_page
from .matching import ALIKE, FWHM, TOP, Matching

QUARTZ = "quartz-alpha/O3"
ANGLE = "si_o_si_angle"
COUNTS = 3000.0  # in the maximum, where nothing else is said
FEW, MANY = 100.0, 10_000.0  # counts
SHIFTS = (-0.5, 0.0, 0.5)  # eV that a calibration is off


class Reading(Matching):
    """Spectra as an instrument would record them, read by parts of the quantifier that never saw their net."""

    @cached_property
    def quantifier(self):
        """The quantifier that comes with the repository; `warning` says if it was trained on other data."""
        return load_quantifier(db=self.db)

    def recorded(self, site: str, *, fwhm: float = FWHM, counts: float = COUNTS, shift: float = 0.0):
        """A site's spectrum as an instrument might record it: energies of loss (m,) in eV, counts (m,). The same whenever
        it is asked for. shift (eV): by how much its calibration is off."""
        row = self.db[site]
        condition = Conditions.constant(1, fwhm=fwhm, counts=counts, shift=shift)
        edge = row["lumo"] - row["homo"]
        curve = measured(self.db.energy, row.isotropic, edge, condition, np.random.default_rng(0))[0]
        return self.db.energy + float(row.shifts("loss")[0]), counts * curve

    def read(self, site: str, **conditions):
        """What is read from `recorded` by a model that never saw the net of the site: a `learning.Quantified`."""
        energy, intensity = self.recorded(site, **conditions)
        return quantify(energy, intensity, quantifier=self.quantifier, held_out=str(self.db[site]["structure"][0]))

    def show(self, site: str, **conditions):
        """Figure of a spectrum as the database holds it and as it was recorded."""
        energy, counts = self.recorded(site, **conditions)
        stored = self.db[site].isotropic[0].astype(float)
        curves = normalize(energy, np.stack([counts, stored]), by="mean")
        shown = (float(self.db[site]["onset"][0]) - 6, min(float(energy[-1]), float(self.db[site]["onset"][0]) + 30))
        return on_page(
            browse.spectrum_overlay(
                energy,
                curves,
                names=["recorded", "computed"],
                zero="loss",
                normalized=True,
                energy_range=shown,
                height=340,
            )
        )

    def against(self, site: str, **conditions):
        """Table of what is read from one spectrum beside the truth."""
        import pandas as pd

        found, rows = self.read(site, **conditions), {}
        for one in found.properties:
            truth = float(self.db[site][one.key][0])
            rows[f"{one.name} ({one.unit})" if one.unit != "1" else one.name] = {
                "read": one.value,
                "from": one.lower,
                "to": one.upper,
                "true": truth,
                "inside": one.lower <= truth <= one.upper,
                "named": one.informative,
            }
        return pd.DataFrame.from_dict(rows, orient="index").round(3)

    def width(self, site: str, key: str = ANGLE, **conditions) -> float:
        """Width of the 90 % interval of a property, in its unit."""
        one = self.read(site, **conditions)[key]
        return one.upper - one.lower

    @cached_property
    def sites(self) -> Sites:
        """The rows that have all the properties and a part of the quantifier that never saw their net."""
        rows = self.db[np.isin(self.db["structure"].astype(str), list(self.quantifier.folds))]
        if not len(rows):
            raise DataError("the quantifier knows none of its structures. Make it again: elnes-lab train --shipped.")
        return Sites.of(rows)

    @cached_property
    def every(self):
        """All of `sites`, recorded once each under conditions drawn at random, and read: `model.Estimate`."""
        random = np.random.default_rng(0)
        features, place = self.sites.recorded(Conditions.drawn(len(self.sites.structures), random), random)
        return self.quantifier.estimate(features, place, held_out=self.sites.structures)

    def readings(self, key: str = ANGLE):
        """Table of all spectra for one property: kind, truth, value and 90 % interval in its unit, whether it was named."""
        import pandas as pd

        if key not in KEYS:
            raise DataError(f"There is no property {str(key)[:40]!r}. Choose one of {', '.join(KEYS)}.")
        at, every = KEYS.index(key), self.every
        columns = {
            "kind": self.sites.kinds,
            "structure": self.sites.structures,
            "true": self.sites.values[:, at],
            "read": every.value[:, at],
            "from": every.lower[:, at],
            "to": every.upper[:, at],
            "named": every.informative[:, at],
        }
        return pd.DataFrame(columns)

    def reading_figure(self, key: str = ANGLE):
        """Figure of what was read against the truth, all spectra."""
        table, one = self.readings(key), PROPERTIES[KEYS.index(key)]
        return on_page(
            figures.reading_figure(
                *(table[name] for name in ("true", "read", "from", "to")),
                amorphous=table["kind"] == "amorphous",
                names=table["structure"],
                title=one.name if one.unit == "1" else f"{one.name} ({one.unit})",
            )
        )

    @cached_property
    def scores(self):
        """Table by property and kind: mean absolute error, that of the mean of all, their ratio, coverage of the 90 % interval
        and how often the property is named, both in percent."""
        import pandas as pd

        rows = {}
        for key in KEYS:
            table = self.readings(key)
            for kind in ("crystal", "amorphous"):
                part = table[table["kind"] == kind]
                error = (part["read"] - part["true"]).abs().mean()
                plain = (part["true"] - table["true"].mean()).abs().mean()
                rows[key, kind] = {
                    "error": error,
                    "of the mean": plain,
                    "ratio": error / plain,
                    "coverage (%)": 100 * inside(part).mean(),
                    "named (%)": 100 * part["named"].mean(),
                }
        digits = {"error": 3, "of the mean": 3, "ratio": 2, "coverage (%)": 1, "named (%)": 1}
        found = pd.DataFrame(rows).T.rename_axis(["property", "kind"]).round(digits)
        units = {one.key: one.unit for one in PROPERTIES}
        found.insert(2, "unit", [units[key] for key, _ in found.index])  # of both errors
        return found

    def covered(self, key: str = ANGLE) -> float:
        """Percent of all spectra whose true value lies in the interval."""
        return 100 * float(inside(self.readings(key)).mean())

    @cached_property
    def shifted(self):
        """Table of the angle of quartz read from spectra whose calibration is off by some eV: with the place of the edge, and by
        the shape alone."""
        import pandas as pd

        rows = {}
        for by in SHIFTS:
            energy, counts = self.recorded(QUARTZ, shift=by)
            both = {
                mode: quantify(
                    energy,
                    counts,
                    quantifier=self.quantifier,
                    calibrated=mode == PLACED,
                    held_out=QUARTZ.partition("/")[0],
                )[ANGLE].value
                for mode in (PLACED, SHAPE)
            }
            rows[f"{by:+g} eV" if by else "0 eV"] = both
        return pd.DataFrame(rows).T.rename_axis("calibration off by").rename_axis(columns="angle (°)").round(1)

    def steadier(self) -> str:
        """Which of the two readings a wrong calibration moves less."""
        spread = self.shifted.max() - self.shifted.min()
        if spread[PLACED] == spread[SHAPE]:
            raise DataError("a shift moves both readings alike.")
        return str(spread.idxmin())

    exercises = {
        "noise": Exercise(
            "How much wider the interval of the angle is with few counts",
            Number("", within=0.05, relative=True),
            lambda lesson: lesson.width(QUARTZ, counts=FEW) / lesson.width(QUARTZ, counts=MANY),
            (
                (
                    about(lambda lesson: lesson.width(QUARTZ, counts=MANY) / lesson.width(QUARTZ, counts=FEW), 0.02),
                    "The other way round: few counts over many.",
                ),
                (
                    about(lambda lesson: lesson.width(QUARTZ, counts=FEW) - lesson.width(QUARTZ, counts=MANY), 0.1),
                    "That is the difference. Asked for is the ratio.",
                ),
                (
                    about(lambda lesson: (MANY / FEW) ** 0.5, 0.5),
                    "That is the ratio of the noise, not of the intervals.",
                ),
            ),
            "lesson.width(site, counts=...) is the width of the interval. Divide the one with few counts by the one with many.",
            "The noise itself differs by a factor of ten. What keeps the interval wide in spite of many counts is not noise: different "
            "structures have much the same spectrum.",
        ),
        "coverage": Exercise(
            "How often the interval of the angle holds the truth",
            Number("percent", within=0.6),
            lambda lesson: lesson.covered(),
            (
                (about(lambda lesson: lesson.covered() / 100, 0.006), "That is a share of one. Asked for are percent."),
                (about(lambda lesson: 100 - lesson.covered(), 0.6), "Those are the ones that miss it."),
                (
                    lambda lesson, answer, truth: answer == 90,
                    "That is what is promised. Count whether it is kept.",
                ),
            ),
            'Compare "from" and "to" with "true" in every row of the table; the mean of what is true, times 100.',
            "An interval that misses the truth now and then is not broken: one that never missed would be wider than it says.",
        ),
        "unreadable": Exercise(
            "What crystals tell least often",
            Choice(KEYS, "property"),
            lambda lesson: str(of_kind(lesson, "crystal", "named (%)").idxmin()),
            (),
            'Look for the smallest value of "named (%)" among the rows of crystals.',
            "There the interval is hardly narrower than what one knows without any spectrum, and the program says so in place of "
            "a number.",
        ),
        "glass": Exercise(
            "What is read worst from glass, compared with the mean",
            Choice(KEYS, "property"),
            lambda lesson: str(of_kind(lesson, "amorphous", "ratio").idxmax()),
            (
                (
                    lambda lesson, answer, truth: answer == of_kind(lesson, "crystal", "ratio").idxmax(),
                    "That is so for crystals. Look at the rows of glass.",
                ),
                (
                    lambda lesson, answer, truth: answer == of_kind(lesson, "amorphous", "ratio").idxmin(),
                    "That is what is read best. The larger the ratio, the less the spectrum helps.",
                ),
            ),
            'Look for the largest "ratio" among the rows of glass: the error over that of saying the mean each time.',
            lambda lesson: (
                f"Its ratio is {of_kind(lesson, 'amorphous', 'ratio').max():.2f}: "
                + (
                    "no better than not looking at the spectrum. The glasses differ little in it, and a spectrum of one site says little "
                    "of what belongs to the whole structure."
                    if of_kind(lesson, "amorphous", "ratio").max() >= 1
                    else "still better than not looking at the spectrum."
                )
            ),
        ),
        "place": Exercise(
            "The reading that a wrong calibration leaves alone",
            Choice((PLACED, SHAPE), "reading"),
            lambda lesson: lesson.steadier(),
            (),
            "Which column of the table changes from row to row?",
            "With the place of the edge more can be read, if the scale is right to half an eV. If it may not be, say calibrated=False.",
        ),
        "best_match": Exercise(
            "The best match of the unknown spectrum",
            Choice(lambda lesson: tuple(map(str, lesson.matched().library.labels)), "structure"),
            lambda lesson: str(lesson.matched().library.labels[lesson.matched().order[0]]),
            (),
            "The table is sorted: the first row is the most alike. Give its structure, the first column.",
            lambda lesson: (
                f"And that is what it was made from: {lesson.unknown.facts['structure']}."
                if lesson.matched().library.labels[lesson.matched().order[0]] == lesson.unknown.facts["structure"]
                else f"But it was made from {lesson.unknown.facts['structure']}: a good match proves nothing."
            ),
        ),
        "alike": Exercise(
            "Structures that could stand for the unknown one",
            Whole(),
            lambda lesson: len(lesson.stand_ins.alike(ALIKE)),
            (
                (
                    lambda lesson, answer, truth: answer == len(lesson.matched().alike(ALIKE)),
                    "Was that with the true structure still in the library? Leave it out first.",
                ),
                (lambda lesson, answer, truth: answer == TOP, "That is how many the table shows. Count with alike()."),
            ),
            "matches.alike() gives the positions of all whose MSE is within a quarter of the least; count them.",
            lambda lesson: (
                "The best of them is "
                f"{lesson.stand_ins.library.labels[lesson.stand_ins.order[0]]}, with a cosine of "
                f"{lesson.stand_ins.values['cosine'][lesson.stand_ins.order[0]]:.3f}. Nothing in that number says that the true structure is "
                "missing: ask what else is known of the specimen."
            ),
        ),
    }


def inside(table):
    """Which rows of a table of `readings` hold the truth; a truth on the bound does."""
    return (table["from"] - 1e-6 <= table["true"]) & (table["true"] <= table["to"] + 1e-6)


def of_kind(lesson, kind: str, column: str):
    """A column of `scores` for one kind, by property."""
    return lesson.scores[column].xs(kind, level="kind")
