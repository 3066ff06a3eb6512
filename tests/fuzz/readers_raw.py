"""The readers of the build: raw steps, and the list of what is planned; see readers.py."""

import shutil

import numpy as np
from damage import BYTES, IMPOSSIBLE, VALID, of_arrays, of_bytes, of_kind, of_text
from isolate import OTHER, REFUSED, RIGHT, sentence
from readers import RAW, STRUCTURES, Reader, digest


class RawSteps(Reader):
    """One spoilt file among the raw steps: its rows are rejected, the others are built as ever."""

    name, title, share = "raw", "raw steps (.npz), through the build", 3.0

    def prepare(self, root):
        self.raw = root / "raw"
        for name in STRUCTURES:
            shutil.copytree(RAW / name, self.raw / name)
        self.plan(root)
        self.files = sorted(path.relative_to(self.raw) for path in self.raw.rglob("*.npz"))
        (root / "raw-good").mkdir()
        shutil.copytree(self.raw, root / "raw-good" / "raw")
        self.good = self.read(root / "raw-good")
        assert not any(row.startswith("rejected") for row in self.good) and len(self.good) > 1

    def plan(self, root):
        pass

    def copy(self, folder):
        shutil.copytree(self.raw, folder / "raw")
        return folder / "raw"

    def damage(self, random, folder):
        file = random.choice(self.files)
        path, self.touched = self.copy(folder) / file, file
        kind = random.choice(["bytes"] * 4 + ["arrays"] * 4 + ["impossible"] * 2 + ["kind"])
        if kind == "bytes":
            what, content = of_bytes(random, path.read_bytes())
            path.write_bytes(content)
            return f"{file}: {what}", BYTES
        if kind == "kind":
            return f"{file}: a {of_kind(random, path)}", BYTES
        if kind == "arrays":
            return f"{file}: {of_arrays(random, path)}", VALID
        name, change = random.choice(
            [entry for entry in IMPOSSIBLES if (entry[0] in GROUND) == (file.name == "ground.npz")]
        )
        with np.load(path) as arrays:
            values = {key: arrays[key] for key in arrays}
        values[name] = np.asarray(change(values[name]))
        np.savez_compressed(path, **values)
        return f"{file}: {name} {change.__doc__ or ''}", IMPOSSIBLE

    def read(self, folder):
        from elnes_lab.build import build
        from elnes_lab.database import open_database

        build(folder / "raw", folder / "out")
        with open_database(folder / "out") as db:
            columns = {name: db[name] for name in db.columns} | {"elnes": db.elnes, "pdos": db.pdos, "rdf": db.rdf[1]}
            bonds = [row[np.isfinite(row)] for row in db.bonds]
            found = {
                site: " ".join([digest(bonds[i]), *(digest(values[i]) for values in columns.values())])
                for i, site in enumerate(map(str, db.sites))
            }
            rejected = db.rejected
            return found | {
                f"rejected {site}": str(reason) for site, reason in zip(rejected["site"], rejected["reason"])
            }

    def refusal(self, text):
        return "wrong", f"the whole build stopped: {text[:300]}"

    def judge(self, found, kind):
        structure, stem = self.touched.parts[0], self.touched.stem
        spoilt = {
            site
            for site in self.good
            if site == f"{structure}/{stem}" or (stem == "ground" and site.startswith(structure))
        }
        rejected = {row.removeprefix("rejected "): text for row, text in found.items() if row.startswith("rejected ")}
        for site in self.good:
            if site not in spoilt and found.get(site) != self.good[site]:
                return "wrong", f"{site}, whose files are good, is another row or none"
        for site in found.keys() - self.good.keys():
            if not site.startswith("rejected "):
                return "wrong", f"{site} was made up"
        reasons = [rejected.get(site) for site in spoilt if site not in found]
        if None in reasons and not any(row.startswith(f"rejected {structure}/") for row in found):
            return "wrong", "a row is lost without a reason"
        if any(text is not None and (not text.strip() or "\n" in text or len(text) > 700) for text in reasons):
            return "traceback", f"no sentence: {reasons}"
        read = {site for site in spoilt if site in found}
        if not read:
            return REFUSED, str(reasons[:1])
        if kind == IMPOSSIBLE:
            return "wrong", "what cannot be was made a row"
        if all(found[site] == self.good[site] for site in read):
            return RIGHT, ""
        return (OTHER if kind == VALID else "wrong"), f"{sorted(read)} have other numbers"


