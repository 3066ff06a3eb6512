"""Predicted spectra on the scale of energy loss: each moved to where its edge is predicted to lie.

A prediction counts from the spectrum's own edge; where that is follows from the predicted onset, the transition energy of the
first empty level, and from how far the edge usually lies above that level in the spectra of the database.
"""

from typing import TYPE_CHECKING

import numpy as np

from ...spectra import ENERGY_TITLES

if TYPE_CHECKING:
    import plotly.graph_objects as go


def computed_places(db, target) -> np.ndarray:
    """Energy (n,) in eV to add to the axis of predictions of the sites of a Database, where their computed edges lie."""
    from ...learning.dataset import target_shift

    return db.shifts("loss") - target_shift(db, target)


def places(db, target, found, selection, others) -> dict:
    """Name of a trace of `figures.newstructure.spectra_figure` -> energy (eV) to add to it; "" for all that are not named.

    found: learning.structure_route prediction of n sites; selection: numbers of those drawn; others: labels of the sites whose
    computed spectrum, or average, is drawn beside, in the order of the prediction if they are all of it.
    """
    usual = float(np.nanmedian(computed_places(db, target) - db["onset"]))
    each = np.asarray(found.onset, float) + usual
    mean = float(np.average(each, weights=found.weights))
    moved = {"": float(each[selection[0]]) if selection else mean, "average": mean, "band.average": mean}
    moved |= {f"site.{i}": float(each[k]) for i, k in enumerate(selection)}
    if selection:
        moved["band.site"] = moved["site.0"]
    if others:
        there = computed_places(db[list(others)], target)
        whole = len(others) == len(found.weights)
        moved["other.0"] = float(np.average(there, weights=found.weights if whole else None))
    return moved


def on_loss(figure, moved) -> "go.Figure":
    """The figure with its spectra, not the PDOS below, moved by what `places` says."""
    for trace in figure.data:
        if (trace.xaxis or "x") == "x" and trace.x is not None and len(trace.x):
            trace.x = np.asarray(trace.x, float) + moved.get(str(trace.meta), moved[""])
    low, high = figure.layout.xaxis.range
    figure.layout.xaxis.range = (low + moved[""], high + moved[""])
    figure.layout.xaxis.title.text = ENERGY_TITLES["loss"]
    return figure
