"""The reader of structures that people bring (io.structure_input); see readers.py."""

import io

import numpy as np
from damage import VALID, of_bytes, of_text
from readers import Reader, digest

FORMATS = {"a.cif": "cif", "POSCAR": "vasp", "a.xyz": "extxyz"}


class StructureFiles(Reader):
    """A CIF, a POSCAR and an extended XYZ file of one crystal; as texts, other digits may be another structure."""

    name, title, share = "structure", "structures brought by people (read_structure)", 2.0

    def prepare(self, root):
        from ase.io import write

        from elnes_lab.database import open_database
        from elnes_lab.io.structure_files import render_cif

        db = open_database(verify=False)
        self.files = {"a.cif": render_cif(db[["coesite/O10"]])["coesite"]}
        for name, kind in FORMATS.items():
            if name not in self.files:
                text = io.StringIO()
                write(text, db.atoms("coesite"), format=kind)
                self.files[name] = text.getvalue().encode()
        self.goods = {}
        for name, content in self.files.items():
            (root / name).write_bytes(content)
            self.file = name
            self.goods[name] = self.read(root)

    def damage(self, random, folder):
        self.file = random.choice(list(self.files))
        what, content = random.choice([of_bytes, of_text])(random, self.files[self.file])
        (folder / self.file).write_bytes(content)
        self.good = self.goods[self.file]
        return f"{self.file}: {what}", VALID

    def read(self, folder):
        from elnes_lab.io.structure_input import ATOMS, read_structure

        found = read_structure(folder / self.file)
        assert 0 < len(found.atoms) <= ATOMS and found.sites and np.isfinite(found.atoms.positions).all()
        assert np.linalg.det(found.atoms.cell.array) > 0
        return {"cell": digest(found.atoms.cell.array), "positions": digest(found.atoms.positions)}


READERS = (StructureFiles,)
