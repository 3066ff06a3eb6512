"""State of the Core hole panel: one site's PDOS, ELNES and prediction, and the change learnt of all sites."""

import numpy as np
from traitlets import Tuple, observe

from ...errors import DataError
from ...learning import metrics
from ...learning.corehole import Effect, effect
from ..sites.judged import judge, stored
from ..sites.model import SiteModel


def from_edge(rows, shift, one) -> np.ndarray:
    """What to add to a Judged's energies to count from the conduction-band edge: eV, (n,), of rows shifted by shift (n,).

    An axis that counts from the spectrum's own edge is laid on the PDOS's as it is, as both begin there; on any other the
    edge is the first empty level.
    """
    return np.zeros(len(rows)) if one.data.target.alignment == "edge" else rows.shifts("onset") - shift


def effect_of(db, one) -> Effect:
    """The learning.corehole.Effect of a Judged, for the sites it predicts. DataError if it cannot be measured."""
    rows = db[one.row >= 0]
    offset = from_edge(rows, one.shift, one)
    try:
        return effect(rows, one.energy, one.computed, one.mean, offset=offset, fwhm=one.data.target.broadening)
    except DataError as problem:
        raise DataError(f"{one.name} cannot be shown here. {problem} Choose another network.") from None


class CoreHoleModel(SiteModel):
    """Which sites are looked at, and what the networks shown have learnt of the change by the core hole.

    `effects` and `shown` follow from the models and the filters.
    """

    effects = Tuple(help="learning.corehole.Effect of each Judged; read only")

    def judge(self, named) -> tuple:
        """The Judged of a model and its Effect: for the background."""
        one = judge(self.db, named)
        return one, effect_of(self.db, one)

    def take(self, results) -> None:
        """Take over what `judge` gave for the models chosen."""
        judged, effects = zip(*results)
        with self.hold_trait_notifications():
            self.effects, self.judged = effects, judged

    @observe("judged", "text", "kind")
    def _filter(self, change) -> None:
        mask = self.wanted() & self.predicted()
        self.shown = self.order[mask[self.order]]
        if change.name == "judged" and not (self.selection and mask[self.positions[self.selection[0]]]):
            with self.unasked():
                self._begin()

    def _begin(self) -> None:
        """Show the site in the middle of the amorphous ones, or of all: what is usual before what is worst."""
        ranking = self.ranking()
        glass = [label for label in ranking if self.amorphous[self.positions[label]]]
        middle = glass or ranking
        if middle:
            self.select(middle[len(middle) // 2])

    def learnt(self) -> np.ndarray:
        """Share of the change learnt (k, N) by the k models shown, NaN where it is not known."""
        return self._spread(lambda one: one.learnt)

    def gains(self) -> tuple:
        """Share of the intensity that the core hole moves to the edge: computed (k, N) and predicted (k, N)."""
        return self._spread(lambda one: one.gain[0]), self._spread(lambda one: one.gain[1])

    def _spread(self, of) -> np.ndarray:
        found = np.full((len(self.judged), len(self.labels)), np.nan)
        for row, one, result in zip(found, self.judged, self.effects):
            row[one.row >= 0] = of(result)
        return found

    def ranking(self) -> list:
        """Labels of the sites shown, those of whose change the least was learnt first."""
        learnt = self.learnt()[:, self.shown]
        least = np.where(np.isnan(learnt), np.inf, learnt).min(axis=0, initial=np.inf)
        return [self.labels[i] for i in self.shown[np.argsort(least, kind="stable")]]

    def predicted(self) -> np.ndarray:
        """Mask (N,) of the sites whose change by the core hole is known, computed and predicted."""
        return np.isfinite(self.learnt()).any(axis=0)

    def lacking(self, mask) -> list:
        """Also which sites are predicted, but have no PDOS to measure the change by the core hole against."""
        from ...learning.dataset import having

        short = np.flatnonzero(mask & super().predicted() & ~self.predicted())
        texts = super().lacking(mask)
        if len(short):
            names = having([self.labels[i] for i in short])
            texts.append(
                f"No change by the core hole: {names} no complete O p PDOS up to {metrics.EDGE_WINDOW[1]:g} eV "
                "above the edge to measure it from."
            )
        return texts

    def curves(self) -> dict | None:
        """Arguments for `figures.corehole.change_figure` for the site shown, or None."""
        found, position = [], self.positions[self.selection[0]] if self.selection else -1
        for one, result, title, color in zip(self.judged, self.effects, self.titles(), self.colors()):
            row = one.row[position] if self.selection else -1
            if row >= 0 and np.isfinite(result.learnt[row]):
                site = self.db[[position]]
                offset = from_edge(site, one.shift[[row]], one)
                energy, computed = stored(self.db, one, position)  # all points, where `result` has the network's bins
                mean = np.interp(energy, one.energy, one.mean[row])
                fine = effect(site, energy, computed[None], mean[None], offset=offset, fwhm=one.data.target.broadening)
                band = (None, None)
                if one.lower is not None:
                    axis = one.energy + offset
                    band = tuple(np.interp(fine.energy, axis, values[row]) for values in (one.lower, one.upper))
                found.append(
                    {
                        "energy": fine.energy,
                        "ground": fine.ground[0],
                        "computed": fine.computed[0],
                        "predicted": fine.predicted[0],
                        "lower": band[0],
                        "upper": band[1],
                        "title": title,
                        "color": color,
                    }
                )
        return {"curves": found} if found else None

    def numbers(self) -> tuple:
        """Table for the site shown: headings, and rows (quantity, its help, texts)."""
        found = []
        for one, result, title in zip(self.judged, self.effects, self.titles()):
            row = one.row[self.positions[self.selection[0]]] if self.selection else -1
            if row >= 0:
                found.append((result, row, title))
        if not found:
            return [], []
        lead, at = found[0][:2]
        curves = [(lead.energy, lead.ground[at]), (lead.energy, lead.computed[at])]
        curves += [(result.energy, result.predicted[row]) for result, row, _ in found]
        weights = [lead.weight["ground"][at], lead.weight["computed"][at]]
        weights += [result.weight["predicted"][row] for result, row, _ in found]
        peaks = [metrics.exciton(energy, curve[None]) for energy, curve in curves]
        low, high = metrics.EDGE_WINDOW
        rows = [
            (
                "Change learnt",
                "1 - MSE(prediction) / MSE(best-scaled PDOS): 100 % all, 0 % no better than the PDOS",
                ["", "", *(f"{100 * result.learnt[row]:.0f} %" for result, row, _ in found)],
            ),
            (
                "Intensity near the edge",
                f"Share of the intensity up to {high:g} eV that lies in the first "
                f"{metrics.EDGE_WIDTH:g} eV above the edge",
                [f"{100 * value:.1f} %" for value in weights],
            ),
            (
                "Highest point",
                f"Up to {metrics.EDGE_WIDTH + 2:g} eV above the edge",
                [f"{float(position[0]):.1f} eV" for position, _ in peaks],
            ),
            (
                "Its height",
                "In units of the mean of the computed spectrum",
                [f"{float(top[0]):.2f}" for _, top in peaks],
            ),
        ]
        return ["PDOS", "computed", *(title for *_, title in found)], rows

    def summary(self) -> dict:
        """Arguments for `figures.corehole.learnt_figure`."""
        rows = self.shown
        computed, predicted = self.gains()
        return {
            "learnt": self.learnt()[:, rows],
            "computed": computed[:, rows],
            "predicted": predicted[:, rows],
            "known": self.known_each()[:, rows],
            "amorphous": self.amorphous[rows],
            "names": [self.name(self.labels[i]) for i in rows],
            "titles": self.titles(),
            "colors": self.colors(),
        }

    def medians(self) -> list:
        """Rows (group, number of spectra, median share learnt, mean gain computed and predicted of each model) of the
        sites shown that no model shown was trained on."""
        if not self.judged:
            return []
        learnt, (computed, predicted), found = self.learnt(), self.gains(), []
        rows = self.shown[~self.known()[self.shown]]
        for group, amorphous in (("crystals", False), ("amorphous", True)):
            part = rows[self.amorphous[rows] == amorphous]
            part = part[np.isfinite(learnt[:, part]).all(axis=0)]
            if len(part):
                found.append(
                    (
                        group,
                        len(part),
                        np.median(learnt[:, part], axis=1),
                        computed[0, part].mean(),
                        predicted[:, part].mean(axis=1),
                    )
                )
        return found
