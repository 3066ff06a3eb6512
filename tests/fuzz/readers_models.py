"""The readers of models, queries and links; see readers.py."""
import hashlib
import json
import shutil
import struct
import zipfile

import numpy as np

from damage import BYTES, VALID, json_bytes, of_bytes, of_json, of_kind, of_text, zipped
from isolate import OTHER, RIGHT
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
        self.source = MODELS / "ann-pdos"
        shutil.copytree(self.source, root / self.name)
        self.good = self.read(root)

    def copy(self, folder):
        return shutil.copytree(self.source, folder / self.name)

    def read(self, folder):
        from elnes_lab.learning.store import check, load

        model = load(folder / self.name, self.db)
        return self.told(model, check(folder / self.name))

    def told(self, model, card):
        """Digests of what a model predicts and of its card."""
        from elnes_lab.learning.shipped import unseen

        prediction = model.predict(self.db)
        assert np.isfinite(prediction.mean).all(), "the model predicts undefined numbers"
        unseen(model, model.dataset(self.db))
        return {"mean": digest(prediction.mean), "energy": digest(prediction.energy),
                "upper": digest(prediction.upper if prediction.upper is not None else ()),
                "card": hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()}


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


TEXTS = [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"layout": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}',
         b"[" * 10**6, b'{"a":' * 10**5, b'"' + b"x" * 10**6, b"9" * 10**5, b" " * 10**7, b'{"layout": "\\ud800"}', b"\0" * 1000]


def spoil_card(random, folder) -> tuple[str, str]:
    """(what was done, kind) of a damage of the card in a folder."""
    path, kind = folder / CARD, random.choice(["bytes", "bytes", "value", "value", "sealed", "sealed", "sealed", "text", "kind"])
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
    path, kind = folder / WEIGHTS, random.choice(["bytes", "bytes", "sealed", "header", "header", "header", "arrays", "kind"])
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
    header = json.loads(content[8:8 + length])
    if kind == "header":
        what, header = of_json(random, header)
        text = random.choice([json_bytes(header)] * 8 + [b"{}", b'{"a":' * 10**5, b"[" * 10**6, b"{" + b" " * 10**6 + b"}"])
        size = random.choice([len(text)] * 8 + [2**63, 10**9, 0])
        path.write_bytes(struct.pack("<Q", size) + text + content[8 + length:])
    else:
        name = random.choice([name for name in header if name != "__metadata__"])
        first, last = header[name]["data_offsets"]
        what = random.choice(["nan", "inf", "zero", "huge", "negative", "tiny", "reversed"])
        kind = {"F32": "<f4", "F64": "<f8"}[header[name]["dtype"]]
        values = np.frombuffer(content[8 + length + first:8 + length + last], kind).copy()
        made = {"nan": values * np.nan, "inf": values + np.inf, "zero": values * 0, "huge": values * 0 + 1e37, "negative": -values,
                "tiny": values * 1e-30, "reversed": values[::-1]}[what]
        content = content[:8 + length + first] + made.astype(kind).tobytes() + content[8 + length + last:]
        path.write_bytes(content)
        what = f"{name}: {what}"
    seal(folder)
    return f"{what}, sealed", VALID


class Weights(Model):
    """The weights of a model: bytes, headers and numbers, with and without the right checksum."""

    name, title, share = "weights", "model: model.safetensors", 2.0

    def damage(self, random, folder):
        return spoil_weights(random, self.copy(folder))


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
            parts = {name: (folder / self.name / name).read_bytes() if (folder / self.name / name).is_file()
                     and (folder / self.name / name).stat().st_size < 2**28 else b"" for name in (CARD, WEIGHTS)}
            content = zipped(parts)
            (folder / "upload.zip").write_bytes(content)
            return f"{kind}: {what}", sealed
        (folder / "upload.zip").write_bytes(content)
        return f"{kind}: {what}", VALID if kind == "members" else BYTES

    def read(self, folder):
        return self.read_bytes((folder / "upload.zip").read_bytes()) if (folder / "upload.zip").exists() else {}

    def read_bytes(self, content):
        from elnes_lab.dashboard.session import Session
        from elnes_lab.dashboard.train_model import TrainModel

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
        struct.pack_into("<L" if value > 0xFFFF else "<H" if place in (6, 8, 10) else "<L", spoilt, spoilt.rfind(mark) + place, value)
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
        zipped({CARD: pack[CARD], WEIGHTS: bytes(2**28)}), {b"PK\3\4": (22, 100_000), b"PK\1\2": (24, 100_000)}),
    "card as a bomb": lambda pack, content: zipped({WEIGHTS: pack[WEIGHTS], CARD: b" " * 2**24 + pack[CARD]}),
    "encrypted": lambda pack, content: declared(content, {b"PK\3\4": (6, 1), b"PK\1\2": (8, 1)}),
    "unknown method": lambda pack, content: declared(content, {b"PK\3\4": (8, 77), b"PK\1\2": (10, 77)}),
    "many members": crowd, "links": links,
    "a zip in a zip": lambda pack, content: zipped({CARD: content, WEIGHTS: content}),
    "before a zip": lambda pack, content: b"x" * 1000 + content,
}


