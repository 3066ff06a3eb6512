"""State of the Browse panel: filters, the one selection, plot options, and the rows and curves that follow from them.

No widget and no plotly in here: the views observe these traits and set them, tests do the same without a browser.
"""

import numpy as np
from traitlets import Bool, Dict, Enum, Float, HasTraits, Instance, Tuple, Unicode, default, observe

from ...errors import DataError
from ...figures.style import DASHES, OKABE_ITO, curve_style
from ...spectra import LIFETIME_SLOPE, Broadening
from ..common.search import Search
from ..common.words import ALL, UNITS, symbol

MAX_CURVES = len(OKABE_ITO) * len(DASHES)  # so many curves can be told apart; more can be selected and exported
CHOICES = {"kind": "Kind", "source": "Source", "space_group": "Space group", "coordination": "Coordination"}
RANGES = {"band_gap": "Band gap", "si_o_mean": "Si–O length", "si_o_si_angle": "Si–O–Si angle"}
RANGE_STEPS = {"band_gap": 0.1, "si_o_mean": 0.01, "si_o_si_angle": 1.0}
BROADEST = 3.0  # eV of extra broadening
COLOR_COLUMNS = (
    "si_o_si_angle",
    "band_gap",
    "si_o_mean",
    "density",
    "coordination",
    "ring_size",
    "voronoi_volume",
    "o_o_mean",
    "onset",
    "kind",
    "source",
)
EXAMPLES = ("quartz-alpha", "stishovite")
PROFILES = {"Gaussian": "gaussian", "Lorentzian": "lorentzian", "Gaussian, lifetime": "lifetime"}
EXPORT_FORMATS = {
    "CSV table": "csv",
    "JSON": "json",
    "HyperSpy .hspy": "hspy",
    "EMSA .msa": "msa",
    "CIF": "cif",
    "Extended XYZ": "extxyz",
}


