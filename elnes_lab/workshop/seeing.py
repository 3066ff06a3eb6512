"""Lesson 1: what a core-loss spectrum sees of the atom that absorbs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..errors import DataError
from ..figures import browse
from ..learning import corehole
from ..reports.features import features
from ..spectra import cut
from .answers import Choice, Number, Whole
from .checking import Exercise, Lesson, about, on_page

QUARTZ, STISHOVITE = "quartz-alpha/O3", "stishovite/O2"
SMOOTH = 0.5  # eV FWHM on top of the stored broadening, where nothing else is said
PAIR = (4.0, 10.0)  # eV above the first peak: where quartz has a pair of small peaks
WIDTHS = np.round(np.arange(0.0, 2.05, 0.1), 1)  # eV FWHM that the exercise looks through
SECOND = (3.0, 8.0)  # eV above the first peak: where threefold oxygen has a second strong one
STRONG = 0.6  # height over the first peak from which a second one is strong
LETTERS = ("A", "B", "C")


class Seeing(Lesson):
    """Spectra of single sites, their zero of energy, width, polarisation and surroundings, and the ground state beside them."""

    def overlay(self, *sites: str, zero: str = "loss", fwhm: float = SMOOTH, pdos: bool = False):
        """Figure of the spectra of some sites on one axis, counted from `zero`; pdos: the ground state's O p PDOS below."""
        rows = self.db[list(sites)]
        energy, intensity = rows.curves(zero=zero, fwhm=fwhm)
        below = dict(zip(("pdos_energy", "pdos"), rows.pdos_curves("O p", zero=zero, fwhm=fwhm))) if pdos else {}
        first, last = (rows.shifts(zero) + rows["lumo"] - rows["homo"]), energy[-1]
        shown = (float(first.min()) - 4, min(float(first.max()) + 30, float(last)))
        figure = browse.spectrum_overlay(
            energy, intensity, names=list(sites), zero=zero, energy_range=shown, height=460 if pdos else 340, **below
        )
        return on_page(figure)

    def broadened(self, site: str, *widths: float):
        """Figure of one spectrum with several additional Gaussian widths (FWHM, eV), counted from its first peak."""
        row = self.db[site]
        energy, _ = row.curves(zero="first_peak")
        curves = np.concatenate([row.curves(zero="first_peak", fwhm=width)[1] for width in widths])
        names = [f"{width:g} eV FWHM" for width in widths]
        return on_page(
            browse.spectrum_overlay(energy, curves, names=names, zero="first_peak", energy_range=(-5, 14), height=340)
        )

    def peaks(self, site: str, fwhm: float) -> list[float]:
        """Peaks between 4 and 10 eV above the first one, as eV from it, with `fwhm` eV of additional broadening."""
        energy, curve = (values.squeeze() for values in self.db[site].curves(zero="first_peak", fwhm=fwhm))
        known = np.isfinite(curve)
        found = features(energy[known], curve[known])
        return [round(one.energy, 1) for one in found if one.kind == "peak" and PAIR[0] < one.energy < PAIR[1]]

    @cached_property
    def merged(self) -> float:
        """First width of WIDTHS at which the pair of quartz is one peak."""
        for width in WIDTHS:
            if len(self.peaks(QUARTZ, width)) == 1:
                return float(width)
        raise DataError("The small peaks of quartz do not merge. Use the database that came with the lesson.")

    def polarised(self, site: str):
        """Figure of the spectra of one site with the polarisation along x, y and z, with the symmetry of the site."""
        row = self.db[site]
        energy, shift = self.db.energy, float(row.shifts("first_peak")[0])
        figure = browse.spectrum_overlay(
            energy + shift,
            row.symmetrized[0],
            names=[f"along {axis}" for axis in "xyz"],
            zero="first_peak",
            energy_range=(-6, 26),
            height=340,
        )
        return on_page(figure)

    def strongest(self, site: str) -> str:
        """The axis along which the first peak of a site is highest."""
        row = self.db[site]
        near = np.abs(self.db.energy + row.shifts("first_peak")[0]) <= 0.5
        return "xyz"[int(row.symmetrized[0][:, near].max(axis=1).argmax())]

    @cached_property
    def mystery(self) -> list[str]:
        """Three sites without their names, in an order that nobody knows: one oxygen has three silicons.

        The threefold one has the clearest second peak of those that are not stishovite; the others have none.
        """
        heights = self.second_peaks()
        threefold = (self.db["coordination"] == 3) & (self.db["structure"] != STISHOVITE.partition("/")[0])
        ordinary = (self.db["coordination"] == 2) & (self.db["kind"] == "crystal") & (heights < STRONG)
        if not threefold.any() or ordinary.sum() < 2:
            raise DataError("There are too few oxygens of both kinds. Use the database that came with the lesson.")
        random = np.random.default_rng(int(self.db.version[:8], 16))
        one = int(np.nanargmax(np.where(threefold, heights, -np.inf)))
        rows = [one, *random.choice(np.flatnonzero(ordinary), 2, replace=False)]
        return [str(self.db.sites[row]) for row in random.permutation(rows)]

    def second_peaks(self) -> np.ndarray:
        """Highest point from 3 to 8 eV above the first peak over the first peak, (n,), with 0.5 eV of broadening."""
        energy, curves = self.db.curves(zero="first_peak", fwhm=SMOOTH)
        first, second = (cut(energy, np.nan_to_num(curves), window)[1].max(1) for window in ((-0.5, 0.5), SECOND))
        return np.divide(second, first, out=np.full(len(first), np.nan), where=first > 0)

    def mysteries(self):
        """Figure of the three spectra of `mystery`, called A, B and C."""
        energy, curves = self.db[self.mystery].curves(zero="first_peak", fwhm=SMOOTH, normalized=True)
        figure = browse.spectrum_overlay(
            energy, curves, names=LETTERS, zero="first_peak", normalized=True, energy_range=(-6, 26), height=340
        )
        return on_page(figure)

    def unmasked(self) -> str:
        """Which sites the letters stand for, and how far the second peak can be trusted."""
        names = ", ".join(f"{letter} is {site}" for letter, site in zip(LETTERS, self.mystery))
        strong, threefold = self.second_peaks() >= STRONG, self.db["coordination"] == 3
        return (
            f"{names}. A second peak of at least {100 * STRONG:.0f} % of the first: {(strong & threefold).sum()} of the "
            f"{threefold.sum()} threefold oxygens have one, and {(strong & ~threefold).sum()} of the {(~threefold).sum()} others. "
            "It is a hint, not a proof."
        )

    def effect(self, site: str) -> corehole.Effect:
        """What the core hole does to the spectrum of a site; the PDOS carries the width of the spectrum."""
        row = self.db[site]
        energy, curve = row.curves(zero="onset", fwhm=SMOOTH)
        energy, curve = cut(energy, curve, (-2.5, 15.5))
        return corehole.effect(row, energy, curve, curve, fwhm=SMOOTH)

    def change(self, site: str):
        """Figure of one spectrum and the ground state's O p PDOS, scaled to it, from the conduction-band edge."""
        found = self.effect(site)
        curves = np.concatenate([found.computed, found.ground])
        figure = browse.spectrum_overlay(
            found.energy,
            curves,
            names=["with the core hole", "ground state: O p PDOS, scaled"],
            zero="onset",
            energy_range=(-2, 15),
            height=340,
        )
        return on_page(figure)

    def edge_shares(self, *sites: str):
        """Table of the share of the intensity up to 15 eV that lies in the first 4 eV, in percent, by site."""
        import pandas as pd

        rows = {
            site: {name: 100 * float(self.effect(site).weight[name][0]) for name in ("ground", "computed")}
            for site in sites
        }
        names = {"ground": "ground state (%)", "computed": "with the core hole (%)"}
        return pd.DataFrame(rows).T.rename(columns=names).round(1)

    def gain(self, site: str) -> float:
        """Percentage points by which that share grows."""
        weight = self.effect(site).weight
        return 100 * float(weight["computed"][0] - weight["ground"][0])

    def peak(self, site: str, zero: str = "loss") -> float:
        """First peak of a site in eV from `zero`."""
        row = self.db[site]
        return float((row.first_peaks + row.shifts(zero))[0])

    def onset_difference(self) -> float:
        """Onset of stishovite less that of quartz, eV."""
        return float(self.db[STISHOVITE]["onset"][0] - self.db[QUARTZ]["onset"][0])

    exercises = {
        "first_peak": Exercise(
            "The first peak of stishovite",
            Number("eV of energy loss", within=0.2),
            lambda lesson: lesson.peak(STISHOVITE),
            (
                (
                    about(lambda lesson: lesson.peak(QUARTZ), 0.2),
                    "That is the first peak of quartz: look at the other curve.",
                ),
                (
                    about(lambda lesson: lesson.peak(STISHOVITE, "vbm"), 1.0),
                    'That counts from the valence-band maximum. Ask for energy loss: zero="loss".',
                ),
                (
                    about(lambda lesson: float(lesson.db[STISHOVITE]["onset"][0]), 0.6),
                    "That is where the spectrum begins, its onset. Follow the curve up to where it turns for the first time.",
                ),
                (
                    lambda lesson, answer, truth: 2 < answer - truth < 9,
                    "That is the second peak. Stishovite has two strong ones; the first is asked for.",
                ),
                (
                    lambda lesson, answer, truth: abs(answer - truth) < 2,
                    "Near. Zoom in and point at the top of the curve.",
                ),
            ),
            "Point at the first maximum of the curve of stishovite and read the energy loss.",
            "The scale has one constant, chosen for quartz; where stishovite's peak lies relative to it is computed.",
        ),
        "onset": Exercise(
            "The onsets of stishovite and quartz",
            Number("eV", within=0.1),
            lambda lesson: lesson.onset_difference(),
            (
                (
                    about(lambda lesson: -lesson.onset_difference(), 0.1),
                    "Right size, wrong sign: stishovite less quartz.",
                ),
                (
                    about(lambda lesson: lesson.peak(STISHOVITE) - lesson.peak(QUARTZ), 0.1),
                    'That is the difference of their first peaks. The onset is a column of its own: db["onset"].',
                ),
                (
                    lambda lesson, answer, truth: abs(answer) > 100,
                    "That is an onset. Asked for is the difference of two.",
                ),
            ),
            'The column "onset" holds the first possible energy loss of each site. Subtract that of quartz.',
            "Onset and first peak do not move together: always say which of them is meant by the position of an edge.",
        ),
        "broadening": Exercise(
            "The width at which two peaks become one",
            Number("eV", within=0.02),
            lambda lesson: lesson.merged,
            (
                (lambda lesson, answer, truth: not 0 <= answer <= 2, "Look between 0 and 2 eV."),
                (
                    lambda lesson, answer, truth: len(lesson.peaks(QUARTZ, answer)) > 1,
                    "With that much broadening there is still more than one peak. Go on.",
                ),
                (
                    lambda lesson, answer, truth: not lesson.peaks(QUARTZ, answer),
                    "With that much broadening even the last of them is no peak any more. Go back.",
                ),
            ),
            "There is one peak at that width, but was there not one a step before, too? Find the first.",
            "What an instrument blurs is lost to the eye. Say with every spectrum how much broadening it carries.",
        ),
        "polarisation": Exercise(
            "The direction of the first peak of stishovite",
            Choice(("x", "y", "z"), "axis"),
            lambda lesson: lesson.strongest(STISHOVITE),
            (),
            "Another axis gives a higher first peak. Point at the curves where their energy is 0.",
            "A spectrum taken along one direction sees the p states that point there. A powder sees the mean of all three.",
        ),
        "threefold": Exercise(
            "Oxygens with three silicons",
            Whole(),
            lambda lesson: int((lesson.db["coordination"] == 3).sum()),
            (
                (
                    lambda lesson, answer, truth: (
                        answer == len(set(lesson.db["structure"][lesson.db["coordination"] == 3]))
                    ),
                    "That counts structures. Count sites: one structure may have several.",
                ),
                (
                    lambda lesson, answer, truth: answer == (lesson.db["coordination"] == 2).sum(),
                    "Those are the oxygens with two silicons.",
                ),
            ),
            'A filter gives a smaller database, and len() counts its sites: len(db.query("... == ...")).',
            "They are few: what a model learns of threefold oxygen rests on these.",
        ),
        "mystery": Exercise(
            "The spectrum of threefold oxygen",
            Choice(LETTERS, "letter"),
            lambda lesson: next(
                letter for letter, site in zip(LETTERS, lesson.mystery) if lesson.db[site]["coordination"][0] == 3
            ),
            (),
            "Compare with stishovite above: what does it have some eV above its first peak that quartz lacks?",
            lambda lesson: lesson.unmasked(),
        ),
        "core_hole": Exercise(
            "What the core hole moves to the edge of quartz",
            Number("percentage points", within=1.0),
            lambda lesson: lesson.gain(QUARTZ),
            (
                (
                    about(lambda lesson: -lesson.gain(QUARTZ), 1.0),
                    "Right size, wrong sign: with the hole, less without.",
                ),
                (
                    about(lambda lesson: lesson.gain(QUARTZ) / 100, 0.01),
                    "That is a share of one. Asked for are percentage points.",
                ),
                (about(lambda lesson: lesson.gain(STISHOVITE), 0.5), "That is stishovite's. Quartz is asked for."),
                (
                    lambda lesson, answer, truth: any(
                        abs(answer - 100 * float(share[0])) < 1 for share in lesson.effect(QUARTZ).weight.values()
                    ),
                    "That is one of the two shares. Subtract one from the other.",
                ),
            ),
            "The table has the share of the intensity near the edge with and without the hole: subtract.",
            "The hole pulls the empty states down and towards the atom: the edge gains. This is what a network has to learn.",
        ),
    }
