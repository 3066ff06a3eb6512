"""How well one spectrum is converged: the same site computed with one setting after another changed.

>>> study = Study(structure, site, variations({"image_distance": (8.5, 10.0, 12.0), "hole": ("full", "half")}))
>>> for variant in study.run(folder): print(variant)

Every variant differs from the settings of the stored rows in one thing, so that the table tells what that costs and what it
changes. Finished variants are kept in the folder and not computed again.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError, unknown
from ...spectra import shift
from .plan import Step, perform, supercell_atoms, time_limit
from .settings import HOLES, Settings, changed
from .structures import Structure

# What each setting is tried at if nothing is named: coarser than the stored rows and, at the end, finer.
USUAL = {
    "image_distance": (7.0, 8.5, 10.0, 12.0),
    "aliasing": (1e-2, 1e-4, 1e-6),
    "cutoff": (20.0, 25.0, 35.0),
    "iterations": (300, 400, 700),
    "hole": tuple(HOLES),
}
UNITS = {"image_distance": " angstrom", "cutoff": " Ry", "density_cutoff": " Ry", "hwhm": " eV"}
WINDOW = (-1.0, 30.0)  # eV from the lowest empty level that two spectra are compared in
SHIFTS = np.arange(-1.0, 1.001, 0.02)  # eV tried to bring their edges together
STEP = 0.1  # eV


@dataclass(frozen=True)
class Variant:
    """One computed setting: name and value of what differs ("as stored": nothing), atoms of the supercell, k points,
    seconds of one core, energy (m,) in eV above the lowest empty level and strength (3, m)."""

    name: str
    value: object
    atoms: int
    kpoints: int
    seconds: float
    energy: np.ndarray
    strength: np.ndarray

    @property
    def label(self) -> str:
        if self.value is None or isinstance(self.value, str):
            return self.name if self.value is None else f"{self.name}: {self.value}"
        return f"{self.name} {self.value:g}{UNITS.get(self.name, '')}"


def variations(
    values: dict[str, tuple] | None = None, base: Settings | None = None
) -> list[tuple[str, object, Settings]]:
    """(name, value, Settings) of the stored rows' settings, and of each value of each setting in turn. Raises DataError
    for a setting that is not there or a value that it cannot have."""
    base = base or Settings()
    names = [field.name for field in dataclasses.fields(Settings)]
    found = [("as stored", None, base)]
    for name, tried in (USUAL if values is None else values).items():
        if name not in names:
            raise unknown(name, names, "setting")
        for value in tried:
            settings = changed(base, **{name: value})
            if settings != base and settings not in [one for *_, one in found]:
                found.append((name, value, settings))
    return found


@dataclass
class Study:
    """site: index of an oxygen of the structure."""

    structure: Structure
    site: int
    variants: list[tuple[str, object, Settings]]
    perform: object = perform

    def __post_init__(self):
        if self.site not in dict(self.structure.oxygens):
            there = ", ".join(f"O{i}" for i, _ in self.structure.oxygens)
            raise DataError(f"O{self.site} is not among the inequivalent oxygens of {self.structure.sid}: {there}.")

    def run(self, folder: Path | str, report=lambda text: None) -> Iterator[Variant]:
        """Each variant as it is finished; those that fail are reported and left out. DataError if nothing can be written,
        or if there is no engine."""
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise DataError(f"Nothing can be written to {folder}: {problem.strerror}. Name another folder.") from None
        for name, value, settings in self.variants:
            path = folder / f"{self.structure.sid}-O{self.site}-{self.digest(settings)}.npz"
            row = read(path)
            if row is None:
                row, problem = self.compute(settings)
                if row is None:
                    report(f"{name} {value}: {problem}")
                    continue
                temporary = path.with_suffix(".part.npz")
                np.savez(temporary, **row)
                temporary.replace(path)
            yield Variant(
                name,
                value,
                int(row["atoms"]),
                len(row["kpoints"]),
                float(row["seconds"]),
                row["energy"] - float(row["lumo"] - row["homo"]),
                row["strength"],
            )

    def digest(self, settings: Settings) -> str:
        """What the result depends on: settings, cell and positions."""
        text = json.dumps(dataclasses.asdict(settings), sort_keys=True)
        atoms = [
            np.round(self.structure.cell, 6).tolist(),
            list(self.structure.symbols),
            np.round(self.structure.positions, 6).tolist(),
        ]
        return hashlib.sha256(f"{text}{atoms}".encode()).hexdigest()[:12]

    def compute(self, settings: Settings) -> tuple[dict | None, str]:
        """What O<i>.npz holds, with atoms and seconds; or why there is nothing."""
        begin = time.perf_counter()
        limit = time_limit(3600.0)
        density = self.perform(Step("density", self.structure, settings, (self.site,), False, (), limit))
        if density.problem:
            return stop_or(density)
        found = self.perform(Step("spectra", self.structure, settings, (self.site,), False, tuple(density.rows), limit))
        if found.problem:
            return stop_or(found)
        row = found.rows[0]
        return {**row, "atoms": supercell_atoms(self.structure, settings), "seconds": time.perf_counter() - begin}, ""


def stop_or(outcome) -> tuple[None, str]:
    if outcome.stop:
        raise DataError(outcome.problem)
    return None, outcome.problem


def read(path: Path) -> dict | None:
    """A finished variant, or None if there is none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, KeyError):
        return None
    except Exception:  # a zip that is damaged inside
        return None


