"""Figures of the core-hole effect, from arrays: one site's PDOS, ELNES and prediction, and what was learnt of all."""

import numpy as np

from ..errors import DataError
from .inspect import ABOVE, BESIDE, COMPUTED, DOTS, PREDICTED_DASHES, mark_size, transparent
from .style import CRYSTAL, blank, styled

GROUND = "#9467BD"  # the PDOS: neither a computed nor a predicted spectrum
JITTER = 0.3  # of the points of a group, across it


def change_figure(curves, *, models=2, height=520):
    """Figure of one site: ground-state PDOS, computed ELNES and predictions on one axis, and below each less the PDOS.

    curves: a dict per model with energy (m,) eV, of the PDOS above the conduction-band minimum, of the ELNES above its own edge
    (or the first empty level, where the model counts from there); ground, computed, predicted (m,), lower
    and upper (m,) or None, all in units of the mean of the computed spectrum, title and color. models: draw traces for
    this many, unused ones hidden. Raises DataError for no curve.
    """
    from plotly.subplots import make_subplots

    if not curves:
        raise DataError("There is no prediction to draw. Give the curves of at least one model.")
    figure = make_subplots(
        figure=blank(), rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.62, 0.38]
    )
    lead, nothing = curves[0], np.empty(0)
    energy, top, bottom = lead["energy"], {"row": 1, "col": 1}, {"row": 2, "col": 1}
    figure.add_scatter(
        x=np.r_[energy, energy[::-1]],
        y=np.r_[lead["ground"], lead["computed"][::-1]],
        mode="lines",
        fill="toself",
        fillcolor=transparent(COMPUTED, 0.12),
        line={"width": 0},
        hoverinfo="skip",
        meta="change",
        visible=True,
        name="the core hole's change",
        showlegend=False,
        **top,
    )
    pairs = [curves[k] if k < len(curves) else None for k in range(models)]
    for k, one in enumerate(pairs):
        banded = one is not None and one["lower"] is not None
        figure.add_scatter(
            x=np.r_[one["energy"], one["energy"][::-1]] if banded else nothing,
            y=np.r_[one["upper"], one["lower"][::-1]] if banded else nothing,
            mode="lines",
            fill="toself",
            line={"width": 0},
            hoverinfo="skip",
            meta=f"band.{k}",
            visible=banded,
            fillcolor=transparent(one["color"] if banded else CRYSTAL, 0.2),
            showlegend=False,
            **top,
        )
    shared = {"mode": "lines", "visible": True}
    figure.add_scatter(
        x=energy,
        y=lead["ground"],
        name="O p PDOS, ground state",
        meta="ground",
        line={"color": GROUND, "width": 2.5, "dash": "dot"},
        hovertemplate="%{x:.1f} eV, PDOS %{y:.3g}<extra></extra>",
        **shared,
        **top,
    )
    figure.add_scatter(
        x=energy,
        y=lead["computed"],
        name="computed ELNES",
        meta="computed",
        line={"color": COMPUTED, "width": 2.5},
        hovertemplate="%{x:.1f} eV, computed %{y:.3g}<extra></extra>",
        **shared,
        **top,
    )
    figure.add_scatter(
        x=energy,
        y=lead["computed"] - lead["ground"],
        meta="computed change",
        showlegend=False,
        line={"color": COMPUTED, "width": 2.5},
        hovertemplate="%{x:.1f} eV, computed %{y:+.3g}<extra></extra>",
        **shared,
        **bottom,
    )
    for k, one in enumerate(pairs):
        style = {"color": CRYSTAL if one is None else one["color"], "width": 2.5, "dash": PREDICTED_DASHES[k % 2]}
        for values, sign, place in (("predicted", "", top), ("change", "+", bottom)):
            y = nothing
            if one is not None:
                y = one["predicted"] - (one["ground"] if values == "change" else 0)
            figure.add_scatter(
                x=nothing if one is None else one["energy"],
                y=y,
                mode="lines",
                line=style,
                meta=f"{values}.{k}",
                name="" if one is None else f"predicted {one['title']}",
                visible=one is not None,
                showlegend=values == "predicted",
                hovertemplate=f"%{{x:.1f}} eV, predicted %{{y:{sign}.3g}}<extra></extra>",
                **place,
            )
    figure.update_xaxes(range=[energy[0], energy[-1]])
    figure.update_xaxes(title_text="Above the edge (eV)", **bottom)
    figure.update_yaxes(title_text="Intensity (mean ELNES = 1)", rangemode="tozero", **top)
    figure.update_yaxes(title_text="ELNES − PDOS", **bottom)
    styled(figure, height=height, margin={"t": 56})
    figure.update_yaxes(zeroline=True, zerolinecolor="#8c96a3", **bottom)
    return figure.update_layout(showlegend=True, dragmode="zoom", uirevision="change", legend=ABOVE, modebar=BESIDE)


