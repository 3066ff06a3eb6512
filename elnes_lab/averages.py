"""What a beam sees that is broader than a cell: the average over the oxygen sites of a structure, from a Database.

Each site has its own energy loss (a chemical shift of tenths of an eV, in a glass of eV), so the sites are averaged on that
scale, however the average is drawn afterwards.
"""

from dataclasses import dataclass

import numpy as np

from . import spectra
from .database import Database
from .errors import unknown


@dataclass(frozen=True)
class Averages:
    """Averages of k structures over their sites, each weighted by its multiplicity.

    structures, names: k texts; energy (m,) eV; intensity (k, m) isotropic, bohr^2/eV, or in units of its mean; pdos_energy (b,)
    eV and pdos (k, b) states/eV/atom, or None; sites (k,): sites averaged; oxygens (k,): atoms that these stand for, of the
    `cell` (k,) that the cell has. NaN where a curve is not known for all of them, and for structures without such a site.
    """

    structures: list[str]
    names: list[str]
    energy: np.ndarray
    intensity: np.ndarray
    pdos_energy: np.ndarray | None
    pdos: np.ndarray | None
    sites: np.ndarray
    oxygens: np.ndarray
    cell: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Share (k,) of the oxygens of each structure that its average stands for."""
        return self.oxygens / self.cell

    @property
    def titles(self) -> list[str]:
        """The names, each with the number of sites and how much of the oxygen they are."""
        found = []
        for name, sites, oxygens, cell in zip(self.names, self.sites, self.oxygens, self.cell):
            # rounded down: what is not complete never reads 100 %
            part = "all of its O" if oxygens >= cell else f"{np.floor(100 * oxygens / cell):.0f} % of its O"
            found.append(f"{name}, average of {sites} site{'s' * int(sites != 1)}, {part}")
        return found


def averages(
    db: Database,
    structures,
    *,
    zero: str = "vbm",
    fwhm: float | spectra.Broadening = 0.0,
    normalized: bool = False,
    channel: str | None = None,
) -> Averages:
    """The averages of structures (ids) over all of their sites in `db`; the isotropic ones, as equivalent oxygens differ along x,
    y and z.

    zero, fwhm and normalized as in `Database.curves`; of the average the zero lies where the mean of its sites' zeros does.
    channel: average the ground-state PDOS of that channel, too. Sites without an onset are left out: nobody knows where their
    spectrum would lie. Raises DataError for a structure without a row, and what `Database.curves` raises.
    """
    structures = [str(name) for name in structures]
    every = db["structure"].astype(str)
    wrong = [name for name in structures if name not in set(every)]
    if wrong:
        raise unknown(str(wrong[0]), db.structures, "structure")
    known = np.isin(every, structures) & np.isfinite(db["onset"])
    rows, parts = db[known], every[known]
    weights = rows["multiplicity"].astype(float)
    energy, values = rows.curves(zero="loss", fwhm=fwhm)
    begun = np.isfinite(values).argmax(axis=1)
    values[np.arange(values.shape[1]) < begun[:, None]] = (
        0.0  # far below the edge; above its end a spectrum is not known
    )
    place = rows.shifts("loss")

    def mean(numbers):
        """Averages (k, ...) in the order of `structures`, NaN for those that no row is of."""
        labels, found = spectra.group_average(numbers, parts, weights)
        order = {label: i for i, label in enumerate(labels.tolist())}
        nothing = np.full(np.shape(numbers)[1:], np.nan)
        return np.array([found[order[name]] if name in order else nothing for name in structures])

    moved, intensity = mean(place), mean(values)
    if normalized:
        low, high = (moved[:, None] + edge for edge in spectra.RMS_WINDOW)
        inside = (energy >= low) & (energy <= high)
        intensity = intensity / np.where(inside, intensity, 0).sum(1, keepdims=True) * inside.sum(1, keepdims=True)
    if zero != "loss":
        energy, intensity = spectra.shift_together(energy, intensity, mean(rows.shifts(zero)) - moved)
    pdos_energy = pdos = None
    if channel is not None:
        pdos_energy, states = rows.pdos_curves(channel, fwhm=fwhm)
        pdos_energy, pdos = spectra.shift_together(pdos_energy, mean(states), mean(rows.shifts(zero, pdos=True)))
    names = dict(zip(every.tolist(), db["name"].astype(str).tolist()))
    return Averages(
        structures=structures,
        names=[names[name] for name in structures],
        energy=energy,
        intensity=intensity,
        pdos_energy=pdos_energy,
        pdos=pdos,
        sites=np.array([(parts == name).sum() for name in structures]),
        oxygens=np.array([weights[parts == name].sum() for name in structures]).astype(int),
        cell=np.array([db.atoms(name).get_chemical_symbols().count("O") for name in structures]),
    )
