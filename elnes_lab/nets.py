"""Which silicon-oxygen net a structure is: its silicon atoms' coordination sequences, whatever cell it is given in.

Two silicons are neighbors if they share an oxygen (once, however many they share: corners, edges and three-fold
oxygens alike). The coordination sequence of a silicon counts its first, second, third neighbors and so on: quartz 4,
12, 30, 52, 80; cristobalite 4, 12, 24, 42, 64. G. O. Brunner and F. Laves, Wiss. Z. Tech. Univ. Dresden 20, 387 (1971);
W. M. Meier and H. J. Moeck, J. Solid State Chem. 27, 349 (1979). The share of each sequence among a structure's
silicons does not depend on the cell, on the order of the atoms or on a distortion that breaks no bond: alpha- and
beta-quartz are one net. Different nets may in principle agree in all sequences; none are known among the zeolites.
Layers and chains count within themselves, so that stackings of one layer are one net.
"""

import hashlib

import numpy as np

SHELLS = 14  # further than two cells of any crystal here; ten are usual
DENSITY_SHELLS = 10  # of the topological density TD10, as in the Atlas of Zeolite Framework Types
_BASE = 1 << 12  # more periodic images than 14 steps can ever reach along one axis


def coordination_sequences(index: list, image: list, silicon, shells: int = SHELLS) -> np.ndarray:
    """Neighbors of each silicon in its first, second, ... shell: (silicon, shells) integers.

    index, image: as of `rings.Network`, for each atom the atoms it is bonded to, (bonds,), and their lattice images,
    (bonds, 3) integers; silicon: which of the atoms are silicon, indices.
    """
    steps, count = _steps(index, image, np.asarray(silicon)), len(silicon)
    found = np.zeros((count, shells), int)
    for atom in range(count):
        before, shell = np.zeros(0, int), np.array([atom])
        for k in range(shells):
            reached = np.unique((shell[:, None] + steps[shell % count]).ravel())
            for known in (shell, before):  # a neighbor of a shell is in it, in the one before or in the next
                reached = reached[~_inside(reached, known)]
            before, shell = shell, reached
            found[atom, k] = len(shell)
            if not len(shell):
                break
    return found


def net_name(sequences: np.ndarray) -> str:
    """Name of the net with these coordination sequences (silicon, shells): the same for every cell of it.

    The topological density TD10 (atoms in the first ten shells and the one in the middle, mean over the silicons,
    rounded), a hyphen, and eight digits of a hash of the sequences with their shares: quartz has TD10 = 1231.
    """
    rows, counts = np.unique(sequences, axis=0, return_counts=True)
    counts //= np.gcd.reduce(counts)
    text = ";".join(f"{count}:" + ",".join(map(str, row)) for count, row in zip(counts, rows.tolist()))
    density = 1 + sequences[:, :DENSITY_SHELLS].sum(1).mean()
    return f"{round(density)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _steps(index, image, silicon) -> np.ndarray:
    """What to add to a silicon's number to get those of its neighbors, (silicon, most neighbors); 0 pads.

    Silicon i (of n) in image (a, b, c) has the number i + n (a + b 2^12 + c 2^24).
    """
    weight, place = np.array([1, _BASE, _BASE**2]), {int(atom): i for i, atom in enumerate(silicon)}
    rows = []
    for i, atom in enumerate(silicon):
        near = set()
        for oxygen, there in zip(index[atom], image[atom]):
            numbers = [place[int(other)] for other in index[oxygen]]
            near.update((numbers - np.int64(i) + len(silicon) * ((image[oxygen] + there) @ weight)).tolist())
        rows.append(sorted(near - {0}))
    steps = np.zeros((len(rows), max(1, *map(len, rows), 1)), np.int64)
    for line, row in zip(steps, rows):
        line[: len(row)] = row
    return steps


def _inside(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of values are among known; both ascending."""
    if not len(known):
        return np.zeros(len(values), bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
