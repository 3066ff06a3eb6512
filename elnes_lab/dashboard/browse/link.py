"""A Browse selection as the query of a link, and back: sites, filters and plot options of a BrowseModel."""

import re
from urllib.parse import quote, urlencode

from ..common.links import FOREIGN, LONGEST, absent, pairs_of, unknown
from ..common.words import ALL
from .model import BROADEST, CHOICES, RANGE_STEPS, RANGES

DIGITS = 3
NAMED = ("polarization", "zero", "intensity", "profile")  # traits with a few values, by their own names
SWITCHES = {"offset": "waterfall", "average": "average"}  # in a link -> trait


def query(model) -> tuple:
    """(query, sentence): all that differs from the page as first opened; the sentence says what was left out, or is ""."""
    pairs = [("text", model.text)] if model.text.strip() else []
    pairs += [(name, str(value)) for name, value in model.choices.items() if value != ALL]
    pairs += [(name, f"{low + 1e-6:.{DIGITS}f}~{high - 1e-6:.{DIGITS}f}") for name, (low, high) in model.ranges.items()]
    values = {name: getattr(model, name) for name in (*NAMED, "channel")}
    pairs += [(name, value) for name, value in values.items() if value != model.traits()[name].default_value]
    pairs += [("fwhm", f"{model.fwhm:g}")] if model.fwhm else []
    pairs += [(name, "1") for name, trait in SWITCHES.items() if getattr(model, trait)]
    rest = urlencode(pairs, quote_via=quote, safe="~")
    labels, room = [], LONGEST - len(rest)
    for label in model.selection:
        room -= len(quote(label, safe="/")) + 1
        if room < 0:
            break
        labels.append(label)
    sites = "sites=" + ",".join(quote(label, safe="/") for label in labels)
    left = len(model.selection) - len(labels)
    sentence = f"The link holds the first {len(labels)} of the {len(model.selection):,} selected sites." if left else ""
    return sites + ("&" + rest if rest else ""), sentence


def read(model, text) -> tuple:
    """(state, sentences): what the query `text` asks for, as far as this database has it, and what was ignored.

    The state has any of selection (labels), text, choices, ranges, polarization, zero, intensity, profile, channel, fwhm,
    waterfall, average.
    """
    state, ignored, missing = {}, [], []
    for name, value in pairs_of(text):
        if name == "sites":
            labels = list(dict.fromkeys(filter(None, value.split(","))))
            missing += [label for label in labels if label not in model.positions]
            state["selection"] = [label for label in labels if label in model.positions]
        elif name == "text":
            state["text"] = value[:200]
        elif name in CHOICES and value in {option for _, option in model.options(name)}:
            state.setdefault("choices", {})[name] = value
        elif name in RANGES and (pair := interval(model, name, value)):
            state.setdefault("ranges", {})[name] = pair
        elif name in NAMED and value in model.traits()[name].values:
            state[name] = value
        elif name == "channel" and value in model.db.channels:
            state[name] = value
        elif name == "fwhm" and re.fullmatch(r"\d(\.\d*)?", value) and float(value) <= BROADEST:
            state[name] = round(float(value), 1)
        elif name in SWITCHES and value in ("0", "1"):
            state[SWITCHES[name]] = value == "1"
        elif name not in FOREIGN:
            ignored.append((name, value))
    if missing and not state["selection"]:
        del state["selection"]  # the example is better than an empty plot
    return state, [*absent(missing), *unknown(ignored)]


def interval(model, name, text) -> tuple | None:
    """(low, high) of "low~high" within the extent of a column, None if it is no such text or lies outside."""
    found = re.fullmatch(r"(-?\d{1,6}(?:\.\d*)?)~(-?\d{1,6}(?:\.\d*)?)", text)
    if not found:
        return None
    low, high = map(float, found.groups())
    first, last = model.extent(name)
    step = RANGE_STEPS[name]
    if low > high or high < first - step or low > last + step:
        return None
    return max(low, first), min(high, last)
