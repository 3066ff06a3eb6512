"""What the forking process does ahead is what a page would have done, and is found by a page of the same data alone."""

import numpy as np
import pytest

from elnes_lab import open_database
from elnes_lab.dashboard import ahead
from elnes_lab.dashboard import session as sessions
from elnes_lab.dashboard.session import NamedModel, Session
from elnes_lab.dashboard.sites import judged


@pytest.fixture
def separate(monkeypatch):
    """Places of their own for what is shared, so that nothing of another test is found."""
    monkeypatch.setattr(sessions, "LOADED", {})
    monkeypatch.setattr(judged, "READY", {})


def test_a_page_finds_what_was_done_ahead_and_it_is_what_it_would_have_done(separate):
    done = list(ahead.ahead())
    assert done[0] == "torch" and sum(what.endswith("judged") for what in done) == 2
    assert len(sessions.LOADED) == 3 and len(judged.READY) == 2
    db = open_database()
    page = Session(db)
    for named in page.models:
        assert named.load() is sessions.LOADED[named.shared]
    named = page.models[1]
    found = judged.judge(db, named)
    assert found is judged.READY[named.shared]
    fresh = judged._judge(db, NamedModel("fresh", named.card, "uploaded", folder=named.folder, db=db))
    np.testing.assert_allclose(found.mse, fresh.mse)
    np.testing.assert_allclose(found.upper, fresh.upper)
    assert found.reasons == fresh.reasons
    few = Session(db[np.arange(50)])  # other data, other models of the same name
    assert few.models[1].shared not in judged.READY
    assert NamedModel("trained", named.card, "trained", model=object(), db=db).shared is None
