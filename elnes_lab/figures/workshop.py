"""Figures of the workshop, from arrays: how errors are distributed, how they fall with more spectra, what was read against what is true."""

import numpy as np

from ..errors import DataError
from .style import ABOVE, AMORPHOUS, BESIDE, CRYSTAL, blank, curve_style, styled

STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # of a decade that a logarithmic axis names


def cumulative_figure(errors, *, height=320):
    """Figure of the share of spectra with an error up to each value (log axis): the farther left a curve, the better.

    errors: name -> (n,) positive numbers, NaN left out. A circle marks the median. Raises DataError where nothing is left.
    """
    figure = blank()
    for number, (name, values) in enumerate(errors.items()):
        values = np.sort(np.asarray(values, float))
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            raise DataError(f"There are no errors of {name!r} to draw. Give at least one positive number.")
        color, dash = curve_style(number)
        share = 100 * (np.arange(len(values)) + 1) / len(values)
        figure.add_scatter(
            x=values,
            y=share,
            name=name,
            mode="lines",
            line={"color": color, "dash": dash, "width": 2.5},
            hovertemplate=f"{name}: %{{y:.0f}} % have at most %{{x:.3g}}<extra></extra>",
        )
        figure.add_scatter(
            x=[float(np.median(values))],
            y=[50],
            mode="markers",
            showlegend=False,
            marker={"size": 11, "color": color, "line": {"color": "white", "width": 2}},
            hovertemplate=f"{name}: median %{{x:.4f}}<extra></extra>",
        )
    figure.update_xaxes(type="log", title_text="MSE of a spectrum", dtick="D2", tickformat="~g", exponentformat="none")
    figure.update_yaxes(title_text="Spectra up to there (%)", range=[0, 102])
    return styled(figure, height=height, margin={"t": 40}).update_layout(showlegend=True, legend=ABOVE, modebar=BESIDE)


def power_law_figure(counts, errors, *, exponent, height=320):
    """Figure of errors (k,) against the numbers of spectra learnt from (k,), and the line a n^exponent through them."""
    counts, errors = np.asarray(counts, float), np.asarray(errors, float)
    if counts.shape != errors.shape or not (np.all(counts > 0) and np.all(errors > 0)):
        raise DataError("The learning curve needs one positive error for each positive number of spectra.")
    level = np.exp(np.mean(np.log(errors) - exponent * np.log(counts)))
    color = curve_style(0)[0]
    figure = blank()
    figure.add_scatter(
        x=counts,
        y=level * counts**exponent,
        name="power law",
        mode="lines",
        line={"color": "#8c96a3", "dash": "dot", "width": 2},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=counts,
        y=errors,
        name="mean MSE of held-out crystals",
        mode="markers",
        marker={"size": 11, "color": color},
        hovertemplate="%{x:.0f} spectra: %{y:.4f}<extra></extra>",
    )
    figure.update_xaxes(
        type="log", title_text="Spectra to learn from", tickvals=counts, ticktext=[f"{n:.0f}" for n in counts]
    )
    figure.update_yaxes(type="log", title_text="Mean MSE", **ticks(errors))
    return styled(figure, height=height, margin={"t": 40}).update_layout(showlegend=True, legend=ABOVE, modebar=BESIDE)


def ticks(values):
    """Properties of a logarithmic axis: round numbers around positive values, close enough for a range of less than a decade."""
    ladder = np.array([step * 10.0**power for power in range(-9, 10) for step in STEPS])
    first = max(int(np.searchsorted(ladder, values.min(), side="right")) - 1, 0)
    shown = ladder[first : int(np.searchsorted(ladder, values.max())) + 1]
    return {"tickvals": shown, "ticktext": [f"{tick:g}" for tick in shown], "range": np.log10(shown[[0, -1]]).tolist()}


def reading_figure(truth, value, lower, upper, *, amorphous, names, title, height=420):
    """Figure of what was read from n spectra, with intervals, against the truth; the line is where both agree.

    truth, value, lower, upper (n,); amorphous (n,): squares; names: n texts; title: the property with its unit. An interval
    that misses the truth is drawn in vermilion. Raises DataError where lengths differ.
    """
    truth, value, lower, upper = (np.asarray(x, float) for x in (truth, value, lower, upper))
    amorphous = np.asarray(amorphous, bool)
    if not len(truth) == len(value) == len(lower) == len(upper) == len(amorphous) == len(names):
        raise DataError("Truth, reading, interval, kind and name must be given for each spectrum.")
    inside, names = (lower <= truth) & (truth <= upper), np.asarray(names).astype(str)
    ends = [float(min(truth.min(), value.min())), float(max(truth.max(), value.max()))] if len(truth) else [0.0, 1.0]
    figure = blank()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": "#8c96a3", "dash": "dot"}, hoverinfo="skip", showlegend=False
    )
    for held, word, shown in ((True, "interval holds the truth", CRYSTAL), (False, "misses it", "#D55E00")):
        for glass, kind, symbol in ((False, "crystal", "circle"), (True, "amorphous", "square")):
            rows = (inside == held) & (amorphous == glass)
            color = AMORPHOUS if held and glass else shown
            figure.add_scatter(
                x=truth[rows],
                y=value[rows],
                mode="markers",
                name=f"{kind}: {word}",
                text=names[rows],
                marker={
                    "size": 7,
                    "symbol": symbol if held else f"{symbol}-open",
                    "color": color,
                    "line": {"width": 1.5},
                },
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": (upper - value)[rows],
                    "arrayminus": (value - lower)[rows],
                    "color": color,
                    "thickness": 1,
                    "width": 0,
                },
                opacity=0.5 if held else 1.0,
                hovertemplate="<b>%{text}</b><br>true %{x:.4g}, read %{y:.4g}<extra></extra>",
                visible=bool(rows.any()),
            )
    figure.update_xaxes(title_text=f"True: {title}")
    figure.update_yaxes(title_text=f"Read: {title}")
    return styled(figure, height=height, margin={"t": 60}).update_layout(showlegend=True, legend=ABOVE, modebar=BESIDE)
