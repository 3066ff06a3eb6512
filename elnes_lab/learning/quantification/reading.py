"""`quantify`: a spectrum in, structure out; and the quantifier that comes with the repository."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import DataError
from .checked import ABSOLUTE, checked
from .domain import rows
from .instrument import COUNTS, WIDTHS
from .model import PLACED, SHAPE, Quantifier, smoothness
from .prepare import roughness
from .properties import CURVES, PROPERTIES
from .result import Quantified, Reading, ReadingCurve

FOLDER = "quantifier"  # in models/ of the data folder
FAR = 3.0  # out-of-domain score that one new structure in twenty reaches
MARGIN = 0.5  # eV beyond the edges of training that a calibration may be off


def quantify(
    energy,
    intensity,
    *,
    quantifier: Quantifier | None = None,
    calibrated: bool | None = None,
    held_out: str | None = None,
) -> Quantified:
    """Structure from one O K-edge spectrum: energy (m,) in eV, intensity (m,) in any unit; each property with its 90 %
    interval.

    energy: of energy loss, or from any other zero. The zero that counts is always found from the spectrum itself, 1.4
    eV below half height. Where that zero lies on the energy-loss scale says something about the structure, too.
    calibrated: whether to read it (the scale must hold to 0.5 eV, with the first peak of alpha-quartz at 538 eV);
    default: if the energies are losses and the edge lies where those of the database do. A constant shift changes
    nothing without it. quantifier: default the one that came with the package. held_out: a structure of the database
    whose own net is to be unknown to the model that answers: for spectra of the database.

    Raises DataError, a sentence or two, for what holds no O K edge that can be read.
    """
    found = checked(energy, intensity)
    model = quantifier if quantifier is not None else load_quantifier()
    zero, notes = float(found.prepared.zero[0]), [*found.notes, *filter(None, [model.warning])]
    loss = found.start >= ABSOLUTE
    if calibrated and not loss:
        raise DataError(
            "The energies are no energy losses (they begin below 100 eV), so the place of the edge cannot be read. "
            "Leave `calibrated` out, or give energy losses."
        )
    plausible = model.place[0] - MARGIN <= zero <= model.place[1] + MARGIN
    placed = loss and plausible if calibrated is None else calibrated
    if loss and not plausible:
        notes.append(
            f"The edge lies at {zero:.1f} eV, outside of the {model.place[0]:.1f} to {model.place[1]:.1f} eV of "
            "the database: check the calibration." + ("" if placed else " Only the shape was read.")
        )
    features = found.prepared.features
    estimate = model.estimate(features, np.array([zero]) if placed else None, held_out=held_out)
    notes += quality(model, features)
    score = float(model.score.score(rows(features))[0])
    reason = model.score.reasons(rows(features))[0] if score > 1 else ""
    if score > FAR:
        notes.append(
            f"Out of domain: unlike anything the model was trained on ({reason or 'as a whole'}). Do not trust the "
            "intervals."
        )
    elif score > 1:
        notes.append(f"Unusual: stranger than four fifths of new structures are ({reason or 'as a whole'}).")
    readings = tuple(
        Reading(
            one.key,
            one.symbol,
            one.name,
            one.unit,
            *(float(x[0, j]) for x in estimate[:3]),
            bool(estimate.informative[0, j]),
            one.digits,
        )
        for j, one in enumerate(PROPERTIES)
    )
    curves = tuple(
        ReadingCurve(one.key, one.symbol, one.name, one.unit, model.radius, *(x[0, c] for x in estimate[4:]))
        for c, one in enumerate(CURVES)
    )
    return Quantified(
        readings, curves, score, reason, tuple(notes), zero, PLACED if placed else SHAPE, found.energy, found.intensity
    )


def quality(model: Quantifier, features) -> list[str]:
    """Warnings about a prepared spectrum (1, bins) that is noisier or more blurred than any of training."""
    found = []
    if roughness(features)[0] > model.quality[0]:
        found.append(
            f"Noisier than any spectrum of training ({COUNTS[0]:.0f} counts in the maximum of channels of 0.1 eV): "
            "intervals may be too narrow. Add up more counts."
        )
    if smoothness(features)[0] > model.quality[1]:
        found.append(
            f"Smoother than any spectrum of training (broadened by {WIDTHS[1]:g} eV at most): intervals may be too "
            "narrow."
        )
    return found


def load_quantifier(folder: Path | str | None = None, db=None) -> Quantifier:
    """The quantifier of a folder; default: the one that came with the package, kept after the first call. With a
    Database, `warning` says if it was trained on other data. DataError if it is missing or damaged."""
    from ...store import data_directory

    path = Path(folder) if folder is not None else data_directory() / "models" / FOLDER
    return _kept(path) if folder is None and db is None else _opened(path, db)


def _opened(path, db=None) -> Quantifier:
    from .store import load

    return load(path, db)


@lru_cache(maxsize=1)
def _kept(path) -> Quantifier:
    return _opened(path)
