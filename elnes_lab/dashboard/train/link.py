"""The choices of the Train panel as the query of a link, and back."""

import re

from traitlets import TraitError

from ...errors import DataError
from ..common.links import FOREIGN, encoded, pairs_of, unknown
from .choices import BEST, INPUT_RANGE, OWN, PRESETS, TARGET_RANGE

WINDOWS = {"input_window": INPUT_RANGE, "target_window": TARGET_RANGE}
NAMES = (*BEST, "seed")


def query(model) -> str:
    """Query of a link: the preset, or the choices where they differ from those of the first one; and the seed."""
    pairs = [("preset", model.preset)]
    if model.preset == OWN:
        pairs = [(name, written(getattr(model, name))) for name in BEST if getattr(model, name) != BEST[name]]
    return encoded([*pairs, *([("seed", str(model.seed))] if model.seed else [])])


def written(value) -> str:
    """A choice as a text: numbers and words as they are, windows "low~high", lists "a,b", yes and no as 1 and 0."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        numbers = all(isinstance(one, (int, float)) for one in value)
        return "~".join(f"{one:g}" for one in value) if numbers else ",".join(value)
    return str(value)


def read(model, text) -> tuple:
    """(state, sentences): the choices that the query `text` asks for, name -> value, and what was ignored. Nothing in it
    is outside what the controls of the page can choose.
    """
    state, ignored = {}, []
    for name, value in pairs_of(text):
        if name == "preset" and value in PRESETS:
            state = dict(PRESETS[value]) | state
        elif name in NAMES and (found := parsed(model, name, value)) is not None:
            state[name] = found
        elif name not in FOREIGN:
            ignored.append((name, value))
    return state, unknown(ignored)


def parsed(model, name, text) -> tuple | bool | int | str | None:
    """The value that `written` gave for a choice; None for any other text."""
    from .choices_view import MEMBERS

    usual = BEST.get(name, 0)
    if name in WINDOWS:
        found = re.fullmatch(r"(-?\d{1,3}(?:\.\d)?)~(-?\d{1,3}(?:\.\d)?)", text)
        low, high = map(float, found.groups()) if found else (1, 0)
        least, most = WINDOWS[name]
        return (low, high) if least <= low < high <= most else None
    if name == "channels":
        chosen = tuple(channel for channel in model.db.channels if channel in text.split(","))
        return chosen if chosen and len(chosen) == len(text.split(",")) else None
    if isinstance(usual, bool):
        return {"0": False, "1": True}.get(text)
    if isinstance(usual, int):
        limits = {"members": MEMBERS, "epochs": range(5, 301, 5), "seed": range(10000)}[name]
        return int(text) if re.fullmatch(r"\d{1,4}", text) and int(text) in limits else None
    return text if text in model.traits()[name].values else None


def restore(model, state) -> None:
    """Set the choices to what `read` returned; what it does not name becomes that of the first preset."""
    try:
        with model.hold_trait_notifications():
            for name, value in ({**BEST, "seed": 0} | state).items():
                setattr(model, name, value)
    except (TraitError, DataError):  # a choice that this version has no more
        pass
