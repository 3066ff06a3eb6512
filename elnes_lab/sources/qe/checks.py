"""What a computed step must satisfy before it is stored; each limit says what it is made from.

A check raises DataError with the measured value and what is likely wrong. The rules for files (gap, window, edge) are
those of `quantum_espresso.read_ground` and `read_site`, which run on every file as well.
"""

import numpy as np

from ...errors import DataError

COUNT = 0.02  # of the electrons; a DOS step fine enough keeps it below 0.01
PROJECTED = (0.90, 1.05)  # Loewdin charge over electrons; 0.95 to 1.02 over 76 ground states whose DOS counts right
SUPERCELL = 0.03  # eV per atom between crystal and supercell at Gamma; at most 0.016 over 78 structures,
WIDTH = 8.5  # where the images are at least this far apart, angstrom; smaller cells sample the bands more coarsely
ONSET = (
    -215.0,
    -201.0,
)  # eV, electron put into the core-hole cell less its ground state; -210.3 to -206.2 over 329 sites
NORM = (0.006, 0.011)  # bohr^2, mean squared norm of the dipole vector, nearly that of the atom; 0.0083 in stishovite
STRENGTH = (0.0012, 0.0019)  # bohr^2, integral of the stored isotropic spectrum; 0.00147 to 0.00158 over 329 sites
SUM_RULE = 0.02  # of the norm, by which the integral of the continued fraction may differ from the sum over its states
CONVERGED = (
    0.08  # rms between the recursion and three quarters of it, spectra of mean 1; 0.02 in stishovite, 0.01 in glass
)


def electron_count(energy: np.ndarray, dos: np.ndarray, middle: float, electrons: int) -> float:
    """Relative excess of the electrons that the DOS (points,) in states/eV counts below `middle` of the gap (eV)."""
    below = energy < middle
    return float(np.trapezoid(dos[below], energy[below]) / electrons - 1)


def check_count(excess: float, step: float) -> None:
    if not abs(excess) <= COUNT:
        raise DataError(
            f"The DOS counts {excess:+.1%} electrons below the gap, at a step of {step} eV: flat bands fall between "
            "its points, or the bands are not those of this structure."
        )


def check_gap(vbm: float, cbm: float) -> None:
    if not cbm - vbm > 0.1:
        raise DataError(
            f"The gap is {cbm - vbm:.2f} eV: with fixed occupations the structure must be an insulator. Metals and "
            "structures with unpaired electrons cannot be computed this way."
        )


def check_projection(charge: float, electrons: int) -> None:
    """charge: s and p of all atoms, integrated below the gap."""
    if not PROJECTED[0] <= charge / electrons <= PROJECTED[1]:
        raise DataError(
            f"The projected DOS holds {charge / electrons:.1%} of the electrons: the projection does not describe this "
            "structure."
        )


def check_supercell(energy: float, large: float, atoms: int, cells: int, distance: float) -> None:
    """energy, large (eV) of the cell of `atoms` and of the supercell of `cells` cells, whose images are `distance`
    angstrom apart."""
    difference = (large / cells - energy) / atoms
    if not abs(difference) <= SUPERCELL * max(1.0, WIDTH / distance) ** 3:
        raise DataError(
            f"The supercell's energy differs by {difference:+.3f} eV per atom from the cell's: one of the two is not "
            "the ground state, or Gamma alone does not do for this supercell."
        )


def check_levels(homo: float, lumo: float) -> None:
    if not 0.1 < lumo - homo < 12:
        raise DataError(
            f"The core-hole cell has {lumo - homo:.2f} eV between its highest occupied and lowest empty level: it is "
            "not the insulator that the method needs."
        )


def check_onset(onset: float, how: str) -> None:
    """onset: energy (eV) of the core hole with an electron in the conduction band, less that of the neutral
    supercell."""
    if not ONSET[0] <= onset <= ONSET[1]:
        raise DataError(
            f"The transition energy from {how} is {onset:.2f} eV on the scale of the pseudopotentials, outside "
            f"{ONSET[0]:.0f} to {ONSET[1]:.0f} eV: one of the total energies is wrong."
        )


def check_recursion(a: np.ndarray, b: np.ndarray, norm: np.ndarray, full: bool = True) -> None:
    """a, b (iterations, 3), norm (3,) of one k point. full: whether the absorber has a full hole, as all stored rows."""
    if not (np.isfinite(a).all() and np.isfinite(b).all() and (b > 0).all()):
        raise DataError(
            "The recursion broke down: a coefficient is not a positive number. The potential or the overlap is damaged."
        )
    mean = float((norm**2).mean())
    if full and not NORM[0] <= mean <= NORM[1]:
        raise DataError(
            f"The squared dipole vector is {mean:.5f} bohr^2, outside {NORM[0]} to {NORM[1]}: the pseudopotentials are "
            "not those of oxygen with a core hole."
        )


def check_sum_rule(integral: float, states: float) -> None:
    """integral over all energies of the broadened spectrum, and the sum over the states of the recursion it is made
    of."""
    if not abs(integral / states - 1) <= SUM_RULE:
        raise DataError(
            f"The spectrum integrates to {integral / states:.1%} of the strength of its states: the continued fraction "
            "does not hold."
        )


def check_convergence(full: np.ndarray, shorter: np.ndarray) -> None:
    """Isotropic spectra (energies,) of the whole recursion and of three quarters of it."""
    rms = float(np.sqrt(((full / full.mean() - shorter / shorter.mean()) ** 2).mean()))
    if not rms <= CONVERGED:
        raise DataError(
            f"The recursion has not converged: with a quarter fewer steps the spectrum differs by {rms:.3f} (rms). "
            "Raise the number of iterations."
        )


def check_strength(energy: np.ndarray, strength: np.ndarray) -> None:
    """energy (e,), strength (3, e) as stored."""
    total = float(strength.mean(0).sum() * (energy[1] - energy[0]))
    if not STRENGTH[0] <= total <= STRENGTH[1]:
        raise DataError(
            f"The spectrum integrates to {total:.5f} bohr^2, outside {STRENGTH[0]} to {STRENGTH[1]}: it is not an O K "
            "edge at full strength."
        )
