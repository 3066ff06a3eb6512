"""Training of a quantifier: networks on spectra as an instrument would record them, cross-fitted by net."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ...spectra import half_height
from ..choices import EDGE_BELOW_HALF_HEIGHT
from ..intervals import half_widths
from ..splits import NET, deal, structure_groups
from . import domain
from .instrument import Conditions, measured
from .model import LEAST, MODES, PLACED, SHAPE, Calibration, Part, Quantifier, difficulty_terms, model_inputs
from .prepare import prepare, roughness
from .properties import CURVES, PROPERTIES, true_curves, true_values
from .store import rounded

LEVEL = 0.9
COPIES = 16                     # of each spectrum, recorded under conditions drawn anew
FOLDS = 5
MEMBERS = 4
WIDTH = 48
EPOCHS = 24
COMPONENTS = 8                  # of each radial distribution
RIDGE = 1.0                     # on the coefficients of the expected error, in structures


class Sites(NamedTuple):
    """What training and tests need of n rows: energy (m,) and intensity (n, m), zero (n,) on that axis and place (n,) in
    eV of energy loss, values (n, properties), curves (n, curves, radius), radius, structure and group (n,) names."""

    energy: np.ndarray
    intensity: np.ndarray
    zero: np.ndarray
    place: np.ndarray
    values: np.ndarray
    radius: np.ndarray
    curves: np.ndarray
    structures: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, db, grouping: str = NET) -> Sites:
        """The rows of a Database that have all the properties and a place on the energy-loss scale."""
        zero = half_height(db.energy, db.isotropic) - EDGE_BELOW_HALF_HEIGHT
        values, place = true_values(db), zero + db.shifts("loss")
        good = np.isfinite(values).all(1) & np.isfinite(place)
        if not good.any():
            raise DataError("No row of this database has all the properties that a quantifier reads. Open the whole database.")
        db, zero, place, values = db[good], zero[good], place[good], values[good]
        radius, curves = true_curves(db)
        return cls(db.energy, db.isotropic.astype(float), zero, place, values, radius, curves,
                   db["structure"].astype(str), structure_groups(db, grouping).astype(str), db["kind"].astype(str),
                   np.asarray(db["multiplicity"], float))

    def recorded(self, conditions: Conditions, random=None, rows=slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Prepared features (n, bins) and place (n,) of rows recorded under conditions, one each."""
        zero = self.zero[rows]
        curves = measured(self.energy, self.intensity[rows], zero, conditions, random)
        found = prepare(self.energy, curves)
        return found.features, self.place[rows] + found.zero - zero


def train_quantifier(db, *, seed: int = 0, folds: int = FOLDS, copies: int = COPIES, members: int = MEMBERS,
                     epochs: int = EPOCHS, report=None) -> Quantifier:
    """A quantifier from the rows of a Database, cross-fitted by net over `folds` folds.

    copies: how often each spectrum is recorded for training. report: called with (part, parts) before each part is
    trained. Raises DataError for fewer groups of structures than folds.
    """
    sites = Sites.of(db)
    if len(set(sites.groups)) < folds:
        raise DataError(f"There are {len(set(sites.groups))} groups of structures for {folds} folds. Take the whole database.")
    random = np.random.default_rng(seed)
    place = deal(sites.groups, folds, random)
    pool = [sites.recorded(Conditions.constant(len(sites.zero)))]
    pool += [sites.recorded(Conditions.drawn(len(sites.zero), random), random) for _ in range(copies)]
    features, edges = (np.stack(part) for part in zip(*pool))
    model = untrained(sites, features, edges, {name: int(k) for name, k in zip(sites.structures, place)},
                      str(db.store.attribute("raw_sha256", "")))
    targets = standard(model, sites)
    for k in range(folds):
        if report:
            report(k, folds)
        inside = place != k
        model.parts.append(train_part(model, features[:, inside], edges[:, inside], targets[inside], members=members,
                                      epochs=epochs, seed=seed + k))
    model = rounded(model)
    model.calibrations.update(calibrations(model, sites, targets, features, edges))
    model.facts.update({"seed": seed, "folds": folds, "copies": copies, "members": members, "epochs": epochs,
                        "rows": len(sites.zero), "structures": sorted(set(sites.structures))})
    return model


def untrained(sites: Sites, features, edges, folds, checksum) -> Quantifier:
    """A quantifier without parts: scales of inputs and targets, components of the curves, the interval without a
    spectrum, the domain."""
    inputs = np.concatenate([model_inputs(f, e) for f, e in zip(features, edges)])
    scale = inputs.std(0)
    bins = features.shape[2]
    scale[:bins] = np.sqrt((scale[:bins] ** 2).mean())  # one for all bins: one that hardly varies would outweigh others
    scale[-1] = 1.0
    mean, deviation = sites.values.mean(0), sites.values.std(0)
    curve_mean = sites.curves.mean(0)
    components = np.stack([principal(sites.curves[:, c] - curve_mean[c]) for c in range(len(CURVES))])
    half = half_widths(sites.values - mean, sites.groups, (LEVEL,))[0]
    half_curve = half_widths((sites.curves - curve_mean).reshape(len(sites.zero), -1), sites.groups, (LEVEL,))[0]
    return Quantifier([], folds, inputs.mean(0), scale, mean, np.where(deviation > 0, deviation, 1.0), sites.radius,
                      curve_mean, np.ones_like(curve_mean), components, {}, np.stack([mean - half, mean + half]),
                      half_curve.reshape(curve_mean.shape), np.array([sites.place.min(), sites.place.max()]),
                      domain.to_arrays(domain.fitted(features[:9].reshape(-1, bins), np.tile(sites.groups, min(9, len(features))))),
                      checksum)


