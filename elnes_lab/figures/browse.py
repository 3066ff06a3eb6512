"""Figures of the spectra as they are browsed: overlay with PDOS, map, histograms."""

import numpy as np

from ..errors import DataError
from ..spectra import ENERGY_TITLES
from .style import AMORPHOUS, CRYSTAL, LEGEND_LIMIT, SUPERSCRIPT, blank, curve_style, power_of_ten, styled

MOST_LABELS = 24  # curves that are named at their right ends, where a legend would hide them
LABEL_WIDTH, LABEL_LETTERS = 176, 19  # pixels beside the axes, letters of a name in them
LINES = {"solid": "━", "dash": "╍", "dot": "┈", "dashdot": "┅"}  # of a curve, before its name


def _seen(energy, curves, step, energy_range):
    """(low, high) that shows curves (n, m) within energy_range, or None; the valence band would flatten the rest."""
    if energy_range is None:
        return None
    inside = (energy >= energy_range[0] + 3.0) & (energy <= energy_range[1])
    tops = np.nan_to_num(curves[:, inside]).max(axis=1, initial=0.0) + step * np.arange(len(curves))
    top = tops.max(initial=0.0) or 1.0
    return -0.02 * top, 1.08 * top


def _rows(values, name, columns):
    """`values` as a float array (n, columns), or an error that says which shape was expected."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    if values.shape[-1] != columns:
        raise DataError(
            f"{name} has {values.shape[-1]} points but its energy axis has {columns}. Give one value per energy."
        )
    return values


def spectrum_overlay(
    energy,
    intensity,
    *,
    pdos_energy=None,
    pdos=None,
    names=None,
    styles=None,
    channel="O p",
    zero="vbm",
    waterfall=False,
    energy_range=None,
    slots=None,
    height=520,
):
    """Figure of n spectra above each other and, below on the same energy axis, their ground-state PDOS.

    energy (m,) in eV, intensity (n, m) in bohr^2/eV; pdos_energy (k,) in eV and pdos (n, k) in states/eV/atom, or None.
    names: n texts; styles: n pairs (colour, dash); zero: "vbm", "onset" or "loss", what the energies count from;
    waterfall: shift every curve up by 60 % of the highest one; energy_range: (low, high) in eV shown first, with the
    heights fitted to what lies above its first 3 eV;
    slots: draw this many traces per row, the unused ones hidden, so that a live figure can be updated in place.
    Raises DataError where lengths do not fit together or the zero is unknown.
    """
    from plotly.subplots import make_subplots

    if zero not in ENERGY_TITLES:
        raise DataError(f"No energy zero is called {zero!r}. Choose one of {', '.join(ENERGY_TITLES)}.")
    energy = np.asarray(energy, dtype=float)
    intensity = _rows(intensity, "intensity", len(energy)) if np.size(intensity) else np.empty((0, len(energy)))
    count = len(intensity)
    names = [f"spectrum {i + 1}" for i in range(count)] if names is None else list(names)
    styles = [curve_style(i) for i in range(count)] if styles is None else list(styles)
    if len(names) != count or len(styles) != count:
        raise DataError(f"{count} spectra need as many names and styles; got {len(names)} and {len(styles)}.")
    power = power_of_ten(intensity)
    unit = "bohr²/eV" if power == 0 else f"10{str(power).translate(SUPERSCRIPT)} bohr²/eV"
    panels = [(energy, intensity * 10.0**-power, f"ELNES ({unit})", ".4g")]
    if pdos is not None:
        pdos_energy = np.asarray(pdos_energy, dtype=float)
        pdos = _rows(pdos, "pdos", len(pdos_energy)) if np.size(pdos) else np.empty((0, len(pdos_energy)))
        if len(pdos) != count:
            raise DataError(f"There are {count} spectra but {len(pdos)} PDOS curves. Give one PDOS for each spectrum.")
        unit = "states/eV/cell" if channel == "DOS" else "states/eV/atom"
        quantity = "DOS" if channel == "DOS" else f"{channel} PDOS"
        panels.append((pdos_energy, pdos, f"{quantity}<br>({unit})", ".3g"))

    figure = make_subplots(
        figure=blank(),
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        row_heights=[0.64, 0.36][: len(panels)],
    )
    slots = max(count, slots or 0)
    for row, (axis, curves, title, digits) in enumerate(panels, start=1):
        step = 0.6 * (_seen(axis, curves, 0.0, energy_range) or (0, np.nanmax(curves, initial=0.0)))[1]
        step = step if waterfall and count > 1 else 0.0
        for slot in range(slots):
            used = slot < count
            color, dash = styles[slot] if used else curve_style(slot)
            figure.add_scatter(
                x=axis if used else np.empty(0),
                y=curves[slot] + slot * step if used else np.empty(0),
                name=names[slot] if used else "",
                visible=used,
                mode="lines",
                line={"color": color, "dash": dash, "width": 2},
                showlegend=used and row == 1,
                legendgroup=str(slot),
                meta=f"{row}.{slot}",  # tells a live figure which of its traces this one replaces
                hovertemplate=f"%{{x:.1f}} eV, %{{y:{digits}}}" + ("<br>(shifted up)" if step else ""),
                row=row,
                col=1,
            )
        title += " + offset" if step else ""
        figure.update_yaxes(title_text=title, range=_seen(axis, curves, step, energy_range), row=row, col=1)
    figure.update_xaxes(title_text=ENERGY_TITLES[zero], row=len(panels), col=1)
    if energy_range is not None:
        figure.update_xaxes(range=list(energy_range))
    labelled = LEGEND_LIMIT < count <= MOST_LABELS
    styled(figure, height=height, margin={"r": LABEL_WIDTH} if labelled else None)
    ends = _right_ends(panels[0], figure.layout.yaxis, energy_range, waterfall) if labelled else []
    figure.update_layout(
        annotations=_labels(names, styles, ends, slots=min(slots, MOST_LABELS)),
        showlegend=0 < count <= LEGEND_LIMIT,
        legend={"x": 0.995, "xanchor": "right", "y": 0.995, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"},
        uirevision=zero,
        dragmode="zoom",
    )
    return figure


def _right_ends(panel, axis, energy_range, waterfall):
    """Heights (n,) at which n curves leave the axes on the right, as shares of the figure's height."""
    energy, curves = panel[:2]
    inside = energy <= energy_range[1] if energy_range is not None else np.ones(len(energy), bool)
    low, high = axis.range or (np.nanmin(curves), np.nanmax(curves))
    step = 0.6 * (_seen(energy, curves, 0.0, energy_range) or (0, np.nanmax(curves)))[1] if waterfall else 0.0
    last = np.array([next(iter(curve[inside][np.isfinite(curve[inside])][::-1]), low) for curve in curves])
    share = np.clip((last + step * np.arange(len(curves)) - low) / (high - low), 0, 1)
    bottom, top = axis.domain
    return bottom + share * (top - bottom)


