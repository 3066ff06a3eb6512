"""Structures as files: CIF and extended XYZ, rendered to bytes as {title: content}.

Both hold the stored cell, not a symmetrized one, so that atom i of a file is atom i of the site labels
("quartz-alpha/O3"). The polarizations x, y, z are the axes of the extended XYZ file; a CIF keeps no axes.
"""

import io

import numpy as np

from ..schema import IDEA, LICENCE

SIGNIFICANT_FIGURES = 10  # of CIF's fractional coordinates and cell; closes round trips to 1e-9


def render_cif(db) -> dict[str, bytes]:
    """One CIF per structure of a Database, structure id -> content.

    Space group P 1 with every atom listed: the atom labels then are those of the sites ("O3"), which stand in a comment
    with the data version.
    """
    from pymatgen.io.cif import CifWriter

    files = {}
    for structure in db.structures:
        rows = db[np.asarray(db["structure"]) == structure]
        crystal = db.structure(structure)
        text = str(CifWriter(crystal, significant_figures=SIGNIFICANT_FIGURES))
        body = text[text.index("data_") :].split("\n", 1)[1]
        head = {
            "name": f"{rows['name'][0]} ({rows['kind'][0]}, {rows['source'][0]})",
            "space group found": rows["space_group"][0],
            "computed sites": " ".join(site.rpartition("/")[2] for site in rows.sites),
            "data version": f"{db.version}, licence {LICENCE}",
            "citation": f"ELNES Lab; after {IDEA}",
        }
        comments = "".join(f"# {key}: {value}\n" for key, value in head.items())
        files[structure] = f"{comments}data_{structure.replace(' ', '_')}\n{body}".encode()
    return files


def render_extxyz(db) -> dict[str, bytes]:
    """One extended XYZ file with a frame per structure; the arrays mark the sites of the Database among the atoms.

    absorber: true for the oxygens whose spectra are rows of the Database; multiplicity: equivalent oxygens, 0 for other
    atoms; onset: edge onset in eV on the scale of experimental energy loss, NaN for other atoms.
    """
    from ase.io import write

    frames = []
    for structure in db.structures:
        rows = db[np.asarray(db["structure"]) == structure]
        atoms = db.atoms(structure)
        sites = rows["atom"].astype(int)
        for name, other, values in (
            ("absorber", False, True),
            ("multiplicity", 0, rows["multiplicity"]),
            ("onset", np.nan, rows["onset"]),
        ):
            column = np.full(len(atoms), other)
            column[sites] = values
            atoms.set_array(name, column)
        # not the bare version: readers take hexadecimal digits like 12e456789012 for a number
        atoms.info |= {"database": f"ELNES Lab {db.version}", "licence": LICENCE}
        frames.append(atoms)
    text = io.StringIO()
    write(text, frames, format="extxyz")
    return {"": text.getvalue().encode()}