def compare(variant: Variant, reference: Variant) -> dict[str, float]:
    """How far two isotropic spectra of mean 1 are apart: mse as they are, mse_aligned after the rigid shift (eV) that
    brings them together best, within 1 eV."""
    axis = np.arange(WINDOW[0], WINDOW[1] + STEP / 2, STEP)
    tried = shift(variant.energy, variant.strength.mean(0), SHIFTS, grid=axis, fill=0.0)
    wanted = shift(reference.energy, reference.strength.mean(0), 0.0, grid=axis, fill=0.0)
    errors = ((tried / tried.mean(1, keepdims=True) - wanted / wanted.mean()) ** 2).mean(1)
    best, none = int(np.argmin(errors)), int(np.argmin(np.abs(SHIFTS)))
    return {"mse": float(errors[none]), "mse_aligned": float(errors[best]), "shift_eV": round(float(SHIFTS[best]), 2)}


def table(variants: list[Variant]) -> list[dict]:
    """A row for each variant against the one as stored and, where numbers were tried, against the finest of its kind that was tried."""
    stored = next((v for v in variants if v.value is None), variants[0])
    rows = []
    for variant in variants:
        row = {
            "setting": variant.label,
            "atoms": variant.atoms,
            "kpoints": variant.kpoints,
            "seconds": round(variant.seconds, 1),
            "against_stored": compare(variant, stored),
        }
        kin = [v for v in variants if v.name == variant.name and not isinstance(v.value, str)]
        if variant.value is not None and not isinstance(variant.value, str) and len(kin) > 1:
            finest = min(kin, key=lambda v: v.value) if variant.name == "aliasing" else max(kin, key=lambda v: v.value)
            row["against_finest"] = compare(variant, finest)
        rows.append(row)
    return rows


def markdown(variants: list[Variant], title: str) -> str:
    """The table as Markdown."""
    lines = [
        f"# {title}",
        "",
        f"MSE of isotropic spectra of mean 1 from {WINDOW[0]:g} to {WINDOW[1]:g} eV about the lowest empty level, as they are and "
        "after the rigid shift that brings them together best; seconds of one core for density and spectrum.",
        "",
        "| setting | atoms | k points | s | MSE, against as stored | shifted | by (eV) | MSE, against the finest tried | shifted |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in table(variants):
        stored, finest = row["against_stored"], row.get("against_finest")
        more = f"{finest['mse']:.4f} | {finest['mse_aligned']:.4f}" if finest else " | "
        lines.append(
            f"| {row['setting']} | {row['atoms']} | {row['kpoints']} | {row['seconds']:.0f} | {stored['mse']:.4f} | "
            f"{stored['mse_aligned']:.4f} | {stored['shift_eV']:+.2f} | {more} |"
        )
    return "\n".join(lines) + "\n"
