"""What Inspect or Core hole shows as the query of a link, and back: site, models and filters of a SiteModel."""

from ..common.links import FOREIGN, absent, encoded, pairs_of, unknown
from ..common.words import ALL
from ..session import SHIPPED_NAMES
from .model import KINDS, NO_MODEL

NONE = "none"
SHORT = {name: short for short, name in SHIPPED_NAMES.items()} | {NO_MODEL: NONE}
OWN = "The models trained or uploaded on this page are not in the link: who opens it sees the shipped ones."


def query(model, extra=()) -> tuple:
    """(query, sentence): all that differs from the page as first opened; extra: names of further traits of the model, texts
    with a default. The sentence says what was left out, or is "".
    """
    pairs = [("site", model.selection[0])] if model.selection else []
    chosen = (model.first, model.second)
    known = all(name in SHORT for name in chosen)
    if known and chosen != model.preferred():
        pairs += [("models", ",".join(SHORT[name] for name in chosen))]
    pairs += [("text", model.text)] if model.text.strip() else []
    pairs += [("kind", model.kind)] if model.kind != ALL else []
    pairs += [
        (name, getattr(model, name)) for name in extra if getattr(model, name) != model.traits()[name].default_value
    ]
    return encoded(pairs), "" if known else OWN


def read(model, text, extra=()) -> tuple:
    """(state, sentences): what the query `text` asks for, as far as this database and the session have it, and what was
    ignored. The state has any of site, first, second, text, kind and the names in extra.
    """
    state, ignored, missing = {}, [], []
    there = {
        short: name
        for name, short in SHORT.items()
        if name == NO_MODEL or any(entry.name == name for entry in model.session.models)
    }
    for name, value in pairs_of(text):
        models = value.split(",")
        if name == "site":
            (state.update(site=value) if value in model.positions else missing.append(value))
        elif name == "models" and len(models) == 2 and all(one in there for one in models) and models[0] != NONE:
            state["first"], state["second"] = (there[one] for one in models)
        elif name == "text":
            state["text"] = value[:200]
        elif name == "kind" and value in KINDS or name in extra and value in model.traits()[name].values:
            state[name] = value
        elif name not in FOREIGN:
            ignored.append((name, value))
    return state, [*absent(missing), *unknown(ignored)]
