"""What Inspect and Core hole show: the shipped models' predictions of every site, their errors and intervals, packed.

They are made when the folder is built, by the dashboard's own models (`InspectModel`, `CoreHoleModel`): a cross-fitted ensemble
predicts each crystal by the parts that never saw its net, and the glasses, which no part was trained on, by all of them.
"""

from dataclasses import dataclass

import numpy as np

from ..dashboard.corehole.model import CoreHoleModel, from_edge
from ..dashboard.inspect.model import InspectModel
from ..dashboard.session import Session
from ..dashboard.sites.judged import NEW, NO_PART, absolute
from ..errors import DataError
from ..figures import corehole, inspect
from ..learning import metrics
from ..learning.corehole import effect
from .figures import as_json
from .pack import Pack

KINDS = ("all", "crystal", "amorphous")
STEP = 0.1  # eV, of the curves of Core hole
CROSSED = (
    "Every prediction here is out of fold: each crystal is predicted by networks that never saw its net of bonds, in {parts} "
    "parts of the data, and the glasses by all of them, as none was trained on a glass."
)
MIXED = (
    "{new:,} of the {count:,} predictions are tests: their structures, and all of the same net, were left out of the training; "
    "the others are drawn hollow and count in no median."
)


@dataclass
class Predictions:
    """pack: the file; titles and colors of the models; said: what the predictions are, in a sentence; problem: why there are
    none, or an empty text."""

    pack: Pack | None = None
    titles: tuple = ()
    colors: tuple = ()
    said: str = ""
    problem: str = ""
    models: tuple = ()
    channels: tuple = ()


def predictions(db) -> Predictions:
    """Predictions of all sites by the models shipped with the data; without any that can be used, the reason."""
    session = Session(db)
    model, hole = InspectModel(db, session), CoreHoleModel(db, session)
    names = [name for name in (model.first, model.second) if name]
    if not names:
        return Predictions(
            problem=f"{session.problem} There are no models in the data folder; make them with `make models`.".strip()
        )
    found, problems = [], []
    for name in names:
        try:
            found.append(hole.judge(session.find(name)))
        except DataError as problem:
            problems.append(str(problem))
    if not found:
        return Predictions(problem=" ".join(problems))
    hole.take(found)
    model.take(tuple(one for one, _ in found))
    pack = Pack()
    pack.add_json("inspect", inspected(model) | {"problem": " ".join(problems)})
    pack.add_json("corehole", learnt(hole))
    for k, (one, _) in enumerate(found):
        curves(pack, k, db, one)
    return Predictions(
        pack,
        tuple(model.titles()),
        tuple(model.colors()),
        sentence(model),
        models=tuple(names),
        channels=tuple(found[0][0].data.choice.channels),
    )


def sentence(model: InspectModel) -> str:
    """Whether the predictions are tests."""
    roles = np.concatenate([one.new[one.row >= 0] for one in model.judged])
    parts = {len(set(folds_of(model, one)) - {NO_PART}) for one in model.judged}
    warned = any(one.notes for one in model.judged)
    if roles.all() and min(parts) > 1 and not warned:
        return CROSSED.format(parts=" or ".join(map(str, sorted(parts))))
    return MIXED.format(new=int(roles.sum()), count=len(roles))


def folds_of(model: InspectModel, one) -> list:
    """Which part of a cross-fitted model predicts each of its sites; NO_PART where all do."""
    folds = getattr(model.session.find(one.name).load(), "folds", {})
    return [folds.get(str(name), NO_PART) for name in one.data.structures]


