"""ELNES Lab: first-principles O K-edge ELNES of silicon oxides, to browse, to learn from and to extend.

>>> import elnes_lab
>>> db = elnes_lab.open_database()
>>> energy, intensity = db.query("kind == 'crystal' and band_gap > 5").curves(zero="loss")
"""

from .database import Database, open_database
from .errors import DataError
from .version import VERSION as __version__

__all__ = ["Database", "DataError", "open_database", "__version__"]
