"""Inputs of pw.x, projwfc.x and pp.x. Cells in angstrom, positions fractional, cut-offs in Ry."""

import numpy as np

from ...subject import MASS
from .pseudopotentials import KINDS
from .settings import Settings

STATES, POTENTIAL, PROJECTIONS = "./tmp", "potential.dat", "pdos"  # in the folder where the programs run
PSEUDO = "./pseudo"  # there too: a link, as paths can hold quotation marks


def pw(
    task: str,
    settings: Settings,
    cell,
    symbols,
    positions,
    kmesh=None,
    *,
    shift=(0, 0, 0),
    hole: int | None = None,
    bands: int | None = None,
    charge: float = 0,
    restart: list[float] | None = None,
    threshold: float = 1e-4,
    occupations: str = "fixed",
) -> str:
    """Input of pw.x for `task` "scf" or "nscf"; kmesh None: the Gamma point alone.

    hole: the atom that has the 1s hole. restart: occupations of all bands; the run then starts from the density
    and the states of the one before. threshold: Ry, of a restarted run; the default does for its total energy, which the
    error of the density enters squared, not for its potential.
    """
    kinds = [kind for kind in KINDS if kind != "Oh" or hole is not None]
    mass = MASS | {"Oh": MASS["O"]}
    start = (
        f"startingpot='file', startingwfc='file', conv_thr={threshold:.2e}"
        if restart
        else f"conv_thr={settings.threshold * len(symbols):.2e}"
    )
    lines = [
        f"&control\n calculation='{task}', prefix='run', outdir='{STATES}', pseudo_dir='{PSEUDO}', verbosity='high'\n/",
        f"&system\n ibrav=0, nat={len(symbols)}, ntyp={len(kinds)}, ecutwfc={settings.cutoff}, "
        f"ecutrho={settings.density_cutoff}, occupations='{'from_input' if restart else occupations}', "
        f"tot_charge={charge}"
        + (f", nbnd={bands}" if bands else "")
        + (", nosym=.true." if hole is not None else "")
        + "\n/",
        f"&electrons\n {start}, mixing_beta=0.6, electron_maxstep=80, diago_david_ndim=4\n/",
        "ATOMIC_SPECIES",
        *[f"{kind} {mass[kind]} {KINDS[kind]}.upf" for kind in kinds],
        "ATOMIC_POSITIONS crystal",
        *[
            "{} {:.10f} {:.10f} {:.10f}".format("Oh" if i == hole else s, *p)
            for i, (s, p) in enumerate(zip(symbols, positions))
        ],
        (
            "K_POINTS gamma"
            if kmesh is None
            else "K_POINTS automatic\n{} {} {} {} {} {}".format(*kmesh, *np.asarray(shift, int))
        ),
        "CELL_PARAMETERS angstrom",
        *["{:.10f} {:.10f} {:.10f}".format(*v) for v in cell],
        *(["OCCUPATIONS", *map(str, restart)] if restart else []),
    ]
    return "\n".join(lines) + "\n"


def projwfc(step: float, first: float, last: float) -> str:
    """Projected densities of states from `first` to `last`, in steps of `step` (eV)."""
    return (
        f"&projwfc\n prefix='run', outdir='{STATES}', DeltaE={step}, Emin={first:.6f}, Emax={last:.6f}, "
        f"filpdos='{PROJECTIONS}'\n/\n"
    )


def pp_potential() -> str:
    """The total local potential, to POTENTIAL."""
    return (
        f"&inputpp\n prefix='run', outdir='{STATES}', filplot='{POTENTIAL}', plot_num=1\n/\n&plot\n iflag=3, "
        "output_format=6, fileout=' '\n/\n"
    )
