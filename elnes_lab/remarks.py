"""What is out of the ordinary about a site, by rules over its data: the column `remark`.

None of this makes a spectrum wrong, and nothing is left out for it; it says why a site may stand apart from its
neighbors and from what a model expects. Each rule and its limit are given beside the distribution that they were read
from, over all 1,189 sites of the database.
"""

import numpy as np

from .sources.qe.cells import farthest
from .spectra import half_height
from .structure import Environment, _angles

# Degrees. The largest O-Si-O angle at a silicon of four bonds: 113 in the median, 122 for 95 % of the sites, and 2 %
# of them are above the limit. A tetrahedron so flattened has an empty state of its own below the others', as its Si-O
# antibonding combination is no longer pushed up evenly: the six nets that have one have gaps of 2.6 to 4.5 eV.
FLATTENED = 130.0
# eV by which the gap between the levels of the core-hole cell falls short of the crystal's: 0.8 in the median, 1.3 for
# 95 % of the sites. More means that the highest occupied level lies far from the hole, where the charged cell's
# potential is higher (the farther the cell's farthest point, the larger it is), or that the hole binds a level. Both
# make energies from the valence band incomparable with other sites'.
NARROWED = 1.5
# Angstrom from any core hole to the farthest point of the cell, above which that is named: 7.4 in the median structure,
# 10.3 for 95 % of them; most structures with levels so close are beyond.
FAR = 10.0
# eV by which a site's transition energy lies below the median of its structure's computed sites: 0.2 for 95 %, 0.7 at most
# but for a site where the hole binds a level (1.9).
BOUND = 1.0
# eV from the first empty level to half of the spectrum's height: 1.4 in the median, 1.8 for 95 % of the sites. More
# means that the first empty states are elsewhere and carry next to no p weight at this oxygen.
LATE = 2.2


def flattened(environment: Environment, silicon: int) -> float:
    """Largest O-Si-O angle in degrees at a silicon with four bonds; NaN for any other number of bonds."""
    vectors = environment.bonds(silicon).vector
    if len(vectors) != 4:
        return np.nan
    first, second = np.triu_indices(4, 1)
    return float(_angles(vectors[first], vectors[second]).max())


def remarks(environment: Environment, band_gap: float, sites: list, onsets: list) -> list[str]:
    """One text per computed site of a structure, "" for an ordinary one, else reasons separated by "; ".

    band_gap: eV, of the ground state; sites: with `site` (index of the atom), `supercell` (3, 3), `energy` (e,) eV,
    `strength` (3, e), `homo` and `lumo`, eV, such as `sources.quantum_espresso.CoreHoleSite`; onsets: transition energies in eV, NaN where
    unknown.
    """
    # The rules about bonds are those of silicon: what is out of the ordinary around another element is not known.
    angles = {int(i): flattened(environment, i) for i in np.flatnonzero(environment.symbols == "Si")}
    widest = np.nanmax([*angles.values(), 0.0])
    onsets = np.asarray(onsets, float)
    typical = np.median(onsets[np.isfinite(onsets)]) if np.isfinite(onsets).any() else np.nan
    found = []
    for site, onset in zip(sites, onsets):
        bonded = {int(i) for i in environment.bonds(site.site).index} & angles.keys()
        beside = np.nanmax([*(angles[i] for i in bonded), 0.0])
        most = max((len(environment.bonds(i).index) for i in bonded), default=0)
        levels = float(site.lumo - site.homo)
        beyond = farthest(site.supercell @ environment.cell)
        late = float(half_height(site.energy, site.strength.mean(0))) - levels
        texts = [
            (most > 4, f"silicon with {most} oxygens"),
            (beside > FLATTENED, f"flattened tetrahedron (O-Si-O {beside:.0f} degrees)"),
            (
                beside <= FLATTENED < widest,
                f"flattened tetrahedra elsewhere in the structure (O-Si-O {widest:.0f} degrees)",
            ),
            (
                band_gap - levels > NARROWED,
                f"levels of the core-hole cell {band_gap - levels:.1f} eV closer than the crystal's gap"
                + (f", in a cell with points {beyond:.0f} angstrom from any hole" if beyond > FAR else ""),
            ),
            (
                typical - onset > BOUND,
                f"core-hole level bound: onset {typical - onset:.1f} eV below the structure's others",
            ),
            (late > LATE, f"first empty states elsewhere: spectrum rises {late:.1f} eV above them"),
        ]
        found.append("; ".join(text for true, text in texts if true))
    return found
