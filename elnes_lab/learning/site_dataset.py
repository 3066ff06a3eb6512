"""Sites with the descriptors of their surroundings: what the structure route learns from, and what it learns.

>>> data = SiteDataset.from_database(db)
>>> data.features.shape, data.targets.shape
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..subject import Subject
from .choices import InputChoice, TargetChoice
from .dataset import elnes_bins, pdos_bins, problems, target_shift
from .splits import NET, structure_groups
from .surroundings import Surroundings

PDOS = InputChoice(channels=("O p",))  # the ground-state curve that is predicted besides
VALUES = ("onset", "band_gap")  # columns of the database, eV, that are predicted besides


class DirectedTargets(NamedTuple):
    """targets (n, 3, m) along x, y and z, in units in which the isotropic spectrum is that of the dataset."""

    targets: np.ndarray

    def subset(self, rows) -> DirectedTargets:
        return DirectedTargets(self.targets[rows])


@dataclass(frozen=True, eq=False)
class SiteDataset:
    """n sites. features (n, 3, f) float32, of `descriptors`; numbers (n, k); targets (n, m) float32, isotropic spectra
    of mean 1; directed: the same along x, y and z; pdos (n, b): O p PDOS, states/eV/atom, at pdos_energy (b,) eV above the
    conduction-band minimum; values (n, v): `VALUES`, eV; weights (n,): equivalent oxygens in the cell. subject: what the spectra are of. The
    rest is as in `dataset.Dataset`.
    """

    features: np.ndarray
    numbers: np.ndarray
    targets: np.ndarray
    directed: DirectedTargets
    pdos: np.ndarray
    values: np.ndarray
    target_energy: np.ndarray
    pdos_energy: np.ndarray
    sites: np.ndarray
    structures: np.ndarray
    kinds: np.ndarray
    groups: np.ndarray
    weights: np.ndarray
    scale: np.ndarray
    target: TargetChoice
    checksum: str = ""
    subject: Subject = Subject()

    @classmethod
    def from_database(cls, db, target: TargetChoice | None = None, *, grouping: str = NET) -> SiteDataset:
        """The rows of a Database that have all that is learnt (`learnable` says which), in its order.

        Raises DataError if there are none, and for a target with another polarisation than "isotropic"."""
        target = target or TargetChoice()
        if target.curves > 1:
            raise DataError(
                "The structure route predicts the isotropic spectrum and those along x, y, z besides. "
                "Take a target with polarization='isotropic'."
            )
        groups = structure_groups(db, grouping) if len(db) else np.empty(0, object)
        kept = learnable(db, target) if len(db) else np.zeros(0, bool)
        if not kept.any():
            raise DataError("There are no spectra to learn from. Select at least one site with a complete PDOS.")
        db, groups = db[kept], groups[kept]
        energy, targets, scale = elnes_bins(db, target)
        along = elnes_bins(db, dataclasses.replace(target, polarization="xyz", normalization="none"))[1]
        along = along.reshape(len(db), 3, -1) / np.where(scale > 0, scale, 1)[:, None, None]
        pdos_energy, pdos = pdos_bins(db, PDOS)
        around = Surroundings.of(db, db.subject.elements)
        return cls(
            around.features,
            around.numbers,
            targets.astype(np.float32),
            DirectedTargets(along.astype(np.float32)),
            pdos[:, 0].astype(np.float32),
            np.stack([db[name].astype(np.float32) for name in VALUES], -1),
            energy,
            pdos_energy,
            db.sites,
            db["structure"],
            db["kind"],
            groups,
            db["multiplicity"].astype(float),
            scale,
            target,
            str(db.store.attribute("raw_sha256", "")),
            db.subject,
        )

    @property
    def elements(self) -> tuple:
        """What neighbors may be, in the order of the descriptors."""
        return self.subject.elements

    def __len__(self) -> int:
        return len(self.features)

    def subset(self, rows) -> SiteDataset:
        """Some rows: positions or a mask."""
        rows = np.asarray(rows)
        rows = rows.astype(int) if rows.size == 0 and rows.dtype != bool else rows
        names = (
            "features",
            "numbers",
            "targets",
            "pdos",
            "values",
            "sites",
            "structures",
            "kinds",
            "groups",
            "weights",
            "scale",
        )
        return dataclasses.replace(
            self, directed=self.directed.subset(rows), **{name: getattr(self, name)[rows] for name in names}
        )

    def to_spectra(self, values: np.ndarray) -> np.ndarray:
        """As `Dataset.to_spectra`, of isotropic targets: the rows themselves."""
        return np.asarray(values)


def learnable(db, target: TargetChoice) -> np.ndarray:
    """Mask (n,) of the rows of a Database that have all that the structure route learns."""
    bad = [rows for rows, _ in problems(db, PDOS, target)]
    bad += [~np.isfinite(db[name]) for name in VALUES]
    bad.append(~np.isfinite(target_shift(db, target)))
    return ~np.any(bad, axis=0)
