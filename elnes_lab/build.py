"""From `data/raw` to the database: one netCDF-4 file, the structures as extended XYZ, and the list of checksums.

The build reads whatever is there, rejects what cannot be a row and says why, lists what is still to be computed, and writes the
same bytes for the same input. The files are replaced only when all three are complete.
"""
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import schema
from .errors import DataError
from .sources.quantum_espresso import CoreHoleSite, GroundState, read_ground, read_site
from .spectra import EXPERIMENTAL_OFFSET
from .store import sha256
from .structure import Environment, kind_of

CHUNK = 16                      # rows
PLAN = "structures.extxyz"      # in the raw folder: every structure that is to be computed


@dataclass
class Collected:
    """What a raw folder holds: rows to store, and the sites that are not rows."""

    rows: list[dict] = field(default_factory=list)
    grounds: list[tuple[GroundState, Environment, list[int]]] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    planned: int = 0


def build(raw: Path | str, output: Path | str) -> dict:
    """Builds the database in the folder `output` from the folder `raw`; returns the counts of `Database.info`.

    Raises DataError if `raw` holds no usable spectrum; then nothing in `output` has changed.
    """
    raw, output = Path(raw), Path(output)
    if not raw.is_dir():
        raise DataError(f"There is no folder {raw}. Name the folder that holds <structure>/ground.npz and O<i>.npz.")
    collected = collect(raw)
    if not collected.rows:
        why = f" The first reason: {collected.rejected[0][0]}: {collected.rejected[0][1]}." if collected.rejected else ""
        raise DataError(f"{raw} holds no spectrum that can be used.{why} Compute some first; the database is left as it was.")
    output.mkdir(parents=True, exist_ok=True)
    names = [schema.FILE, schema.STRUCTURES, schema.CHECKSUMS]
    parts = [output / f"{name}.part" for name in names]
    try:
        write_structures(collected, parts[1])
        dataset = to_dataset(collected, raw)
        dataset.to_netcdf(parts[0], engine="h5netcdf", encoding=encoding(dataset))
        listed = [(sha256(part), name) for part, name in zip(parts, names[:2])]
        listed += [(sha256(path), Path(os.path.relpath(path, output)).as_posix()) for path in collected.files]
        parts[2].write_text("".join(f"{digest}  {name}\n" for digest, name in listed))
        for part, name in zip(parts, names):
            os.replace(part, output / name)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    from .database import open_database

    with open_database(output) as db:
        return db.info()


def collect(raw: Path) -> Collected:
    """Reads and checks every file of the raw folder, in the order of the structures' names."""
    found, known = Collected(), set()
    for folder in sorted(path for path in raw.iterdir() if path.is_dir()):
        files = sorted(folder.glob("O*.npz"), key=lambda path: (len(path.stem), path.stem))
        ground_file = folder / "ground.npz"
        found.files += [path for path in (ground_file, *files) if path.exists()]
        try:
            if not ground_file.exists():
                raise DataError("its ground state is not there; compute ground.npz first")
            ground = read_ground(ground_file)
            environment = Environment(ground.cell, ground.symbols, ground.positions)
            inequivalent = dict(environment.inequivalent_oxygens)
        except DataError as reason:
            found.rejected += [(f"{folder.name}/{path.stem}", f"ground state: {reason}") for path in files]
            if not files:
                found.rejected.append((f"{folder.name}/ground", str(reason)))
            found.planned += len(files)
            continue
        known.add(folder.name)
        sites = []
        for path in files:
            try:
                site = read_site(path, ground)
                if not len(environment.bonds(site.site).index):
                    raise DataError(f"oxygen {site.site} is bonded to no silicon")
                sites.append(site)
            except DataError as reason:
                found.rejected.append((f"{folder.name}/{path.stem}", str(reason)))
        there = {path.stem for path in files}
        found.missing += [f"{folder.name}/O{atom}" for atom in inequivalent if f"O{atom}" not in there]
        found.planned += max(len(inequivalent), len(files))
        if sites:
            found.rows += structure_rows(ground, environment, sites)
            found.grounds.append((ground, environment, [site.site for site in sites]))
    add_plan(raw / PLAN, found, known)
    return found


