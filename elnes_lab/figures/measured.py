"""Figures of a measured spectrum, from arrays: its treatment step by step, beside computed ones, a spectrum image."""

import numpy as np

from ..errors import DataError
from ..spectra import ENERGY_TITLES
from .inspect import ABOVE, BESIDE, COMPUTED, transparent
from .style import CRYSTAL, blank, styled

MEASURED, MIXTURE = "#CC79A7", "#009E73"
PARTS = 6  # of a mixture that are drawn
TITLES = ENERGY_TITLES | {"half": "Energy above the edge at half height (eV)"}
STEPS = ("1  as read", "2  background off", "3  plural scattering off", "4  zero and scale")


def steps_figure(
    *,
    raw,
    region,
    window,
    background,
    subtracted,
    deconvolved,
    final,
    edge,
    height=330,
):
    """Four small pictures: as read with region, window and fitted background; background subtracted; deconvolved; final.

    raw, background, subtracted, deconvolved, final: (energy (n,) eV, intensity (n,)), None for what was not done; region and
    window: (low, high) eV; edge: where the final spectrum reaches half its height, eV.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        figure=blank(), rows=2, cols=2, subplot_titles=STEPS, horizontal_spacing=0.13, vertical_spacing=0.24
    )
    nothing = (np.empty(0), np.empty(0))
    places = [{"row": r, "col": c} for r in (1, 2) for c in (1, 2)]
    for place, curve, meta, color in (
        (places[0], raw, "raw", MEASURED),
        (places[0], background, "background", CRYSTAL),
        (places[1], subtracted, "subtracted", MEASURED),
        (places[2], deconvolved, "deconvolved", MEASURED),
        (places[3], final, "final", MEASURED),
    ):
        energy, intensity = curve or nothing
        figure.add_scatter(
            x=energy,
            y=intensity,
            mode="lines",
            meta=meta,
            visible=True,
            showlegend=False,
            **place,
            line={"color": color, "width": 2, "dash": "dash" if meta == "background" else "solid"},
            hovertemplate="%{x:.1f} eV, %{y:.4g}<extra></extra>",
        )
    if window is not None:
        figure.add_vrect(*window, fillcolor=transparent(CRYSTAL, 0.25), line_width=0, **places[0])
    for end in region:
        figure.add_vline(end, line={"color": CRYSTAL, "width": 1, "dash": "dot"}, **places[0])
    figure.add_vline(edge, line={"color": CRYSTAL, "width": 1.5, "dash": "dot"}, **places[3])
    for k, curve in ((1, subtracted), (2, deconvolved)):
        figure.add_annotation(
            text="not done" if curve is None else "",
            showarrow=False,
            x=0.5,
            y=0.5,
            xref=f"x{k + 1} domain",
            yref=f"y{k + 1} domain",
        )
        for update in (figure.update_xaxes, figure.update_yaxes):
            update(visible=curve is not None, **places[k])
    styled(figure, height=height, margin={"l": 10, "r": 8, "t": 24, "b": 8})
    figure.update_yaxes(nticks=4, tickformat="~s")
    figure.update_xaxes(nticks=5)
    figure.update_annotations(font_size=14)
    return figure.update_layout(showlegend=False, dragmode="zoom")


def beside_figure(
    *,
    energy,
    measured,
    computed,
    name,
    mixture,
    parts,
    zero="loss",
    unit="mean = 1",
    height=470,
):
    """A measured spectrum with a computed one and a mixture laid over it, and below what each leaves over.

    energy (n,) eV, energy loss or, with zero="half", from half height of the measured edge; measured, computed, mixture (n,) in
    `unit`; parts: (name, curve (n,), share).
    Raises DataError where lengths differ.
    """
    from plotly.subplots import make_subplots

    if not len(energy) == len(measured) == len(computed) == len(mixture):
        raise DataError(
            "The measured and the computed spectra have different numbers of points. Bring them onto one axis."
        )
    figure = make_subplots(
        figure=blank(), rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.7, 0.3]
    )
    top, bottom = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    for k in range(PARTS):
        used = k < len(parts) and len(parts) > 1
        label, curve, share = parts[k] if used else ("", np.empty(0), 0)
        figure.add_scatter(
            x=energy if used else [],
            y=curve,
            mode="lines",
            meta=f"part.{k}",
            visible=used,
            showlegend=False,
            line={"color": MIXTURE, "width": 1, "dash": "dot"},
            name=label,
            hovertemplate=f"{label}, {100 * share:.0f} %<extra></extra>",
            **top,
        )
    figure.add_scatter(
        x=energy,
        y=measured,
        mode="lines+markers",
        meta="measured",
        name="measured",
        visible=True,
        line={"color": MEASURED, "width": 1},
        marker={"size": 4, "color": MEASURED},
        hovertemplate="%{x:.1f} eV, measured %{y:.3g}<extra></extra>",
        **top,
    )
    for meta, values, title, style in (
        ("mixture", mixture, "mixture", {"color": MIXTURE, "width": 2, "dash": "dash"}),
        ("computed", computed, name, {"color": COMPUTED, "width": 2.5}),
    ):
        figure.add_scatter(
            x=energy,
            y=values,
            mode="lines",
            meta=meta,
            name=title,
            line=style,
            visible=True,
            hovertemplate=f"%{{x:.1f}} eV, {title} %{{y:.3g}}<extra></extra>",
            **top,
        )
        figure.add_scatter(
            x=energy,
            y=measured - values,
            mode="lines",
            meta=f"residual.{meta}",
            line=style,
            visible=True,
            showlegend=False,
            hovertemplate="%{x:.1f} eV, residual %{y:+.3g}<extra></extra>",
            **bottom,
        )
    figure.update_xaxes(range=[float(energy[0]), float(energy[-1])])
    figure.update_xaxes(title_text=TITLES[zero], **bottom)
    figure.update_yaxes(title_text=f"Intensity ({unit})", rangemode="tozero", **top)
    figure.update_yaxes(title_text="Residual", **bottom)
    styled(figure, height=height, margin={"t": 56})
    figure.update_yaxes(zeroline=True, zerolinecolor="#8c96a3", **bottom)
    return figure.update_layout(showlegend=True, dragmode="zoom", legend=ABOVE, modebar=BESIDE)


def picture_figure(values, *, step, shape, region, height=240):
    """A spectrum image: values (rows, columns) of every step-th pixel of `shape`; region (top, bottom, left, right) framed."""
    figure = blank()
    rows, columns = np.shape(values)
    figure.add_heatmap(
        z=values,
        x=step[1] * np.arange(columns),
        y=step[0] * np.arange(rows),
        colorscale="Viridis",
        showscale=False,
        meta="picture",
        hovertemplate="column %{x}, row %{y}: %{z:.4g}<extra></extra>",
    )
    # A box can be drawn on marks, not on a heatmap: one that nobody sees on every pixel.
    y, x = np.divmod(np.arange(rows * columns), columns)
    figure.add_scatter(
        x=step[1] * x, y=step[0] * y, mode="markers", meta="pixels", marker={"opacity": 0, "size": 4}, hoverinfo="skip"
    )
    styled(figure, height=height, margin={"t": 8})
    top, bottom, left, right = region
    figure.add_shape(
        type="rect", x0=left - 0.5, x1=right - 0.5, y0=top - 0.5, y1=bottom - 0.5, line={"color": "#E69F00", "width": 3}
    )
    figure.update_yaxes(title_text="Row", range=[shape[0] - 0.5, -0.5])
    figure.update_xaxes(title_text="Column", range=[-0.5, shape[1] - 0.5])
    return figure.update_layout(showlegend=False, dragmode="select")


def distribution_figure(curves, *, height=220):
    """Partial radial distributions with their intervals: dicts with name, radius (m,) angstrom, value, lower, upper (m,)."""
    from plotly.subplots import make_subplots

    figure = make_subplots(figure=blank(), rows=1, cols=2, horizontal_spacing=0.14)
    for k, one in enumerate(curves[:2]):
        place = {"row": 1, "col": k + 1}
        figure.add_scatter(
            x=np.r_[one["radius"], one["radius"][::-1]],
            y=np.r_[one["upper"], one["lower"][::-1]],
            mode="lines",
            fill="toself",
            line={"width": 0},
            fillcolor=transparent("#D55E00", 0.2),
            hoverinfo="skip",
            meta=f"band.{k}",
            visible=True,
            **place,
        )
        figure.add_scatter(
            x=one["radius"],
            y=one["value"],
            mode="lines",
            line={"color": "#D55E00", "width": 2.5, "dash": "dash"},
            meta=f"value.{k}",
            visible=True,
            hovertemplate="%{x:.2f} Å, g %{y:.2f}<extra></extra>",
            **place,
        )
        figure.update_xaxes(title_text="Distance (Å)", **place)
        figure.update_yaxes(title_text=one["name"], **place)
    styled(figure, height=height, margin={"t": 10})
    figure.update_yaxes(rangemode="tozero", nticks=4)
    return figure.update_layout(showlegend=False, dragmode="zoom")
