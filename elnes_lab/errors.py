"""The one exception that users are meant to read."""


class DataError(ValueError):
    """Input that cannot be used. The message says what is wrong, why, and what to do about it."""
