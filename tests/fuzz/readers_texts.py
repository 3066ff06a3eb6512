"""The readers of texts that users and links bring: filters and share links; see readers.py."""

import numpy as np
from damage import BYTES, VALID, of_bytes
from isolate import OTHER, RIGHT
from readers import Reader, digest


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
        kind = random.choice(
            ["and", "or", "not", "number", "number", "text", "in", "chain"] if depth else ["number", "text", "in"]
        )
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
        bound = lambda: (
            round(random.uniform(low, high), 4) + 0.00005137
        )  # never a value itself: rounding does not matter
        with np.errstate(invalid="ignore"):
            if kind == "chain":
                a, b = sorted((bound(), bound()))
                return f"{a} < {text} <= {b}", (values > a) & (values <= b)
            sign, at = random.choice(["<", "<=", ">", ">="]), bound()
            return f"{text} {sign} {at}", {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[
                sign
            ](values, at)

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
                text = random.choice(
                    [
                        text[:at] + piece + text[at:],
                        text[:at] + piece + text[at + len(piece) :],
                        text[:at],
                        text[at:] + text[:at],
                    ]
                )
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


PIECES = [
    "(",
    ")",
    "'",
    '"',
    " and ",
    " or ",
    " not ",
    " in ",
    "[",
    "]",
    "==",
    "<",
    "**",
    "//",
    "%",
    "@",
    ".",
    ":",
    ";",
    "\n",
    "\0",
    "é",
    "\udcff",
    "lambda",
    "__class__",
    "9" * 30,
    "1e400",
    "nan",
    "None",
    "True",
    "`",
    "\\",
    "#",
    ",",
    "~",
    "&",
    "|",
    "^",
    "if",
    "=",
    "-",
    "structure",
    "band_gap",
    "x",
    "0x",
    "1j",
    "...",
    "{",
    "}",
    "(" * 200,
    "-" * 3000,
    "not " * 500,
    "[" * 100,
    "a" * 20_000,
    "1" * 5000,
    " < band_gap" * 200,
]
HOSTILE = [
    "@Store.__init__.__globals__['os'].system('touch MARK') == 1",
    "structure.to_csv('MARK') == 1",
    "9**9**9 > band_gap",
    "__import__('os').system('touch MARK') == 0",
    "().__class__.__base__.__subclasses__() == 1",
    "band_gap.values.tofile('MARK') == 1",
    "open('MARK', 'w').write('x') == 1",
    'exec(\'open("MARK", "w")\') == 1',
    "[x for x in (1,)] == 1",
    "(lambda: 1)() == 1",
    "band_gap.map(print) == 1",
    "structure.str.replace('x', 'y' * 10**10) == 'x'",
    "'x' * 10**10 == structure",
    "10**10**10 == atom",
    "(9**9**9,) == 1",
    "structure.str.contains('(a+)+$') == 1",
    "structure.contains('(a+)+$')",
    "f'{band_gap}' == 1",
    "`__class__` == 1",
    "@pd.io.common.os.system('touch MARK')",
    "band_gap.__class__.__init__.__globals__",
    "index.to_series().to_csv('MARK') == 1",
    "site.values.base == 1",
    "(band_gap := 5) > 3",
    "eval('1') == 1",
    "band_gap.pipe(print)",
    "structure.str.pad(10**10) == 'x'",
    "1 << 10**10 > 0",
    "band_gap @ band_gap",
    "band_gap > " + "(" * 500 + "5" + ")" * 500,
    "-" * 20_000 + "band_gap > 5",
    " and ".join(["band_gap > 5"] * 5000),
    "not " * 20_000 + "band_gap > 5",
    "band_gap > 5 # x",
    "band_gap > 5; band_gap < 3",
    "",
    " ",
    "\n",
    "band_gap",
    "5",
    "True",
    "band_gap == band_gap == band_gap",
    "structure > 5",
    "band_gap == 'x'",
    "atom in 5",
    "band_gap in [" + "1," * 100_000 + "]",
    "sin(band_gap) > 0",
    "band_gap > 1e999",
    "band_gap > 5j",
    "name == '" + "x" * 10**6 + "'",
]


class Links(Reader):
    """Share links: what a link names is taken over as far as the database has it, what it does not is named."""

    name, title, share = "link", "share links", 1.5

    def prepare(self, root):
        from elnes_lab.dashboard.browse import link
        from elnes_lab.dashboard.browse.model import BrowseModel
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
            text = "&".join(
                [
                    *pairs[:at],
                    f"{name}={quote(what, errors='ignore') if random.random() < 0.5 else what}",
                    *pairs[at + 1 :],
                ]
            )
        (folder / "query").write_text(text, "utf-8", "surrogatepass")
        return f"{kind}: {what[:60]!r}", VALID

    def read(self, folder):
        from elnes_lab.dashboard.browse import link
        from elnes_lab.dashboard.browse.model import BrowseModel

        model = BrowseModel(self.db)
        state, sentences = link.read(model, (folder / "query").read_text("utf-8", "surrogatepass"))
        for sentence in sentences:
            assert "\n" not in sentence and len(sentence) < 400 and sentence.endswith("."), (
                f"no sentence: {sentence[:80]!r}"
            )
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


NAMES = [
    "sites",
    "text",
    "kind",
    "space_group",
    "band_gap",
    "zero",
    "polarization",
    "channel",
    "fwhm",
    "offset",
    "token",
    "x",
    "",
]
ODD_VALUES = [
    "",
    "x",
    "-1",
    "1e999",
    "nan~nan",
    "5~4",
    "4~5~6",
    "0~" + "9" * 400,
    "٣~٤",
    "٣",
    "1.",
    "9.9",
    "\0",
    "\ud800",
    "\udcff",
    "%",
    "%ff",
    "%00",
    "x" * 10**6,
    "," * 10**5,
    "quartz-alpha/O3," * 10**4,
    "<script>",
    "../../etc/passwd",
    "a\nb",
    "all",
    "None",
    "1_0~2_0",
    "½~1",
    "&" * 10**5,
    "=" * 10**5,
    ";;;",
    "x=y&" * 10**4,
    "True",
    "0x10",
    "²",
]
READERS = (Queries, Links)
