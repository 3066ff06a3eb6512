"""Figure of one spectrum, from arrays: computed and predicted with its interval, and the inputs it was predicted from."""

import numpy as np

from ..errors import DataError
from .inspect import ABOVE, BESIDE, COMPUTED, PREDICTED_DASHES, TITLES, transparent
from .style import CRYSTAL, DASHES, OKABE_ITO, blank, styled


def prediction_figure(
    curves,
    *,
    input_energy,
    inputs,
    channels,
    zero="onset",
    input_zero="cbm",
    unit="mean = 1",
    slots=8,
    models=2,
    height=520,
):
    """Figure of one site: computed and predicted ELNES with its interval, and below the PDOS they were predicted from.

    curves: a dict per model with energy (m,) eV, mean (m,), lower and upper (m,) or None, computed (n,) at
    computed_energy (n,) eV, in units of the mean, title and color; input_energy (k,) eV, inputs (c, k) in states/eV/atom of `channels`; zero and input_zero:
    what the energies count from; unit: of the spectra, in words. slots and models: draw this many traces, unused ones hidden. Raises DataError for no
    curve.
    """
    from plotly.subplots import make_subplots

    if not curves:
        raise DataError("There is no prediction to draw. Give the curves of at least one model.")
    figure = make_subplots(figure=blank(), rows=2, cols=1, vertical_spacing=0.225, row_heights=[0.64, 0.36])
    nothing = np.empty(0)
    for k in range(models):
        one = curves[k] if k < len(curves) else None
        banded = one is not None and one["lower"] is not None
        figure.add_scatter(
            x=np.r_[one["energy"], one["energy"][::-1]] if banded else nothing,
            y=np.r_[one["upper"], one["lower"][::-1]] if banded else nothing,
            mode="lines",
            line={"width": 0},
            fill="toself",
            hoverinfo="skip",
            meta=f"band.{k}",
            visible=banded,
            fillcolor=transparent(one["color"] if banded else CRYSTAL, 0.2),
            showlegend=False,
            row=1,
            col=1,
        )
    for k in range(models):
        one = curves[k] if k < len(curves) else None
        # A second computed curve only where the second model was given spectra of another window or broadening.
        drawn = one is not None and (k == 0 or not _same(one, curves[0]))
        figure.add_scatter(
            x=one["computed_energy"] if drawn else nothing,
            y=one["computed"] if drawn else nothing,
            mode="lines",
            line={"color": COMPUTED, "width": 2.5, "dash": ("solid", "dot")[k % 2]},
            meta=f"computed.{k}",
            visible=drawn,
            name="computed" + (f", as {one['title']}" if drawn and k else ""),
            hovertemplate="%{x:.1f} eV, computed %{y:.3g}<extra></extra>",
            row=1,
            col=1,
        )
    for k in range(models):
        one = curves[k] if k < len(curves) else None
        figure.add_scatter(
            x=nothing if one is None else one["energy"],
            y=nothing if one is None else one["mean"],
            mode="lines",
            line={"color": CRYSTAL if one is None else one["color"], "width": 2.5, "dash": PREDICTED_DASHES[k % 2]},
            name="" if one is None else f"predicted {one['title']}",
            visible=one is not None,
            meta=f"mean.{k}",
            hovertemplate="%{x:.1f} eV, predicted %{y:.3g}<extra></extra>",
            row=1,
            col=1,
        )
    for k in range(max(slots, len(channels))):
        used = k < len(channels)
        figure.add_scatter(
            x=input_energy if used else nothing,
            y=inputs[k] if used else nothing,
            mode="lines",
            meta=f"input.{k}",
            line={"color": (COMPUTED, *OKABE_ITO[3:], "#7f7f7f")[k % 5], "width": 2, "dash": DASHES[k % 4]},
            name=channels[k] if used else "",
            visible=used,
            legend="legend2",
            hovertemplate=f"%{{x:.1f}} eV, {channels[k] if used else ''} %{{y:.3g}}<extra></extra>",
            row=2,
            col=1,
        )
    low, high = curves[0]["energy"][[0, -1]]
    figure.update_xaxes(title_text=TITLES[zero], range=[low, high], row=1, col=1)
    figure.update_xaxes(
        title_text=TITLES[input_zero],
        range=[low, high] if zero in ("edge", "onset") and input_zero == "cbm" else [input_energy[0], input_energy[-1]],
        row=2,
        col=1,
    )
    figure.update_yaxes(title_text=f"ELNES ({unit})", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="PDOS<br>(states/eV/atom)", rangemode="tozero", row=2, col=1)
    styled(figure, height=height, margin={"t": 52})
    corner = {"x": 0.995, "xanchor": "right", "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"}
    return figure.update_layout(
        showlegend=True,
        dragmode="zoom",
        uirevision="prediction",
        legend=ABOVE,
        modebar=BESIDE,
        legend2=corner | {"y": 0.28},
    )


def _same(one, other):
    """Whether the computed spectra of two curves are the same points."""
    return len(one["computed"]) == len(other["computed"]) and all(
        np.allclose(one[name], other[name], atol=1e-4) for name in ("computed_energy", "computed")
    )
