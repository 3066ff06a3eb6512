"""Spectra as files: CSV, JSON, HyperSpy and EMSA/MAS, rendered to bytes from one `SpectrumSet`.

A renderer gives {title: content}: one entry for a format that holds many spectra, one per spectrum for EMSA/MAS.
"""

import errno
import json
import os
import shutil
import tempfile
import textwrap
import unicodedata
from pathlib import Path

import numpy as np

from ..errors import DataError
from .spectrum_set import ENERGY_DIGITS, PDOS_CHANNEL, SpectrumSet

JSON_SCHEMA = {"name": "elnes-lab.spectra", "version": 1}
TEMPORARY_BYTES = 4 * 2**20  # for columns and headers of a temporary file, on top of its spectra
MSA_WIDTH = 64  # characters of one header value in ISO 22029


def render_csv(spectra: SpectrumSet) -> dict[str, bytes]:
    """One table: `energy` (eV), then a column per spectrum; '#' lines before it say what the numbers are.

    With a PDOS the energy axis is the union of both, and cells outside a curve's data are empty.
    `pandas.read_csv(file, comment="#", index_col="energy")` reads it.
    """
    import pandas as pd

    names = [title for titles in spectra.titles() for title in titles]
    table = pd.DataFrame(spectra.intensity.reshape(len(names), -1).T, index=spectra.energy, columns=names)
    if spectra.pdos is not None:
        names = [f"{site} {PDOS_CHANNEL} PDOS" for site in spectra.sites]
        channel = pd.DataFrame(spectra.pdos.T, index=spectra.pdos_energy, columns=names)
        table = pd.concat([table, channel], axis=1).sort_index()
    head = "".join(f"# {name}: {fact}\n" for name, fact in spectra.facts.items())
    # single precision is what the data have; its shortest text keeps the file half as long
    return {"": (head + table.astype(np.float32).to_csv(index_label="energy", lineterminator="\n")).encode()}


