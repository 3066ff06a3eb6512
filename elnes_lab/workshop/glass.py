"""Lesson 3: models that know crystals, asked for glass; what the band gap adds, and what was expected of it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..figures import overview
from ..figures import workshop as figures
from ..learning import metrics
from ..learning.choices import InputChoice, TargetChoice
from ..learning.dataset import Dataset, usable
from ..learning.domain import DomainScore
from ..learning.splits import grouped_folds, make_split
from ..learning.studies.gap import verdict
from ..learning.studies.shipped import FOLDERS, choice_of, unseen
from ..learning.studies.significance import bootstrap
from .answers import Choice, Number, Whole
from .checking import Exercise, Lesson, about, on_page
from .stored import Stored

INPUTS = {"PDOS": "pdos", "PDOS and gap": "pdos+gap"}  # as the tables say it -> as the shipped models are called
GROUPS = {"crystal": "held-out crystals", "amorphous": "glass"}
WORDS = {"lower": "lower", "higher": "higher", "undecided": "not measurable"}
BIAS = {"lower": "underestimated", "higher": "overestimated", "undecided": "not measurable"}
SEEDS = range(4)
NETWORK = {"members": 2, "width": 64, "epochs": 15}  # a small one: the exercise trains eight of them
FOLDS = 5


class Glass(Lesson):
    """Small networks with and without the gap, the shipped ensembles, and what the database says of the glass."""

    def dataset(self, title: str) -> Dataset:
        """The rows with complete curves, isotropic, with the inputs that a title of INPUTS names."""
        choice = InputChoice(scalars=("band_gap",)) if title == "PDOS and gap" else InputChoice()
        return Dataset.from_database(self.db[usable(self.db, choice, TargetChoice())[0]], choice)

    @cached_property
    def seeds(self):
        """Table of median MSEs, by seed of split and network: held-out crystals and glass, without and with the gap."""
        import pandas as pd

        from ..learning.training import train

        data, rows = {title: self.dataset(title) for title in INPUTS}, []
        for seed in SEEDS:
            row = {}
            for title, one in data.items():
                split = make_split(one, seed=seed)
                model = train(one, split, seed=seed, **NETWORK).fit()
                for group, at in (("crystal", split.test), ("amorphous", split.amorphous)):
                    held = one.subset(at)
                    row[GROUPS[group], title] = np.median(metrics.mse(held, model.predict(held).mean))
            rows.append(row)
        table = pd.DataFrame(rows, index=pd.Index(SEEDS, name="seed"))
        table = table[sorted(table.columns, key=lambda names: names[0], reverse=True)]
        return table.set_axis(pd.MultiIndex.from_tuples(table.columns), axis=1).round(4)

    @cached_property
    def judged(self) -> dict:
        """title -> (Dataset, mean spectra) of the shipped ensembles on what they have not seen, crystals first."""
        import torch

        from ..learning.store import load

        torch.set_num_threads(1)
        found = {}
        for title, inputs in INPUTS.items():
            model, choice = load(FOLDERS[inputs], self.db), choice_of(inputs, self.db)
            data = Dataset.from_database(self.db[usable(self.db, choice, model.target)[0]], choice, model.target)
            free = np.isin(data.sites, np.concatenate([part.sites for part in unseen(model, data).values()]))
            data = data.subset(free)
            found[title] = data, np.asarray(model.predict(data).mean)
        return found

    @cached_property
    def shipped(self):
        """Table of the MSE of every site that the shipped ensembles have not seen, without and with the gap."""
        import pandas as pd

        columns = {t: pd.Series(metrics.mse(data, mean), index=data.sites) for t, (data, mean) in self.judged.items()}
        data = self.judged["PDOS"][0]
        facts = pd.DataFrame({"kind": data.kinds, "group": data.groups}, index=data.sites)
        return facts.join(pd.DataFrame(columns), how="inner").rename_axis("site")

    def distribution(self):
        """Figure of the errors of `shipped`, crystals and glass, without and with the gap."""
        errors = {
            f"{GROUPS[kind]}, {title}": self.shipped.loc[self.shipped["kind"] == kind, title].to_numpy()
            for kind in GROUPS
            for title in INPUTS
        }
        return on_page(figures.cumulative_figure(errors, height=380))

    @cached_property
    def gap(self):
        """Table by group: median MSE without and with the gap; ratio (geometric mean over sites of with over without), its 95 %
        bootstrap interval and over what it was drawn."""
        import pandas as pd

        rows = {}
        for kind, name in GROUPS.items():
            part = self.shipped[self.shipped["kind"] == kind]
            ratio = bootstrap(np.log(part["PDOS and gap"] / part["PDOS"]), part["group"], np.mean)
            medians = {f"median, {title}": part[title].median() for title in INPUTS}
            value, low, high = np.exp([ratio.value, ratio.low, ratio.high])
            rows[name] = {**medians, "ratio": value, "from": low, "to": high, "over": f"{ratio.unit}s"}
        return pd.DataFrame.from_dict(rows, orient="index").round(4)

    def gap_verdict(self, kind: str) -> str:
        """ "lower", "higher" or "undecided": the error with the gap, from the interval of the ratio."""
        row = self.gap.loc[GROUPS[kind]]
        return verdict(np.log(row["from"]), np.log(row["to"]))

    @cached_property
    def effect(self):
        """Table by group and inputs: the core-hole effect (percentage points of the intensity up to 15 eV that it brings into the
        first 4 eV above the edge), the predicted one, and the bias with its 95 % bootstrap interval."""
        import pandas as pd

        rows = {}
        for title, (data, mean) in self.judged.items():
            energy = data.target_energy
            ground = metrics.edge_weight(energy, metrics.ground_state(self.db[list(data.sites)], energy))
            true, said = (metrics.edge_weight(energy, curves) for curves in (data.targets, mean))
            for kind, name in GROUPS.items():
                at = np.flatnonzero((data.kinds == kind) & np.isfinite(ground))
                bias = bootstrap(100 * (said - true)[at], data.groups[at], np.mean)
                rows[name, title] = {
                    "effect": 100 * (true - ground)[at].mean(),
                    "predicted": 100 * (said - ground)[at].mean(),
                    "bias": bias.value,
                    "from": bias.low,
                    "to": bias.high,
                }
        return pd.DataFrame(rows).T.sort_index(ascending=False).round(2)

    def bias_verdict(self, kind: str = "amorphous", title: str = "PDOS") -> str:
        row = self.effect.loc[GROUPS[kind], title]
        return verdict(row["from"], row["to"])

    @cached_property
    def domain(self):
        """Table by site: kind, and the out-of-domain score of its PDOS against crystals of other nets."""
        import pandas as pd

        data = self.dataset("PDOS")
        score, crystals = np.full(len(data), np.nan), np.asarray(data.kinds == "crystal")
        for split in grouped_folds(data, FOLDS, seed=0):
            score[split.test] = DomainScore.fit(data.subset(split.development)).score(data.subset(split.test))
        score[~crystals] = DomainScore.fit(data.subset(crystals)).score(data.subset(~crystals))
        return pd.DataFrame({"kind": data.kinds, "score": score}, index=pd.Index(data.sites, name="site"))

    def strange(self, kind: str = "amorphous") -> float:
        """Percent of the sites of a kind whose score is above 1."""
        score = self.domain.loc[self.domain["kind"] == kind, "score"]
        return 100 * float((score > 1).mean())

    def places(self):
        """Figure of histograms: the gaps and angles of crystals and of the glass."""
        columns = ("band_gap", "si_o_si_angle")
        titles = {name: f"{self.db.long_names[name]} ({self.db.units[name]})" for name in columns}
        figure = overview.database_overview(
            {name: self.db[name] for name in columns},
            titles=titles,
            amorphous=self.db["kind"] == "amorphous",
            height=300,
        )
        return on_page(figure)

    @cached_property
    def stored(self) -> Stored:
        """The stored results of the repository."""
        return Stored(self.db)

    def report(self, section: str):
        """A part of docs/learning.md: "short", "gap" or "published"."""
        return self.stored.section(section)

    def better(self) -> int:
        """Of the seeds, in how many the median of the glass is lower with the gap."""
        return int((self.seeds["glass", "PDOS and gap"] < self.seeds["glass", "PDOS"]).sum())

    def times_worse(self) -> float:
        """Median MSE of the glass over that of held-out crystals, shipped ensemble without the gap."""
        medians = self.shipped.groupby("kind")["PDOS"].median()
        return float(medians["amorphous"] / medians["crystal"])

    def gaps(self) -> int:
        """Number of different gaps among the amorphous sites."""
        return len(set(self.db["band_gap"][self.db["kind"] == "amorphous"].tolist()))

    exercises = {
        "gaps": Exercise(
            "Different band gaps among all glass sites",
            Whole(),
            lambda lesson: lesson.gaps(),
            (
                (
                    lambda lesson, answer, truth: answer == (lesson.db["kind"] == "amorphous").sum(),
                    "Those are the sites. How many of their gaps differ?",
                ),
            ),
            'Put the values of the column "band_gap" of the amorphous rows into a set, and count.',
            "As many as there are glasses: the gap belongs to the structure. It cannot tell the sites of a glass apart; it can only "
            "move them all alike.",
        ),
        "seeds": Exercise(
            "Seeds in which the gap lowers the median of the glass",
            Whole(),
            lambda lesson: lesson.better(),
            (
                (
                    lambda lesson, answer, truth: not 0 <= answer <= len(SEEDS),
                    "There are not so many seeds in the table.",
                ),
            ),
            'Compare the two columns under "glass" row by row and count.',
            "Also look at how much a column changes from seed to seed, and compare that with the difference of the two. One training "
            "of one network would have told you whatever chance liked.",
        ),
        "glass_ratio": Exercise(
            "The error on the glass over that on held-out crystals",
            Number("", within=0.05, relative=True),
            lambda lesson: lesson.times_worse(),
            (
                (about(lambda lesson: 1 / lesson.times_worse(), 0.04), "The other way round: glass over crystals."),
                (
                    about(lambda lesson: ratio_of_means(lesson.shipped), 0.04),
                    "Those are the means. Asked for is the ratio of the medians.",
                ),
                (lambda lesson, answer, truth: abs(answer) < 0.1, "That is an error. Asked for is the ratio of two."),
            ),
            'Take the medians of the column "PDOS" by kind: lesson.shipped.groupby("kind")["PDOS"].median().',
            "Compare that with the word failed: where the ratio is about 1, a model that never saw glass is as good there as on crystals "
            "that it never saw.",
        ),
        "gap": Exercise(
            "The error of the shipped ensemble on the glass, with the gap",
            Choice(tuple(WORDS.values())),
            lambda lesson: WORDS[lesson.gap_verdict("amorphous")],
            (),
            "Look where the whole interval of the ratio lies: below 1 the gap helps, above it harms, and where 1 is inside no difference "
            "can be measured.",
            "That is over the sites of few glasses: of other glasses the interval says little. And a difference that can be measured "
            "may still be too small to matter: look at the ratio.",
        ),
        "bias": Exercise(
            "The core-hole effect in the glass, as predicted without the gap",
            Choice(tuple(BIAS.values())),
            lambda lesson: BIAS[lesson.bias_verdict()],
            (),
            "The bias is predicted less computed. Look where its whole interval lies in the row of the glass: below 0, above it, or on "
            "both sides.",
            lambda lesson: (
                "Published was: underestimated. "
                + (
                    "So it is here."
                    if lesson.bias_verdict() == "lower"
                    else "That is not what these data say, so there is nothing of that kind for the gap to mend."
                )
            ),
        ),
        "domain": Exercise(
            "Glass sites with a score above 1",
            Number("percent", within=2.0),
            lambda lesson: lesson.strange(),
            (
                (about(lambda lesson: lesson.strange() / 100, 0.02), "That is a share of one. Asked for are percent."),
                (
                    about(lambda lesson: lesson.strange("crystal"), 2.0),
                    "Those are the crystals. Asked for is the glass.",
                ),
                (about(lambda lesson: 100 - lesson.strange(), 2.0), "Those are the sites below 1."),
            ),
            'Take the rows whose kind is "amorphous", and of their scores the share above 1, times 100.',
            lambda lesson: (
                f"Of the crystals, each against other nets, {lesson.strange('crystal'):.0f} % are above 1. "
                + (
                    "So the glass is the more ordinary one: nothing in its PDOS warns of a failure."
                    if lesson.strange() < lesson.strange("crystal")
                    else "So the glass is the stranger one: the model is asked for something new."
                )
            ),
        ),
        "published": Exercise(
            "Settings in which the gap lowers the error of the network in the published manner",
            Whole(),
            lambda lesson: sum(one["verdict"] == "lower" for one in lesson.stored.published()),
            (
                (
                    lambda lesson, answer, truth: answer == sum(one["ratio"] < 1 for one in lesson.stored.published()),
                    "Those have a ratio below 1. In how many of them is the whole interval below 1?",
                ),
                (
                    lambda lesson, answer, truth: answer > len(lesson.stored.published()),
                    "There are not so many settings. Count the rows of the amorphous spectra only.",
                ),
            ),
            "Look at the rows of the amorphous spectra: in how many is the last column lower?",
            "Now compare their errors with those of the shipped ensemble: a network that predicts the glass badly has more to mend. "
            "Both can be true, that the gap helps one model and not another.",
        ),
    }


def ratio_of_means(table) -> float:
    means = table.groupby("kind")["PDOS"].mean()
    return float(means["amorphous"] / means["crystal"])
