"""What else is known of a structure that is shown: spectra by the PDOS route and from first principles, on the axis of the
structure route. No trait, no widget, no event loop.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError

if TYPE_CHECKING:
    from ...learning.ensemble import Ensemble
    from ...learning.kernel_ridge import KernelRidgeModel
    from ...learning.model import Model

COMPUTED = "#0072B2"
OTHER_AXIS = (
    "The model of the PDOS route counts energies in another way than the structure route, so the two cannot be drawn on one "
    "axis. Train both again with `elnes-lab train --shipped`."
)


@dataclass(frozen=True, eq=False)
class Routes:
    """Curves by the label of the site ("O3"). pdos: (mean, lower, upper) of the PDOS route, (m,), the bounds may be None;
    computed: from first principles, (m,), mean 1; ground: computed O p PDOS (b,), states/eV/atom; onset: computed, eV of energy
    loss; place: energy (eV) that brings the axis of a computed spectrum to energy loss, of those computed here. here: whether
    they were computed here, not taken from the database."""

    pdos: dict = field(default_factory=dict)
    computed: dict = field(default_factory=dict)
    ground: dict = field(default_factory=dict)
    onset: dict = field(default_factory=dict)
    place: dict = field(default_factory=dict)
    here: bool = False


NONE = Routes()


def on_one_axis(model, route) -> None:
    """DataError unless a model of the PDOS route counts energies as the structure route does."""
    if model.target.curves > 1 or not (
        model.target.alignment == route.target.alignment
        and np.array_equal(np.asarray(model.target_energy, np.float32), np.asarray(route.energy, np.float32))
    ):
        raise DataError(OTHER_AXIS)


def triples(prediction, labels) -> dict:
    """label -> (mean, lower, upper) of a prediction of the PDOS route."""
    row = lambda values, k: None if values is None else np.asarray(values[k], float)
    return {
        label: (row(prediction.mean, k), row(prediction.lower, k), row(prediction.upper, k))
        for k, label in enumerate(labels)
    }


def light() -> "Model | Ensemble | KernelRidgeModel":
    """The model of the PDOS route; imports torch, which is then kept to one thread: many pages share a machine."""
    import torch

    from ...learning.from_pdos import PDOS_ROUTE, shipped_model

    torch.set_num_threads(1)
    return shipped_model(PDOS_ROUTE)


def of_database(db, structure, labels, route, level) -> Routes:
    """Of a structure of the database (id): the PDOS route by the parts that never saw its net, and what is stored."""
    from ...learning.dataset import elnes_bins, pdos_bins, usable
    from ...learning.site_dataset import PDOS

    there = [label for label in labels if f"{structure}/{label}" in db.positions]
    if not there:
        return NONE
    rows, model = db[[f"{structure}/{label}" for label in there]], light()
    on_one_axis(model, route)
    known = usable(rows, model.choice)[0]
    told = [label for label, is_known in zip(there, known) if is_known]
    wide = usable(rows, PDOS)[0]
    ground = pdos_bins(rows[wide], PDOS)[1][:, 0] if wide.any() else ()
    return Routes(
        triples(model.predict(rows[known], level=level), told) if told else {},
        dict(zip(there, elnes_bins(rows, route.target)[1])),
        dict(zip([label for label, is_wide in zip(there, wide) if is_wide], ground)),
        dict(zip(there, map(float, rows["onset"]))),
    )


def of_calculation(calculation, sites, route, level) -> Routes:
    """Of what is finished of a calculation: sites are (label, oxygen of the given cell). Raises DataError for damaged files."""
    from ...collect import onset
    from ...learning.dataset import elnes_bins, pdos_bins, target_shift
    from ...learning.from_pdos import GroundRows, ground_dataset
    from ...learning.site_dataset import PDOS
    from ...sources.quantum_espresso import read_ground, read_site

    if calculation.ground is None:
        return NONE
    state = read_ground(calculation.ground)
    labels, atoms = [label for label, _ in sites], [calculation.computed(site) for _, site in sites]
    model, all_sites = light(), GroundRows(state, atoms=atoms)
    on_one_axis(model, route)
    pdos = triples(model.predict(ground_dataset(state, model.choice, atoms=atoms)[0], level=level), labels)
    found = {path.stem: read_site(path, state) for path in calculation.rows}
    there = [(label, atom) for label, atom in zip(labels, atoms) if f"O{atom}" in found]
    computed, onsets, places = {}, {}, {}
    if there:
        rows = [found[f"O{atom}"] for _, atom in there]
        computed_rows = GroundRows(state, atoms=[atom for _, atom in there], holes=rows)
        values = elnes_bins(computed_rows, route.target)[1]
        first = next((row for row in found.values() if np.isfinite(row.neutral_energy)), None)
        computed = {label: curve for (label, _), curve in zip(there, values)}
        onsets = {
            label: float(onset(row, first, state.supercell_energy, state.offset))
            for (label, _), row in zip(there, rows)
        }
        above = computed_rows.shifts("onset") - target_shift(computed_rows, route.target)  # where the axis' zero lies
        places = {label: onsets[label] + float(e) for (label, _), e in zip(there, above) if np.isfinite(onsets[label])}
    ground = dict(zip(labels, pdos_bins(all_sites, PDOS)[1][:, 0]))
    return Routes(pdos, computed, ground, onsets, places, here=True)


def joined(curves: dict, routes: Routes, labels, weights, chosen) -> dict:
    """Arguments of `figures.newstructure.spectra_figure` with the curves of the other routes added.

    labels, weights: of all sites; chosen: number of the site whose curves are added, or None for the average, which is
    added where all sites have one."""
    title = "average of the sites" if chosen is None else labels[chosen]
    mean = lambda found: average(found, labels, weights, chosen)
    added = dict(curves)
    pdos = {label: curve[0] for label, curve in routes.pdos.items()}
    if (values := mean(pdos)) is not None:
        one = len(labels) == 1 or chosen is not None
        _, lower, upper = routes.pdos[labels[chosen or 0]] if one else (None, None, None)
        added["pdos_route"] = {"title": f"PDOS route, {title}", "mean": values, "lower": lower, "upper": upper}
    if (values := mean(routes.ground)) is not None:
        added["pdos_computed"] = {"title": f"computed, {title}", "values": values}
    if routes.here and (values := mean(routes.computed)) is not None:  # in place of the likest site of the database
        what = "computed here, average" if chosen is None else f"computed here, {title}"
        added["others"] = [{"title": what, "energy": curves["energy"], "values": values, "color": COMPUTED}]
    return added


def average(found: dict, labels, weights, chosen) -> float | np.ndarray | None:
    """The curve of the chosen site, or the average of all; None where there is none."""
    if chosen is not None:
        return found.get(labels[chosen])
    if not all(label in found for label in labels):
        return None
    return np.average([found[label] for label in labels], 0, weights)


def errors(prediction, routes: Routes, chosen) -> dict[str, float]:
    """Route -> mean squared difference from the computed spectrum, over the sites that have one, or the chosen one."""
    labels = [str(site) for site in prediction.sites]
    rows = [k for k in range(len(labels)) if labels[k] in routes.computed and chosen in (None, k)]
    if not rows:
        return {}
    square = lambda k, curve: float(((curve - routes.computed[labels[k]]) ** 2).mean())
    found = {"structure route": np.mean([square(k, prediction.mean[k]) for k in rows])}
    if all(labels[k] in routes.pdos for k in rows):
        found["PDOS route"] = np.mean([square(k, routes.pdos[labels[k]][0]) for k in rows])
    return {name: float(value) for name, value in found.items()}


def columns(routes: Routes) -> dict[str, np.ndarray]:
    """Columns of a table on the axis of the spectra."""
    found = {}
    for label, curves in routes.pdos.items():
        for word, values in zip(("", " lower", " upper"), curves):
            if values is not None:
                found[f"{label} PDOS route{word}"] = values
    return found | {f"{label} computed": values for label, values in routes.computed.items()}
