"""What the pages call things, for those who are new to the field, and the tour of the first visit; no widget in here."""

# Term, what it means here. In the order in which somebody new needs them.
TERMS = (
    (
        "ELNES",
        "Energy-loss near-edge structure: the fine structure of an absorption edge in electron energy-loss spectroscopy. "
        "Its twin with X-rays is XANES.",
    ),
    ("O K edge", "The edge at which electrons from the 1s shell of oxygen are excited, at about 530 to 540 eV."),
    (
        "Site",
        "One oxygen atom of one structure: the absorbing atom. Equivalent oxygens of a structure count as one site.",
    ),
    (
        "Core hole",
        "The empty place that the excited 1s electron leaves. It pulls the empty states down and changes the spectrum; all "
        "spectra here are computed with it.",
    ),
    (
        "PDOS",
        "Projected density of states: how many states there are at an energy, as far as they belong to one atom and one "
        "angular momentum (a channel, as O p). Here that of the ground state, without a core hole: quick to compute.",
    ),
    (
        "Polarization",
        "Direction of the momentum that is transferred: along x, y or z of the stored cell. The isotropic spectrum is the mean "
        "of the three, as a powder or a glass has.",
    ),
    ("Edge, edge onset", "The energy at which the absorption begins."),
    (
        "Zero of energy",
        "What energies count from: the valence-band maximum (highest filled state), the conduction-band minimum (lowest empty "
        "state), the edge itself, or the energy loss as an experiment has it.",
    ),
    (
        "Band gap",
        "Conduction-band minimum less valence-band maximum. PBE, the functional used here, makes it too small.",
    ),
    (
        "Broadening",
        "Smearing of a spectrum by lifetime and instrument. FWHM is the full width at half maximum of a peak, HWHM half of it.",
    ),
    ("Crystal, amorphous", "A crystal repeats itself; an amorphous structure, as a glass, does not."),
    ("Coordination", "Number of atoms bonded to an atom: 2 silicons at a usual oxygen, 4 oxygens at a usual silicon."),
    (
        "Net",
        "How silicon and oxygen are connected, without lengths and angles. Structures of one net are near-copies of each other "
        "and are held out together.",
    ),
    ("Prototype", "The known structure type that a structure was made from, before it was relaxed."),
    (
        "Network",
        "A neural network, which here predicts the spectrum of a site from its PDOS, with or without the band gap.",
    ),
    (
        "Ensemble, member",
        "Several models trained on different shares of the data, and one of them. They predict together.",
    ),
    (
        "Trained on, held out",
        "A structure is trained on if a model has seen its spectra. Held-out structures are those that it has not seen: only "
        "their errors say how well it predicts.",
    ),
    (
        "Cross-fitted",
        "Trained several times, each time with other structures held out, so that every structure is predicted by a part that "
        "has not seen it.",
    ),
    ("MSE", "Mean square error: the mean of the squared differences between two spectra, each scaled to a mean of 1."),
    (
        "Mean spectrum",
        "The mean of all training spectra as the answer for every site: a model must do better than that.",
    ),
    ("Kernel ridge", "Kernel ridge regression, a plain method that predicts by similarity to the training spectra."),
    (
        "Interval",
        "A range that holds 90 % of the values of new structures. It is calibrated on structures that the model has not seen.",
    ),
    (
        "Out of domain",
        "Unlike everything that a model was trained on, so that its prediction is a guess. A score above 1 says so.",
    ),
    (
        "Structure route",
        "Prediction from the surroundings of an atom alone, without a first-principles calculation, on the page New structure.",
    ),
    ("Deconvolution", "Removes multiple scattering from a measured spectrum with its low-loss part."),
    (
        "Mixture",
        "Computed spectra added with shares that are not negative, so that the sum fits a measured spectrum best.",
    ),
)

# What is shown (the first that can be seen of these), and what is said about it.
TOUR = (
    (
        ".elnes-table",
        "Each row is one oxygen site of silica, with its spectrum. Click a row to draw it; click the box at its left to "
        "compare several.",
    ),
    (".elnes-filters", "Search and filters say which sites are listed: try quartz, or only amorphous ones."),
    (
        ".elnes-spectra",
        "The computed O K edge, and below it the density of states of the ground state. Drag to zoom, double-click to go "
        "back; SVG, PNG and CSV save what you see.",
    ),
    (".elnes-structure", "Where the oxygen sits. Drag to turn; x, y and z are the directions of polarization."),
    (
        ".elnes-nav button:nth-of-type(2)",
        "Train teaches a network, in seconds, to predict spectra from the density of states.",
    ),
    (
        ".elnes-nav button:nth-of-type(3)",
        "Inspect shows the error of every spectrum: click a point to see how wrong it is.",
    ),
    (
        ".elnes-nav button:nth-of-type(6)",
        "My spectrum puts a measured spectrum beside these and reads the structure from it; New structure predicts the "
        "spectrum of yours.",
    ),
    (
        ".elnes-help-button",
        "Every term is explained here, and from here this tour starts again. Share copies a link to what you see.",
    ),
)