def _labels(names, styles, ends, *, slots):
    """Names at the right ends of the curves, one above the other without touching; `slots` of them, the unused ones hidden."""
    places = np.empty(len(ends))
    room = 1 / MOST_LABELS
    order = np.argsort(ends, kind="stable")
    for rank, i in enumerate(order):  # upwards, each at least above the one before
        places[i] = ends[i] if rank == 0 else max(ends[i], places[order[rank - 1]] + room)
    for rank, i in reversed(list(enumerate(order))):  # and down again from the top where they would leave the figure
        most = 1 - room / 2 if rank == len(order) - 1 else places[order[rank + 1]] - room
        places[i] = min(places[i], most)
    found = []
    for k in range(slots):
        used = k < len(places)
        name = names[k] if used else ""
        short = name if len(name) <= LABEL_LETTERS else name[: LABEL_LETTERS - 1] + "…"
        # The line in the colour of its curve; the letters in that of the page, which can be read on any.
        text = f"<span style='color:{styles[k][0]}'>{LINES[styles[k][1]]}</span> {short}" if used else ""
        found.append(
            {
                "xref": "paper",
                "yref": "paper",
                "x": 1.005,
                "y": float(places[k]) if used else 0,
                "xanchor": "left",
                "yanchor": "middle",
                "text": text,
                "hovertext": name,
                "showarrow": False,
                "visible": used,
                "font": {"size": 14},
                "align": "left",
            }
        )
    return found


