"""The readers of models: card, weights, and the zip of both that is uploaded; see readers.py."""

import hashlib
import json
import shutil
import struct
import zipfile

import numpy as np
from damage import BYTES, VALID, json_bytes, of_bytes, of_json, of_kind, of_text, zipped
from readers import ROOT, Reader, digest

MODELS = ROOT / "data" / "models"
CARD, WEIGHTS = "card.json", "model.safetensors"
ROWS = 3


class Model(Reader):
    """Base: a stored model, what it predicts for the first rows of the database, and its card."""

    def prepare(self, root):
        import torch

        from elnes_lab.database import open_database

        torch.set_num_threads(1)
        self.db = open_database(verify=False)[:ROWS]
        self.source = self.model(root)
        shutil.copytree(self.source, root / self.name)
        self.good = self.read(root)

    def model(self, root):
        """Folder of the good model: an ensemble that comes with the repository."""
        return MODELS / "ensemble-pdos"

    def copy(self, folder):
        return shutil.copytree(self.source, folder / self.name)

    def read(self, folder):
        from elnes_lab.learning.store import check, load

        model = load(folder / self.name, self.db)
        return self.told(model, check(folder / self.name))

    def told(self, model, card):
        """Digests of what a model predicts and of its card."""
        from elnes_lab.learning.studies.shipped import unseen

        prediction = model.predict(self.db)
        assert np.isfinite(prediction.mean).all(), "the model predicts undefined numbers"
        unseen(model, model.dataset(self.db))
        return {
            "mean": digest(prediction.mean),
            "energy": digest(prediction.energy),
            "upper": digest(prediction.upper if prediction.upper is not None else ()),
            "card": hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest(),
        }


def seal(folder, card=None) -> None:
    """Both checksums of a stored model again, whatever its files hold now: damage by someone who knows how."""
    from elnes_lab.learning.card import sealed

    path = folder / CARD
    card = json.loads(path.read_text()) if card is None else card
    if isinstance(card, dict):
        card["weights_sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
        try:
            card = sealed(card)
        except (ValueError, RecursionError):  # what JSON cannot hold
            pass
    path.write_bytes(json_bytes(card))


TEXTS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"layout": NaN}',
    b'{"a": 1e999}',
    b'{"a": 1, "a": 2}',
    b"[" * 10**6,
    b'{"a":' * 10**5,
    b'"' + b"x" * 10**6,
    b"9" * 10**5,
    b" " * 10**7,
    b'{"layout": "\\ud800"}',
    b"\0" * 1000,
]


def spoil_card(random, folder) -> tuple[str, str]:
    """(what was done, kind) of a damage of the card in a folder."""
    path, kind = (
        folder / CARD,
        random.choice(["bytes", "bytes", "value", "value", "sealed", "sealed", "sealed", "text", "kind"]),
    )
    if kind == "bytes":
        what, content = random.choice([of_bytes, of_text])(random, path.read_bytes())
        path.write_bytes(content)
        return what, BYTES
    if kind == "kind":
        return f"a {of_kind(random, path)}", BYTES
    if kind == "text":
        content = random.choice(TEXTS)
        path.write_bytes(content)
        return f"the text {content[:12]!r} ({len(content)})", BYTES
    what, card = of_json(random, json.loads(path.read_text()))
    if kind == "value":
        path.write_bytes(json_bytes(card))
        return what, BYTES
    seal(folder, card)
    return f"{what}, sealed", VALID


class Card(Model):
    """The card of a model: bytes, texts, and values with and without the right checksum."""

    name, title, share = "card", "model: card.json", 2.0

    def damage(self, random, folder):
        return spoil_card(random, self.copy(folder))


