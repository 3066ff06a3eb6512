"""A universal potential: structures relaxed in seconds, models of silica glass made by melting and quenching.

    universal       the potential, CHGNet: energy, forces and stress for ASE; weights read as numbers alone
    relaxation      positions and cell to where no force is left, and what that changed
    geometry        lengths, angles, coordination and radial distribution functions of a silicon oxide
    quality         what a model of silica glass must satisfy, with the published values it is held against
    quench          from a random start through the melt to a solid; goes on where it was interrupted
    models          a folder of such models, and the list of the good ones for `elnes-lab compute`

docs/how-to/predict.md and glass.md say how to use it, docs/potential.md what it is.
"""

from .quality import check_glass
from .relaxation import Relaxed, relax

__all__ = ["Relaxed", "check_glass", "relax"]
