"""From a folder of finished CASTEP calculations to steps of the raw format, `<structure>/ground.npz` and `O<i>.npz`.

Each folder below is a structure; which calculation in it is which is read from the files, not from their names:

- the ground state: no core hole, and OptaDOS's PDOS beside it;
- core holes: `.castep` with a pseudopotential like `...{1s1}`, and matrix elements beside it;
- the ground state in the cell of the core holes, if that is a supercell: no core hole, the same lattice vectors;
- the neutral cell of a hole whose spectrum is that of the charged one: the same atom, no matrix elements needed.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..npz import printable
from ..quantum_espresso import GROUND_OPTIONAL, GROUND_SHAPES, read_ground, read_site
from ..steps import packed, put
from .core_hole import STOP, Place, levels_of, place, reach, spectrum
from .ground import ground_arrays
from .run import Run, read_run
from .text import read_lines

LEAST = 20.0  # eV above the highest occupied level; a spectrum that ends below is no near-edge structure
DEEP = 3  # folders below a structure's


@dataclass
class Imported:
    """steps: (structure, step) written; refused: (what, reason); notes: what rows lack, a sentence each; top: where
    spectra end."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    top: float = STOP


@dataclass
class Crystal:
    """A structure's calculations: the ground state, and core holes with their places, by the site that they stand
    for."""

    sid: str
    ground: Run
    arrays: dict
    holes: dict[int, list[tuple[Run, Place]]]
    neutral: list[Run]


def import_folder(folder: Path, raw: Path, *, source: str = "user", top: float | None = None) -> Imported:
    """Writes the steps of every structure in `folder` to `raw`. What cannot be a row is refused with its reason.

    top: where the spectra end, eV above the highest occupied level; by default where those already in `raw` do, else
    the lowest end of bands among the calculations, at most 40. DataError if the folder holds no calculation.
    """
    found = Imported()
    places = structure_folders(folder)
    if not places:
        raise DataError(f"{folder} holds no finished CASTEP calculation: no .castep file in it or in the folders below")
    for sid in sorted({sid for sid, _ in places if [other for other, _ in places].count(sid) > 1}):
        names = ", ".join(path.name for other, path in places if other == sid)
        found.refused.append((sid, f"the folders {printable(names, 200)} would be one structure; rename them"))
        places = [(other, path) for other, path in places if other != sid]
    crystals = [
        crystal for sid, path in places if (crystal := guarded(found, sid, lambda: gather(found, sid, path, source)))
    ]
    ends = {
        id(run): end
        for crystal in crystals
        for group in crystal.holes.values()
        for run, _ in group
        if has_elements(run) and (end := guarded(found, f"{crystal.sid}/{run.seed}", lambda: reach(run))) is not None
    }
    usable = [end for end in ends.values() if end >= LEAST]
    found.top = top or stored_top(raw) or np.floor(10 * min([STOP, *usable]) + 1e-6) / 10
    for crystal in crystals:
        guarded(found, crystal.sid, lambda: write_structure(found, crystal, raw, ends))
    return found


def guarded(found: Imported, what: str, step):
    """What the step returns; None if its files cannot be used, with the reason in `found.refused`."""
    try:
        return step()
    except DataError as reason:
        found.refused.append((what, str(reason)))
    except RecursionError:
        raise
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError, np.linalg.LinAlgError) as problem:
        found.refused.append(
            (
                what,
                f"its files cannot be used ({printable(f'{type(problem).__name__} {problem}', 160)}); copy them again",
            )
        )
    return None


def structure_folders(folder: Path) -> list[tuple[str, Path]]:
    """(id, folder) of each structure: the folders in it, or it itself if it holds calculations or none of those has
    both a ground state and a core hole."""
    try:
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder}. Name the one that holds a folder for each structure")
        if any(path.suffix == ".castep" for path in folder.iterdir()):
            return [(identity(folder.resolve().name), folder)]
        inside = [(identity(path.name), path) for path in sorted(folder.iterdir()) if path.is_dir() and reports(path)]
        whole = any(len({holed(path) for path in reports(one)}) == 2 for _, one in inside)
        return inside if whole or not inside else [(identity(folder.resolve().name), folder)]
    except OSError as problem:
        raise DataError(f"{problem.filename or folder} cannot be read: {problem.strerror or problem}") from None


def identity(name: str) -> str:
    from ..qe.structures import plain

    return plain(name, "-") or "structure"


def reports(folder: Path) -> list[Path]:
    """The `.castep` files in a folder and up to three levels below, in the order of their names."""
    paths = []
    for where, folders, names in os.walk(folder):
        if len(Path(where).relative_to(folder).parts) >= DEEP:
            folders.clear()
        paths += [Path(where) / name for name in names if name.endswith(".castep")]
    return sorted(paths)