def spoil_weights(random, folder) -> tuple[str, str]:
    """(what was done, kind) of a damage of the weights in a folder."""
    path, kind = (
        folder / WEIGHTS,
        random.choice(["bytes", "bytes", "sealed", "header", "header", "header", "arrays", "kind"]),
    )
    content = path.read_bytes()
    if kind == "kind":
        return f"a {of_kind(random, path)}", BYTES
    if kind in ("bytes", "sealed"):
        what, content = of_bytes(random, content)
        path.write_bytes(content)
        if kind == "sealed":
            seal(folder)
        return f"{what}{', sealed' if kind == 'sealed' else ''}", BYTES if kind == "bytes" else VALID
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    if kind == "header":
        what, header = of_json(random, header)
        text = random.choice(
            [json_bytes(header)] * 8 + [b"{}", b'{"a":' * 10**5, b"[" * 10**6, b"{" + b" " * 10**6 + b"}"]
        )
        size = random.choice([len(text)] * 8 + [2**63, 10**9, 0])
        path.write_bytes(struct.pack("<Q", size) + text + content[8 + length :])
    else:
        name = random.choice([name for name in header if name != "__metadata__"])
        first, last = header[name]["data_offsets"]
        what = random.choice(["nan", "inf", "zero", "huge", "negative", "tiny", "reversed"])
        kind = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8"}[header[name]["dtype"]]
        values = np.frombuffer(content[8 + length + first : 8 + length + last], kind).copy()
        made = {  # what a type cannot hold becomes infinite, or some number
            "nan": values * np.nan,
            "inf": values + np.inf,
            "zero": values * 0,
            "huge": values * 0 + 1e37,
            "negative": -values,
            "tiny": values * 1e-30,
            "reversed": values[::-1],
        }[what]
        content = content[: 8 + length + first] + made.astype(kind).tobytes() + content[8 + length + last :]
        path.write_bytes(content)
        what = f"{name}: {what}"
    seal(folder)
    return f"{what}, sealed", VALID


class Weights(Model):
    """The weights of a model: bytes, headers and numbers, with and without the right checksum."""

    name, title, share = "weights", "model: model.safetensors", 2.0

    def damage(self, random, folder):
        return spoil_weights(random, self.copy(folder))


class Network(Model):
    """Both files of a network, as the page Train and the command line make them."""

    name, title, share = "network", "model: a network", 2.0

    def model(self, root):
        from elnes_lab.database import open_database
        from elnes_lab.learning import Dataset, make_split, save, train, usable
        from elnes_lab.learning.choices import InputChoice, TargetChoice

        db = open_database(verify=False)
        data = Dataset.from_database(db[usable(db, InputChoice(), TargetChoice())[0]])
        training = train(data, make_split(data), members=2, width=16, epochs=2)
        return save(training.fit(), root / "trained")

    def damage(self, random, folder):
        return random.choice([spoil_card, spoil_weights])(random, self.copy(folder))


class KernelRidge(Network):
    """Both files of a kernel ridge regression, as the page Train makes them."""

    name, title, share = "ridge", "model: kernel ridge", 2.0

    def model(self, root):
        from elnes_lab.database import open_database
        from elnes_lab.learning import Dataset, make_split, save, train_kernel_ridge, usable
        from elnes_lab.learning.choices import InputChoice, TargetChoice

        db = open_database(verify=False)
        data = Dataset.from_database(db[usable(db, InputChoice(), TargetChoice())[0]])
        return save(train_kernel_ridge(data, make_split(data)).fit(), root / "trained")


