"""What was read from a spectrum, with intervals and warnings, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import unknown

UNREADABLE = "not from this spectrum"


@dataclass(frozen=True)
class Reading:
    """One property: key (of `PROPERTIES`, a column of the database), symbol, name, unit; value with lower and upper, the
    90 % interval, all in that unit. informative: whether the interval is clearly narrower than what one knows without
    any spectrum; where it is not, the value is little more than the mean of the database."""

    key: str
    symbol: str
    name: str
    unit: str
    value: float
    lower: float
    upper: float
    informative: bool
    digits: int = 2

    def __str__(self) -> str:
        if not self.informative:
            return UNREADABLE
        unit = (
            ""
            if self.unit == "1"
            else " " + {"degree": "°", "angstrom": "Å", "g/cm^3": "g/cm³"}.get(self.unit, self.unit)
        )
        value, lower, upper = (f"{x:.{self.digits}f}" for x in (self.value, self.lower, self.upper))
        return f"{value}{unit} ({lower} to {upper})"


@dataclass(frozen=True, eq=False)
class ReadingCurve:
    """A partial radial distribution: radius (m,) in angstrom, value, lower and upper (m,), without unit (g tends to 1
    far away); a point lies within its band with 90 %. informative (m,): where the band is clearly narrower than without
    any spectrum."""

    key: str
    symbol: str
    name: str
    unit: str
    radius: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    informative: np.ndarray


@dataclass(frozen=True, eq=False)
class Quantified:
    """A spectrum's readings: properties and curves, in the order of `PROPERTIES` and `CURVES`.

    domain: out-of-domain score, above 1 if the spectrum is stranger than four fifths of new structures are; reason: in
    words, "" below. notes: what was done to read the spectrum, and warnings; show them with the numbers. zero: energy
    in eV, on the axis given, of the edge that the model counts from (1.4 eV below half height). mode: "placed" if the
    place of the edge on the energy-loss scale was read, "shape" if only the shape of the spectrum. energy (m,) eV from that
    zero and intensity (m,), mean 1: the spectrum that was read, what lies below the edge subtracted.
    """

    properties: tuple[Reading, ...]
    curves: tuple[ReadingCurve, ...]
    domain: float
    reason: str
    notes: tuple[str, ...]
    zero: float
    mode: str
    energy: np.ndarray
    intensity: np.ndarray
    level: float = 0.9

    def __getitem__(self, key: str) -> Reading | ReadingCurve:
        """The reading of a key, such as "si_o_si_angle" or "rdf_o_o". DataError for another."""
        found = {one.key: one for one in (*self.properties, *self.curves)}
        if key not in found:
            raise unknown(str(key), found, "property")
        return found[key]

    def __str__(self) -> str:
        width = max(len(one.name) for one in self.properties)
        lines = [f"{one.name:<{width}}  {one}" for one in self.properties]
        return "\n".join([*lines, *self.notes])

    def to_dict(self) -> dict:
        """Everything as JSON types."""
        plain = ("key", "symbol", "name", "unit")
        return {
            "level": self.level,
            "zero_eV": self.zero,
            "mode": self.mode,
            "domain": self.domain,
            "reason": self.reason,
            "notes": list(self.notes),
            "properties": [
                {name: getattr(one, name) for name in (*plain, "value", "lower", "upper", "informative")}
                for one in self.properties
            ],
            "curves": [
                {name: getattr(one, name) for name in plain}
                | {name: getattr(one, name).tolist() for name in ("value", "lower", "upper", "informative")}
                | {"radius_angstrom": one.radius.tolist()}
                for one in self.curves
            ],
            "spectrum": {"energy_above_zero_eV": self.energy.tolist(), "intensity": self.intensity.tolist()},
        }