def holed(path: Path) -> bool:
    """Whether a `.castep` file names a pseudopotential with a core hole; it may be any file."""
    try:
        return any("{1s" in line for line in read_lines(path))
    except DataError:
        return False


def has_elements(run: Run) -> bool:
    return run.file(".elnes_bin").exists() or run.file(".eels_mat").exists()


def gather(found: Imported, sid: str, folder: Path, source: str) -> Crystal:
    """Reads and sorts a structure's calculations. DataError if it has no usable ground state."""
    runs = []
    for path in reports(folder):
        run = guarded(found, f"{sid}/{path.relative_to(folder)}", lambda: read_run(path))
        hole = run and guarded(found, f"{sid}/{path.relative_to(folder)}", lambda: (run.report.hole,))
        if hole:
            runs.append((run, hole[0]))
    grounds = [run for run, hole in runs if hole is None]
    projected = [run for run in grounds if run.projections]
    if len(projected) != 1:
        names = ", ".join(run.seed for run in projected)
        raise DataError(
            "no usable ground state with OptaDOS's PDOS beside it (<seed>.pdos.dat)"
            if not projected
            else f"several ground states have a PDOS ({names}); keep one of them here"
        )
    arrays, environment = ground_arrays(projected[0], identity(folder.name), source)
    holes: dict[int, list[tuple[Run, Place]]] = {}
    for run, hole in runs:
        if hole is not None and (where := guarded(found, f"{sid}/{run.seed}", lambda: place(run, environment))):
            if run.report.functional == projected[0].report.functional:
                holes.setdefault(where.site, []).append((run, where))
            else:
                found.refused.append(
                    (
                        f"{sid}/{run.seed}",
                        f"its functional is {run.report.functional}, that of the ground state "
                        f"{projected[0].report.functional}; compute both alike",
                    )
                )
    arrays["multiplicity"] = dict(environment.inequivalent_oxygens)
    return Crystal(
        sid, projected[0], arrays, holes, [run for run in grounds if run is not projected[0]] + [projected[0]]
    )


def alike(one: Run, other: Run) -> None:
    """DataError if total energies of two calculations cannot be compared."""
    for what in ("functional", "cutoff"):
        a, b = getattr(one.report, what), getattr(other.report, what)
        if a != b and not (a != a and b != b):
            raise DataError(f"{other.seed} has {what} {b}, {one.seed} {a}; compute both alike")
    for label, definition in other.report.pseudopotentials.items():
        same = one.report.pseudopotentials.get(label)
        if ":" not in label and same is not None and same != definition:
            raise DataError(f"{other.seed} has another pseudopotential for {label} than {one.seed}; compute both alike")


def write_structure(found: Imported, crystal: Crystal, raw: Path, ends: dict) -> None:
    """Writes ground.npz and the O<i>.npz of one structure. DataError if the ground state is refused, or none of its
    sites can be used."""
    chosen = {}
    for site, group in sorted(crystal.holes.items()):
        spectral = [(run, where) for run, where in group if id(run) in ends]
        label = f"{crystal.sid}/O{site}"
        if len(spectral) != 1:
            found.refused.append(
                (
                    label,
                    f"{len(spectral)} core-hole calculations with matrix elements stand for it "
                    f"({', '.join(run.seed for run, _ in group)}); one is needed",
                )
            )
        elif ends[id(spectral[0][0])] < max(LEAST, found.top) - 1e-6:
            found.refused.append(
                (
                    label,
                    f"the bands of {spectral[0][0].seed} end {ends[id(spectral[0][0])]:.1f} eV above the highest "
                    f"occupied level, less a margin; {max(LEAST, found.top):.1f} eV are needed: compute more bands",
                )
            )
        else:
            chosen[site] = spectral[0]
    if not chosen:
        raise DataError("none of its core-hole calculations can be used")
    matrix = next(iter(chosen.values()))[1].matrix
    ground = ground_file(found, crystal, matrix, [run for run, _ in chosen.values()])
    path = raw / crystal.sid / "ground.npz"
    state = read_ground(path, packed(ground))
    written = []
    for site, (run, where) in chosen.items():
        label, target = f"{crystal.sid}/O{site}", raw / crystal.sid / f"O{site}.npz"
        content = guarded(found, label, lambda: packed(site_file(crystal, site, run, where, found.top)))
        if content and guarded(found, label, lambda: read_site(target, state, content)):
            written.append((target, content))
    if not written:
        raise DataError("none of its spectra can be used")
    own(path)
    for target, content in [(path, packed(ground)), *written]:
        put(target, content)
        found.steps.append((crystal.sid, target.stem))


