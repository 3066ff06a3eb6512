"""Timings of the database, as ratios against a peer on the same rows in the same run.

    python benchmarks/database.py            # on the shipped database
    python benchmarks/database.py --rows 1189 --tiled 120000

Opening is compared with the same rows as pymatgen objects in JSON. The tiled database repeats real rows to get the size; it is
written to a temporary folder and never used for anything else.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from elnes_lab import digests, open_database
from elnes_lab.schema import FILE

OURS = "import elnes_lab; db = elnes_lab.open_database({path!r})"
PYMATGEN = "from monty.serialization import loadfn; rows = loadfn({path!r})"


def fresh_process(code: str, runs: int) -> float:
    """Median wall seconds of a new interpreter that runs `code`, less that of one that does nothing."""

    def median(text):
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", text], check=True)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    return median(code) - median("pass")


def median_of(call, runs: int = 15) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def tile(source: Path, target: Path, rows: int) -> None:
    """A database of `rows` sites that repeats the rows of `source`; compressed chunks are copied as they are."""
    import h5netcdf
    import h5py

    with h5netcdf.File(source, "r") as old, h5netcdf.File(target, "w") as new:
        sites = old.dimensions["site"].size
        length = old.variables["elnes"].chunks[0]
        unit = max(sites // length, 1) * length  # whole chunks, so that no row need be compressed again
        sizes = {"site": rows, "block": -(-rows // digests.BLOCK)}
        new.dimensions = {name: sizes.get(name, dimension.size) for name, dimension in old.dimensions.items()}
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name, variable in old.variables.items():
            if name.endswith(digests.TABLE):
                continue
            tiled = "site" in variable.dimensions
            kept = (
                {"chunks": (length, *variable.shape[1:]), "compression": "gzip", "shuffle": True}
                if tiled and variable.ndim == 3
                else {}
            )
            dtype = variable.dtype if variable.dtype.kind != "O" else h5py.string_dtype()
            copy = new.create_variable(name, variable.dimensions, dtype, **kept)
            for attribute, value in variable.attrs.items():
                copy.attrs[attribute] = value
            if not tiled:
                if all(variable.shape):
                    copy[...] = variable[...]
            elif kept:
                for start in range(0, rows, length):
                    mask, raw = variable._h5ds.id.read_direct_chunk((start % unit, *[0] * (variable.ndim - 1)))
                    copy._h5ds.id.write_direct_chunk((start, *[0] * (variable.ndim - 1)), raw, mask)
            else:
                values = variable[...]
                if name == "site":
                    values = np.array(
                        [f"copy-{i // unit}-{values[i % unit].decode()}" for i in range(rows)], dtype=object
                    )
                    copy[...] = values
                else:
                    copy[...] = values[np.arange(rows) % unit]
        sign(new)
    content = target.read_bytes()
    with open(target, "ab") as file:
        file.write(digests.seal(content))


def sign(file) -> None:
    """The digests of a file that was put together from parts of another."""
    for name, variable in list(file.variables.items()):
        if digests.in_blocks(variable.shape):
            table = np.concatenate(
                [digests.table(variable[i : i + digests.BLOCK]) for i in range(0, len(variable), digests.BLOCK)]
            )
            copy = file.create_variable(name + digests.TABLE, ("block", "digest"), table.dtype)
            copy[...] = table
            variable.attrs[digests.ATTRIBUTE] = digests.of_variable(
                name, variable.dimensions, variable.dtype, variable.shape, table.tobytes()
            )
    for name, variable in file.variables.items():
        if not digests.in_blocks(variable.shape):
            values = variable[...]
            if digests.is_text(values.dtype):
                values = np.array([x.decode() if isinstance(x, bytes) else x for x in values], dtype=object)
            variable.attrs[digests.ATTRIBUTE] = digests.of_variable(
                name, variable.dimensions, np.dtype(variable.dtype), variable.shape, digests.raw(values)
            )


def write_json(db, path: Path) -> None:
    """The same rows as pymatgen objects: structure, three spectra, PDOS channels and columns of each site."""
    from monty.json import MontyEncoder
    from pymatgen.core.spectrum import Spectrum

    table, elnes, pdos = db.table, db.elnes, db.pdos
    rows = [
        {
            "site": label,
            "structure": db.structure(table["structure"].iloc[i]),
            "columns": json.loads(table.iloc[i].to_json()),
            "elnes": [Spectrum(db.energy, y) for y in elnes[i]],
            "pdos": [Spectrum(db.pdos_energy, y) for y in pdos[i]],
        }
        for i, label in enumerate(db.sites)
    ]
    path.write_text(json.dumps(rows, cls=MontyEncoder))


def opening(folder: Path, source: Path, rows: int) -> None:
    db = open_database(source)
    if rows:
        tile(source, folder / FILE, rows)
        pick = np.arange(rows) % (max(len(db) // 16, 1) * 16)
        ours = folder / FILE
        db = db[pick % len(db)]
    else:
        ours = source
    write_json(db, folder / "rows.json")
    first = fresh_process(OURS.format(path=str(ours)), 7)
    second = fresh_process(PYMATGEN.format(path=str(folder / "rows.json")), 3)
    print(
        f"import + open, {len(db)} rows: {first:.2f} s; the same rows as pymatgen JSON: {second:.2f} s; "
        f"ratio {second / first:.0f}"
    )


def filtering(source: Path, label: str) -> None:
    db = open_database(source)
    import xarray as xr

    names = ["band_gap", "elnes", "homo", "lumo", "onset", "energy"]
    limits = iter(100 + 1e-3 * np.arange(1000))  # a new filter each time, so that nobody can remember the answer

    def cold():
        with xr.open_dataset(db.store.path, engine="h5netcdf") as data:
            return peer_data(data[names].load(), next(limits))

    first, first_peer = (median_of(call, 1) for call in (lambda: figure_data(db, next(limits)), cold))
    with xr.open_dataset(db.store.path, engine="h5netcdf") as data:
        data = data[names].load()
    again, peer = median_of(lambda: figure_data(db, next(limits))), median_of(lambda: peer_data(data, next(limits)))
    print(
        f"filter to figure data of all rows, {label}, {len(db)} rows\n"
        f"  first time, data from the file: {first * 1e3:.0f} ms, xarray {first_peer * 1e3:.0f} ms, "
        f"ratio {first_peer / first:.1f}\n"
        f"  then, data in memory: {again * 1e3:.1f} ms, xarray {peer * 1e3:.1f} ms, ratio {peer / again:.1f}"
    )


def figure_data(db, limit):
    return db.select(band_gap=(0, limit)).curves(zero="loss")


def peer_data(data, limit):
    """The peer: xarray alone, interpolating every row onto the axis of the figure."""
    data = data.isel(site=np.flatnonzero(data["band_gap"].values < limit))
    mean = data["elnes"].mean("polarization").values
    shift = (data["homo"] - data["lumo"] + data["onset"]).values
    grid = np.arange(520, 580, 0.1)
    return np.stack([np.interp(grid, data["energy"].values + s, y) for s, y in zip(shift, mean)])


def many(folder: Path, source: Path, rows: int) -> None:
    tile(source, folder / FILE, rows)
    code = f"from benchmarks.database import overlay; overlay({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def overlay(folder: str) -> None:
    """Filter and overlay on a large database; run in a process of its own, so that its memory is its own."""
    db = open_database(folder)
    angles = np.random.default_rng(0).uniform(130, 150, 16)

    def ask(angle):
        found = db.select(kind="amorphous", si_o_si_angle=(angle, angle + 3))
        return found[np.linspace(0, len(found) - 1, 20).astype(int)].curves(zero="loss", fwhm=0.5)

    start = time.perf_counter()
    ask(angles[0])
    first = time.perf_counter() - start
    times = []
    for angle in angles[1:]:
        start = time.perf_counter()
        ask(angle)
        times.append(time.perf_counter() - start)
    memory = (
        int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    )  # ru_maxrss would count the parent
    whole = Path(db.store.path).stat().st_size / 2**20
    print(
        f"filter + overlay of 20, tiled, {len(db)} rows, file of {whole:.0f} MiB\n"
        f"  first {first * 1e3:.0f} ms, then {statistics.median(times) * 1e3:.0f} ms (slowest {max(times) * 1e3:.0f}); "
        f"peak memory {memory:.0f} MiB"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--rows", type=int, default=1189, help="rows for opening and filtering, tiled from the real ones"
    )
    options.add_argument("--tiled", type=int, default=120_000, help="rows of the large database; 0 leaves it out")
    chosen = options.parse_args()
    source = open_database().store.path
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        opening(folder, source, 0)
        filtering(source, "shipped")
        if chosen.rows > len(open_database(source)):
            opening(folder, source, chosen.rows)
            filtering(folder / FILE, "tiled")
        if chosen.tiled:
            many(folder, source, chosen.tiled)


if __name__ == "__main__":
    main()