def principal(curves) -> np.ndarray:
    """Principal components (k, m) of curves (n, m) about zero, as long as they are spread."""
    _, values, vectors = np.linalg.svd(curves, full_matrices=False)
    keep = min(COMPONENTS, len(values))
    return (values[:keep] / np.sqrt(len(curves)))[:, None] * vectors[:keep]


def standard(model: Quantifier, sites: Sites) -> np.ndarray:
    """Targets (n, out) in units of their spread: properties, then components of each curve."""
    values = (sites.values - model.mean) / model.deviation
    norm = np.maximum((model.components**2).sum(2), 1e-12)
    weights = np.einsum("ncm,ckm->nck", sites.curves - model.curve_mean, model.components) / norm
    return np.concatenate([values, weights.reshape(len(values), -1)], axis=1)


def train_part(model: Quantifier, features, edges, targets, *, members, epochs, seed) -> Part:
    """Networks on recorded spectra (copies, n, bins) with targets (n, out). In half of the steps each spectrum's place
    is hidden, so that the same networks read the shape alone."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    inputs = np.concatenate([(model_inputs(f, e) - model.centre) / model.scale for f, e in zip(features, edges)])
    hidden = np.concatenate([(model_inputs(f) - model.centre) / model.scale for f in features])[:1, -2:]
    x = torch.from_numpy(inputs.astype(np.float32))
    y = torch.from_numpy(np.tile(targets, (len(features), 1)).astype(np.float32))
    hidden = torch.from_numpy(hidden.astype(np.float32))
    share = torch.tensor([1.0] * len(PROPERTIES) + [1.0 / model.components.shape[1]] * (y.shape[1] - len(PROPERTIES)))
    sizes = [x.shape[1], WIDTH, WIDTH, y.shape[1]]
    weights = [torch.randn(members, a, b, generator=generator) / a**0.5 for a, b in zip(sizes, sizes[1:])]
    biases = [torch.zeros(members, b) for b in sizes[1:]]
    for value in (*weights, *biases):
        value.requires_grad_(True)
    optimizer = torch.optim.AdamW([{"params": weights, "weight_decay": 3e-2}, {"params": biases, "weight_decay": 0.0}], lr=3e-3)
    batch = 128
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(batch):
            chosen = x[rows].repeat(members, 1, 1)
            hide = torch.rand(members, len(rows), 1, generator=generator) < 0.5
            chosen[..., -2:] = torch.where(hide, hidden, chosen[..., -2:])
            out = chosen
            for i, (weight, bias) in enumerate(zip(weights, biases)):
                if i:
                    out = torch.tanh(out)
                    out = out * (torch.rand(out.shape, generator=generator) > 0.1) / 0.9
                out = out @ weight + bias[:, None]
            loss = (torch.nn.functional.smooth_l1_loss(out, y[rows].expand_as(out), reduction="none", beta=0.5) * share).mean()
            optimizer.zero_grad()
            (loss * members).backward()
            optimizer.step()
            schedule.step()
    return Part(*([value.detach().numpy().copy() for value in values] for values in (weights, biases)))


def calibrations(model: Quantifier, sites: Sites, targets, features, edges) -> dict[str, Calibration]:
    """Expected errors and conformal widths of each mode, from what each part says of the nets it never saw. Changes
    `model.curve_profile` to the error at each radius."""
    flat = features.reshape(-1, features.shape[2])
    names, groups = (np.tile(x, len(features)) for x in (sites.structures, sites.groups))
    rough = roughness(flat)
    found, told = {}, {mode: model.outputs(flat, edges.ravel() if mode == PLACED else None, names) for mode in MODES}
    truth = np.tile(sites.curves, (len(features), 1, 1))
    wrong = {mode: truth - model.curves(told[mode][0]) for mode in MODES}
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1 / (counts[inverse] * len(counts))
    model.curve_profile[:] = np.sqrt(np.maximum(np.einsum("n,ncm->cm", weight, wrong[SHAPE] ** 2), 1e-6))
    for mode in MODES:
        outputs, spread = told[mode]
        count = len(PROPERTIES)
        residuals = np.tile(targets[:, :count], (len(features), 1)) - outputs[:, :count]
        relative = np.abs(wrong[mode]) / model.curve_profile
        size = np.concatenate([np.abs(residuals), np.sqrt((relative**2).mean(2))], axis=1)
        terms = difficulty_terms(rough, spread)
        coefficients = np.stack([expected(terms[:, j], size[:, j], weight * len(counts)) for j in range(size.shape[1])])
        scale = np.exp((terms * coefficients).sum(2))
        widths = half_widths(size[:, :count] / scale[:, :count], groups, (LEVEL,))[0]
        bands = [half_widths((relative[:, c] / scale[:, count + c, None]).reshape(-1, 1), np.repeat(groups, relative.shape[2]),
                             (LEVEL,))[0, 0] for c in range(relative.shape[1])]
        found[mode] = Calibration(coefficients, np.concatenate([widths, bands]))
    return found


def expected(terms, size, weight) -> np.ndarray:
    """Coefficients (3,) of the logarithm of the expected error, by a ridge regression on logarithms of what was found."""
    logarithm = np.log(np.maximum(size, 10 * LEAST))
    middle = np.array([0.0, *np.average(terms[:, 1:], axis=0, weights=weight)])
    centred = terms - middle
    matrix = (centred * weight[:, None]).T @ centred + RIDGE * np.diag([0.0, 1.0, 1.0])
    found = np.linalg.solve(matrix, (centred * weight[:, None]).T @ logarithm)
    found[1:] = np.maximum(found[1:], 0)             # a noisier spectrum, or one the members disagree on, is never surer
    found[0] = np.average(logarithm - (terms[:, 1:] * found[1:]).sum(1), weights=weight)
    return found
