"""State of the New structure panel: the structure that was brought, what is predicted of it, and which sites are drawn."""

from typing import TYPE_CHECKING

import numpy as np
from traitlets import Any, Bool, Enum, HasTraits, Tuple, Unicode

from ...errors import DataError
from ...learning.intervals import coverage
from ..common.background import Background
from ..common.words import OWN, symbol
from .loss import places
from .routes import columns

if TYPE_CHECKING:
    from ...learning.from_structure import Predicted
    from ...learning.structure_route import StructureRoute

FIRST = "coesite"  # shown until something else is brought: a known mineral of several sites
SITES = 4  # drawn at most
LEVEL = 0.9
LARGEST_PASTE = 2**20  # letters
MOST_ROWS = 10  # of the list of what is near
MOST_REASONS = 3  # why sites are strange


class NewStructureModel(HasTraits):
    """`found` (learning.from_structure.Predicted) follows from `read`, `paste` or `take`; what cannot be used leaves it as it
    is and says why in `problem`. source: id of the structure of the database, or "". selection: numbers of the sites drawn.
    """

    state = Unicode("ready", help='"ready" or "loading"')
    problem = Unicode(help="Why what was brought last cannot be shown, or an empty text")
    found = Any(help="learning.from_structure.Predicted, or None before the first")
    source = Unicode(help="Id of the structure of the database that is shown, or an empty text")
    suggested = Bool(
        False, help="What is shown is the page's own example, which nobody has asked for or looked into yet"
    )
    selection = Tuple(help="Numbers of the sites drawn, the first with its interval")
    zero = Enum((OWN, "loss"), OWN, help="What energies count from: each spectrum's own edge, or energy loss")

    def __init__(self, db, background=None) -> None:
        super().__init__()
        self.db, self.background = db, background or Background()

    @property
    def structures(self) -> list[tuple[str, str]]:
        """(name, id) of the structures of the database."""
        names = dict(zip(self.db["structure"], self.db["name"]))
        return [(f"{name} ({sid})" if name != sid else sid, sid) for sid, name in names.items()]

    def read(self, name, content) -> None:
        """Read and predict the content of a file, bytes."""
        self._start(lambda: self._predict(content, name), "")

    def paste(self, text) -> None:
        """Read and predict a pasted text: a CIF, a POSCAR or an extended XYZ file."""
        if not text.strip():
            self.problem = "Nothing was pasted. Paste the text of a CIF, a POSCAR or an extended XYZ file."
        elif len(text) > LARGEST_PASTE:
            self.problem = f"The text has {len(text):,} letters; no structure that can be predicted needs so many."
        else:
            self.read("pasted text", text.encode("utf-8", "replace"))

    def take(self, structure) -> None:
        """Predict a structure of the database by its id, by models that have not seen its net."""
        self._start(lambda: self._predict(self.db.atoms(structure), structure, structure), structure)

    def suggest(self, structure) -> None:
        """Show a structure of the database as an example until something is asked for."""
        self._start(lambda: self._predict(self.db.atoms(structure), structure, structure), structure, suggested=True)

    def refuse(self, sentence) -> None:
        """Say why a file was not taken; what is shown stays."""
        self.problem = sentence

    def show(self, found) -> None:
        """Show the same structure in another state, such as relaxed: learning.from_structure.Predicted."""
        with self.hold_trait_notifications():
            self.selection, self.found = (), found

    def _predict(self, content, name, structure="") -> "Predicted":
        from ...learning.from_structure import predict_structure

        return predict_structure(content, name, level=LEVEL, structure=structure)

    def _start(self, work, source, suggested=False) -> None:
        self.problem, self.state = "", "loading"
        self.background.start(work, lambda found, problem: self._done(found, problem, source, suggested))

    def _done(self, found, problem, source, suggested) -> None:
        if problem is None:
            try:
                with self.hold_trait_notifications():
                    self.source, self.selection, self.found, self.suggested = source, (), found, suggested
            finally:  # a view that cannot draw it must not leave the page waiting
                self.state = "ready"
        elif isinstance(problem, (DataError, MemoryError)):
            self.problem = str(problem) or "This structure needs more memory than a page has. Give a smaller cell."
        else:
            self.problem = f"This file could not be read ({type(problem).__name__}). Check it, or give it as CIF."
        self.state = "ready"

    def choose(self, sites) -> None:
        """Draw these sites (numbers), at most `SITES`, the latest kept."""
        count = 0 if self.found is None else len(self.found.crystal.sites)
        self.selection = tuple(int(k) for k in sites if 0 <= k < count)[-SITES:]
        if self.selection:
            self.suggested = False

    @property
    def stored(self) -> str:
        """Id of the structure of the database that is shown as it is stored, or an empty text: relaxed, it is another one."""
        return "" if self.found is None or self.found.crystal.relaxed else self.source

    @property
    def absorber(self) -> int | None:
        """Index of the atom to mark: the site chosen last, or the first one; None before the first structure."""
        if self.found is None:
            return None
        return self.found.crystal.sites[self.selection[-1] if self.selection else 0][0]

    # what is shown ---------------------------------------------------------------------------------------------------
    def table(self) -> list:
        """Rows of the sites: label, equivalent ones, bonded silicons, mean Si-O (angstrom), Si-O-Si (degrees) or None, onset
        (eV), score."""
        crystal, p = self.found
        rows = []
        for k, (index, count) in enumerate(crystal.sites):
            site = crystal.environment.site(index)
            angle = site["si_o_si_angle"]
            rows.append(
                [
                    str(p.sites[k]),
                    int(count),
                    int(site["coordination"]),
                    number(site["si_o_mean"]),
                    number(angle),
                    number(p.onset[k]),
                    number(p.score[k]),
                ]
            )
        return rows

    def facts(self) -> list:
        """(quantity, value) about the structure."""
        crystal, p = self.found
        e, words = crystal.environment, []
        for element, counts in crystal.coordination.items():
            words.append(f"{element} " + ", ".join(f"{count} × {bonds}" for bonds, count in counts.items()))
        group, number_ = e.space_group
        return [
            ("Composition", f"{crystal.formula}, {len(crystal.atoms)} atoms"),
            ("Density", f"{e.density:.2f} g/cm³"),
            ("Space group", f"{symbol(group)} ({number_})"),
            ("Bonds of each", "; ".join(words)),
            ("Sites", f"{len(crystal.sites)} of {sum(n for _, n in crystal.sites)} O"),
            ("Band gap (PBE)", f"{p.band_gap:.1f} ± {p.band_gap_half:.1f} eV"),
        ]

    def remarks(self) -> list:
        """Pairs of a sentence about the structure or its sites, and whether it warns."""
        crystal, p = self.found
        texts = [(remark, True) for remark in crystal.remarks]
        texts += [(text, True) for text in strange(p)]
        if self.source:
            end = "beside what was computed" if self.stored else "relaxed here, which changes it a little"
            texts.append((f"A structure of the database: predicted by models that never saw its net, {end}.", False))
        elif self.found.known:
            texts.append(
                (
                    f"This is {self.found.known} of the database, which the models were trained on: what is computed of "
                    "it is in Browse, and the prediction is no test.",
                    False,
                )
            )
        return texts

    def nearest(self) -> list[tuple[str, str, float]]:
        """(site, its likest site of the database, similarity) of the sites drawn, or of the first."""
        p = self.found.prediction
        return [(str(p.sites[k]), label, value) for k in self.selection or (0,) for label, value in p.nearest[k][:3]]

    def curves(self) -> dict:
        """Arguments of `figures.newstructure.spectra_figure`."""
        p = self.found.prediction
        pair = lambda values, k: None if values is None else values[k]
        sites = [
            {"title": str(p.sites[k]), "mean": p.mean[k], "lower": pair(p.lower, k), "upper": pair(p.upper, k)}
            for k in self.selection
        ]
        pdos = [
            {
                "title": str(p.sites[k]),
                "mean": p.pdos[k],
                "lower": pair(p.pdos_lower, k),
                "upper": pair(p.pdos_upper, k),
            }
            for k in self.selection
        ]
        pdos = pdos or [
            {"title": "average of the sites", "mean": np.average(p.pdos, 0, p.weights), "lower": None, "upper": None}
        ]
        return {
            "energy": p.energy,
            "average": p.average,
            "sites": sites,
            "others": self._others(),
            "pdos_energy": p.pdos_energy,
            "pdos": pdos,
            "zero": self._route().target.alignment,
        }

    def places(self) -> dict:
        """Where the curves lie on the scale of energy loss: name of a trace -> energy (eV) to add to its axis."""
        return places(self.db, self._route().target, self.found.prediction, self.selection, self._compared())

    def _compared(self) -> list:
        """Labels of the sites whose computed spectrum is drawn beside the prediction: of one, or of all for an average."""
        p = self.found.prediction
        if self.stored:
            labels = [f"{self.stored}/{p.sites[k]}" for k in self.selection[:1] or range(len(p.sites))]
        else:
            labels = [p.nearest[k][0][0] for k in self.selection[:1]]
        return labels if all(label in self.db.positions for label in labels) else []

    def _route(self) -> "StructureRoute":
        from ...learning.from_structure import shipped_route

        return shipped_route()

    def computed(self, labels) -> np.ndarray:
        """Computed spectra (k, m) of sites of the database on the axis of the prediction."""
        from ...learning.dataset import elnes_bins

        return elnes_bins(self.db[list(labels)], self._route().target)[1]

    def _others(self) -> list:
        """The computed spectrum of the site drawn first if it is of the database; else of the site most like it."""
        p, labels = self.found.prediction, self._compared()
        if not labels:
            return []
        k = self.selection[0] if self.selection else None
        if self.stored:
            title, color = "computed, average" if k is None else f"computed, {p.sites[k]}", "#0072B2"
        else:
            label, value = p.nearest[k][0]
            title, color = f"computed, {label}, the likest site of the database ({value:.2f})", "#999999"
        values = np.average(self.computed(labels), 0, p.weights if k is None else None)
        return [{"title": title, "energy": p.energy, "values": values, "color": color}]

    def inside(self) -> float | None:
        """Share of the computed points inside the interval, of the sites of a structure of the database; else None."""
        p = self.found.prediction
        labels = [f"{self.stored}/{site}" for site in p.sites]
        if not self.stored or p.lower is None or not all(label in self.db.positions for label in labels):
            return None
        return float(coverage(self.computed(labels), p.lower, p.upper).mean())

    def csv(self, routes=None) -> tuple | None:
        """(file name, bytes) of all that is predicted, and of other `routes.Routes`. DataError if nothing is predicted."""
        from ...learning.from_structure import render_csv

        if self.found is None:
            raise DataError("Nothing is predicted yet. Drop a structure, or choose one of the database.")
        stem = "".join(
            c if c.isalnum() or c in "-_." else "-"
            for c in self.found.crystal.name.rpartition(".")[0] or self.found.crystal.name
        )
        state, more = "-relaxed" if self.found.crystal.relaxed else "", {} if routes is None else columns(routes)
        return f"elnes-lab-{stem[:60]}{state}.csv", render_csv(self.found, more=more)


