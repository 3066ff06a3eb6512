"""`<seed>.castep`: what CASTEP says of a calculation. Format as printed by versions 16 to 24 at iprint 1."""

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from .text import read_lines

FLOAT = r"[-+]?\d+\.?\d*(?:[eEdD][-+]?\d+)?"
LABEL = r"([A-Z][a-z]?(?::\S+?)?)"
UNCONVERGED = re.compile(r"did not converge|has not reached the groundstate|failed to converge", re.IGNORECASE)


@dataclass(frozen=True)
class Report:
    """energy: total energy in eV, with fractional occupations the one extrapolated to zero smearing; cutoff in eV;
    charge of the cell in e; symmetries: number of operations, by which CASTEP reduces the k points; seconds of all
    processes together.

    species: (label, atoms) in the program's own order, by which other files count; pseudopotentials: label ->
    definition; all_electron and pseudo: label -> energy (eV) of the free atom with all electrons, and of the
    pseudo-atom.
    """

    version: str
    functional: str
    cutoff: float
    charge: float
    energy: float
    symmetries: int
    seconds: float
    species: tuple[tuple[str, int], ...]
    pseudopotentials: dict[str, str]
    all_electron: dict[str, float]
    pseudo: dict[str, float]

    @property
    def hole(self) -> str | None:
        """Label of the species with a core hole, "O:exc"; None for a ground state. DataError for another hole than one
        full 1s."""
        found = {
            label: re.search(r"\{[^}]*?(\d[spdf]\d*\.?\d*)", text) for label, text in self.pseudopotentials.items()
        }
        holes = {label: match[1] for label, match in found.items() if match}
        if not holes:
            return None
        if len(holes) > 1:
            raise DataError(f"it has core holes in {' and '.join(sorted(holes))}; a row has one")
        ((label, shell),) = holes.items()
        if label.split(":")[0] != "O" or not shell.startswith("1s"):
            raise DataError(f"its core hole is {shell} of {label}, not 1s of oxygen")
        if shell[2:] in ("", "2") or float(shell[2:]) != 1:
            raise DataError(
                f"its hole leaves {shell[2:] or 'no'} electrons in 1s; the rows of a database have full holes, one "
                "electron"
            )
        if dict(self.species).get(label) != 1:
            raise DataError(
                f"{dict(self.species).get(label, 0)} atoms are {label}; a core-hole calculation has one absorbing atom"
            )
        return label


def read_report(path: Path) -> Report:
    """The report of one calculation; of several runs in one file the last. DataError if it is unfinished or
    unconverged."""
    lines = read_lines(path)
    starts = [i for i, line in enumerate(lines) if "CASTEP version" in line]
    if not starts:
        raise DataError(f"{path.name} is not the output of CASTEP: it names no version")
    lines = lines[starts[-1] :]
    text = "\n".join(lines)
    bad = next((line.strip() for line in lines if UNCONVERGED.search(line)), None)
    if bad:
        raise DataError(f"{path.name}: the density is not converged ({bad[:80]}); run it again with more cycles")
    seconds = last(rf"^Total time\s*=\s*({FLOAT}) s", text)
    if seconds is None:
        raise DataError(f"{path.name} ends before the end of the calculation; let CASTEP finish, or run it again")
    energy = (
        last(rf"NB est\. 0K energy.*=\s*({FLOAT})\s*eV", text)
        or last(rf"^\s*Final energy, E\s*=\s*({FLOAT})\s*eV", text)
        or last(rf"^\s*Final energy\s*=\s*({FLOAT})\s*eV", text)
    )
    if energy is None:
        raise DataError(
            f"{path.name} has no line 'Final energy, E = ... eV'; keep that of the run that computed the density"
        )
    processes = last(r"parallelised over\s+(\d+) processes", text) or "1"
    found = Report(
        version=lines[0].split("CASTEP version")[1].strip(" |")[:20],
        functional=(
            last(r"using functional\s*:\s*(.+)", text) or last(r"Level of theory:\s*(\S+)", text) or "unknown"
        ).strip()[:60],
        cutoff=float(last(rf"plane wave basis set cut-off\s*:\s*({FLOAT})\s*eV", text) or "nan"),
        charge=float(last(rf"net charge of system\s*:\s*({FLOAT})", text) or 0),
        energy=float(energy),
        symmetries=int(last(r"Number of symmetry operations\s*=\s*(\d+)", text) or 1),
        seconds=float(seconds) * int(processes),
        species=species(text),
        pseudopotentials=dict(
            re.findall(rf"^\s+{LABEL}\s+(\S*[|{{.]\S*)\s*$", section(text, "Files used for pseudopotentials:"), re.M)
        ),
        all_electron=atoms(text, r"Atomic calculation performed for", "an ae energy"),
        pseudo=atoms(text, r"Pseudo atomic calculation performed for", "a total energy"),
    )
    if not found.species:
        raise DataError(f"{path.name} lists no atoms; keep the whole output")
    return found


def last(pattern: str, text: str) -> str | None:
    found = re.findall(pattern, text, re.M)
    return found[-1] if found else None


def section(text: str, title: str) -> str:
    """From the title to the next line of dashes."""
    return text.partition(title)[2].partition("-----")[0]


def species(text: str) -> tuple[tuple[str, int], ...]:
    """(label, atoms) in the order of the first table 'x  O:exc  1  u v w  x'."""
    counts: dict[str, int] = {}
    row = re.compile(rf"^\s*x\s+{LABEL}\s+(\d+)(?:\s+{FLOAT}){{3}}\s+x", re.M)
    for label, rank in row.findall(text):
        if int(rank) <= counts.get(label, 0):
            break  # the table of the next geometry
        counts[label] = int(rank)
    return tuple(counts.items())


def atoms(text: str, title: str, what: str) -> dict[str, float]:
    """Label -> energy (eV) of the free atoms that were computed to make pseudopotentials."""
    pattern = rf"{title} {LABEL}:?\s[^\n]*\n\s*\n?\s*Converged in\s+\d+ iterations to {what} of\s+({FLOAT}) eV"
    return {label.rstrip(":"): float(value) for label, value in re.findall(pattern, text)}
