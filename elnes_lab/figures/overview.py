"""Figures of the whole database: map of the spectra, and histograms of the sites."""

import numpy as np

from ..errors import DataError
from .style import AMORPHOUS, CRYSTAL, blank, curve_style, styled

FEW = 8  # whole numbers up to so many values are coloured as kinds are: in steps, each named at the colour bar
FADED = 0.12  # opacity of the points that do not pass the filters
NO_VALUE = "#8c96a3"
COLORSCALE = "Cividis"  # the same for all who see colours, and from dark to light


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

    scores (n, 2): principal-component scores; values (n,) colour the points, numbers or texts, as the colour bar says; title
    names them with their unit; points without a value are crosses. names: n hover texts; amorphous (n,) bool draws squares instead of circles; shown (n,) bool fades the
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
    colors, text, unknown = coloring(values, title)
    # Opaque: a colour that shines through another one, or through the page, is not that of the colour bar.
    marker = {
        "size": 9,
        "symbol": np.where(unknown, "x", symbols),
        "opacity": np.where(shown, 1.0, FADED),
        "line": {"width": 0},
    }
    marker |= colors
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
    figure.update_traces(selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})
    share = [] if explained is None else [f" ({100 * part:.0f} %)" for part in explained]
    share += ["", ""]  # no share known
    figure.update_xaxes(title_text=f"Principal component 1{share[0]}")
    figure.update_yaxes(title_text=f"Principal component 2{share[1]}")
    styled(figure, height=height)
    return figure.update_layout(showlegend=False, dragmode="pan", uirevision="map")


def coloring(values, title):
    """(properties of markers with their colour bar, texts (n,) of the values, mask (n,) of what has none).

    Numbers are coloured on a scale; texts, and whole numbers of which there are no more than FEW, in steps that the colour bar
    names.
    """
    numeric = values.dtype.kind not in "OUSb" and np.issubdtype(values.dtype, np.number)
    numbers = values.astype(float) if numeric else np.zeros(len(values))
    unknown = ~np.isfinite(numbers)
    kinds = np.unique(numbers[~unknown] if numeric else values.astype(str))
    bar = {
        "title": {"text": title, "side": "right", "font": {"size": 14}},
        "thickness": 12,
        "outlinewidth": 0,
        "x": 1.01,
    }
    if numeric and not (0 < len(kinds) <= FEW and np.all(kinds == np.round(kinds))):
        low, high = (kinds[0], kinds[-1]) if len(kinds) else (0.0, 1.0)
        scale, codes = COLORSCALE, numbers
        text = np.array(["no value" if missing else f"{value:.3g}" for missing, value in zip(unknown, numbers)])
        bar |= {"tickmode": "auto"}
    else:
        names = [f"{kind:.0f}" if numeric else str(kind) for kind in kinds]
        low, high = -0.5, len(kinds) - 0.5
        palette = shades(len(kinds)) if numeric else [curve_style(i)[0] for i in range(len(kinds))]
        scale = [[(i + end) / len(kinds), color] for i, color in enumerate(palette) for end in (0, 1)]
        codes = np.searchsorted(kinds, np.where(unknown, kinds[0], numbers) if numeric else values.astype(str))
        text = np.where(unknown, "no value", np.array(names)[codes])
        bar |= {"tickmode": "array", "tickvals": list(range(len(kinds))), "ticktext": names}
    colors = codes.tolist() if not unknown.any() else [NO_VALUE if u else c for u, c in zip(unknown, codes.tolist())]
    marker = {"color": colors, "colorscale": scale, "cmin": low, "cmax": high, "showscale": True, "colorbar": bar}
    return marker, text, unknown


def shades(count):
    """Colours of so many steps from the beginning to the end of the colour scale."""
    from plotly.colors import sample_colorscale

    return sample_colorscale(COLORSCALE, np.linspace(0, 1, count).tolist() if count > 1 else [0.5])


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