def add_plan(path: Path, found: Collected, known: set[str]) -> None:
    """Adds the sites of the planned structures that are not `known`: not begun, or without a usable ground state."""
    if not path.exists():
        return
    from ase.io import read

    listed = {site for site, _ in found.rejected}
    for atoms in read(path, ":"):
        if atoms.info["sid"] not in known:
            environment = Environment.of(atoms)
            sites = {f"{atoms.info['sid']}/O{atom}" for atom, _ in environment.inequivalent_oxygens} - listed
            found.missing += sites
            found.planned += len(sites)
    found.files.append(path)


def structure_rows(ground: GroundState, environment: Environment, sites: list[CoreHoleSite]) -> list[dict]:
    """One dict per site: the columns of the schema and the arrays elnes, pdos, si_o, rdf."""
    symbol, number = environment.space_group
    first = next((s for s in sites if np.isfinite(s.neutral_energy)), None)
    rows = []
    for site in sites:
        local = environment.site(site.site)
        absorber, dos = site.site, ground.dos / len(ground.symbols)
        bonded = environment.bonds(absorber).index
        silicon = [pdos[bonded].mean(0) for pdos in (ground.pdos_s, ground.pdos_p)]
        radius, *rdf = environment.site_rdf(absorber)
        rows.append({
            **{name: local[name] for name in schema.COLUMNS if name in local},
            "site": f"{ground.structure}/O{absorber}", "structure": ground.structure, "name": ground.name, "atom": absorber,
            "kind": kind_of(ground.source), "source": ground.source, "space_group": symbol, "space_group_number": number,
            "multiplicity": site.multiplicity, "n_atoms": len(ground.symbols), "band_gap": ground.band_gap,
            "homo": site.homo, "lumo": site.lumo, "onset": onset(site, first, ground.supercell_energy),
            "pdos_top": ground.top, "image_distance": site.image_distance, "seconds": site.seconds,
            "ground_seconds": ground.seconds, "elnes": site.strength,
            "pdos": np.stack([ground.pdos_s[absorber], ground.pdos_p[absorber], *ground.pdos_pxyz[absorber], *silicon, dos]),
            "si_o": local["si_o"], "rdf": np.stack(rdf), "radius": radius, "energy": site.energy, "pdos_energy": ground.energy,
        })
    return rows


def onset(site: CoreHoleSite, first: CoreHoleSite | None, crystal: float) -> float:
    """Transition energy in eV of experimental energy loss: core hole with one conduction electron, less the crystal's energy.

    `crystal` is the total energy (eV) of the same supercell without a hole. The energy of the neutral cell is computed for the
    first site of a structure; the other sites take over its difference to `total_energy + lumo`. NaN without a first site.
    """
    if first is None:
        return np.nan
    correction = first.neutral_energy - (first.total_energy + first.lumo)
    return site.total_energy + site.lumo + correction - crystal + EXPERIMENTAL_OFFSET


