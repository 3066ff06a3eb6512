"""A synthetic database of any size with the interface of elnes_lab.Database that the dashboard uses."""

import numpy as np
import pytest

from elnes_lab.schema import CHANNELS, COLUMNS


class SyntheticDatabase:
    """n sites; spectrum i is a Gaussian at 6 + i / n eV with the area i + 1, so that every row can be recognised."""

    columns = list(COLUMNS)
    units = {name: column.units for name, column in COLUMNS.items()}
    long_names = {name: column.long_name for name, column in COLUMNS.items()}
    channels = list(CHANNELS)
    version, planned = "0123456789ab", None
    energy = np.round(np.arange(-5, 40.05, 0.1), 6)
    pdos_energy = np.round(np.arange(-25, 30.05, 0.1), 6)

    def __init__(self, size, rows=None):
        self.size = size
        self.rows = np.arange(size) if rows is None else np.asarray(rows, int)
        every = np.arange(size)
        groups = np.array(["P3_221", "P4_2/mnm", "C2/c"], object)
        self.values = {name: np.round(every * 0.001 + 1, 4) for name in self.columns} | {
            "structure": np.array([f"model-{i // 10:03d}" for i in every], object),
            "name": np.array([f"Model {i // 10}" for i in every], object),
            "atom": every % 10,
            "kind": np.where(every % 3 == 0, "amorphous", "crystal").astype(object),
            "source": np.where(every % 3 == 0, "melt-quench", "mineral").astype(object),
            "space_group": groups[every % 3],
            "coordination": 2 + (every % 5 == 0),
            "band_gap": 4 + 2 * every / size,
            "si_o_si_angle": np.where(every % 7 == 0, np.nan, 120 + 50 * every / size),
            "onset": np.where(every % 4 == 0, np.nan, 536.0),
            "multiplicity": every % 6 + 1,
        }
        self.sites = np.array([f"model-{i // 10:03d}/O{i % 10}" for i in every], object)[self.rows]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.values[key][self.rows]
        return SyntheticDatabase(self.size, self.rows[key])

    @property
    def isotropic(self):
        center = 6 + self.rows[:, None] / self.size
        return (self.rows[:, None] + 1) * np.exp(-((self.energy - center) ** 2))

    @property
    def bonds(self):
        return np.tile([1.61, 1.62, np.nan], (len(self), 1))

    def curves(self, *, polarization="isotropic", zero="vbm", fwhm=0.0, normalized=False):
        factor = {"isotropic": 1.0, "x": 0.5, "y": 1.0, "z": 1.5}[polarization]
        lost = np.isnan(self["onset"])[:, None] & (zero == "loss")
        return self.energy + {"vbm": 0, "onset": -6, "loss": 530}[zero], np.where(lost, np.nan, factor * self.isotropic)

    def pdos_curves(self, channel="O p", *, zero="vbm", fwhm=0.0):
        return self.pdos_energy, np.ones((len(self), len(self.pdos_energy))) * (1 + self.channels.index(channel))


@pytest.fixture
def synthetic():
    return SyntheticDatabase(1189)


@pytest.fixture
def single():
    return SyntheticDatabase(1)
