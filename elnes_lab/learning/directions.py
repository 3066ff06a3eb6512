"""Sites along x, y and z: three samples a site, for models that learn one direction at a time.

The spectrum with the polarisation along a comes, in the dipole approximation, from the p_a states alone. So the sample
of direction a is: p_a of the absorbing oxygen, its response to a core hole (`response`) for two strengths, and the
channels that have no direction; its target is the spectrum along a. One model serves all three, so that turning the
axes into one another turns the predictions with them, and the isotropic spectrum is the mean of three predictions.

>>> dataset = Dataset.from_database(db, InputChoice(directed=True))
>>> dataset.directed.samples()                            # (3 n, channel, bin): x, y, z of the first site, then ...
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..schema import CHANNELS
from .response import green, response

STRENGTHS = (-20.0, -40.0)  # eV per state of the core hole's potential on one p orbital
ALONG = ("p_a", *(f"p_a at {u:g} eV" for u in STRENGTHS))
ISOTROPIC = ("O p", "Si p", "O s", "Si s", "DOS")  # channels without a direction
BLOCKS = (*ALONG, *ISOTROPIC)  # channels of a sample, in this order


@dataclass(frozen=True, eq=False)
class Directed:
    """n sites along x, y and z. inputs (n, 3, along, b) and shared (n, isotropic, b) float32, states/eV/atom; targets
    (n, 3, m) float32 in units in which the isotropic spectrum of the site is that of the Dataset.
    """

    inputs: np.ndarray
    shared: np.ndarray
    targets: np.ndarray

    def subset(self, rows) -> Directed:
        """Some sites: positions or a mask."""
        return Directed(self.inputs[rows], self.shared[rows], self.targets[rows])

    def joined(self, other: Directed) -> Directed:
        """These sites, then those."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(self))
        return Directed(*(np.concatenate(pair) for pair in pairs))

    def samples(self) -> np.ndarray:
        """All channels of `BLOCKS`, (3 n, channel, b)."""
        n, three, _, b = self.inputs.shape
        shared = np.broadcast_to(self.shared[:, None], (n, three, *self.shared.shape[1:]))
        return np.concatenate([self.inputs, shared], axis=2).reshape(n * three, -1, b)


def along(energy, pdos, start: int = 0) -> np.ndarray:
    """p_x, p_y and p_z of the absorbing oxygen, each followed by its responses: (n, 9, energy - start), states/eV/atom,
    from PDOS (n, channel, energy) with the channels of `elnes_lab.schema.CHANNELS`; from energy number `start` on.
    """
    bare = pdos[:, [CHANNELS.index(f"O p{a}") for a in "xyz"]]
    parts = green(energy, bare, start=start)
    curves = [bare[..., start:], *(response(energy, bare, u, parts=parts) for u in STRENGTHS)]
    return np.stack(curves, axis=2).reshape(len(pdos), -1, pdos.shape[-1] - start)


def directed(dataset) -> Directed:
    """The directions of a Dataset; DataError if it has none."""
    if dataset.directed is None:
        raise DataError(
            "A direction-resolved model needs the PDOS along x, y and z. Make the dataset with "
            "InputChoice(directed=True)."
        )
    return dataset.directed


def samples(dataset):
    """The Dataset of 3 n samples, x, y and z of each site one after another, as the networks take it."""
    found = directed(dataset)
    names = ("scalars", "sites", "structures", "kinds", "groups", "scale")
    target = dataset.target and dataclasses.replace(dataset.target, polarization="isotropic")
    return dataclasses.replace(
        dataset,
        inputs=found.samples(),
        targets=found.targets.reshape(3 * len(dataset), -1),
        target=target,
        directed=None,
        surroundings=None,
        **{name: np.repeat(getattr(dataset, name), 3, axis=0) for name in names},
    )


def as_target(curves: np.ndarray, target) -> np.ndarray:
    """Curves (..., 3, m) in the form of a Dataset's targets: their mean (..., m), or (..., 3 m) with "xyz"."""
    return curves.mean(-2) if target.curves == 1 else curves.reshape(*curves.shape[:-2], -1)
