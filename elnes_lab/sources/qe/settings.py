"""How well a row is computed. The defaults are those of the rows that come with the package."""

from dataclasses import dataclass, fields

from ...errors import DataError, unknown

RYDBERG, BOHR = 13.605693122994, 0.529177210903  # eV, angstrom
ELECTRONS = {"Si": 4, "O": 6}  # valence electrons of the pseudopotentials
MASS = {"Si": 28.085, "O": 15.999}  # g/mol
PDOS_GRID = (-25.0, 30.0, 551)  # eV from the valence-band maximum: first, last, points
SPECTRUM_GRID = (-5.0, 40.0, 451)  # eV from the highest occupied level of the core-hole cell
# full: 1s1, the cell charged +1. half: 1s1.5 and +0.5 (Slater's transition state). excited: 1s1 and the electron in the
# lowest conduction state, the cell neutral. none: the ground state of the supercell.
HOLES = {"full": 1.0, "half": 0.5, "excited": 0.0, "none": 0.0}  # name -> charge of the cell


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
    recursions run together. hole: of HOLES, what the absorber's 1s level and the excited electron are.
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
    hole: str = "full"

    def __post_init__(self):
        if self.hole not in HOLES:
            raise unknown(self.hole, HOLES, "core hole")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "hole" and not (isinstance(value, (int, float)) and 0 < value < 1e6):
                raise DataError(f"{field.name} must be a positive number, not {value!r}.")
