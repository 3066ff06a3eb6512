"""What a raw folder holds: every file read once and checked, the rows of the database, and what is not a row and why.

Nothing that lies in the folder stops the rest: a file that cannot be read or believed is rejected with its reason. Files may
come and go while the folder is read (the queue that computes fills it).
"""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import schema
from .errors import DataError
from .names import Named, distinct, given
from .remarks import remarks
from .sources.checks import electron_error
from .sources.npz import Content, printable, read_regular
from .sources.plan import read_plan
from .sources.quantum_espresso import ID, METHOD, CoreHoleSite, GroundState, read_ground, read_site
from .spectra import EXPERIMENTAL_OFFSET
from .structure import Environment, kind_of
from .subject import Subject

PLAN = "structures.extxyz"  # in the raw folder: every structure that is to be computed


@dataclass
class Structure:
    """A structure with its usable spectra."""

    ground: GroundState
    environment: Environment
    sites: list[CoreHoleSite]
    named: Named = Named("")


@dataclass
class Collected:
    """What a raw folder holds: rows to store, and the sites that are not rows. files: path below the folder -> sha256."""

    rows: list[dict] = field(default_factory=list)
    structures: list[Structure] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    planned: int = 0
    subject: Subject = Subject()

    def read(self, folder: str, name: str, path: Path) -> Content:
        """A file of the raw folder, noted down."""
        content = read_regular(path)
        self.files[f"{folder}/{name}"] = content.sha256
        return content


def collect(raw: Path) -> Collected:
    """Reads and checks every file of the raw folder, in the order of the structures' names. DataError if it cannot be listed."""
    found, known = Collected(), set()
    for name in sorted(set(entries(raw)) - {PLAN}):
        try:
            files = step_files(raw / name)
        except DataError as reason:
            found.rejected.append((f"{printable(name)}/ground", str(reason)))
            continue
        if files is not None and add_structure(found, raw / name, files):
            known.add(name)
    one_subject(found)
    one_axis(found)
    for structure in list(found.structures):
        try:
            found.rows += structure_rows(structure.ground, structure.environment, structure.sites)
        except (
            Exception
        ) as problem:  # geometry that passed the checks and that a library (hulls, cells) still chokes on
            reason = problem if isinstance(problem, DataError) else f"{type(problem).__name__} {problem}"
            reject(
                found,
                structure,
                structure.sites,
                f"its surroundings cannot be described ({printable(str(reason), 200)})",
            )
    found.structures = [structure for structure in found.structures if structure.sites]
    name_all(found)
    add_plan(raw / PLAN, found, known)
    return found


def name_all(found: Collected) -> None:
    """Gives every structure, and its rows, the one name that is used everywhere."""
    groups = {s.ground.structure: s.environment.space_group for s in found.structures}
    named = distinct(
        [
            (
                s.ground.structure,
                groups[s.ground.structure][0],
                given(s.ground.name, s.ground.source, groups[s.ground.structure][1]),
            )
            for s in found.structures
        ]
    )
    for structure in found.structures:
        structure.named = named[structure.ground.structure]
    for row in found.rows:
        row["name"] = named[row["structure"]].name


