"""Makes the engine's own environment: `qepy`, which brings Quantum ESPRESSO 7.2 and needs another NumPy than this
package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ...errors import DataError
from .engine import Engine, environments, python_engine

PACKAGES = ("qepy==7.2.0", "numpy<2")


def install(folder: Path | str | None = None) -> Engine:
    """The engine in a virtual environment at `folder` (default: where `find_engine` looks for it), made unless it is
    there and works.

    DataError if pip cannot get the packages or they do not work on this machine; then no environment is left behind.
    """
    folder = Path(folder) if folder else environments()[0]
    engine, _ = python_engine(folder / "bin" / "python")
    if engine:
        return engine
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        step("the virtual environment", [sys.executable, "-m", "venv", str(part)])
        step(
            f"{' and '.join(PACKAGES)}",
            [str(part / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES],
        )
        part.rename(folder)  # `python -m qepy` needs no script of bin, so the environment may move
    except OSError as problem:
        raise DataError(f"The engine cannot be installed in {folder}: {problem.strerror or problem}.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    engine, reason = python_engine(folder / "bin" / "python")
    if engine is None:
        raise DataError(f"The engine was installed in {folder} but does not work: {reason}.")
    return engine


def step(what: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise DataError(
            f"The engine cannot be installed: {what} failed ({last[0][:300]}). qepy has wheels for Linux and Python "
            "up to 3.12; elsewhere install Quantum ESPRESSO itself (conda-forge: qe)."
        )
