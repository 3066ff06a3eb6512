"""The process that opens one binary spectrum file: a request as JSON on standard input, the answer on standard output.

Started by `measured_binary` as `python -m elnes_lab.io.measured_child`. The answer is a line of JSON, then the arrays.
"""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np

MEMORY = 1200 * 2**20  # bytes of its own beyond what the imports take
CPU = 60  # s
WINDOW = (525.0, 560.0)  # eV, of the picture of a spectrum image
PICTURE = 96  # pixels a side, at most
PLANES = 32  # energies whose mean the picture is, about
MOST = 200_000  # energies
BLOCK = 2**25  # values added up at a time
IMAGE = 2 * 10**7  # pixels


class Refused(Exception):
    """A sentence for the user; {name} stands for the file."""


def limits() -> None:
    """Limits of memory, processor time and files written, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    wanted = {resource.RLIMIT_CPU: CPU, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 2**20}
    if sys.platform.startswith("linux"):
        for line in open("/proc/self/status"):
            if line.startswith("VmData:"):
                wanted[resource.RLIMIT_DATA] = int(line.split()[1]) * 1024 + MEMORY
    for kind, size in wanted.items():
        hard = resource.getrlimit(kind)[1]
        size = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(kind, (size, size))


def signals(path: str, kind: str) -> tuple[list[dict], str]:
    """What RosettaSciIO finds in a file, without the data, and the format; for HDF5 without NXdata, what is clear in it."""
    if kind == "dm":
        from rsciio.digitalmicrograph import file_reader

        return file_reader(path, lazy=True), "Digital Micrograph"
    check_links(path)
    if kind == "hspy" or is_hyperspy(path):
        from rsciio.hspy import file_reader

        return file_reader(path, lazy=True), "HyperSpy"
    from rsciio.nexus import file_reader

    try:
        found = file_reader(path, lazy=True, nxdata_only=True, hardlinks_only=True, skip_array_metadata=True)
    except Exception:
        found = []
    return (found, "NeXus") if found else (plain_pairs(path), "HDF5")


def is_hyperspy(path: str) -> bool:
    """Whether an HDF5 file says that it is one of HyperSpy, whose older versions called them .hdf5."""
    import h5py

    with h5py.File(path, "r") as file:
        return text(file.attrs.get("file_format", "")).casefold() == "hyperspy"


def check_links(path: str) -> None:
    """Refuses an HDF5 file that would have other files read: external links, external storage, virtual datasets."""
    import h5py

    outside = Refused(
        "{name} refers to other files, which are not opened here. Save the spectrum itself into one file."
    )
    with h5py.File(path, "r") as file:
        waiting, seen = [file], 0
        while waiting:
            group = waiting.pop()
            for name in group:
                seen += 1
                if seen > 20_000:
                    raise Refused("{name} has more than 20,000 parts. Save the spectrum alone.")
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    raise outside
                if isinstance(link, h5py.SoftLink):
                    continue
                part = group[name]
                if isinstance(part, h5py.Dataset):
                    if part.external or part.is_virtual:
                        raise outside
                elif isinstance(part, h5py.Group):
                    if len(part.name) > 500:
                        raise Refused("{name} has parts within parts without end. Save the spectrum alone.")
                    waiting.append(part)


def plain_pairs(path: str) -> list[dict]:
    """Datasets of one dimension beside one that is called energy, in the same group and as long."""
    import h5py

    found = []
    with h5py.File(path, "r") as file:
        groups = [file]
        file.visititems(lambda name, part: groups.append(part) if isinstance(part, h5py.Group) else None)
        for group in groups:
            flat = {
                name: part
                for name, part in group.items()
                if isinstance(part, h5py.Dataset) and part.ndim == 1 and part.dtype.kind in "iuf" and part.size <= MOST
            }
            energy = next(
                (name for name in flat if name.casefold() in ("energy", "energies", "energy_loss", "eloss", "ev")), None
            )
            if energy is None:
                continue
            axis = {
                "axis": flat[energy][...].astype(float),
                "units": text(flat[energy].attrs.get("units", "")),
                "name": "Energy",
                "size": flat[energy].size,
                "index_in_array": 0,
            }
            found += [
                {"data": part[...].astype(float), "axes": [axis], "metadata": {"General": {"title": name}}}
                for name, part in flat.items()
                if name != energy and part.size == flat[energy].size
            ]
    return found


def text(value) -> str:
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "" if value in ("<undefined>", "None") else "".join(c for c in value if c.isprintable())[:60]


def values_of(axis: dict) -> np.ndarray:
    """Energies of an axis of RosettaSciIO, (n,)."""
    size = int(axis["size"])
    if not 1 <= size <= MOST:
        raise Refused(f"{{name}} has an energy axis of {size:,} points; {MOST:,} are the most. Bin it first.")
    if axis.get("axis") is not None and np.size(axis["axis"]) == size:
        return np.asarray(axis["axis"], float).ravel()
    return float(axis.get("offset", 0)) + float(axis.get("scale", 1)) * np.arange(size)


def energy_axis(signal: dict) -> int | None:
    """Number of the array's axis that is the energy: by its unit, by its name, or as the only one there is."""
    axes = signal["axes"]
    for k, axis in enumerate(axes):
        if text(axis.get("units", "")).casefold() in ("ev", "kev"):
            return k
    for k, axis in enumerate(axes):
        if "energy" in text(axis.get("name", "")).casefold():
            return k
    return 0 if len(axes) == 1 and text(axes[0].get("units", "")).casefold() in ("", "ev", "kev") else None


