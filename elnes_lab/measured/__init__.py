"""From a measured spectrum to one that can be put beside ours: the steps of the treatment, matches, mixtures.

>>> from elnes_lab.io.measured import read
>>> from elnes_lab.measured import Library, match, treat
>>> treated = treat(read("quartz.msa"))
>>> matches = match(treated.energy, treated.intensity, Library(db))
"""

from .matching import Library, match
from .mixture import mixture
from .steps import Background, Calibrate, Crop, Deconvolve, Normalize, suggested, treat

__all__ = [
    "Background",
    "Calibrate",
    "Crop",
    "Deconvolve",
    "Library",
    "Normalize",
    "match",
    "mixture",
    "suggested",
    "treat",
]
