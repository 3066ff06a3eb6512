"""Ways to damage a file: its bytes, the arrays of an .npz, the values of a JSON text. All take a random.Random."""

import copy
import io
import json
import os
import struct
import zipfile

import numpy as np

# Differences in what is read are wrong if only BYTES were damaged; fine if the damage is another VALID value; and if
# the value is IMPOSSIBLE, to read it at all is wrong.
BYTES, VALID, IMPOSSIBLE = "bytes", "valid", "impossible"


def of_bytes(random, content: bytes) -> tuple[str, bytes]:
    """(what was done, damaged bytes)."""
    kind = random.choice(["bit", "bit", "bits", "cut", "zeros", "twice", "swap", "noise", "removed", "appended"])
    spoilt, size = bytearray(content), len(content)
    if not size:
        return "appended to nothing", bytes(random.randrange(256) for _ in range(20))
    start = random.randrange(size) if random.random() < 0.7 else random.randrange(min(size, 200))
    length = random.choice([1, 8, 64, 512, 4096])
    if kind == "bit":
        spoilt[start] ^= 1 << random.randrange(8)
    elif kind == "bits":
        for _ in range(random.randint(2, 50)):
            spoilt[random.randrange(size)] ^= 1 << random.randrange(8)
    elif kind == "cut":
        del spoilt[start:]
    elif kind == "zeros":
        spoilt[start : start + length] = bytes(len(spoilt[start : start + length]))
    elif kind == "twice":
        spoilt[start:start] = spoilt[start : start + length]
    elif kind == "swap":
        other = random.randrange(size)
        a, b = sorted((start, other))
        length = min(length, b - a, size - b)
        spoilt[a : a + length], spoilt[b : b + length] = content[b : b + length], content[a : a + length]
    elif kind == "noise":
        spoilt[start : start + length] = random.randbytes(len(spoilt[start : start + length]))
    elif kind == "removed":
        del spoilt[start : start + length]
    else:
        spoilt += random.randbytes(length)
    return f"{kind} at byte {start} ({length})", bytes(spoilt)


def of_kind(random, path) -> str:
    """Puts something that is no such file in the place of a file."""
    path.unlink(missing_ok=True)
    kind = random.choice(
        [
            "folder",
            "pipe",
            "link to itself",
            "link to nothing",
            "link to zeros without end",
            "empty",
            "text",
            "pickle",
            "zip",
            "sparse",
        ]
    )
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind.startswith("link"):
        path.symlink_to({"link to itself": path.name, "link to nothing": "nowhere"}.get(kind, "/dev/zero"))
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 2**40)
    else:
        text = {
            "empty": b"",
            "text": "Grüße\n".encode("latin-1") * 30,
            "pickle": b"\x80\x04K\x07.",
            "zip": zipped({"a/../../b": b"x"}),
        }
        path.write_bytes(text[kind])
    return kind


def zipped(members: dict[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def npy(array, **changes) -> bytes:
    """An array as .npy; changes of its header: descr, fortran_order, shape (None: no such key); `text`: all of it."""
    array = np.asarray(array)
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    text = changes.pop("text", None)
    header |= changes
    text = text or repr({name: value for name, value in header.items() if value is not None})
    line = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(line)) + line + (array.tobytes() if array.dtype != object else b"")


HEADERS = [
    {"shape": (2**40,)},
    {"shape": (2**62, 2**62)},
    {"shape": (-1,)},
    {"shape": (3, 0)},
    {"shape": "x"},
    {"shape": (1.5,)},
    {"shape": None},
    {"descr": "|O"},
    {"descr": "<M8[s]"},
    {"descr": "<c16"},
    {"descr": "|V8"},
    {"descr": "<U100000000"},
    {"descr": "nonsense"},
    {"descr": [("a", "<f8")]},
    {"descr": None},
    {"fortran_order": True},
    {"fortran_order": "x"},
    {"text": "(" * 3000},
    {"text": "{'descr': '<f8', 'shape': (3,"},
    {"text": "{" + "[" * 500},
    {"text": "'\\x00'"},
    {"text": "{'descr': '<f8', 'fortran_order': False, 'shape': (9**9**9,)}"},
    {"text": "[1, 2"},
    {"text": "\\"},
    {"text": "{}"},
    {"text": "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 100 + ")}"},
    {"more": 1},
]
TYPES = [
    "int64",
    "float16",
    "complex128",
    "bool",
    "datetime64[s]",
    "timedelta64[s]",
    "S8",
    "U8",
    "object",
    "uint8",
    ">f8",
    "longdouble",
]