def entries(folder: Path) -> list[str]:
    """Names in a folder. DataError if it cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError as problem:
        raise DataError(f"the folder cannot be read: {problem.strerror or problem}") from None


def step_files(folder: Path) -> list[str] | None:
    """Names of the core-hole files of a structure's folder, in the order of their atoms; None if it is no folder or gone.

    DataError for a folder that cannot be read, or whose name cannot be that of a structure.
    """
    try:
        if not os.path.isdir(folder):
            os.stat(folder)  # a ring of links raises here, a file does not
            return None
        if not re.fullmatch(ID, folder.name):
            raise DataError("a structure's folder has a name of up to 80 letters, digits and ._+-; name it so")
        names = [name for name in entries(folder) if name.startswith("O") and name.endswith(".npz")]
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise DataError(f"it cannot be read: {problem.strerror or problem}") from None
    return sorted(names, key=lambda name: (len(name), name))


def add_structure(found: Collected, folder: Path, files: list[str]) -> bool:
    """Adds one structure's folder; whether its ground state can be used."""
    ground, why, inequivalent, sites, bad = None, "", {}, [], {}
    try:
        content = found.read(folder.name, "ground.npz", folder / "ground.npz")
        ground = read_ground(folder / "ground.npz", content.bytes)
        environment = Environment(ground.cell, ground.symbols, ground.positions)
        inequivalent = dict(environment.inequivalent_oxygens)
    except FileNotFoundError:
        why = "its ground state is not there; compute ground.npz first"
    except Exception as problem:  # DataError, and what the symmetry search raises on a structure it does not like
        ground, why = (
            None,
            problem if isinstance(problem, DataError) else printable(f"{type(problem).__name__} {problem}", 200),
        )
    there = []
    for name in files:
        stem = Path(name).stem
        try:
            if not re.fullmatch(r"O(0|[1-9][0-9]{0,5})\.npz", name):
                raise DataError("a core-hole file is named O and the number of its atom, like O3.npz; name it so")
            content = found.read(folder.name, name, folder / name)
            if ground is not None:
                site = read_site(folder / name, ground, content.bytes)
                if not len(environment.bonds(site.site).index):
                    raise DataError(f"oxygen {site.site} is bonded to no {' or '.join(ground.subject.cations)}")
                sites.append(site)
        except FileNotFoundError:
            if not os.path.islink(folder / name):
                continue  # gone since the folder was listed
            bad[stem] = "it is a link to a file that is not there; copy the file itself here"
        except DataError as reason:
            bad[stem] = str(reason)
        there.append(stem)
    if ground is None:
        bad = dict.fromkeys(there, f"ground state: {why}") or {"ground": str(why)}
    found.rejected += [(f"{folder.name}/{printable(stem)}", reason) for stem, reason in bad.items()]
    expected = [f"O{atom}" for atom in inequivalent]
    found.missing += [f"{folder.name}/{stem}" for stem in expected if stem not in there]
    found.planned += len({*there, *expected})
    if sites:
        found.structures.append(Structure(ground, environment, sites))
    return ground is not None


def one_subject(found: Collected) -> None:
    """Rejects what is of another edge than most of the folder: one database has one. Its elements are those of all structures."""
    edges = Counter(structure.ground.subject[:2] for structure in found.structures).most_common(1)
    for structure in found.structures:
        if structure.ground.subject[:2] != edges[0][0]:
            mine, usual = structure.ground.subject.label, " ".join(edges[0][0])
            reject(
                found,
                structure,
                structure.sites,
                f"its edge is {mine}, the others' is {usual}; keep it in a folder of its own",
            )
    found.structures = [structure for structure in found.structures if structure.sites]
    if found.structures:
        elements = {name for structure in found.structures for name in structure.ground.subject.elements}
        found.subject = Subject.of(*edges[0][0], elements)


def one_axis(found: Collected) -> None:
    """Rejects what has another energy axis than most of the folder has: one database has one axis."""
    for what, holders in (
        ("PDOS", [(s, s.ground, s.sites) for s in found.structures]),
        ("spectrum", [(s, site, [site]) for s in found.structures for site in s.sites]),
    ):
        # To a millionth of an eV: axes of the same numbers in another precision are the same.
        keys = [(np.round(holder.energy.astype(float), 6) + 0.0).tobytes() for _, holder, _ in holders]
        common = Counter(keys).most_common(1)
        usual = next((holder.energy for key, (_, holder, _) in zip(keys, holders) if key == common[0][0]), None)
        for key, (structure, holder, sites) in zip(keys, holders):
            if key != common[0][0]:
                reject(
                    found,
                    structure,
                    sites,
                    f"the energy of its {what} runs from {holder.energy[0]:g} to {holder.energy[-1]:g} eV, "
                    f"not from {usual[0]:g} to {usual[-1]:g} eV as the others'; compute this step again",
                )
        found.structures = [structure for structure in found.structures if structure.sites]


def reject(found: Collected, structure: Structure, sites: list[CoreHoleSite], reason: str) -> None:
    found.rejected += [(f"{structure.ground.structure}/O{site.site}", reason) for site in sites]
    left_out = set(map(id, sites))
    structure.sites = [site for site in structure.sites if id(site) not in left_out]