def ground_file(found: Imported, crystal: Crystal, matrix: np.ndarray, runs: list[Run]) -> dict:
    """The arrays of ground.npz, with the energy of the supercell and the offset of the onset, or NaN where it is not
    known."""
    arrays = {key: value for key, value in crystal.arrays.items() if key != "multiplicity"}
    copies = round(abs(np.linalg.det(matrix)))
    cell = matrix @ arrays["cell"]
    fits = lambda run: np.abs(run.bands.cell - cell).max() < 0.1 and abs(run.report.charge) < 1e-6
    same = [run for run in crystal.neutral if guarded(found, f"{crystal.sid}/{run.seed}", lambda: fits(run))]
    energy, offset, lacking = arrays["total_energy"] * copies, np.nan, ""
    offsets = {value for run in runs if np.isfinite(value := core_energy(same[0] if same else crystal.ground, run))}
    if not same:
        lacking = "no ground state in the cell of the core holes"
    elif guarded(found, f"{crystal.sid}/{same[0].seed}", lambda: [alike(same[0], run) for run in runs]) is None:
        lacking = "the ground state in the cell of the core holes does not compare"
    elif not offsets:
        lacking = "no energies of the free atoms in the .castep files (pseudopotentials from files)"
    elif max(offsets) - min(offsets) > 0.01:
        lacking = "its core holes have different pseudopotentials"
    else:
        energy, offset = same[0].report.energy, min(offsets)
    if lacking:
        found.notes.append(f"{crystal.sid}: no onset: {lacking}")
    version, report = crystal.ground.report.version, crystal.ground.report
    method = (
        f"CASTEP {version}, {report.functional}, on-the-fly or given pseudopotentials, {report.cutoff:g} eV; full core "
        "hole in a supercell; eigenstates; PDOS by OptaDOS"
    )
    return arrays | dict(
        supercell=matrix, supercell_energy=energy, offset=offset, method=np.array(printable(method, 300))
    )


def core_energy(ground: Run, hole: Run) -> float:
    """What pseudopotentials leave out of a transition energy, eV: all-electron less pseudo energy of the free atom,
    with the hole against without. Mizoguchi et al., J. Phys.: Condens. Matter 21, 104204 (2009). NaN if the reports
    lack one of the four."""
    excited, usual = hole.report, ground.report
    label = excited.hole
    try:
        return (excited.all_electron[label] - usual.all_electron["O"]) - (excited.pseudo[label] - usual.pseudo["O"])
    except KeyError:
        return np.nan


def site_file(crystal: Crystal, site: int, run: Run, where: Place, top: float) -> dict:
    """The arrays of one O<i>.npz."""
    from ase.geometry import minkowski_reduce

    homo, lumo, neutral = levels_of(run)
    energy, strength = spectrum(run, where.rotation, top)
    partner = [other.report.energy for other, _ in crystal.holes[site] if other is not run and levels_of(other)[2]]
    charged = [other.report.energy for other, _ in crystal.holes[site] if other is not run and not levels_of(other)[2]]
    return dict(
        site=site,
        multiplicity=crystal.arrays["multiplicity"][site],
        supercell=where.matrix,
        image_distance=float(np.linalg.norm(minkowski_reduce(run.cell.cell)[0], axis=1).min()),
        energy=energy.astype(np.float32),
        strength=strength.astype(np.float32),
        homo=homo,
        lumo=lumo,
        seconds=run.report.seconds,
        total_energy=(charged[0] if charged else np.nan) if neutral else run.report.energy,
        neutral_energy=run.report.energy if neutral else partner[0] if partner else np.nan,
    )


def stored_top(raw: Path) -> float | None:
    """Where the spectra in a raw folder end, from the first that can be read; None if there is none."""
    for path in sorted(raw.glob("*/O*.npz")) if raw.is_dir() else ():
        try:
            with np.load(path) as file:
                return float(np.round(file["energy"][-1], 4))
        except Exception:  # a damaged file is the build's to report
            continue
    return None


def own(path: Path) -> None:
    """DataError if a ground state is there that CASTEP did not compute."""
    if not path.exists():
        return
    from ..npz import read_arrays, read_regular

    try:
        method = str(
            read_arrays(read_regular(path).bytes, GROUND_SHAPES, "ground-state", GROUND_OPTIONAL).get("method", "")
        )
    except DataError:
        method = ""
    if not method.startswith("CASTEP"):
        raise DataError(
            f"{path} is there already and is not from CASTEP; import into another folder, or rename one of the "
            "structures"
        )
