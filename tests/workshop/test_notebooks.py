"""The lessons and their solutions run from start to end; solved, every exercise is right, and unanswered, none fails."""

from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from elnes_lab import workshop
from elnes_lab.workshop.checking import RIGHT, UNANSWERED

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "workshop"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))
WIDGET, FIGURE = "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"
ANSWER, REASON = "answer = ", "**Why.** "


@pytest.fixture(scope="module")
def kernel():
    """One for all notebooks, each of which finds it without a name: what they import takes longer than what they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FOLDER.parents[1]))
        manager = KernelManager()
        manager.start_kernel(cwd=str(FOLDER))
    yield manager
    manager.shutdown_kernel(now=True)


def cells(path):
    return nbformat.read(path, as_version=4).cells


def test_every_lesson_has_its_solution():
    assert [path.name for path in SOLUTIONS] == [path.name for path in LESSONS]
    assert [int(path.name[0]) for path in LESSONS] == list(workshop.LESSONS)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_solution_is_its_lesson_answered(path):
    """Apart from title, answers and reasons both are the same, so that neither is mended alone."""
    lesson = [cell.source for cell in cells(path)]
    solved = [cell.source for cell in cells(FOLDER / "solutions" / path.name) if not cell.source.startswith(REASON)]
    assert len(lesson) == len(solved)
    for ours, theirs in list(zip(lesson, solved))[1:]:
        asked = f"{ANSWER}..." in ours
        assert (ours != theirs and f"{ANSWER}..." not in theirs) if asked else ours == theirs
        if asked:
            assert ours.splitlines()[-1] == theirs.splitlines()[-1]  # the check
    reasons = [cell for cell in cells(FOLDER / "solutions" / path.name) if cell.source.startswith(REASON)]
    assert len(reasons) == sum(f"{ANSWER}..." in source for source in lesson)


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_notebook_runs_and_is_thin(path, kernel):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(len(cell.source.splitlines()) < 10 for cell in code)
    assert all(not cell.outputs and cell.execution_count is None for cell in code), "save notebooks without outputs"
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    NotebookClient(notebook, km=kernel, timeout=300).execute()
    outputs = [output for cell in code for output in cell.outputs]
    shown = [output.get("data", {}) for output in outputs]

    wanted = RIGHT if path in SOLUTIONS else UNANSWERED
    checks = [cell for cell in code if cell.source.splitlines()[-1].startswith("check.") and ANSWER in cell.source]
    said = [cell.outputs[-1].data["text/plain"] for cell in checks]
    assert [text for text in said if not text.startswith(f"[{wanted}] ")] == []
    count = len(workshop.begin(int(path.name[0])).exercises)
    assert len(said) == len({cell.source.splitlines()[-1] for cell in checks}) == count
    right = count if wanted == RIGHT else 0
    assert f"{right} of {count} exercises right" in [data.get("text/plain") for data in shown]

    assert any(WIDGET in data for data in shown), "a page of the dashboard belongs to every lesson"
    figures = [data[FIGURE] for data in shown if FIGURE in data]
    assert len(figures) >= 2
    assert all(any(trace.get("x") for trace in figure["data"]) for figure in figures)
    assert any("<table" in data.get("text/html", "") for data in shown)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
