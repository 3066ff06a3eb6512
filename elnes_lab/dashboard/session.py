"""What the panels of one page share: the database and the named models, shipped, trained on the page or uploaded."""

import os
import tempfile
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Bool, Dict, Enum, HasTraits, List, Unicode, default

from ..errors import DataError
from ..learning.packed import pack, written

if TYPE_CHECKING:
    from ..learning.ensemble import Ensemble
    from ..learning.kernel_ridge import KernelRidgeModel
    from ..learning.model import Model

AXES = {"zero": ("vbm", "onset", "loss"), "intensity": ("absolute", "mean")}  # what all pages draw alike
SHIPPED_NAMES = {
    "pdos": "Shipped, PDOS",
    "pdos+gap": "Shipped, PDOS and gap",
    "structure+pdos": "Shipped, structure and PDOS",
}
LATER = ("structure+pdos",)  # not in data folders of before
SPECTRA_LIMIT = 60_000  # members of an ensemble times energies: a page keeps them for every site of the database

LOADED = {}  # NamedModel.shared -> learning.Model; maybe read before the process of this page was forked (ahead.py)
SHARED = 4  # models kept for all sessions of a process


class NamedModel:
    """A model of the page: `name`, unique; `card` as `learning.store.save` writes it; `origin`: "shipped", "trained" or
    "uploaded".

    `load()` gives the learning.Model, read from `folder`, or the zip file `packed`, when first asked for; until then no
    torch is imported. key: tells it from every other model of any page.
    """

    def __init__(
        self,
        name,
        card,
        origin,
        *,
        model=None,
        folder=None,
        packed=None,
        key=None,
        db=None,
    ) -> None:
        self.name, self.card, self.origin, self.key = name, card, origin, key or uuid.uuid4().hex
        self.model, self.folder, self.packed, self.db = model, folder, packed, db

    def __repr__(self) -> str:
        return f"<NamedModel {self.name!r}, {self.origin}>"

    @property
    def shared(self) -> tuple | None:
        """What tells a shipped model, on these data, from all others of any process; None for those of one page."""
        if self.origin != "shipped" or self.db is None:
            return None
        rows = None if self.db.rows is None else self.db.rows.tobytes()
        return str(self.folder), self.card.get("card_sha256"), self.db.version, rows

    @property
    def with_structure(self) -> bool:
        """Whether the surroundings of the site are an input besides the PDOS."""
        return bool(self.card["inputs"].get("surroundings"))

    @property
    def with_gap(self) -> bool:
        """Whether the band gap is an input."""
        return "band_gap" in self.card["inputs"].get("scalars", ())

    def load(self) -> "Model | Ensemble | KernelRidgeModel":
        """The learning.Model; its `warning` says if it was trained on other data. Raises DataError if it is damaged."""
        self.model = self.model or LOADED.get(self.shared)
        if self.model is None:
            from ..learning.store import load

            with written(self.name, self.packed) if self.packed else nullcontext(self.folder) as folder:
                try:
                    self.model = load(folder, self.db)
                except DataError as problem:
                    raise without_path(problem, folder, self.name) from None
            share(LOADED, self.shared, self.model)
        return self.model

    def pack(self) -> bytes | None:
        """Bytes of a zip with the two files. Raises DataError for a model whose files were damaged since it was listed."""
        from ..learning.store import check, save

        if self.packed:
            return self.packed
        if self.folder is None:
            with tempfile.TemporaryDirectory() as folder:
                return pack(save(self.load(), folder, metrics=self.card.get("metrics")))
        try:
            check(self.folder)
        except DataError as problem:
            raise without_path(problem, self.folder, self.name) from None
        return pack(self.folder)


