"""Step one: the ground state of a structure. Total energy, gap, DOS and the s and p PDOS of every atom."""

from pathlib import Path

import numpy as np

from ...symmetry import by_spglib
from . import checks, inputs, outputs
from .cells import k_mesh, k_shift, supercell
from .engine import Engine
from .settings import ELECTRONS, PDOS_GRID, Settings
from .structures import Structure


def ground_state(structure: Structure, settings: Settings, engine: Engine, work: Path, limit: float) -> dict:
    """The arrays of ground.npz but for `seconds` and `settings` (docs/reference/files.md lists them). work: empty folder with the link to
    the pseudopotentials; limit: seconds for each program. DataError if a program fails or the result does not pass
    its checks.
    """
    cell, symbols, positions = structure.cell, structure.symbols, structure.positions
    electrons = sum(ELECTRONS[s] for s in symbols)
    occupied = electrons // 2
    kmesh, coarse = k_mesh(cell, settings.k_length), k_mesh(cell, settings.k_length_density)
    shift = k_shift(kmesh, by_spglib("get_symmetry", (cell, positions, structure.numbers))["rotations"])
    bands = int(occupied + settings.empty_bands * structure.volume) + 4

    out = engine.run(
        "pw",
        inputs.pw("scf", settings, cell, symbols, positions, coarse, bands=occupied + 2),
        work,
        limit=limit,
        name="density",
    )
    energy, near_gap = outputs.total_energy(out), outputs.band_energies(out, occupied + 1)  # contains Gamma
    out = engine.run(
        "pw",
        inputs.pw(
            "nscf", settings, cell, symbols, positions, kmesh, shift=shift, bands=bands, occupations="tetrahedra_opt"
        ),
        work,
        limit=limit,
        name="bands",
    )
    levels = outputs.band_energies(out, bands)
    vbm = max(levels[:, occupied - 1].max(), near_gap[:, occupied - 1].max())
    cbm = min(levels[:, occupied].min(), near_gap[:, occupied].min())
    checks.check_gap(vbm, cbm)

    grid = np.linspace(*PDOS_GRID)
    total, found, step = tetrahedra(structure, settings, engine, work, limit, vbm, cbm, electrons)
    s, p, pxyz = (np.zeros((len(symbols), *shape, len(grid))) for shape in ((), (), (3,)))
    on_grid = lambda y: smoothed(total[:, 0] - vbm, y, grid, settings.pdos_sigma / step)
    for (atom, orbital), columns in found.items():
        if orbital == "s":
            s[atom] = on_grid(columns[:, 0])
        else:
            p[atom] = on_grid(columns[:, 0])
            pxyz[atom] = [on_grid(columns[:, i]) for i in (2, 3, 1)]  # printed as z, x, y

    matrix, distance = supercell(cell, len(symbols), settings.image_distance, settings.max_atoms)
    out = engine.run(
        "pw", inputs.pw("scf", settings, *structure.supercell(matrix)), work, limit=limit, name="supercell"
    )
    large = outputs.total_energy(out)
    checks.check_supercell(energy, large, len(symbols), round(abs(np.linalg.det(matrix))), distance)
    return dict(
        cell=cell,
        symbols=np.array(symbols),
        positions=positions,
        name=structure.name,
        source=structure.source,
        total_energy=energy,
        vbm=vbm,
        cbm=cbm,
        band_gap=cbm - vbm,
        kmesh=kmesh,
        kshift=shift,
        bands=bands,
        top=levels[:, -1].min() - vbm,
        supercell=matrix,
        supercell_energy=large,
        energy=packed(grid),
        dos=packed(on_grid(total[:, 1])),
        pdos_s=packed(s),
        pdos_p=packed(p),
        pdos_pxyz=packed(pxyz),
    )


def tetrahedra(
    structure,
    settings,
    engine,
    work,
    limit,
    vbm,
    cbm,
    electrons,
):
    """DOS (points, 2), projections and step (eV) of projwfc.x: the coarsest step whose DOS counts the electrons
    within a hundredth, halved down to the finest. DataError if even that is off."""
    step, middle = settings.dos_step, (vbm + cbm) / 2
    while True:
        engine.run("projwfc", inputs.projwfc(step, vbm + PDOS_GRID[0], vbm + PDOS_GRID[1]), work, limit=limit)
        total = outputs.density_of_states(work)
        excess = checks.electron_count(*total.T, middle, electrons)
        if abs(excess) <= checks.COUNT / 2 or step / 2 < settings.finest_dos_step:
            break
        step /= 2
    checks.check_count(excess, step)
    found = outputs.projections(work, len(structure.symbols))
    below = total[:, 0] < middle
    charge = sum(np.trapezoid(columns[below, 0], total[below, 0]) for columns in found.values())
    checks.check_projection(charge / (1 + excess), electrons)
    return total, found, step


def smoothed(energy, y, grid, sigma):
    """y (points,) at `energy`, smoothed by a Gaussian of `sigma` points, on the grid; 0 outside."""
    from scipy.ndimage import gaussian_filter1d

    return np.interp(grid, energy, gaussian_filter1d(y, sigma), left=0, right=0)


def packed(x: np.ndarray) -> np.ndarray:
    return np.round(x, 4).astype(np.float32)
