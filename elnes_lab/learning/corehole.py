"""How much of what the core hole does to a spectrum has a network learnt?

Without a core hole the ELNES would be the ground-state O p PDOS, up to matrix elements. The change from there to the
computed spectrum is what a network has to add; here it is measured, in the window `metrics.EDGE_WINDOW` above the edge.
"""

from dataclasses import dataclass

import numpy as np

from . import metrics


@dataclass(frozen=True, eq=False)
class Effect:
    """The change of n spectra by the core hole, and what a prediction makes of it.

    energy (m,): eV above the conduction-band edge; ground, computed, predicted (n, m): best-scaled PDOS, ELNES and its
    prediction, in units of the mean of the computed one over the target window. learnt (n,): 1 - MSE(prediction) /
    MSE(PDOS): 1 all of the change, 0 no better than the PDOS, negative worse. weight: for "ground", "computed" and
    "predicted" the share (n,) of the intensity within `metrics.EDGE_WIDTH` of the edge.
    """

    energy: np.ndarray
    ground: np.ndarray
    computed: np.ndarray
    predicted: np.ndarray
    learnt: np.ndarray
    weight: dict

    @property
    def gain(self):
        """Share of the intensity that moved to the edge (n,): computed, and predicted."""
        return tuple(self.weight[name] - self.weight["ground"] for name in ("computed", "predicted"))


def effect(
    db,
    energy,
    computed,
    predicted,
    *,
    offset=0.0,
    fwhm=0.0,
) -> Effect:
    """The Effect for the n rows of a Database with ELNES computed and predicted (n, m) at energy (m,) + offset (n,) eV
    above the conduction-band edge of the core-hole cell.

    fwhm: Gaussian width in eV that the spectra carry besides the stored one. The PDOS is scaled to each computed
    spectrum by least squares, so the comparison favours it. NaN where a PDOS ends below the window.
    Raises DataError where the spectra do not cover the window.
    """
    low, high = metrics.EDGE_WINDOW
    offset = np.broadcast_to(np.asarray(offset, float), len(computed))
    if np.allclose(offset, 0, atol=1e-6):
        inside = (energy >= low) & (energy <= high)
        grid, computed, predicted = energy[inside], computed[:, inside], predicted[:, inside]
    else:
        step = energy[1] - energy[0]
        grid = np.arange(low + step / 2, high, step)  # as many bins above and below the edge as an aligned axis has
        # What every shifted axis has of it; the check below refuses what is too short.
        grid = grid[(grid >= (energy[0] + offset).max() - 1e-6) & (grid <= (energy[-1] + offset).min() + 1e-6)]
        computed, predicted = (
            np.array([np.interp(grid, energy + by, row) for by, row in zip(offset, rows)])
            for rows in (computed, predicted)
        )
    weight = {"computed": metrics.edge_weight(grid, computed), "predicted": metrics.edge_weight(grid, predicted)}
    ground = metrics.ground_state(db, grid, fwhm)
    ground = ground * ((ground * computed).sum(axis=1) / (ground**2).sum(axis=1))[:, None]
    weight["ground"] = metrics.edge_weight(grid, ground)
    left = ((predicted - computed) ** 2).mean(axis=1)
    return Effect(grid, ground, computed, predicted, 1 - left / ((ground - computed) ** 2).mean(axis=1), weight)
