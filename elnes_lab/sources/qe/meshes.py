"""The pseudopotentials on fewer radial points, for pw.x and pp.x.

ld1.x needs 1,100 logarithmic points, half of them nearer to the nucleus than a tenth of a bohr, where the pseudo
functions do not change. pw.x and pp.x integrate each function over them for every length of G, 58,000 lengths in a cell of 72
atoms without symmetry, which takes 19 s of a site's time. Here the same functions, by splines, on r = a (exp(b i) - 1),
equally spaced near the nucleus; what only the spectrum needs (GIPAW) is left out, as the recursion reads the files of
ld1.x. The copy is accepted if its integrals are those of the original.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import erf, spherical_jn

from ...errors import DataError
from .upf import Pseudopotential, simpson

STEP, GROWTH, LAST = (
    0.008,
    0.0125,
    10.2,
)  # bohr between points at the nucleus; per point, as ld1.x; bohr, pw.x stops at 10
TOLERANCE = 2e-5  # of an integral's largest value over q
TOP, FASTEST = 10.0, 6.5  # 1/bohr: of the density's plane waves at 100 Ry; of the states', at up to 40 Ry
VERSION = "2"  # of this module's meshes: another one makes new copies
LEAF = re.compile(r"<(PP_[\w.]+)([^>]*)>\n([^<]*)</\1>")
FINISHED = "complete"


def mesh_folder(folder: Path, mesh: str) -> Path:
    """Folder with the pseudopotentials (<kind>.upf) of `folder` on a mesh of settings.MESHES, made now if it is not there.
    DataError if the copies do not integrate as the originals."""
    if mesh == "full":
        return folder
    coarse = folder.with_name(f"{folder.name}-{mesh}-{VERSION}")
    if not (coarse / FINISHED).exists():
        make(folder, coarse)
    return coarse


def make(folder: Path, coarse: Path) -> None:
    """Writes the copies; the folder appears whole, whoever else makes it at the same time."""
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="part-") as part:
            ready = Path(part) / "ready"
            ready.mkdir()
            for path in sorted(folder.glob("*.upf")):
                text = resampled(path.read_text())
                (ready / path.name).write_text(text)
                check(path, ready / path.name)
            (ready / FINISHED).write_text("")
            shutil.rmtree(coarse, ignore_errors=True)  # of a process that was killed, or none
            try:
                os.rename(ready, coarse)
            except OSError:
                if not (coarse / FINISHED).exists():  # else another process was first
                    raise
    except OSError as problem:
        raise DataError(f"The pseudopotentials cannot be written to {coarse}: {problem.strerror or problem}.") from None


def points() -> tuple[np.ndarray, np.ndarray]:
    """The mesh r (n,) in bohr, n odd, and its derivative by the index."""
    scale = STEP / GROWTH
    count = int(np.ceil(np.log(1 + LAST / scale) / GROWTH)) // 2 * 2 + 1
    growth = np.exp(GROWTH * np.arange(count))
    return scale * (growth - 1) + 1e-8, STEP * growth  # pw.x divides by r


def resampled(text: str) -> str:
    """A UPF file with its radial functions on `points`."""
    text = re.sub(r" *<PP_GIPAW .*</PP_GIPAW>\n", "", text, flags=re.S).replace('has_gipaw="true"', 'has_gipaw="false"')
    old = np.array(re.search(r"<PP_R>([^<]*)</PP_R>", text)[1].split(), float)
    new, step = points()
    inside = np.log(np.maximum(new, old[0]))
    momenta = iter(re.findall(r'<PP_BETA\.\d+ [^>]*angular_momentum="(\d)"', text))

    def leaf(match: re.Match) -> str:
        name, attributes, body = match.groups()
        values = np.array(body.split(), float) if name != "PP_INPUTFILE" else ()
        if len(values) != len(old):
            return match[0]
        if name in ("PP_R", "PP_RAB"):
            values = new if name == "PP_R" else step
        else:
            exact, values = values, CubicSpline(np.log(old), values)(inside)
            if name.startswith("PP_BETA"):
                values = matched(values, exact, int(next(momenta)), old, new, step)
        return f"<{name}{attributes}>\n{lines(values)}</{name}>"

    text = LEAF.sub(leaf, text)
    for key in ("size", "mesh", "mesh_size"):
        text = re.sub(rf'\b{key}="{len(old)}"', f'{key}="{len(new)}"', text)
    text = re.sub(r'cutoff_radius_index="(\d+)"', lambda m: f'cutoff_radius_index="{reach(old, new, int(m[1]))}"', text)
    return re.sub(r'rmax="[^"]*"', f'rmax="{new[-1]:.10f}"', text)


def matched(values, exact, l: int, old, new, step) -> np.ndarray:
    """A projector on the new mesh, changed by the least that gives it the integrals of the old one (`exact`).

    Projectors end with a step, at 1.3 to 1.8 bohr, whose integral depends on where the points lie: by 4e-4 with Simpson's rule.
    """
    q = np.linspace(0.0, FASTEST, 60)
    kernel = lambda r, weight: spherical_jn(l, np.outer(q, r)) * r * weight
    odd = lambda n: (n - 1) // 2 * 2 + 1
    n, m = odd(len(old)), int(np.flatnonzero(np.abs(values) > 1e-9 * np.abs(values).max())[-1]) + 1
    wanted = kernel(old[:n], simpson(n) * np.gradient(np.log(old[:n])) * old[:n]) @ exact[:n]
    fine = odd(len(new))
    own = kernel(new[:fine], simpson(fine) * step[:fine])
    change = np.linalg.lstsq(own[:, :m], wanted - own @ values[:fine], rcond=1e-7)[0]
    return values + np.concatenate([change, np.zeros(len(new) - m)])


def reach(old: np.ndarray, new: np.ndarray, index: int) -> int:
    """Number of new points, odd, that reach as far as `index` of the old ones."""
    return int(np.searchsorted(new, old[index - 1])) // 2 * 2 + 1


def lines(values: np.ndarray) -> str:
    rows = [values[i : i + 4] for i in range(0, len(values), 4)]
    return "".join("".join(f"{x:24.15E}" for x in row) + "\n" for row in rows)


def check(original: Path, copy: Path) -> None:
    """DataError unless the integrals that pw.x makes of both files agree: projectors, augmentation, core, local potential."""
    wanted, found = (integrals(path) for path in (original, copy))
    for name, values in wanted.items():
        apart = np.abs(found[name] - values).max() / np.abs(values).max()
        if not apart <= TOLERANCE:
            raise DataError(
                f"The pseudopotential {original.name} on fewer radial points integrates differently ({name} by "
                f"{apart:.1e}). Compute with the full mesh: --setting mesh=full."
            )


def integrals(path: Path) -> dict[str, np.ndarray]:
    """Name -> integral with a spherical Bessel function at some q (q,) up to TOP; the atom's charge at the ends is 1/bohr."""
    pseudo, text = Pseudopotential.read(path), path.read_text()
    part = lambda name: np.array(re.search(rf"<{name}[ >][^>]*>?([^<]*)</{name}>", text)[1].split(), float)
    charge = float(re.search(r'z_valence="\s*([\d.E+-]+)"', text)[1])
    r, q = pseudo.r, np.linspace(0.05, TOP, 60)
    end = min(int(np.searchsorted(r, 10.0)) + 1, len(r)) // 2 * 2 - 1
    weight = simpson(end) * pseudo.rab[:end]
    over = lambda f, l: spherical_jn(l, np.outer(q, r[:end])) @ (f[:end] * weight)
    slow = q <= FASTEST
    found = {f"projector {i + 1}": over(beta * r, l)[slow] for i, (beta, l) in enumerate(zip(pseudo.beta, pseudo.l))}
    found |= {f"augmentation {key}": over(f, key[2]) for key, f in pseudo.qfunc.items()}
    found["core charge"] = over(part("PP_NLCC") * r**2, 0)
    found["atomic charge"] = over(part("PP_RHOATOM"), 0)
    short = part("PP_LOCAL") * r + 2 * charge * erf(r)  # what pw.x integrates; the rest is known
    found["local potential"] = over(short * r, 0)
    return found
