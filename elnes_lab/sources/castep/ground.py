"""The ground state of a row: structure, gap, density of states and PDOS from one CASTEP calculation and OptaDOS."""

import numpy as np

from ...errors import DataError
from ...structure import Environment
from ..checks import ELECTRONS, check_structure
from .optados import Projections, read_projections, smooth, zero
from .run import Run

GRID = np.linspace(-25.0, 30.0, 551)  # eV above the valence-band maximum, as in all rows
SIGMA = 0.15  # eV, Gaussian, on top of OptaDOS's own broadening


def electrons_of(symbols) -> int:
    """Valence electrons. The elements are checked before."""
    return sum(ELECTRONS[symbol] for symbol in symbols)


def ground_arrays(run: Run, name: str, source: str) -> tuple[dict, Environment]:
    """What ground.npz holds but for the supercell, offset and method; and the structure.

    px, py and pz are NaN: OptaDOS does not tell them apart. The DOS is the eigenvalues', a Gaussian each. DataError if
    the calculation cannot be a ground state of the database.
    """
    report, cell = run.report, run.cell
    check_structure(cell.cell, cell.symbols, cell.positions)
    if any(":" in label for label in cell.labels):
        raise DataError(
            f"{run.seed}: its atoms carry labels; OptaDOS counts such atoms apart, so that the PDOS cannot be assigned"
        )
    environment = Environment(cell.cell, cell.symbols, cell.positions)
    electrons = electrons_of(cell.symbols)
    found = run.bands.electrons.sum()
    if abs(found - electrons) > 0.01 or abs(report.charge) > 1e-6:
        raise DataError(
            f"{run.seed}: {found:g} electrons and a charge of {report.charge:g} where the neutral cell has {electrons} "
            "with 6 for oxygen and 4 for silicon"
        )
    vbm, cbm = run.bands.edges(electrons // 2)
    if cbm <= vbm:
        raise DataError(f"{run.seed}: no gap: the band edges are {vbm:.3f} and {cbm:.3f} eV")
    if not run.projections:
        raise DataError(f"{run.seed}: no PDOS beside it ({run.seed}.pdos.dat); run OptaDOS with task pdos")
    curves, shift = site_projections(read_projections(run.projections), environment, run, electrons // 2)
    energy = curves.pop("energy") + shift - vbm
    s, p = (smooth(energy, curves[channel], GRID, SIGMA) for channel in "sp")
    return dict(
        cell=cell.cell,
        symbols=cell.symbols,
        positions=cell.positions,
        name=np.array(name),
        source=np.array(source),
        total_energy=report.energy,
        vbm=vbm,
        cbm=cbm,
        band_gap=cbm - vbm,
        bands=run.bands.levels.shape[2],
        top=run.bands.complete - vbm,
        energy=GRID.astype(np.float32),
        dos=run.bands.density(GRID + vbm, SIGMA).astype(np.float32),
        pdos_s=s.astype(np.float32),
        pdos_p=p.astype(np.float32),
        pdos_pxyz=np.full((len(s), 3, len(GRID)), np.nan, np.float32),
        seconds=report.seconds,
    ), environment


def site_projections(found: Projections, environment: Environment, run: Run, occupied: int) -> tuple[dict, float]:
    """energy (e,); s and p (atoms, e) of every atom, those not in the files from an equivalent one; and the shift to
    the zero of the eigenvalues. DataError names atoms without either."""
    symbols, kinds = environment.symbols, environment.equivalent_atoms
    rank = [int((symbols[: i + 1] == symbols[i]).sum()) for i in range(len(symbols))]
    curves = {"energy": found.energy}
    for channel in "sp":
        own = {
            int(kinds[i]): found.channels[symbols[i], rank[i], channel]
            for i in range(len(symbols))
            if (symbols[i], rank[i], channel) in found.channels
        }
        lacking = [f"{symbols[i]}{rank[i]}" for i in range(len(symbols)) if int(kinds[i]) not in own]
        if lacking:
            raise DataError(
                f"{run.seed}: no column of the PDOS is the {channel} channel of {', '.join(lacking[:6])} alone; run "
                f"OptaDOS with a projector for each channel of each atom, such as {lacking[0]}(s;p)"
            )
        curves[channel] = np.array(
            [found.channels.get((symbols[i], rank[i], channel), own[int(kinds[i])]) for i in range(len(symbols))]
        )
    return curves, zero(found, (curves["s"] + curves["p"]).sum(0), run.bands, occupied)
