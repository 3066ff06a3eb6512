"""What a page keeps over a reload, in the browser: models that were trained, uploaded or named there, the axes chosen, and of
calculations, which go on without the page, the tokens that lead to them."""

import json

from ..errors import DataError
from .common.keep import Keep

KEPT = ("trained", "uploaded")  # the shipped ones are there in any case
CHOICE = "axes"  # key and kind of the file with what was chosen
CALCULATION = "calculation"
LOST = (
    "This browser lets no page keep anything, so a reload loses the models and the calculations of this page. Save those that "
    "you want to keep with Download on the page Train, and what was computed on New structure."
)


class Keeping:
    """Keeps the models, the chosen axes and the tokens of the calculations of a Session in the browser: `widget`, which shows
    nothing; `notice(text)` tells the visitor."""

    def __init__(self, session, notice) -> None:
        self.session, self.notice, self.known, self.choice, self.tokens = session, notice, {}, {}, set()
        self.widget = Keep(self._received, lambda: notice(LOST))
        session.observe(self._changed, "models")
        session.observe(self._chosen, "chosen")
        session.observe(self._calculated, "calculations")
        session.observe(lambda change: setattr(self.widget, "busy", change.new), "training")

    def _changed(self, change) -> None:
        """Have the browser keep what is new or has another name, and drop what was deleted."""
        now = {entry.key: entry for entry in self.session.models if entry.origin in KEPT}
        for key in self.known.keys() - now.keys():
            self.widget.forget(key)
        for key in now.keys() - self.known.keys() | {
            k for k in now.keys() & self.known.keys() if now[k] is not self.known[k]
        }:
            self.widget.keep(key, now[key].name, now[key].origin, now[key].pack())
        self.known = now

    def _chosen(self, change) -> None:
        if change.new != self.choice:
            self.choice = dict(change.new)
            self.widget.keep(CHOICE, CHOICE, CHOICE, json.dumps(self.choice).encode())

    def _recalled(self, content) -> None:
        try:
            choice = json.loads(content)
        except ValueError:  # also of bytes that are no text
            choice = None
        if not isinstance(choice, dict) or not all(isinstance(value, str) for value in choice.values()):
            self.widget.forget(CHOICE)
            return
        self.choice = choice | self.choice
        self.session.recall(choice)

    def _calculated(self, change) -> None:
        """Have the browser keep the tokens of new calculations, and drop those of removed ones."""
        now = dict(self.session.calculations)
        for token in self.tokens - now.keys():
            self.widget.forget(token)
        for token in now.keys() - self.tokens:
            self.widget.keep(token, now[token][:100], CALCULATION, b"1")
        self.tokens = set(now)

    def _received(self, key, name, kind, content) -> None:
        if kind == CHOICE:
            self._recalled(content)
            return
        if kind == CALCULATION:
            if key not in self.tokens:
                self.tokens = self.tokens | {key}  # before it is listed: the browser has it already
                self.session.calculations = [*self.session.calculations, (key, name)]
            return
        if key in self.known:
            return
        try:
            entry = self.session.restored(key, name, kind if kind in KEPT else KEPT[-1], content)
        except DataError as problem:
            self.widget.forget(key)
            self.notice(f"A model that this browser kept cannot be used any more: {problem}")
            return
        self.known = self.known | {key: entry}  # before it is listed: the browser has it already
        self.session.models = [*self.session.models, entry]
