"""The full calculation on the page, over a reload, by a visitor whose neighbour sees nothing of it. The steps are the stored ones."""

import io
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

import elnes_lab
from elnes_lab.dashboard.serving import voila_settings

ROOT = Path(__file__).resolve().parents[2]
SLOW = 120_000  # ms on a busy machine
FIGURE = "document.querySelector('.elnes-predicted')"
NAMES = f"{FIGURE}.data.filter((t) => t.visible && t.showlegend).map((t) => t.name)"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const card = document.querySelector('.elnes-newstructure .elnes-drop');
  for (const kind of ['dragover', 'drop']) card.dispatchEvent(
    new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
# Python imports this by itself; the workers of this server then take the stored steps in place of the engine's.
SITE = """import sys
if any("calculations.worker" in word for word in sys.orig_argv):
    sys.path.insert(0, {folder!r})
    import stored_worker
    from elnes_lab.sources.qe import plan
    plan.perform = stored_worker.task
    stored_worker.hurry()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a server that allows one calculation at once."""
    folder = tmp_path_factory.mktemp("calculations")
    (folder / "sitecustomize.py").write_text(SITE.format(folder=str(ROOT / "tests" / "sources" / "calculations")))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = voila_settings.environment(calculations=1) | {
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "ELNES_LAB_CALCULATIONS_FOLDER": str(folder / "place"),
        "STORED_SECONDS": "4",
    }
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            voila_settings.command(port=port), env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url, end = f"http://127.0.0.1:{port}/", time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{url}voila/static/labvariables.css", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.3)
        yield f"{url}?page=new-structure"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport={"width": 1366, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(server)
    yield page
    assert page.problems == []
    context.close()


def quartz():
    from ase.io import write

    text = io.StringIO()
    with elnes_lab.open_database() as db:
        write(text, db.atoms("quartz-alpha"), format="vasp")
    return text.getvalue()


def test_three_routes_over_a_reload_and_nothing_for_the_neighbour(page, browser, server, tmp_path):
    panel = page.locator(".elnes-newstructure")
    panel.locator(".elnes-heading", has_text="coesite").wait_for()
    page.evaluate(DROP, ["quartz-alpha.vasp", quartz()])
    panel.locator(".elnes-heading", has_text="quartz-alpha.vasp").wait_for()
    panel.get_by_text("54 atoms in the cell with the core hole").wait_for()
    panel.get_by_role("button", name="Compute O3").click()
    panel.get_by_text("the same browser finds it again here").wait_for()
    panel.get_by_role("button", name="Cancel").wait_for()

    page.reload()  # and its kernel ends with it
    mine = panel.get_by_title("Your calculations")
    mine.wait_for()
    mine.locator("option", has_text="quartz-alpha.vasp").wait_for(state="attached")
    mine.select_option(index=1)  # its text says how far it is, and changes
    panel.locator(".elnes-heading", has_text="quartz-alpha.vasp").wait_for()
    panel.get_by_text("O3 was computed here").wait_for()
    page.wait_for_function(f"{NAMES}.includes('computed here, O3')", timeout=SLOW)
    names = page.evaluate(NAMES)
    assert {"structure route, O3", "PDOS route, O3", "computed here, O3"} <= set(names)
    assert panel.get_by_role("row").filter(has_text="PDOS route").is_visible()
    with page.expect_download() as event:
        panel.get_by_role("button", name="Database").click()
    path = tmp_path / "mine.nc"
    event.value.save_as(path)
    with elnes_lab.open_database(path) as db:
        assert len(db) == 1

    neighbour = browser.new_context().new_page()
    neighbour.set_default_timeout(SLOW)
    neighbour.goto(server)
    other = neighbour.locator(".elnes-newstructure")
    other.locator(".elnes-heading", has_text="coesite").wait_for()
    neighbour.evaluate(DROP, ["quartz-alpha.vasp", quartz()])
    other.get_by_text("54 atoms in the cell with the core hole").wait_for()
    assert not other.get_by_title("Your calculations").is_visible()
    assert other.get_by_role("button", name="Compute O3").is_enabled()
    neighbour.context.close()

    panel.get_by_role("button", name="Remove").click()
    panel.get_by_text("54 atoms in the cell with the core hole").wait_for()
    assert not mine.is_visible()