def add_plan(path: Path, found: Collected, known: set[str]) -> None:
    """Adds the sites of the planned structures that are not `known`: not begun, or without a usable ground state."""
    try:
        planned, problem, found.files[PLAN] = read_plan(path, known)
    except FileNotFoundError:
        return
    except DataError as reason:
        planned, problem = {}, f"the plan is left out: {reason}"
    if problem:
        found.rejected.append((PLAN, problem))
    listed = {site for site, _ in found.rejected}
    for name, oxygens in planned.items():
        sites = {f"{name}/O{atom}" for atom in oxygens} - listed
        found.missing += sites
        found.planned += len(sites)


def structure_rows(ground: GroundState, environment: Environment, sites: list[CoreHoleSite]) -> list[dict]:
    """One dict per site: the columns of the schema and the arrays elnes, pdos, si_o, rdf."""
    symbol, number = environment.space_group
    first = next((s for s in sites if np.isfinite(s.neutral_energy)), None)
    onsets = [onset(site, first, ground.supercell_energy, ground.offset) for site in sites]
    texts, missed, rows = remarks(environment, ground.band_gap, sites, onsets), electron_error(ground), []
    for site, start, remark in zip(sites, onsets, texts, strict=True):
        local = environment.site(site.site)
        absorber = site.site
        radius, *rdf = environment.site_rdf(absorber)
        rows.append(
            {
                **{name: local[name] for name in schema.COLUMNS if name in local},
                "site": f"{ground.structure}/O{absorber}",
                "structure": ground.structure,
                "name": ground.name,
                "atom": absorber,
                "kind": kind_of(ground.source),
                "source": ground.source,
                "space_group": symbol,
                "space_group_number": number,
                "multiplicity": site.multiplicity,
                "net": environment.net,
                "n_atoms": len(ground.symbols),
                "band_gap": ground.band_gap,
                "homo": site.homo,
                "lumo": site.lumo,
                "onset": start,
                "remark": remark,
                "pdos_top": ground.top,
                "image_distance": site.image_distance,
                "settings": site.settings if ground.method == METHOD else "",
                "ground_settings": ground.settings if ground.method == METHOD else "",
                "seconds": site.seconds,
                "ground_seconds": ground.seconds,
                "electron_error": missed,
                "elnes": site.strength,
                "projector": environment.polarization_projector(absorber),
                "pdos": channels(ground, environment, absorber),
                "si_o": local["si_o"],
                "rdf": np.stack(rdf),
                "radius": radius,
                "energy": site.energy,
                "pdos_energy": ground.energy,
            }
        )
    return rows


def channels(ground: GroundState, environment: Environment, atom: int) -> np.ndarray:
    """PDOS of an oxygen (index) in the channels of the schema, (channel, e), states/eV/atom: the atom's own, the mean of what is
    bonded to it, and the DOS of the cell."""
    bonded = environment.bonds(atom).index
    around = [pdos[bonded].mean(0) for pdos in (ground.pdos_s, ground.pdos_p)]
    own = ground.pdos_s[atom], ground.pdos_p[atom], *ground.pdos_pxyz[atom]
    return np.stack([*own, *around, ground.dos / len(ground.symbols)])


def onset(site: CoreHoleSite, first: CoreHoleSite | None, crystal: float, offset: float = EXPERIMENTAL_OFFSET) -> float:
    """Transition energy in eV of experimental energy loss: core hole with one conduction electron, less the crystal's energy.

    `crystal` is the total energy (eV) of the same supercell without a hole. The energy of the neutral cell is computed for the
    first site of a structure; the other sites take over its difference to `total_energy + lumo`. NaN without a first site, and
    without an `offset` (eV, from pseudopotential total energies to energy losses).
    """
    if np.isnan(site.total_energy):  # another method, which computed the neutral cell of each site
        return site.neutral_energy - crystal + offset
    if first is None or np.isnan(first.total_energy):
        return np.nan
    correction = first.neutral_energy - (first.total_energy + first.lumo)
    return site.total_energy + site.lumo + correction - crystal + offset
