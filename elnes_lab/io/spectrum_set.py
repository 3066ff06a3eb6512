"""What a file of spectra says, whatever its format: `SpectrumSet`, gathered from the rows of a Database."""

from dataclasses import dataclass

import numpy as np

from ..averages import averages
from ..database import ISOTROPIC, Database
from ..errors import DataError
from ..schema import IDEA, LICENCE, POLARIZATIONS
from ..spectra import ENERGY_TITLES, RMS_WINDOW, STORED_LORENTZIAN_FWHM, Broadening, grid_step
from ..subject import Subject

PDOS_CHANNEL = "O p"  # the dipole-allowed final states at the O K edge
ENERGY_DIGITS = 6  # decimals of an energy in eV; removes the rounding noise of a step of 0.1
ABSOLUTE, RELATIVE = "bohr^2/eV", "mean = 1"  # units of intensity
ZERO_NOTES = {
    "vbm": ", that is the highest occupied level of the core-hole cell; PDOS: of the ground state",
    "onset": ", that is the first empty level of the core-hole cell; PDOS: of the ground state",
    "loss": ", one constant for all sites puts the first peak of alpha-quartz at 538 eV",
}


@dataclass(frozen=True)
class SpectrumSet:
    """What a spectrum file says.

    sites: n labels, of sites or, for averages, of structures; energy (m,) eV; intensity (n, p, m) in `unit` for them and the p
    entries of `polarizations`, NaN outside the data; pdos (n, k) states/eV/atom on pdos_energy (k,) eV, or both None;
    columns: name -> (n,) array with units and long_names; facts: what a reader must know, name -> sentence.
    """

    sites: list[str]
    energy: np.ndarray
    intensity: np.ndarray
    polarizations: tuple[str, ...]
    pdos_energy: np.ndarray | None
    pdos: np.ndarray | None
    columns: dict[str, np.ndarray]
    units: dict[str, str]
    long_names: dict[str, str]
    facts: dict[str, str]
    unit: str = ABSOLUTE
    subject: Subject = Subject()

    def titles(self) -> list[list[str]]:
        """Names of the spectra, (n, p): the site, with the polarization where there are several."""
        if len(self.polarizations) == 1:
            return [[site] for site in self.sites]
        return [[f"{site} {polarization}" for polarization in self.polarizations] for site in self.sites]

    def scale(self) -> tuple[float, float]:
        """Offset and step of the energy axis, eV."""
        return float(self.energy[0]), round(float(grid_step(self.energy)), ENERGY_DIGITS)


def gather(
    db: Database,
    *,
    zero: str = "vbm",
    polarization: str = ISOTROPIC,
    fwhm: float | Broadening = 0.0,
    pdos: bool = False,
    normalized: bool = False,
    average: bool = False,
) -> SpectrumSet:
    """The spectra of a Database (n sites), n x p curves, with the PDOS of the O p channel if asked for.

    polarization "all" is the isotropic mean, then x, y and z. normalized: in units of the mean, as `Database.curves` says.
    average: instead of the sites the averages of their structures over all sites that the file has. Raises DataError for
    sites or structures that have no place on the energy scale asked for, averages that are not isotropic, and what
    `Database.curves` raises.
    """
    wanted = (ISOTROPIC, *POLARIZATIONS) if polarization == "all" else (polarization,)
    broadening = Broadening.of(fwhm)
    options = {"zero": zero, "fwhm": broadening, "normalized": normalized}
    if average:
        if wanted != (ISOTROPIC,):
            raise DataError(
                f"An average over the sites of a structure has no polarization {polarization}: equivalent oxygens differ along x, "
                "y and z. Take the isotropic one, or the sites."
            )
        found = averages(Database(db.store), db.structures, channel=PDOS_CHANNEL if pdos else None, **options)
        energy, intensity = found.energy, found.intensity[:, None]
        pdos_energy, pdos_values, labels = found.pdos_energy, found.pdos, found.structures
        columns, units, titles = columns_of(found)
        described = "; ".join(found.titles)
    else:
        curves = [db.curves(polarization=each, **options) for each in wanted]
        energy, intensity = curves[0][0], np.stack([values for _, values in curves], axis=1)
        pdos_energy, pdos_values = db.pdos_curves(PDOS_CHANNEL, zero=zero, fwhm=broadening) if pdos else (None, None)
        described = ""
        labels, columns = [str(site) for site in db.sites], {name: np.asarray(db[name]) for name in db.columns}
        units, titles = dict(db.units), dict(db.long_names)
    refuse_lost(labels, intensity, zero, "structures" if average else "sites")
    unit = RELATIVE if normalized else ABSOLUTE
    return SpectrumSet(
        sites=labels,
        energy=np.round(energy, ENERGY_DIGITS),
        intensity=intensity,
        polarizations=wanted,
        pdos=pdos_values,
        pdos_energy=None if pdos_energy is None else np.round(pdos_energy, ENERGY_DIGITS),
        columns=columns,
        units=units,
        long_names={name: db.subject.words(text) for name, text in titles.items()},
        facts=facts_of(db, zero, wanted, broadening, unit, pdos=pdos, average=described),
        unit=unit,
        subject=db.subject,
    )


