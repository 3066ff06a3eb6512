"""Fetching silicon oxides into a folder, one file a document, so that it can be interrupted and goes on where it was.

<folder>/structures.extxyz               structures that can be computed: a list for `elnes-lab compute`
<folder>/materials/<id>/structure.json   the material as the server describes it
<folder>/materials/<id>/vasp-dos.npz     density of states and s, p PDOS of each atom (VASP), if there is one
<folder>/materials/<id>/feff-xas.json    O K-edge XANES (FEFF, mean over sites), if there is one
<folder>/materials/<id>/*.none           the server has no such document
"""

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..npz import printable
from ..steps import packed, put
from .client import Unavailable, call, within

FIELDS = ["material_id", "structure", "formula_pretty", "energy_above_hull", "band_gap", "theoretical", "symmetry"]
DOS_LABEL = "Materials Project, VASP"
XAS_LABEL = "Materials Project, FEFF, mean over the oxygen sites"
LIST = "structures.extxyz"
SLOWEST_DOS = 240.0  # s; it is read from tables in cloud storage
ID = re.compile(r"((mp|mvc)-)?[A-Za-z0-9]{1,12}")
MOST_VALUES = 5_000_000


@dataclass
class Fetched:
    """materials: ids in the list; refused: (what, reason); counts of documents there now."""

    materials: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    dos: int = 0
    xas: int = 0


def fetch(
    client,
    folder: Path,
    *,
    hull: float = 0.1,
    atoms: int = 300,
    only: list[str] | None = None,
    dos: bool = True,
    xas: bool = True,
    report=lambda text: None,
) -> Fetched:
    """Fetches the silicon oxides (Si and O alone) within `hull` (eV/atom) of the hull and with at most `atoms` atoms.

    only: these materials; dos, xas: those documents too; report: is called with a line for each material. Documents in
    the folder are not fetched again. A malformed document costs that document. DataError if the server stops
    answering; what is there is kept.
    """
    found = Fetched()
    chosen = {"material_ids": only} if only else {"energy_above_hull": (0, hull), "num_sites": (1, atoms)}
    documents = call(
        lambda: client.materials.summary.search(chemsys="O-Si", deprecated=False, fields=FIELDS, **chosen),
        "the list of silicon oxides",
    )
    if not isinstance(documents, list) or not documents:
        raise DataError("The Materials Project has no such silicon oxide. Widen --hull or check the ids")
    usable = []
    for one in documents:
        name = printable(str(one.get("material_id") if isinstance(one, dict) else one), 40)
        try:
            usable.append(kept(folder, checked(one)))
        except DataError as reason:
            found.refused.append((name, str(reason)))
    usable.sort(key=lambda material: (len(material[0]), material[0]))
    write_list(folder, usable, found)
    for number, (sid, _) in enumerate(usable, 1):
        home = folder / "materials" / sid
        if dos:
            found.dos += once(found, home, "vasp-dos", ".npz", lambda: fetch_dos(client, sid), sid)
        if xas:
            found.xas += once(found, home, "feff-xas", ".json", lambda: fetch_xas(client, sid), sid)
        report(f"{number} of {len(usable)}: {sid}")
    return found


def once(
    found: Fetched,
    home: Path,
    name: str,
    suffix: str,
    get,
    sid: str,
) -> bool:
    """Whether the document is there, fetched now if it was not asked for before."""
    path, none = home / (name + suffix), home / (name + ".none")
    if path.exists() or none.exists():
        return path.exists()
    try:
        content = get()
    except Unavailable:
        raise
    except DataError as reason:
        found.refused.append((f"{sid}/{name}", str(reason)))
        return False
    put(none if content is None else path, content or b"")
    return content is not None


def checked(document) -> tuple[str, dict]:
    """Id and the plain document. DataError unless it describes a crystal of silicon and oxygen."""
    from pymatgen.core import Structure

    try:
        sid, structure = numbered(document["material_id"]), document["structure"]
        structure = Structure.from_dict(structure) if isinstance(structure, dict) else structure
        elements = {site.specie.symbol for site in structure}
        plain = {
            "material_id": sid,
            "structure": structure.as_dict(),
            **{key: document.get(key) for key in FIELDS if key not in ("material_id", "structure")},
        }
        content = json.loads(json.dumps(plain, default=str))
    except Exception as problem:  # of documents that are not what they should be
        raise DataError(
            f"its document is malformed ({printable(f'{type(problem).__name__}: {problem}', 120)})"
        ) from None
    if elements != {"Si", "O"}:
        raise DataError(f"it has {', '.join(sorted(elements))}, not silicon and oxygen alone")
    return sid, content


def numbered(identifier) -> str:
    """The id with a number, "mp-6930", which the newer "mp-aaaaakgo" stands for, so that files keep their names."""
    from emmet.core.mpid import AlphaID

    if not isinstance(identifier, str) or not ID.fullmatch(identifier):
        raise ValueError("its id is none of the Materials Project")
    prefix, _, rest = identifier.rpartition("-")
    return f"{prefix or 'mp'}-{int(AlphaID(rest))}"


