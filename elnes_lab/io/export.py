"""Export of a selection: file names, folders, zip archives and writing whole files or none.

What is in a file is the business of spectra_files and structure_files.
"""

import contextlib
import io
import os
import re
import stat
import unicodedata
import uuid
import zipfile
from pathlib import Path

from ..errors import DataError
from ..spectra import Broadening
from .places import file_place, folder_place
from .spectra_files import render_csv, render_hspy, render_json, render_msa
from .spectrum_set import gather
from .structure_files import render_cif, render_extxyz

FORMATS = {
    "csv": "table of spectra, a column per site",
    "json": "spectra with all their columns",
    "hspy": "HyperSpy, EELS signal",
    "msa": "EMSA/MAS (ISO 22029), a file per spectrum",
    "cif": "structures, a file each",
    "extxyz": "structures, one file",
}
SPECTRA = {"csv": render_csv, "json": render_json, "hspy": render_hspy, "msa": render_msa}
STRUCTURES = {"cif": render_cif, "extxyz": render_extxyz}
ONE_EACH = ("msa", "cif")  # a file holds one spectrum or structure
WITH_PDOS = {"csv": False, "json": True}  # formats with room for a PDOS, and whether they have it unasked
NAME_LENGTH = 100  # of a file name; the limit of common file systems is 255 bytes
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for devices
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that zip knows: equal contents give equal archives


def export(
    db,
    path: Path | str,
    *,
    format: str | None = None,
    zero: str = "vbm",
    polarization: str = "isotropic",
    fwhm: float | Broadening = 0.0,
    pdos: bool | None = None,
    normalized: bool = False,
    average: bool = False,
    overwrite: bool = False,
) -> Path:
    """Writes the rows of a Database to `path` and returns it. Energies in eV, intensities in bohr^2/eV.

    format: one of FORMATS, by default the suffix of `path` ("quartz.csv"; "glass.msa.zip" is a zip of .msa). Formats
    that hold one spectrum or structure a file need a .zip or a folder for several. zero, polarization, fwhm (added broadening)
    and normalized are those of `Database.curves`, polarization "all" too: isotropic, x, y and z; average: the averages of the
    rows' structures instead, over all of their sites (`averages`); structures do without. pdos adds the ground-state O p PDOS
    (csv: default no, json: default yes). Each file appears whole or not at all, and replaces another only with `overwrite`.

    Raises DataError for an unknown format, an empty selection, a file that exists or cannot be written, and what
    `gather` raises.
    """
    path, inside, format = destination(path, format)
    if inside == "folder":
        folder_place(path)
    else:
        check_free(file_place(path), overwrite)
    options = {"zero": zero, "polarization": polarization, "fwhm": fwhm, "normalized": normalized, "average": average}
    files = render(db, format, pdos=pdos, **options)
    if inside == "folder":
        files = {path / name: content for name, content in files.items()}
        for file in files:
            check_free(file, overwrite)
        make_folder(path)
    elif inside == "zip":
        files = {path: zipped(files)}
    elif len(files) > 1:
        raise DataError(
            f"{path.name} can hold one {format} file, and the selection makes {len(files)}. Name a zip "
            f"({path.stem}.{format}.zip) or a folder ({path.stem}/, format {format}), or select less."
        )
    else:
        files = dict(zip([path], files.values()))
    for file, content in files.items():
        write_whole(file, content)
    return path


def export_bytes(db, format: str, **options) -> tuple[str, bytes]:
    """What `export` would write, as (file name, content), for a download; several files come as one zip.

    options: zero, polarization, fwhm, pdos, normalized and average of `export`. Raises DataError as `export` does.
    """
    files = render(db, known_format(format), **options)
    if len(files) == 1:
        return next(iter(files.items()))
    return f"{collection(db, format, options.get('average', False))}.zip", zipped(files)