class Queries(Reader):
    """Filters: made by a grammar, whose result is worked out apart, then spoilt; and such as try to run something."""

    name, title, share = "query", "filters (Database.query)", 3.0

    def prepare(self, root):
        from elnes_lab.database import open_database

        self.db = open_database(verify=False)
        self.columns = {name: self.db[name] for name in self.db.columns}
        self.texts = [name for name, values in self.columns.items() if values.dtype.kind in "OU"]
        self.numbers = [name for name in self.columns if name not in self.texts]
        self.good = {}

    def number(self, random, depth):
        kind = random.choice(["column", "column", "column", "sum"]) if depth > 0 else "column"
        if kind == "column":
            name = random.choice(self.numbers)
            return name, self.columns[name]
        sign, by = random.choice("+-*"), round(random.uniform(-3, 3), 3)
        text, values = self.number(random, depth - 1)
        made = {"+": np.add, "-": np.subtract, "*": np.multiply}[sign](np.asarray(values, float), by)
        return f"({text} {sign} {by})", made

    def truth(self, random, depth):
        """(text, mask, whether floating-point rounding cannot matter) of a filter."""
        kind = random.choice(["and", "or", "not", "number", "number", "text", "in", "chain"] if depth else ["number", "text", "in"])
        if kind in ("and", "or"):
            (a, left), (b, right) = self.truth(random, depth - 1), self.truth(random, depth - 1)
            return f"({a} {kind} {b})", left & right if kind == "and" else left | right
        if kind == "not":
            text, mask = self.truth(random, depth - 1)
            return f"(not {text})", ~mask
        if kind == "text":
            name, sign = random.choice(self.texts), random.choice(["==", "!="])
            wanted = str(random.choice(list(self.columns[name])))
            mask = self.columns[name].astype(str) == wanted
            return f"{name} {sign} {wanted!r}", mask if sign == "==" else ~mask
        if kind == "in":
            name = random.choice(self.texts)
            wanted = [str(random.choice(list(self.columns[name]))) for _ in range(random.randint(1, 4))]
            return f"{name} in {wanted!r}", np.isin(self.columns[name].astype(str), wanted)
        text, values = self.number(random, depth)
        values = np.asarray(values, float)
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        bound = lambda: round(random.uniform(low, high), 4) + 0.00005137  # never a value itself: rounding does not matter
        with np.errstate(invalid="ignore"):
            if kind == "chain":
                a, b = sorted((bound(), bound()))
                return f"{a} < {text} <= {b}", (values > a) & (values <= b)
            sign, at = random.choice(["<", "<=", ">", ">="]), bound()
            return f"{text} {sign} {at}", {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[sign](values, at)

    def damage(self, random, folder):
        kind = random.choice(["grammar", "grammar", "spoilt", "spoilt", "spoilt", "spoilt", "hostile"])
        text, self.mask = self.truth(random, random.randint(0, 4))
        if kind == "hostile":
            text = random.choice(HOSTILE).replace("MARK", str(folder / "ran"))
            if random.random() < 0.3:
                text = f"band_gap > 5 and ({text})"
        elif kind == "spoilt":
            for _ in range(random.randint(1, 3)):
                at = random.randrange(len(text) + 1)
                piece = random.choice(PIECES)
                text = random.choice([text[:at] + piece + text[at:], text[:at] + piece + text[at + len(piece):], text[:at],
                                      text[at:] + text[:at]])
        self.text = text
        return f"{kind}: {text[:150]!r}", BYTES if kind == "grammar" else VALID

    def read(self, folder):
        found = self.db.query(self.text)
        rows = found.rows if found.rows is not None else np.arange(len(self.db))
        assert len(found) <= len(self.db) and len(found.sites) == len(found)
        return {"rows": digest(np.asarray(rows, int))}

    def judge(self, found, kind):
        if found["rows"] == digest(np.flatnonzero(self.mask)):
            return RIGHT, ""
        return (OTHER if kind == VALID else "wrong"), "other rows"

    def refusal(self, text):
        outcome, detail = super().refusal(text)
        return outcome, detail


PIECES = ["(", ")", "'", '"', " and ", " or ", " not ", " in ", "[", "]", "==", "<", "**", "//", "%", "@", ".", ":", ";", "\n", "\0", "é",
          "\udcff", "lambda", "__class__", "9" * 30, "1e400", "nan", "None", "True", "`", "\\", "#", ",", "~", "&", "|", "^", "if", "=", "-",
          "structure", "band_gap", "x", "0x", "1j", "...", "{", "}", "(" * 200, "-" * 3000, "not " * 500, "[" * 100, "a" * 20_000,
          "1" * 5000, " < band_gap" * 200]
HOSTILE = [
    "@Store.__init__.__globals__['os'].system('touch MARK') == 1", "structure.to_csv('MARK') == 1", "9**9**9 > band_gap",
    "__import__('os').system('touch MARK') == 0", "().__class__.__base__.__subclasses__() == 1", "band_gap.values.tofile('MARK') == 1",
    "open('MARK', 'w').write('x') == 1", "exec('open(\"MARK\", \"w\")') == 1", "[x for x in (1,)] == 1", "(lambda: 1)() == 1",
    "band_gap.map(print) == 1", "structure.str.replace('x', 'y' * 10**10) == 'x'", "'x' * 10**10 == structure", "10**10**10 == atom",
    "(9**9**9,) == 1", "structure.str.contains('(a+)+$') == 1", "structure.contains('(a+)+$')", "f'{band_gap}' == 1", "`__class__` == 1",
    "@pd.io.common.os.system('touch MARK')", "band_gap.__class__.__init__.__globals__", "index.to_series().to_csv('MARK') == 1",
    "site.values.base == 1", "(band_gap := 5) > 3", "eval('1') == 1", "band_gap.pipe(print)", "structure.str.pad(10**10) == 'x'",
    "1 << 10**10 > 0", "band_gap @ band_gap", "band_gap > " + "(" * 500 + "5" + ")" * 500, "-" * 20_000 + "band_gap > 5",
    " and ".join(["band_gap > 5"] * 5000), "not " * 20_000 + "band_gap > 5", "band_gap > 5 # x", "band_gap > 5; band_gap < 3", "",
    " ", "\n", "band_gap", "5", "True", "band_gap == band_gap == band_gap", "structure > 5", "band_gap == 'x'", "atom in 5",
    "band_gap in [" + "1," * 100_000 + "]", "sin(band_gap) > 0", "band_gap > 1e999", "band_gap > 5j", "name == '" + "x" * 10**6 + "'",
]


class Links(Reader):
    """Share links: what a link names is taken over as far as the database has it, what it does not is named."""

    name, title, share = "link", "share links", 1.5

    def prepare(self, root):
        from elnes_lab.dashboard import link
        from elnes_lab.dashboard.browse_model import BrowseModel
        from elnes_lab.database import open_database

        self.db = open_database(verify=False)
        model = BrowseModel(self.db)
        model.select(model.labels[:5])
        model.text, model.zero, model.fwhm, model.waterfall = "quartz a&b", "onset", 0.5, True
        model.set_choice("kind", "crystal")
        low, high = model.extent("band_gap")
        model.set_range("band_gap", low + 0.3 * (high - low), high - 0.2 * (high - low))
        self.query = link.query(model)[0]
        (root / "link").mkdir()
        (root / "link" / "query").write_text(self.query)
        self.good = self.read(root / "link")

    def damage(self, random, folder):
        from urllib.parse import quote

        text, kind = self.query, random.choice(["bytes", "bytes", "value", "value", "more"])
        pairs = text.split("&")
        if kind == "bytes":
            what, content = of_bytes(random, text.encode())
            text = content.decode("utf-8", "surrogateescape" if random.random() < 0.3 else "replace")
        else:
            what = random.choice(ODD_VALUES)
            at = random.randrange(len(pairs))
            name = pairs[at].split("=")[0] if kind == "value" else random.choice(NAMES)
            text = "&".join([*pairs[:at], f"{name}={quote(what, errors='ignore') if random.random() < 0.5 else what}", *pairs[at + 1:]])
        (folder / "query").write_text(text, "utf-8", "surrogatepass")
        return f"{kind}: {what[:60]!r}", VALID

    def read(self, folder):
        from elnes_lab.dashboard import link
        from elnes_lab.dashboard.browse_model import BrowseModel

        model = BrowseModel(self.db)
        state, sentences = link.read(model, (folder / "query").read_text("utf-8", "surrogatepass"))
        for sentence in sentences:
            assert "\n" not in sentence and len(sentence) < 400 and sentence.endswith("."), f"no sentence: {sentence[:80]!r}"
            sentence.encode()
        model.text = state.get("text", "")
        model.text.encode()
        for name, value in state.get("choices", {}).items():
            model.set_choice(name, value)
        for name, pair in state.get("ranges", {}).items():
            model.set_range(name, *pair)
        for name in ("polarization", "zero", "channel", "fwhm", "waterfall"):
            setattr(model, name, state.get(name, getattr(model, name)))
        model.select(state.get("selection", []))
        if model.selection:
            model.curves()
        return {"link": link.query(model)[0]}

    def judge(self, found, kind):
        return (RIGHT, "") if found == self.good else (OTHER, "")


NAMES = ["sites", "text", "kind", "space_group", "band_gap", "zero", "polarization", "channel", "fwhm", "offset", "token", "x", ""]
ODD_VALUES = ["", "x", "-1", "1e999", "nan~nan", "5~4", "4~5~6", "0~" + "9" * 400, "٣~٤", "٣", "1.", "9.9", "\0", "\ud800", "\udcff", "%", "%ff", "%00",
              "x" * 10**6, "," * 10**5, "quartz-alpha/O3," * 10**4, "<script>", "../../etc/passwd", "a\nb", "all", "None", "1_0~2_0", "½~1",
              "&" * 10**5, "=" * 10**5, ";;;", "x=y&" * 10**4, "True", "0x10", "²"]
READERS = (Card, Weights, Upload, Queries, Links)
