"""What the caption of a structure says about one site; no widget in here."""

import numpy as np

from ...errors import DataError
from .words import symbol


def facts(model, label) -> list:
    """Rows (quantity, value with unit) about a site for the caption, those without a value left out."""
    row = model.positions[label]
    column = {name: values[row] for name, values in model.columns.items()}
    bonds = [f"{length:.3f}" for length in np.ravel(model.db[[row]].bonds) if np.isfinite(length)]
    prototype, words = (
        prototype_of(model.db, str(column["structure"])),
        model.db.subject.words,
    )  # of other oxides: no Si
    rows = [
        ("Site", f"{label}, {column['multiplicity']} alike in the cell"),
        ("Space group", f"{symbol(str(column['space_group']))} ({column['space_group_number']})"),
        (words("Si–O lengths"), f"{', '.join(bonds)} Å"),
        (words("Si–O–Si angle"), f"{column['si_o_si_angle']:.1f}°" if np.isfinite(column["si_o_si_angle"]) else ""),
        ("Coordination", words(f"{column['coordination']} Si")),
        ("Band gap (PBE)", f"{column['band_gap']:.2f} eV"),
        ("Density", f"{column['density']:.2f} g/cm³"),
        ("Prototype", prototype),
    ]
    return [(quantity, value) for quantity, value in rows if value]


def prototype_of(db, structure) -> str:
    """Label and space group of the prototype that a structure was made from, "" without one."""
    try:
        info = db.atoms(structure).info
    except (DataError, AttributeError):  # the card says elsewhere that the structures are gone
        return ""
    return f"{info['prototype']}, {symbol(info['prototype_group'])}" if "prototype" in info else ""