def usable(found: list[dict]) -> list[tuple[dict, int]]:
    """The signals that are spectra or spectrum images, each with the number of its energy axis."""
    kept = []
    for signal in found:
        data, k = signal["data"], energy_axis(signal)
        if k is None or len(signal["axes"]) != data.ndim or data.dtype.kind not in "iuf":
            continue
        if sum(size > 1 for j, size in enumerate(data.shape) if j != k) <= 2:
            kept.append((signal, k))
    return kept


def title(signal: dict, number: int) -> str:
    return text(signal.get("metadata", {}).get("General", {}).get("title", "")) or f"spectrum {number + 1}"


def answer(wanted: dict) -> tuple[dict, dict]:
    """(head, arrays) for a request: path, kind, item, region, around (eV)."""
    found, format = signals(wanted["path"], wanted["kind"])
    found = usable(found)
    if not found:
        raise Refused("{name} holds no spectrum over an energy axis. Give a file with one, or a table of two columns.")
    energies = [
        values_of(signal["axes"][k]) * (1e3 if text(signal["axes"][k].get("units", "")).casefold() == "kev" else 1)
        for signal, k in found
    ]
    item = wanted["item"]
    if item is None:
        item = next((i for i, e in enumerate(energies) if e.min() <= wanted["around"] <= e.max()), 0)
    if not 0 <= item < len(found):
        raise Refused(
            f"{{name}} holds {len(found)} spectra; number {item} is none of them. Give 0 to {len(found) - 1}."
        )
    (signal, k), energy = found[item], values_of(found[item][0]["axes"][found[item][1]])
    data, axis = signal["data"], signal["axes"][k]
    if data.shape[k] != len(energy):
        raise Refused("{name} is damaged: its energy axis is not as long as its data. Save it again.")
    head = {
        "kind": format,
        "unit": text(signal.get("metadata", {}).get("Signal", {}).get("quantity", "")),
        "energy_unit": text(axis.get("units", "")),
        "items": [title(s, i) for i, (s, _) in enumerate(found)],
        "item": item,
        "notes": [],
        "facts": {},
        "region": None,
    }
    order = [j for j in range(data.ndim) if j != k]
    image = data.transpose(*order, k)
    shape = [size for size in image.shape[:-1] if size > 1]
    image = image.reshape(*([1] * (2 - len(shape))), *shape, image.shape[-1])
    rows, columns = image.shape[:2]
    if rows * columns > IMAGE:
        raise Refused(f"{{name}} is an image of {rows:,} times {columns:,} pixels. Cut out a part of it.")
    arrays = {"energy": energy}
    if rows * columns == 1:
        if wanted["region"] is not None:
            raise Refused(
                "{name} is a single spectrum, not a spectrum image, so it has no region. Leave the region out."
            )
        arrays["intensity"] = compute(image[0, 0])
        return head, arrays
    region = wanted["region"] or [0, rows, 0, columns]
    top, bottom, left, right = (int(value) for value in region)
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise Refused(
            f"The region is not within the image of {{name}}, {rows} rows of {columns} pixels. Give first row, last row, "
            "first column, last column, counted from 0, the last ones excluded."
        )
    arrays["intensity"] = added(image[top:bottom, left:right])
    step = [max(1, math.ceil(size / PICTURE)) for size in (rows, columns)]
    scaled = energies[item]
    inside = np.flatnonzero((scaled >= WINDOW[0]) & (scaled <= WINDOW[1]))
    first, last = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, len(energy))
    part = slice(first, last, max(1, (last - first) // PLANES))
    arrays["picture"] = compute(image[:: step[0], :: step[1], part].mean(axis=-1, dtype=float))
    head |= {"step": step, "shape": [rows, columns], "region": [top, bottom, left, right]}
    count = (bottom - top) * (right - left)
    head["notes"].append(f"Sum over {count:,} pixels of a spectrum image of {rows:,} times {columns:,}.")
    return head, arrays


def compute(values) -> np.ndarray:
    """Values of a dask array, or of one of NumPy, as floats."""
    if hasattr(values, "compute"):
        values = values.compute(scheduler="synchronous")  # no threads: each would have memory of its own
    return np.ascontiguousarray(values, float)


def added(image) -> np.ndarray:
    """Sum over the pixels of a lazy image (rows, columns, energy), some rows at a time."""
    rows, columns, size = image.shape
    total, block = np.zeros(size), max(1, BLOCK // (columns * size))
    for start in range(0, rows, block):
        total += compute(image[start : start + block].sum(axis=(0, 1), dtype=float))
    return total


def main() -> None:
    out = os.dup(1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    wanted = json.loads(sys.stdin.buffer.read())
    for unneeded in (
        "xarray",
        "pandas",
        "scipy",
        "scipy.sparse",
    ):  # dask takes a second to import what it finds of these
        sys.modules.setdefault(unneeded, None)
    import dask.array  # noqa: F401 what it takes is not the file's

    limits()
    try:
        head, arrays = answer(wanted)
    except Refused as refused:
        head, arrays = {"refused": str(refused)}, {}
    except MemoryError:
        head, arrays = (
            {"refused": "{name} needs more memory than a file may take here. Cut out the part with the O K edge."},
            {},
        )
    except Exception as problem:
        from .measured_text import short

        what = {"dm": "Digital Micrograph", "hspy": "HyperSpy", "nexus": "HDF5"}[wanted["kind"]]
        why = short(problem).replace(str(Path(wanted["path"]).parent), "").replace("{", "(").replace("}", ")")
        head = {
            "refused": f"{{name}} cannot be read as a {what} file: {type(problem).__name__}, {why}. It is damaged or of a kind "
            "that is not known here; save it again, or give a table of two columns."
        }
        arrays = {}
    head["arrays"] = {key: list(values.shape) for key, values in arrays.items()}
    body = b"".join(np.ascontiguousarray(values, "<f8").tobytes() for values in arrays.values())
    with os.fdopen(out, "wb") as stream:
        stream.write(json.dumps(head).encode() + b"\n" + body)
        stream.flush()
    os._exit(0)  # the HDF5 library may fail at its end on a damaged file


if __name__ == "__main__":
    main()
