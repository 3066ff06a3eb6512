"""Figures of how well spectra are predicted, from arrays: the errors of all spectra, and what all figures of predictions share."""

import numpy as np

from ..errors import DataError
from ..spectra import ENERGY_TITLES
from .style import ABOVE, BESIDE, CRYSTAL, DASHES, blank, styled

COMPUTED = "#0072B2"
PREDICTED_DASHES = ("dash", "dashdot")
DOTS = ("", "-dot")  # of the markers of the first and the second model: never told apart by colour alone
SIZES = {300: 8, 10**9: 6}  # largest number of spectra: size of their marks
TITLES = ENERGY_TITLES | {
    "cbm": "Above the conduction-band edge (eV)",  # short enough for a telephone
    "edge": "Energy above the edge,<br>1.4 eV below half height (eV)",
}
LETTER = 0.028  # share of the axis of spectra that a letter of a structure's name takes, at the least width
TICKS = [factor * 10.0**power for power in range(-9, 6) for factor in (1, 2, 5)]  # of the axis of errors
FEWEST = 3  # spectra that have a distribution
BANDWIDTH = 0.05  # least width (standard deviation) of a smoothed distribution, in powers of ten


def transparent(color, share):
    """A colour "#rrggbb" at a share of opacity."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def mark_size(count):
    """Size of the marks of so many spectra."""
    return next(size for most, size in SIZES.items() if count <= most)


def error_figure(
    errors,
    *,
    known,
    amorphous,
    names,
    structures,
    titles,
    colors,
    roles=None,
    marked=None,
    slots=2,
    height=420,
):
    """Figure of the MSE of n spectra by k models (log axis), and how it is distributed over what is new to them.

    errors (k, n), dimensionless, NaN where there is none; known (k, n): the model was trained on the structure, drawn
    hollow and pale and left out of medians and distributions; amorphous (n,): squares, crystals being dots; names and
    structures: n texts, in the order of the axis; titles and colors: k texts; roles: k times n texts for the hover;
    marked: number of a spectrum drawn large. slots: draw traces for this many models, the unused ones hidden.
    Raises DataError where lengths do not fit together.
    """
    from plotly.subplots import make_subplots

    errors, count = np.asarray(errors, float), len(names)
    fits = len(structures) == len(amorphous) == count and len(colors) == len(titles)
    if not fits or errors.size != len(titles) * count:
        raise DataError(
            f"{count} spectra and {len(titles)} models need as many errors, structures, kinds and colours; got errors "
            f"{errors.shape}, {len(structures)} structures, {len(amorphous)} kinds and {len(colors)} colours."
        )
    errors = errors.reshape(len(titles), count)
    known, amorphous = np.asarray(known, bool).reshape(errors.shape), np.asarray(amorphous, bool)
    figure = make_subplots(
        figure=blank(), rows=1, cols=2, shared_yaxes=True, column_widths=[0.7, 0.3], horizontal_spacing=0.02
    )
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    for k in range(max(slots, len(titles))):
        used = k < len(titles)
        color, title = (colors[k], titles[k]) if used else (CRYSTAL, "")
        mse = errors[k] if used else np.empty(0)
        seen, glass = (known[k], amorphous) if used else (np.zeros(0, bool), np.zeros(0, bool))
        dot = DOTS[k % len(DOTS)]
        shape = np.where(glass, "square", "circle").astype(object)
        figure.add_scatter(
            x=np.arange(len(mse)),
            y=mse,
            mode="markers",
            meta=f"errors.{k}",
            name=title,
            visible=used,
            showlegend=False,
            text=list(names) if used else [],
            customdata=roles[k] if used and roles is not None else np.where(seen, "trained on", "not trained on"),
            hovertemplate=f"<b>%{{text}}</b><br>MSE %{{y:.2g}} {title}<br>%{{customdata}}<extra></extra>",
            marker={
                "size": mark_size(count),
                "symbol": shape + np.where(seen, "-open", "").astype(object) + dot,
                # What is held out is what matters: it has the colour, what was trained on recedes.
                "color": np.where(seen, CRYSTAL, color),
                "line": {"width": 1.2, "color": np.where(seen, CRYSTAL, color)},
                "opacity": np.where(seen, 0.4, 0.9),
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            **left,
        )
    for k in range(max(slots, len(titles))):
        used = k < len(titles)
        color = colors[k] if used else CRYSTAL
        xs, ys = [], []
        for kind, center in ((False, 0.0), (True, 1.0)):
            inside = np.flatnonzero((amorphous == kind) & ~known[k] & (errors[k] > 0)) if used else np.empty(0, int)
            if len(inside):
                middle = np.median(errors[k, inside])
                whole = np.flatnonzero(amorphous == kind)
                xs += [whole[0] - 0.5, whole[-1] + 0.5, None]
                ys += [middle, middle, None]
            half = _half_violin(errors[k, inside]) if len(inside) >= FEWEST else (np.empty(0), np.empty(0))
            side = -1 if k % 2 == 0 and len(titles) > 1 else 1
            figure.add_scatter(
                x=center + side * 0.44 * half[0],
                y=half[1],
                mode="lines",
                fill="toself",
                fillcolor=transparent(color, 0.45),
                line={"color": color, "width": 1.5},
                meta=f"spread.{k}.{int(kind)}",
                visible=len(inside) >= FEWEST,
                showlegend=False,
                hoverinfo="skip",
                **right,
            )
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"color": color, "width": 2.5, "dash": DASHES[k % 2]},
            meta=f"median.{k}",
            name=f"median {titles[k]}" if used else "",
            visible=bool(xs),
            showlegend=False,
            hovertemplate="median MSE %{y:.3g}<extra></extra>",
            **left,
        )
    figure.add_scatter(**mark(errors, marked), meta="marked", showlegend=False, hoverinfo="skip", **left)
    _legend(figure, titles, colors, amorphous, known, max(slots, len(titles)))
    _order_axis(figure, structures, amorphous)
    low, high = _decades(errors)
    figure.update_yaxes(type="log", range=[low, high], tickvals=TICKS, ticktext=[f"{tick:g}" for tick in TICKS])
    figure.update_yaxes(title_text="MSE (mean intensity = 1)", **left)
    figure.update_xaxes(autotickangles=[0, 40], automargin="height")  # names that would cover each other lean
    figure.update_yaxes(fixedrange=True, **right)  # its handle to drag would cover the last spectra
    figure.update_xaxes(
        tickvals=[0, 1],
        ticktext=["crystal", "<br>amorph."],  # a step lower: on a telephone they have no room beside each other
        range=[-0.6, 1.6],
        showgrid=False,
        fixedrange=True,
        tickangle=0,  # leaning, the last name would end beyond the figure, where plotly leaves it out
        **right,
    )
    styled(figure, height=height, margin={"t": 58, "b": 52})
    return figure.update_layout(
        dragmode="select",
        uirevision=f"{count}",
        hovermode="closest",
        legend=ABOVE | {"itemclick": False, "itemdoubleclick": False},
        modebar=BESIDE,
    )


def mark(errors, marked):
    """Properties (dict) of the trace that marks spectrum number `marked` of errors (k, n), or none with None."""
    values = [] if marked is None else [v for v in np.asarray(errors, float)[:, marked] if np.isfinite(v)]
    return {
        "x": [marked] * len(values),
        "y": values,
        "mode": "markers+lines",
        "marker": {"size": 17, "symbol": "circle-open", "color": COMPUTED, "line": {"width": 2.5, "color": COMPUTED}},
        "line": {"color": COMPUTED, "width": 1.5},
        "visible": bool(values),
    }


def _half_violin(values):
    """Outline of a smoothed distribution of positive values on a log axis: widths 0 to 1, values."""
    logs = np.log10(values)
    width = max(BANDWIDTH, 0.9 * logs.std() * len(logs) ** -0.2)  # Silverman's rule
    grid = np.linspace(logs.min() - 2.5 * width, logs.max() + 2.5 * width, 60)
    density = np.exp(-0.5 * ((grid[:, None] - logs) / width) ** 2).sum(axis=1)
    return np.concatenate([[0], density / density.max(), [0]]), 10 ** grid[np.r_[0, np.arange(60), 59]]


def _decades(errors):
    """Limits of the log axis, powers of ten, with room around the errors."""
    logs = np.log10(errors[errors > 0]) if np.any(errors > 0) else np.array([-2.0, -1.0])
    room = 0.08 * max(np.ptp(logs), 0.5)
    low, high, ticks = logs.min() - room, logs.max() + room, np.log10(TICKS)
    if ((ticks >= low) & (ticks <= high)).sum() < 2:  # an axis with one number on it says nothing
        low, high = min([low, *ticks[ticks < logs.min()][-1:]]), max([high, *ticks[ticks > logs.max()][:1]])
    return float(low), float(high)


def _legend(
    figure,
    titles,
    colors,
    amorphous,
    known,
    slots,
):
    """Legend entries without data: models by colour, kinds by shape, and what hollow means."""
    entries = [
        (
            k < len(titles),
            titles[k] if k < len(titles) else "",
            "square" + DOTS[k % 2],
            colors[k] if k < len(titles) else CRYSTAL,
            None,
        )
        for k in range(slots)
    ]
    entries += [
        (bool((~amorphous).any()), "crystal", "circle", "#666666", None),
        (bool(amorphous.any()), "amorphous", "square", "#666666", None),
        (bool(known.any()), "trained on", "circle-open", CRYSTAL, None),
    ]
    for number, (visible, name, symbol, color, line) in enumerate(entries):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            visible=visible,
            meta=f"legend.{number}",
            hoverinfo="skip",
            marker={"size": 10, "symbol": symbol, "color": color, "line": {"width": 1.5, "color": line or color}},
            row=1,
            col=1,
        )


def _order_axis(figure, structures, amorphous):
    """The axis of spectra: a tick between structures, wide ones named, and a line between crystals and amorphous."""
    count = len(structures)
    names = np.asarray(structures).astype(str)
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if count else np.empty(0, int)
    ends = np.r_[starts[1:], count] if count else np.empty(0, int)
    wide, taken = [], np.zeros(max(count, 1) * 4, bool)  # quarters of a step: are they below a name?
    for i in np.argsort(starts - ends, kind="stable"):
        center, half = 2 * (starts[i] + ends[i] - 1), 2 * LETTER * len(names[starts[i]]) * count
        place = slice(max(int(center - half), 0), int(center + half) + 1)
        if not taken[place].any() and center + half <= len(taken) * 1.02:
            taken[place] = True
            wide.append((starts[i], ends[i]))
    figure.update_xaxes(
        title_text="Spectra, by structure",
        range=[-1, max(count, 1)],
        showgrid=False,
        tickvals=[(start + end - 1) / 2 for start, end in wide],
        ticktext=[names[start] for start, _ in wide],
        minor={"tickvals": (starts - 0.5).tolist(), "ticks": "outside", "ticklen": 3},
        row=1,
        col=1,
    )
    border = np.flatnonzero(amorphous[1:] != amorphous[:-1]) + 0.5 if count else []
    at = float(border[0]) if len(border) else -1
    figure.update_layout(
        shapes=[
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": at,
                "x1": at,
                "y0": 0,
                "y1": 1,
                "line": {"color": "#8c96a3", "width": 1, "dash": "dot"},
                "visible": bool(len(border)),
            }
        ]
    )
