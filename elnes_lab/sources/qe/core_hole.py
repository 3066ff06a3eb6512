"""Steps two and three: the density of a supercell with a core hole on one oxygen, and the spectrum in its frozen
potential."""

from pathlib import Path

import numpy as np

from . import checks, inputs, outputs
from .cells import special_points, supercell
from .engine import Engine
from .hamiltonian import CoreHole
from .pseudopotentials import Pseudopotentials
from .recursion import chain_states, dipole_strength, recursions, strength_of_states
from .settings import ELECTRONS, HOLES, SPECTRUM_GRID, Settings
from .structures import Structure

SHORTER = 0.75  # of the recursion, to see whether it has converged
WIDE, BROAD = np.arange(-2000.0, 4000.0, 1.5), 2.0  # eV; the sum rule is an integral over all energies, at any width


def core_hole_density(
    structure: Structure,
    site: int,
    neutral: bool,
    settings: Settings,
    engine: Engine,
    work: Path,
    limit: float,
) -> dict:
    """What O<site>.npz holds but the spectrum, seconds and settings, and `potential` (n1, n2, n3) in Ry, from which that is made.

    neutral: the energy with one electron in the conduction band too. Arguments and errors as for `ground_state`.
    """
    matrix, distance = supercell(structure.cell, len(structure.symbols), settings.image_distance, settings.max_atoms)
    cell, symbols, positions = structure.supercell(matrix)
    occupied = sum(ELECTRONS[s] for s in symbols) // 2  # 7 valence electrons on the hole, charge +1
    hole = None if settings.hole == "none" else site
    excited = [2.0] * occupied + [1.0] + [0.0] * 3  # occupations of the neutral cell with a hole
    run = lambda name, **options: engine.run(
        "pw",
        inputs.pw("scf", settings, cell, symbols, positions, hole=hole, bands=occupied + 4, **options),
        work,
        limit=limit,
        name=name,
    )
    out = run("density", charge=1 if settings.hole == "excited" else HOLES[settings.hole])
    neutral_energy = np.nan
    if settings.hole == "excited":
        out = run("neutral", restart=excited, threshold=settings.threshold * len(symbols))
        neutral_energy = outputs.total_energy(out)
    energy, levels = outputs.total_energy(out), outputs.band_energies(out, occupied + 1)[-1]
    homo, lumo = levels[occupied - 1], levels[occupied]
    checks.check_levels(homo, lumo)
    engine.run("pp", inputs.pp_potential(), work, limit=limit)
    potential = outputs.local_potential(work / inputs.POTENTIAL)
    if neutral and settings.hole == "full":  # last, as it replaces the density
        neutral_energy = outputs.total_energy(run("neutral", restart=excited))
    return dict(
        site=site,
        multiplicity=dict(structure.oxygens).get(site, 1),
        supercell=matrix,
        image_distance=distance,
        total_energy=energy,
        neutral_energy=neutral_energy,
        homo=homo,
        lumo=lumo,
        potential=potential,
    )


def spectra(structure: Structure, densities: list[dict], settings: Settings, pseudos: Pseudopotentials) -> list[dict]:
    """The arrays of O<site>.npz but for `seconds` and `settings`, for the results of `core_hole_density` for sites of one
    structure."""
    matrix = densities[0]["supercell"]
    if others := [row for row in densities if not np.array_equal(row["supercell"], matrix)]:  # e.g. of another version
        found = {id(row): spectra(structure, [row], settings, pseudos)[0] for row in others}
        same = [row for row in densities if id(row) not in found]
        found |= {id(row): made for row, made in zip(same, spectra(structure, same, settings, pseudos))}
        return [found[id(row)] for row in densities]
    cell, symbols, positions = structure.supercell(matrix)
    holes = [
        CoreHole(
            cell,
            ["Oh" if i == row["site"] and settings.hole != "none" else s for i, s in enumerate(symbols)],
            positions,
            pseudos.kinds,
            int(row["site"]),
            pseudos.kinds["O" if settings.hole == "none" else "Oh"].core,
            row["potential"],
            cutoff=settings.cutoff,
            grid=settings.grid,
        )
        for row in densities
    ]
    kpoints, aliasing = special_points(cell, settings.aliasing)
    grid = np.linspace(*SPECTRUM_GRID)
    full, short = np.zeros((2, len(densities), 3, len(grid)))
    fewer = int(settings.iterations * SHORTER)
    for k in kpoints:
        a, b, norm = recursions(holes, k, settings.iterations)
        for i, row in enumerate(densities):
            checks.check_recursion(a[i], b[i], norm[i], full=settings.hole in ("full", "excited"))
            middle = (row["homo"] + row["lumo"]) / 2
            for axis in range(3):
                chain = lambda n: (a[i, :n, axis], b[i, :n, axis])
                known, fewest = chain_states(*chain(settings.iterations)), chain_states(*chain(fewer))
                one = lambda n, energy, width, states: dipole_strength(
                    *chain(n), norm[i, axis], energy, hwhm=width, occupied=middle, states=states
                )
                checks.check_sum_rule(
                    float(one(settings.iterations, WIDE, BROAD, known).sum() * (WIDE[1] - WIDE[0])),
                    strength_of_states(*chain(settings.iterations), norm[i, axis], occupied=middle, states=known),
                )
                on_grid = lambda n, states: one(n, grid + row["homo"], settings.hwhm, states) / len(kpoints)
                full[i, axis] += on_grid(settings.iterations, known)
                short[i, axis] += on_grid(fewer, fewest)
    rows = []
    for row, strength, shorter in zip(densities, full, short):
        checks.check_convergence(strength.mean(0), shorter.mean(0))
        if settings.hole == "full":  # its limits come from such rows
            checks.check_strength(grid, strength)
        rows.append(
            {key: value for key, value in row.items() if key != "potential"}
            | dict(
                kpoints=kpoints,
                aliasing=aliasing,
                iterations=settings.iterations,
                energy=grid.astype(np.float32),
                strength=strength.astype(np.float32),
            )
        )
    return rows
