"""A pseudopotential file (UPF 2), and what the core-hole spectrum needs of it. Rydberg and bohr throughout."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import spherical_jn

from ...errors import DataError

REACH = 10.0  # bohr; radial integrals end here


class PartialWave(NamedTuple):
    """All-electron and pseudo p partial wave (mesh,) inside `radius` (bohr), times r."""

    radius: float
    all_electron: np.ndarray
    pseudo: np.ndarray


@dataclass(frozen=True, eq=False)
class Pseudopotential:
    """One ultrasoft pseudopotential with n projectors.

    r, rab (mesh,): radial mesh and its derivative; l (n,) angular momenta; beta (n) of (mesh,): projectors times r;
    d0, q (n, n): bare coefficients and augmentation charges; qfunc: (i, j, l) -> (mesh,) augmentation function;
    partial_waves: p waves for the dipole; core: 1s radial function of the all-electron atom times r, (mesh,), or
    None.
    """

    r: np.ndarray
    rab: np.ndarray
    l: list[int]
    beta: list[np.ndarray]
    d0: np.ndarray
    q: np.ndarray
    qfunc: dict[tuple[int, int, int], np.ndarray]
    partial_waves: list[PartialWave]
    core: np.ndarray | None = None

    @classmethod
    def read(cls, path: Path) -> "Pseudopotential":
        """DataError if the file is not a UPF with what an ultrasoft pseudopotential has."""
        text = re.sub(r"<PP_INPUTFILE>.*?</PP_INPUTFILE>", "", Path(path).read_text(errors="replace"), flags=re.S)
        try:
            root = ET.fromstring(text)
            nonlocal_part = root.find("PP_NONLOCAL")
            betas = [e for e in nonlocal_part if e.tag.startswith("PP_BETA")]
            n, augmentation = len(betas), nonlocal_part.find("PP_AUGMENTATION")
            core = root.find("PP_GIPAW/PP_GIPAW_CORE_ORBITALS/PP_GIPAW_CORE_ORBITAL.1")
            return cls(
                r=numbers(root.find("PP_MESH/PP_R")),
                rab=numbers(root.find("PP_MESH/PP_RAB")),
                l=[int(e.get("angular_momentum")) for e in betas],
                beta=[numbers(e) for e in betas],
                d0=numbers(nonlocal_part.find("PP_DIJ")).reshape(n, n),
                q=numbers(augmentation.find("PP_Q")).reshape(n, n),
                qfunc={
                    tuple(np.array(e.tag.split(".")[1:], int) - (1, 1, 0)): numbers(e)
                    for e in augmentation
                    if e.tag.startswith("PP_QIJL")
                },
                partial_waves=[
                    PartialWave(
                        float(o.get("ultrasoft_cutoff_radius")),
                        numbers(o.find("PP_GIPAW_WFS_AE")),
                        numbers(o.find("PP_GIPAW_WFS_PS")),
                    )
                    for o in root.findall("PP_GIPAW/PP_GIPAW_ORBITALS/*")
                    if int(o.get("l")) == 1
                ],
                core=None if core is None else numbers(core),
            )
        except (ET.ParseError, AttributeError, TypeError, ValueError) as problem:
            raise DataError(
                f"{Path(path).name} is not an ultrasoft pseudopotential in UPF 2 format ({problem})."
            ) from None

    @property
    def mesh(self) -> int:
        """Points of the radial mesh that integrals over q use; odd."""
        return int(np.searchsorted(self.r, REACH)) // 2 * 2 + 1

    @cached_property
    def rows(self) -> list[tuple[int, int]]:
        """(projector, index of the harmonic) of every function of one atom."""
        return [(b, l * l + m) for b, l in enumerate(self.l) for m in range(2 * l + 1)]

    def integrate(self, f: np.ndarray) -> float:
        """Simpson integral over the radial mesh, up to its last odd point."""
        n = (len(f) - 1) // 2 * 2 + 1
        return (f[:n] * self.rab[:n]) @ simpson(n)

    def bessel(self, f: np.ndarray, l: int, top: float) -> CubicSpline:
        """int f(r) j_l(q r) dr as a function of q up to `top` (1/bohr)."""
        q = np.arange(0, top + 0.1, 0.02)
        w = f[: self.mesh] * simpson(self.mesh) * self.rab[: self.mesh]
        keep = np.abs(w) > 1e-14 * np.abs(w).max()
        return CubicSpline(q, spherical_jn(l, np.outer(q, self.r[: self.mesh][keep])) @ w[keep])

    def augmentation(self, key: tuple[int, int, int], top: float) -> CubicSpline:
        """`bessel` of an augmentation function; kept, as all holes of a structure ask for the same."""
        return augmentation_table(self, key, top)

    def dipole_projectors(self, core: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """GIPAW p projectors (mesh,) and the radial dipole <partial wave| r |core> of each, bohr."""
        r, m = self.r, self.mesh

        def smooth(f, radius):
            """f cut off smoothly between two thirds of the radius and the radius."""
            a, b = r[np.sum(r[:m] <= 2 / 3 * radius) - 1], r[np.sum(r[:m] <= radius) - 1]
            x = (r - a) / (b - a)
            return f * np.where(r <= a, 1, np.where(r <= b, 1 - 3 * x**2 + 2 * x**3, 0))

        norm = [np.sqrt(self.integrate(smooth(w.pseudo**2, w.radius)[:m])) for w in self.partial_waves]
        waves = [PartialWave(w.radius, w.all_electron / n, w.pseudo / n) for n, w in zip(norm, self.partial_waves)]
        overlap = [
            [self.integrate(smooth(a.pseudo * b.pseudo, min(a.radius, b.radius))[:m]) for b in waves] for a in waves
        ]
        dual = np.linalg.inv(overlap)
        return [
            (
                smooth(sum(c * b.pseudo for c, b in zip(row, waves)), w.radius),
                self.integrate((r * w.all_electron * core)[: np.sum(r[:m] <= w.radius)]),
            )
            for row, w in zip(dual, waves)
        ]


@lru_cache(maxsize=256)
def augmentation_table(pseudo: Pseudopotential, key: tuple[int, int, int], top: float) -> CubicSpline:
    return pseudo.bessel(pseudo.qfunc[key], key[2], top)


def numbers(element: ET.Element) -> np.ndarray:
    return np.array(element.text.split(), float)


def simpson(n: int) -> np.ndarray:
    """Weights of Simpson's rule on n equidistant points of step 1, n odd."""
    w = np.full(n, 2 / 3)
    w[1::2], w[[0, -1]] = 4 / 3, 1 / 3
    return w
