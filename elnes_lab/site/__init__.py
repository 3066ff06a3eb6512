"""The pages Browse, Inspect, Core hole and Predict as a folder of static files that any web server shows: no Python behind them.

>>> from elnes_lab.site import build_site
>>> build_site(elnes_lab.open_database(), "public")

What is computed is computed here, by the package, and packed; what the pages say, their colours and their figures come from the
dashboard's words and models and from `elnes_lab.figures`, as JSON. The JavaScript (static/) shifts, broadens, multiplies the networks (`networks`) and draws.
"""

from .build import build_site

__all__ = ["build_site"]