class Session(HasTraits):
    """The database `db` of one page and its `models`; observe "models" to hear of a new one."""

    models = List(help="NamedModel, oldest first; replaced as a whole, never changed in place")
    site = Unicode(help="Label of the site that the visitor has chosen last, on whatever page; none yet: empty")
    pages = List(help="Titles of the pages that there are")
    asked = Unicode(help="Title of the page that another one asks for; empty again when it is shown")
    training = Bool(False, help="Whether a training is under way")
    calculations = List(help="(token, title) of the full calculations of this visitor; replaced as a whole")
    problem = Unicode(help="Why a shipped model is not listed, or an empty text")
    zero = Enum(("", *AXES["zero"]), "", help="What energies count from on all pages; empty: each page's own")
    intensity = Enum(("", *AXES["intensity"]), "", help="In what unit intensity is drawn; empty: each page's own")
    chosen = Dict(help="Which of these two the visitor has chosen: name -> value; the browser keeps it")
    linked = Bool(False, help="Whether the page shows what a link holds, which is the same for all who open it")

    def __init__(self, db) -> None:
        super().__init__()
        self.db = db

    @default("models")
    def _shipped(self) -> list:
        from ..learning.store import check
        from ..learning.studies.shipped import FOLDERS
        from ..store import data_directory

        found, folder, problems = [], data_directory() / "models", []
        for inputs, name in FOLDERS.items():
            if inputs in LATER and not (folder / name).is_dir():
                continue
            try:
                card = check(folder / name)
            except DataError as problem:
                problems.append(str(without_path(problem, folder / name, SHIPPED_NAMES[inputs])))
            else:
                found.append(NamedModel(SHIPPED_NAMES[inputs], card, "shipped", folder=folder / name, db=self.db))
        self.problem = " ".join(problems)
        return found

    def choose(self, **axes) -> None:
        """The visitor's choice of zero or intensity, for all pages and for the next visit."""
        self.chosen = self.chosen | axes  # first: the browser has it before it draws, whatever the visitor does then
        for name, value in axes.items():
            setattr(self, name, value)

    def recall(self, axes) -> None:
        """The choice of an earlier visit, a dict from outside; a link or a click of this visit goes before it."""
        known = {name: axes[name] for name in AXES.keys() & axes.keys() if axes[name] in AXES[name]}
        self.chosen = known | self.chosen
        for name in () if self.linked else known:
            setattr(self, name, getattr(self, name) or known[name])

    def follow_link(self) -> None:
        """Forget, for this visit, what an earlier one has chosen: the link says all that differs from a page as first opened."""
        self.linked = True
        self.zero = self.intensity = ""

    def find(self, name) -> NamedModel | None:
        """The NamedModel of that name. Raises DataError if there is none."""
        for entry in self.models:
            if entry.name == name:
                return entry
        raise DataError(f"There is no model called {name!r} on this page. Train it, or upload it again.")

    def add(self, name, model, card, origin="trained") -> NamedModel:
        """Append a learning.Model with its card; a taken name gets a number. The NamedModel."""
        entry = NamedModel(self.unique(name), card, origin, model=model, db=self.db)
        self.models = [*self.models, entry]
        return entry

    def remove(self, name) -> NamedModel | None:
        """Take a model off the list; the NamedModel. Raises DataError for a shipped one and for an unknown name."""
        entry = self.find(name)
        if entry.origin == "shipped":
            raise DataError(f"{name} came with the data and stays. Delete models that were trained or uploaded here.")
        self.models = [one for one in self.models if one is not entry]
        return entry

    def unique(self, name) -> str:
        """The name, with a number if a model of the page has it already."""
        taken, unique, count = {entry.name for entry in self.models}, name, 1
        while unique in taken:
            count += 1
            unique = f"{name} ({count})"
        return unique

    def pack(self, name) -> tuple | None:
        """(file name, bytes) of a zip with the two files of a model. Raises DataError for an unknown name, and for a
        model whose files were damaged since it was listed.
        """
        content = self.find(name).pack()
        plain = "".join(letter if letter.isalnum() else "-" for letter in name.casefold())
        return f"elnes-model-{'-'.join(filter(None, plain.split('-')))}.zip", content

    def restored(self, key, name, origin, content) -> NamedModel | None:
        """NamedModel of a zip that this page's browser kept; not listed yet. Raises DataError as `read` does, but reads the
        weights only when they are asked for.
        """
        from ..learning.store import check

        with written(name, content) as folder:
            try:
                card = check(folder)
                small_enough(card, name)
            except DataError as problem:
                raise without_path(problem, folder, name) from None
        return NamedModel(self.unique(name), card, origin, packed=content, key=key, db=self.db)

    def read(self, file_name, content) -> tuple | None:
        """Arguments for `add` from the bytes of an uploaded zip.

        Raises DataError for a file that is too large, no zip, holds anything but the two files, or whose model is
        damaged, of another layout or larger than a page can keep. Nothing is unpickled, and no name in the zip becomes
        a path.
        """
        from ..learning.store import load, read_card

        file_name = file_name.encode("utf-8", "replace").decode()[:100]
        with written(file_name, content) as folder:
            try:
                card = read_card(folder)
                small_enough(card, file_name)
                model = load(folder, self.db)
            except DataError as problem:
                raise without_path(problem, folder, file_name) from None
        name = Path(file_name).stem.removeprefix("elnes-model-")
        return f"Uploaded {name}"[:40], model, card, "uploaded"


def share(place, key, value) -> None:
    """Keep a value under the key of a shipped model, for the next session of this process; the oldest go."""
    if key is not None:
        place[key] = value
        while len(place) > SHARED:
            place.pop(next(iter(place)), None)


def small_enough(card, name) -> None:
    """Raises DataError for a model that predicts more than a page can keep."""
    spectra = numbers(card)
    if spectra > SPECTRA_LIMIT:
        raise DataError(
            f"{name} predicts {spectra:,} numbers a site, more than the {SPECTRA_LIMIT:,} that a page can "
            "keep. Train fewer members, or on a narrower window."
        )


def numbers(card) -> int:
    """How many numbers a model with this card predicts for one site."""
    from ..learning.card import ENSEMBLE, KERNEL_RIDGE
    from ..learning.choices import TargetChoice
    from ..learning.ensemble_card import spectra

    if card["layout"] == ENSEMBLE:
        return spectra(card)
    if card["layout"] == KERNEL_RIDGE:
        target = TargetChoice.from_dict(card["target"])
        return target.bins * target.curves
    return card["hyper_parameters"]["members"] * card["sizes"]["targets"]


def without_path(problem, folder, name) -> DataError:
    """A DataError about the model of a folder as a page tells it: by the model's name, without the folder."""
    return DataError(str(problem).replace(f"{folder}{os.sep}", f"{name}: ").replace(str(folder), name))
