"""Descriptors of the surroundings of an atom in an oxide, made from the structure alone: no first-principles run is needed.

The neighbors of an atom, as a smooth density, are expanded in radial functions and spherical harmonics (featomic);
products of two coefficients that turning the structure leaves as they are make SOAP: Bartok, Kondor and Csanyi, Phys.
Rev. B 87, 184115 (2013). A polarised spectrum knows one axis. So products are summed over +m and -m only, with that
axis as z: they stay the same when the structure is turned about the axis or turned upside down, and their sum over m
is SOAP again.

>>> found = describe(db.atoms("quartz-alpha"), [3])
>>> found.directed.shape                                  # (1, 3, FEATURES): along x, y and z
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from .errors import DataError
from .subject import Subject

CUTOFF, RADIAL, ANGULAR, WIDTH = 5.0, 4, 4, 0.4  # Angstrom; highest radial and angular number; Angstrom
# Of the neighbors in silicon oxides, in this order; those of another database are its own.
ELEMENTS = Subject().elements
ABSORBER = Subject().absorber
# Of the neighbors far away less is counted: weight 1 / (1 + (r / 3 A)^4) (Willatt et al., PCCP 20, 29661 (2018)).
SCALING = {"type": "Willatt2018", "scale": 3.0, "rate": 1.0, "exponent": 4.0}
ORDERS = tuple((l, m) for l in range(ANGULAR + 1) for m in range(l + 1))
# Numbers of `structure.Environment.site` and what one unit of the distance between two sites is in each.
NUMBERS = {
    "si_o_mean": 0.035,
    "si_o_std": 0.01,
    "si_o_min": 0.035,
    "si_o_max": 0.04,
    "si_o_si_angle": 22.0,
    "coordination": 0.2,
    "o_si_o_mean": 1.5,
    "o_si_o_std": 6.0,
    "o_o_min": 0.08,
    "o_o_mean": 0.04,
    "voronoi_volume": 5.0,
    "density": 0.45,
}


def sizes(elements=ELEMENTS) -> tuple[int, int]:
    """Numbers of directed descriptors and of SOAP of neighbors of so many elements."""
    n = len(elements) * (RADIAL + 1)
    pairs = n * (n + 1) // 2
    return pairs * len(ORDERS), pairs * (ANGULAR + 1)


FEATURES, SOAP = sizes()
NO_ANGLE = 180.0  # degrees, of an oxygen that has one silicon
KEPT = 32  # structures whose descriptors stay in memory


class Descriptors(NamedTuple):
    """directed (k, 3, f) float32, of norm 1, along x, y and z; numbers (k, number) in the order of `NUMBERS`."""

    directed: np.ndarray
    numbers: np.ndarray


cache: OrderedDict[tuple, np.ndarray] = OrderedDict()


def describe(atoms, sites, environment=None, elements=ELEMENTS) -> Descriptors:
    """Descriptors of some oxygens (indices) of ASE Atoms of these elements with a cell of three dimensions.

    environment: the `structure.Environment` of the same atoms, if it is known. Raises DataError for other elements
    and for sites that are no oxygens.
    """
    from .structure import Environment

    environment = environment or Environment.of(atoms)
    sites = [int(i) for i in sites]
    directed = power(atoms, sites, elements)
    return Descriptors(directed, np.array([number_row(environment.site(i)) for i in sites]).reshape(-1, len(NUMBERS)))


def number_row(site: dict) -> list[float]:
    """The `NUMBERS` of one site; what a site does not have is that of a site without: NO_ANGLE, or 0."""
    return [
        float(site[name]) if np.isfinite(site[name]) else (NO_ANGLE if name == "si_o_si_angle" else 0.0)
        for name in NUMBERS
    ]


def power(atoms, sites, elements=ELEMENTS) -> np.ndarray:
    """The directed descriptors (k, 3, f) float32, each of norm 1; kept in memory for the next time. elements: that neighbors may
    be, the absorbing one first, in an order that belongs to the descriptors. DataError for others."""
    key = (
        atoms.cell.array.tobytes(),
        atoms.positions.tobytes(),
        atoms.numbers.tobytes(),
        tuple(sites),
        tuple(elements),
    )
    if key not in cache:
        cache[key] = products(coefficients(atoms, sites, elements))
        while len(cache) > KEPT:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]


def coefficients(atoms, sites, elements=ELEMENTS) -> list[np.ndarray]:
    """Expansion coefficients of each angular number: (3, k, m, element and radial number), for x, y and z as z."""
    strange = sorted(set(atoms.get_chemical_symbols()) - set(elements))
    if strange:
        raise DataError(
            f"The structure contains {', '.join(strange)}; these descriptors are made of sites among {' and '.join(elements)} "
            "atoms. Give a structure of these, or load a model for the others."
        )
    if len(sites) == 0:
        raise DataError("Descriptors are made of at least one site. Name the indices of some oxygens.")
    absorber = elements[0]
    SphericalExpansion, Labels = library()
    turned = []
    for axes in ([1, 2, 0], [2, 0, 1], [0, 1, 2]):  # cyclic, so that nothing is mirrored: x, y, z become z
        one = atoms.copy()
        one.set_cell(atoms.cell.array[:, axes])
        one.set_positions(atoms.positions[:, axes])
        one.pbc = True
        turned.append(one)
    calculator = SphericalExpansion(
        cutoff={"radius": CUTOFF, "smoothing": {"type": "ShiftedCosine", "width": 1.0}},
        density={"type": "Gaussian", "width": WIDTH, "scaling": SCALING},
        basis={"type": "TensorProduct", "max_angular": ANGULAR, "radial": {"type": "Gto", "max_radial": RADIAL}},
    )
    rows = Labels(["system", "atom"], np.array([[s, i] for s in range(3) for i in sites], np.int32))
    from ase.data import atomic_numbers

    number = {name: atomic_numbers[name] for name in elements}
    wanted = Labels(
        ["o3_lambda", "o3_sigma", "center_type", "neighbor_type"],
        np.array([[l, 1, number[absorber], number[name]] for l in range(ANGULAR + 1) for name in elements], np.int32),
    )
    found = calculator.compute(turned, selected_samples=rows, selected_keys=wanted)
    block = lambda l, name: found.block(
        {"o3_lambda": l, "center_type": number[absorber], "neighbor_type": number[name]}
    )
    return [np.concatenate([placed(block(l, name), sites) for name in elements], -1) for l in range(ANGULAR + 1)]


def placed(block, sites) -> np.ndarray:
    """The values of a block as (3, k, m, radial number): a site that has no neighbor of its element has no row there, and is 0."""
    values, place = np.asarray(block.values), {int(i): k for k, i in enumerate(sites)}
    systems, atoms = np.asarray(block.samples.values, int).T  # its names are system and atom
    found = np.zeros((3, len(sites), *values.shape[1:]))
    found[systems, [place[i] for i in atoms.tolist()]] = values
    return found


def library():
    """featomic's SphericalExpansion and metatensor's Labels, imported without torch: both would load it only to know its
    arrays when they meet them, and it takes longer than all else together."""
    hidden = sys.modules.setdefault("torch", None) is None
    try:
        from featomic import SphericalExpansion
        from metatensor import Labels
    finally:
        if hidden:
            del sys.modules["torch"]
    return SphericalExpansion, Labels


def products(expanded: list[np.ndarray]) -> np.ndarray:
    """Products of pairs of coefficients, summed over +m and -m: (k, 3, f) float32 of norm 1."""
    first, second = np.triu_indices(expanded[0].shape[-1])
    twice = np.where(first == second, 1.0, 2**0.5)  # a pair stands for two, so that norms stay those of all pairs
    found = []
    for l, m in ORDERS:
        rows = (l,) if m == 0 else (l - m, l + m)
        found.append(sum(expanded[l][:, :, r, first] * expanded[l][:, :, r, second] for r in rows) * twice)
    return unit(np.concatenate(found, -1).transpose(1, 0, 2)).astype(np.float32)


def soap(directed: np.ndarray) -> np.ndarray:
    """SOAP (..., s) of norm 1 from directed descriptors (..., 3, f): their sums over m, any axis alike."""
    parts = directed.mean(-2).reshape(*directed.shape[:-2], len(ORDERS), directed.shape[-1] // len(ORDERS))
    sums = [parts[..., [k for k, (order, _) in enumerate(ORDERS) if order == l], :].sum(-2) for l in range(ANGULAR + 1)]
    return unit(np.concatenate(sums, -1)).astype(np.float32)


def unit(values: np.ndarray) -> np.ndarray:
    """Rows divided by their length."""
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), np.finfo(np.float32).tiny)