def of_arrays(random, path) -> str:
    """Rewrites an .npz with one array of another type, shape or header; the result is a whole zip file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file}
    name = random.choice(list(arrays))
    array, kind = (
        arrays[name],
        random.choice(["type", "shape", "header", "missing", "more", "swapped", "values", "renamed"]),
    )
    members = {f"{key}.npy": npy(value) for key, value in arrays.items()}
    what = ""
    if kind == "header":
        change = random.choice(HEADERS)
        members[f"{name}.npy"], what = npy(array, **change), str(change)[:60]
    elif kind == "missing":
        del members[f"{name}.npy"]
    elif kind == "more":
        members[random.choice(["more.npy", "more.txt", "../more.npy", f"{name}", "x" * 300])] = npy(np.zeros(3))
    elif kind == "renamed":
        members[f"{name.upper()}.npy"] = members.pop(f"{name}.npy")
    else:
        if kind == "type":
            what = random.choice(TYPES)
            made = retyped(array, what)
        elif kind == "shape":
            what = random.choice(["flat", "none", "more", "shorter", "first", "many"])
            made = {
                "flat": array.ravel(),
                "none": array[..., :0] if array.ndim else np.empty(0, array.dtype),
                "more": array[None],
                "shorter": array[..., :-1] if array.ndim else array[None, None],
                "first": array.ravel()[:1],
                "many": np.resize(array, (*array.shape, 7)),
            }[what]
        elif kind == "values":
            what = random.choice(["nan", "inf", "-inf", "1e300", "zero", "negative", "one nan"])
            made = revalued(random, array, what)
        else:
            what = random.choice(list(arrays))
            made = arrays[what]
        members[f"{name}.npy"] = pickled(made) if made.dtype == object else npy(made)
    path.write_bytes(zipped(members))
    return f"{name}: {kind} {what}".strip()


def pickled(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def retyped(array, kind):
    try:
        return array.astype(kind)
    except (TypeError, ValueError):
        return np.zeros(array.shape, kind)


def revalued(random, array, what):
    value = {"zero": 0, "negative": -1}.get(what)
    value = float(what.split()[-1]) if value is None else value
    made = np.array(array, float if array.dtype.kind in "iufb" else array.dtype)
    if made.dtype.kind != "f":
        return np.full(array.shape, str(value))
    if what == "negative":
        return -np.abs(made) - 1
    if what == "one nan" and made.size:
        made.ravel()[random.randrange(made.size)] = np.nan
        return made
    return np.full(array.shape, value)


def deep(levels: int):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


ODD = [
    None,
    True,
    False,
    "",
    "x",
    "NaN",
    -1,
    0,
    3,
    2**31,
    10**30,
    10**400,
    1e308,
    -1e-308,
    0.5,
    [],
    {},
    [1],
    [[]],
    {"a": 1},
    "\ud800",
    "\0",
    "x" * 100_000,
    list(range(5000)),
    deep(40),
    deep(400),
    "../../x",
    "<b>x</b>",
]


def of_json(random, value) -> tuple[str, object]:
    """(what was done, the value with one part changed)."""
    value, place = copy.deepcopy(value), []
    holder = value
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            return "nothing", value
        key = random.choice(list(keys))
        place.append(str(key))
        if not isinstance(holder[key], (dict, list)) or not holder[key] or random.random() < 0.25:
            break
        holder = holder[key]
    old, kind = holder[key], random.choice(["odd", "odd", "odd", "missing", "more", "number", "swapped", "twice"])
    if kind == "number" and isinstance(old, (int, float)) and not isinstance(old, bool):
        holder[key] = random.choice([-old, old + 1, old * 2, old / 3, old * 1e12, float(old), old * 1e-12])
    elif kind == "missing":
        del holder[key]
    elif kind == "more" and isinstance(holder, dict):
        holder[random.choice(["more", "", key.upper(), "x" * 1000])] = random.choice(ODD)
    elif kind == "swapped" and len(keys) > 1:
        other = random.choice([k for k in keys if k != key])
        holder[key], holder[other] = holder[other], holder[key]
    elif kind == "twice" and isinstance(old, list):
        holder[key] = old + old
    else:
        kind = "odd"
        holder[key] = random.choice(ODD)
    return f"{'.'.join(place)[:80]}: {kind} {repr_of(holder, key)}".strip(), value


def repr_of(holder, key) -> str:
    try:
        return ascii(holder[key])[:40]
    except (KeyError, IndexError, RecursionError):
        return ""


def json_bytes(value) -> bytes:
    return json.dumps(value).encode()


def of_text(random, text: bytes) -> tuple[str, bytes]:
    """A damage of a text file: of bytes, or of lines and words."""
    kind = random.choice(["bytes", "word", "line", "lines", "number", "not UTF-8", "long line", "line twice"])
    lines = text.split(b"\n")
    at = random.randrange(len(lines))
    words = lines[at].split(b" ")
    if kind == "bytes":
        return of_bytes(random, text)
    if kind == "word":
        words[random.randrange(len(words))] = random.choice(
            [b"", b"x", b"nan", b"-1", b"1e400", b"9" * 400, b"\xff", b'"', b"=", b"T"]
        )
    elif kind == "number":
        words = [word.replace(b"1", b"7") for word in words]
    elif kind == "not UTF-8":
        words = [b"\xff\xfe", *words]
    elif kind == "long line":
        words = [b"x" * 1_000_000, *words]
    lines[at] = b" ".join(words)
    if kind == "line":
        del lines[at]
    elif kind == "lines":
        lines = lines[:at]
    elif kind == "line twice":
        lines.insert(at, lines[at])
    return f"{kind} in line {at + 1}", b"\n".join(lines)
