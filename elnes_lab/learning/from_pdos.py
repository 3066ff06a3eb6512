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
from ..structure import Environment, kind_of
from .choices import InputChoice
from .dataset import Dataset, directed_rows, pdos_bins, problems, refuse, usable
from .surroundings import Surroundings

SHIPPED = "ensemble-structure-pdos"  # the model of both routes
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


@lru_cache(maxsize=1)
def shipped_model():
    """The model of both routes that comes with the package, read once. DataError if it is missing or damaged."""
    from .store import load

    return load(SHIPPED)


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


def ground_dataset(ground: GroundState, choice: InputChoice, name: str = "") -> tuple[Dataset, np.ndarray]:
    """The Dataset of the inequivalent oxygens of a ground state, without targets, and how many of each the cell has, (n,).

    Raises DataError for PDOS without the directions that the choice asks for, cut off below its window, and for other elements."""
    from ase import Atoms

    name = name or ground.structure
    if choice.directed and np.isnan(ground.pdos_pxyz).any():
        raise DataError(
            f"{name} has no PDOS along x, y and z, which this model takes. Choose a model of the network kind."
        )
    environment = Environment(ground.cell, ground.symbols, ground.positions)
    rows = GroundRows(ground, environment)
    refuse(problems(rows, dataclasses.replace(choice, surroundings=()), None), rows.sites)
    around = None
    if choice.surroundings:
        atoms = Atoms(list(ground.symbols), cell=ground.cell, scaled_positions=ground.positions, pbc=True)
        around = Surroundings.of_atoms(atoms, rows.atoms, choice.surroundings, environment)
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
    """The rows that a ground state would have in a database, as far as models take them: columns by name, PDOS and labels."""

    def __init__(self, ground: GroundState, environment: Environment):
        self.atoms, counts = zip(*environment.inequivalent_oxygens)
        self.weights = np.array(counts, float)
        self.sites = np.array([f"{ground.structure}/{ground.absorber}{i}" for i in self.atoms], object)
        self.pdos_energy = ground.energy.astype(float)
        self.pdos = np.stack([channels(ground, environment, i) for i in self.atoms]).astype(np.float32)
        self.local = [environment.site(i) for i in self.atoms]
        self.whole = {"band_gap": ground.band_gap, "pdos_top": ground.top, "n_atoms": len(ground.symbols)}

    def __len__(self) -> int:
        return len(self.atoms)

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.whole:
            return np.full(len(self), self.whole[name], np.float32)
        if not np.isscalar(self.local[0].get(name)):
            raise DataError(f"The column {name} is not known before the core hole is computed. Choose another model.")
        return np.array([site[name] for site in self.local], np.float32)
