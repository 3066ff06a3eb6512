"""What the controls and the table of the Browse panel say; no widget in here."""

from ...spectra import LIFETIME_SLOPE, RMS_WINDOW
from ..common.words import MEAN

ZEROS = (
    ("valence band", "vbm", "Energies above the valence-band maximum"),
    ("edge", "onset", "Energies above the conduction-band edge: the first empty level of the core-hole cell"),
    ("energy loss", "loss", "Energies as a spectrometer shows them"),
)
INTENSITIES = (
    ("per eV", "absolute", "Dipole strength per eV, as computed"),
    (
        *MEAN[:2],
        f"In units of the mean of the isotropic spectrum, {RMS_WINDOW[0]:g} to {RMS_WINDOW[1]:g} eV above the valence-band maximum",
    ),
)
SHOWN = (
    ("sites", False, "A curve for each selected site"),
    (
        "averages",
        True,
        "What a broad beam sees: the mean over all sites of each selected structure, weighted by multiplicity",
    ),
)
OWN_WIDTH = "own"  # in the list of instruments: a width that is none of theirs
WIDTH_HELP = (
    "Extra broadening of spectra and PDOS, full width at half maximum, on top of the Lorentzian of 0.4 eV half width that the "
    "spectra were computed with"
)
PROFILE_HELP = (
    "Gaussian: the instrument. Lorentzian: a lifetime that is the same at all energies. Lifetime: besides the Gaussian, a "
    f"final state that lives the shorter the higher it lies, {LIFETIME_SLOPE:g} eV per eV above the edge (Weijs 1990); what the "
    "spectra have already counts once"
)
INSTRUMENT_HELP = (
    "Broaden as the energy resolution of an electron microscope does, by its source: a Gaussian of that width"
)

# column, heading, decimals, style class ("extra", "extra2", "extra3" give way in narrow tables)
TABLE = (
    ("name", "Structure", 0, "wide"),
    ("atom", "Site", 0, "short"),
    ("kind", "Kind", 0, "text extra2"),
    ("space_group", "Group", 0, "text extra"),
    ("coordination", "CN", 0, "short extra3"),
    ("si_o_mean", "Si–O", 3, ""),
    ("si_o_si_angle", "Angle", 1, ""),
    ("band_gap", "Gap", 2, ""),
    ("density", "Density", 2, "extra text number"),
)
