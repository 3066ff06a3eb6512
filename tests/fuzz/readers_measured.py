"""The readers of measured spectra: tables of text and EMSA/MSA; and binary files, read in a process of their own."""

import struct
import sys
from pathlib import Path

import numpy as np
from damage import VALID, of_bytes, of_kind, of_text
from isolate import OTHER, RIGHT
from readers import Reader, digest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))
from dm_file import dm_file  # noqa: E402

ENERGY = np.round(np.arange(500, 575, 0.25), 6)
COUNTS = np.round(900 * np.exp(-0.01 * (ENERGY - 500)) + 400 / (1 + np.exp(-(ENERGY - 535) * 2)))


class Texts(Reader):
    """No table has a checksum: a flipped digit is another number. But what is read is a spectrum, or refused."""

    name, title, share = "measured", "measured spectra: CSV, .xdi, EMSA/MSA", 2.0

    def prepare(self, root):
        rows = [f"{e:.2f},{c:.0f}\n" for e, c in zip(ENERGY, COUNTS)]
        head = (
            "#FORMAT      : EMSA/MAS Spectral Data File\n#VERSION     : 1.0\n#TITLE       : made\n#NPOINTS     : 300\n"
            "#NCOLUMNS    : 1\n#XUNITS      : eV\n#DATATYPE    : XY\n#XPERCHAN    : 0.25\n#OFFSET      : 500\n#SPECTRUM    : \n"
        )
        xdi = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n#---\n# energy i0 itrans\n"
        self.files = {
            "a.csv": "Energy (eV),Counts\n" + "".join(rows),
            "a.txt": "".join(rows).replace(",", ";").replace(".", ","),
            "a.msa": head + "".join(rows) + "#ENDOFDATA   : \n",
            "a.xdi": xdi + "".join(f"{e:.2f} 5 {5 * np.exp(-c / 1000):.5f}\n" for e, c in zip(ENERGY, COUNTS)),
        }
        self.files = {name: text.encode() for name, text in self.files.items()}
        self.good = {}
        for name, content in self.files.items():
            (root / name).write_bytes(content)
            self.good |= {name: self.found(root / name)}

    def damage(self, random, folder):
        self.chosen = random.choice(list(self.files))
        path, content = folder / self.chosen, self.files[self.chosen]
        kind = random.choice(["bytes", "bytes", "text", "text", "text", "other", "kind"])
        if kind == "kind":
            return f"{self.chosen}: a {of_kind(random, path)}", VALID
        what, content = of_bytes(random, content) if kind == "bytes" else of_text(random, content)
        if kind == "other":
            what, content = odd(random)
        path.write_bytes(content)
        return f"{self.chosen}: {what}", VALID

    @staticmethod
    def found(path):
        from elnes_lab.errors import DataError
        from elnes_lab.io.measured import read
        from elnes_lab.measured import treat

        measured = read(path)
        energy, intensity = measured.energy, measured.intensity
        assert (
            len(energy) == len(intensity) >= 10
            and np.isfinite([energy, intensity]).all()
            and (np.diff(energy) > 0).all()
        )
        assert all(note.endswith(".") and "\n" not in note for note in measured.notes)
        try:
            treated = treat(measured)
        except DataError as problem:
            assert str(problem).endswith(".") and "\n" not in str(problem)
        else:
            assert np.isfinite(treated.intensity).all() and (np.diff(treated.energy) > 0).all()
        return digest(energy) + digest(intensity)

    def read(self, folder):
        return {self.chosen: self.found(folder / self.chosen)}

    def judge(self, found, kind):
        right = found[self.chosen] == self.good[self.chosen]
        return (RIGHT, "") if right else (OTHER if kind == VALID else "wrong", "other numbers")


