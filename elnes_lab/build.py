"""From `data/raw` to the database: one netCDF-4 file, the structures as extended XYZ, and the list of checksums.

The build reads whatever is there, rejects what cannot be a row and says why, lists what is still to be computed, and writes the
same bytes for the same input. The netCDF file holds everything that readers of this package need, the structures too, and is
replaced in one step: they see the old database or the new one, at whatever moment a build is killed. The other two files are for
other programs and follow it; a build that was killed between leaves them old, and the next one mends them.
"""

import contextlib
import hashlib
import io
import os
import stat
from pathlib import Path

import numpy as np

from . import digests, schema
from .collect import Collected, collect, onset
from .database import open_database
from .errors import DataError
from .sources.quantum_espresso import METHOD
from .spectra import EXPERIMENTAL_OFFSET
from .store import REQUIRED
from .structure import kind_of

__all__ = ["build", "onset"]
LOCK = ".build.lock"  # in the output folder; the system lets go of it when its process ends, however it ends
NAMES = (schema.FILE, schema.STRUCTURES, schema.CHECKSUMS)  # in the order in which they are replaced


def build(raw: Path | str, output: Path | str) -> dict:
    """Builds the database in the folder `output` from the folder `raw`; returns the counts of `Database.info`.

    Raises DataError if `raw` holds no usable spectrum, if another build is writing to `output`, or if that cannot be written;
    then the database in `output` is the old one.
    """
    raw, output = Path(raw), Path(output)
    if not os.path.isdir(raw):
        raise DataError(f"There is no folder {raw}. Name the folder that holds <structure>/ground.npz and O<i>.npz.")
    with alone(output):
        collected = collect(raw)
        if not collected.rows:
            why = (
                f" The first reason: {collected.rejected[0][0]}: {collected.rejected[0][1]}."
                if collected.rejected
                else ""
            )
            raise DataError(
                f"{raw} holds no spectrum that can be used.{why} Compute some first; the database is left as it was."
            )
        structures = extended_xyz(collected)
        database = netcdf(to_dataset(collected, structures))
        replace(output, (database, structures, checksums(collected, raw, output, database, structures)))
        with open_database(output) as db:
            return db.info()


def check_steps(output: Path) -> None:
    """DataError if a database in the folder has structures whose steps are not beside it in raw: a build from there would
    lose their rows."""
    if (output / schema.FILE).exists():
        there = {path.parent.name for path in (output / "raw").glob("*/ground.npz")}
        with open_database(output, verify=False) as db:
            lost = sorted(set(map(str, db["structure"])) - there)
        if lost:
            raise DataError(
                f"{output} has a database with {len(lost)} structures whose steps are not beside it in raw, such as "
                f"{lost[0]}: building would lose their rows. Name another folder."
            )


@contextlib.contextmanager
def alone(output: Path):
    """Makes the folder and holds its lock. DataError if it cannot be written or another process builds there."""
    from filelock import FileLock, Timeout

    made = not os.path.isdir(output)
    lock = FileLock(output / LOCK, timeout=0)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DataError(f"Another build is writing to {output}. Wait until it is done, then build again.") from None
    except (OSError, NotImplementedError, ValueError) as problem:
        raise unwritable(output, problem) from None
    try:
        yield
    finally:
        if made:  # and nothing was built: leave nothing behind
            with contextlib.suppress(OSError):
                if os.listdir(output) == [LOCK]:
                    os.unlink(output / LOCK)
                    output.rmdir()
        lock.release()


def unwritable(path: Path, problem: Exception) -> DataError:
    reason = getattr(problem, "strerror", None) or problem
    return DataError(
        f"{path} cannot be written: {reason}. The database is as it was; make room or name another folder."
    )


