"""Lazy access to the variables of one database file, opened with h5netcdf and checked against its checksum list."""
import hashlib
import os
import threading
from pathlib import Path

import numpy as np

from .errors import DataError
from .schema import CHANNELS, CHECKSUMS, COLUMNS, CONVENTIONS, FILE, POLARIZATIONS

CACHE_BYTES = 64 * 2**20        # a variable smaller than this is kept in memory once read; a larger one is read by rows
BLOCK = 4096                    # rows averaged at a time
VERIFY_BYTES = 256 * 2**20      # hashed at opening up to this size (0.3 s); above, on demand
REQUIRED = {
    "site": ("site",), "energy": ("energy",), "pdos_energy": ("pdos_energy",), "elnes": ("site", "polarization", "energy"),
    "projector": ("site", "polarization", "polarization_from"),
    "pdos": ("site", "channel", "pdos_energy"), "si_o": ("site", "bond"), "rdf": ("site", "pair", "radius"), "radius": ("radius",),
    "missing_site": ("missing",), "rejected_site": ("rejected",), "rejected_reason": ("rejected",),
    **{name: ("site",) for name in COLUMNS},
}


def data_directory() -> Path:
    """Folder of the database: $ELNES_LAB_DATA, else data/ beside the package's source, else data/ in the working directory."""
    if os.environ.get("ELNES_LAB_DATA"):
        return Path(os.environ["ELNES_LAB_DATA"])
    beside = Path(__file__).resolve().parents[1] / "data"
    return beside if beside.is_dir() else Path("data")


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_checksums(path: Path) -> dict[str, str]:
    """File name -> sha256 of a list as `sha256sum` writes it; empty if there is no list."""
    if not path.exists():
        return {}
    return {name.strip(): digest for digest, _, name in (line.partition("  ") for line in path.read_text().splitlines())}


class Store:
    """One open database file. Variables come as arrays, whole or for some rows of the site dimension.

    Raises DataError if the file is missing, foreign, incomplete, or not the one its checksum list describes.
    """

    def __init__(self, path: Path | str | None = None, *, verify: bool = True):
        import h5netcdf

        self.path = Path(path) if path is not None else data_directory() / FILE
        if self.path.is_dir():
            self.path = self.path / FILE
        if not self.path.is_file():
            raise DataError(f"There is no database at {self.path}. Build it with `elnes-lab build` (or `make data`), "
                            "or name another file.")
        if verify and self.path.stat().st_size <= VERIFY_BYTES:
            self.verify()
        try:
            self.file = h5netcdf.File(self.path, "r")
        except Exception as problem:
            raise DataError(f"{self.path} is not a netCDF-4 file, or it is truncated ({problem}). "
                            "Build it again with `elnes-lab build`.") from None
        self.lock = threading.RLock()
        self.cache: dict[str, np.ndarray] = {}
        self.check_layout()
        self.size = self.file.dimensions["site"].size

    def verify(self) -> None:
        """DataError unless the file's sha256 is the one in the list beside it (no list: nothing to compare)."""
        wanted = read_checksums(self.path.with_name(CHECKSUMS)).get(self.path.name)
        if wanted and wanted != sha256(self.path):
            raise DataError(f"{self.path.name} has another sha256 than {CHECKSUMS} beside it says: the file was changed or damaged "
                            "after it was built. Fetch or build it again; open with verify=False to look at it as it is.")

    def check_layout(self) -> None:
        for name, dimensions in REQUIRED.items():
            if name not in self.file.variables:
                raise DataError(f"{self.path} has no variable '{name}': it is not an ELNES Lab database, or one of another version. "
                                "Build it again with `elnes-lab build`.")
            if self.file.variables[name].dimensions != dimensions:
                raise DataError(f"In {self.path} the variable '{name}' has the dimensions {self.file.variables[name].dimensions}, not "
                                f"{dimensions}. Build it again with `elnes-lab build`.")
        for name, wanted in (("polarization", POLARIZATIONS), ("channel", CHANNELS)):
            if name not in self.file.variables or tuple(self.read(name)) != wanted:
                raise DataError(f"In {self.path} the dimension '{name}' is not {', '.join(wanted)}. Build it again with `elnes-lab build`.")
        if self.attribute("Conventions", "") != CONVENTIONS:
            raise DataError(f"{self.path} follows the layout '{self.attribute('Conventions', 'unknown')}', this version reads "
                            f"'{CONVENTIONS}'. Build it again with `elnes-lab build`.")

    def attribute(self, name: str, default=None):
        """Global attribute of the file."""
        with self.lock:
            return self.file.attrs[name] if name in self.file.attrs else default

    def read(self, name: str, rows: np.ndarray | None = None) -> np.ndarray:
        """The variable `name`, whole or at `rows` (integers, first dimension). Texts come as str. Do not write into the result."""
        if name not in self.cache:
            with self.lock:
                variable = self.file.variables[name]
                size = int(np.prod(variable.shape)) * 8
                if rows is not None and size > CACHE_BYTES and variable.ndim > 1:
                    return self.read_rows(variable, rows)
                whole = variable[...]
                if variable.dtype.kind == "O" or variable.dtype == str:
                    whole = np.array([x.decode() if isinstance(x, bytes) else x for x in whole], dtype=object)
                if size > CACHE_BYTES:
                    return whole if rows is None else whole[rows]
                whole.setflags(write=False)
                self.cache[name] = whole
        whole = self.cache[name]
        return whole if rows is None else whole[rows]

    def isotropic(self, rows: np.ndarray | None) -> np.ndarray:
        """Mean of elnes over polarization, shape (rows, energy); averaged by blocks where the file is larger than the cache."""
        if "isotropic" not in self.cache:
            if self.size * 8 * int(np.prod(self.file.variables["elnes"].shape[1:])) > CACHE_BYTES:
                rows = np.arange(self.size) if rows is None else rows
                out = np.empty((len(rows), self.file.variables["energy"].shape[0]), np.float32)
                for start in range(0, len(rows), BLOCK):
                    self.read("elnes", rows[start:start + BLOCK]).mean(axis=1, out=out[start:start + BLOCK])
                return out
            self.cache["isotropic"] = self.read("elnes").mean(axis=1)
        return self.cache["isotropic"] if rows is None else self.cache["isotropic"][rows]

    @staticmethod
    def read_rows(variable, rows: np.ndarray) -> np.ndarray:
        """Rows of a large variable, one read per stored chunk that holds any of them."""
        rows = np.asarray(rows)
        out = np.empty((len(rows), *variable.shape[1:]), variable.dtype)
        length = (variable.chunks or variable.shape)[0]
        for chunk in np.unique(rows // length):
            inside = np.flatnonzero(rows // length == chunk)
            start = rows[inside].min()
            out[inside] = variable[start:rows[inside].max() + 1][rows[inside] - start]
        return out

    def close(self) -> None:
        self.file.close()
