"""Questions to spglib, which answers within one tolerance everywhere."""

SYMPREC = 0.02  # Angstrom; as when the inequivalent sites to compute were chosen


def by_spglib(question: str, cell: tuple, **options):
    """What spglib's function of that name finds for (cell, fractional positions, numbers) within SYMPREC; None where it finds
    nothing, for which it returns None or raises, as the environment says: ASE changes that for the whole process."""
    import spglib

    try:
        return getattr(spglib, question)(cell, symprec=SYMPREC, **options)
    except spglib.error.SpglibError:
        return None