def described(text, change):
    change.__doc__ = text
    return change


GROUND = ("dos", "pdos_p", "pdos_s", "pdos_pxyz", "total_energy", "positions", "cell", "band_gap", "symbols", "top")
IMPOSSIBLES = [
    ("multiplicity", described("0", lambda x: x * 0)),
    ("multiplicity", described("-4", lambda x: x * 0 - 4)),
    ("multiplicity", described("10**9", lambda x: x * 0 + 10**9)),
    ("seconds", described("negative", lambda x: -abs(x) - 1)),
    ("strength", described("complex", lambda x: x.astype(complex))),
    ("strength", described("zero", lambda x: x * 0)),
    ("strength", described("negative", lambda x: -x)),
    ("strength", described("dates", lambda x: x.astype("M8[s]"))),
    (
        "strength",
        described("one infinity", lambda x: np.where(np.arange(x.size).reshape(x.shape) == x.size // 2, np.inf, x)),
    ),
    ("strength", described("10 eV lost", lambda x: np.roll(x, -100, axis=1))),
    ("energy", described("falling", lambda x: x[::-1])),
    ("energy", described("bent", lambda x: x * abs(x))),
    ("homo", described("NaN", lambda x: x * np.nan)),
    ("lumo", described("below homo", lambda x: x - 100)),
    ("total_energy_of_site", None),
    ("site", described("none", lambda x: x + 10**6)),
    ("image_distance", described("negative", lambda x: -abs(x))),
    ("dos", described("zero", lambda x: x * 0)),
    ("dos", described("half", lambda x: x / 2)),
    ("dos", described("negative", lambda x: -x)),
    ("pdos_p", described("negative", lambda x: -x)),
    ("pdos_p", described("zero", lambda x: x * 0)),
    ("pdos_pxyz", described("NaN", lambda x: x * np.nan)),
    ("band_gap", described("negative", lambda x: -x)),
    ("band_gap", described("of nothing", lambda x: x * 1000)),
    ("positions", described("all one", lambda x: x * 0)),
    ("cell", described("flat", lambda x: x * 0)),
    ("symbols", described("gold", lambda x: np.array(["Au"] * len(x)))),
    ("top", described("low", lambda x: x * 0)),
]
IMPOSSIBLES = [entry for entry in IMPOSSIBLES if entry[1]]


class Plan(RawSteps):
    """The list of planned structures: whatever it says, the rows are built as ever, or a sentence says why not."""

    name, title, share = "plan", "list of planned structures, through the build", 1.0

    def plan(self, root):
        planned = (RAW / "structures.extxyz").read_text().splitlines(keepends=True)
        text, start = "", 0
        while start < len(planned) and len(text) < 4000:  # a handful of frames
            count = int(planned[start]) + 2
            text += "".join(planned[start : start + count]) if count < 15 else ""
            start += count
        (self.raw / "structures.extxyz").write_text(text)

    def damage(self, random, folder):
        path = self.copy(folder) / "structures.extxyz"
        if random.random() < 0.1:
            return f"a {of_kind(random, path)}", VALID
        what, content = of_text(random, path.read_bytes())
        path.write_bytes(content)
        return what, VALID

    def refusal(self, text):
        return sentence(text)

    def judge(self, found, kind):
        different = [site for site, row in self.good.items() if found.get(site) != row]
        return ("wrong", f"{different} are other rows") if different else (RIGHT, "")


READERS = (RawSteps, Plan)