def render(db, format: str, *, pdos: bool | None = None, average: bool = False, **options) -> dict[str, bytes]:
    """File name -> content. options: those of `gather`."""
    if not len(db):
        raise DataError(
            "The selection is empty, so there is nothing to export. "
            "Widen the filter until at least one spectrum is selected."
        )
    if pdos and format not in WITH_PDOS:
        raise DataError(
            f"The format {format} has no place for the PDOS. Choose {' or '.join(WITH_PDOS)}, or leave the PDOS out."
        )
    if format in STRUCTURES:
        contents = STRUCTURES[format](db)
    else:
        pdos = WITH_PDOS.get(format, False) if pdos is None else pdos
        contents = SPECTRA[format](gather(db, pdos=pdos, average=average, **options))
    names = safe_names([title or collection(db, format, average) for title in contents])
    return {f"{name}.{format}": content for name, content in zip(names, contents.values())}


def collection(db, format: str, average: bool = False) -> str:
    """Name for all of a selection, the same for the same rows of the same data."""
    if average and format in SPECTRA and len(db.structures) == 1:
        return safe_names([f"{db.structures[0]} average"])[0]
    if average and format in SPECTRA:
        return f"silicon-oxides_{len(db.structures)}-averages_{db.version}"
    if len(db) == 1:
        return safe_names([str(db.sites[0]) if format in SPECTRA else db.structures[0]])[0]
    what = f"{len(db)}-spectra" if format in SPECTRA else f"{len(db.structures)}-structures"
    return f"silicon-oxides_{what}_{db.version}"


def known_format(format: str) -> str:
    name = format.lower().lstrip(".")
    if name not in FORMATS:
        listed = ", ".join(f"{known} ({what})" for known, what in FORMATS.items())
        raise DataError(f"There is no export format '{format}'. Choose one of: {listed}.")
    return name


def destination(path: Path | str, format: str | None) -> tuple[Path, str, str]:
    """The path, what it is ("file", "zip" or "folder") and the format."""
    slash = str(path).endswith(("/", os.sep))
    path = Path(path)
    ends = [suffix.lower() for suffix in path.suffixes]
    inside = "folder" if slash or os.path.isdir(path) else "zip" if ends[-1:] == [".zip"] else "file"
    if format is None:
        ends = ends[:-1] if inside == "zip" else ends
        if inside == "folder" or not ends:
            raise DataError(
                f"The name {path} does not say which format to write. Give the format: {', '.join(FORMATS)}."
            )
        format = ends[-1]
    format = known_format(format)
    if inside == "file" and not ends and format in ONE_EACH:
        inside = "folder"
    return path, inside, format


def safe_names(titles: list[str]) -> list[str]:
    """File names without suffix, one per title: safe on any file system, different even where case does not count."""
    names, taken = [], set()
    for title in titles:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
        base = re.sub(r"[^A-Za-z0-9.+-]+", "_", plain)[:NAME_LENGTH].strip("._-") or "unnamed"
        base = f"_{base}" if RESERVED.fullmatch(base) else base
        name, count = base, 1
        while name.lower() in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name.lower())
        names.append(name)
    return names


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive of name -> content; the same bytes whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.create_system = 3  # Unix, whichever system writes it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def check_free(path: Path, overwrite: bool) -> None:
    """DataError unless a file may be put there: nothing is there, or a file to overwrite (never a folder, pipe or device)."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as problem:
        raise unwritable(path, problem) from None
    if not stat.S_ISREG(mode):
        raise DataError(
            f"{path} is not a file but a folder, pipe or device, and was left as it is. Choose another name."
        )
    if not overwrite:
        raise exists(path)


def exists(path: Path) -> DataError:
    return DataError(f"{path} exists already and was left as it is. Choose another name, or ask to overwrite it.")


def unwritable(path: Path, problem: Exception) -> DataError:
    return DataError(
        f"{path} cannot be written: {getattr(problem, 'strerror', None) or problem}. "
        "Choose a name that can be, in a folder that exists and that you may write to."
    )


def make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        raise DataError(
            f"The folder {path} cannot be made: {getattr(problem, 'strerror', None) or problem}. Choose another one."
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside `path` and moves it there, so that nobody ever sees half a file."""
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except (OSError, ValueError) as problem:
        raise unwritable(path, problem) from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            part.unlink()
