"""The programs of Quantum ESPRESSO: where they are, whether they can be trusted, and how one is run.

Looked for in this order: what $ELNES_LAB_ENGINE names (a folder with pw.x, or a Python that has `qepy`), the
executables on PATH, and `qepy` in an environment of its own, made by `make engine` or `elnes-lab engine --install`.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError

PROGRAMS = ("pw", "projwfc", "pp", "ld1")
OLDEST = (7, 0)
SETTING = "ELNES_LAB_ENGINE"
ADVICE = (
    "Run `make engine` (or `elnes-lab engine --install`), which needs no compiler, or put pw.x, projwfc.x, pp.x and "
    "ld1.x of Quantum ESPRESSO 7.2 on PATH (conda-forge: qe)."
)
FINISHED = {"ld1": "End of pseudopotential generation"}  # the others say JOB DONE
# Much faster than what the wheel of qepy carries: 6 times for a cell of 72 atoms. Only for the engine's own processes.
FAST_LIBRARIES = (("openblas-pthread/libopenblas.so.0", "openblas-serial/libopenblas.so.0"), ("libfftw3.so.3",))
# Debian's OpenBLAS 0.3.21 reads past the end of a matrix in zgemv. It changes no number, but where the heap ends there the
# program does, too (signal 11, in every run of some cells); so some more of it is kept.
HEAP_BEYOND = 64 * 2**20  # bytes
CRASHES = 2  # runs that may end with signal 11 before it counts
MESSAGE = 300  # characters of a program's own words that go into a sentence


@dataclass(frozen=True)
class Engine:
    """kind: "executables" or "qepy"; version such as "7.2"; commands: program -> words to start it; preload:
    libraries."""

    kind: str
    version: str
    commands: dict[str, tuple[str, ...]]
    preload: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = Path(self.commands["pw"][0]).parent
        fast = " with fast libraries" if self.preload else ""
        return f"Quantum ESPRESSO {self.version}, {self.kind} in {where}{fast}"

    def run(self, program: str, text: str, work: Path, *, limit: float, name: str | None = None) -> str:
        """Output of one run of `program` ("pw") on the input `text`, in the folder `work`; `name`.in and `name`.out
        stay there.

        limit: seconds. DataError if it cannot start, dies, takes longer, reports an error, does not converge or does
        not finish.
        """
        name = name or program
        (work / f"{name}.in").write_text(text)
        for left in reversed(range(CRASHES + 1)):
            status = self.status(program, name, work, limit)
            if status != -signal.SIGSEGV or not left:
                break
        output = (work / f"{name}.out").read_text(errors="replace")
        examine(program, output, status)
        return output

    def status(self, program: str, name: str, work: Path, limit: float) -> int:
        """Exit status of one process on `name`.in, which has ended with all it started."""
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if self.preload:
            environment["LD_PRELOAD"] = ":".join(self.preload)
            environment["MALLOC_TOP_PAD_"] = str(HEAP_BEYOND)
        with open(work / f"{name}.out", "wb") as out:
            try:
                process = subprocess.Popen(
                    [*self.commands[program], "-i", f"{name}.in"],
                    cwd=work,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                    preexec_fn=in_new_process,
                )
            except OSError as problem:
                raise DataError(f"{program}.x cannot be started: {problem.strerror or problem}. {ADVICE}") from None
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                raise DataError(
                    f"{program}.x was stopped after {limit:.0f} s, many times what this step should take: it hangs, or "
                    "the machine is overloaded. Try again with `--retry`."
                ) from None
            finally:
                stop(process)


def examine(program: str, output: str, status: int) -> None:
    """DataError unless the program says that it finished and converged. status: of the process, negative for a
    signal."""
    if "convergence NOT achieved" in output:
        raise DataError(
            f"{program}.x did not converge: the density still changes after the last iteration. The structure may be a "
            "metal or have atoms too close."
        )
    found = re.search(r"Error in routine\s+(\S+)[^\n]*\n\s*(.+)", output)
    if found:
        raise DataError(f"{program}.x stopped in {found[1]}: {found[2].strip()[:MESSAGE]}")
    if status < 0:
        memory = ", most often because memory ran out" if status == -signal.SIGKILL else ""
        raise DataError(f"{program}.x was killed by signal {-status}{memory}.")
    if FINISHED.get(program, "JOB DONE") not in output:
        last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "nothing")
        raise DataError(
            f"{program}.x ended without finishing (status {status}); the last it said was: {last[:MESSAGE]}"
        )


def stop(process: subprocess.Popen) -> None:
    """Ends the process and whatever it started, if it still runs."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In the new process: it is killed when this one ends, however that ends (Linux; elsewhere an orphan runs to its
    end)."""
    if LIBC is not None:
        LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def share_priority() -> None:
    """Gives the session of this process its priority.

    Linux shares its cores between sessions first (autogroup, man 7 sched), and a process's `nice` counts only within its
    own: a program in a session of its own would take as much as all pages of a dashboard together, at any priority.
    """
    with contextlib.suppress(OSError, AttributeError):  # not Linux, or one that does not group
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(os.getpriority(os.PRIO_PROCESS, 0)))


def in_new_process() -> None:
    """What a program of the engine begins with."""
    die_with_parent()
    share_priority()


def environments() -> list[Path]:
    """Folders that may hold the engine's own environment, the first of them the one to make."""
    import platformdirs

    source = Path(__file__).resolve().parents[3]
    cached = platformdirs.user_cache_path("elnes-lab") / "engine"
    return [source / ".venv-engine", cached] if (source / "pyproject.toml").exists() else [cached]


