"""A button that takes a file, and sends it in pieces."""

import anywidget
from traitlets import Bool, Int, Unicode

from .widgets import STATIC


class Upload(anywidget.AnyWidget):
    """Button that takes one file of at most `limit` bytes: `received(name, bytes)`, or `refused(sentence)`.

    drop: whether a file may also be dropped onto the card that it stands in.
    """

    _esm = STATIC / "upload.js"
    label = Unicode("Upload").tag(sync=True)
    help = Unicode().tag(sync=True)
    accept = Unicode().tag(sync=True)
    limit = Int(20 * 2**20).tag(sync=True)
    drop = Bool(False).tag(sync=True)

    def __init__(self, received, refused, **traits) -> None:
        super().__init__(**traits)
        self.received, self.refused, self.pieces, self.size = received, refused, [], 0
        self.on_msg(self._hear)

    def _hear(self, widget, message, buffers) -> None:
        name = str(message.get("name", "The file"))[:100]
        kind = message.get("type")
        if kind == "large":
            size = float(message.get("size", 0)) / 2**20
            self.refused(f"{name} has {size:.0f} MB; a file of at most {self.limit >> 20} MB is accepted here.")
        elif kind == "unread":
            self.refused(f"The browser could not read {name}. Choose it again.")
        elif kind == "piece":
            if message.get("index") == 0:
                self.pieces, self.size = [], 0
            piece = bytes(buffers[0]) if buffers else b""
            self.size += len(piece)
            if self.size > self.limit:  # the browser checks before it sends; this is for one that does not
                self.pieces = []
                return
            self.pieces.append(piece)
            if len(self.pieces) == message.get("count"):
                content, self.pieces = b"".join(self.pieces), []
                self.received(name, content)
