"""The look that all figures share: colours, dashes, type, axes."""

import numpy as np

# Okabe and Ito's palette without black and yellow, which vanish on a dark or a white page.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("solid", "dash", "dot", "dashdot")
CRYSTAL, AMORPHOUS = "#999999", "#0072B2"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Of saved figures, all of them: name -> pixels; "As shown" has the size on the page.
EXPORT_SIZES = {
    "As shown": {"width": None, "height": None, "font": 14},
    "Paper": {"width": 720, "height": 540, "font": 17},
    "Slide": {"width": 1280, "height": 720, "font": 22},
}
LEGEND_LIMIT = 5  # a legend takes the room of the axes once it has more entries than this
# A legend above the axes hides no curve, however narrow the page: plotly makes room for it below the container's top.
ABOVE = {
    "orientation": "h",
    "xref": "container",
    "x": 0,
    "yref": "container",
    "y": 1,
    "yanchor": "top",
    "bgcolor": "rgba(0,0,0,0)",
}
BESIDE = {"orientation": "v"}  # plotly's buttons, where a legend above would lie below them


def curve_style(slot):
    """Colour and dash (two strings) of curve number `slot`: six colours first, then the same dashed, dotted, ..."""
    count = len(OKABE_ITO)
    return OKABE_ITO[slot % count], DASHES[(slot // count) % len(DASHES)]


def styled(figure, *, height, margin=None):
    """Give `figure` the common look: no background, system font of 14 px, the width of its container."""
    margin = {"l": 64, "r": 12, "t": 26, "b": 48} | (margin or {})
    figure.update_layout(
        height=height,
        autosize=True,
        margin=margin,
        font={"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 14},
        hoverlabel={"namelength": -1},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    shared = {
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 14}, "standoff": 8},
        "gridcolor": "#dfe4e9",
        "tickcolor": "#8c96a3",
    }
    figure.update_xaxes(ticks="outside", ticklen=4, **shared)
    figure.update_yaxes(**shared)
    return figure


def blank():
    """An empty Figure without plotly's default template, which costs 0.1 s a figure and is overridden anyway.

    Lines keep all their points: plotly.js leaves out those that it thinks nobody sees, half of a spectrum, and its peaks get
    corners.
    """
    import plotly.graph_objects as go

    return go.Figure(layout={"template": {"data": {"scatter": [{"line": {"simplify": False}}]}}})


def power_of_ten(values):
    """Power of ten, a multiple of three, that brings the largest of `values` between 1 and 1000; 0 if there is none."""
    top = np.nanmax(np.abs(values), initial=0.0)
    return int(3 * np.floor(np.log10(top) / 3)) if top > 0 else 0


def intensity_unit(values, normalized):
    """(factor, unit) to draw intensities: 1 and "mean = 1" of normalized ones; of those in bohr^2/eV a power of ten."""
    if normalized:
        return 1.0, "mean = 1"
    power = power_of_ten(values)
    return 10.0**-power, "bohr²/eV" if power == 0 else f"10{str(power).translate(SUPERSCRIPT)} bohr²/eV"