class BrowseModel(HasTraits):
    """Filters, selection and options of the Browse panel over a database `db`.

    Set the traits in any order; `visible` (positions of the rows that pass the filters) and `slots` (site label ->
    curve number, which fixes its colour until it is deselected) follow. Unknown labels raise DataError.
    """

    text = Unicode(help="Words that must all occur in the label, name, kind, source or space group")
    choices = Dict(help="Column name -> the one value wanted, or ALL")
    ranges = Dict(help="Column name -> (low, high), only for columns narrowed by the user")
    selection = Tuple(help="Labels of the selected sites, in order of selection")
    slots = Dict(help="Label -> curve number; read only")
    guess = Unicode(help="Sentence about words of `text` that were taken for others, or nothing; read only")
    visible = Instance(np.ndarray, help="Positions of the rows that pass all filters; read only")
    polarization = Enum(("isotropic", "x", "y", "z"), "isotropic")
    zero = Enum(("vbm", "onset", "loss"), "vbm")
    intensity = Enum(("absolute", "mean"), "absolute", help="In bohr^2/eV, or in units of the mean")
    average = Bool(False, help="Whether the averages of the structures are drawn instead of the sites")
    fwhm = Float(0.0, help="Extra broadening, full width at half maximum, eV")
    profile = Enum(tuple(PROFILES.values()), "gaussian", help="What the extra broadening is")
    channel = Unicode("O p")
    waterfall = Bool(False)
    color_by = Unicode("si_o_si_angle")

    def __init__(self, db, **traits) -> None:
        self.db = db
        self.labels = [str(site) for site in db.sites]
        self.positions = {label: i for i, label in enumerate(self.labels)}
        self.columns = {name: np.asarray(db[name]) for name in db.columns}
        self.search = Search(self.labels, self.columns)
        self.pca = self.averaged = None
        super().__init__(**traits)

    @default("visible")
    def _all_rows(self) -> np.ndarray:
        return np.arange(len(self.labels))

    @observe("text", "choices", "ranges")
    def _filter(self, change) -> None:
        mask, self.guess = self.search.find(self.text)
        for name, value in self.choices.items():
            if value != ALL:
                mask &= self.columns[name].astype(str) == str(value)
        for name, (low, high) in self.ranges.items():
            # NaN compares false: a site without the quantity is not within a range of it.
            mask &= (self.columns[name] >= low) & (self.columns[name] <= high)
        self.visible = np.flatnonzero(mask)

    @observe("selection")
    def _assign_slots(self, change) -> None:
        unknown = [label for label in self.selection if label not in self.positions]
        if unknown:
            raise DataError(f"There is no site {unknown[0]!r} in this database. Choose a label from its table.")
        kept = {label: slot for label, slot in self.slots.items() if label in set(self.selection)}
        used = set(kept.values())
        free = (slot for slot in range(len(self.selection)) if slot not in used)
        self.slots = {label: kept[label] if label in kept else next(free) for label in self.selection}

    def options(self, column) -> list:
        """The values of a column that can be filtered for, each with its number of sites, most frequent first."""
        values, counts = np.unique(self.columns[column].astype(str), return_counts=True)
        order = np.argsort(values, kind="stable") if column == "coordination" else np.argsort(-counts, kind="stable")
        return [(f"{symbol(values[i])} ({counts[i]:,})", str(values[i])) for i in order]

    def extent(self, column) -> tuple:
        """(low, high) of a column, rounded outwards to the step of its slider; (0, step) where it holds no number."""
        step = RANGE_STEPS[column]
        values = self.columns[column][np.isfinite(self.columns[column])]
        if not len(values):
            return 0.0, step
        return float(np.floor(values.min() / step) * step), float(np.ceil(values.max() / step) * step)

    def set_choice(self, column, value) -> None:
        self.choices = self.choices | {column: value}

    def set_range(self, column, low, high) -> None:
        """Narrow a column to low..high; the full extent removes the filter, so that sites without a value return."""
        others = {name: pair for name, pair in self.ranges.items() if name != column}
        step = RANGE_STEPS[column] / 2
        full = low <= self.extent(column)[0] + step and high >= self.extent(column)[1] - step
        self.ranges = others if full else others | {column: (low - 1e-6, high + 1e-6)}

    def reset(self) -> None:
        """Remove every filter; selection and plot options stay."""
        with self.hold_trait_notifications():
            self.text, self.choices, self.ranges = "", {}, {}

    def select(self, labels, *, add=False) -> None:
        """Select these labels only, or with add=True toggle each of them in the present selection."""
        labels = list(dict.fromkeys(labels))
        if add:
            kept = [label for label in self.selection if label not in labels]
            labels = kept + [label for label in labels if label not in self.selection]
        self.selection = tuple(labels)

    def example(self) -> list:
        """Labels of an instructive selection: alpha-quartz, stishovite and a glass site, or what comes nearest."""
        structures, kinds = self.columns["structure"].astype(str), self.columns["kind"].astype(str)
        found = [np.flatnonzero(structures == name)[:1] for name in EXAMPLES]
        found.append(np.flatnonzero(kinds == "amorphous")[:1])
        found = np.concatenate(found).astype(int)
        if len(found) < 2:
            found = np.sort(np.unique(structures, return_index=True)[1])[:3]
        return [self.labels[i] for i in found]

    @property
    def drawn(self) -> list:
        """Labels of the curves drawn: the selection, at most MAX_CURVES."""
        return [label for label in self.selection if self.slots[label] < MAX_CURVES]

    @property
    def broadening(self) -> Broadening:
        """The extra broadening as the curves take it."""
        if self.profile == "lorentzian":
            return Broadening(lorentzian=self.fwhm)
        return Broadening(gaussian=self.fwhm, slope=LIFETIME_SLOPE if self.profile == "lifetime" else 0.0)

    @property
    def scale(self) -> dict:
        """Keyword arguments of `Database.curves` that hold for sites and averages."""
        return {"zero": self.zero, "fwhm": self.broadening, "normalized": self.intensity == "mean"}

    def structure_of(self, label) -> str:
        """Id of the structure of a site."""
        return str(self.columns["structure"][self.positions[label]])

    @property
    def leading(self) -> dict:
        """Structure -> label of its drawn site that was selected first, whose colour its average has."""
        return {self.structure_of(label): label for label in reversed(self.drawn)}

    def styles(self, labels) -> list:
        """Colour and dash of each label's curve; while averages are drawn, of the average that it is part of."""
        leading = self.leading if self.average else {}
        return [curve_style(self.slots[leading.get(self.structure_of(label), label)]) for label in labels]

    def curves(self) -> dict:
        """Arguments for `figures.spectrum_overlay` of the drawn selection: axes, spectra, PDOS, names, styles, options.

        Sites without an absolute onset have no spectrum on the energy-loss scale; their curves are NaN.
        """
        labels = self.drawn
        if labels and self.average:
            labels, found = self.averages()
            energy, intensity, names = (
                found.energy,
                found.intensity,
                [title.replace(", average of ", "<br>", 1) for title in found.titles],
            )
            pdos_energy, pdos = found.pdos_energy, found.pdos
        elif labels:
            rows = self.db[[self.positions[label] for label in labels]]
            energy, intensity = rows.curves(polarization=self.polarization, **self.scale)
            pdos_energy, pdos = rows.pdos_curves(self.channel, zero=self.zero, fwhm=self.broadening)
            names = [self.name(label) for label in labels]
        else:
            energy, pdos_energy, names = self.db.energy, self.db.pdos_energy, []
            intensity, pdos = np.empty((0, len(energy))), np.empty((0, len(pdos_energy)))
        return {
            "energy": energy,
            "intensity": intensity,
            "pdos_energy": pdos_energy,
            "pdos": pdos,
            "names": names,
            "styles": self.styles(labels),
            "normalized": self.intensity == "mean",
            "channel": self.channel,
            "zero": self.zero,
            "waterfall": self.waterfall,
            "energy_range": self.energy_range(energy, intensity),
        }

    def averages(self) -> tuple:
        """(labels of the sites that lead them, `averages.Averages`) of the structures drawn, in the order of selection."""
        from ...averages import averages

        leading = self.leading
        labels = [label for label in self.drawn if leading[self.structure_of(label)] == label]
        asked = (tuple(labels), self.channel, *self.scale.values())
        if self.averaged is None or self.averaged[0] != asked:  # asked for by the figure and by its notes
            structures = map(self.structure_of, labels)
            self.averaged = asked, averages(self.db, structures, channel=self.channel, **self.scale)
        return labels, self.averaged[1]

    def incomplete(self) -> list:
        """Sentences about the averages that are drawn and do not stand for all oxygens of their structure."""
        if not (self.average and self.selection):
            return []
        found = self.averages()[1]
        partial = [
            f"{name} ({np.floor(100 * share):.0f} %)"
            for name, share, sites in zip(found.names, found.share, found.sites)
            if sites and share < 1
        ]
        many = f" and {len(partial) - 4} more" if len(partial) > 4 else ""
        return [f"Averages of part of the oxygens only: {', '.join(partial[:4])}{many}."] if partial else []

    def described(self) -> tuple:
        """(parts of a file's name, title) of what `curves` draws."""
        if self.average:
            names = list(dict.fromkeys(str(self.columns["name"][self.positions[label]]) for label in self.drawn))
            how, parts = ", averages over their sites", ["average"]
        else:
            names = [self.name(label) for label in self.drawn]
            along = "" if self.polarization == "isotropic" else self.polarization
            how, parts = (f", polarization along {along}", [along]) if along else ("", [])
        few = names if len(names) < 4 else [*names[:3], f"and {len(names) - 3} more"]
        broadened = f", broadened by {self.broadening.short}" if self.broadening else ""
        normalised = ", in units of the mean" if self.intensity == "mean" else ""
        return [*few, *parts], f"{self.db.subject.label} edge: {', '.join(few)}{how}{broadened}{normalised}"

    @staticmethod
    def energy_range(energy, intensity) -> tuple:
        """(low, high) in eV worth showing first: from 5 eV below the first intensity to 28 eV above it."""
        strong = np.nan_to_num(intensity) > 0.05 * np.nanmax(intensity, initial=1e-12)
        start = energy[strong.any(axis=0).argmax()] if strong.any() else 5.0
        return float(start - 5.0), float(start + 28.0)

    def without_onset(self) -> list:
        """Labels of the drawn sites that cannot be put on the energy-loss scale; of averages, where no site of theirs can."""
        placed = np.isfinite(self.columns["onset"])
        if self.average:
            placed = np.isin(self.columns["structure"], self.columns["structure"][placed])
        return [label for label in self.drawn if not placed[self.positions[label]]]

    def name(self, label) -> str:
        """Short text for a legend: name of the structure and absorbing atom, e.g. "alpha-quartz O3"."""
        atom = label.rpartition("/")[2]
        return f"{self.columns['name'][self.positions[label]]} {atom}"

    def unit(self, column) -> str:
        """Unit of a column as it is printed, "" for texts and numbers without one."""
        unit = self.db.units[column]
        return UNITS.get(unit, unit)

    def column_title(self, column) -> str:
        """Name and unit of a column as an axis title, e.g. "Band gap (eV)"."""
        unit = self.unit(column)
        return self.db.long_names[column] + (f" ({unit})" if unit else "")

    def map(self) -> dict:
        """Arguments for `figures.spectral_map`: principal components of all isotropic spectra."""
        if self.pca is None:
            from ...components import principal_components
            from ...spectra import RMS_WINDOW, cut, normalize

            energy, spectra = cut(self.db.energy, self.db.isotropic.astype(float), RMS_WINDOW)
            self.pca = principal_components(normalize(energy, spectra, by="mean"), min(2, len(spectra)))
        labels = list(self.selection)
        shown = np.zeros(len(self.labels), bool)
        shown[self.visible] = True
        return {
            "scores": np.pad(self.pca.scores, ((0, 0), (0, 2 - len(self.pca.explained)))),
            "explained": self.pca.explained,
            "values": self.columns[self.color_by],
            "title": self.column_title(self.color_by),
            "names": [f"{self.name(label)} ({label.partition('/')[0]})" for label in self.labels],
            "shown": shown,
            "amorphous": self.columns["kind"].astype(str) == "amorphous",
            "selected": [self.positions[label] for label in labels],
            "styles": self.styles(labels),
        }

    def overview(self) -> dict:
        """Arguments for `figures.database_overview`: histograms of the visible sites, the selected ones marked."""
        names = [*RANGES, "density"]
        chosen = np.isin(np.asarray(self.labels, object)[self.visible], self.selection)
        return {
            "columns": {name: self.columns[name][self.visible] for name in names},
            "titles": {name: self.column_title(name) for name in names},
            "amorphous": self.columns["kind"].astype(str)[self.visible] == "amorphous",
            "selected": chosen,
        }

    def export(self, format) -> tuple | None:
        """(file name, bytes) of the selected spectra, or of all visible ones when none is selected, as now plotted."""
        from ...io.export import export_bytes

        positions = [self.positions[label] for label in self.selection] or self.visible.tolist()
        if not positions:
            raise DataError("There is nothing to download: no spectrum is selected and none passes the filters.")
        polarization = "isotropic" if self.average else self.polarization
        options = self.scale | {"polarization": polarization, "average": self.average}
        return export_bytes(self.db[positions], format, **options)
