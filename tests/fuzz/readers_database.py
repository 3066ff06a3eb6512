"""The readers of the database: the file, its list of checksums, its structures; see readers.py."""

import shutil

import numpy as np
from damage import BYTES, VALID, of_bytes, of_kind, of_text, revalued
from readers import RAW, STRUCTURES, Reader, digest

NAMES = ("silicon_oxides_o_k.nc", "SHA256SUMS", "structures.extxyz")


class DatabaseFile(Reader):
    """The netCDF file with the list of checksums beside it."""

    name, title, share, listed, spoilt = "database", "database (.nc), with its list of checksums", 0.6, True, NAMES[0]

    def prepare(self, root):
        from elnes_lab.build import build

        self.folder = root / "database"
        if not self.folder.is_dir():
            raw = root / "database-raw"
            for name in STRUCTURES:
                shutil.copytree(RAW / name, raw / name)
            build(raw, self.folder)
        self.good = self.read(self.copy(root / self.name))

    def copy(self, folder):
        shutil.copytree(self.folder, folder / "database")
        if not self.listed:
            (folder / "database" / NAMES[1]).unlink()
        return folder

    def damage(self, random, folder):
        path = self.copy(folder) / "database" / self.spoilt
        if random.random() < 0.08:
            return f"a {of_kind(random, path)}", BYTES
        what, content = of_bytes(random, path.read_bytes())
        path.write_bytes(content)
        return what, BYTES

    def read(self, folder):
        from elnes_lab.database import open_database

        with open_database(folder / "database") as db:
            return everything(db)


def everything(db) -> dict:
    """Digests of all that can be read of a database; its structures too."""
    found = {name: digest(db[name]) for name in db.columns}
    found |= {
        name: digest(getattr(db, name))
        for name in ("sites", "energy", "pdos_energy", "elnes", "isotropic", "pdos", "bonds")
    }
    found |= {
        "radius": digest(db.rdf[0]),
        "rdf": digest(db.rdf[1]),
        "rejected": digest(db.rejected),
        "missing": digest(db.missing),
    }
    found |= {"planned": str(db.planned), "version": db.version}
    for structure in db.structures:
        atoms = db.atoms(structure)
        found[f"structure {structure}"] = " ".join(
            map(digest, (atoms.cell.array, atoms.positions, atoms.get_chemical_symbols()))
        )
    return found


class DatabaseAlone(DatabaseFile):
    """The netCDF file alone; also rewritten by other programs."""

    name, title, share, listed = "database alone", "database (.nc), without a list", 2.0, False

    def damage(self, random, folder):
        kind = random.choice(["bytes", "bytes", "sealed", "rewritten"])
        if kind != "rewritten":
            what, content = super().damage(random, folder)
            if kind == "sealed" and (folder / "database" / self.spoilt).is_file():
                self.seal(folder / "database" / self.spoilt)
                what += ", sealed"
            return what, content
        what, kind = self.rewrite(random, folder)
        self.seal(folder / "database" / self.spoilt)
        return what, kind

    @staticmethod
    def seal(path):
        """The digest of the whole file right again, so that those inside have to tell."""
        from elnes_lab import digests

        if path.stat().st_size < 2**30:
            content = path.read_bytes()
            end = content.rfind(digests.SEAL)
            content = content[:end] if end >= 0 else content
            path.write_bytes(content + digests.seal(content))

    def rewrite(self, random, folder):
        """One variable or attribute replaced by another program."""
        import h5py

        path = self.copy(folder) / "database" / self.spoilt
        with h5py.File(path, "a") as file:
            name = random.choice([name for name in file if isinstance(file[name], h5py.Dataset)])
            what = random.choice(
                ["missing", "huge", "other type", "other shape", "group", "attribute", "NaN", "negative"]
            )
            attributes, values = (
                dict(file[name].attrs),
                file[name][...] if file[name].shape is not None else np.zeros(1),
            )
            if what == "attribute":
                key = random.choice(list(file.attrs))
                file.attrs[key] = random.choice([7, "x", np.zeros(3), "\udcff".encode("utf-8", "surrogateescape")])
                return f"attribute {key}", VALID if key not in ("Conventions", "planned_spectra") else BYTES
            del file[name]
            if what == "group":
                file.create_group(name)
            elif what == "huge":
                file.create_dataset(
                    name,
                    shape=(2**38,) * max(1, values.ndim),
                    dtype="f4",
                    chunks=(2**10,) + (1,) * (values.ndim - 1) if values.ndim else True,
                    maxshape=(None,) * max(1, values.ndim),
                )
            elif what != "missing":
                changed = {
                    "other type": lambda: values.astype("S20") if values.dtype.kind in "fi" else np.arange(values.size),
                    "other shape": lambda: values[..., :-1] if values.size > 1 else np.zeros(7),
                    "NaN": lambda: revalued(random, values, "nan"),
                    "negative": lambda: revalued(random, values, "negative"),
                }
                made = np.asarray(changed[what]())
                file.create_dataset(name, data=made.astype("S") if made.dtype.kind == "U" else made)
                for key in ("units", "long_name"):
                    if key in attributes:
                        file[name].attrs[key] = attributes[key]
        return f"{name}: {what}", BYTES


class DatabaseOpen(DatabaseFile):
    """The netCDF file damaged after it was opened."""

    name, title, share = "database open", "database (.nc), damaged after opening", 0.6

    def damage(self, random, folder):
        path = self.copy(folder) / "database" / self.spoilt
        what, content = of_bytes(random, path.read_bytes())
        (folder / "later").write_bytes(content)
        return what, BYTES

    def read(self, folder):
        from elnes_lab.database import open_database

        with open_database(folder / "database") as db:
            if (folder / "later").exists():
                with open(folder / "database" / self.spoilt, "r+b") as file:  # the same file, not another of its name
                    content = (folder / "later").read_bytes()
                    file.write(content)
                    file.truncate(len(content))
            return everything(db)


class Checksums(DatabaseFile):
    """The list of checksums: it may cost the database, never its numbers."""

    name, title, share, spoilt = "checksums", "list of checksums (SHA256SUMS)", 0.7, NAMES[1]

    def damage(self, random, folder):
        path = self.copy(folder) / "database" / self.spoilt
        if random.random() < 0.15:
            return f"a {of_kind(random, path)}", BYTES
        what, content = of_text(random, path.read_bytes())
        path.write_bytes(content)
        return what, BYTES


class Structures(DatabaseFile):
    """The structures beside the database, with a list of checksums or without: then other numbers are another file."""

    name, title, share, spoilt = "structures", "structures (.extxyz) of the database", 1.0, NAMES[2]

    def damage(self, random, folder):
        path = self.copy(folder) / "database" / self.spoilt
        kind = BYTES
        if random.random() < 0.5:
            (folder / "database" / NAMES[1]).unlink()
            kind = VALID
        if random.random() < 0.1:
            return f"a {of_kind(random, path)}", BYTES
        what, content = of_text(random, path.read_bytes())
        path.write_bytes(content)
        return f"{what}{'' if kind == BYTES else ', no list'}", kind


READERS = (DatabaseFile, DatabaseAlone, DatabaseOpen, Checksums, Structures)
