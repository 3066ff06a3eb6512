"""The shipped models read, solved and judged before a page asks: by the process that forks the kernels, while nobody waits.

What a page of the same data then finds in `sites.judged.READY` and `session.LOADED` it shares with all others, time and memory.
"""

from collections.abc import Iterator

from ..database import open_database
from ..errors import DataError
from .session import Session
from .sites.judged import judge


def ahead() -> Iterator[str]:
    """Does a part of the work for each item that is asked for, a second or so of one core, and says what."""
    import torch

    torch.set_num_threads(1)  # a copy of a process whose pools of threads have begun would wait for them for ever
    yield "torch"
    try:
        session = Session(open_database())
        for named in session.models:
            model = named.load()
            yield f"{named.name}: read"
            for part in getattr(model, "parts", ()):
                if part.kernel is not None:
                    part.kernel.solved  # noqa: B018
                    yield f"{named.name}: solved"
        for named in session.models:
            if not named.with_structure:  # the surroundings of all sites take longer than all else, and few pages ask
                judge(session.db, named)
                yield f"{named.name}: judged"
    except DataError:  # each page says what is wrong with its data
        return
