"""What the panels of one page share: the database and the named models, shipped, trained on the page or uploaded."""

import io
import tempfile
import zipfile
import zlib
from pathlib import Path

from traitlets import HasTraits, List, Unicode, default

from ..errors import DataError

UPLOAD_LIMIT = 20 * 2**20  # bytes, of the file and of what it unpacks to
SHIPPED_NAMES = {"pdos": "Shipped, PDOS", "pdos+gap": "Shipped, PDOS and gap"}
WANTED = "Upload a .zip that this page saved with its Download button."


class NamedModel:
    """A model of the page: `name`, unique; `card` as `learning.store.save` writes it; `origin`: "shipped", "trained" or
    "uploaded".

    `load()` gives the learning.Model, read from `folder` when first asked for; until then no torch is imported.
    """

    def __init__(self, name, card, origin, *, model=None, folder=None, db=None):
        self.name, self.card, self.origin = name, card, origin
        self.model, self.folder, self.db = model, folder, db

    def __repr__(self):
        return f"<NamedModel {self.name!r}, {self.origin}>"

    @property
    def with_gap(self):
        """Whether the band gap is an input."""
        return "band_gap" in self.card["inputs"].get("scalars", ())

    def load(self):
        """The learning.Model; its `warning` says if it was trained on other data. Raises DataError if it is damaged."""
        if self.model is None:
            from ..learning.store import load

            self.model = load(self.folder, self.db)
        return self.model


class Session(HasTraits):
    """The database `db` of one page and its `models`; observe "models" to hear of a new one."""

    models = List(help="NamedModel, oldest first; replaced as a whole, never changed in place")
    problem = Unicode(help="Why a shipped model is not listed, or an empty text")

    def __init__(self, db):
        super().__init__()
        self.db = db

    @default("models")
    def _shipped(self):
        from ..learning.shipped import FOLDERS
        from ..learning.store import read_card
        from ..store import data_directory

        found, folder = [], data_directory() / "models"
        for inputs, name in FOLDERS.items():
            try:
                card = read_card(folder / name)
            except DataError as problem:
                self.problem = f"A pre-trained model cannot be opened. {problem}"
            else:
                found.append(NamedModel(SHIPPED_NAMES[inputs], card, "shipped", folder=folder / name, db=self.db))
        return found

    def find(self, name):
        """The NamedModel of that name. Raises DataError if there is none."""
        for entry in self.models:
            if entry.name == name:
                return entry
        raise DataError(f"There is no model called {name!r} on this page. Train it, or upload it again.")

    def add(self, name, model, card, origin="trained"):
        """Append a learning.Model with its card; a taken name gets a number. The NamedModel."""
        taken, unique, count = {entry.name for entry in self.models}, name, 1
        while unique in taken:
            count += 1
            unique = f"{name} ({count})"
        entry = NamedModel(unique, card, origin, model=model, db=self.db)
        self.models = [*self.models, entry]
        return entry

    def pack(self, name):
        """(file name, bytes) of a zip with the two files of a model. Raises DataError for an unknown name."""
        from ..learning.store import CARD, WEIGHTS, save

        entry = self.find(name)
        content = io.BytesIO()
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            if entry.folder is None:
                save(entry.load(), folder, metrics=entry.card.get("metrics"))
            for part in (CARD, WEIGHTS):
                file.write(Path(entry.folder or folder) / part, part)
        plain = "".join(letter if letter.isalnum() else "-" for letter in name.casefold())
        return f"elnes-model-{'-'.join(filter(None, plain.split('-')))}.zip", content.getvalue()

    def read(self, file_name, content):
        """Arguments for `add` from the bytes of an uploaded zip.

        Raises DataError for a file that is too large, no zip, holds anything but the two files, or whose model is
        damaged or of another layout. Nothing is unpickled, and no name in the zip becomes a path.
        """
        from ..learning.store import CARD, WEIGHTS, load, read_card

        if len(content) > UPLOAD_LIMIT:
            raise DataError(f"{file_name} is larger than {UPLOAD_LIMIT >> 20} MB, no model of this page is. {WANTED}")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                sizes = {info.filename: info.file_size for info in file.infolist()}
                if set(sizes) != {CARD, WEIGHTS} or len(file.infolist()) != 2:
                    raise DataError(f"{file_name} is not a model: it should hold {CARD} and {WEIGHTS}. {WANTED}")
                if sum(sizes.values()) > UPLOAD_LIMIT:
                    raise DataError(f"{file_name} unpacks to more than {UPLOAD_LIMIT >> 20} MB. {WANTED}")
                parts = {part: file.read(part) for part in (CARD, WEIGHTS)}
        except DataError:
            raise
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
            raise DataError(f"{file_name} is not a whole zip file. {WANTED}") from None
        with tempfile.TemporaryDirectory() as folder:
            for part, data in parts.items():
                (Path(folder) / part).write_bytes(data)
            try:
                card, model = read_card(folder), load(folder, self.db)
            except DataError as problem:
                raise DataError(str(problem).replace(f"{folder}/", f"{file_name}: ")) from None
            except Exception as problem:  # a card can be wrong in more ways than a version can know
                what = type(problem).__name__
                raise DataError(f"The model in {file_name} does not fit its card ({what}). {WANTED}") from None
        name = Path(file_name).stem.removeprefix("elnes-model-")
        return f"Uploaded {name}"[:40], model, card, "uploaded"
