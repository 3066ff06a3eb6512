"""Lazy access to the variables of one database file, opened with h5netcdf and checked against the digests that it carries."""

import contextlib
import io
import os
import threading
from pathlib import Path

import numpy as np

from . import digests
from .errors import DataError
from .schema import CHANNELS, COLUMNS, CONVENTIONS, FILE, POLARIZATIONS
from .subject import Subject

CACHE_BYTES = 64 * 2**20  # a variable smaller than this is kept in memory once read; a larger one is read by rows
MEMORY_BYTES = (
    64 * 2**20
)  # a file smaller than this is read once, checked and kept; of a larger one, what is read is checked
BLOCK = 4096  # rows averaged at a time
REQUIRED = {
    "site": ("site",),
    "energy": ("energy",),
    "pdos_energy": ("pdos_energy",),
    "elnes": ("site", "polarization", "energy"),
    "projector": ("site", "polarization", "polarization_from"),
    "pdos": ("site", "channel", "pdos_energy"),
    "si_o": ("site", "bond"),
    "rdf": ("site", "pair", "radius"),
    "radius": ("radius",),
    "missing_site": ("missing",),
    "rejected_site": ("rejected",),
    "rejected_reason": ("rejected",),
    "structures": ("structures_byte",),
    **{name: ("site",) for name, column in COLUMNS.items() if column.absent is None},
}
ABSENT = {name: column.absent for name, column in COLUMNS.items() if column.absent is not None}
WHERE = (
    "The data do not come with an installed package: they are in the folder data of the project's repository. Set "
    "ELNES_LAB_DATA to such a folder, put them in place with `elnes-lab data fetch FILE|URL`, or, from raw files, build them "
    "with `elnes-lab build`."
)
REMEDY = "Fetch or build it again (`elnes-lab build`); open with verify=False to look at it as it is."


def data_directory() -> Path:
    """Folder of the database: $ELNES_LAB_DATA, else data/ beside the package's source, else data/ in the working directory if it
    holds a database or raw files, else the one of this user, where `elnes-lab data fetch` puts them.
    """
    if os.environ.get("ELNES_LAB_DATA"):
        return Path(os.environ["ELNES_LAB_DATA"])
    for folder in (Path(__file__).resolve().parents[1] / "data", Path("data")):
        if (folder / FILE).is_file() or (folder / "raw").is_dir():
            return folder
    from platformdirs import user_data_path

    return user_data_path("elnes-lab", appauthor=False)