def spectral_map(
    scores,
    *,
    values,
    title,
    names=None,
    amorphous=None,
    shown=None,
    selected=(),
    styles=None,
    explained=None,
    height=360,
):
    """Figure of n spectra as points: the nearer two points, the more alike their spectra.

    scores (n, 2): principal-component scores; values (n,) colour the points, numbers or texts; title names them with
    their unit. names: n hover texts; amorphous (n,) bool draws squares instead of circles; shown (n,) bool fades the
    others; selected: positions drawn large in the colours `styles` (pairs of colour and dash) of their curves;
    explained: the two fractions of variance, for the axis titles. Traces: all points, then the selected ones.
    Raises DataError where lengths do not fit together.
    """
    scores = np.asarray(scores, dtype=float)
    values = np.asarray(values)
    if scores.ndim != 2 or scores.shape[1] < 2 or len(scores) != len(values):
        raise DataError(
            f"The map needs two scores and one value per spectrum; got scores {scores.shape} and {len(values)} values."
        )
    count = len(scores)
    names = np.arange(count).astype(str) if names is None else np.asarray(names)
    amorphous = np.zeros(count, bool) if amorphous is None else np.asarray(amorphous, bool)
    shown = np.ones(count, bool) if shown is None else np.asarray(shown, bool)
    symbols = np.where(amorphous, "square", "circle")
    marker = {"size": 9, "symbol": symbols, "opacity": np.where(shown, 0.85, 0.12), "line": {"width": 0}}
    if values.dtype.kind in "OUSb" or not np.issubdtype(values.dtype, np.number):
        kinds, codes = np.unique(values.astype(str), return_inverse=True)
        palette = [curve_style(i)[0] for i in range(len(kinds))]
        marker |= {"color": np.asarray(palette, object)[codes].tolist(), "showscale": False}
        text = values.astype(str)
    else:
        numbers = values.astype(float)
        text = np.array([f"{v:.3g}" if np.isfinite(v) else "no value" for v in numbers])
        finite = numbers[np.isfinite(numbers)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
        marker |= {
            "color": numbers,
            "colorscale": "Cividis",
            "cmin": low,
            "cmax": high,
            "showscale": True,
            "colorbar": {
                "title": {"text": title, "side": "right", "font": {"size": 14}},
                "thickness": 12,
                "outlinewidth": 0,
                "x": 1.01,
            },
        }
    figure = blank()
    figure.add_scatter(
        x=scores[:, 0],
        y=scores[:, 1],
        mode="markers",
        marker=marker,
        text=names,
        customdata=text,
        hovertemplate=f"<b>%{{text}}</b><br>{title}: %{{customdata}}<extra></extra>",
    )
    figure.add_scatter(**selected_points(scores, names=names, amorphous=amorphous, selected=selected, styles=styles))
    # Selecting in a live figure would fade the rest for ever; the selection is drawn by the second trace instead.
    figure.update_traces(selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.85}})
    share = [] if explained is None else [f" ({100 * part:.0f} %)" for part in explained]
    share += ["", ""]  # no share known
    figure.update_xaxes(title_text=f"Principal component 1{share[0]}")
    figure.update_yaxes(title_text=f"Principal component 2{share[1]}")
    styled(figure, height=height)
    return figure.update_layout(showlegend=False, dragmode="pan", uirevision="map")


