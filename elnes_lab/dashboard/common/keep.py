"""What the browser keeps for a page over a reload: small files, sent back to the kernel at the next visit.

A page's kernel ends with its page, and with it all that was trained there. The browser's own storage (IndexedDB) outlives
both, needs nothing of the server, and is read by nobody else.
"""

import anywidget
from traitlets import Bool

from .widgets import STATIC


class Keep(anywidget.AnyWidget):
    """Files kept by the browser: `keep(key, name, kind, content)`, `forget(key)`; what it kept comes to
    `received(key, name, kind, content)` once after the page is on screen, oldest first. Texts come from outside.

    busy: the browser asks before the page is left. Only Voila's pages are given files back: a notebook's kernel lives on.
    """

    _esm = STATIC / "keep.js"
    busy = Bool(False).tag(sync=True)
    limit = 24 * 2**20  # bytes of all files; the browser drops the oldest beyond it

    def __init__(self, received, failed, **traits) -> None:
        super().__init__(**traits)
        self.received, self.failed, self.pieces, self.size = received, failed, [], 0
        self.on_msg(self._hear)
        self.add_class("elnes-hidden")

    def keep(self, key, name, kind, content) -> None:
        """Have the browser keep a file (bytes) under a key; one of the same key is replaced."""
        self.send({"type": "keep", "key": key, "name": name, "kind": kind, "limit": self.limit}, buffers=[content])

    def forget(self, key) -> None:
        """Have the browser drop a file."""
        self.send({"type": "forget", "key": key})

    def _hear(self, widget, message, buffers) -> None:
        kind = message.get("type")
        if kind == "failed":
            self.failed()
        if kind != "piece":
            return
        if message.get("index") == 0:
            self.pieces, self.size = [], 0
        self.pieces.append(bytes(buffers[0]) if buffers else b"")
        self.size += len(self.pieces[-1])
        if self.size > self.limit:  # the browser keeps no more than that; this is for one that does
            self.pieces = []
        elif len(self.pieces) == message.get("count"):
            content, self.pieces = b"".join(self.pieces), []
            self.received(*(str(message.get(name, ""))[:100] for name in ("key", "name", "kind")), content)
