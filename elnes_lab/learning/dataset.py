"""Arrays to learn from: PDOS bins and scalars in, ELNES bins out, one row per site, and splits by structure.

>>> data = Dataset.from_database(db, InputChoice(scalars=("band_gap",)), TargetChoice())
>>> split = make_split(data, seed=0)
>>> train = data.subset(split.train)
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import spectra
from ..errors import DataError
from ..schema import CHANNELS, ENERGY_STEP
from .choices import EDGE_BELOW_HALF_HEIGHT, InputChoice, TargetChoice
from .directions import ISOTROPIC, Directed, along
from .splits import NET, Split, grouped_folds, make_split, structure_groups
from .surroundings import Surroundings, foreign

SIDE = 2  # stored points on either side of an interval that its interpolation uses

__all__ = [
    "Dataset",
    "InputChoice",
    "Split",
    "TargetChoice",
    "grouped_folds",
    "make_split",
    "structure_groups",
    "usable",
]


@dataclass(frozen=True, eq=False)
class Dataset:
    """n sites as arrays of one shape.

    inputs (n, channel, bin) float32, states/eV/atom; scalars (n, k) float32; targets (n, curves * m) float32, mean 1
    per site or bohr^2/eV (no columns if there is no target); energy and target_energy: bin centres in eV from the zero
    chosen; sites, structures, kinds, groups (n,) texts (structures that no split may part share a group); scale (n,):
    what the targets were divided by, bohr^2/eV. `choice` and `target` are the choices made, checksum the sha256 of the
    raw data; surroundings: of choices that ask for them.
    """

    inputs: np.ndarray
    scalars: np.ndarray
    targets: np.ndarray
    energy: np.ndarray
    target_energy: np.ndarray
    sites: np.ndarray
    structures: np.ndarray
    kinds: np.ndarray
    groups: np.ndarray
    scale: np.ndarray
    choice: InputChoice
    target: TargetChoice | None
    checksum: str = ""
    directed: Directed | None = None
    surroundings: Surroundings | None = None

    @classmethod
    def from_database(
        cls, db, choice: InputChoice | None = None, target: TargetChoice | None | bool = True, *, grouping: str = NET
    ) -> Dataset:
        """The rows of a Database, in its order. target=None: inputs only, for prediction; True: the default target.
        grouping: which structures are one, as in `structure_groups`.

        Raises DataError naming the sites with an undefined value or with less data than the window asks for (`usable`
        selects the others), and for an empty Database.
        """
        choice = choice or InputChoice()
        target = TargetChoice() if target is True else target
        if not len(db):
            raise DataError("There are no spectra to learn from. Select at least one site.")
        refuse(problems(db, choice, target), db.sites)
        energy, inputs = pdos_bins(db, choice)
        scalars = np.stack([db[name] for name in choice.scalars], -1) if choice.scalars else np.empty((len(db), 0))
        if target is None:
            target_energy, targets, scale = np.empty(0), np.empty((len(db), 0)), np.ones(len(db))
        else:
            target_energy, targets, scale = elnes_bins(db, target)
        refuse(
            [
                (~np.isfinite(inputs).all((1, 2)), "an undefined PDOS in the window"),
                (~np.isfinite(targets).all(1), "an undefined spectrum in the window"),
                (~(scale > 0), "no intensity in the window, so the mean cannot be made 1"),
            ],
            db.sites,
        )
        return cls(
            np.asarray(inputs, np.float32),
            scalars.astype(np.float32),
            targets.astype(np.float32),
            energy,
            target_energy,
            db.sites,
            db["structure"],
            db["kind"],
            structure_groups(db, grouping),
            scale,
            choice,
            target,
            str(db.store.attribute("raw_sha256", "")),
            directed_rows(db, choice, target, scale) if choice.directed else None,
            Surroundings.of(db, choice.surroundings) if choice.surroundings else None,
        )

    def __len__(self) -> int:
        return len(self.inputs)

    def subset(self, rows) -> Dataset:
        """Some rows: positions or a mask."""
        rows = np.asarray(rows)
        rows = rows.astype(int) if rows.size == 0 and rows.dtype != bool else rows
        names = ("inputs", "scalars", "targets", "sites", "structures", "kinds", "groups", "scale")
        parts = {
            name: None if part is None else part.subset(rows)
            for name, part in (("directed", self.directed), ("surroundings", self.surroundings))
        }
        return dataclasses.replace(self, **parts, **{name: getattr(self, name)[rows] for name in names})

    def features(self) -> np.ndarray:
        """Inputs of one row after another, channel by channel, then the scalars: (n, channel * bin + k) float32."""
        return np.concatenate([self.inputs.reshape(len(self), -1), self.scalars], axis=1)

    @property
    def feature_names(self) -> list[str]:
        """What each column of `features` is: "O p 12.1 eV", "band_gap"."""
        return [f"{c} {e:.2f} eV" for c in self.choice.channels for e in self.energy] + list(self.choice.scalars)

    def to_spectra(self, values: np.ndarray, *, absolute: bool = False) -> np.ndarray:
        """Rows (..., curves * m) of this dataset's sites as spectra (..., m), or (..., 3, m) with "xyz".

        absolute=True undoes the normalization, to bohr^2/eV; it needs one row per site on the last but one axis.
        """
        values = np.asarray(values)
        if absolute:
            values = values * self.scale[:, None]
        if self.target.curves == 1:
            return values
        return values.reshape(*values.shape[:-1], self.target.curves, -1)


def usable(db, choice: InputChoice | None = None, target: TargetChoice | None = None) -> tuple[np.ndarray, list[str]]:
    """Mask (n,) of the rows that the choices can be made from, and one sentence per reason why others cannot."""
    bad = problems(db, choice or InputChoice(), target)
    mask = ~np.any([rows for rows, _ in bad], axis=0)
    return mask, [f"{having(db.sites[rows])} {text}." for rows, text in bad if rows.any()]


def problems(db, choice: InputChoice, target: TargetChoice | None) -> list[tuple[np.ndarray, str]]:
    """Pairs of a mask (n,) of rows and what they have or lack; cheap, read from the columns and the axes."""
    low, high = choice.window
    gap = db["band_gap"] if choice.alignment == "cbm" else np.zeros(len(db))
    axis, margin = db.pdos_energy, choice.broadening
    found = [(~np.isfinite(db[name]), f"no value in the column '{name}'") for name in choice.scalars]
    found.append((~np.isfinite(gap), "no band gap to align by"))
    # Broadened, the cut-off reaches down by about one FWHM: bins nearer to it would lack states that exist.
    found.append(
        (
            ~((low + gap >= axis[0] - 1e-6) & (high + gap + margin <= np.minimum(axis[-1], db["pdos_top"]) + 1e-6)),
            f"no complete PDOS from {low:g} to {high:g} eV (the window may end at "
            f"{np.min(np.minimum(axis[-1], db['pdos_top']) - gap - margin, initial=np.inf):.1f} eV at most, broadening "
            "taken off)",
        )
    )
    if choice.surroundings:
        strange, names = foreign(db, choice.surroundings)
        found.append(
            (strange, f"a structure with {names}, which a model of {' and '.join(choice.surroundings)} does not know")
        )
    if target is not None:
        shift = target_shift(db, target)
        found.append((~np.isfinite(shift), f"no known {target.alignment} to align by"))
        low, high = target.window
        axis = db.energy
        inside = (low - shift >= axis[0] - 1e-6) & (high - shift <= axis[-1] + 1e-6)
        found.append((~inside & np.isfinite(shift), f"no spectrum over all of {low:g} to {high:g} eV"))
    return found


def refuse(bad, sites=None) -> None:
    """DataError naming the sites of the first mask with a true entry."""
    for rows, text in bad:
        if rows.any():
            names = sites[rows] if sites is not None else np.flatnonzero(rows).astype(str)
            raise DataError(
                f"{having(names)} {text}. Choose another window or column, or leave those rows out (`usable` "
                "selects the others)."
            )


def having(names) -> str:
    """'a has' or 'a, b have'."""
    return f"{listed(names)} {'has' if len(names) == 1 else 'have'}"


def listed(names) -> str:
    """'a, b, c and 4 more'."""
    names = [str(name) for name in names]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def target_shift(db, target: TargetChoice) -> np.ndarray:
    """Energy in eV to add to the spectra's axis, shape (n,)."""
    if target.alignment == "cbm":
        return -db["band_gap"].astype(float)
    if target.alignment == "edge":
        return EDGE_BELOW_HALF_HEIGHT - spectra.half_height(db.energy, db.isotropic)
    return db.shifts(target.alignment)


