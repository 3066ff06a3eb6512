"""Core-loss matrix elements: `<seed>.elnes_bin`, and `<seed>.eels_mat` of older versions. Fortran records, big-endian.

The records, as OptaDOS reads them (`elec_read_elnes_mat`): in `.elnes_bin` the version of the format (real*8) and a
header of 80 characters; then orbitals, bands, k points and spins, an integer each; then for each orbital its species,
its atom within the species, its shell and its channel (1: s; 2, 3, 4: p; ...). The elements are complex*16,
<band|r|orbital> in bohr: one record for each k point and spin, the orbital running first, then the band, then x, y, z;
in `.eels_mat` one record of x, y, z for each k point, spin, orbital and band, the last running first.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError

MOST = 2**33  # bytes of a file
SHELLS = (1, 8)


@dataclass(frozen=True)
class Orbitals:
    """Core orbitals (n,) of a file: species and atom count from 1 in the program's order; shell is the principal
    quantum number, channel the number of the spherical harmonic, 1 for s."""

    species: np.ndarray
    atom: np.ndarray
    shell: np.ndarray
    channel: np.ndarray


class Records:
    """Fortran records of a file, one after the other. DataError for what is not one."""

    def __init__(self, file, name: str, size: int):
        self.file, self.name, self.left = file, name, size

    def next(self, length: int | None = None) -> bytes:
        """The bytes of the next record, which must be `length` long."""
        head = self.take(4)
        size = int.from_bytes(head, "big")
        if length is not None and size != length:
            other = " (it is little-endian, where CASTEP writes big-endian: convert it)" * (
                int.from_bytes(head, "little") == length
            )
            raise DataError(
                f"{self.name}: a record of {size} bytes where one of {length} is expected{other}; it is damaged or of "
                "another format"
            )
        content = self.take(size)
        if self.take(4) != head:
            raise DataError(f"{self.name}: a record does not end where it says it does; copy the file again")
        return content

    def take(self, count: int) -> bytes:
        content = self.file.read(count) if count <= self.left else b""
        if len(content) != count:
            raise DataError(f"{self.name} is cut off; copy it again")
        self.left -= count
        return content

    def integers(self, count: int) -> np.ndarray:
        return np.frombuffer(self.next(4 * count), ">i4").astype(int)


def read_matrix(path: Path, choose) -> tuple[Orbitals, np.ndarray]:
    """Orbitals (n,), and the elements (k, spins, bands, 3) in bohr of the one that `choose(orbitals)` returns the
    index of.

    The suffix of the path says which format it is. DataError for anything else than a whole file.
    """
    legacy = path.suffix == ".eels_mat"
    try:
        size = os.stat(path).st_size
        if not stat.S_ISREG(os.stat(path).st_mode) or size > MOST:
            raise DataError(f"{path.name} is not a regular file of at most {MOST // 2**30} GB")
        with open(path, "rb") as file:
            records = Records(file, path.name, size)
            if not legacy:
                version = float(np.frombuffer(records.next(8), ">f8")[0])
                if not 0 < version < 1.001:
                    raise DataError(
                        f"{path.name} is of version {version:.3g} of its format; 1.0 is the newest that is known"
                    )
                records.next(80)
            count, bands, kpoints, spins = (int(records.integers(1)[0]) for _ in range(4))
            if min(count, bands, kpoints) < 1 or spins not in (1, 2) or 48 * count * bands * kpoints * spins > size:
                raise DataError(
                    f"{path.name}: {count} orbitals, {bands} bands, {kpoints} k points and {spins} spins are not what "
                    f"a file of {size} bytes holds; copy it again"
                )
            orbitals = Orbitals(*(records.integers(count) for _ in range(4)))
            if orbitals.shell.min() < SHELLS[0] or orbitals.shell.max() >= SHELLS[1] or min(orbitals.channel) < 1:
                raise DataError(f"{path.name}: its orbitals have no quantum numbers; copy it again")
            read = read_elements if not legacy else read_legacy_elements
            return orbitals, read(records, choose(orbitals), count, bands, kpoints, spins)
    except OSError as problem:
        raise DataError(f"{path.name} cannot be read: {problem.strerror or problem}") from None


def read_elements(
    records: Records,
    orbital: int,
    count: int,
    bands: int,
    kpoints: int,
    spins: int,
) -> np.ndarray:
    values = np.empty((kpoints, spins, bands, 3), complex)
    for k, spin in np.ndindex(kpoints, spins):
        block = np.frombuffer(records.next(48 * count * bands), ">c16").reshape(3, bands, count)
        values[k, spin] = block[:, :, orbital].T
    return finite(values, records.name)


def read_legacy_elements(
    records: Records,
    orbital: int,
    count: int,
    bands: int,
    kpoints: int,
    spins: int,
) -> np.ndarray:
    values = np.empty((kpoints, spins, bands, 3), complex)
    record = np.dtype([("head", ">i4"), ("xyz", ">c16", 3), ("tail", ">i4")])
    for k, spin, one in np.ndindex(kpoints, spins, count):
        block = np.frombuffer(records.take(record.itemsize * bands), record)
        if (block["head"] != 48).any() or (block["tail"] != 48).any():
            raise DataError(
                f"{records.name}: its records are not of three complex numbers; it is damaged or of another format"
            )
        if one == orbital:
            values[k, spin] = block["xyz"]
    return finite(values, records.name)


def finite(values: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(values).all() or not 0 < np.abs(values).max() < 10:
        raise DataError(f"{name}: elements up to {np.abs(values).max():.3g} bohr, which no 1s level has; copy it again")
    return values
