"""The PDOS route for one structure: from its ground state, as it was computed, to the spectra of its oxygens.

>>> from elnes_lab.learning import predict_ground
>>> found = predict_ground("computed/my-structure/ground.npz", [3])
>>> found.energy, found.mean, found.lower
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from .. import spectra
from ..collect import pdos_channels
from ..errors import DataError, unknown
from ..sources.quantum_espresso import GroundState, read_ground
from ..structure import Environment
from .choices import InputChoice
from .dataset import Dataset, directed_rows, pdos_bins, problems, refuse

ROUTE = "PDOS route (from the ground-state PDOS, which has no core hole)"
MODEL = "ensemble-pdos"  # the shipped one


class StepRows:
    """Oxygens of one ground state as the part of a Database that models and figures take: PDOS, gap, columns of the site.

    ground: a checked GroundState; atoms: indices of oxygens; rows: their CoreHoleSites, if `isotropic` is asked for. structure: the id
    that a model may know it by."""

    def __init__(self, ground: GroundState, atoms, rows=(), structure: str = "") -> None:
        self.ground, self.atoms, self.rows, self.structure = ground, [int(i) for i in atoms], list(rows), structure
        wrong = [i for i in self.atoms if not 0 <= i < len(ground.symbols) or ground.symbols[i] != "O"]
        if wrong or not self.atoms:
            raise DataError(f"Atom {wrong[0]} is no oxygen of this structure." if wrong else "No oxygen was named.")
        self.sites = np.array([f"O{i}" for i in self.atoms], object)
        self.pdos_energy = np.asarray(ground.energy, float)

    def __len__(self) -> int:
        return len(self.atoms)

    def __getitem__(self, name: str) -> np.ndarray:
        """A column: band_gap, pdos_top, or one that describes the surroundings."""
        ground = self.ground
        common = {"band_gap": ground.band_gap, "pdos_top": ground.top}
        if name in common:
            return np.full(len(self), float(common[name]))
        columns = [self.environment.site(i) for i in self.atoms]
        if name not in columns[0]:
            raise unknown(name, [*common, *columns[0]], "column of a ground state")
        return np.array([float(column[name]) for column in columns])

    @cached_property
    def environment(self) -> Environment:
        return Environment(self.ground.cell, self.ground.symbols, self.ground.positions)

    @cached_property
    def pdos(self) -> np.ndarray:
        """Ground-state PDOS (n, channel, energy), states/eV/atom, in the channels of the schema."""
        return np.stack([pdos_channels(self.ground, self.environment, i) for i in self.atoms]).astype(np.float32)

    @property
    def energy(self) -> np.ndarray:
        """Energies of the spectra, eV above the highest occupied level of the core-hole cell."""
        return np.asarray(self.rows[0].energy, float)

    @property
    def isotropic(self) -> np.ndarray:
        """Mean of the three polarizations of the core-hole spectra, (n, energy), bohr^2/eV."""
        return np.stack([row.strength.mean(0) for row in self.rows])

    def shifts(self, zero: str) -> np.ndarray:
        """As `Database.shifts`, for "vbm" and "onset"."""
        homo, lumo = (np.array([getattr(row, name) for row in self.rows], float) for name in ("homo", "lumo"))
        return spectra.zero_shift(zero, homo, lumo)

    def dataset(self, choice: InputChoice) -> Dataset:
        """What a model of this choice takes. DataError if the PDOS does not reach so far, or has no directions."""
        refuse(problems(self, choice, None), self.sites)
        energy, inputs = pdos_bins(self, choice)
        ones, scalars = np.ones(len(self)), [self[name] for name in choice.scalars]
        directed = directed_rows(self, choice, None, ones) if choice.directed else None
        if not np.isfinite(inputs).all() or (directed is not None and not np.isfinite(directed.inputs).all()):
            raise DataError(
                "This ground state lacks a part of the PDOS that the model takes, px, py and pz for example."
            )
        names = np.full(len(self), self.structure, object)
        return Dataset(
            np.asarray(inputs, np.float32),
            np.stack(scalars, -1).astype(np.float32) if scalars else np.empty((len(self), 0), np.float32),
            np.empty((len(self), 0), np.float32),
            energy,
            np.empty(0),
            self.sites,
            names,
            np.full(len(self), "crystal", object),
            names,
            ones,
            choice,
            None,
            directed=directed,
        )


@lru_cache(maxsize=1)
def shipped_model():
    """The model of the PDOS route that comes with the package, read once; imports torch. DataError if it is damaged."""
    from .store import load

    return load(MODEL)


def predict_ground(ground, atoms, *, model=None, level: float = 0.9, structure: str = ""):
    """Spectra of oxygens (indices) of a ground state, a GroundState or the file ground.npz, by the PDOS route.

    model: by default the shipped ensemble. structure: id of a structure that the model was trained on, which is then
    predicted by the parts that never saw its net. The prediction of the model, as for a Database: mean, lower, upper (n, m) at energy (m,).
    Raises DataError for a damaged file, an atom that is no oxygen, and a PDOS that the model cannot take."""
    ground = read_ground(Path(ground)) if isinstance(ground, (str, os.PathLike)) else ground
    model = model or shipped_model()
    return model.predict(StepRows(ground, atoms, structure=structure).dataset(model.choice), level=level)
