"""The one exception that users are meant to read."""

import difflib


class DataError(ValueError):
    """Input that cannot be used. The message says what is wrong, why, and what to do about it."""


def unknown(name: str, known, what: str) -> DataError:
    """Error for a name that is not there, with the nearest ones that are."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    known, name = list(known), name if len(name) <= 100 else name[:97] + "..."
    listed = ", ".join(known[:40]) + (", ..." if len(known) > 40 else "")
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return DataError(f"There is no {what} '{name}'. {meant}Known: {listed}.")
