"""Voila with the dashboard on a free port, once for all browser tests, and Chromium to visit it."""

import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from elnes_lab.dashboard import voila_settings

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 120  # s for a page to be usable; the machine may be busy


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("voila") / "voila.log"
    environment = voila_settings.environment()
    environment["PYTHONPATH"] = str(ROOT)
    with log.open("w") as output:
        server = subprocess.Popen(
            voila_settings.command(port=port), env=environment, cwd=log.parent, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}/"
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    # An unknown file is answered without starting a kernel.
                    urllib.request.urlopen(f"{url}voila/static/labvariables.css", timeout=5).close()
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > end:
                        pytest.fail(f"Voila did not start:\n{log.read_text()}")
                    time.sleep(0.3)
            yield url
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    ARTIFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def visit(address, browser):
    """Function that opens the dashboard and waits until it is usable; the page notes problems and foreign requests."""

    def visit(query="", *, without_webgl=False, **options):
        options = {"viewport": {"width": 1366, "height": 768}, "color_scheme": "light"} | options
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(30_000)
        if without_webgl:
            page.add_init_script(
                "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = "
                "function (kind, ...rest) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };"
            )
        page.problems, page.foreign = [], []
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: foreign(request.url) and page.foreign.append(request.url))
        page.goto(f"{address}?{query}" if query else address)
        page.wait_for_selector(".elnes-spectra .main-svg", timeout=PATIENCE * 1000)
        page.wait_for_selector(".elnes-structure canvas, .elnes-scene .widget-html", timeout=PATIENCE * 1000)
        return page

    def foreign(url):
        parts = urlsplit(url)
        return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"

    return visit


@pytest.fixture(scope="session")
def shared(visit):
    return visit()


@pytest.fixture
def page(shared):
    """The shared page, brought back to its first state as a person would do it."""
    shared.get_by_role("button", name="Reset filters").click()
    shared.get_by_role("button", name="Clear", exact=True).click()
    shared.wait_for_function("document.querySelector('.elnes-spectra').data.every((t) => !t.visible)")
    shared.get_by_role("button", name="Show alpha-quartz").click()
    shared.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 6")
    yield shared
    assert shared.problems == []
    assert shared.foreign == []


@pytest.fixture
def kernels():
    """Function: process ids of the living kernels that this test run has started."""

    def living(process):
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("elnes-")
        except psutil.NoSuchProcess:  # ended in the meantime
            return False

    return lambda: {child.pid for child in psutil.Process().children(recursive=True) if living(child)}