def render_json(spectra: SpectrumSet) -> dict[str, bytes]:
    """One strict JSON object (null for NaN): its schema, units, axes and, per site, columns, spectra and PDOS."""
    rows = []
    for i, site in enumerate(spectra.sites):
        row = {
            "site": site,
            "columns": {name: plain(values[i]) for name, values in spectra.columns.items()},
            "spectrum": {p: numbers(spectra.intensity[i, j]) for j, p in enumerate(spectra.polarizations)},
        }
        if spectra.pdos is not None:
            row["pdos"] = {PDOS_CHANNEL: numbers(spectra.pdos[i])}
        rows.append(row)
    whole = {
        "schema": JSON_SCHEMA,
        "facts": spectra.facts,
        "columns": {
            name: {"units": spectra.units[name], "long_name": spectra.long_names[name]} for name in spectra.columns
        },
        "units": {"energy": "eV", "spectrum": spectra.unit, "pdos": "states/eV/atom"},
        "energy": spectra.energy.tolist(),
        **({} if spectra.pdos is None else {"pdos_energy": spectra.pdos_energy.tolist()}),
        "sites": rows,
    }
    return {"": json.dumps(whole, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()}


def plain(value):
    """One entry of a column as a JSON value: a float32 by its shortest text, a number that is not finite as None."""
    if isinstance(value, str):
        return value
    if np.issubdtype(value.dtype, np.floating):
        return float(str(value)) if np.isfinite(value) else None
    return value.item()


def numbers(values: np.ndarray) -> list[float | None]:
    """A curve as JSON values, in single precision like the data."""
    texts = values.astype(np.float32).astype(str).tolist()
    return [float(text) if finite else None for text, finite in zip(texts, np.isfinite(values).tolist())]


def render_hspy(spectra: SpectrumSet) -> dict[str, bytes]:
    """One HyperSpy file with one EELS signal: (energy,) for a single spectrum, else with sites or polarizations before.

    The per-site columns and labels are under original_metadata.elnes_lab. Microscope parameters are left out: a
    calculation has none.
    """
    from rsciio.hspy import file_writer

    offset, step = spectra.scale()
    sizes = {"Site": len(spectra.sites), "Polarization": len(spectra.polarizations)}
    navigation = [name for name, size in sizes.items() if size > 1]
    axes = [uniform_axis(i, name, sizes[name], navigate=True) for i, name in enumerate(navigation)]
    axes.append(uniform_axis(len(axes), "Energy loss", len(spectra.energy), units="eV", offset=offset, scale=step))
    several = f"{spectra.subject.label} edge ELNES of {len(spectra.sites)} sites of {spectra.subject.material}"
    title = several if "Site" in navigation else spectra.sites[0]
    signal = {
        "data": np.ascontiguousarray(spectra.intensity.reshape([axis["size"] for axis in axes])),
        "axes": axes,
        "metadata": {
            "General": {"title": title, "notes": "\n".join(": ".join(fact) for fact in spectra.facts.items())},
            "Signal": {"signal_type": "EELS", "quantity": f"Dipole strength ({spectra.unit})"},
        },
        "original_metadata": {
            "elnes_lab": {
                "sites": spectra.sites,
                "polarizations": list(spectra.polarizations),
                "facts": spectra.facts,
                "columns": {name: values.tolist() for name, values in spectra.columns.items()},
                "units": spectra.units,
                "long_names": spectra.long_names,
            }
        },
        "attributes": {"_lazy": False, "ragged": False},
        "learning_results": {},
        "models": {},
        "package_info": {},
        "tmp_parameters": {},
    }
    return {"": written(file_writer, signal, "hspy")}


def uniform_axis(
    index: int,
    name: str,
    size: int,
    *,
    units: str = "",
    offset: float = 0.0,
    scale: float = 1.0,
    navigate: bool = False,
) -> dict:
    """A HyperSpy axis as RosettaSciIO's writers take it."""
    return {
        "_type": "UniformDataAxis",
        "name": name,
        "units": units,
        "offset": offset,
        "scale": scale,
        "size": size,
        "navigate": navigate,
        "is_binned": False,
        "index_in_array": index,
    }


def render_msa(spectra: SpectrumSet) -> dict[str, bytes]:
    """EMSA/MAS files (ISO 22029), one spectrum each, title -> content; SIGNALTYPE ELS, data as X, Y pairs.

    Y alone would be written by RosettaSciIO with six decimals, which leaves nothing of a strength of 1e-4 bohr^2/eV.
    NaN is not allowed in the format, so a spectrum is cut to its own data and has its own OFFSET.
    """
    from rsciio.msa import file_writer

    offset, step = spectra.scale()
    comment = comment_lines(f"{name} = {fact}" for name, fact in spectra.facts.items())
    files = {}
    for site, titles, curves in zip(spectra.sites, spectra.titles(), spectra.intensity):
        for title, polarization, curve in zip(titles, spectra.polarizations, curves):
            known = np.flatnonzero(np.isfinite(curve))
            values = curve[known[0] : known[-1] + 1]
            start = round(offset + step * int(known[0]), ENERGY_DIGITS)
            text = ascii_text(f"{site} {spectra.subject.label} edge, {polarization}")
            header = {
                "FORMAT": "EMSA/MAS Spectral Data File",
                "VERSION": "1.0",
                "TITLE": text,
                "DATE": "",
                "TIME": "",
                "OWNER": "ELNES Lab",
                "NPOINTS": len(values),
                "NCOLUMNS": 1,
                "XUNITS": "eV",
                "YUNITS": spectra.unit,
                "DATATYPE": "XY",
                "XPERCHAN": step,
                "OFFSET": start,
                "SIGNALTYPE": "ELS",
                "XLABEL": "Energy loss",
                "YLABEL": "Dipole strength",
                "COMMENT": comment,
            }
            axis = uniform_axis(0, "Energy loss", len(values), units="eV", offset=start, scale=step)
            metadata = {"General": {"title": text}, "Signal": {"signal_type": "EELS"}}
            signal = {"data": values, "axes": [axis], "metadata": metadata, "original_metadata": header}
            files[title] = written(file_writer, signal, "msa", format="XY") + b"\r\n"
    return files


def comment_lines(sentences) -> str:
    """Sentences as whole header lines of MSA_WIDTH characters.

    RosettaSciIO cuts a comment every 64 characters, joins the pieces again without a space when it reads them, and
    takes ": " in a line for a second keyword: so each line is filled up with spaces, starts with one, and has no ": ".
    """
    lines = [line for sentence in sentences for line in textwrap.wrap(ascii_text(sentence), MSA_WIDTH - 1)]
    return "".join(f" {line}".ljust(MSA_WIDTH) for line in lines).rstrip()


def ascii_text(text: str) -> str:
    """The text in the characters that EMSA/MAS allows, without the separator of its header."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().replace(": ", " = ")


def written(writer, signal: dict, suffix: str, **options) -> bytes:
    """What a RosettaSciIO writer, which takes only file names, puts into a file. DataError if temporary files have no room.

    Room is asked for before: the HDF5 library ends the process when the disk is full.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            if shutil.disk_usage(folder).free < 4 * signal["data"].nbytes + TEMPORARY_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            path = Path(folder, f"signal.{suffix}")
            writer(str(path), signal, **options)
            return path.read_bytes()
    except OSError as problem:
        raise DataError(
            f"The export needs temporary files, and they cannot be written: {problem.strerror or problem}. "
            "Make room, or name another folder in the environment variable TMPDIR."
        ) from None
