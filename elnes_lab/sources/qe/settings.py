"""How well a row is computed. Every computed step records what its settings change against the first rows' (`described`)."""

from dataclasses import dataclass, fields, replace

from ...errors import DataError, unknown
from ..quantum_espresso import ORIGINAL

RYDBERG, BOHR = 13.605693122994, 0.529177210903  # eV, angstrom
ELECTRONS = {"Si": 4, "O": 6}  # valence electrons of the pseudopotentials
PDOS_GRID = (-25.0, 30.0, 551)  # eV from the valence-band maximum: first, last, points
SPECTRUM_GRID = (-5.0, 40.0, 451)  # eV from the highest occupied level of the core-hole cell
# full: 1s1, the cell charged +1. half: 1s1.5 and +0.5 (Slater's transition state). excited: 1s1 and the electron in the
# lowest conduction state, the cell neutral. none: the ground state of the supercell.
HOLES = {"full": 1.0, "half": 0.5, "excited": 0.0, "none": 0.0}  # name -> charge of the cell
MESHES = ("full", "coarse")  # of the pseudopotentials, see `meshes`
FARTHEST = 15.0  # angstrom between core holes: some 300 atoms
MANY = 1000  # atoms that a supercell may have where more distance is asked for than a stored row has


@dataclass(frozen=True)
class Settings:
    """What the result depends on; docs/computing.md has the convergence of each.

    cutoff, density_cutoff: plane waves of states and density, Ry. k_length, k_length_density: angstrom; k points
    along an axis of the PDOS mesh and of the density mesh are this length over the height of the cell. empty_bands:
    per cubic angstrom, 0.24 is complete to about 17 eV above the band edge. dos_step, finest_dos_step: eV, step of
    the tetrahedron DOS before smoothing, halved from the first to the second until the DOS counts the electrons
    right. pdos_sigma: eV, Gaussian on top of the tetrahedra. image_distance: angstrom between core holes, in the
    smallest supercell that has it or the best one of at most max_atoms atoms. mesh: of MESHES, the radial points
    that the engine integrates pseudopotentials over. threshold: Ry per atom, to which densities converge. aliasing:
    sum left by the k points of the spectrum. iterations: Lanczos steps. grid: points of the FFT grid of the
    recursion along each axis over those of the density; below 1 the highest components of the potential are cut off.
    hwhm: eV, Lorentzian of the spectrum. batch: sites of a structure whose recursions run together. hole: of HOLES,
    what the absorber's 1s level and the excited electron are.
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
    mesh: str = "full"
    threshold: float = 1e-7
    aliasing: float = 1e-4
    iterations: int = 400
    grid: float = 1.0
    hwhm: float = 0.4
    batch: int = 4
    hole: str = "full"

    def __post_init__(self):
        if self.hole not in HOLES:
            raise unknown(self.hole, HOLES, "core hole")
        if self.mesh not in MESHES:
            raise unknown(self.mesh, MESHES, "radial mesh")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in WORDS and not (isinstance(value, (int, float)) and 0 < value < 1e6):
                raise DataError(f"{field.name} must be a positive number, not {value!r}.")
        if not 0.5 <= self.grid <= 1:
            raise DataError(f"grid must be from 0.5 to 1, not {self.grid:g}: a share of the density's FFT grid.")


WORDS = ("hole", "mesh")  # settings that are words; the others are numbers
WHOLE = ("max_atoms", "iterations", "batch")
GROUND_ONLY = ("k_length", "k_length_density", "empty_bands", "dos_step", "finest_dos_step", "pdos_sigma")
SITE_ONLY = ("aliasing", "iterations", "grid", "hwhm", "hole")
# Name -> what it changes against the settings of the first rows.
FIRST = Settings(mesh="full", threshold=1e-7, iterations=400, grid=1.0)
QUALITIES = {
    "original": {},
    "fast": {"mesh": "coarse", "threshold": 1e-6, "grid": 0.75},
    "fine": {"image_distance": 12.0},
}


def value_of(name: str, text: str):
    """The value of a setting from a word of a command line. DataError for an unknown name, ValueError for a word that is no value."""
    names = [field.name for field in fields(Settings)]
    if name not in names:
        raise unknown(name, names, "setting")
    return text.strip() if name in WORDS else (int if name in WHOLE else float)(text)


def changed(base: Settings, **values) -> Settings:
    """The settings with some values changed, and with them what belongs together: the density's cut-off follows the
    states', more distance between holes may take more atoms. DataError for a value that cannot be."""
    more = {}
    if values.get("cutoff") and "density_cutoff" not in values:
        more["density_cutoff"] = 4 * values["cutoff"]
    distance = values.get("image_distance", 0)
    if distance > FARTHEST:
        raise DataError(
            f"An image distance of {distance:g} angstrom needs more atoms than can be computed. Give at most "
            f"{FARTHEST:g}."
        )
    if distance > base.image_distance and "max_atoms" not in values:
        more["max_atoms"] = max(base.max_atoms, MANY)
    return replace(base, **(more | values))


def described(settings: Settings, step: str) -> str:
    """What a "ground" or "site" file records of its settings: NAME=VALUE of all that differ from those of the first rows
    and count for this step, ORIGINAL if none does."""
    others = {"ground": SITE_ONLY, "site": GROUND_ONLY}[step]
    text = lambda value: value if isinstance(value, str) else f"{value:g}"
    different = [
        f"{field.name}={text(getattr(settings, field.name))}"
        for field in fields(settings)
        if field.name not in (*others, "batch") and getattr(settings, field.name) != getattr(FIRST, field.name)
    ]
    return " ".join(different) or ORIGINAL