def find_engine() -> Engine:
    """The first usable engine. DataError that says what was found and why it was refused, if there is none."""
    named = os.environ.get(SETTING)
    if named:
        path = Path(named).expanduser()
        engine, reason = folder_engine(str(path)) if path.is_dir() else python_engine(path)
        if engine is None:
            raise DataError(f"{SETTING} names {named}: {reason or 'neither a folder with pw.x nor a Python'}. {ADVICE}")
        return engine
    reasons = []
    for engine, reason in (
        folder_engine(None),
        *(python_engine(folder / "bin" / "python") for folder in environments()),
    ):
        if engine is not None:
            return engine
        reasons += [reason] if reason else []
    raise DataError(
        " ".join(["There is no usable Quantum ESPRESSO.", *(reason.rstrip(".") + "." for reason in reasons), ADVICE])
    )


def folder_engine(folder: str | None) -> tuple[Engine | None, str]:
    """Engine of the executables in `folder` (None: on PATH), or the reason why not; no reason where there is not even
    a pw.x."""
    paths = {program: shutil.which(f"{program}.x", path=folder) for program in PROGRAMS}
    if not paths["pw"]:
        return None, "" if folder is None else "it has no pw.x"
    missing = [f"{program}.x" for program, path in paths.items() if not path]
    if missing:
        return None, f"{paths['pw']} has no {', '.join(missing)} beside it"
    version, reason = banner(paths["pw"])
    return (None, reason) if reason else (Engine("executables", version, {k: (p,) for k, p in paths.items()}), "")


def banner(path: str) -> tuple[str, str]:
    """Version that a pw.x prints, and the reason to refuse it ("": none)."""
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "empty.in").write_text("")
        try:
            printed = subprocess.run(
                [path, "-i", "empty.in"],
                cwd=work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=60,
            ).stdout
        except (OSError, subprocess.TimeoutExpired) as problem:
            return "", f"{path} does not answer ({type(problem).__name__})"
    found = re.search(r"PWSCF\s+v\.?\s*(\d+(?:\.\d+)*)", printed)
    return (found[1], refused(path, found[1])) if found else ("", f"{path} does not print a version of PWSCF")


def refused(path, version: str) -> str:
    """Reason to refuse this version, or ""."""
    number = tuple(map(int, version.split(".")[:2]))
    if number == (6, 7):
        return (
            f"{path} is version {version}: with `K_POINTS gamma`, which this method uses, its self-consistent energies "
            "come out up to 6 Ry too low for cells of 72 atoms, without a word"
        )
    return f"{path} is version {version}, older than {'.'.join(map(str, OLDEST))}" if number < OLDEST else ""


def python_engine(python: Path) -> tuple[Engine | None, str]:
    """Engine of the package `qepy` of another Python, or the reason why not; no reason where there is no such
    Python."""
    if not python.is_file():
        return None, ""
    ask = "from importlib.metadata import version as v; print(v('qepy'), v('numpy'))"
    try:
        answer = subprocess.run(
            [str(python), "-c", ask], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        qepy, numpy = answer.stdout.split()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None, f"{python} has no qepy"
    if int(numpy.split(".")[0]) >= 2:
        return None, f"{python} has numpy {numpy}, with which qepy does not work: it needs numpy<2"
    version = ".".join(qepy.split(".")[:2])
    reason = refused(python, version)
    commands = {program: (str(python), "-m", "qepy", f"--{program}.x") for program in PROGRAMS}
    return (None, reason) if reason else (Engine("qepy", version, commands, fast_libraries()), "")


def fast_libraries() -> tuple[str, ...]:
    """Debian's BLAS and FFTW, if this machine has both."""
    folders = sorted(Path("/usr/lib").glob("*-linux-gnu"))
    found = [
        next((str(folder / name) for folder in folders for name in names if (folder / name).exists()), None)
        for names in FAST_LIBRARIES
    ]
    return tuple(found) if all(found) else ()