def number(value) -> float | None:
    """A float for the table, None for what is not defined."""
    return float(value) if np.isfinite(value) else None


def strange(prediction) -> list[str]:
    """Sentences on the sites outside the training data, those of one reason together, the strangest first."""
    from ...learning.dataset import listed

    p, by_reason = prediction, {}
    for k in sorted(np.flatnonzero(p.score > 1), key=lambda k: -p.score[k]):
        by_reason.setdefault(p.reasons[k], []).append(k)
    texts, told = [], 0
    for reason, sites in list(by_reason.items())[:MOST_REASONS]:
        scores = [f"{p.score[k]:.1f}" for k in (sites[-1], sites[0])]
        score = f"score {scores[0]}" if scores[0] == scores[1] else f"scores {' to '.join(scores)}"
        names = listed(p.sites[sorted(sites)])
        if len(sites) == 1:
            texts.append(f"{names} lies outside the training data ({score}): {reason}. Its interval is no longer sure.")
        else:
            reason = "their " + reason.removeprefix("its ") if reason.startswith("its ") else reason
            texts.append(
                f"{names} lie outside the training data ({score}): {reason}. Their intervals are no longer sure."
            )
        told += len(sites)
    if (rest := int((p.score > 1).sum()) - told) > 0:
        what = "1 more site lies" if rest == 1 else f"{rest} more sites lie"
        texts.append(f"{what} outside the training data; the score is in the list.")
    return texts
