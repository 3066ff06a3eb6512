"""What Browse shows of the sites: table, search, captions, spectra and densities of states, packed."""

from ..axes import sentence
from ..dashboard.browse.model import CHOICES, COLOR_COLUMNS, EXAMPLES, RANGES, BrowseModel
from ..dashboard.browse.words import TABLE
from ..dashboard.common.facts import facts
from ..dashboard.common.search import ALSO, EVERY
from ..dashboard.common.words import symbol
from ..errors import DataError
from ..spectra import RMS_WINDOW
from ..structure import Environment
from .drawings import Drawings
from .pack import Pack


def table(db, model: BrowseModel) -> Pack:
    """Columns of all sites, what the search looks at, captions, and what puts the spectra on other zeros of energy."""
    names = dict.fromkeys(
        [*(name for name, *_ in TABLE), *CHOICES, *RANGES, *COLOR_COLUMNS, "structure", "multiplicity"]
    )
    columns = {name: [one if one == one else None for one in model.columns[name].tolist()] for name in names}
    columns["space_group_written"] = [symbol(str(one)) for one in columns["space_group"]]
    columns["atom"] = [f"O{one}" for one in columns["atom"]]
    pack = Pack()
    pack.add_json(
        "table",
        {
            "sites": model.labels,
            "names": [model.name(label) for label in model.labels],
            "columns": columns,
            "texts": model.search.texts,
            "also": ALSO,
            "every": EVERY,
            "facts": [facts(model, label) for label in model.labels],
            "remark": [str(one) for one in db["remark"]],
            "options": {name: model.options(name) for name in CHOICES},
            "extents": {name: model.extent(name) for name in RANGES},
            "example": model.example(),
            "examples": EXAMPLES,
        },
    )
    # Doubles: a shift is added to energies, and single precision of some hundreds of eV is seen in a file.
    for zero in ("vbm", "onset", "loss"):
        pack.add(f"shift.{zero}", db.shifts(zero), "float64")
        pack.add(f"pdos_shift.{zero}", db.shifts(zero, pdos=True), "float64")
    pack.add("pdos_top", db["pdos_top"])
    return pack


def spectra(db) -> Pack:
    """Spectra along x, y and z, bohr^2/eV, eV above the valence-band maximum as they are stored."""
    pack = Pack()
    pack.add_curves("elnes", db.elnes)
    return pack


def pdos(db) -> Pack:
    """Ground-state densities of states of all channels, eV above the valence-band maximum as they are stored."""
    pack = Pack()
    pack.add_curves("pdos", db.pdos)
    return pack


def axes(db) -> dict:
    """The energy axes and windows that the curves of all sites share."""
    return {
        "energy": [float(db.energy[0]), len(db.energy), round(float(db.energy[1] - db.energy[0]), 6)],
        "pdos_energy": [
            float(db.pdos_energy[0]),
            len(db.pdos_energy),
            round(float(db.pdos_energy[1] - db.pdos_energy[0]), 6),
        ],
        "mean_window": RMS_WINDOW,
    }


def structures(db) -> tuple[Pack, str]:
    """The 3-D drawings of all sites, and why there are none if the structures cannot be read."""
    pack, found, problem = Pack(), {}, ""
    names, atoms = db["structure"].astype(str), db["atom"]
    try:
        for name in db.structures:
            environment = Environment.of(db.atoms(name))
            drawings = Drawings(environment, [int(one) for one in atoms[names == name]])
            found[name] = {"axes": sentence(environment), **drawings.content()}
    except DataError as error:
        found, problem = {}, str(error)
    pack.add_json("structures", found)
    return pack, problem