def kept(folder: Path, material: tuple[str, dict]) -> tuple[str, dict]:
    """The material, as it was when it was first fetched: what was computed for it stays that of its structure."""
    sid, content = material
    path = folder / "materials" / sid / "structure.json"
    try:
        return sid, json.loads(path.read_bytes())
    except (OSError, ValueError):
        put(path, json.dumps(content, indent=1).encode())
        return material


def write_list(folder: Path, materials: list, found: Fetched) -> None:
    """The list for the queue, of the structures that can be computed; the others are refused with the reason."""
    import io

    from ase import Atoms
    from ase.io import write
    from pymatgen.core import Structure

    from ..qe.structures import structure as computable

    frames = []
    for sid, content in materials:
        try:
            crystal = Structure.from_dict(content["structure"])
            atoms = Atoms(
                [site.specie.symbol for site in crystal],
                cell=crystal.lattice.matrix,
                pbc=True,
                scaled_positions=crystal.frac_coords,
                info={"name": sid, "source": "user"},
            )
            one = computable(atoms, sid, primitive=True)
        except Exception as problem:  # DataError, and what a damaged structure raises below
            reason = (
                str(problem)
                if isinstance(problem, DataError)
                else printable(f"{type(problem).__name__}: {problem}", 120)
            )
            found.refused.append((sid, reason))
            continue
        symmetry = content.get("symmetry") if isinstance(content.get("symmetry"), dict) else {}
        name = " ".join(str(word) for word in (content.get("formula_pretty"), symmetry.get("symbol"), sid) if word)
        frames.append(
            Atoms(
                list(one.symbols),
                cell=one.cell,
                scaled_positions=one.positions,
                pbc=True,
                info={"sid": sid, "name": printable(name), "source": "user", "origin": "Materials Project"},
            )
        )
        found.materials.append(sid)
    text = io.StringIO()
    if frames:
        write(text, frames, format="extxyz")
    put(folder / LIST, text.getvalue().encode())


def fetch_dos(client, sid: str) -> bytes | None:
    """An .npz file: energy (e,) eV less the Fermi energy, dos (e,) in states/eV/cell, pdos_s and pdos_p (atoms, e) and
    the structure; both spins added. None if there is no density of states."""
    from pymatgen.electronic_structure.core import OrbitalType

    def get():
        try:
            return client.get_dos_by_material_id(sid, load_projections=True)
        except Exception as problem:
            if (
                "No density of states" in str(problem)
                or "No electronic structure" in str(problem)
                or "No DOS data" in str(problem)
            ):
                return None
            raise

    dos = within(SLOWEST_DOS, get, f"the density of states of {sid}")
    if dos is None:
        return None

    def arrays():
        total = sum(np.asarray(values, float) for values in dos.densities.values())
        energy = np.asarray(dos.energies, float) - float(dos.efermi)
        if total.shape != energy.shape or len(energy) < 2 or not np.isfinite([energy, total]).all() or total.max() <= 0:
            raise ValueError("no density of states in it")
        content = {"energy": energy, "dos": total, "label": np.array(DOS_LABEL), "material": np.array(sid)}
        if getattr(dos, "pdos", None):
            content |= {
                "cell": dos.structure.lattice.matrix,
                "positions": dos.structure.frac_coords,
                "symbols": np.array([site.specie.symbol for site in dos.structure]),
            }
            for name, kind in (("pdos_s", OrbitalType.s), ("pdos_p", OrbitalType.p)):
                one = [dos.get_site_spd_dos(site)[kind].densities.values() for site in dos.structure]
                content[name] = np.array([sum(np.asarray(values, float) for values in spins) for spins in one])
        if sum(np.size(value) for value in content.values()) > MOST_VALUES:
            raise ValueError("it is too large")
        return packed(content)

    return call(arrays, f"the density of states of {sid}")


def fetch_xas(client, sid: str) -> bytes | None:
    """JSON with label, energy (e,) eV and intensity (e,). None if there is no O K-edge XANES."""
    documents = call(
        lambda: client.materials.xas.search(task_ids=[sid], absorbing_element="O", edge="K", spectrum_type="XANES"),
        f"the XANES of {sid}",
    )

    def content():
        own = [
            d
            for d in documents
            if str(d["absorbing_element"]) == "O" and str(d["edge"]) == "K" and d["spectrum_type"] == "XANES"
        ]
        if not own:
            return None
        spectrum = own[0]["spectrum"]
        energy, intensity = (np.asarray(spectrum[axis], float) for axis in "xy")
        if (
            energy.shape != intensity.shape
            or energy.ndim != 1
            or not 2 < len(energy) < 100_000
            or not np.isfinite([energy, intensity]).all()
            or not (np.diff(energy) > 0).all()
            or not 400 < energy[0] < 700
        ):
            raise ValueError("no O K-edge spectrum in it")
        return json.dumps(
            {
                "material": sid,
                "label": XAS_LABEL,
                "unit": "eV",
                "energy": energy.tolist(),
                "intensity": intensity.tolist(),
                "fetched": time.strftime("%Y-%m-%d"),
            }
        ).encode()

    return call(content, f"the XANES of {sid}")
