"""Figure of the spectra as they are browsed: overlay with PDOS."""

import numpy as np

from ..errors import DataError
from ..spectra import ENERGY_TITLES
from .style import ABOVE, BESIDE, LEGEND_LIMIT, blank, curve_style, intensity_unit, styled

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
    normalized=False,
    waterfall=False,
    energy_range=None,
    slots=None,
    height=520,
):
    """Figure of n spectra above each other and, below on the same energy axis, their ground-state PDOS.

    energy (m,) in eV, intensity (n, m) in bohr^2/eV or, if normalized, in units of the mean; pdos_energy (k,) in eV and pdos (n, k) in states/eV/atom, or None.
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
    factor, unit = intensity_unit(intensity, normalized)
    panels = [(energy, intensity * factor, f"ELNES ({unit})", ".4g")]
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
    legend = 0 < count <= LEGEND_LIMIT
    styled(figure, height=height, margin={"r": LABEL_WIDTH} if labelled else {"t": 36} if legend else None)
    ends = _right_ends(panels[0], figure.layout.yaxis, energy_range, waterfall) if labelled else []
    figure.update_layout(
        annotations=_labels(names, styles, ends, slots=min(slots, MOST_LABELS)),
        showlegend=legend,
        legend=ABOVE | {"tracegroupgap": 0},
        modebar=BESIDE,
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
