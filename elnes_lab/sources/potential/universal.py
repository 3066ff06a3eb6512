"""The universal potential CHGNet, the one that relaxed the structures of the database before they were computed.

Trained on PBE relaxations of the Materials Project, all elements: B. Deng et al., Nat. Mach. Intell. 5, 1031 (2023). Its
weights come inside its package. They are read as numbers alone (no pickle runs) and only if they are those published.
"""

import contextlib
import hashlib
import io
import sys
import warnings
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from ...errors import DataError

NAME = "CHGNet 0.3.0"
WEIGHTS = "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar"
CHECKSUM = "d14ab7c0f093efe64b60a7bcd540bca10e74fb7f46c86108a079af60524659d1"
INSTALL = "The universal potential needs the package chgnet. Install it with: pip install chgnet."
# What the package raises on structures that it cannot describe; its graphs end the program, which in a thread nobody sees.
FAILURES = (ValueError, RuntimeError, ArithmeticError, IndexError, SystemExit)


def missing() -> str:
    """The sentence that says what to install, or an empty text. Imports nothing."""
    return "" if find_spec("chgnet") else INSTALL


def title() -> str:
    """Name of the potential and of the package that brings it."""
    try:
        return f"{NAME} (package chgnet {version('chgnet')})"
    except PackageNotFoundError:
        return NAME


@lru_cache(maxsize=1)
def network():
    """The network with its published weights, on the processor; read once. DataError without the package, or with other
    weights in it."""
    if missing():
        raise DataError(missing())
    import torch
    from chgnet.model.model import CHGNet

    path = Path(find_spec("chgnet").submodule_search_locations[0]) / WEIGHTS
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise DataError(f"The weights of {NAME} in the package chgnet are not the published ones. Install it again.")
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)["model"]
    warnings.filterwarnings(
        "ignore", category=UserWarning, module="chgnet"
    )  # of tensors, of symmetry that ASE keeps: at every step
    with quiet():
        return CHGNet.from_dict(state, mlp_out_bias=False, version="0.3.0").eval()


def calculator():
    """A new ASE calculator of the potential: energy (eV), forces (eV/angstrom) and stress (eV/angstrom^3). DataError without
    the package."""
    shared = network()
    from chgnet.model.dynamics import CHGNetCalculator

    with quiet():
        return CHGNetCalculator(model=shared, use_device="cpu", on_isolated_atoms="error")


@contextlib.contextmanager
def one_thread():
    """A context whose sums run on one thread; before and after, torch has the threads that it had.

    So small a network gains nothing from more, and where others need the processors, threads that wait for each other in
    every one of its many small sums burn what the page, its server and its browser are waiting for: on two busy cores a step
    of 24 atoms took 3 s of processor and 10 s of time on two threads, 0.5 s and 0.9 s on one.
    """
    torch = sys.modules.get("torch")  # imported with the network; another calculator does without
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def quiet():
    """What the package prints while it is set up goes nowhere."""
    return contextlib.redirect_stdout(io.StringIO())
