"""What the training card of a TrainModel shows: figures and sentences, of the training that runs or of the ticked models."""

import numpy as np
import plotly.graph_objects as go

from ...figures import training as figures

SPECTRA_HEIGHT, LOSS_HEIGHT = 288, 200
EMPTY = np.empty((0, 0))


def whose(model, live) -> str:
    """Name of the models that the figures show; live: the training, not the ticked models."""
    if live:
        return model.naming or "none"
    return ", ".join(name for name in model.ticked if name in model.details) or "none"


def no_spectra() -> go.Figure:
    """The figure of spectra before there are any."""
    return figures.spectra_trio(np.empty(0), EMPTY, titles=[], zero="onset", height=SPECTRA_HEIGHT)


def loss_figure(model, live) -> go.Figure:
    """Figure of the loss by epoch."""
    runs, epochs = [], None
    if live and model.progress is not None:
        runs, epochs = [("", model.progress)], model.progress.epochs
    elif not live:
        found = [(name, model.details[name].progress) for name in model.ticked if name in model.details]
        runs = [(name, progress) for name, progress in found if progress is not None]
    return figures.loss_curves(
        [{"name": n, "training": p.training, "validation": p.validation} for n, p in runs],
        epochs=epochs,
        height=LOSS_HEIGHT,
    )


def spectra_figure(model, live) -> go.Figure:
    """Figure of three spectra, computed and predicted."""
    if live:
        progress = model.progress
        if progress is None:
            return no_spectra()
        return figures.spectra_trio(
            progress.energy,
            progress.computed,
            titles=[model.site_name(site) for site in progress.sites],
            zero=model.learning.target.alignment,
            curves={"first": progress.first, "predicted": progress.now},
            labels={"first": "after epoch 1", "predicted": "predicted"},
            height=SPECTRA_HEIGHT,
        )
    names, found, rows, _ = model.comparison()
    if rows is None:
        return no_spectra()
    one, chosen = found[0], rows[0]
    errors = [details.mse[where] for details, where in zip(found, rows)]
    titles = [
        f"{model.site_name(site)}<br>MSE " + " / ".join(f"{error[i]:.4f}" for error in errors)
        for i, site in enumerate(one.sites[chosen])
    ]
    curves, labels = {"predicted": one.predicted[chosen]}, {"predicted": names[0]}
    if len(found) == 2:
        curves["second"], labels["second"] = found[1].predicted[rows[1]], names[1]
    band = len(found) == 1 and one.lower is not None
    return figures.spectra_trio(
        one.energy,
        one.computed[chosen],
        titles=titles,
        zero=one.target.alignment,
        curves=curves,
        labels=labels,
        lower=one.lower[chosen] if band else None,
        upper=one.upper[chosen] if band else None,
        height=SPECTRA_HEIGHT,
    )


def caption(model, live) -> str:
    """A sentence about the spectra shown."""
    progress = model.progress
    if not live:
        return model.comparison()[3]
    if progress is None:
        return ""
    errors, first = (np.mean((x - progress.computed) ** 2, axis=1) for x in (progress.now, progress.first))
    parts = [f"{model.site_name(site)} {a:.4f} → {b:.4f}" for site, a, b in zip(progress.sites, first, errors)]
    return (
        f"Validation sites, predicted by members that never saw their structure. MSE since epoch 1: {', '.join(parts)}."
    )