class Store:
    """One open database file. Variables come as arrays, whole or for some rows of the site dimension.

    A file of ordinary size is held in memory as it was when it was opened: what happens to it on the disk later is not seen.
    Raises DataError if the file is missing, foreign, incomplete, or not what was built, and when a variable is first read and is
    not what was built. verify=False leaves out the checks of the digests.
    """

    def __init__(self, path: Path | str | None = None, *, verify: bool = True):
        self.path = Path(path) if path is not None else data_directory() / FILE
        self.verify = verify
        content = self.load()
        try:
            self.file, self.image = open_file(self.path if content is None else content)
        except Exception as problem:
            raise DataError(
                f"{self.path} is not a netCDF-4 file, or it is truncated ({first_line(problem)}). "
                "Build it again with `elnes-lab build`."
            ) from None
        self.closed = False
        self.lock = threading.RLock()
        self.cache: dict[str, np.ndarray] = {}
        self.tables: dict[str, np.ndarray] = {}
        try:
            with self.guard("the layout"):
                self.attributes = dict(self.file.attrs)
                self.check_layout()
                self.subject = self.read_subject()
                self.size = self.file.dimensions["site"].size
        except DataError:
            self.close()
            raise

    def load(self) -> bytes | None:
        """The bytes of the file, checked against its seal; None for one too large to be held. DataError if it cannot be used."""
        try:
            if self.path.is_dir():
                self.path = self.path / FILE
            if not self.path.is_file():
                raise DataError(f"There is no database at {self.path}. {WHERE}")
            with open(self.path, "rb") as file:
                if os.fstat(file.fileno()).st_size > MEMORY_BYTES:
                    file.seek(-digests.SEAL_LENGTH, os.SEEK_END)
                    whole = file.read().startswith(digests.SEAL)
                    content = None
                else:
                    content = file.read()
                    whole = not self.verify or digests.is_sealed(content)
        except (OSError, ValueError) as problem:
            if isinstance(problem, DataError):
                raise
            raise DataError(
                f"{self.path} cannot be read: {getattr(problem, 'strerror', None) or problem}. Name another file, or "
                "ask for the right to read it."
            ) from None
        if self.verify and not whole:
            raise DataError(
                f"{self.path.name} does not end with the sha256 of its content: it was damaged or changed after it was "
                f"built, or an older version built it. {REMEDY}"
            )
        return content

    def check_layout(self) -> None:
        if self.attribute("Conventions", "") != CONVENTIONS and "elnes" in self.file.variables:
            raise DataError(
                f"{self.path} follows the layout '{self.attribute('Conventions', 'unknown')}', this version reads "
                f"'{CONVENTIONS}'. Build it again with `elnes-lab build`."
            )
        newer = {name: ("site",) for name in ABSENT if name in self.file.variables}
        for name, dimensions in (REQUIRED | newer).items():
            if name not in self.file.variables:
                raise DataError(
                    f"{self.path} has no variable '{name}': it is not an ELNES Lab database, or one of another version. "
                    "Build it again with `elnes-lab build`."
                )
            if self.file.variables[name].dimensions != dimensions:
                raise DataError(
                    f"In {self.path} the variable '{name}' has the dimensions {self.file.variables[name].dimensions}, not "
                    f"{dimensions}. Build it again with `elnes-lab build`."
                )
        if self.verify and self.attribute(digests.ATTRIBUTE) != digests.of_attributes(self.attributes):
            raise self.damaged("the list of attributes")
        for name, wanted in (("polarization", POLARIZATIONS), ("channel", CHANNELS)):
            if name not in self.file.variables or tuple(self.read(name)) != wanted:
                raise DataError(
                    f"In {self.path} the dimension '{name}' is not {', '.join(wanted)}. Build it again with `elnes-lab build`."
                )

    def read_subject(self) -> Subject:
        try:
            return Subject.read(self.attributes)
        except DataError as problem:
            raise self.damaged("what it says of itself", str(problem)) from None

    def attribute(self, name: str, default=None):
        """Global attribute of the file."""
        return self.attributes.get(name, default)

    def read(self, name: str, rows: np.ndarray | None = None) -> np.ndarray:
        """The variable `name`, whole or at `rows` (integers, first dimension). Texts come as str. Do not write into the result."""
        if name in ABSENT and name not in self.file.variables:  # a file from before this column
            self.cache.setdefault(name, np.full(self.size, ABSENT[name], dtype=object))
        if name not in self.cache:
            with self.lock, self.guard(name):
                variable = self.file.variables[name]
                size = int(np.prod(variable.shape)) * 8
                if rows is not None and size > CACHE_BYTES and variable.ndim > 1:
                    return self.read_rows(name, rows)
                whole = variable[...]
                if digests.is_text(variable.dtype):
                    whole = np.array([x.decode() if isinstance(x, bytes) else x for x in whole], dtype=object)
                if self.verify:
                    self.check(name, whole)
                if size > CACHE_BYTES:
                    return whole if rows is None else whole[rows]
                whole.setflags(write=False)
                self.cache[name] = whole
        whole = self.cache[name]
        return whole if rows is None else whole[rows]

    def check(self, name: str, values: np.ndarray | None) -> np.ndarray:
        """Compares a variable with its digest and returns its table of digests, if it has one. values: None reads the table only."""
        variable = self.file.variables[name]
        table = np.zeros((0, 32), np.uint8)
        if digests.in_blocks(variable.shape):
            table = self.file.variables[name + digests.TABLE][...] if values is None else digests.table(values)
        covered = table.tobytes() if digests.in_blocks(variable.shape) else digests.raw(values)
        if variable.attrs[digests.ATTRIBUTE] != digests.of_variable(
            name, variable.dimensions, np.dtype(variable.dtype), variable.shape, covered
        ):
            raise self.damaged(f"the variable '{name}'")
        return table

    def read_rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Rows of a large variable, one read per block that holds any of them; each block is compared with its digest."""
        variable = self.file.variables[name]
        if self.verify and name not in self.tables:
            self.tables[name] = self.check(name, None)
        rows = np.asarray(rows)
        out = np.empty((len(rows), *variable.shape[1:]), variable.dtype)
        for block in np.unique(rows // digests.BLOCK):
            inside = np.flatnonzero(rows // digests.BLOCK == block)
            start = block * digests.BLOCK
            values = variable[start : start + digests.BLOCK]
            if self.verify and not np.array_equal(digests.block_digest(values), self.tables[name][block]):
                raise self.damaged(f"the variable '{name}', rows {start} to {start + len(values) - 1},")
            out[inside] = values[rows[inside] - start]
        return out

    def isotropic(self, rows: np.ndarray | None) -> np.ndarray:
        """Mean of elnes over polarization, shape (rows, energy); averaged by blocks where the file is larger than the cache."""
        if "isotropic" not in self.cache:
            if self.size * 8 * int(np.prod(self.file.variables["elnes"].shape[1:])) > CACHE_BYTES:
                rows = np.arange(self.size) if rows is None else rows
                out = np.empty((len(rows), self.file.variables["energy"].shape[0]), np.float32)
                for start in range(0, len(rows), BLOCK):
                    self.read("elnes", rows[start : start + BLOCK]).mean(axis=1, out=out[start : start + BLOCK])
                return out
            self.cache["isotropic"] = self.read("elnes").mean(axis=1)
        return self.cache["isotropic"] if rows is None else self.cache["isotropic"][rows]

    def structures(self) -> str:
        """The structures, a frame of extended XYZ each, as in the file beside the database."""
        with self.guard("structures"):
            return self.read("structures").tobytes().decode()

    def source(self) -> "Path | io.BytesIO":
        """What another reader may open to see the same data: the bytes that are held in memory, else the path."""
        with self.lock:
            return self.path if self.image is None else io.BytesIO(self.image.id.get_file_image())

    @contextlib.contextmanager
    def guard(self, what: str):
        """What the HDF5 library, or a text that is none, raises inside becomes a DataError about the file."""
        try:
            yield
        except DataError:
            raise
        except Exception as problem:
            if isinstance(problem, MemoryError) and self.verify:  # the file is sound, the machine too small
                raise
            if self.closed:
                raise DataError(f"{self.path} was closed. Open the database again.") from None
            raise self.damaged(what, first_line(problem)) from None

    def damaged(self, what: str, detail: str = "it has another sha256 than when it was built") -> DataError:
        return DataError(f"In {self.path} {what} cannot be used: {detail}. The file was damaged or changed. {REMEDY}")

    def close(self) -> None:
        self.closed = True
        self.file.close()
        if self.image is not None:
            self.image.close()
            self.image = None


def open_file(content: bytes | Path):
    """The h5netcdf file, read only, and the h5py one that it reads from memory, or None for a path."""
    import h5netcdf

    if isinstance(content, Path):
        return h5netcdf.File(content, "r"), None
    import h5py

    image = h5py.File(h5py.h5f.open_file_image(content))
    try:
        return h5netcdf.File(image, "r"), image
    except Exception:
        image.close()
        raise


def first_line(problem: Exception) -> str:
    lines = str(problem).splitlines()
    return lines[0] if lines else type(problem).__name__