def inspected(model: InspectModel) -> dict:
    """Errors of all sites for each kind, as figures and tables; what is said about each site."""
    kinds = {}
    for kind in KINDS:
        model.kind = kind
        if not len(model.shown):
            continue
        kinds[kind] = {
            "rows": model.shown,
            "figure": as_json(inspect.error_figure(**model.scatter(), height=420)),
            "medians": model.medians(),
        }
    model.kind = "all"
    yards = {
        group: {
            name: {key: record[key] for key in ("mse_median", "n", "structures", "data")}
            for name, record in found.items()
        }
        for group, found in model.yardsticks().items()
    }
    remarks = []
    for label, there in zip(model.labels, model.predicted()):
        with model.unasked():
            model.selection = (label,) if there else ()
        remarks.append(model.remarks() if there else [])
    model.selection = ()
    return {
        "kinds": kinds,
        "yards": yards,
        "remarks": remarks,
        "lacking": [model.lacking(np.arange(len(model.labels)) == i) for i in np.flatnonzero(~model.predicted())],
        "lacking_rows": np.flatnonzero(~model.predicted()),
        "left_out": model.lacking(np.ones(len(model.labels), bool)),
        "notes": list(
            dict.fromkeys(filter(None, [model.yardstick_note(), *(note for one in model.judged for note in one.notes)]))
        ),
        "known": bool(model.known().any()),
        "mse": model.errors(),
        "score": [one.score for one in model.judged],
        "role": [one.role for one in model.judged],
        "new": NEW,
        "zero": model.judged[0].data.target.alignment,
        "input_zero": model.judged[0].data.choice.alignment,
        "broadening": model.judged[0].data.target.broadening,
    }


def learnt(model: CoreHoleModel) -> dict:
    """How much of the change by the core hole was learnt, for each kind; the numbers of each site as the panel writes them."""
    kinds = {}
    for kind in KINDS:
        model.kind = kind
        if len(model.shown):
            kinds[kind] = {
                "rows": model.shown,
                "figure": as_json(corehole.learnt_figure(**model.summary(), height=380)),
                "medians": model.medians(),
            }
    model.kind = "all"
    heads, quantities, numbers = [], [], []
    for label, there in zip(model.labels, model.predicted()):
        with model.unasked():
            model.selection = (label,) if there else ()
        heads, rows = model.numbers() if there else (heads, [])
        quantities = [(name, help) for name, help, _ in rows] or quantities
        numbers.append([cells for *_, cells in rows])
    model.selection = ()
    return {
        "kinds": kinds,
        "heads": heads,
        "quantities": quantities,
        "numbers": numbers,
        "learnt": model.learnt(),
        "left_out": model.lacking(np.ones(len(model.labels), bool)),
    }


def curves(pack: Pack, k: int, db, one) -> None:
    """Adds the curves of model number k, a Judged: predictions with their intervals, and, above the edge, ground state and
    computed spectrum, all in units of the mean of the computed one."""
    rows = np.flatnonzero(one.row >= 0)
    at = one.row[rows]
    pack.add(f"row.{k}", one.row, "int32")
    pack.add(f"energy.{k}", one.energy, "float64")
    pack.add(f"shift.{k}", one.shift, "float64")
    pack.add(f"mean.{k}", [absolute(db, one, row)[2] for row in rows], "float64")
    pack.add(f"loss.{k}", db[rows].shifts("loss") - one.shift[at], "float64")
    pack.add_curves(f"predicted.{k}", one.mean)
    if one.lower is not None:
        pack.add_curves(f"lower.{k}", one.lower)
        pack.add_curves(f"upper.{k}", one.upper)
    if k == 0:
        pack.add("input_energy", one.data.energy, "float64")
        pack.add_curves("inputs", one.data.inputs)
    low, high = metrics.EDGE_WINDOW
    grid = np.round(np.arange(low, high + STEP / 2, STEP), 6)
    offset = np.asarray(from_edge(db[rows], one.shift[at], one), float) * np.ones(len(rows))
    computed, predicted = np.empty((2, len(rows), len(grid)))
    for i, (row, by) in enumerate(zip(rows, offset)):
        energy, values, mean = absolute(db, one, row)
        computed[i] = np.interp(grid, energy + by, values / mean)
        predicted[i] = np.interp(grid, one.energy + by, one.mean[at[i]])
    # Of a PDOS that ends below the window nothing is drawn: its curve is NaN.
    found = effect(db[rows], grid, computed, predicted, fwhm=one.data.target.broadening)
    pack.add(f"offset.{k}", offset, "float64")
    pack.add("edge", found.energy, "float64")
    pack.add_curves(f"ground.{k}", found.ground)
    pack.add_curves(f"computed.{k}", found.computed)
