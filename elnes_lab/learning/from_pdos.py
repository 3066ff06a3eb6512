"""A structure with its ground-state PDOS in, spectra out: between the structure alone and the core-hole calculation.

>>> predict_known(db, "coesite").prediction.mean            # a structure of the database, by parts that never saw its net
>>> predict_ground("results/my-structure/ground.npz")       # what `elnes-lab compute` writes first
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..collect import channels
from ..errors import DataError
from ..sources.quantum_espresso import GroundState, read_ground
from ..spectra import zero_shift
from ..structure import Environment, kind_of
from .choices import InputChoice
from .dataset import Dataset, directed_rows, pdos_bins, problems, refuse, usable
from .surroundings import Surroundings

SHIPPED = "ensemble-structure-pdos"  # the model of both routes
PDOS_ROUTE = "ensemble-pdos"  # that of the PDOS alone
GROUND = "ground.npz"


class Predicted(NamedTuple):
    """prediction: `ensemble.EnsemblePrediction` of the inequivalent sites; weights (n,): equivalent oxygens of each in the cell;
    energies count from what `zero` says (`choices.TARGET_ALIGNMENTS`)."""

    prediction: object
    weights: np.ndarray
    zero: str

    @property
    def average(self) -> np.ndarray:
        """Mean spectrum (m,) over all oxygens of the cell."""
        return np.average(self.prediction.mean, 0, self.weights)


@lru_cache(maxsize=2)
def shipped_model(name: str = SHIPPED):
    """A model that comes with the package, by default that of both routes, read once; imports torch. DataError if it is missing
    or damaged."""
    from .store import load

    return load(name)


def predict_known(db, structure: str, *, model=None, level: float = 0.9) -> Predicted:
    """Spectra of the sites of a structure (id) of a Database from its structure and its PDOS, in the order of the database.

    model: by default the shipped one of both routes; any of `store.load`. A structure of the training data is predicted by the
    part that never saw its net. Raises DataError for an id that is not there, and where no site has all that the model takes."""
    model = model or shipped_model()
    rows = db[np.asarray(db["structure"], str) == structure]
    if not len(rows):
        raise DataError(f"There is no structure {structure[:60]!r} in this database. Choose one of its ids.")
    mask, reasons = usable(rows, model.choice)
    if not mask.any():
        raise DataError(f"{structure} cannot be predicted from its PDOS: {' '.join(reasons)}")
    rows = rows[mask]
    return Predicted(model.predict(rows, level=level), rows["multiplicity"].astype(float), model.target.alignment)


def predict_ground(source, *, model=None, level: float = 0.9) -> Predicted:
    """Spectra of the inequivalent oxygens of a computed ground state, before any core hole: a `GroundState`, the path of its
    ground.npz, or the folder with it. model: as of `predict_known`. Raises DataError for what cannot be read or predicted."""
    model = model or shipped_model()
    ground = source if isinstance(source, GroundState) else read(Path(source))
    data, weights = ground_dataset(ground, model.choice, str(getattr(source, "name", source)))
    return Predicted(model.predict(data, level=level), weights, model.target.alignment)


def read(path: Path) -> GroundState:
    """The GroundState of a file or of the folder that it is in. DataError, with the path, if it cannot be used."""
    path = path / GROUND if path.is_dir() else path
    try:
        return read_ground(path.resolve())
    except FileNotFoundError:
        raise DataError(
            f"There is no {path}. Name the {GROUND} of a structure, as `elnes-lab compute` writes it."
        ) from None
    except DataError as problem:
        raise DataError(f"{path} cannot be used: {problem}.") from None


def ground_dataset(
    ground: GroundState, choice: InputChoice, name: str = "", *, atoms=None
) -> tuple[Dataset, np.ndarray]:
    """The Dataset of the inequivalent oxygens of a ground state, or of `atoms` (indices), without targets, and how many of each
    the cell has, (n,).

    Raises DataError for PDOS without the directions that the choice asks for, cut off below its window, and for other elements."""
    from ase import Atoms

    name = name or ground.structure
    if choice.directed and np.isnan(ground.pdos_pxyz).any():
        raise DataError(
            f"{name} has no PDOS along x, y and z, which this model takes. Choose a model of the network kind."
        )
    environment = Environment(ground.cell, ground.symbols, ground.positions)
    rows = GroundRows(ground, environment, atoms)
    refuse(problems(rows, dataclasses.replace(choice, surroundings=()), None), rows.sites)
    around = None
    if choice.surroundings:
        cell = Atoms(list(ground.symbols), cell=ground.cell, scaled_positions=ground.positions, pbc=True)
        around = Surroundings.of_atoms(cell, rows.atoms, choice.surroundings, environment)
    energy, inputs = pdos_bins(rows, choice)
    scalars = np.stack([rows[column] for column in choice.scalars], -1) if choice.scalars else np.empty((len(rows), 0))
    text = lambda value: np.array([value] * len(rows), object)
    data = Dataset(
        np.asarray(inputs, np.float32),
        scalars.astype(np.float32),
        np.empty((len(rows), 0), np.float32),
        energy,
        np.empty(0),
        rows.sites,
        text(ground.structure),
        text(kind_of(ground.source)),
        text(ground.structure),
        np.ones(len(rows)),
        choice,
        None,
        "",
        directed_rows(rows, choice, None, None) if choice.directed else None,
        around,
    )
    return data, rows.weights


class GroundRows:
    """The rows that a ground state would have in a database, as far as models and figures take them: columns by name, PDOS, labels.

    atoms: indices of absorbers, by default one of each inequivalent kind; holes: their CoreHoleSites, if their spectra are asked for.
    DataError for an atom that is no absorber."""

    def __init__(self, ground: GroundState, environment: Environment | None = None, atoms=None, holes=()):
        environment = environment or Environment(ground.cell, ground.symbols, ground.positions)
        alike = dict(environment.inequivalent_oxygens)
        self.atoms = [int(i) for i in (alike if atoms is None else atoms)]
        wrong = [i for i in self.atoms if not 0 <= i < len(ground.symbols) or ground.symbols[i] != ground.absorber]
        if wrong or not self.atoms:
            what = f"Atom {wrong[0]} is no {ground.absorber} of this structure" if wrong else "No site was named"
            raise DataError(f"{what}. Give indices of its {ground.absorber} atoms, counted from 0.")
        self.weights = np.array([alike.get(i, 1) for i in self.atoms], float)
        self.sites = np.array([f"{ground.structure}/{ground.absorber}{i}" for i in self.atoms], object)
        self.pdos_energy, self.holes = ground.energy.astype(float), list(holes)
        self.pdos = np.stack([channels(ground, environment, i) for i in self.atoms]).astype(np.float32)
        self.local = [environment.site(i) for i in self.atoms]
        self.whole = {"band_gap": ground.band_gap, "pdos_top": ground.top, "n_atoms": len(ground.symbols)}

    @property
    def energy(self) -> np.ndarray:
        """Energies (e,) of the spectra, eV above the highest occupied level of the core-hole cell."""
        return np.asarray(self.holes[0].energy, float)

    @property
    def isotropic(self) -> np.ndarray:
        """Mean of the three polarizations of the core-hole spectra, (n, e), bohr^2/eV."""
        return np.stack([hole.strength.mean(0) for hole in self.holes])

    def shifts(self, zero: str) -> np.ndarray:
        """As `Database.shifts`, for "vbm" and "onset"."""
        homo, lumo = (np.array([getattr(hole, name) for hole in self.holes], float) for name in ("homo", "lumo"))
        return zero_shift(zero, homo, lumo)

    def __len__(self) -> int:
        return len(self.atoms)

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.whole:
            return np.full(len(self), self.whole[name], np.float32)
        if not np.isscalar(self.local[0].get(name)):
            raise DataError(f"The column {name} is not known before the core hole is computed. Choose another model.")
        return np.array([site[name] for site in self.local], np.float32)
