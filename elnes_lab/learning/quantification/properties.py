"""What is read from a spectrum: the properties, their words and units, and their true values in the database."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import DataError


class Definition(NamedTuple):
    """A number read from a spectrum; its key is the column of the database that holds the true value."""

    key: str
    symbol: str
    name: str
    unit: str
    digits: int


PROPERTIES = (
    Definition("si_o_si_angle", "∠Si-O-Si", "Si-O-Si angle", "degree", 1),
    Definition("si_o_mean", "d(Si-O)", "Mean Si-O length", "angstrom", 3),
    Definition("coordination", "N(Si)", "Silicon neighbors of the oxygen", "1", 2),
    Definition("density", "ρ", "Density", "g/cm^3", 2),
    Definition("o_o_min", "d(O-O)", "Nearest O-O distance", "angstrom", 3),
    Definition("band_gap", "E_g", "Band gap (PBE)", "eV", 2),
)
CURVES = (  # as PROPERTIES; the order is that of `Database.rdf`
    Definition("rdf_o_si", "g(O-Si)", "Si-O partial radial distribution", "1", 2),
    Definition("rdf_o_o", "g(O-O)", "O-O partial radial distribution", "1", 2),
)
LIMITS = np.array([(0, 180), (1, 3), (1, 4), (0.1, 10), (1, 5), (0, 20)], float)  # what each can be, in its unit
KEYS = tuple(one.key for one in PROPERTIES)
RADII = (1.2, 6.0)  # angstrom; below, no neighbor; above, g differs little from 1 in any structure


def true_values(db) -> np.ndarray:
    """The properties of each row, (n, len(PROPERTIES)), in their units; NaN where a site has none."""
    return np.stack([np.asarray(db[key], float) for key in KEYS], axis=1)


def true_curves(db) -> tuple[np.ndarray, np.ndarray]:
    """Radius (m,) in angstrom and the partial radial distributions around each site, (n, len(CURVES), m).

    Normalized as `Environment.site_rdf`: g tends to 1 far away, and 4 pi r^2 g times the partial density integrates to
    the number of neighbors. Peaks carry a Gaussian of 0.1 angstrom standard deviation.
    """
    radius, values = db.rdf
    inside = (radius >= RADII[0] - 1e-6) & (radius <= RADII[1] + 1e-6)
    return radius[inside], np.asarray(values[:, :, inside], float)


def averages(values: np.ndarray, weights: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """Weighted means over rows, (groups, ...), of values (n, ...): what a beam sees of several sites.

    weights (n,): how many equivalent oxygens a row stands for; members: the rows of each group. Raises DataError for a
    group without rows.
    """
    if not all(len(rows) for rows in members):
        raise DataError("A group to average over has no rows. Leave it out.")
    return np.array([np.average(values[rows], axis=0, weights=weights[rows]) for rows in members])