def replace(output: Path, contents: tuple[bytes, ...]) -> None:
    """Puts the contents in the place of the files NAMES, each whole or not at all, the database first.

    Everything is on the disk, and the database has been read from there, before anything is replaced. DataError if it cannot be.
    """
    parts = [output / f"{name}.part" for name in NAMES]
    try:
        for name, part, content in zip(NAMES, parts, contents):
            if os.path.lexists(output / name) and not stat.S_ISREG(os.stat(output / name).st_mode):
                raise DataError(f"{output / name} is not a regular file. The database is as it was; move that away.")
            part.unlink(missing_ok=True)
            with open(part, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        with open_database(parts[0]) as db:
            for name in REQUIRED:
                db.store.read(name)
        os.replace(parts[0], output / NAMES[0])
    except OSError as problem:
        raise unwritable(Path(problem.filename or output), problem) from None
    else:
        try:
            for name, part in zip(NAMES[1:], parts[1:]):
                os.replace(part, output / name)
        except OSError as problem:
            raise DataError(
                f"The database in {output} is the new one, but {name} beside it cannot be replaced: {problem.strerror}. "
                "Make it writable and build again."
            ) from None
    finally:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink()


def netcdf(dataset) -> bytes:
    """The bytes of the database file, with its seal.

    Made in memory: the HDF5 library ends the process when a disk is full. Compression is lossless, in chunks of a few rows, so
    that a handful of spectra can be read without the rest.
    """
    encoding = {
        name: {
            "zlib": True,
            "complevel": 4,
            "shuffle": True,
            "chunksizes": (min(len(values), digests.BLOCK), *values.shape[1:]) if values.ndim == 3 else values.shape,
        }
        for name, values in dataset.data_vars.items()
        if values.ndim == 3 or name == "structures"
    }
    content = bytes(dataset.to_netcdf(None, engine="h5netcdf", encoding=encoding))
    return content + digests.seal(content)


def checksums(found: Collected, raw: Path, output: Path, database: bytes, structures: bytes) -> bytes:
    """The list of all files as `sha256sum` writes it, the paths relative to `output`."""
    ours = ((database, schema.FILE), (structures, schema.STRUCTURES))
    listed = [(hashlib.sha256(content).hexdigest(), name) for content, name in ours]
    listed += [(digest, Path(os.path.relpath(raw / name, output)).as_posix()) for name, digest in found.files.items()]
    return "".join(f"{digest}  {name}\n" for digest, name in listed).encode()


def extended_xyz(found: Collected) -> bytes:
    """Every structure with a row as a frame of extended XYZ; `computed` marks the oxygens that have a spectrum."""
    from ase import Atoms
    from ase.io import write

    frames = []
    for structure in found.structures:
        ground, computed = structure.ground, [site.site for site in structure.sites]
        atoms = Atoms(list(ground.symbols), cell=ground.cell, scaled_positions=ground.positions, pbc=True)
        atoms.info = {
            "structure": ground.structure,
            "name": structure.named.name,
            "source": ground.source,
            "kind": kind_of(ground.source),
            "space_group": structure.environment.space_group[0],
            "band_gap_eV": round(float(ground.band_gap), 4),
        }
        if structure.named.prototype:
            atoms.info |= {"prototype": structure.named.prototype, "prototype_group": structure.named.prototype_group}
        atoms.arrays["computed"] = np.isin(np.arange(len(atoms)), computed)
        frames.append(atoms)
    text = io.StringIO()
    write(text, frames, format="extxyz")
    return text.getvalue().encode()


def to_dataset(found: Collected, structures: bytes):
    """The xarray Dataset of all rows, with units, provenance and digests as attributes. structures: the extended XYZ file."""
    import xarray as xr

    rows, subject = found.rows, found.subject
    # xarray would take an empty object array for numbers
    text = lambda values: np.array(list(values), dtype=object) if values else np.array([], dtype=str)
    methods = sorted({structure.ground.method for structure in found.structures})
    smearing = (
        "tetrahedra, then Gaussian sigma 0.15 eV"
        if methods == [METHOD]
        else "Gaussian sigma 0.15 eV on top of the method's own"
    )
    bonds = np.full((len(rows), max(len(row["si_o"]) for row in rows)), np.nan, np.float32)
    for line, row in zip(bonds, rows):
        line[: len(row["si_o"])] = row["si_o"]
    variables = {
        "elnes": (
            ("site", "polarization", "energy"),
            np.stack([row["elnes"] for row in rows]).astype(np.float32),
            {
                "units": "bohr^2/eV",
                "long_name": f"Dipole strength of the {subject.label} edge",
                "comment": "sum_f |<f|r_a|1s>|^2 with a Lorentzian of 0.4 eV half width, a = x, y, z of the stored cell; "
                "full core hole in a supercell; the isotropic ELNES is the mean over polarization",
            },
        ),
        "projector": (
            ("site", "polarization", "polarization_from"),
            np.stack([row["projector"] for row in rows]).astype(np.float32),
            {
                "units": "1",
                "long_name": "Point-group symmetry of the polarizations",
                "comment": "times the three spectra of elnes: the nearest ones that the point group of the site allows; "
                "the stored ones are as computed, in a supercell and at k points that may lack that symmetry",
            },
        ),
        "pdos": (
            ("site", "channel", "pdos_energy"),
            np.stack([row["pdos"] for row in rows]).astype(np.float32),
            {
                "units": "states/eV/atom",
                "long_name": "Ground-state PDOS",
                "comment": f"O: the absorbing atom; Si: mean of the bonded {subject.words('silicons')}; DOS: total of the cell per atom; "
                f"{smearing}; complete up to pdos_top",
            },
        ),
        "si_o": (
            ("site", "bond"),
            bonds,
            {"units": "angstrom", "long_name": subject.words("Si-O lengths"), "comment": "ascending; NaN where fewer"},
        ),
        "rdf": (
            ("site", "pair", "radius"),
            np.stack([row["rdf"] for row in rows]).astype(np.float32),
            {"units": "1", "long_name": "Partial radial distribution around the site", "comment": "tends to 1"},
        ),
        "structures": (
            ("structures_byte",),
            np.frombuffer(structures, np.uint8),
            {"long_name": "Structures", "comment": f"the text of {schema.STRUCTURES}: extended XYZ, UTF-8"},
        ),
        "missing_site": (
            ("missing",),
            text(sorted(found.missing)),
            {"long_name": "Planned sites that are not computed yet"},
        ),
        "rejected_site": (
            ("rejected",),
            text([site for site, _ in found.rejected]),
            {"long_name": "Computed sites that are not rows"},
        ),
        "rejected_reason": (("rejected",), text([reason for _, reason in found.rejected]), {"long_name": "Why"}),
    }
    for name, column in schema.COLUMNS.items():
        values = [row[name] for row in rows]
        about = {
            "long_name": subject.words(column.long_name),
            **({"units": column.units} if column.units else {}),
            **({"comment": subject.words(column.comment)} if column.comment else {}),
        }
        variables[name] = (
            "site",
            text(values) if column.dtype == "str" else np.array(values).astype(column.dtype),
            about,
        )
    offsets = {structure.ground.offset for structure in found.structures}
    if offsets == {EXPERIMENTAL_OFFSET}:  # of other methods each structure has its own
        variables["onset"][2]["offset_eV"] = EXPERIMENTAL_OFFSET
    coordinates = {
        "site": ("site", text([row["site"] for row in rows]), {"long_name": "structure/absorbing atom"}),
        "energy": (
            "energy",
            rows[0]["energy"],
            {
                "units": "eV",
                "long_name": "Energy above the valence-band maximum",
                "comment": "highest occupied level of the core-hole supercell; minus lumo, plus homo: "
                "from the onset; plus onset: experimental energy loss",
            },
        ),
        "pdos_energy": (
            "pdos_energy",
            rows[0]["pdos_energy"],
            {"units": "eV", "long_name": "Energy above the valence-band maximum"},
        ),
        "radius": ("radius", rows[0]["radius"], {"units": "angstrom", "long_name": "Distance from the site"}),
        "polarization": ("polarization", text(schema.POLARIZATIONS)),
        "channel": ("channel", text(schema.CHANNELS)),
        "pair": ("pair", text(schema.PAIRS)),
    }
    listed = sorted(digest + name for name, digest in found.files.items())
    return digests.sign(
        xr.Dataset(
            variables,
            coordinates,
            {
                "Conventions": schema.CONVENTIONS,
                "title": f"{subject.label}-edge ELNES of {subject.material} from first principles",
                "method": " | ".join(methods),
                **subject.attributes(),
                "references": schema.IDEA,
                "license": schema.LICENCE,
                "planned_spectra": found.planned,
                "raw_sha256": hashlib.sha256("\n".join(listed).encode()).hexdigest(),
            },
        )
    )
