"""A folder of melt-quench models of silica: made one after another, each checked, the good ones in a list for the queue.

    <folder>/structures.extxyz     models that pass every check, for `elnes-lab compute`
    <folder>/quality.json          all finished models: their checks, and why one is not in the list
    <folder>/<id>.json, .extxyz    one model: checks, radial distribution functions, how it was made; the structure
    <folder>/<id>.state.npz        one that is not finished: goes on from there

Several processes may share a folder: a model belongs to the one that holds its lock.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...structure import Environment
from . import universal
from .geometry import radial
from .quality import Check, as_record, check_glass, passed
from .quench import Moment, Schedule, quench
from .relaxation import Step, Stopped, relax

LIST, QUALITY = "structures.extxyz", "quality.json"
LAYOUT = "ELNES Lab glass models 1"


@dataclass(frozen=True, eq=False)
class Model:
    """One finished model: its id, whether it passed every check, record: what its JSON file holds."""

    sid: str
    passed: bool
    record: dict

    @property
    def reasons(self) -> list[str]:
        """Sentences about the checks that it failed."""
        if "problem" in self.record:
            return [self.record["problem"]]
        fields = Check.__dataclass_fields__
        failed = [check for check in self.record["checks"] if not check["passed"]]
        nan = lambda check: check | {"value": float("nan")} if check["value"] is None else check
        return [Check(**{k: v for k, v in nan(check).items() if k in fields}).sentence for check in failed]


def sid_of(atoms: int, seed: int) -> str:
    return f"amorphous-{atoms}-{seed}"


def make_models(
    folder: Path,
    atoms: int,
    seeds,
    schedule: Schedule | None = None,
    *,
    calculator=None,
    report: Callable | None = None,
    stop=None,
) -> list[Model]:
    """Makes the models of these seeds that the folder lacks; returns all of them that are finished.

    report(sid, what) is called with a quench.Moment, a relaxation.Step or, at the end of one, its Model. Ends early once the event
    `stop` is set. A seed whose dynamics goes astray is a model that failed. Raises DataError without the package chgnet and
    for a folder that holds models of these seeds made in another way.
    """
    from filelock import FileLock, Timeout

    schedule = schedule or Schedule()
    potential = universal.title() if calculator is None else type(calculator).__name__
    calculator = calculator or universal.calculator()
    how = {"potential": potential, "atoms": atoms, **asdict(schedule)}
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        sid = sid_of(atoms, seed)
        if finished(folder, sid, how) is not None or (stop is not None and stop.is_set()):
            continue
        try:
            with FileLock(folder / f".{sid}.lock", timeout=0):
                if finished(folder, sid, how) is None:
                    made = make(folder, sid, atoms, seed, schedule, how, calculator, report, stop)
                    if made is not None and report:
                        report(sid, made)
        except Timeout:
            continue  # another process is at it
        gather(folder)
    gather(folder)
    return [model for seed in seeds if (model := finished(folder, sid_of(atoms, seed), how)) is not None]


def finished(folder: Path, sid: str, how: dict) -> Model | None:
    """The finished model of this id, or None. DataError if it was made in another way."""
    record = record_of(folder / f"{sid}.json")
    if record is None:
        return None
    other = [key for key in how if record["how"].get(key) != how[key]]
    if other:
        raise DataError(
            f"{folder} holds {sid} made with another {other[0]} ({record['how'].get(other[0])}, not {how[other[0]]}). Choose "
            "another folder or other seeds."
        )
    return Model(sid, bool(record["passed"]), record)


def record_of(path: Path) -> dict | None:
    """What a JSON file of a model holds, or None where there is none or it is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if record["layout"] == LAYOUT and isinstance(record["how"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@universal.one_thread()
def make(folder, sid, atoms, seed, schedule, how, calculator, report, stop) -> Model | None:
    """Quenches, relaxes, checks and writes one model; None if it was stopped."""
    from ...io.export import write_whole

    tell: Callable = (lambda what: report(sid, what)) if report else (lambda what: None)
    place, begin = folder / f"{sid}.state.npz", time.monotonic()
    record = {"layout": LAYOUT, "sid": sid, "seed": seed, "how": how, "quench_rate": schedule.rate}
    try:
        solid = quench(atoms, seed, schedule, calculator, place=place, report=tell, stop=stop)
        if solid is None:
            return None
        relaxed = relax(solid, symmetry=False, calculator=calculator, report=tell, stop=stop)
        environment = Environment.of(relaxed.atoms)
        checks = check_glass(environment)
        r, functions = radial(environment)
        record |= {
            "passed": passed(checks) and relaxed.converged,
            "checks": as_record(checks),
            "relaxed": {"steps": relaxed.steps, "converged": relaxed.converged, "energy": relaxed.energies[1]},
            "radial": {"r": rounded(r), **{pair: rounded(g) for pair, g in functions.items()}},
            "seconds": round(time.monotonic() - begin, 1),
        }
        if not relaxed.converged:
            record["problem"] = "The relaxation did not converge."
        write_whole(folder / f"{sid}.extxyz", framed(relaxed.atoms, sid, record))
    except Stopped:
        return None
    except DataError as problem:
        record |= {"passed": False, "problem": str(problem)}
    write_whole(folder / f"{sid}.json", json.dumps(record, indent=1).encode())
    place.unlink(missing_ok=True)
    return Model(sid, record["passed"], record)


def rounded(values: np.ndarray) -> list[float]:
    """Every fourth point, 0.02 angstrom apart: the functions are that smooth."""
    return np.round(values[::4], 4).tolist()


def framed(atoms, sid: str, record: dict) -> bytes:
    """Extended XYZ of a model, with what `elnes-lab compute` reads in its second line and how it was made."""
    from ase.io import write

    atoms = atoms.copy()
    atoms.info = {
        "sid": sid,
        "name": sid,
        "source": "melt-quench",
        "potential": record["how"]["potential"],
        "quench_rate_K_per_s": record["quench_rate"],
        "seed": record["seed"],
    }
    text = io.StringIO()
    write(text, atoms, format="extxyz")
    return text.getvalue().encode()


def gather(folder: Path) -> None:
    """Writes the list of the models that passed and the table of all that are finished, in the order of their names."""
    from ...io.export import write_whole

    paths = sorted(folder.glob("amorphous-*.json"), key=lambda path: (len(path.name), path.name))
    records = [record for path in paths if (record := record_of(path))]
    table = [{key: value for key, value in record.items() if key != "radial"} for record in records]
    good = [folder / f"{record['sid']}.extxyz" for record in records if record["passed"]]
    listed = b"".join(path.read_bytes() for path in good if path.is_file())
    write_whole(folder / QUALITY, json.dumps(table, indent=1).encode())
    if listed:
        write_whole(folder / LIST, listed)
    else:
        (folder / LIST).unlink(missing_ok=True)


__all__ = ["Model", "Moment", "Schedule", "Step", "make_models"]
