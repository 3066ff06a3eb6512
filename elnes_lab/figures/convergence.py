"""Figure of a convergence study, from arrays: the spectrum with one setting after another changed."""

import numpy as np

from ..errors import DataError
from .style import blank, curve_style, styled

WINDOW = (-2.0, 30.0)  # eV
PANEL = 260  # pixels


def convergence_figure(groups, *, title=""):
    """One panel for each (name, curves) of groups; curves: a list of (label, energy (m,) in eV above the lowest empty level,
    intensity (m,)), each drawn with mean 1 in the window. Raises DataError for no curve.
    """
    from plotly.subplots import make_subplots

    groups = [(name, curves) for name, curves in groups if curves]
    if not groups:
        raise DataError("There is no spectrum to draw. Compute a variant first.")
    figure = make_subplots(
        figure=blank(),
        rows=len(groups),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.25 / len(groups) ** 1.5,
        subplot_titles=[name for name, _ in groups],
    )
    for row, (_, curves) in enumerate(groups, start=1):
        for slot, (label, energy, intensity) in enumerate(curves):
            color, dash = curve_style(slot)
            energy, intensity = np.asarray(energy, float), np.asarray(intensity, float)
            inside = (energy >= WINDOW[0]) & (energy <= WINDOW[1])
            if not inside.any():
                raise DataError(f"{label} has no point between {WINDOW[0]:g} and {WINDOW[1]:g} eV.")
            figure.add_scatter(
                x=energy[inside],
                y=intensity[inside] / intensity[inside].mean(),
                name=label,
                mode="lines",
                line={"color": color, "dash": dash, "width": 2},
                legend=f"legend{row if row > 1 else ''}",
                hovertemplate=f"{label}: %{{x:.1f}} eV, %{{y:.3g}}<extra></extra>",
                row=row,
                col=1,
            )
        domain = figure.layout[f"yaxis{row if row > 1 else ''}"].domain
        figure.update_layout({f"legend{row if row > 1 else ''}": {"x": 1.01, "y": domain[1], "yanchor": "top"}})
        figure.update_yaxes(title="Intensity (mean 1)", row=row, col=1)
    figure.update_xaxes(title="Energy above the lowest empty level (eV)", row=len(groups), col=1)
    styled(figure, height=PANEL * len(groups) + 90, margin={"t": 60, "r": 190})
    return figure.update_layout(title={"text": title, "font": {"size": 16}})
