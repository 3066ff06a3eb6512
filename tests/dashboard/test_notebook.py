"""The notebooks run from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


WIDGET, FIGURE = "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_is_thin(path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(path.parents[1]))
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(len(cell.source.splitlines()) < 10 for cell in cells)
    assert all(not cell.outputs for cell in cells), "save notebooks without outputs"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute()
    shown = [output.get("data", {}) for cell in cells for output in cell.outputs]
    if path.stem == "dashboard":
        assert WIDGET in shown[-1]
        return
    figures = [data[FIGURE] for data in shown if FIGURE in data]
    assert len(figures) >= 2
    assert all(any(trace.get("x") for trace in figure["data"]) for figure in figures)
    assert any("<table" in data.get("text/html", "") for data in shown)