def pdos_bins(db, choice: InputChoice) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres (bin,) and chosen channels (n, channel, bin), states/eV/atom."""
    values = db.pdos[:, [CHANNELS.index(c) for c in choice.channels]]
    shift = -db["band_gap"].astype(float) if choice.alignment == "cbm" else np.zeros(len(db))
    return bins(db.pdos_energy, values, shift[:, None], choice)


def directed_rows(db, choice: InputChoice, target: TargetChoice | None, scale) -> Directed:
    """The sites along x, y and z (see `directions`); the spectra are divided by the scale (n,) of the isotropic one."""
    shift = -db["band_gap"].astype(float) if choice.alignment == "cbm" else np.zeros(len(db))
    pdos, energy = db.pdos, db.pdos_energy
    least = choice.window[0] - shift.max() - 2 * choice.broadening - 1  # what lies below is in G, but in no bin
    start = int(np.searchsorted(energy, least))
    inputs = bins(energy[start:], along(energy, pdos, start), shift[:, None], choice)[1]
    inputs = inputs.reshape(len(db), 3, -1, choice.bins)
    shared = bins(energy, pdos[:, [CHANNELS.index(c) for c in ISOTROPIC]], shift[:, None], choice)[1]
    targets = np.empty((len(db), 3, 0), np.float32)
    if target is not None:
        targets = bins(db.energy, db.symmetrized, target_shift(db, target)[:, None], target)[1] / scale[:, None, None]
    return Directed(inputs.astype(np.float32), shared.astype(np.float32), targets.astype(np.float32))


def elnes_bins(db, target: TargetChoice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bin centres (m,), spectra (n, curves * m) and the scale (n,) taken out."""
    values = db.isotropic[:, None] if target.curves == 1 else db.symmetrized
    energy, values = bins(db.energy, values, target_shift(db, target)[:, None], target)
    scale = values.mean((1, 2)) if target.normalization == "mean" else np.ones(len(values))
    return energy, values.reshape(len(values), -1) / np.where(scale > 0, scale, 1)[:, None], scale


