"""Data for an installed package: a file or an address is checked and put where the package looks for its data.

What is fetched is the database file, which carries its own checksums, or a zip that holds it (of the project's folder `data`, or
of the whole repository), with the trained models beside it. Nothing else in a zip is unpacked, and no name in it becomes a path.
"""

import hashlib
import http.client
import io
import os
import re
import struct
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..database import open_database
from ..errors import DataError
from ..schema import CHECKSUMS, FILE, STRUCTURES
from .export import write_whole
from .places import file_place

LIMIT = 2 * 2**30  # bytes, of what is fetched and of what it unpacks to
BLOCK = 2**20
TIMEOUT = 60  # s of silence
MODEL_FILES = ("card.json", "model.safetensors")
MODEL = re.compile(
    rf"models/[A-Za-z0-9][A-Za-z0-9._+-]{{0,79}}/({'|'.join(map(re.escape, MODEL_FILES))})|models/evaluation\.json"
)
ADDRESS = re.compile(r"(https?)://\S+")


def fetch(
    source: str, folder: Path | str, *, sha256: str | None = None, overwrite: bool = False, report=None
) -> list[Path]:
    """Puts the data of `source`, a file or an http(s) address, into `folder` (made if need be); the paths written.

    sha256: digest (hex) that the file or the answer must have. report(bytes so far, bytes in all or None) is called while it is
    read. SHA256SUMS is written beside the data. The old files stay whole until everything is checked.

    Raises DataError for a source that cannot be read, is too large, has another digest, holds no database or a damaged one, for a
    folder that cannot be written, and where there is another database or model already, unless `overwrite`.
    """
    folder = Path(folder)
    content = read(source, report)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256.strip().lower():
        raise DataError(
            f"{source} has the sha256 {digest}, not {sha256}: it is another version, or it was damaged on its way. "
            "Nothing was changed."
        )
    files = unpacked(source, content) if content[:2] == b"PK" else {FILE: content}
    file_place(folder / FILE, make=True)
    for name, data in files.items():
        path = folder / name
        if not overwrite and path.exists() and path.read_bytes() != data:
            what = "database" if name == FILE else name
            raise DataError(
                f"{folder} has another {what} already. Give --overwrite to replace it, or set ELNES_LAB_DATA to the "
                "folder that is to have this one."
            )
    files |= {STRUCTURES: checked(source, files[FILE])}
    files[CHECKSUMS] = sums(folder / CHECKSUMS, files)
    written = []
    try:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
            written.append(path)
    except OSError as problem:
        raise DataError(
            f"{folder} cannot be written: {problem.strerror or problem}. Make room, or set ELNES_LAB_DATA to another "
            "folder."
        ) from None
    return written


def sums(path: Path, files: dict[str, bytes]) -> bytes:
    """SHA256SUMS with the new files; lines about others stay."""
    old = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    kept = [line for line in old if line.partition("  ")[2] not in files]
    return "".join(
        f"{line}\n"
        for line in [*(f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in files.items()), *kept]
    ).encode()


def read(source: str, report=None) -> bytes:
    """The bytes of a file or of the answer of an address. Raises DataError if they cannot be had or are too many."""
    try:
        if ADDRESS.fullmatch(source):
            with urllib.request.urlopen(source, timeout=TIMEOUT) as answer:
                return blocks(source, answer, int(answer.headers.get("Content-Length") or 0) or None, report)
        if not os.path.isfile(source):
            raise DataError(
                f"There is no file {source}. Name the database file {FILE}, a zip of the project's folder data, or "
                "an address (https://...) of one of them."
            )
        with open(source, "rb") as file:
            return blocks(source, file, os.fstat(file.fileno()).st_size, report)
    except urllib.error.HTTPError as problem:
        raise DataError(f"{source} answers {problem.code} ({problem.reason}). Check the address.") from None
    except DataError:
        raise
    except (
        OSError,
        ValueError,
        http.client.HTTPException,
    ) as problem:  # no network, a broken connection, a certificate, a name
        reason = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or problem
        raise DataError(
            f"{source} cannot be read: {reason}. Check the name and the connection, then try again."
        ) from None


def blocks(source: str, stream, total: int | None, report) -> bytes:
    """All bytes of a stream; DataError for more than LIMIT, or for fewer than it announced."""
    found = bytearray()
    if (total or 0) > LIMIT:
        raise DataError(f"{source} has {total >> 20} MB, more than the {LIMIT >> 20} of any data. Check the name.")
    while block := stream.read(BLOCK):
        found += block
        if len(found) > LIMIT:
            raise DataError(f"{source} has more than the {LIMIT >> 20} MB of any data. Check the name.")
        if report is not None:
            report(len(found), total)
    if total is not None and len(found) != total:
        raise DataError(f"{source} broke off after {len(found):,} of {total:,} bytes. Try again.")
    return bytes(found)


def unpacked(source: str, content: bytes) -> dict[str, bytes]:
    """Name in the data folder -> bytes of the database and the models in a zip. Raises DataError for any other zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            there = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            bases = sorted(
                {PurePosixPath(name).parent for name in there if PurePosixPath(name).name == FILE},
                key=lambda path: len(path.parts),
            )
            if not bases:
                raise DataError(
                    f"{source} holds no {FILE}. Fetch a zip of the project's folder data, or that file itself."
                )
            prefix = "" if bases[0] == PurePosixPath(".") else f"{bases[0]}/"
            wanted = {
                name.removeprefix(prefix): info
                for name, info in there.items()
                if name.startswith(prefix) and (name == prefix + FILE or MODEL.fullmatch(name.removeprefix(prefix)))
            }
            if sum(info.file_size for info in wanted.values()) > LIMIT:
                raise DataError(f"{source} unpacks to more than the {LIMIT >> 20} MB of any data. Check the name.")
            found = {}
            for name, info in wanted.items():
                with archive.open(info) as member:  # no more than is declared
                    found[name] = member.read(info.file_size)
            return found
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, zlib.error, struct.error) as problem:
        raise DataError(f"{source} is not a whole zip file ({problem}). Fetch it again.") from None


def checked(source: str, database: bytes) -> bytes:
    """The text of the structures in a database file (bytes). Raises DataError if it is damaged or no database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(database)
        try:
            with open_database(path) as db:
                return db.store.structures().encode()
        except DataError as problem:
            raise DataError(str(problem).replace(str(path), source).replace(FILE, source)) from None