def learnt_figure(
    learnt,
    *,
    computed,
    predicted,
    known,
    amorphous,
    names,
    titles,
    colors,
    marked=None,
    slots=2,
    height=360,
):
    """Figure of what k models have learnt of the change in n spectra: its share by group, and the gain near the edge.

    learnt (k, n): share of the change learnt, NaN where it is not known; computed and predicted (k, n): share of the
    intensity that the core hole moves to the edge; known (k, n): trained on, drawn hollow; amorphous (n,): squares;
    names: n texts; titles and colors: k texts; marked: number of a spectrum drawn large. slots: draw traces for this
    many models. Raises DataError where lengths do not fit together.
    """
    from plotly.subplots import make_subplots

    shape = (len(titles), len(names))
    if any(np.size(values) != shape[0] * shape[1] for values in (learnt, computed, predicted, known)):
        raise DataError(f"{shape[1]} spectra and {shape[0]} models need as many shares and gains. Give one for each.")
    learnt, computed, predicted = (100 * np.asarray(v, float).reshape(shape) for v in (learnt, computed, predicted))
    known, amorphous = np.asarray(known, bool).reshape(shape), np.asarray(amorphous, bool)
    figure = make_subplots(figure=blank(), rows=1, cols=2, horizontal_spacing=0.26, column_widths=[0.5, 0.5])
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    spread = np.random.default_rng(0).uniform(-JITTER, JITTER, shape[1])
    ends = _ends(computed, predicted)
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": "#8c96a3", "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
        meta="diagonal",
        showlegend=False,
        visible=True,
        **right,
    )
    marks = [([], []), ([], [])]
    count = max(slots, len(titles))
    for k in range(count):
        used = k < len(titles)
        color, title = (colors[k], titles[k]) if used else (CRYSTAL, "")
        seen = known[k] if used else np.zeros(0, bool)
        glass = amorphous if used else np.zeros(0, bool)
        side = 0.0 if len(titles) < 2 else (-0.2, 0.2)[k % 2]
        across = glass + side + spread[: len(seen)] * (0.5 if len(titles) > 1 else 1)
        marker = {
            "size": mark_size(shape[1]),
            "symbol": np.where(glass, "square", "circle").astype(object)
            + np.where(seen, "-open", "").astype(object)
            + DOTS[k % 2],
            "color": np.where(seen | glass, color, CRYSTAL),
            "line": {"width": 1.5, "color": color},
            "opacity": 0.7,
        }
        shared = {
            "mode": "markers",
            "marker": marker,
            "visible": used,
            "showlegend": False,
            "text": list(names) if used else [],
        }
        figure.add_scatter(
            x=across,
            y=learnt[k] if used else [],
            meta=f"learnt.{k}",
            name=title,
            hovertemplate=f"<b>%{{text}}</b><br>%{{y:.0f}} % learnt {title}<extra></extra>",
            **shared,
            **left,
        )
        figure.add_scatter(
            x=computed[k] if used else [],
            y=predicted[k] if used else [],
            meta=f"gain.{k}",
            name=title,
            hovertemplate=f"<b>%{{text}}</b><br>computed %{{x:.1f}} %, predicted %{{y:.1f}} %<br>{title}"
            "<extra></extra>",
            **shared,
            **right,
        )
        xs, ys = [], []
        for kind in (False, True):
            inside = (glass == kind) & ~seen
            values = learnt[k, inside] if used else np.empty(0)
            values = values[np.isfinite(values)]
            if len(values):
                xs.append(kind + side)
                ys.append(np.median(values))
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="markers",
            meta=f"median.{k}",
            visible=bool(xs),
            marker={"size": 15, "symbol": "diamond", "color": color, "line": {"color": "white", "width": 2}},
            showlegend=False,
            hovertemplate="median %{y:.0f} %<extra></extra>",
            **left,
        )
        if used and marked is not None and np.isfinite(learnt[k, marked]):
            for (x, y), place in zip(marks, ((across, learnt[k]), (computed[k], predicted[k]))):
                x.append(place[0][marked])
                y.append(place[1][marked])
    for number, ((x, y), place) in enumerate(zip(marks, (left, right))):
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            meta=f"marked.{number}",
            visible=bool(x),
            showlegend=False,
            hoverinfo="skip",
            marker={"size": 17, "symbol": "circle-open", "color": COMPUTED, "line": {"width": 2.5}},
            **place,
        )
    figure.update_xaxes(tickvals=[0, 1], ticktext=["crystal", "amorph."], range=[-0.6, 1.6], showgrid=False, **left)
    figure.update_xaxes(autotickangles=[0, 40], automargin="height", **left)  # side by side where there is room
    figure.update_yaxes(title_text="Change learnt (%)", **left)
    figure.update_xaxes(title_text="Computed gain (%)", **right)
    figure.update_yaxes(title_text="Predicted gain (%)", **right)
    styled(figure, height=height, margin={"t": 14, "r": 24})
    return figure.update_layout(showlegend=False, dragmode="zoom", uirevision=str(shape[1]), hovermode="closest")


def _ends(computed, predicted):
    """Both ends of the line on which prediction and computation agree."""
    values = np.concatenate([np.ravel(computed), np.ravel(predicted)])
    values = values[np.isfinite(values)]
    return [float(values.min()), float(values.max())] if len(values) else [0.0, 1.0]
