"""The plan: an extended XYZ file of every structure that is to be computed. A damaged frame costs that frame, not the plan."""

import io
import re
from pathlib import Path

from ..errors import DataError
from ..structure import Environment
from .checks import check_structure
from .npz import printable, read_regular
from .quantum_espresso import ID

HEAD = re.compile(r"[ \t]*(\d{1,6})[ \t]*")


def read_plan(path: Path, known: set[str] = frozenset()) -> tuple[dict[str, list[int]], str | None, str]:
    """The planned structures, id -> its inequivalent oxygens; a sentence about what cannot be read, or None; the file's sha256.

    The oxygens of the structures in `known` are not worked out ([]). Raises FileNotFoundError if there is no plan, DataError if it
    cannot be read at all.
    """
    content = read_regular(path)
    lines = content.bytes.decode("utf-8", errors="replace").split("\n")
    # a frame begins with the number of its atoms and a line that gives the cell; damage to one is not damage to the next
    starts = [i for i in range(len(lines) - 1) if HEAD.fullmatch(lines[i]) and "Lattice=" in lines[i + 1]]
    planned: dict[str, list[int]] = {}
    problems: list[str] = []
    end = 0
    for i, start in enumerate(starts):
        following = starts[i + 1] if i + 1 < len(starts) else len(lines)
        if "".join(lines[end:start]).strip():
            problems.append(f"line {end + 1}: not a frame")
        end = min(start + 2 + int(lines[start]), following)
        try:
            name, oxygens = read_frame("\n".join(lines[start:end]) + "\n", known)
            if name in planned:
                raise DataError(f"'{name}' is there twice")
            planned[name] = oxygens
        except DataError as problem:
            problems.append(f"line {start + 1}: {problem}")
    if "".join(lines[end:]).strip():
        problems.append(f"line {end + 1}: not a frame")
    if not problems:
        return planned, None, content.sha256
    count = "one frame" if len(problems) == 1 else f"{len(problems)} frames"
    return (
        planned,
        (
            f"{count} of the plan cannot be read, and what is planned there is not counted ({problems[0]}); "
            "copy the plan again"
        ),
        content.sha256,
    )


def read_frame(text: str, known: set[str]) -> tuple[str, list[int]]:
    """Id and inequivalent oxygens of one frame of the plan. DataError with the reason."""
    from ase.io.extxyz import read_xyz

    try:
        (atoms,) = read_xyz(io.StringIO(text), index=slice(None))
        name, count = str(atoms.info["sid"]), int(atoms.info.get("ns", 0))
        if not re.fullmatch(ID, name):
            raise DataError(f"'{printable(name)}' is no name for a structure")
        if name in known:
            return name, []
        positions, electrons = atoms.get_scaled_positions(wrap=False), float(atoms.info.get("electrons", 0))
        check_structure(atoms.cell.array, atoms.get_chemical_symbols(), positions, electrons)
        oxygens = [atom for atom, _ in Environment.of(atoms).inequivalent_oxygens]
    except DataError:
        raise
    except Exception as problem:  # the parsers raise what their parts raise on text that is not extended XYZ
        raise DataError(f"not extended XYZ ({printable(f'{type(problem).__name__} {problem}')})") from None
    if count and count != len(oxygens):
        raise DataError(f"{name} has {len(oxygens)} inequivalent oxygens where the plan counts {count}")
    return name, oxygens
