"""Exchange formats, out of the database and into it."""

from .export import FORMATS, export, export_bytes

__all__ = ["FORMATS", "export", "export_bytes"]
