"""How well a row is computed. The defaults are those of the rows that come with the package."""

from dataclasses import dataclass

RYDBERG, BOHR = 13.605693122994, 0.529177210903  # eV, angstrom
ELECTRONS = {"Si": 4, "O": 6}  # valence electrons of the pseudopotentials
MASS = {"Si": 28.085, "O": 15.999}  # g/mol
PDOS_GRID = (-25.0, 30.0, 551)  # eV from the valence-band maximum: first, last, points
SPECTRUM_GRID = (-5.0, 40.0, 451)  # eV from the highest occupied level of the core-hole cell


@dataclass(frozen=True)
class Settings:
    """What the result depends on; docs/computing.md has the convergence of each.

    cutoff, density_cutoff: plane waves of states and density, Ry. k_length, k_length_density: angstrom; k points
    along an axis of the PDOS mesh and of the density mesh are this length over the height of the cell. empty_bands:
    per cubic angstrom, 0.24 is complete to about 17 eV above the band edge. dos_step, finest_dos_step: eV, step of
    the tetrahedron DOS before smoothing, halved from the first to the second until the DOS counts the electrons
    right. pdos_sigma: eV, Gaussian on top of the tetrahedra. image_distance: angstrom between core holes, in the
    smallest supercell that has it or the best one of at most max_atoms atoms. aliasing: sum left by the k points of
    the spectrum. iterations: Lanczos steps. hwhm: eV, Lorentzian of the spectrum. batch: sites of a structure whose
    recursions run together.
    """

    cutoff: float = 25.0
    density_cutoff: float = 100.0
    k_length: float = 18.0
    k_length_density: float = 8.0
    empty_bands: float = 0.24
    dos_step: float = 0.01
    finest_dos_step: float = 0.00125
    pdos_sigma: float = 0.15
    image_distance: float = 8.5
    max_atoms: int = 110
    aliasing: float = 1e-4
    iterations: int = 400
    hwhm: float = 0.4
    batch: int = 4