def facts_of(
    db: Database,
    zero: str,
    polarizations: tuple[str, ...],
    broadening: Broadening,
    unit: str,
    *,
    pdos: bool,
    average: str,
) -> dict[str, str]:
    """Name -> sentence of what a reader must know; average: the titles of the averages, or nothing."""
    added = f", then {broadening}" if broadening else ""
    low, high = RMS_WINDOW
    scale = (
        f"in units of the mean of the isotropic spectrum from {low:g} to {high:g} eV above the valence-band maximum"
        if unit == RELATIVE
        else f"in {unit}"
    )
    facts = {
        "content": f"{db.subject.label} edge ELNES of {db.subject.material}, computed with a full core hole in a supercell",
        "energy": ENERGY_TITLES[zero] + ZERO_NOTES.get(zero, ""),
        "intensity": f"dipole strength {scale}, polarization: {', '.join(polarizations)}",
        "broadening": f"Lorentzian of {STORED_LORENTZIAN_FWHM:g} eV full width at half maximum{added}",
        "data version": db.version,
        "licence": LICENCE,
        "citation": f"ELNES Lab, data version {db.version}; after {IDEA}",
    }
    if average:
        facts["average"] = (
            "over the oxygen sites of each structure, weighted by multiplicity, on the scale of energy loss; share: of the "
            f"oxygens of the cell that the averaged sites stand for: {average}"
        )
    if pdos:
        more = str(Broadening(broadening.gaussian, 0.0 if broadening.slope else broadening.lorentzian))
        facts["PDOS"] = (
            f"ground state, {PDOS_CHANNEL}, states/eV/atom, Gaussian sigma 0.15 eV{f', then {more}' if more else ''}; "
            "cut off where bands are missing"
        )
    return facts


def columns_of(found) -> tuple[dict, dict, dict]:
    """Columns of averages (`averages.Averages`), their units and their titles."""
    columns = {
        "name": np.array(found.names, object),
        "averaged_sites": found.sites,
        "averaged_oxygens": found.oxygens,
        "oxygens": found.cell,
        "share": found.share,
    }
    units = {"name": "", "averaged_sites": "1", "averaged_oxygens": "1", "oxygens": "1", "share": "1"}
    titles = {
        "name": "Name",
        "averaged_sites": "Sites averaged",
        "averaged_oxygens": "Oxygens that the averaged sites stand for",
        "oxygens": "Oxygens in the cell",
        "share": "Share of the oxygens",
    }
    return columns, units, titles


def refuse_lost(labels: list[str], intensity: np.ndarray, zero: str, what: str) -> None:
    """DataError if a spectrum has no value at all."""
    lost = [label for label, finite in zip(labels, np.isfinite(intensity).any(axis=(1, 2))) if not finite]
    if lost:
        listed = ", ".join(lost[:3]) + (", ..." if len(lost) > 3 else "")
        remedy = 'Leave them out with the filter "onset > 0"' if zero == "loss" else "Leave them out"
        raise DataError(
            f"{len(lost)} of the {len(labels)} {what} ({listed}) have no place on the energy scale '{zero}': "
            f"where its zero lies is not known for them. {remedy}, or use the zero 'vbm'."
        )