def selected_points(scores, *, selected, names=None, amorphous=None, styles=None):
    """Properties (dict) of the map's trace of selected points: large, each in the colour of its curve, named in `text`.

    scores (n, 2), names (n,), amorphous (n,): of all points; selected: positions; styles: pairs (colour, dash).
    """
    selected = np.asarray(selected, dtype=int)
    styles = [curve_style(i) for i in range(len(selected))] if styles is None else list(styles)
    square = np.zeros(len(selected), bool) if amorphous is None else np.asarray(amorphous, bool)[selected]
    return {
        "x": np.asarray(scores, float)[selected, 0],
        "y": np.asarray(scores, float)[selected, 1],
        "mode": "markers",
        "marker": {
            "size": 14,
            "symbol": np.where(square, "square", "circle"),
            "color": [color for color, _ in styles],
            "line": {"color": "white", "width": 2},
        },
        "customdata": selected,
        "text": selected.astype(str) if names is None else np.asarray(names)[selected],
        "hovertemplate": "<b>%{text}</b>, selected<extra></extra>",
    }


def database_overview(
    columns,
    *,
    titles,
    amorphous,
    selected=None,
    bins=30,
    height=360,
):
    """Figure of histograms, one per column, crystals (grey) stacked with amorphous sites (blue, hatched).

    columns: mapping of name to values (n,), where NaN is left out; titles: mapping of name to axis title with unit;
    amorphous (n,) bool; selected (n,) bool marks sites by ticks below the bars; bins: number of bars.
    Raises DataError where no column is given or one has another length than `amorphous`.
    """
    from plotly.subplots import make_subplots

    if not columns:
        raise DataError("There is no column to count. Give at least one mapping of a name to values.")
    amorphous = np.asarray(amorphous, bool)
    across = 2 if len(columns) > 1 else 1
    down = -(-len(columns) // across)
    figure = make_subplots(
        figure=blank(), rows=down, cols=across, vertical_spacing=0.6 / down if down > 1 else 0, horizontal_spacing=0.12
    )
    for index, (name, values) in enumerate(columns.items()):
        values = np.asarray(values, dtype=float)
        if values.shape != amorphous.shape:
            raise DataError(f"Column {name!r} has {values.size} values for {amorphous.size} sites. Give one per site.")
        place = {"row": index // across + 1, "col": index % across + 1}
        finite = values[np.isfinite(values)]
        edges = np.histogram_bin_edges(finite, bins=bins) if len(finite) else np.array([0.0, 1.0])
        width = edges[1] - edges[0]
        centers = edges[:-1] + width / 2
        for label, mask, color, pattern in (
            ("crystal", ~amorphous, CRYSTAL, ""),
            ("amorphous", amorphous, AMORPHOUS, "/"),
        ):
            figure.add_bar(
                x=centers,
                y=np.histogram(values[mask & np.isfinite(values)], edges)[0],
                width=width,
                name=label,
                legendgroup=label,
                showlegend=index == 0,
                marker={"color": color, "pattern": {"shape": pattern}, "line": {"width": 0}},
                hovertemplate=f"%{{x:.4g}}: %{{y}} {label} sites<extra></extra>",
                **place,
            )
        marks = values[np.asarray(selected, bool)] if selected is not None else np.empty(0)
        figure.add_scatter(
            x=marks,
            y=np.zeros(len(marks)),
            mode="markers",
            marker={"symbol": "triangle-up", "size": 11, "color": "#D55E00"},
            name="selected",
            showlegend=False,
            hoverinfo="skip",  # the bar behind a mark is what a click means
            cliponaxis=False,
            **place,
        )
        figure.update_xaxes(title_text=titles[name], **place)
        figure.update_yaxes(title_text="Sites" if place["col"] == 1 else None, **place)
    styled(figure, height=height, margin={"t": 34})
    return figure.update_layout(
        barmode="stack",
        bargap=0.05,
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
