"""What a model of the page makes of every site of the database: errors, what it had seen before, and how strange the
inputs are. Computed once per model and shared by the panels; no widget in here.
"""

import threading
import weakref
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ..session import share

TRAIN, VALIDATION, TWIN, NEW = "trained on", "validated on", "twin of a structure trained on", "not trained on"
NO_PART = -1  # of a cross-fitted model, that has left a structure out: predicted by all
KNOWN = (TRAIN, VALIDATION, TWIN)  # an error there shows memory, not skill
DONE, LOCK = weakref.WeakKeyDictionary(), threading.Lock()
READY = {}  # NamedModel.shared -> Judged; maybe made before the process of this page was forked (dashboard.ahead)


@dataclass(frozen=True, eq=False)
class Judged:
    """A model and its predictions for the n of the database's N sites that it can be given.

    row (N,): row of each site in the arrays of n, -1 where it has none. computed, mean (n, m), lower and upper (n, m)
    or None: spectra, isotropic, in units of the mean of the computed one; energy (m,) in eV; shift (n,): what was
    added to energies above the valence-band maximum. mse (N,), score (N,): out-of-domain score, NaN where unknown;
    role (N,): one of TRAIN, VALIDATION, TWIN, NEW; reasons: n texts; notes: sentences for the user. directions: computed
    and predicted spectra (n, 3, m) with the polarisation along x, y, z, in the same units, of a model that tells them
    apart; else None.
    """

    name: str
    with_gap: bool
    data: object
    row: np.ndarray
    energy: np.ndarray
    shift: np.ndarray
    computed: np.ndarray
    mean: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    mse: np.ndarray
    role: np.ndarray
    score: np.ndarray
    reasons: list
    notes: list
    directions: tuple | None = None

    @property
    def new(self) -> np.ndarray:
        """Mask (N,) of the predicted sites whose structures the training did not touch."""
        return (self.row >= 0) & (self.role == NEW)


def judge(db, named) -> Judged | None:
    """The Judged of a NamedModel on all of `db`; computed when first asked for. Imports torch; safe in a thread.

    Raises DataError for a damaged model and where no site has the inputs it takes.
    """
    with LOCK:
        if named not in DONE:
            DONE[named] = READY.get(named.shared) or _judge(db, named)
            share(READY, named.shared, DONE[named])
        return DONE[named]


def _judge(db, named) -> Judged | None:
    import torch

    from ...learning.dataset import Dataset, target_shift, usable

    torch.set_num_threads(1)
    model = named.load()
    mask, reasons = usable(db, model.choice, model.target)
    if not mask.any():
        raise DataError(f"{named.name} cannot be shown: {' '.join(reasons)} Choose another model.")
    rows = db[mask]
    data = Dataset.from_database(rows, model.choice, model.target)
    prediction = model.predict(data)
    curves = model.target.curves

    def isotropic(values) -> np.ndarray:
        return np.asarray(values, float).reshape(len(data), curves, -1).mean(axis=1)

    computed = isotropic(data.targets)
    scale = computed.mean(axis=1, keepdims=True)
    bounded = prediction.lower is not None and curves == 1  # bounds of three directions do not bound their mean
    lower, upper = (isotropic(b) / scale if bounded else None for b in (prediction.lower, prediction.upper))
    computed, mean = computed / scale, isotropic(prediction.mean) / scale
    row = np.full(len(db), -1)
    row[mask] = np.arange(len(data))
    folds = getattr(model, "folds", {})
    role = roles(model.facts.get("split", {}), data, folds)
    part = np.array([folds.get(str(name), NO_PART) for name in data.structures])
    known = part != NO_PART if folds else np.isin(role, (TRAIN, VALIDATION))
    score, reasons, problem = strangeness(data, known, part)
    return Judged(
        name=named.name,
        with_gap=named.with_gap,
        data=data,
        row=row,
        energy=np.asarray(model.target_energy, float),
        shift=target_shift(rows, model.target),
        computed=computed,
        mean=mean,
        lower=lower,
        upper=upper,
        mse=spread(((mean - computed) ** 2).mean(axis=1), row, np.nan),
        role=spread(role, row, NEW),
        score=spread(score, row, np.nan),
        reasons=reasons,
        notes=[text for text in (model.warning, problem) if text],
        directions=None
        if data.directed is None
        else tuple(
            np.asarray(values, float) / scale[:, None] for values in (data.directed.targets, prediction.polarized)
        ),
    )


def absolute(db, one, position) -> tuple:
    """Computed spectrum of the site at `position` as the database holds it, all its points, on the axis of a Judged: energy (m,),
    intensity (m,) in bohr^2/eV within the window that the model predicts, and its mean there, the unit of the Judged."""
    row = one.row[position]
    energy, values = db[[position]].curves(fwhm=one.data.target.broadening)
    energy, values = energy + one.shift[row], values[0]
    half = (one.energy[1] - one.energy[0]) / 2
    inside = (energy >= one.energy[0] - half) & (energy <= one.energy[-1] + half) & np.isfinite(values)
    energy, values = energy[inside], values[inside]
    return energy, values, np.interp(one.energy, energy, values).mean()


def stored(db, one, position) -> tuple:
    """The same in the units of a Judged: energy (m,), intensity (m,)."""
    energy, values, mean = absolute(db, one, position)
    return energy, values / mean


def spread(values, row, fill) -> np.ndarray:
    """values (n,) put at the sites (N,) that `row` gives them to; `fill` elsewhere."""
    values = np.asarray(values)
    return np.where(row >= 0, values[np.maximum(row, 0)], fill)


def roles(split, data, folds=None) -> np.ndarray:
    """What a training with this split, a dict of lists of structures, had seen of each row: (n,) texts. folds: of a
    cross-fitted model, whose parts have not seen what they predict, but maybe a twin of it that came later.
    """
    from ...learning.crossfit import crossed

    structures, groups = data.structures.astype(str), np.asarray(data.groups, str)
    train, validation = (np.isin(structures, split.get(part, [])) for part in ("train", "validation"))
    twin = np.isin(groups, groups[train | validation]) | crossed(folds or {}, data)
    return np.select([train, validation, twin], [TRAIN, VALIDATION, TWIN], NEW).astype(object)


def strangeness(data, known, part=None) -> tuple:
    """Out-of-domain score (n,), reasons (n texts) and, where they cannot be had, why. known (n,): rows trained on. part
    (n,): each row is compared with the known rows of other parts only, those of NO_PART with all.
    """
    from ...learning.domain import DomainScore

    part = np.full(len(data), NO_PART) if part is None else part
    score, reasons = np.full(len(data), np.nan), np.full(len(data), "", object)
    try:
        for number in np.unique(part):
            rows = part == number
            domain = DomainScore.fit(data.subset(known & ((part != number) | (part == NO_PART))))
            score[rows], reasons[rows] = domain.score(data.subset(rows)), domain.reasons(data.subset(rows))
    except DataError as problem:
        return np.full(len(data), np.nan), [""] * len(data), f"No out-of-domain score: {problem}"
    return score, list(reasons), ""
