"""The dashboard as the output of a cell in JupyterLab, where researchers open it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # s; the machine may be busy
CURVES = "document.querySelector('.elnes-spectra')?.data?.filter((trace) => trace.visible)"


@pytest.fixture
def lab(tmp_path):
    """Address and process of a JupyterLab with settings of its own, on copies of the notebooks: it saves what it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--allow-root",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--expose-app-in-browser",
        f"--notebook-dir={tmp_path / 'notebooks'}",
        f"--LabApp.user_settings_dir={tmp_path / 'settings'}",
        f"--LabApp.workspaces_dir={tmp_path / 'workspaces'}",
    ]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    log = tmp_path / "lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
        try:
            url, end = f"http://127.0.0.1:{port}/", time.monotonic() + PATIENCE
            while True:
                try:
                    urllib.request.urlopen(f"{url}api", timeout=5).close()
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > end:
                        pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
                    time.sleep(0.3)
            yield url, psutil.Process(server.pid)
        finally:
            server.terminate()  # ends the kernels, too
            server.wait(60)


def run_all(page):
    """Run the cells of the notebook in front, once its kernel is connected: a command given before is dropped."""
    kernel = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"{kernel}?.connectionStatus === 'connected' && {kernel}.status === 'idle'")
    asked = "/\\[(\\*|\\d+)\\]/.test(document.querySelector('.jp-CodeCell .jp-InputPrompt')?.innerText)"
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")  # not awaited: it may never end
    page.wait_for_function(asked)


def test_dashboard_in_jupyterlab(lab, browser):
    url, server = lab
    page = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme="light").new_page()
    page.set_default_timeout(PATIENCE * 1000)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.goto(f"{url}lab/tree/dashboard.ipynb")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    run_all(page)
    page.wait_for_function(f"{CURVES}?.length === 6")
    assert page.locator(".elnes-share").count() == 0, "the address is JupyterLab's, not that of a selection"
    assert page.locator(".elnes-theme").count() == 0, "the theme is JupyterLab's"

    # Nothing sticks out of the cell, which is narrower than the window, and the names of the structures can be read.
    assert page.evaluate("document.querySelector('.elnes').scrollWidth <= document.querySelector('.elnes').clientWidth")
    assert page.locator(".elnes-table .row .cell.wide").first.bounding_box()["width"] > 80

    # Keys pressed in the table are the table's: twice D deletes a cell in JupyterLab, arrow down goes to the next cell.
    page.locator(".elnes-table .row").nth(1).click()
    page.wait_for_function(f"{CURVES}.length === 2")
    for key in ("ArrowDown", "Space", "d", "d"):
        page.keyboard.press(key)
    page.wait_for_function(f"{CURVES}.length === 4")
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1

    page.locator(".elnes-nav").get_by_role("button", name="Train").click()
    page.wait_for_selector(".elnes-windows .main-svg")
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_selector(":root[data-elnes-theme=dark]", state="attached")

    # A page that is loaded anew finds its kernel, and shows what was selected.
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_selector(".elnes-windows .main-svg")
    page.locator(".elnes-nav").get_by_role("button", name="Browse").click()
    page.wait_for_function(f"{CURVES}?.length === 4")
    assert problems == []

    kernels = server.children()
    assert len(kernels) == 1
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    kernels[0].wait(PATIENCE)
    assert server.children() == []
    page.context.close()


def test_one_panel_comes_back_after_its_kernel_was_restarted(lab, browser, tmp_path):
    url, _ = lab
    notebook = json.loads((ROOT / "notebooks" / "dashboard.ipynb").read_text())
    notebook["cells"][0]["source"] = ["from elnes_lab.dashboard import app\n", 'app(panel="Core hole")']
    (tmp_path / "notebooks" / "one.ipynb").write_text(json.dumps(notebook))
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(f"{url}lab/tree/one.ipynb")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    for restarted in (False, True):
        if restarted:
            page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
            page.wait_for_selector(".elnes.jupyter-widgets-disconnected")
        run_all(page)
        page.wait_for_selector(".elnes:not(.jupyter-widgets-disconnected) .elnes-corehole .elnes-change .main-svg")
        assert page.locator(".elnes-corehole").count() == 1 and page.locator(".elnes-nav").count() == 0
        assert page.locator(".elnes-gone, .elnes-notice").count() == 0
    page.context.close()
