"""Plotly figures of a training, from arrays: what the network sees, how it learns, what it predicts.

Every function draws the same number of traces whatever is shown, so that a live figure can take over another one.
"""

import numpy as np

from ..errors import DataError
from .style import SUPERSCRIPT, blank, curve_style, power_of_ten, styled

COMPUTED, PREDICTED, SECOND, FIRST = "#0072B2", "#D55E00", "#009E73", "#999999"
ZEROS = {
    "vbm": "Energy above the valence-band maximum (eV)",
    "cbm": "Energy above the conduction-band edge (eV)",
    "onset": "Energy above the first empty level (eV)",
    "edge": "Energy above the edge, 1.4 eV below half height (eV)",
}
SHORT = {
    "vbm": "Above VB maximum (eV)",
    "cbm": "Above CB minimum (eV)",
    "onset": "Above first empty level (eV)",
    "edge": "Above edge (eV)",
}
COLUMNS = 3
LINE, SYMBOL = 52, 6  # letters in a line of the legend at the least width of the page, and those a symbol takes
# Role, colour, dash and width of the curves of one site, from back to front.
CURVES = (
    ("computed", COMPUTED, "solid", 2.5),
    ("first", FIRST, "dot", 2),
    ("predicted", PREDICTED, "dash", 2),
    ("second", SECOND, "dashdot", 2),
)
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}
TOP = {"yref": "container", "y": 1, "yanchor": "top"}  # above titles of subplots, which a legend on paper runs into


def chosen_windows(
    pdos_energy,
    pdos,
    *,
    channels,
    chosen,
    input_window,
    input_zero,
    energy,
    intensity,
    target_window,
    target_zero,
    input_range=(-10, 25),
    target_range=(-5, 40),
    height=250,
):
    """Figure of the PDOS (left) and ELNES (right) of one site, the windows that a network sees and predicts shaded.

    pdos_energy (k,) in eV from input_zero and pdos (c, k) in states/eV/atom, one row for each of `channels`, of which
    those in `chosen` are drawn; energy (m,) in eV from target_zero and intensity (m,) in bohr^2/eV. Zeros: "vbm", "cbm",
    "onset" or "edge". input_range, target_range: (low, high) in eV that the axes show. Raises DataError where lengths do not
    fit together.
    """
    from plotly.subplots import make_subplots

    pdos, intensity = np.asarray(pdos, float), np.asarray(intensity, float)
    if pdos.shape != (len(channels), len(pdos_energy)) or intensity.shape != np.shape(energy):
        raise DataError(
            f"The drawing needs one PDOS for each of the {len(channels)} channels and one value per energy; got PDOS "
            f"{pdos.shape} for {len(pdos_energy)} energies, and {len(intensity)} intensities for {len(energy)}."
        )
    moving = window_layout(
        pdos_energy,
        pdos,
        channels=channels,
        chosen=chosen,
        input_window=input_window,
        energy=energy,
        intensity=intensity,
        target_window=target_window,
    )
    power = power_of_ten(intensity)
    intensity = intensity * 10.0**-power
    figure = make_subplots(figure=blank(), rows=1, cols=2, horizontal_spacing=0.18)
    for i, channel in enumerate(channels):
        color, dash = curve_style(i)
        figure.add_scatter(
            x=pdos_energy,
            y=pdos[i],
            name=channel,
            mode="lines",
            visible=channel in chosen,
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate="%{x:.1f} eV, %{y:.3g}",
            row=1,
            col=1,
        )
    figure.add_scatter(
        x=energy,
        y=intensity,
        name="ELNES",
        visible=True,
        mode="lines",
        showlegend=False,
        line={"color": COMPUTED, "width": 2},
        hovertemplate="%{x:.1f} eV, %{y:.3g}",
        row=1,
        col=2,
    )
    for column, limits in enumerate((input_range, target_range), start=1):
        figure.update_xaxes(range=list(limits), row=1, col=column)
    figure.update_yaxes(nticks=5)
    figure.update_xaxes(title_text=SHORT[input_zero], row=1, col=1)
    figure.update_xaxes(title_text=SHORT[target_zero], row=1, col=2)
    figure.update_yaxes(title_text="PDOS (states/eV/atom)", row=1, col=1)
    unit = f"10{str(power).translate(SUPERSCRIPT)} " if power else ""
    figure.update_yaxes(title_text=f"ELNES ({unit}bohr²/eV)", row=1, col=2)
    styled(figure, height=height, margin={"l": 54, "r": 10, "t": 28, "b": 46})
    return figure.update_layout(moving).update_layout(
        showlegend=True,
        legend=LEGEND,
        dragmode=False,
    )


