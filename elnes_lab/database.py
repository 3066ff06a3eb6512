"""The database: open it, select rows, get columns, spectra, PDOS and structures.

A `Database` is a view of some rows of one file. Rows are sites: one oxygen of one structure. Nothing but the per-site columns
is read until it is asked for, and xarray, pandas and pymatgen are imported only by the methods that return their objects.
"""

import io
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import query, spectra
from .errors import DataError, unknown
from .schema import CHANNELS, COLUMNS, POLARIZATIONS
from .store import Store

if TYPE_CHECKING:
    import pandas

ISOTROPIC = "isotropic"


def open_database(path: Path | str | None = None, *, verify: bool = True) -> "Database":
    """The database at `path` (a file or its folder; default: the one that came with the package).

    Raises DataError if it is missing, damaged, or (with verify) not the file that its checksum list describes.
    """
    return Database(Store(path, verify=verify))


class Database:
    """n sites of one database file.

    >>> db = open_database()
    >>> glass = db.query("kind == 'amorphous' and si_o_si_angle > 150")
    >>> energy, intensity = glass.curves(zero="loss", fwhm=0.5)
    """

    columns = list(COLUMNS)
    units = {name: column.units for name, column in COLUMNS.items()}
    long_names = {name: column.long_name for name, column in COLUMNS.items()}
    channels = list(CHANNELS)
    polarizations = list(POLARIZATIONS)

    def __init__(self, store: Store, rows: np.ndarray | None = None):
        self.store = store
        self.rows = rows  # None: all of them

    def __len__(self) -> int:
        return self.store.size if self.rows is None else len(self.rows)

    def __repr__(self) -> str:
        return f"<Database: {len(self)} of {self.store.size} spectra, {len(self.structures)} structures, {self.store.path}>"

    def __getitem__(self, key):
        """A column by name; or a Database of some rows: label, list of labels, boolean mask, positions, slice."""
        if isinstance(key, str):
            if key in COLUMNS:
                return self.store.read(key, self.rows)
            if key in self.positions:
                return self[[self.positions[key]]]
            raise unknown(key, [*COLUMNS, *self.positions], "column or site")
        every = np.arange(self.store.size) if self.rows is None else self.rows
        if isinstance(key, slice):
            return Database(self.store, every[key])
        key = np.atleast_1d(np.asarray(key))
        if key.dtype.kind in "OU":
            wrong = [k for k in key if k not in self.positions]
            if wrong:
                raise unknown(str(wrong[0]), self.positions, "site")
            key = np.array([self.positions[k] for k in key], int)
        elif key.size == 0:
            key = key.astype(int)
        if key.dtype == bool and key.shape != (len(self),):
            raise DataError(
                f"The mask has {key.size} entries for {len(self)} rows. Make it from a column of the same Database."
            )
        if key.dtype.kind not in "bi" or (
            key.dtype.kind == "i" and key.size and not -len(self) <= key.min() <= key.max() < len(self)
        ):
            raise DataError(f"Rows are named by label, position (0 to {len(self) - 1}) or mask; got {key[:3]}.")
        return Database(self.store, every[key])

    @cached_property
    def positions(self) -> dict[str, int]:
        """Site label -> position in this Database."""
        return {label: i for i, label in enumerate(self.sites)}

    @property
    def sites(self) -> np.ndarray:
        """Labels, shape (n,): structure and absorbing atom, as in "quartz-alpha/O3"."""
        return self.store.read("site", self.rows)

    @property
    def structures(self) -> list[str]:
        """Ids of the structures these rows belong to, in the order of the file."""
        return list(dict.fromkeys(self["structure"]))

    @cached_property
    def table(self):
        """All columns as a pandas DataFrame of n rows, indexed by site label."""
        return self.frame(self.columns)

    def frame(self, columns) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame({name: self[name] for name in columns}, index=pd.Index(self.sites, name="site"))

    def query(self, expression: str) -> "Database":
        """Rows for which a filter over the columns is true, e.g. "band_gap > 5 and kind == 'crystal'".

        What a filter may hold is in `elnes_lab.query`: a part of pandas' language in which nothing can run; `site` is a
        column too. Raises DataError for anything else, unknown columns, and what is not true or false for each row.
        """
        column = lambda name: self.sites if name == "site" else self[name]
        return self[query.mask(expression, [*COLUMNS, "site"], column)]

    def select(self, **conditions) -> "Database":
        """Rows whose columns have a value (kind="crystal"), one of a list (source=["mineral"]) or lie within a pair (band_gap=(5, 6))."""
        mask = np.ones(len(self), bool)
        for name, wanted in conditions.items():
            if name not in COLUMNS:
                raise unknown(name, COLUMNS, "column")
            values = self[name]
            if isinstance(wanted, tuple):
                mask &= (values >= wanted[0]) & (values <= wanted[1])
            elif isinstance(wanted, (list, set, np.ndarray)):
                mask &= np.isin(values.astype(str), [str(w) for w in wanted])
            else:
                mask &= values == wanted
        return self[mask]

    @property
    def energy(self) -> np.ndarray:
        """Energy axis of the spectra, eV above the valence-band maximum (highest occupied level of the core-hole cell)."""
        return self.store.read("energy").astype(float)

    @property
    def pdos_energy(self) -> np.ndarray:
        """Energy axis of the PDOS, eV above the valence-band maximum of the ground state."""
        return self.store.read("pdos_energy").astype(float)

    @property
    def elnes(self) -> np.ndarray:
        """Dipole strength, shape (n, 3, energy), bohr^2/eV, for polarization x, y, z of the stored cell."""
        return self.store.read("elnes", self.rows)

    @property
    def symmetrized(self) -> np.ndarray:
        """`elnes` with the symmetry of each site's point group, as far as the diagonal shows it: (n, 3, energy),
        bohr^2/eV; its mean over polarizations is that of `elnes` (`Environment.polarization_projector`)."""
        return self.store.read("projector", self.rows) @ self.elnes

    @property
    def isotropic(self) -> np.ndarray:
        """Mean of the three polarizations, shape (n, energy), bohr^2/eV."""
        return self.store.isotropic(self.rows)

    @property
    def pdos(self) -> np.ndarray:
        """Ground-state PDOS, shape (n, channel, pdos_energy), states/eV/atom: absorbing oxygen, mean of its silicons, total DOS."""
        return self.store.read("pdos", self.rows)

    @property
    def bonds(self) -> np.ndarray:
        """Si-O lengths of each site, shape (n, most bonds), angstrom, ascending, NaN where there are fewer."""
        return self.store.read("si_o", self.rows)

    @property
    def rdf(self) -> tuple[np.ndarray, np.ndarray]:
        """Radius in angstrom and partial radial distribution around each site, shape (n, 2, radius): O-Si and O-O."""
        return self.store.read("radius").astype(float), self.store.read("rdf", self.rows)

    def shifts(self, zero: str = "vbm", *, pdos: bool = False) -> np.ndarray:
        """Energy in eV to add to the stored axis of each spectrum (or PDOS) so that it counts from `zero`, shape (n,).

        zero: "vbm", "onset", "first_peak" or "loss". Unless it is "vbm", a PDOS goes with its conduction-band minimum to where
        the spectrum's onset goes. NaN where the onset (for "loss") or a peak is not known.
        """
        peaks = self.first_peaks if zero == "first_peak" else None
        shifts = spectra.zero_shift(zero, self["homo"], self["lumo"], onset=self["onset"], first_peak=peaks)
        return shifts + (self["lumo"] - self["homo"]) - self["band_gap"] if pdos and zero != "vbm" else shifts

    @property
    def first_peaks(self) -> np.ndarray:
        """First peak above the onset of each isotropic spectrum, shape (n,), eV above the valence-band maximum."""
        return spectra.first_peak(self.energy, self.isotropic, self["lumo"] - self["homo"])

    def curves(
        self,
        *,
        polarization: str = ISOTROPIC,
        zero: str = "vbm",
        fwhm: float | spectra.Broadening = 0.0,
        normalized: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spectra on one axis: energy (m,) in eV from `zero` (as `shifts`), intensity (n, m) in bohr^2/eV.

        polarization: "isotropic", "x", "y" or "z". fwhm: extra Gaussian broadening in eV, on top of the stored Lorentzian of
        0.4 eV half width, or a `spectra.Broadening`. normalized: in units of the mean of the isotropic spectrum in
        `spectra.RMS_WINDOW`. Outside a spectrum's data the intensity is NaN.
        """
        if polarization not in (ISOTROPIC, *POLARIZATIONS):
            raise unknown(polarization, [ISOTROPIC, *POLARIZATIONS], "polarization")
        broadening, edge = spectra.Broadening.of(fwhm), self["lumo"] - self["homo"]
        mean = polarization == ISOTROPIC
        values = self.isotropic if mean else self.elnes[:, POLARIZATIONS.index(polarization)]
        values = broadening.spectra(self.energy, values.astype(float), edge)
        if normalized:
            whole = values if mean else broadening.spectra(self.energy, self.isotropic.astype(float), edge)
            values = values / spectra.magnitude(self.energy, whole, by="mean", window=spectra.RMS_WINDOW)[:, None]
        if zero == "vbm":
            return self.energy, values
        return spectra.shift_together(self.energy, values, self.shifts(zero))

    def pdos_curves(
        self, channel: str = "O p", *, zero: str = "vbm", fwhm: float | spectra.Broadening = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ground-state PDOS of one channel on the axis of `curves`: energy (m,) eV, (n, m) states/eV/atom; NaN where cut off."""
        if channel not in CHANNELS:
            raise unknown(channel, CHANNELS, "channel")
        values = self.pdos[:, CHANNELS.index(channel)].astype(float)
        values = spectra.Broadening.of(fwhm).states(self.pdos_energy, values)
        energy, shifts = self.pdos_energy, self.shifts(zero, pdos=True)
        if zero != "vbm":
            energy, values = spectra.shift_together(energy, values, shifts)
        complete = energy <= (self["pdos_top"] + shifts)[:, None]
        return energy, np.where(complete, values, np.nan)

    @property
    def dataset(self):
        """These rows as a lazy xarray.Dataset."""
        import xarray as xr

        whole = xr.open_dataset(self.store.source(), engine="h5netcdf")
        return whole if self.rows is None else whole.isel(site=self.rows)

    @property
    def frames(self) -> dict:
        """ASE Atoms of every structure of the file, by id; read once."""
        if "frames" not in self.store.__dict__:
            from ase.io import read

            frames = read(io.StringIO(self.store.structures()), ":", format="extxyz")
            self.store.frames = {atoms.info["structure"]: atoms for atoms in frames}
        return self.store.frames

    def atoms(self, structure: str):
        """ase.Atoms of a structure (id), with its cell and periodic in all directions."""
        if structure not in self.frames:
            raise unknown(structure, self.frames, "structure")
        return self.frames[structure].copy()

    def structure(self, structure: str):
        """pymatgen Structure of a structure (id)."""
        from pymatgen.core import Structure

        atoms = self.atoms(structure)
        return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())

    def neighbors(self, site: str, radius: float = 4.0):
        """Atoms within `radius` angstrom of a site as a DataFrame: element, distance, atom,
        lattice image and the vector to it (angstrom)."""
        import pandas as pd

        from .structure import Environment

        row = self[site]
        environment = Environment.of(self.atoms(row["structure"][0]))
        near = environment.neighbors(int(row["atom"][0]), radius)
        return pd.DataFrame(
            {
                "element": environment.symbols[near.index],
                "distance": near.distance,
                "atom": near.index,
                **{name: near.image[:, i] for i, name in enumerate(("image_a", "image_b", "image_c"))},
                **{name: near.vector[:, i] for i, name in enumerate("xyz")},
            }
        )

    @property
    def rejected(self) -> "pandas.DataFrame":
        """The computed sites that are not rows, with the reason."""
        import pandas as pd

        return pd.DataFrame({"site": self.store.read("rejected_site"), "reason": self.store.read("rejected_reason")})

    @property
    def remarks(self) -> "pandas.DataFrame":
        """The rows that may stand apart, with the reason (column `remark`)."""
        import pandas as pd

        remark = self["remark"].astype(str)
        return pd.DataFrame({"site": self.sites[remark != ""], "remark": remark[remark != ""]})

    @property
    def missing(self) -> "pandas.DataFrame":
        """The planned sites that are not computed yet."""
        import pandas as pd

        return pd.DataFrame({"site": self.store.read("missing_site")})

    @property
    def planned(self) -> int:
        """Number of spectra when everything that is planned is computed."""
        return int(self.store.attribute("planned_spectra"))

    @property
    def subject(self):
        """The absorbing element, edge and elements that the file is about (`subject.Subject`)."""
        return self.store.subject

    @property
    def version(self) -> str:
        """Twelve digits of the sha256 of all the files this database was built from."""
        return str(self.store.attribute("raw_sha256"))[:12]

    def info(self) -> dict:
        """For programs: numbers of spectra, per kind, source and settings; planned, rejected, remarks, missing; version;
        electron_error: by how much the DOS of each structure misses its electrons, relative."""
        count = lambda name: dict(zip(*(x.tolist() for x in np.unique(self[name].astype(str), return_counts=True))))
        return {
            "subject": f"{self.subject.label} edge of {self.subject.material}",
            "spectra": len(self),
            "structures": len(self.structures),
            "kind": count("kind"),
            "source": count("source"),
            "settings": count("settings"),
            "planned": self.planned,
            "rejected": self.rejected.to_dict("records"),
            "remarks": self.remarks.to_dict("records"),
            "missing": self.missing["site"].tolist(),
            "electron_error": dict(zip(self["structure"], np.round(self["electron_error"].astype(float), 4).tolist())),
            "version": self.version,
            "path": str(self.store.path),
        }

    def close(self) -> None:
        """Closes the file; views of the same file go with it."""
        self.store.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