def bins(energy, values, shift, choice) -> tuple[np.ndarray, np.ndarray]:
    """Spectra (n, curve, energy) broadened, moved up by `shift` (n, 1) eV and averaged into the bins of a choice.

    Each row's stretch of the stored points is moved by the fraction of a step, by polynomials through six points;
    broadening and averaging are then one matrix, the same for all rows. Within 4e-4 of the peak of `spectra.broaden`
    and `spectra.shift`, which take over where the stretch with its margin would reach beyond the data, and 20 times
    faster.
    """
    low, size = choice.window[0], choice.bins * choice.points
    grid = np.round(low + ENERGY_STEP * np.arange(size), 10)
    centres = grid.reshape(choice.bins, choice.points).mean(1)
    margin = int(np.ceil(1.5 * choice.broadening / ENERGY_STEP))  # 3.5 standard deviations of the Gaussian
    position = (low - shift - energy[0]) / ENERGY_STEP
    first = np.floor(position + 1e-4)
    fraction = np.maximum(position - first, 0)
    first = first.astype(int) - margin - SIDE
    length = size + 2 * margin
    if first.min() < 0 or first.max() + length + 2 * SIDE + 1 > energy.size:
        if choice.broadening:
            values = spectra.broaden(energy, values, gaussian_fwhm=choice.broadening)
        moved = spectra.shift(energy, values, shift, grid=grid)
        return centres, moved.reshape(*moved.shape[:-1], choice.bins, choice.points).mean(-1)
    points = first[..., None] + np.arange(length + 2 * SIDE + 1)
    stretch = np.take_along_axis(values, np.broadcast_to(points, (*values.shape[:-1], points.shape[-1])), axis=-1)
    moved = 0.0
    for k in range(-SIDE, SIDE + 2):
        weight = math.prod((fraction - j) / (k - j) for j in range(-SIDE, SIDE + 2) if j != k)
        if np.any(weight):
            moved = moved + weight[..., None].astype(np.float32) * stretch[..., k + SIDE : k + SIDE + length]
    return centres, moved @ operator(length, margin, choice.bins, choice.points, choice.broadening)


@lru_cache(maxsize=8)
def operator(size: int, start: int, count: int, points: int, broadening: float) -> np.ndarray:
    """Matrix (energy, bin), float32, that broadens a spectrum of `size` stored points and averages it into bins from
    `start` on.
    """
    matrix = np.eye(size)
    if broadening:
        matrix = spectra.broaden(ENERGY_STEP * np.arange(size), matrix, gaussian_fwhm=broadening)
    return matrix[:, start : start + count * points].reshape(size, count, points).mean(-1).astype(np.float32)


def taken(data, choice: InputChoice) -> Dataset:
    """The inputs of a Database as a model of this choice takes them; a Dataset comes back as it is if it fits.

    Raises DataError for a Dataset of other choices and for rows that lack an input."""
    if not isinstance(data, Dataset):
        return Dataset.from_database(data, choice, None)
    if data.choice != choice:
        raise DataError(
            f"The dataset was made with {data.choice}; this model takes {choice}. Give it the Database "
            "itself, or make the dataset with model.choice."
        )
    return data