def window_layout(
    pdos_energy,
    pdos,
    *,
    channels,
    chosen,
    input_window,
    energy,
    intensity,
    target_window,
):
    """What changes in `chosen_windows` when a window moves, as layout properties: shaded areas and fitting heights."""
    chosen = [i for i, channel in enumerate(channels) if channel in chosen]
    layout = {"shapes": []}
    for axis, x, curves, window in (
        ("", pdos_energy, np.asarray(pdos)[chosen], input_window),
        ("2", energy, np.asarray(intensity) * 10.0 ** -power_of_ten(intensity), target_window),
    ):
        top = curves[..., (x >= window[0]) & (x <= window[1])].max(initial=0.0) or curves.max(initial=0.0) or 1.0
        layout["shapes"].append(
            {
                "type": "rect",
                "xref": f"x{axis}",
                "yref": f"y{axis} domain",
                "x0": window[0],
                "x1": window[1],
                "y0": 0,
                "y1": 1,
                "fillcolor": COMPUTED,
                "opacity": 0.13,
                "line": {"width": 0},
                "layer": "below",
            }
        )
        layout[f"yaxis{axis}"] = {"range": [float(-0.03 * top), float(1.15 * top)]}
    return layout


def loss_curves(runs, *, epochs=None, height=220):
    """Figure of the losses of at most two trainings over epochs, on a logarithmic axis.

    runs: dicts with name, training (e,) and validation (e,), mean squared errors of spectra of mean 1. A training loss
    includes shifts and dropout, so it can lie above the validation loss. epochs: end of the axis. Raises
    DataError for more than two.
    """
    if len(runs) > 2:
        raise DataError(f"Two trainings can be compared at a time, not {len(runs)}.")
    figure = blank()
    for slot, color in enumerate((PREDICTED, SECOND)):
        run = runs[slot] if slot < len(runs) else None
        for kind, dash in (("validation", "solid" if slot == 0 else "dashdot"), ("training", "dot")):
            values = np.asarray(run[kind], float) if run else np.empty(0)
            label = kind if len(runs) < 2 else f"{run['name'].partition(':')[0] if run else ''} {kind}"
            figure.add_scatter(
                x=np.arange(1, len(values) + 1),
                y=values,
                name=label,
                visible=run is not None,
                mode="lines+markers" if len(values) < 3 else "lines",
                line={"color": color if kind == "validation" or slot else FIRST, "dash": dash, "width": 2},
                hovertemplate="epoch %{x}, %{y:.3g}",
            )
    last = max([epochs or 1, *(len(run["validation"]) for run in runs)])
    figure.update_xaxes(title_text="Epoch", range=[0, last + 0.5])
    losses = [run[kind] for run in runs for kind in ("training", "validation")]
    figure.update_yaxes(title_text="Loss (MSE)", **loss_axis(losses))
    styled(figure, height=height, margin={"l": 64, "r": 12, "t": 30, "b": 44})
    text = "" if runs else "No losses are stored with these models."
    note = {"text": text, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
    return figure.update_layout(showlegend=True, legend=LEGEND, dragmode="zoom", annotations=[note])


def loss_axis(losses):
    """Properties of a logarithmic axis that shows arrays of losses, from one tick of the ladder 1, 2, 5 to another."""
    values = np.concatenate([np.ravel(values) for values in losses]) if losses else np.empty(0)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if len(values) else (0.01, 0.1)
    ladder = np.array([step * 10.0**power for power in range(-9, 10) for step in (1, 2, 5)])
    first, last = max(np.searchsorted(ladder, low * 1.0001) - 1, 0), np.searchsorted(ladder, high)
    last = max(last, first + 1)  # a single loss on a tick
    ticks = ladder[first : last + 1]
    if len(ticks) > 8:
        ticks = ticks[np.isclose(np.log10(ticks) % 1, 0, atol=1e-6) | (np.arange(len(ticks)) == 0)]
    return {
        "type": "log",
        "range": [float(np.log10(ticks[0])), float(np.log10(max(ladder[last], ticks[-1])))],
        "tickvals": ticks.tolist(),
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def spectra_trio(
    energy,
    computed,
    *,
    titles,
    zero,
    curves=None,
    lower=None,
    upper=None,
    labels=None,
    height=250,
):
    """Figure of at most three sites beside each other: computed spectrum and what was predicted for it.

    energy (m,) in eV from `zero` ("vbm", "cbm", "onset", "edge"); computed (k, m), mean 1; titles: k texts; curves: role ->
    (k, m), roles "first" (grey, dotted), "predicted" (vermilion, dashed), "second" (green, dash-dotted); labels: role
    -> text of the legend; lower, upper (k, m): interval of "predicted", drawn as a band. Raises DataError for a wrong
    shape.
    """
    from plotly.subplots import make_subplots

    computed, curves, labels = np.asarray(computed, float), dict(curves or {}), dict(labels or {})
    energy = np.asarray(energy, float)
    count = len(computed)
    if count > COLUMNS or computed.shape[1:] != energy.shape or len(titles) < count:
        raise DataError(
            f"Drawn are at most {COLUMNS} sites with a title each; got computed spectra {computed.shape} for "
            f"{len(energy)} energies and {len(titles)} titles. Give spectra (sites, energies) on one axis."
        )
    if (lower is None) != (upper is None):
        raise DataError("An interval has two ends, but only one of lower and upper was given. Give both or neither.")
    for role, values in {**curves, "lower": lower, "upper": upper}.items():
        if values is not None and np.shape(values) != computed.shape:
            raise DataError(
                f"The {role} spectra have the shape {np.shape(values)}, the computed ones {computed.shape}. "
                "Give one curve for each site on the same energies."
            )
    figure = make_subplots(
        figure=blank(),
        rows=1,
        cols=COLUMNS,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[titles[i] if i < count else " " for i in range(COLUMNS)],
    )
    everything = [computed, *curves.values()] + ([upper] if upper is not None else [])
    top = max((float(np.nanmax(values, initial=0.0)) for values in everything), default=1.0) or 1.0
    values = {"computed": computed} | curves
    for column in range(COLUMNS):
        used = column < count and lower is not None
        figure.add_scatter(
            x=np.concatenate([energy, energy[::-1]]) if used else np.empty(0),
            y=np.concatenate([upper[column], lower[column][::-1]]) if used else np.empty(0),
            name="90 % interval",
            visible=used,
            mode="lines",
            line={"width": 0, "color": PREDICTED},
            fill="toself",
            fillcolor="rgba(213, 94, 0, 0.2)",
            hoverinfo="skip",
            legendgroup="band",
            showlegend=used and column == 0,
            row=1,
            col=column + 1,
        )
        for role, color, dash, width in CURVES:
            used = column < count and role in values
            figure.add_scatter(
                x=energy if used else np.empty(0),
                y=values[role][column] if used else np.empty(0),
                name=labels.get(role, role),
                visible=used,
                mode="lines",
                line={"color": color, "dash": dash, "width": width},
                hovertemplate="%{x:.1f} eV, %{y:.3g}",
                legendgroup=role,
                showlegend=used and column == 0,
                row=1,
                col=column + 1,
            )
    figure.update_xaxes(range=[energy[0], energy[-1]] if len(energy) else None, nticks=5)
    figure.update_xaxes(title_text=ZEROS[zero], row=1, col=2)
    figure.update_yaxes(range=[-0.03 * top, 1.1 * top], nticks=5)
    figure.update_yaxes(title_text="ELNES (mean 1)", row=1, col=1)
    names = [trace.name for trace in figure.data if trace.showlegend]
    lines = 1 + (sum(len(name) + SYMBOL for name in names) > LINE)
    styled(figure, height=height, margin={"l": 56, "r": 8, "t": 56 + 26 * lines, "b": 46})
    figure.update_annotations(font={"size": 14}, yshift=0)
    return figure.update_layout(showlegend=count > 0, legend=LEGEND | TOP, dragmode="zoom")
