"""The interactive pages, for Voila and JupyterLab: `from elnes_lab.dashboard import app; app()`."""


def app(path=None):
    """The dashboard as a widget to display; path: database file or folder, default the one of the package."""
    from .frame import app as build

    return build(path)


__all__ = ["app"]
