"""The figures as JSON that the browser fills with numbers: made by `elnes_lab.figures`, which has their colours, dashes and titles."""

import base64

import numpy as np

from ..dashboard.browse.model import MAX_CURVES
from ..figures.browse import spectrum_overlay
from ..figures.corehole import change_figure
from ..figures.inspect import TITLES as MODEL_TITLES
from ..figures.prediction import prediction_figure
from ..figures.style import LEGEND_LIMIT, SUPERSCRIPT
from ..learning.choices import InputChoice
from ..schema import CHANNELS
from ..spectra import ENERGY_TITLES
from .networks import COLORS, TITLES

OVERLAY_HEIGHT, PREDICTION_HEIGHT, CHANGE_HEIGHT, OWN_HEIGHT = 430, 700, 470, 480
CHANNELS_OF_OWN = InputChoice().channels
# Never on the pages: the figure that is filled has other numbers, or its trace is not visible.
AXIS, VALUES = np.array([0.0, 1.0]), np.zeros(2)
CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    "toImageButtonOptions": {"filename": "elnes-lab", "scale": 2},
}


def as_json(figure) -> dict:
    """Data and layout of a figure as lists and dicts."""
    found = figure.to_plotly_json()
    return {"data": listed(found["data"]), "layout": listed(found["layout"])}


def listed(value):
    """A property without NumPy arrays and tuples, and with no numbers in binary (base64), which only plotly can read."""
    if isinstance(value, dict) and "bdata" in value:
        numbers = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        shape = [int(size) for size in str(value.get("shape", len(numbers))).split(",")]
        return listed(numbers.reshape(shape))
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return listed(value.tolist())
    if isinstance(value, (list, tuple)):
        return [listed(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def templates(titles, colors, channels) -> dict:
    """The figures of the pages by name, all traces there and empty; titles and colors: of the models, or nothing."""
    nothing = np.empty((0, 2))
    overlay = spectrum_overlay(
        AXIS, nothing, pdos_energy=AXIS, pdos=nothing, slots=MAX_CURVES, height=OVERLAY_HEIGHT, energy_range=(0, 30)
    )
    found = {"overlay": as_json(overlay), "own": as_json(predicted(empty(TITLES, COLORS), CHANNELS_OF_OWN, OWN_HEIGHT))}
    if titles:
        curves = empty(titles, colors)
        found |= {
            "prediction": as_json(predicted(curves, channels, PREDICTION_HEIGHT)),
            "change": as_json(change_figure(curves, models=len(titles), height=CHANGE_HEIGHT)),
        }
    return found


def empty(titles, colors) -> list[dict]:
    """Curves of models without numbers."""
    one = {"energy": AXIS, "computed_energy": AXIS, "lower": VALUES, "upper": VALUES, "unit": ""}
    one |= dict.fromkeys(("computed", "mean", "predicted", "ground"), VALUES)
    return [one | {"title": title, "color": color} for title, color in zip(titles, colors)]


def predicted(curves, channels, height: int):
    """The figure of one spectrum and its inputs, all traces there."""
    return prediction_figure(
        curves,
        input_energy=AXIS,
        inputs=np.zeros((len(channels), 2)),
        channels=channels,
        slots=len(channels),
        models=len(curves),
        height=height,
    )


def pdos_titles() -> dict:
    """Title of the lower axis for each channel."""
    found = {}
    for channel in CHANNELS:
        figure = spectrum_overlay(AXIS, nothing := np.empty((0, 2)), pdos_energy=AXIS, pdos=nothing, channel=channel)
        found[channel] = figure.layout.yaxis2.title.text
    return found


def words() -> dict:
    """What the figures' axes are called, and how their units are written."""
    return {
        "energy_titles": ENERGY_TITLES,
        "model_titles": MODEL_TITLES,
        "pdos_titles": pdos_titles(),
        "superscript": {chr(key): chr(value) for key, value in SUPERSCRIPT.items()},
        "legend_limit": LEGEND_LIMIT,
        "most_curves": MAX_CURVES,
        "config": CONFIG,
    }
