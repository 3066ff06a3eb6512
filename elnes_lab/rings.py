"""Primitive rings of a silicon-oxygen network, with every periodic image an atom of its own.

A ring is primitive (a shortest-path ring) if no two of its atoms are linked by a way shorter than along the ring:
C. S. Marians and L. W. Hobbs, J. Non-Cryst. Solids 124, 242 (1990); D. S. Franzblau, Phys. Rev. B 44, 4925 (1991). Of
these the smallest is taken at each angle O-Si-O', so that the six angles of a tetrahedron give its vertex symbol
(M. O'Keeffe and S. T. Hyde, Zeolites 19, 370 (1997)): quartz 6.6.6.6.8.8, cristobalite 6.6.6.6.6.6.
Two simpler criteria say less. Guttman's shortest ring through a Si-O-Si link misses quartz's 8-rings; King's shortest
way back to the silicon counts two fused 4-rings as a 6-ring (zeolite GIS: 4.4.4.6.6.8 for 4.4.4.8.8.8).
"""

import numpy as np

_BASE = 1 << 20  # more periodic images than a search can ever reach along one axis


class Network:
    """Periodic graph of Si-O bonds.

    index: per atom the atoms it is bonded to, (bonds,); image: per atom their lattice images, (bonds, 3) integers.
    """

    def __init__(self, index: list[np.ndarray], image: list[np.ndarray]):
        # Atom i in image (a, b, c) is the integer i + n (a + b 2^20 + c 2^40): to follow a bond is to add a number, and
        # a search through thousands of images needs neither tuples nor a copy of the cell.
        weight = np.array([1, _BASE, _BASE**2])
        self._atoms = len(index)
        self._steps = [
            (atoms - i + self._atoms * (images @ weight)).tolist()
            for i, (atoms, images) in enumerate(zip(index, image))
        ]
        self._shells = [[{i}] for i in range(self._atoms)]  # by number of bonds away; they grow when needed
        self._distance = [{i: 0} for i in range(self._atoms)]

    def ring_sizes(self, oxygen: int, *, largest: int = 16) -> tuple[int, ...]:
        """Sizes of the rings through an oxygen: (angles,) numbers of silicon atoms, ascending.

        One size, that of the smallest primitive ring, for each angle O-Si-O' at the silicons bonded to the oxygen: six
        for an oxygen between two tetrahedra; 2 where polyhedra share an edge. An angle that no primitive ring of up to
        `largest` silicons closes (next to a non-bridging oxygen, in a chain, often at 180 degrees) has no entry.
        """
        sizes = []
        for step in self._steps[oxygen]:
            silicon = (oxygen + step) % self._atoms
            here = silicon - step  # this oxygen, seen from the silicon's home cell
            for other in self._steps[silicon]:
                if silicon + other != here:
                    sizes.append(self._smallest(silicon, here, silicon + other, largest))
        return tuple(sorted(size for size in sizes if size))

    def _smallest(self, silicon: int, first: int, second: int, largest: int) -> int:
        """Silicon atoms in the smallest primitive ring with the angle first-silicon-second, 0 if there is none."""
        for half in range(2, largest + 1):
            shell = self._shell(silicon, half)
            if not shell:
                break
            if any(
                self._closes(silicon, first, second, far, half)
                for far in shell
                if self._bonds_between(first, far, half) == half - 1 == self._bonds_between(second, far, half)
            ):
                return half
        return 0

    def _closes(self, silicon: int, first: int, second: int, far: int, half: int) -> bool:
        """Whether shortest ways to `far` by `first` and by `second` make a primitive ring, of `half` silicon atoms.

        All rings are even here, so a ring is primitive if each atom is `half` bonds away from the one opposite it.
        """
        ways = [(first,)]
        for k in range(2, half):  # every shortest way out
            ways = [
                way + (key,)
                for way in ways
                for key in self._next(way[-1])
                if self._bonds_between(key, far, half) == half - k
            ]
        for way in ways:
            back = {second} if self._bonds_between(way[half - 2], second, half) == half else set()
            for k in range(2, half):  # and one that keeps clear of it
                back = {
                    key
                    for start in back
                    for key in self._next(start)
                    if self._bonds_between(key, far, half) == half - k
                    and self._bonds_between(way[half - 1 - k], key, half) == half
                }
            if back:
                return True
        return False

    def _next(self, key: int) -> list[int]:
        return [key + step for step in self._steps[key % self._atoms]]

    def _shell(self, atom: int, bonds: int) -> set[int]:
        """All atoms exactly so many bonds away from an atom of the home cell."""
        shells, distance = self._shells[atom], self._distance[atom]
        while len(shells) <= bonds:
            shells.append({key for start in shells[-1] for key in self._next(start)} - distance.keys())
            distance.update(dict.fromkeys(shells[-1], len(shells) - 1))
        return shells[bonds]

    def _bonds_between(self, a: int, b: int, most: int) -> int:
        """Number of bonds of the shortest way from a to b; if there are more than `most`, any larger number."""
        home = a % self._atoms
        self._shell(home, most)
        return self._distance[home].get(b - a + home, most + 1)
