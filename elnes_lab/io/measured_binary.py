"""Binary spectrum files, read in a process of its own: what they declare is not to be trusted.

A file may announce 2^40 values, unpack without end, send the HDF5 library astray or refer to other files. So it is opened by
`measured_child`, which has limits of memory and time, follows no link out of the file, and answers with plain numbers.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ..errors import DataError
from .measured_text import short

SECONDS = 120  # wall clock; the child's limit of processor time is shorter
WORDS = {"dm": "Digital Micrograph", "hspy": "HyperSpy", "nexus": "HDF5"}
PACKAGE = Path(__file__).resolve().parents[2]
CHILD = "elnes_lab.io.measured_child"


def read(
    name: str,
    kind: str,
    path: Path | None,
    content: bytes | None,
    item,
    region,
    around: float,
) -> dict:
    """Arguments of `measured.tidy` from a binary file, at `path` or with these bytes. DataError if it cannot be read."""
    with contextlib.ExitStack() as stack:
        if path is None:
            suffix = {"dm": ".dm4", "hspy": ".hspy", "nexus": ".h5"}[kind]
            try:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="elnes-measured-"))
                path = Path(folder, f"file{suffix}")
                path.write_bytes(content)
            except OSError as problem:
                raise DataError(
                    f"{name} cannot be opened: there is no room for temporary files ({problem.strerror}). Make room, "
                    "or name another folder in the environment variable TMPDIR."
                ) from None
        wanted = {
            "path": str(path.resolve()),
            "kind": kind,
            "item": item,
            "around": around,
            "region": None if region is None else list(region),
        }
        answer = ask(name, kind, wanted)
    head, _, body = answer.partition(b"\n")
    try:
        head = json.loads(head)
        arrays, at = {}, 0
        for key, shape in head.pop("arrays", {}).items():
            size = int(np.prod(shape)) * 8
            arrays[key] = np.frombuffer(body[at : at + size], "<f8").reshape(shape).copy()
            at += size
    except (ValueError, AttributeError, TypeError):
        raise unreadable(name, kind, "the reading stopped") from None
    if "refused" in head:
        raise DataError(head["refused"].replace("{name}", name))
    return found(head, arrays)


def found(head: dict, arrays: dict) -> dict:
    from .measured import Picture

    picture = None
    if "picture" in arrays:
        picture = Picture(arrays["picture"], tuple(head["step"]), tuple(head["shape"]))
    return {
        "kind": head["kind"],
        "energy": arrays["energy"],
        "intensity": arrays["intensity"],
        "unit": head["unit"],
        "energy_unit": head["energy_unit"],
        "items": tuple(head["items"]),
        "item": head["item"],
        "picture": picture,
        "region": tuple(head["region"]) if head["region"] else None,
        "notes": head["notes"],
        "facts": head["facts"],
    }


def ask(name: str, kind: str, wanted: dict) -> bytes:
    """What the child process answers. DataError if it ended without an answer."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")])),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", CHILD],
            input=json.dumps(wanted).encode(),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            cwd=tempfile.gettempdir(),
        )
    except subprocess.TimeoutExpired:
        raise unreadable(name, kind, f"it takes more than {SECONDS} seconds") from None
    except OSError as problem:
        raise DataError(
            f"{name} cannot be read: no process can be started for it ({short(problem)}). Try again later."
        ) from None
    if done.returncode or not done.stdout:
        raise unreadable(
            name, kind, "the reading needs more memory or time than a file may take, or the file leads it astray"
        )
    return done.stdout


def unreadable(name: str, kind: str, why: str) -> DataError:
    return DataError(
        f"{name} cannot be read as a {WORDS[kind]} file: {why}. It is damaged or too large; save the spectrum alone, "
        "for example as EMSA/MSA or as a table of two columns."
    )
