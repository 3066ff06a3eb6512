"""An example that says what it is: a computed average, broadened and counted, on a background, as a microscope would give it."""

import numpy as np

from ..io.measured import Measured
from ..spectra import broaden
from .matching import Library

STRUCTURES = ("coesite", "quartz-alpha", "cristobalite")
FWHM, COUNTS, EXPONENT, JUMP = (
    0.8,
    4000,
    3.0,
    1.5,
)  # eV, counts in the maximum of the edge, power law, edge maximum/background
MISCALIBRATED = 0.6  # eV that the example's energies are too high
WINDOW, STEP = (505.0, 572.0), 0.2


def example(db, *, seed: int = 0) -> Measured:
    """A Measured made from the database: the average of coesite, or of another structure if there is no coesite.

    The same numbers whenever it is called with the same data.
    """
    library = Library(db)
    label = next((name for name in STRUCTURES if name in library.labels), str(library.labels[0]))
    row = library.find(label)
    energy = np.round(np.arange(WINDOW[0], WINDOW[1] + STEP / 2, STEP), 6)
    curve = np.interp(
        energy - MISCALIBRATED, library.energy, broaden(library.energy, library.raw[row], gaussian_fwhm=FWHM), left=0
    )
    edge = COUNTS * curve / curve.max()
    counts = edge + COUNTS / JUMP * (energy / 530) ** -EXPONENT
    noisy = np.random.default_rng(seed).poisson(counts).astype(float)
    note = (
        f"An example, not a measurement: our own average of {library.names[row]} ({label}), broadened by {FWHM:g} eV, with counted "
        f"noise ({COUNTS:,} counts in the maximum of the edge), a background falling as E⁻³ and energies {MISCALIBRATED:g} eV too high."
    )
    return Measured(
        name=f"example ({label})",
        kind="made from the database",
        energy=energy,
        intensity=noisy,
        unit="counts",
        notes=(note,),
        facts={"signal": "energy loss", "structure": label},
    )
