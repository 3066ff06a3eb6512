"""What the Inspect panel says; no widget in here."""

from ..common.words import MEAN as NORMALISED

INTENSITIES = (
    NORMALISED,
    ("per eV", "absolute", "Dipole strength per eV: computed, and predicted times the computed mean"),
)
BAND = "Shaded: the interval that holds 90 % of the computed points of a new crystal structure. "
INPUTS = "Below, the ground-state densities of states as the network is given them."
HINT = "Click a point, or drag a box to step through what is inside. Arrow keys go to the next worst and back."


PLAIN = {
    "mean spectrum": "The mean of the training spectra as the answer for all: what knows nothing has this error",
    "kernel ridge": "Kernel ridge regression on the same PDOS, the best of the plain methods",
}