def odd(random):
    """(what, content) of tables that no program would write."""
    row = random.choice(
        [
            "{0} {1}\n",
            "{0},{1}," + "9," * 300 + "\n",
            "{0} nan\n",
            "{0} 1e400\n",
            "{0} -1e300\n",
            "1e300 {1}\n",
            "{1} {0}\n",
            "{0}\t\t{1}\n",
            "{0} {1} " + "x" * 5000 + "\n",
            "0x{0} {1}\n",
            "{0} 0\n",
            "-{0} {1}\n",
            "{0};{0};{1}\n",
            "534.0 {1}\n",
            "0.{0} {1}\n",
        ]
    )
    count = random.choice([1, 9, 11, 300, 40_000])
    lines = "".join(row.format(500 + 0.25 * k, random.randrange(1000)) for k in range(count))
    return f"{count} times {row[:30]!r}", lines.encode()


class Binary(Texts):
    """DM3, DM4, HyperSpy, NeXus and plain HDF5, damaged byte by byte, with sizes that lie, and things in their place."""

    name, title, share = "measured binary", "measured spectra: DM3, DM4, HyperSpy, NeXus, HDF5", 1.0

    def prepare(self, root):
        import h5py

        cube = (COUNTS[:, None, None] + np.arange(6).reshape(2, 3)).astype("float32")
        self.files = {
            "a.dm3": dm_file(COUNTS.astype("float32"), offset=500, scale=0.25),
            "a.dm4": dm_file(cube, offset=500, scale=0.25, version=4),
        }
        for name in ("a.nxs", "a.h5", "a.hspy"):
            with h5py.File(root / f"made-{name}", "w") as file:
                if name == "a.hspy":
                    hyperspy(file, cube)
                else:
                    group = file.create_group("data")
                    group.create_dataset("energy", data=ENERGY)
                    group.create_dataset("mu", data=COUNTS, compression="gzip", chunks=(100,))
                    if name == "a.nxs":
                        group.attrs.update({"NX_class": "NXdata", "signal": "mu", "axes": ["energy"]})
                        group["energy"].attrs["units"] = "eV"
            self.files[name] = (root / f"made-{name}").read_bytes()
        self.good = {}
        for name, content in self.files.items():
            (root / name).write_bytes(content)
            self.good |= {name: self.found(root / name)}

    def damage(self, random, folder):
        self.chosen = random.choice(list(self.files))
        path, content = folder / self.chosen, self.files[self.chosen]
        kind = random.choice(["bytes", "bytes", "bytes", "size", "size", "kind"])
        if kind == "kind":
            return f"{self.chosen}: a {of_kind(random, path)}", VALID
        if kind == "bytes":
            what, content = of_bytes(random, content)
        else:
            spoilt = bytearray(content)
            number = random.choice([2**31 - 1, 2**40, 2**62, 2**63 - 1, 0])
            at = random.choice([k for k in range(len(spoilt) - 8) if spoilt[k] in (2, 3, 6, 44, 100) or k < 100])
            spoilt[at : at + 8] = struct.pack(random.choice("<>") + "q", number)
            what, content = f"{number} at byte {at}", bytes(spoilt)
        path.write_bytes(content)
        return f"{self.chosen}: {what}", VALID


def hyperspy(file, cube):
    file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.3"})
    group = file.create_group("Experiments/made")
    group.create_dataset("data", data=np.moveaxis(cube, 0, -1), chunks=(1, 1, 300), compression="gzip")
    for k, (name, units, offset, scale, size) in enumerate(
        [("y", "nm", 0.0, 1.0, 2), ("x", "nm", 0.0, 1.0, 3), ("Energy loss", "eV", 500.0, 0.25, 300)]
    ):
        axis = group.create_group(f"axis-{k}")
        axis.attrs.update(
            {
                "_type": "UniformDataAxis",
                "name": name,
                "units": units,
                "offset": offset,
                "scale": scale,
                "size": size,
                "navigate": k < 2,
                "is_binned": False,
            }
        )
    general = group.create_group("metadata/General")
    general.attrs["title"] = "made"
    group.create_group("metadata/Signal").attrs["signal_type"] = "EELS"
    group.create_group("original_metadata")


READERS = (Texts, Binary)
