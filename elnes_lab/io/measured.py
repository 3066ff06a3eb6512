"""Measured spectra from files: `read` gives energies in eV, ascending, and the intensities as they were written.

DM3/DM4, EMSA/MSA, HyperSpy and NeXus/HDF5 are read by RosettaSciIO (HDF5 without an NXdata group by h5py), tables of text
(CSV, .xdi, .dat) by `measured_text`. Binary files are read in a process of their own with limits; see `measured_binary`.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import DataError

OXYGEN_K = 540.0  # eV
FEWEST, MOST = 10, 200_000  # points of a spectrum
TEXT_LIMIT = 64 * 2**20  # bytes of a text file
LARGEST = 1e30  # intensities beyond are not numbers that a detector gives
BINARY = {
    ".dm3": "dm",
    ".dm4": "dm",
    ".hspy": "hspy",
    ".nxs": "nexus",
    ".h5": "nexus",
    ".hdf5": "nexus",
    ".hdf": "nexus",
    ".nx": "nexus",
}
TEXTS = {".csv", ".txt", ".dat", ".xdi", ".msa", ".emsa", ".ems", ".xy", ".tsv", ".asc", ".nor", ".prn", ".xmu"}
SUFFIXES = (*BINARY, *sorted(TEXTS))
KNOWN = "DM3, DM4, EMSA/MSA, HyperSpy (.hspy), NeXus or HDF5, .xdi, or a table of text with two columns"
HDF5, EMPTY = b"\x89HDF\r\n\x1a\n", "has no content"


@dataclass(frozen=True)
class Picture:
    """A spectrum image as a picture: values (rows, columns) of every `step`-th pixel of `shape` (rows, columns)."""

    values: np.ndarray
    step: tuple[int, int]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Measured:
    """One spectrum as it was read: energy (n,) eV, ascending; intensity (n,) in `unit`.

    name: of the file; kind: its format in words; items: what else it holds that can be read (`read(item=)`), item: which
    of them this is; picture and region (top, bottom, left, right; pixels, ends excluded) of a spectrum image; notes: what
    was done to the numbers while reading, a sentence each.
    """

    name: str
    kind: str
    energy: np.ndarray
    intensity: np.ndarray
    unit: str = ""
    items: tuple[str, ...] = ()
    item: int = 0
    picture: Picture | None = None
    region: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()
    facts: dict = field(default_factory=dict)

    def record(self):
        """What was read, for an export: a dict of texts and numbers."""
        found = {
            "file": self.name,
            "format": self.kind,
            "points": len(self.energy),
            "from_eV": float(self.energy[0]),
            "to_eV": float(self.energy[-1]),
            "unit": self.unit,
            "notes": list(self.notes),
        }
        if len(self.items) > 1:
            found["item"] = self.items[self.item]
        if self.region:
            found["region_top_bottom_left_right"] = list(self.region)
        return found | self.facts


def read(
    source, content: bytes | None = None, *, item: int | None = None, region=None, around: float = OXYGEN_K
) -> Measured:
    """The measured spectrum in a file, or in `content` (bytes) of a file called `source`.

    item: number of the spectrum or column in a file of several (default: the first that covers the energy `around`, eV: the O K
    edge; 0 for a low-loss spectrum that was recorded with it). region:
    (top, bottom, left, right) in pixels of a spectrum image, ends excluded, whose spectra are added up (default: all);
    the image itself is never in memory as a whole. Raises DataError for a file that is none of the formats, damaged, too
    large, or without a spectrum.
    """
    from . import measured_binary, measured_text

    name = shown_name(source)
    if content is None:
        path = Path(source)
        try:
            if not path.is_file():
                raise DataError(
                    f"{name} is {'a folder' if path.is_dir() else 'no file that is there'}. Name a file: {KNOWN}."
                )
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(16)
        except (OSError, ValueError) as problem:
            if isinstance(problem, DataError):
                raise
            raise DataError(
                f"{name} cannot be read: {getattr(problem, 'strerror', None) or problem}. Name another file."
            ) from None
    else:
        path, size, head = None, len(content), content[:16]
    if not size:
        raise DataError(f"{name} {EMPTY}. Name a file that has: {KNOWN}.")
    kind = kind_of(name, head)
    if kind != "text":
        found = measured_binary.read(name, kind, path, content, item, region, around)
    else:
        if size > TEXT_LIMIT:
            raise DataError(
                f"{name} has {size >> 20} MB, too much for a table of one spectrum ({TEXT_LIMIT >> 20} MB at most). "
                "Save the spectrum alone."
            )
        if region is not None:
            raise DataError(f"{name} is a table, not a spectrum image, so it has no region. Leave the region out.")
        if content is None:
            try:
                content = path.read_bytes()
            except OSError as problem:
                raise DataError(f"{name} cannot be read: {problem.strerror}. Name another file.") from None
        found = measured_text.read(name, content, item)
    return tidy(name, **found)


def shown_name(source) -> str:
    """The last part of a path, in printable letters: what messages and exports call a file."""
    text = os.fspath(source).encode("utf-8", "replace").decode()
    text = "".join(letter if letter.isprintable() else "?" for letter in text.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])
    return text[:100] or "The file"


def kind_of(name: str, head: bytes) -> str:
    """ "dm", "hspy", "nexus" or "text": by the first bytes, and by the name where these leave a choice."""
    suffix = Path(name).suffix.lower()
    if head.startswith(HDF5):
        return BINARY.get(suffix) if BINARY.get(suffix) in ("hspy", "nexus") else "nexus"
    if head[:4] in (b"\0\0\0\3", b"\0\0\0\4"):
        return "dm"
    if head.startswith((b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"Rar!", b"7z\xbc\xaf")):
        raise DataError(f"{name} is an archive. Unpack it and give the spectrum that is inside.")
    if suffix in BINARY:
        raise DataError(
            f"{name} is no {suffix} file: it does not begin as such a file does. Save it again, or give another one."
        )
    return "text"


def tidy(
    name,
    *,
    kind,
    energy,
    intensity,
    unit="",
    energy_unit="",
    notes=(),
    **rest,
) -> Measured:
    """A Measured of numbers as they stood in a file: only finite ones, energies in eV, ascending, each once.

    Raises DataError where fewer than ten points are left.
    """
    notes = list(notes)
    energy, intensity = np.asarray(energy, float).ravel(), np.asarray(intensity, float).ravel()
    if len(energy) != len(intensity):
        raise DataError(f"{name} has {len(energy)} energies for {len(intensity)} intensities. Save it again.")
    with np.errstate(invalid="ignore"):
        good = np.isfinite(energy) & np.isfinite(intensity) & (np.abs(energy) < LARGEST) & (np.abs(intensity) < LARGEST)
    if good.sum() < FEWEST:
        what = "No point of it is a number" if not good.any() else f"Only {good.sum()} of its points are numbers"
        raise DataError(
            f"{name} holds no spectrum. {what}; at least {FEWEST} are needed. Give a file with energies and "
            "intensities."
        )
    if not good.all():
        notes.append(f"{plural((~good).sum(), 'point')} without a number left out.")
    energy, intensity = energy[good], intensity[good]
    scale, note = to_ev(name, energy_unit, energy)
    energy, notes = energy * scale, [*notes, *note]
    if energy[0] > energy[-1]:
        energy, intensity = energy[::-1], intensity[::-1]
        notes.append("Energies were descending; turned round.")
    if (np.diff(energy) < 0).any():
        order = np.argsort(energy, kind="stable")
        energy, intensity = energy[order], intensity[order]
        notes.append("Energies were not in order; sorted.")
    distinct, place = np.unique(energy, return_inverse=True)
    if len(distinct) < len(energy):
        notes.append(
            f"{plural(len(energy) - len(distinct), 'point')} at an energy that occurs twice: the mean was taken."
        )
        energy, intensity = distinct, np.bincount(place, intensity) / np.bincount(place)
    if len(energy) < FEWEST:
        raise DataError(f"{name} holds no spectrum: its points lie at {len(energy)} energies only. Give another file.")
    if len(energy) > MOST:
        raise DataError(
            f"{name} has {len(energy):,} points, more than the {MOST:,} that a spectrum may have. Bin it first."
        )
    return Measured(name=name, kind=kind, energy=energy, intensity=intensity, unit=unit, notes=tuple(notes), **rest)


def to_ev(name, unit, energy):
    """(factor, notes): from the unit that a file gives, or from energies that can only be keV."""
    plain = unit.strip().casefold()
    factors = {"ev": 1.0, "kev": 1e3, "mev": 1e-3 if unit.strip().startswith("m") else 1e6, "": 1.0}
    if plain not in factors:
        raise DataError(f"{name} counts in {unit[:20]!r}, not in eV. Give a spectrum over the energy.")
    if plain == "kev" or (
        not plain and 0.2 < energy.min() and energy.max() < 5 and (np.abs(energy - 0.54) < 0.02).any()
    ):
        return 1e3, [
            "Energies were in keV; now in eV." if plain else "Energies taken for keV, as there is no unit; now in eV."
        ]
    return factors[plain], []


def plural(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"
