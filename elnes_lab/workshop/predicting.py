"""Lesson 2: from the PDOS of the ground state to the spectrum with a core hole, and how to test what was learnt."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np

from ..errors import DataError
from ..figures import training as figures
from ..figures import workshop as own_figures
from ..learning import metrics
from ..learning.choices import InputChoice, TargetChoice
from ..learning.dataset import Dataset, target_shift, usable
from ..learning.splits import Split, make_split
from .answers import Choice, Number, Site, Whole
from .checking import Exercise, Lesson, about, on_page
from .methods import PLAIN, fitted, held_out, learning_curve

CURVE = "kernel ridge"  # the method of the splits compared and of the learning curve


class Predicting(Lesson):
    """One dataset, one split by net, plain methods and a network on it."""

    @cached_property
    def data(self) -> Dataset:
        """The rows with complete curves, as arrays: `learning.Dataset` with the default inputs and targets."""
        choice, target = InputChoice(), TargetChoice()
        return Dataset.from_database(self.db[usable(self.db, choice, target)[0]], choice, target)

    @cached_property
    def split(self) -> Split:
        """A split of the crystals by net."""
        return make_split(self.data, seed=0)

    @cached_property
    def crystals(self) -> np.ndarray:
        return np.asarray(self.data.kinds == "crystal")

    def inputs(self, site: str = "quartz-alpha/O3"):
        """Figure of what a model is given of one site (left) and what it has to tell (right), shaded."""
        row, choice, target = self.db[site], self.data.choice, self.data.target
        pdos = np.concatenate([row.pdos_curves(name, fwhm=choice.broadening)[1] for name in choice.channels])
        known = np.isfinite(pdos).all(0)
        energy, curve = row.curves(normalized=True)
        figure = figures.chosen_windows(
            (self.db.pdos_energy - row["band_gap"])[known],
            pdos[:, known],
            channels=choice.channels,
            chosen=choice.channels,
            input_window=choice.window,
            input_zero=choice.alignment,
            energy=energy + target_shift(row, target)[0],
            intensity=curve[0],
            target_window=target.window,
            target_zero=target.alignment,
            height=280,
        )
        return on_page(figure).update_layout(yaxis2_title_text="ELNES (mean 1)")

    def parts(self):
        """Table of the split: sites, structures and nets of each part."""
        import pandas as pd

        columns = {"sites": self.data.sites, "structures": self.data.structures, "nets": self.data.groups}
        rows = {name: getattr(self.split, name) for name in ("train", "validation", "test", "amorphous")}
        return pd.DataFrame(
            {part: {name: len(set(v[at])) for name, v in columns.items()} for part, at in rows.items()}
        ).T

    @cached_property
    def two_splits(self):
        """Table of the MSE of every crystal site by kernel ridge: held out with its whole net, or alone."""
        import pandas as pd

        alone = dataclasses.replace(self.data, groups=self.data.sites)  # each site a group: what a careless split does
        errors = {"by net": held_out(CURVE, self.data)[0], "by site": held_out(CURVE, alone)[0]}
        return pd.DataFrame(errors, index=pd.Index(self.data.sites, name="site"))[self.crystals]

    @cached_property
    def methods(self):
        """Table of the MSE of every held-out crystal site of the split, by plain method and by the network."""
        import pandas as pd

        train, test = self.data.subset(self.split.development), self.data.subset(self.split.test)
        errors = {name: metrics.mse(test, fitted(name, train)(test)) for name in PLAIN}
        errors["network"] = metrics.mse(test, self.network.predict(test).mean)
        return pd.DataFrame(errors, index=pd.Index(test.sites, name="site"))

    @cached_property
    def training(self):
        """The training of the network, done: `learning.Training`."""
        from ..learning.training import train

        training = train(self.data, self.split, seed=0)
        self.losses = list(training)
        return training

    @property
    def network(self):
        return self.training.model

    def learning(self):
        """Figure of the losses of the network over its epochs."""
        records = self.training and self.losses
        run = {
            "name": "network",
            "training": [one.train_loss for one in records],
            "validation": [one.validation_loss for one in records],
        }
        return on_page(figures.loss_curves([run], height=300))

    def distribution(self, errors):
        """Figure of a table of errors: what share of the sites has an error up to each value."""
        return on_page(own_figures.cumulative_figure({name: errors[name].to_numpy() for name in errors}))

    def three(self):
        """Figure of the best, the middle and the worst spectrum that the network predicts on held-out crystals."""
        test = self.data.subset(self.split.test)
        order = self.methods["network"].to_numpy().argsort()
        rows = order[[0, len(order) // 2, -1]]
        prediction = self.network.predict(test.subset(rows))
        return on_page(
            figures.spectra_trio(
                test.target_energy,
                test.targets[rows],
                titles=[f"{name}: {where}" for name, where in zip(("best", "middle", "worst"), test.sites[rows])],
                zero=self.data.target.alignment,
                curves={"predicted": prediction.mean},
                lower=prediction.lower,
                upper=prediction.upper,
                height=330,
            )
        )

    @cached_property
    def curve(self):
        """Table of the learning curve of kernel ridge, by share of the nets trained on: spectra, mean and median MSE."""
        return self.thinner[0]

    @cached_property
    def thinner(self):
        """(table, law) of the learning curve, as `methods.learning_curve` gives it."""
        return learning_curve(CURVE, self.data, self.db.planned)

    def curve_figure(self):
        """Figure of the learning curve with the power law through it."""
        table, law = self.thinner
        return on_page(own_figures.power_law_figure(table["spectra"], table["mean MSE"], exponent=-law["exponent"][0]))

    def promise(self) -> str:
        """What the learning curve promises for as many spectra as the database is planned to hold, in a sentence."""
        value, low, high = self.thinner[1]["at_planned"]
        return (
            f"Should the law go on, the mean MSE with {self.db.planned} spectra is {value:.4f} (95 % interval {low:.4f} to {high:.4f}). "
            "The interval knows nothing of whether it does."
        )

    def siblings(self) -> float:
        """Share of the crystal sites whose net has other sites, which a split by site leaves in training; percent."""
        groups = np.asarray(self.data.groups, str)[self.crystals]
        _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
        return 100 * float((counts[codes] > 1).mean())

    def flattered(self) -> float:
        """Median MSE by net over median MSE by site."""
        return float(self.two_splits["by net"].median() / self.two_splits["by site"].median())

    exercises = {
        "inputs": Exercise(
            "How many numbers a model is given of one site",
            Whole(),
            lambda lesson: lesson.data.inputs[0].size,
            (
                (
                    lambda lesson, answer, truth: answer == len(lesson.data.energy),
                    "That is one channel. How many are there?",
                ),
                (
                    lambda lesson, answer, truth: answer == lesson.data.inputs.size,
                    "That is all sites together. Divide.",
                ),
                (
                    lambda lesson, answer, truth: answer == lesson.data.targets.shape[1],
                    "That is the output: the numbers it has to tell.",
                ),
            ),
            "The shape of data.inputs is (sites, channels, energies): of one site there are channels times energies.",
            "Hundreds of numbers, and some hundreds of spectra to learn from: everything hangs on what keeps the fit tame.",
        ),
        "flatter": Exercise(
            "How much better a split by site looks",
            Number("", within=0.05, relative=True),
            lambda lesson: lesson.flattered(),
            (
                (about(lambda lesson: 1 / lesson.flattered(), 0.03), "The other way round: by net over by site."),
                (
                    about(
                        lambda lesson: lesson.two_splits["by net"].mean() / lesson.two_splits["by site"].mean(), 0.03
                    ),
                    "Those are the means. Asked for is the ratio of the medians.",
                ),
                (lambda lesson, answer, truth: 0 < answer < 0.1, "That is an error. Asked for is the ratio of two."),
            ),
            "Take the median of each column of the table, then divide: by net over by site.",
            "The model and the data are the same. Only the question is another one.",
        ),
        "why": Exercise(
            "Why it looks better",
            Choice(("a", "b", "c"), "letter"),
            lambda lesson: "a" if lesson.siblings() > 50 else reason_missing(),
            (
                (
                    lambda lesson, answer, truth: answer == "b",
                    "Count: both train on four fifths of the crystal sites.",
                ),
                (
                    lambda lesson, answer, truth: answer == "c",
                    "Both test every crystal site once; the same spectra are averaged.",
                ),
            ),
            "Think of what is left in training when one site of a crystal is taken out.",
            lambda lesson: (
                f"{lesson.siblings():.0f} % of the crystal sites have others of their net in the database. A user brings "
                "a structure that is not there: the split by net asks that question."
            ),
        ),
        "ground_state": Exercise(
            "The error of the PDOS itself over that of the mean spectrum",
            Number("", within=0.1, relative=True),
            lambda lesson: float(lesson.methods["pdos itself"].median() / lesson.methods["mean spectrum"].median()),
            (
                (
                    about(
                        lambda lesson: (
                            lesson.methods["mean spectrum"].median() / lesson.methods["pdos itself"].median()
                        ),
                        0.03,
                    ),
                    "The other way round: the PDOS itself over the mean spectrum.",
                ),
                (
                    about(
                        lambda lesson: lesson.methods["pdos itself"].mean() / lesson.methods["mean spectrum"].mean(),
                        0.1,
                    ),
                    "Those are the means. Asked for is the ratio of the medians.",
                ),
            ),
            "Take the medians of the two columns and divide.",
            "The PDOS of the ground state is no spectrum: it knows nothing of the hole. Without learning, the mean of all "
            "spectra is the better guess.",
        ),
        "best": Exercise(
            "The method with the lowest median",
            Choice(lambda lesson: tuple(lesson.methods.columns), "method"),
            lambda lesson: str(lesson.methods.median().idxmin()),
            (),
            "Another column has a lower median. Ask the table: methods.median().",
            "On one split with few test structures the order can change with the seed: docs/learning.md has all folds and "
            "says which differences are real.",
        ),
        "worst": Exercise(
            "The site that the network predicts worst",
            Site(),
            lambda lesson: str(lesson.methods["network"].idxmax()),
            (
                (
                    lambda lesson, answer, truth: answer not in lesson.methods.index,
                    "That site is not among the test sites of this split.",
                ),
                (
                    lambda lesson, answer, truth: answer == lesson.methods["network"].idxmin(),
                    "That is the best one.",
                ),
            ),
            'The row with the largest value in the column "network": idxmax() finds it.',
            lambda lesson: (
                f"Remark on it in the database: {lesson.db[str(lesson.methods['network'].idxmax())]['remark'][0] or 'none'}."
            ),
        ),
        "exponent": Exercise(
            "How fast more spectra help",
            Number("", within=0.03),
            lambda lesson: lesson.thinner[1]["exponent"][0],
            (
                (
                    about(lambda lesson: -lesson.thinner[1]["exponent"][0], 0.03),
                    "Right size. The exponent b of error = a n^-b is asked for: positive if the error falls.",
                ),
                (
                    about(lambda lesson: median_slope(lesson.curve), 0.03),
                    "That is the slope of the medians. Use the means.",
                ),
                (
                    lambda lesson, answer, truth: answer > 1,
                    "Then ten times as many spectra would bring less than a tenth of the error. Use logarithms of both.",
                ),
            ),
            "A power law is a straight line when both axes are logarithmic: b is its slope, without the sign.",
            lambda lesson: lesson.promise(),
        ),
    }


def median_slope(table) -> float:
    """Exponent of the power law through the medians of a learning curve."""
    return -float(np.polyfit(np.log(table["spectra"]), np.log(table["median MSE"]), 1)[0])


def reason_missing():
    raise DataError("few sites of its crystals share a net, so that a split by site does no harm here.")
