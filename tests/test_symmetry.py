"""spglib has one way to say that it finds nothing, whoever else uses it in this process."""

import numpy as np
import pytest

from elnes_lab.symmetry import by_spglib


@pytest.mark.parametrize("question", ["get_symmetry_dataset", "get_symmetry", "standardize_cell"])
@pytest.mark.parametrize("old", ["true", "false"])
def test_what_has_no_symmetry_is_none_whichever_way_spglib_says_so(monkeypatch, old, question):
    """ASE leaves it raising for the rest of the process once a structure was relaxed."""
    monkeypatch.setenv("SPGLIB_OLD_ERROR_HANDLING", old)
    overlapping = np.diag([1e-3, 1.0, 1.0]), [[0.0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], [14, 8, 8]
    assert by_spglib(question, overlapping) is None
    assert by_spglib(question, (np.eye(3) * 3, [[0.0, 0, 0]], [14])) is not None