class Upload(Model):
    """A model as it is uploaded on the page Train."""

    name, title, share = "upload", "model: uploaded zip", 2.0

    def prepare(self, root):
        super().prepare(root)
        self.pack = {name: (self.source / name).read_bytes() for name in (CARD, WEIGHTS)}
        self.good = self.read_bytes(zipped(self.pack))

    def damage(self, random, folder):
        kind = random.choice(["bytes", "bytes", "bytes", "directory", "members", "card", "weights"])
        content, what = zipped(self.pack), ""
        if kind == "bytes":
            what, content = of_bytes(random, content)
        elif kind == "directory":  # at its end
            what, end = of_bytes(random, content[-140:])
            content = content[:-140] + end
        elif kind == "members":
            what = random.choice(list(MEMBERS))
            content = MEMBERS[what](dict(self.pack), content)
        else:
            self.copy(folder)
            what, sealed = {"card": spoil_card, "weights": spoil_weights}[kind](random, folder / self.name)
            parts = {
                name: (folder / self.name / name).read_bytes()
                if (folder / self.name / name).is_file() and (folder / self.name / name).stat().st_size < 2**28
                else b""
                for name in (CARD, WEIGHTS)
            }
            content = zipped(parts)
            (folder / "upload.zip").write_bytes(content)
            return f"{kind}: {what}", sealed
        (folder / "upload.zip").write_bytes(content)
        return f"{kind}: {what}", VALID if kind == "members" else BYTES

    def read(self, folder):
        return self.read_bytes((folder / "upload.zip").read_bytes()) if (folder / "upload.zip").exists() else {}

    def read_bytes(self, content):
        from elnes_lab.dashboard.session import Session
        from elnes_lab.dashboard.train.model import TrainModel

        session = Session(self.db)
        shipped = len(session.models)
        try:
            entry = session.add(*session.read("mine.zip", content))
        finally:
            rows = TrainModel(session).rows()
            assert len(rows) >= shipped > 0, "a refused model took others from the list"
        json.dumps(rows)
        session.pack(entry.name)
        return self.told(entry.load(), entry.card)


def declared(content: bytes, at: dict) -> bytes:
    """A zip with numbers of its last member changed, before the member and in the list."""
    spoilt = bytearray(content)
    for mark, (place, value) in at.items():
        struct.pack_into(
            "<L" if value > 0xFFFF else "<H" if place in (6, 8, 10) else "<L", spoilt, spoilt.rfind(mark) + place, value
        )
    return bytes(spoilt)


def crowd(pack, content):
    """A zip whose list of members has 300,000."""
    place, end = content.rfind(b"PK\1\2"), content.rfind(b"PK\5\6")
    entries = content[place:end] * 300_000
    return content[:place] + entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(entries), place, 0)


def links(pack, content):
    """A zip whose members say that they are symbolic links."""
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in pack:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, b"/etc/passwd")
    return out.getvalue()


MEMBERS = {
    "one missing": lambda pack, content: zipped({CARD: pack[CARD]}),
    "one more": lambda pack, content: zipped(pack | {"more.txt": b"x"}),
    "in a folder": lambda pack, content: zipped({f"model/{name}": part for name, part in pack.items()}),
    "a path": lambda pack, content: zipped({CARD: pack[CARD], f"../../{WEIGHTS}": pack[WEIGHTS]}),
    "absolute": lambda pack, content: zipped({f"/tmp/{CARD}": pack[CARD], WEIGHTS: pack[WEIGHTS]}),
    "stored": lambda pack, content: zipped(pack, zipfile.ZIP_STORED),
    "lzma": lambda pack, content: zipped(pack, zipfile.ZIP_LZMA),
    "bzip2": lambda pack, content: zipped(pack, zipfile.ZIP_BZIP2),
    "bomb": lambda pack, content: zipped(pack | {WEIGHTS: bytes(2**28)}),
    "bomb that says it is small": lambda pack, content: declared(
        zipped({CARD: pack[CARD], WEIGHTS: bytes(2**28)}), {b"PK\3\4": (22, 100_000), b"PK\1\2": (24, 100_000)}
    ),
    "card as a bomb": lambda pack, content: zipped({WEIGHTS: pack[WEIGHTS], CARD: b" " * 2**24 + pack[CARD]}),
    "encrypted": lambda pack, content: declared(content, {b"PK\3\4": (6, 1), b"PK\1\2": (8, 1)}),
    "unknown method": lambda pack, content: declared(content, {b"PK\3\4": (8, 77), b"PK\1\2": (10, 77)}),
    "many members": crowd,
    "links": links,
    "a zip in a zip": lambda pack, content: zipped({CARD: content, WEIGHTS: content}),
    "before a zip": lambda pack, content: b"x" * 1000 + content,
}


READERS = (Card, Weights, Network, KernelRidge, Upload)
