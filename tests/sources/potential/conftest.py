"""Stored structures with the energies that the queue recorded, and calculators that need no network."""

from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read

RAW = Path(__file__).parents[3] / "data" / "raw"


@pytest.fixture(scope="session")
def planned():
    """Structure id -> ASE Atoms of the plan, `chgnet_ev_per_atom` in their info."""
    return {atoms.info["sid"]: atoms for atoms in read(RAW / "structures.extxyz", ":")}


@pytest.fixture(scope="session")
def glasses(planned):
    return [atoms for sid, atoms in planned.items() if sid.startswith("glass-")]


class Constant(Calculator):
    """No forces, and the same stress everywhere (eV/angstrom^3, positive: the cell wants to shrink)."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, stress=0.0):
        super().__init__()
        self.pull = stress

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        pull = np.array([self.pull] * 3 + [0.0] * 3)
        self.results = {"energy": -float(len(atoms)), "forces": np.zeros((len(atoms), 3)), "stress": pull}


@pytest.fixture
def constant():
    return Constant
