"""Reading what was fetched. The spectra keep their label: they are another program's, and are shown beside the
database's, not in it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..npz import read_regular
from .fetch import XAS_LABEL


@dataclass(frozen=True)
class FetchedSpectrum:
    """material: id in the Materials Project; label: what computed it; energy (e,) eV; intensity (e,)."""

    material: str
    label: str
    energy: np.ndarray
    intensity: np.ndarray


def fetched_spectra(folder: Path) -> tuple[list[FetchedSpectrum], list[tuple[str, str]]]:
    """The FEFF spectra in a folder of `fetch`, and (file, reason) of those that cannot be read. DataError if there is
    no such folder."""
    home = Path(folder) / "materials"
    if not home.is_dir():
        raise DataError(
            f"{folder} holds nothing of the Materials Project. Fetch it first: elnes-lab fetch materials-project"
        )
    spectra, refused = [], []
    for path in sorted(home.glob("*/feff-xas.json")):
        try:
            content = json.loads(read_regular(path).bytes)
            energy, intensity = (np.array(content[key], float) for key in ("energy", "intensity"))
            if (
                content["label"] != XAS_LABEL
                or energy.shape != intensity.shape
                or not np.isfinite([energy, intensity]).all()
            ):
                raise ValueError("it has been changed")
            spectra.append(FetchedSpectrum(str(content["material"]), XAS_LABEL, energy, intensity))
        except (OSError, ValueError, KeyError, TypeError) as problem:  # DataError is a ValueError
            refused.append(
                (
                    str(path.relative_to(folder)),
                    f"it cannot be read ({str(problem)[:100]}); delete it and fetch it again",
                )
            )
    return spectra, refused
