"""Splits by structure: sites of one structure, of one net or of two names of one crystal, never stand on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..database import unknown
from ..errors import DataError
from ..spectra import broaden

NET, DOS = "net", "dos"
GROUPINGS = (NET, DOS)  # what counts as one structure; the first is the default
FINGERPRINT_FWHM = 1.0  # eV; blurs what differs between k meshes of two cells of one crystal
FINGERPRINT_WINDOW = (-12.0, 18.0)  # eV from the valence-band maximum: O 2p and Si bands, and the conduction band
SAME_DOS = 0.06  # relative rms difference of two densities of states of one crystal
FRACTIONS = (0.7, 0.15, 0.15)  # of the groups: train, validation, test
SAME_DENSITY = 0.05  # relative difference of density


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of rows: train, validation and test are crystals (amorphous rows only if asked for), amorphous is
    apart.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    amorphous: np.ndarray

    @property
    def development(self) -> np.ndarray:
        """train and validation together: what a model may see before it is tested."""
        return np.concatenate([self.train, self.validation])


def structure_groups(db, grouping: str = NET) -> np.ndarray:
    """Name of the group of each row, shape (n,): the first structure of its group in the order of the rows.

    grouping: "dos": crystals with one density of states are one (`same_dos`): a crystal under two names. "net": these,
    and crystals with one silicon-oxygen net (column `net`), so that what is held out is a new net and not another
    cell, or a distortion, of one trained on. Groups are connected by such pairs. An amorphous structure is a group of
    its own. Raises DataError for another grouping.
    """
    if grouping not in GROUPINGS:
        raise unknown(str(grouping), GROUPINGS, "grouping")
    structures, first = np.unique(db["structure"].astype(str), return_index=True)
    structures, first = structures[np.argsort(first)], np.sort(first)
    of_row = {name: i for i, name in enumerate(structures)}
    one = db[first]
    crystal = one["kind"] == "crystal"
    same = same_dos(one)
    if grouping == NET:
        net = one["net"].astype(str)
        same |= net[:, None] == net
    same = same & crystal[:, None] & crystal | np.eye(len(structures), dtype=bool)
    leader = np.arange(len(structures))
    while True:  # each takes the smallest leader among its neighbours until none changes
        smallest = np.where(same, leader, len(leader)).min(1)
        if np.array_equal(smallest, leader):
            break
        leader = smallest
    return np.array([str(structures[leader[of_row[name]]]) for name in db["structure"]], dtype=object)


def same_dos(db) -> np.ndarray:
    """Which rows belong to structures with one density of states, shape (n, n).

    Densities within 5 %, and total densities of states per atom, broadened by 1 eV over -12 to 18 eV, that differ by
    less than 6 % (rms of the difference over rms). The total DOS belongs to the structure, so it does not matter which
    of its sites are computed. Measured: prototype-00 and prototype-06, one crystal relaxed in two cells, differ by 3 %;
    alpha- and beta-quartz, which pymatgen's StructureMatcher calls equal at its default tolerances, by 12 %; any others
    by more.
    """
    dos, energy, density = db.pdos[:, -1].astype(float), db.pdos_energy, db["density"].astype(float)
    inside = (energy >= FINGERPRINT_WINDOW[0]) & (energy <= FINGERPRINT_WINDOW[1])
    dos = broaden(energy, dos, gaussian_fwhm=FINGERPRINT_FWHM)[:, inside]
    square = (dos**2).sum(1)
    distance = np.sqrt(np.maximum(square[:, None] + square - 2 * dos @ dos.T, 0) / np.minimum.outer(square, square))
    return (distance < SAME_DOS) & (np.abs(np.log(density[:, None] / density)) < SAME_DENSITY)


def make_split(dataset, *, seed: int = 0, fractions=FRACTIONS, include_amorphous: bool = False) -> Split:
    """A split of the crystals' groups into shares of train, validation and test, at least one group each.

    include_amorphous: amorphous structures are divided in the same way, the test share staying in `amorphous` (a single
    one is trained on, and none is left to test); without it every amorphous row is there. Raises DataError for fewer
    than three groups of crystals and for fractions that are not three positive numbers.
    """
    fractions = np.asarray(fractions, float)
    if fractions.shape != (3,) or not np.all(fractions > 0):
        raise DataError("The fractions must be three positive numbers: train, validation, test.")
    random = np.random.default_rng(seed)
    crystal = np.asarray(dataset.kinds == "crystal")
    train, validation, test = share_groups(dataset.groups, np.flatnonzero(crystal), fractions, random, 3)
    amorphous = np.flatnonzero(~crystal)
    if include_amorphous and amorphous.size:
        parts = share_groups(dataset.groups, amorphous, fractions, random, 1)
        train, validation, amorphous = (
            np.concatenate([train, parts[0]]),
            np.concatenate([validation, parts[1]]),
            parts[2],
        )
    return Split(np.sort(train), np.sort(validation), np.sort(test), np.sort(amorphous))


def grouped_folds(dataset, k: int = 5, *, seed: int = 0) -> list[Split]:
    """k splits in which every crystal is in `test` once: fold i tests on part i, validates on the next, trains on the
    rest.

    Parts have nearly equal numbers of rows; groups are never cut. Raises DataError if k is below 3 or there are fewer
    groups of crystals than folds.
    """
    if k < 3:
        raise DataError(f"{k} folds leave nothing to train on: one part tests and another validates. Take 3 or more.")
    crystal = np.asarray(dataset.kinds == "crystal")
    count = len(np.unique(np.asarray(dataset.groups[crystal], str)))
    if count < k:
        raise DataError(
            f"There are {count} groups of crystal structures (near duplicates count as one) for {k} folds. "
            "Take fewer folds or more structures."
        )
    number = np.full(len(crystal), -1)
    number[crystal] = deal(dataset.groups[crystal], k, np.random.default_rng(seed))
    others = np.flatnonzero(~crystal)
    return [
        Split(
            np.flatnonzero((number >= 0) & (number != i) & (number != (i + 1) % k)),
            np.flatnonzero(number == (i + 1) % k),
            np.flatnonzero(number == i),
            others,
        )
        for i in range(k)
    ]


def deal(groups, k: int, random: np.random.Generator) -> np.ndarray:
    """Part 0 to k - 1 of each row, shape (n,): groups stay whole, parts have nearly equal numbers of rows."""
    names, sizes = np.unique(np.asarray(groups, str), return_counts=True)
    order = random.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, part = np.zeros(k), {}
    for i in order:  # the largest first, each to the emptiest part
        part[names[i]] = int(filled.argmin())
        filled[part[names[i]]] += sizes[i]
    return np.array([part[str(name)] for name in groups], int)


def shares(count: int, fractions=FRACTIONS) -> np.ndarray:
    """How many of `count` groups go to train, validation and test: (3,). Of one, train has it; of two, test has one."""
    counts = np.array([count > 0, count > 2, count > 1], int)
    wanted = np.asarray(fractions, float) / np.sum(fractions) * count
    while counts.sum() < count:
        counts[np.argmax(wanted - counts)] += 1
    return counts


def share_groups(groups, rows, fractions, random, least: int) -> list[np.ndarray]:
    """Rows divided into three by group, in about these shares of the groups; each part gets one while there are
    enough.
    """
    names = np.unique(np.asarray(groups[rows], str))
    if len(names) < least:
        raise DataError(
            f"{len(names)} groups of crystal structures (near duplicates count as one) cannot be split into train, "
            "validation and test. Select at least three different crystals."
        )
    parts = np.split(random.permutation(names), np.cumsum(shares(len(names), fractions))[:-1])
    return [rows[np.isin(np.asarray(groups[rows], str), part)] for part in parts]
