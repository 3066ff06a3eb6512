"""What the panels that show one site at a time have in common: models to compare, one chosen site, and its names."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from traitlets import Enum, HasTraits, Instance, Tuple, Unicode, default

from ...errors import DataError
from ..common.background import Background
from ..common.search import Search
from ..common.words import ALL, UNITS
from .judged import KNOWN, Judged, judge

NO_MODEL = ""
KINDS = (ALL, "crystal", "amorphous")
WITHOUT_GAP, WITH_GAP, THIRD = "#E69F00", "#009E73", "#CC79A7"


class SiteModel(HasTraits):
    """Two models of a session judged on all sites, and the site looked at.

    `judged` follows from `first` and `second` (names of models, NO_MODEL for none) after `load()`, in the background;
    `state` says how far it is. `selection` holds the label of the site, or nothing.
    """

    text = Unicode(help="Words that must all occur in the label, name, kind, source or space group")
    kind = Enum(KINDS, ALL)
    first = Unicode(help="Name of a model of the session")
    second = Unicode(NO_MODEL, help="Name of another one to compare with, or NO_MODEL")
    judged = Tuple(help="Judged of the models chosen; read only")
    state = Enum(("idle", "loading", "ready", "failed"), "idle")
    problem = Unicode(help="Why the models, or one of them, cannot be shown")
    selection = Tuple(help="Label of the site shown, or nothing")
    shown = Instance(np.ndarray, help="Positions that pass the filters, ordered by structure; read only")

    @default("shown")
    def _none(self) -> np.ndarray:
        return np.empty(0, int)

    def __init__(self, db, session, **traits) -> None:
        self.db, self.session, self.background = db, session, Background()
        self.labels = [str(site) for site in db.sites]
        self.positions = {label: i for i, label in enumerate(self.labels)}
        self.columns = {name: np.asarray(db[name]) for name in db.columns}
        self.amorphous = self.columns["kind"].astype(str) == "amorphous"
        self.search = Search(self.labels, self.columns)
        super().__init__(**traits)
        self.first, self.second = self.preferred()
        # By kind, then by structure as in the database, crystals first.
        structures = self.columns["structure"].astype(str)
        first = {name: i for i, name in reversed(list(enumerate(structures)))}
        self.order = np.lexsort(([first[name] for name in structures], self.amorphous))
        self.observe(lambda change: self.load(), ["first", "second"])
        self.follow(session.site)
        self.telling = True
        self.observe(self._tell, "selection")

    def preferred(self) -> tuple:
        """Names of the models shown first: the oldest without and the oldest with the band gap, if there are."""
        names = [entry.name for entry in self.session.models]
        gapless = [entry.name for entry in self.session.models if not entry.with_gap]
        gapped = [entry.name for entry in self.session.models if entry.with_gap]
        chosen = (gapless[:1] + gapped[:1] + names[:1])[:2]
        return (*dict.fromkeys(chosen), NO_MODEL, NO_MODEL)[:2]

    def _tell(self, change) -> None:
        """The site chosen last is the one that the other pages show."""
        if self.telling and change.new:
            self.session.site = change.new[0]

    @contextmanager
    def unasked(self) -> Iterator[None]:
        """What is selected meanwhile is the page's own choice, not the visitor's."""
        self.telling = False
        try:
            yield
        finally:
            self.telling = True

    def follow(self, label) -> None:
        """Show the site that was chosen on another page."""
        if label in self.positions and self.selection != (label,):
            self.select(label)

    def load(self) -> None:
        """Judge the models chosen, without waiting for it; then `judged` changes."""
        names = list(dict.fromkeys(name for name in (self.first, self.second) if name != NO_MODEL))
        if not names:
            why = f"{self.session.problem} " if self.session.problem else ""
            what = "No model is there yet. Train one on the page Train, or upload one there."
            self._loaded(None, DataError(why + what))
            return
        self.state = "loading"
        self.background.start(lambda: self._judge_all(names), self._loaded)

    def _judge_all(self, names) -> tuple | None:
        """(what `judge` gave for the models that can be shown, sentence on the others). DataError if none can."""
        found, problems = [], [self.session.problem] if self.session.problem else []
        for name in names:
            try:
                found.append(self.judge(self.session.find(name)))
            except DataError as problem:
                problems.append(str(problem))
        if not found:
            raise DataError(" ".join(problems))
        return tuple(found), " ".join(problems)

    def judge(self, named) -> Judged:
        """What is computed for a model in the background, for `take`."""
        return judge(self.db, named)

    def take(self, results) -> None:
        """Take over what `judge` gave for the models chosen."""
        self.judged = results

    def _loaded(self, results, problem) -> None:
        if problem is not None:
            known = isinstance(problem, DataError)
            self.problem = str(problem) if known else f"The models cannot be shown: {problem}. Reload the page."
            self.judged, self.state = (), "failed"
            return
        results, self.problem = results
        try:
            self.take(results)
        except Exception as error:  # of a view that draws them: a page that waits for ever would not say so
            logging.getLogger(__name__).exception("models cannot be shown")
            self._loaded(None, error)
        else:
            self.state = "ready"

    def titles(self) -> list:
        """Short names of the models shown, for legends: what they are told, and which they are if that is the same."""
        plain = ["with band gap" if one.with_gap else "without band gap" for one in self.judged]
        shipped = {entry.name for entry in self.session.models if entry.origin == "shipped"}
        if len(set(plain)) < len(plain) or any(
            one.name not in shipped or one.data.surroundings is not None for one in self.judged
        ):
            return [one.name for one in self.judged]
        return plain

    def colors(self) -> list:
        """Colour of each model shown: orange without and green with the gap, pink with the structure; the second of two alike
        has another."""
        around = [one.data.surroundings is not None for one in self.judged]
        colors = [THIRD if a else WITH_GAP if one.with_gap else WITHOUT_GAP for a, one in zip(around, self.judged)]
        other = WITHOUT_GAP if colors[:1] == [THIRD] else THIRD
        return [colors[0], other] if len(colors) == 2 and colors[0] == colors[1] else colors

    def select(self, label) -> None:
        """Show a site. Raises DataError for an unknown label."""
        if label not in self.positions:
            raise DataError(f"There is no site {label!r} in this database. Choose a label from its table.")
        self.selection = (label,)

    def ranking(self) -> list:
        """Labels of the sites to walk through, the worst predicted first."""
        raise NotImplementedError

    def place(self) -> int | None:
        """Where the site stands in the ranking, from 0; None if it is not in it."""
        ranking = self.ranking()
        return ranking.index(self.selection[0]) if self.selection and self.selection[0] in ranking else None

    def go(self, place) -> None:
        """Show the site at a place of the ranking; beyond its ends nothing changes."""
        ranking = self.ranking()
        if 0 <= place < len(ranking):
            self.select(ranking[place])

    def step(self, by) -> None:
        """Go on to the next worst (1) or back to the one before (-1); to the worst from a site that is not ranked."""
        place = self.place()
        self.go(0 if place is None else place + by)

    def marked(self) -> int | None:
        """Position of the site in the plot, or None."""
        found = np.flatnonzero(self.shown == self.positions[self.selection[0]]) if self.selection else []
        return int(found[0]) if len(found) else None

    def matches(self, text) -> np.ndarray:
        """Mask (N,) of the sites in whose label, name, kind, source or space group all words of a text occur."""
        return self.search.find(text)[0]

    def wanted(self) -> np.ndarray:
        """Mask (N,) of the sites that match `text` and `kind`, predicted or not."""
        mask = self.matches(self.text)
        return mask if self.kind == ALL else mask & (self.amorphous == (self.kind == "amorphous"))

    def predicted(self) -> np.ndarray:
        """Mask (N,) of the sites of which a model shown has something to show."""
        return np.any([one.row >= 0 for one in self.judged], axis=0)

    def lacking(self, mask) -> list:
        """Sentences that say which sites of a mask (N,) have no prediction by the models shown, and why."""
        from ...learning.dataset import usable

        reasons = {}
        for one in self.judged:
            rows = np.flatnonzero(mask & (one.row < 0))
            if len(rows):
                for text in usable(self.db[rows], one.data.choice, one.data.target)[1]:
                    reasons.setdefault(text, []).append(one.name)
        return [
            f"No prediction{'' if len(names) == len(self.judged) else f' by {names[0]}'}: {text}"
            for text, names in reasons.items()
        ]

    def left_out(self) -> list:
        """Sentences about the sites that match `text` and `kind` and yet are not shown."""
        guess = self.search.find(self.text)[1]
        return [*([guess] if guess else []), *self.lacking(self.wanted())]

    def errors(self) -> np.ndarray:
        """MSE (k, N) of the k models shown, NaN where a site cannot be predicted."""
        return np.array([one.mse for one in self.judged]).reshape(len(self.judged), len(self.labels))

    def worst(self) -> np.ndarray:
        """The larger of the errors of each site (N,), -inf where no model predicts it."""
        errors = self.errors()
        return np.where(np.isnan(errors), -np.inf, errors).max(axis=0, initial=-np.inf)

    def known(self) -> np.ndarray:
        """Mask (N,) of the sites whose structure a model shown was trained on (or on a twin of it)."""
        return self.known_each().any(axis=0)

    def known_each(self) -> np.ndarray:
        """The same for each of the k models, (k, N)."""
        known = [np.isin(one.role, KNOWN) for one in self.judged]
        return np.array(known, bool).reshape(len(known), len(self.labels))

    def name(self, label) -> str:
        """Name of the structure and absorbing atom, e.g. "alpha-quartz O3"."""
        return f"{self.columns['name'][self.positions[label]]} {label.rpartition('/')[2]}"

    def unit(self, column) -> str:
        """Unit of a column as it is printed, "" for texts and numbers without one."""
        return UNITS.get(self.db.units[column], self.db.units[column])
