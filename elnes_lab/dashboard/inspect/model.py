"""State of the Inspect panel: errors of all spectra, filters, the walk from the worst to the best, one site."""

import csv
import io

import numpy as np
from traitlets import Enum, Float, Tuple, observe

from ...errors import DataError
from ...schema import CHANNELS
from ..common.words import ALL, OWN
from ..sites.judged import KNOWN, TWIN, absolute, stored
from ..sites.model import SiteModel
from .scales import on_scales

MEAN = "mean"
DIRECTIONS = (MEAN, "x", "y", "z")
TRAINING = {"all": ALL, "not trained on": "new", "trained on": "known"}


class InspectModel(SiteModel):
    """Filters over the sites that the models shown predict, and a walk through them, worst first.

    `shown` (positions, by structure) follows from the filters; `boxed` narrows the walk, not the plot, to labels.
    """

    training = Enum(tuple(TRAINING.values()), ALL, help="By whether a model shown was trained on the structure")
    lowest = Float(0.0, help="Smallest error shown: the larger of the models' MSE")
    highest = Float(np.inf)
    along = Enum(DIRECTIONS, MEAN, help="Which polarisation the spectrum of one site is shown with")
    zero = Enum((OWN, "loss"), OWN, help="What its energies count from: the edge that the network's do, or energy loss")
    intensity = Enum(("mean", "absolute"), "mean", help="In units of the mean, or in bohr^2/eV")
    yards = None  # what `yardsticks` has read
    boxed = Tuple(help="Labels the walk is narrowed to, or nothing")

    @observe("judged", "text", "kind", "training", "lowest", "highest")
    def _filter(self, change) -> None:
        if not self.judged:
            self.shown = np.empty(0, int)
            return
        worst = self.worst()
        mask = np.isfinite(worst) & (worst >= self.lowest) & (worst <= self.highest) & self.wanted()
        if self.training != ALL:
            mask &= self.known() == (self.training == "known")
        self.shown = self.order[mask[self.order]]
        if change.name == "judged" and not (self.selection and mask[self.positions[self.selection[0]]]):
            with self.unasked():
                self.go(0)

    def reset(self) -> None:
        """Remove every filter and the box; the site stays."""
        with self.hold_trait_notifications():
            self.text, self.kind, self.training, self.lowest, self.highest, self.boxed = "", ALL, ALL, 0.0, np.inf, ()

    # the walk --------------------------------------------------------------------------------------------------------
    def ranking(self) -> list:
        """Labels of the sites to walk through, largest error first: those shown, of which those in the box if any."""
        worst = self.worst()
        order = self.shown[np.argsort(-worst[self.shown], kind="stable")]
        labels = [self.labels[i] for i in order]
        inside = set(self.boxed)
        return [label for label in labels if label in inside] if inside & set(labels) else labels

    def box(self, labels) -> None:
        """Narrow the walk to these sites and show the worst of them; no labels: walk through all again."""
        self.boxed = tuple(labels)
        if labels:
            self.go(0)

    # what the figures show -------------------------------------------------------------------------------------------
    def scatter(self) -> dict:
        """Arguments for `figures.inspect.error_figure`."""
        rows = self.shown
        return {
            "errors": self.errors()[:, rows],
            "known": self.known_each()[:, rows],
            "roles": [one.role[rows] for one in self.judged],
            "amorphous": self.amorphous[rows],
            "names": [self.name(self.labels[i]) for i in rows],
            "structures": self.columns["name"].astype(str)[rows],
            "titles": self.titles(),
            "colors": self.colors(),
        }

    def medians(self) -> list:
        """Rows (group, number of spectra, of structures, median MSE of each model) of what no model shown was trained
        on."""
        if not self.judged:
            return []
        rows = self.shown[~self.known()[self.shown]]
        errors, found = self.errors(), []
        for group, amorphous in (("crystals", False), ("amorphous", True)):
            part = rows[self.amorphous[rows] == amorphous]
            part = part[np.isfinite(errors[:, part]).all(axis=0)]
            if len(part):
                structures = len(set(self.columns["structure"][part]))
                found.append((group, len(part), structures, np.median(errors[:, part], axis=1)))
        return found

    def yardsticks(self) -> dict:
        """Group as in `medians` -> method -> its record in the evaluation that came with the data, where the models shown
        predict what was evaluated; else {}."""
        from ...learning.choices import TargetChoice
        from ...learning.studies.yardsticks import yardsticks
        from ...store import data_directory

        usual, same = TargetChoice(), ("window", "alignment", "normalization", "broadening")
        for one in self.judged:
            if any(getattr(one.data.target, name) != getattr(usual, name) for name in same):
                return {}
        if self.yards is None:
            found = yardsticks(data_directory() / "models" / "evaluation.json")
            self.yards = {"crystals": found.get("crystal", {}), "amorphous": found.get("amorphous", {})}
        return self.yards

    def yardstick_note(self) -> str:
        """What to know before the plain methods are compared with the networks: that they were evaluated on another database."""
        records = [record for group in self.yardsticks().values() for record in group.values()]
        other = sorted({record["data"] for record in records} - {self.db.version})
        if not other:
            return ""
        return (
            "The plain methods were evaluated on other data (version "
            + ", ".join(other)
            + "), so their medians are not of the same spectra as the networks'; the command elnes-lab evaluate does it again."
        )

    def detail(self) -> dict | None:
        """Arguments for `figures.prediction.prediction_figure` for the site shown, or None if no model predicts it."""
        row = self.positions[self.selection[0]] if self.selection else -1
        judged = [
            (one, one.row[row], title, color)
            for one, title, color in zip(self.judged, self.titles(), self.colors())
            if one.row[row] >= 0
        ]
        if self.along != MEAN:  # without the models that predict the mean alone, unless no other is shown
            judged = [found for found in judged if found[0].directions is not None] or judged
        if row < 0 or not judged:
            return None
        lead, at = judged[0][:2]
        curves = []
        for one, i, title, color in judged:
            if self.along != MEAN and one.directions is not None:
                curves.append(self._along(one, i, title, color, lead.shift[at]))
                continue
            computed_energy, computed = stored(self.db, one, row)
            curves.append(
                {
                    "energy": one.energy - one.shift[i] + lead.shift[at],
                    "computed_energy": computed_energy - one.shift[i] + lead.shift[at],
                    "computed": computed,
                    "mean": one.mean[i],
                    "lower": None if one.lower is None else one.lower[i],
                    "upper": None if one.upper is None else one.upper[i],
                    "title": title,
                    "color": color,
                }
            )
        detail = {
            "curves": curves,
            "zero": lead.data.target.alignment,
            "input_energy": lead.data.energy,
            "inputs": lead.data.inputs[at],
            "channels": lead.data.choice.channels,
            "input_zero": lead.data.choice.alignment,
            "slots": len(CHANNELS),
        }
        return on_scales(
            detail,
            loss=self.db[[row]].shifts("loss")[0] - lead.shift[at] if self.zero == "loss" else None,
            means=[absolute(self.db, one, row)[2] for one, *_ in judged] if self.intensity == "absolute" else None,
        )

    def _along(self, one, i, title, color, shift) -> dict:
        """A curve of `detail` with the polarisation along `along`; no interval, as that of the mean does not bound it."""
        computed, predicted = (values[i, DIRECTIONS.index(self.along) - 1] for values in one.directions)
        energy = one.energy - one.shift[i] + shift
        return {
            "energy": energy,
            "computed_energy": energy,
            "computed": computed,
            "mean": predicted,
            "lower": None,
            "upper": None,
            "title": f"{title}, along {self.along}",
            "color": color,
        }

    def findings(self) -> list:
        """For each model that predicts the site: (title, color, MSE, share of the shown spectra that are better, role,
        score, reason)."""
        row = self.positions[self.selection[0]] if self.selection else -1
        found = []
        for one, title, color in zip(self.judged, self.titles(), self.colors()):
            if row >= 0 and one.row[row] >= 0:
                others = one.mse[self.shown][np.isfinite(one.mse[self.shown])]
                better = float((others < one.mse[row]).mean()) if len(others) else 0.0
                reason = one.reasons[one.row[row]]
                found.append((title, color, one.mse[row], better, one.role[row], one.score[row], reason))
        return found

    def remarks(self) -> list:
        """Pairs (sentence, whether it is a warning) on how far the errors of the site shown can be trusted."""
        found, roles, reasons, texts = self.findings(), {}, {}, []
        for title, _, _, _, role, score, reason in found:
            if role in KNOWN:
                roles.setdefault(role, []).append(title)
            if score > 1:
                why = reason or "its curves lie a little beyond those of the training structures in many places"
                reasons.setdefault(why, []).append(title)
        for role, titles in roles.items():
            which = "Both networks were" if len(titles) == 2 else f"The network {titles[0]} was"
            what = "trained on a twin of this structure" if role == TWIN else f"{role} this structure"
            texts.append((f"{which} {what}: the error here is no test.", True))
        for why, titles in reasons.items():
            whose = "both networks" if len(titles) == 2 else f"the network {titles[0]}"
            texts.append((f"Outside the training data of {whose} because {why}.", True))
        if found and all(score <= 1 for *_, score, _ in found):
            texts.append(
                (
                    "Within the training data: its inputs are as familiar as the training structures are to one "
                    "another.",
                    False,
                )
            )
        return texts

    def csv(self) -> tuple | None:
        """(file name, bytes) of the errors of the sites shown, in the box if there is one, by structure; lines before the header begin with #."""
        inside = set(self.boxed)
        rows = [i for i in self.shown if self.labels[i] in inside] if inside else self.shown
        if not len(rows):
            raise DataError("There is nothing to save: no spectrum passes the filters. Reset them.")
        text = io.StringIO()
        text.write(
            f"# ELNES Lab, data version {self.db.version}\n# mse: mean squared difference of predicted and "
            "computed spectrum, both in units of the mean of the computed one\n"
            "# out_of_domain: below 1 as familiar as the training structures are to one another\n"
        )
        for number, one in enumerate(self.judged, start=1):
            text.write(f"# model {number}: {one.name}\n")
        names = ["mse", "training", "out_of_domain", "why"]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            [
                "site",
                "structure",
                "name",
                "kind",
                *(f"{name}_{k}" for k in range(1, len(self.judged) + 1) for name in names),
            ]
        )
        for i in rows:
            cells = [self.labels[i], *(self.columns[name][i] for name in ("structure", "name", "kind"))]
            for one in self.judged:
                there = one.row[i] >= 0
                score = f"{one.score[i]:.3g}" if np.isfinite(one.score[i]) else ""
                cells += [f"{one.mse[i]:.6g}", one.role[i], score, one.reasons[one.row[i]]] if there else [""] * 4
            writer.writerow(cells)
        return "elnes-errors-in-box.csv" if inside else "elnes-errors.csv", text.getvalue().encode()
