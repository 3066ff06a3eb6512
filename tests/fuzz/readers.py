"""What readers of files have in common: what a good file reads as, and whether what a damaged one reads as is right.

A reader has a `name`, `title`, `share` of the cases, and is prepared once: `prepare(root)` makes the good files.
`damage(random, folder)` writes a damaged copy and returns (what was done, kind); `read(folder)` gives name -> digest of
all that was read, or raises DataError; `judge(found, kind)` compares with the good files; `refusal(text)` judges a
DataError.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from damage import IMPOSSIBLE, VALID
from isolate import OTHER, RIGHT, sentence

ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT / "data" / "raw"
STRUCTURES = ("quartz-alpha", "stishovite")  # the smallest: a build of them takes a second


def digest(values) -> str:
    """Of an array or a text: type, shape and numbers count. All texts are of one type."""
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        content = json.dumps([str(x) for x in array.ravel()]).encode()
        return f"text {array.shape} {hashlib.sha256(content).hexdigest()[:16]}"
    return f"{array.dtype.str} {array.shape} {hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]}"


class Reader:
    name = title = ""
    share = 1.0
    good: dict[str, str]

    def refusal(self, text: str) -> tuple[str, str]:
        return sentence(text)

    def judge(self, found: dict, kind: str) -> tuple[str, str]:
        different = sorted(k for k in found.keys() | self.good.keys() if found.get(k) != self.good.get(k))
        if kind == IMPOSSIBLE:
            return "wrong", "what cannot be was read"
        if not different:
            return RIGHT, ""
        return (OTHER if kind == VALID else "wrong"), "differs: " + ", ".join(different[:5])
