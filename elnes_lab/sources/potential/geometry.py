"""Numbers of a silicon oxide as a whole: lengths, angles, coordination, radial distribution functions."""

from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ...structure import Environment, _angles

PAIRS = (("Si", "O"), ("O", "O"), ("Si", "Si"))


class Geometry(NamedTuple):
    """volume (angstrom^3), density (g/cm^3); all Si-O lengths (angstrom), all angles Si-O-Si and O-Si-O (degrees); numbers of
    bonds of every silicon and oxygen; edges: pairs of silicons with two oxygens in common."""

    volume: float
    density: float
    si_o: np.ndarray
    si_o_si: np.ndarray
    o_si_o: np.ndarray
    silicon: np.ndarray
    oxygen: np.ndarray
    edges: int


def geometry(environment: Environment) -> Geometry:
    """The Geometry of a structure; bonds are Si-O below 2.2 angstrom (see `subject.BOND_LENGTH`). DataError for other elements."""
    if others := sorted(set(map(str, environment.symbols)) - {"Si", "O"}):
        raise DataError(
            f"The structure contains {', '.join(others)}: lengths, angles and checks are those of silicon oxides."
        )
    e, angles, counts, lengths, edges = environment, {"Si": [], "O": []}, {"Si": [], "O": []}, [], 0
    for i, symbol in enumerate(map(str, e.symbols)):
        bonds = e.bonds(i)
        first, second = np.triu_indices(len(bonds.index), 1)
        angles[symbol].append(_angles(bonds.vector[first], bonds.vector[second]))
        counts[symbol].append(len(bonds.index))
        if symbol == "Si":
            lengths.append(bonds.distance)
            edges += shared_edges(e, i)
    join = lambda parts: np.sort(np.concatenate(parts)) if parts else np.zeros(0)
    return Geometry(
        e.volume,
        e.density,
        join(lengths),
        join(angles["O"]),
        join(angles["Si"]),
        np.array(counts["Si"], int),
        np.array(counts["O"], int),
        edges // 2,
    )


def shared_edges(environment: Environment, silicon: int) -> int:
    """How many other silicons (images count) have two or more oxygens in common with this one."""
    bridged: dict[tuple, int] = {}
    corners = environment.bonds(silicon)
    for oxygen, image in zip(corners.index, corners.image):
        ends = environment.bonds(int(oxygen))
        for other, shift in zip(ends.index, ends.image):
            key = (int(other), *map(int, image + shift))
            if key != (silicon, 0, 0, 0):
                bridged[key] = bridged.get(key, 0) + 1
    return sum(count > 1 for count in bridged.values())


def radial(
    environment: Environment, *, r_max: float = 8.0, step: float = 0.005, sigma: float = 0.06
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """r (m,) angstrom; partial radial distribution functions g (m,), no unit, by pair ("Si-O"), and of all atoms ("all").

    Pairs are Gaussians of standard deviation `sigma` (angstrom). g tends to 1 where there is no order.
    """
    from scipy.ndimage import gaussian_filter1d

    e, reach = environment, r_max + 6 * sigma
    edges = step * (np.arange(round(reach / step) + 1) + 0.5)  # points of r lie in the middle of the bins
    near = [e.neighbors(i, reach) for i in range(len(e.symbols))]
    r = step * np.arange(1, len(edges))
    shell = 4 * np.pi * r**2 * step
    keep = r <= r_max + 1e-9
    found = {}
    for a, b in (*PAIRS, (None, None)):
        centers = [i for i, symbol in enumerate(e.symbols) if a in (None, symbol)]
        others = [near[i].distance[(e.symbols[near[i].index] == b) | (b is None)] for i in centers]
        partners = len(e.symbols) if b is None else np.count_nonzero(e.symbols == b)
        counted = np.histogram(np.concatenate(others), edges)[0] if centers else np.zeros(len(r))
        ideal = max(len(centers), 1) * max(partners, 1) / e.volume * shell
        smooth = gaussian_filter1d(counted.astype(float), sigma / step, mode="constant")
        found["all" if a is None else f"{a}-{b}"] = (smooth / ideal)[keep]
    return r[keep], found


def first_peak(r: np.ndarray, g: np.ndarray, low: float, high: float) -> float:
    """Where g is highest between two distances (angstrom), by a parabola through three points; NaN where nothing is."""
    inside = np.flatnonzero((r >= low) & (r <= high))
    if not len(inside) or not g[inside].max() > 0:
        return float("nan")
    k = inside[np.argmax(g[inside])]
    if not 0 < k < len(r) - 1:
        return float(r[k])
    left, top, right = g[k - 1 : k + 2]
    bend = left - 2 * top + right
    return float(r[k] + (0.5 * (left - right) / bend if bend < 0 else 0.0) * (r[1] - r[0]))
