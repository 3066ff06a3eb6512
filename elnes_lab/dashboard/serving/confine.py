"""What a server keeps from strangers: who may talk to it, and in a page's kernel its errors, what it prints, the machine's memory.

`begin` is called once in each kernel; it does nothing unless the process was started by voila_settings.environment, so that
in JupyterLab an error stays where its owner sees it.
"""

import ipaddress
import logging
import os
import sys
import time
from pathlib import Path

SERVED, MEMORY = (
    "ELNES_LAB_SERVED",
    "ELNES_LAB_MEMORY",
)  # environment: set if a page is served; MB of memory, 0: no limit
CALCULATIONS = (
    "ELNES_LAB_CALCULATIONS"  # the same of first-principles calculations at once, which sources.calculations reads
)
UNEXPECTED = (
    "That did not work, for a reason that this page does not expect; nothing else has changed. Try it another way, or tell "
    "who runs this server: its log says more. "
)
TOO_LARGE = "That needs more memory than a page may use here{limit}. Take fewer spectra or a smaller network. "
PAUSE = 1.0  # s between two such notices: one tells as much as a hundred
replaced = []  # ipykernel's streams, kept: they close what they read from when they are collected


def begin(notice) -> None:
    """Errors of callbacks go to the server's log and as a sentence to `notice(text)`; memory is limited to $ELNES_LAB_MEMORY."""
    if not os.environ.get(SERVED):
        return
    from IPython import get_ipython

    limit = limit_memory(float(os.environ.get(MEMORY) or 0))
    shell = get_ipython()
    if shell is None:
        return
    print_to_log()
    last = -PAUSE

    def showtraceback(exc_tuple=None, *arguments, **options) -> None:
        nonlocal last
        problem = (exc_tuple or sys.exc_info())[1]
        logging.getLogger(__name__).error("in a page's kernel", exc_info=problem)
        if time.monotonic() - last > PAUSE:
            last = time.monotonic()
            notice(sentence(problem, limit))

    # ipywidgets shows what a callback raises with it, and the shell sends it to whoever asked, paths and source lines included.
    shell.showtraceback = showtraceback


def sentence(problem, limit=0) -> str:
    """What a visitor is told about an exception; limit: MB, as begin has set it."""
    if is_memory(problem):
        return TOO_LARGE.format(limit=f" ({limit:g} MB)" if limit else "")
    return UNEXPECTED


def is_memory(problem) -> bool:
    """Whether an exception says that there is not enough memory; torch says so with a RuntimeError."""
    return (
        isinstance(problem, MemoryError)
        or "can't allocate memory" in str(problem)
        or "not enough memory" in str(problem)
    )


def limit_memory(megabytes) -> float:
    """Let this process have `megabytes` of data (heap, arrays, threads' stacks) beyond what it has now, which after a fork is
    shared and grows as the server works ahead; 0: as much as there is.

    Returns the limit in force. Where the system has no such limit (macOS, Windows) there is none.
    """
    if megabytes <= 0 or not sys.platform.startswith("linux"):
        return 0
    import resource

    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData:"))
    size, most = 1024 * int(line.split()[1]) + int(megabytes * 1e6), resource.getrlimit(resource.RLIMIT_DATA)[1]
    if most != resource.RLIM_INFINITY:
        size = min(size, most)
    resource.setrlimit(resource.RLIMIT_DATA, (size, most))  # a calculation that the page starts takes its own back
    return megabytes


def print_to_log() -> None:
    """Let what the kernel prints or logs go where the server's own log goes, not to the page, which hides it but receives it."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        copy = getattr(
            stream, "_original_stdstream_copy", None
        )  # ipykernel's: it reads what is written to the descriptor
        if copy is not None:
            os.dup2(copy, descriptor)
        replaced.append(stream)
        setattr(sys, name, getattr(sys, f"__{name}__"))
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, format="[page] %(levelname)s | %(message)s")


def is_loopback(name) -> bool:
    """Whether an address or name always means the machine itself."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
