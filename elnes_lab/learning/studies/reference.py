"""The noise of the reference: how far apart two computed spectra of one site are, and from which zero least.

Twins are sites of two structures of one net whose surroundings agree: one crystal, computed in two supercells. What
their spectra differ by no model can be asked to predict. The zero of energy is part of it, so candidates for the zero
are compared by the twins, and by what a model can tell from the PDOS.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from ... import spectra
from ...schema import ENERGY_STEP
from ..baselines import KernelRidge
from ..choices import EDGE_BELOW_HALF_HEIGHT
from ..dataset import Dataset, TargetChoice, grouped_folds, usable
from .evaluation import number
from .scaling import run

RADIUS = 6.5  # angstrom; what is compared of a site's surroundings
ALIKE = 0.1  # angstrom, rms over the distances within: less and two sites are twins
SHIFTS = np.round(np.arange(-0.6, 0.605, 0.02), 2)  # eV
FIRST = "first empty level"
HALF = "half height"


class Twins(NamedTuple):
    """Positions of two rows, rms difference in angstrom of the distances to their neighbors, and whether both belong to
    one structure, hence to one supercell."""

    first: int
    second: int
    geometry: float
    same_cell: bool


def twins(db, *, alike: float = ALIKE, radius: float = RADIUS) -> list[Twins]:
    """Pairs of crystal sites with the same surroundings: each row with the row most like it in each other structure of
    its net, and with others of its own structure.

    Compared are the sorted distances to all Si and all O within radius (angstrom); their rms difference must be below
    alike (angstrom).
    """
    from ...structure import Environment

    structures, nets, found = db["structure"].astype(str), db["net"].astype(str), []
    around = [None] * len(db)
    for name in db.structures:
        environment = Environment.of(db.atoms(name))
        for row in np.flatnonzero((structures == name) & (db["kind"] == "crystal")):
            near = environment.neighbors(int(db["atom"][row]), radius + 1)
            around[row] = [near.distance[environment.symbols[near.index] == symbol] for symbol in ("Si", "O")]
    for i in range(len(db)):
        for name in dict.fromkeys(structures[nets == nets[i]]):
            others = [j for j in np.flatnonzero(structures == name) if j != i and around[i] and around[j]]
            if name != structures[i] and others:
                others = [min(others, key=lambda j: unlike(around[i], around[j], radius))]
            found += [
                Twins(*sorted((i, int(j))), unlike(around[i], around[j], radius), bool(name == structures[i]))
                for j in others
            ]
    return sorted({pair for pair in found if pair.geometry < alike}, key=lambda pair: (pair.same_cell, pair.geometry))


def unlike(a, b, radius: float) -> float:
    """Rms difference in angstrom of two sites' distances to Si and O, nearest first; infinite if the numbers differ."""
    square, count = 0.0, 0
    for one, other in zip(a, b):
        n = max((one < radius).sum(), (other < radius).sum())
        if n > min(len(one), len(other)):
            return np.inf
        square, count = square + ((one[:n] - other[:n]) ** 2).sum(), count + n
    return float(np.sqrt(square / count))


def zeros(db) -> dict[str, np.ndarray]:
    """Candidates for the zero of each spectrum, (n,) eV above the valence-band maximum of its core-hole cell."""
    levels, loss = db["lumo"] - db["homo"], db.shifts("loss")
    half = spectra.half_height(db.energy, db.isotropic)
    found = {
        FIRST: levels,
        "conduction-band minimum of the ground state": db["band_gap"].astype(float),
        "total energies (energy loss)": np.nanmean(levels + loss) - loss,
        "first peak": np.where(np.isfinite(db.first_peaks), db.first_peaks, levels),
        HALF: half,
        **{
            f"{share:.0%} of the height": spectra.half_height(db.energy, db.isotropic, share=share)
            for share in (0.1, 0.3, 0.7)
        },
        "half height, broadened by 2 eV": spectra.half_height(db.energy, db.isotropic, fwhm=2.0),
        "half height, mean of the structure's sites": structure_mean(db, half + loss) - loss,
        "first empty level, moved to the half height by structure": levels + structure_mean(db, half - levels),
    }
    return found


def structure_mean(db, values) -> np.ndarray:
    """Mean of values (n,) over the rows of each row's structure, (n,)."""
    _, codes = np.unique(db["structure"].astype(str), return_inverse=True)
    return (np.bincount(codes, values) / np.bincount(codes))[codes]


def curves(db, zero, window=None) -> tuple[np.ndarray, np.ndarray]:
    """Isotropic spectra (n, m), mean 1 over the window (default: that of the target), and their energies (m,) from zero
    (n,) eV above the valence-band maximum, 0.1 eV apart."""
    low, high = window or TargetChoice().window
    grid = spectra.make_grid(low, high, ENERGY_STEP)
    values = spectra.shift(db.energy, db.isotropic.astype(float), -np.asarray(zero), grid=grid, fill=0.0)
    return grid, values / values.mean(axis=1, keepdims=True)


def study(db, **where) -> dict:
    """What `study_twins` and `study_zeros` find; where: as the second takes."""
    pairs = twins(db)
    return {"twins": study_twins(db, pairs), "zeros": study_zeros(db, pairs, **where)}


