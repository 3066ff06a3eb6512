"""The interactive pages, for Voila and JupyterLab: `from elnes_lab.dashboard import app; app()`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets as ipw


def app(path=None, *, panel=None) -> "ipw.VBox":
    """The dashboard as a widget to display; path: database file or folder, default the one of the package.

    panel: "Browse", "Train", "Inspect", "Core hole", "New structure" or "My spectrum" alone; default: all of them.
    """
    from .frame import app as build

    return build(path, panel=panel)


__all__ = ["app"]