def to_dataset(found: Collected, raw: Path):
    """The xarray Dataset of all rows, with units and provenance as attributes. DataError if the energy axes differ."""
    import xarray as xr

    rows = found.rows
    for axis in ("energy", "pdos_energy"):
        for row in rows:
            if not np.array_equal(row[axis], rows[0][axis]):
                raise DataError(f"{row['site']} has another {axis} axis than {rows[0]['site']}; one database has one axis. "
                                "Compute this structure again, or move its folder away.")
    # xarray would take an empty object array for numbers
    text = lambda values: np.array(list(values), dtype=object) if values else np.array([], dtype=str)
    bonds = np.full((len(rows), max(len(row["si_o"]) for row in rows)), np.nan, np.float32)
    for line, row in zip(bonds, rows):
        line[:len(row["si_o"])] = row["si_o"]
    variables = {
        "elnes": (("site", "polarization", "energy"), np.stack([row["elnes"] for row in rows]).astype(np.float32),
                  {"units": "bohr^2/eV", "long_name": "Dipole strength of the O K edge",
                   "comment": "sum_f |<f|r_a|1s>|^2 with a Lorentzian of 0.4 eV half width, a = x, y, z of the stored cell; "
                              "full core hole in a supercell; the isotropic ELNES is the mean over polarization"}),
        "pdos": (("site", "channel", "pdos_energy"), np.stack([row["pdos"] for row in rows]).astype(np.float32),
                 {"units": "states/eV/atom", "long_name": "Ground-state PDOS",
                  "comment": "O: the absorbing atom; Si: mean of the bonded silicons; DOS: total of the cell per atom; "
                             "tetrahedra, then Gaussian sigma 0.15 eV; complete up to pdos_top"}),
        "si_o": (("site", "bond"), bonds, {"units": "angstrom", "long_name": "Si-O lengths", "comment": "ascending; NaN where fewer"}),
        "rdf": (("site", "pair", "radius"), np.stack([row["rdf"] for row in rows]).astype(np.float32),
                {"units": "1", "long_name": "Partial radial distribution around the site", "comment": "tends to 1"}),
        "missing_site": (("missing",), text(sorted(found.missing)), {"long_name": "Planned sites that are not computed yet"}),
        "rejected_site": (("rejected",), text([site for site, _ in found.rejected]), {"long_name": "Computed sites that are not rows"}),
        "rejected_reason": (("rejected",), text([reason for _, reason in found.rejected]), {"long_name": "Why"}),
    }
    for name, column in schema.COLUMNS.items():
        values = [row[name] for row in rows]
        about = {"long_name": column.long_name, **({"units": column.units} if column.units else {}),
                 **({"comment": column.comment} if column.comment else {})}
        variables[name] = ("site", text(values) if column.dtype == "str" else np.array(values).astype(column.dtype), about)
    variables["onset"][2]["offset_eV"] = EXPERIMENTAL_OFFSET
    coordinates = {
        "site": ("site", text([row["site"] for row in rows]), {"long_name": "structure/absorbing atom"}),
        "energy": ("energy", rows[0]["energy"], {"units": "eV", "long_name": "Energy above the valence-band maximum",
                                                 "comment": "highest occupied level of the core-hole supercell; minus lumo, plus homo: "
                                                            "from the onset; plus onset: experimental energy loss"}),
        "pdos_energy": ("pdos_energy", rows[0]["pdos_energy"], {"units": "eV", "long_name": "Energy above the valence-band maximum"}),
        "radius": ("radius", rows[0]["radius"], {"units": "angstrom", "long_name": "Distance from the site"}),
        "polarization": ("polarization", text(schema.POLARIZATIONS)), "channel": ("channel", text(schema.CHANNELS)),
        "pair": ("pair", text(schema.PAIRS)),
    }
    digests = sorted(sha256(path) + path.relative_to(raw).as_posix() for path in found.files)
    return xr.Dataset(variables, coordinates, {
        "Conventions": schema.CONVENTIONS, "title": "O K-edge ELNES of silicon oxides from first principles",
        "method": "Quantum ESPRESSO 7.2, PBE, ultrasoft pseudopotentials, 25/100 Ry; full core hole in a supercell; Lanczos recursion",
        "references": schema.IDEA, "license": schema.LICENCE, "planned_spectra": found.planned,
        "raw_sha256": hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    })


def encoding(dataset) -> dict:
    """Lossless compression, in chunks of a few rows so that a handful of spectra can be read without the rest."""
    return {name: {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": (min(len(values), CHUNK), *values.shape[1:])}
            for name, values in dataset.data_vars.items() if values.ndim == 3}


def write_structures(found: Collected, path: Path) -> None:
    """Every structure with a row as a frame of extended XYZ; `computed` marks the oxygens that have a spectrum."""
    from ase import Atoms
    from ase.io import write

    frames = []
    for ground, environment, computed in found.grounds:
        atoms = Atoms(list(ground.symbols), cell=ground.cell, scaled_positions=ground.positions, pbc=True)
        atoms.info = {"structure": ground.structure, "name": ground.name, "source": ground.source, "kind": kind_of(ground.source),
                      "space_group": environment.space_group[0], "band_gap_eV": round(float(ground.band_gap), 4)}
        atoms.arrays["computed"] = np.isin(np.arange(len(atoms)), computed)
        frames.append(atoms)
    write(path, frames, format="extxyz")