def study_twins(db, pairs: list[Twins]) -> list[dict]:
    """One record per pair of `twins`, JSON types: sites, geometry (angstrom), same_cell; mse: with each spectrum counted
    from its first empty level; edge: from its half height; shifted: after the rigid shift (eV) that fits best."""
    levels, half = db["lumo"] - db["homo"], spectra.half_height(db.energy, db.isotropic)
    plain, edge = curves(db, levels)[1], curves(db, half - EDGE_BELOW_HALF_HEIGHT)[1]
    found = []
    for pair in pairs:
        i, j = pair.first, pair.second
        two = db[[i, j]]
        moved = [curves(two, levels[[i, j]] + [by / 2, -by / 2])[1] for by in SHIFTS]
        errors = [((a - b) ** 2).mean() for a, b in moved]
        found.append(
            {
                "sites": [str(db.sites[i]), str(db.sites[j])],
                "geometry": number(pair.geometry, 3),
                "same_cell": pair.same_cell,
                "mse": number(((plain[i] - plain[j]) ** 2).mean()),
                "edge": number(((edge[i] - edge[j]) ** 2).mean()),
                "shifted": number(min(errors)),
                "shift": number(float(SHIFTS[int(np.argmin(errors))]), 3),
            }
        )
    return found


def study_zeros(
    db,
    pairs: list[Twins],
    *,
    seeds: int = 2,
    folds: int = 5,
    workers=None,
    scheduler=None,
    report=None,
) -> list[dict]:
    """One record per candidate of `zeros`, JSON types.

    twins_median, twins_mean: MSE between twins of different supercells. crystal, amorphous: median and mean MSE of
    spectra predicted by kernel ridge, of nets not trained on, counted from this zero. position: rms and median error in
    eV of the zero itself on the scale of energy loss, predicted by kernel ridge from the same inputs; on_loss: MSE of
    predicted spectra put at predicted positions on that scale. A zero taken from the spectrum can hide an error in the
    position: the last two would show it.
    """
    mask = usable(db)[0] & np.isfinite(db.shifts("loss"))
    place = np.cumsum(mask) - 1  # of each row among those left
    pairs = [(place[p.first], place[p.second]) for p in pairs if not p.same_cell and mask[p.first] and mask[p.second]]
    db = db[mask]
    candidates = zeros(db)
    data, loss, levels = Dataset.from_database(db), db.shifts("loss"), candidates[FIRST]
    tasks, shared = [], []
    for zero in candidates.values():
        # The same stretch of a typical spectrum is compared, wherever the zero lies in it.
        found = curves(db, zero - np.median(zero - levels))[1]
        size = 2 * (found.shape[1] // 2)
        targets = found[:, :size].reshape(len(db), -1, 2).mean(axis=2)
        shared.append((found, targets, zero + loss))
        tasks += [(len(shared) - 1, seed, folds) for seed in range(seeds)]
    parts = run(
        held_out, (data, [(t, p) for _, t, p in shared]), tasks, workers=workers, scheduler=scheduler, report=report
    )
    records, kinds = [], np.asarray(data.kinds)
    for k, name in enumerate(candidates):
        mse, square, both = np.mean([part for part, task in zip(parts, tasks) if task[0] == k], axis=0)
        between = [((shared[k][0][i] - shared[k][0][j]) ** 2).mean() for i, j in pairs]
        record = {"zero": name, "twins": len(pairs), "spread": number((candidates[name] - levels).std(), 3)}
        if pairs:
            record |= {"twins_median": number(np.median(between)), "twins_mean": number(np.mean(between))}
        for group in dict.fromkeys(kinds):
            of = kinds == group
            record[str(group)] = {
                "n": int(of.sum()),
                "mse_median": number(np.median(mse[of])),
                "mse_mean": number(mse[of].mean()),
                "position_rms": number(np.sqrt(square[of].mean()), 3),
                "position_median": number(np.median(np.sqrt(square[of])), 3),
                "on_loss_median": number(np.median(both[of])),
                "on_loss_mean": number(both[of].mean()),
            }
        records.append(record)
    return records


def held_out(shared: tuple, task: tuple) -> np.ndarray:
    """For one candidate and seed: MSE, square of the error in position (eV^2) and MSE on the scale of energy loss of
    every row, (3, n), predicted by models that did not see its group; the amorphous ones are means over folds."""
    data, candidates = shared
    place, seed, folds = task
    targets, position = candidates[place]
    step = 2 * ENERGY_STEP
    shapes = dataclasses.replace(data, targets=targets.astype(np.float32))
    lowest = position.min() - 10.0  # predictions are never negative: count from far below
    places = dataclasses.replace(data, targets=(position - lowest)[:, None].astype(np.float32))
    axis, found, weight = step * np.arange(targets.shape[1]), np.zeros((3, len(data))), np.zeros(len(data))
    for split in grouped_folds(data, folds, seed=seed):
        held = np.concatenate([split.test, split.amorphous])
        spectrum, zero = (
            KernelRidge()
            .fit(whole.subset(split.train), whole.subset(split.validation), seed)
            .predict(whole.subset(held))
            for whole in (shapes, places)
        )
        error = zero[:, 0] + lowest - position[held]
        moved = np.array([np.interp(axis, axis + by, curve) for by, curve in zip(error, spectrum)])
        for part, values in zip(
            found, (((spectrum - targets[held]) ** 2).mean(1), error**2, ((moved - targets[held]) ** 2).mean(1))
        ):
            part[held] += values
        weight[held] += 1
    return found / weight
