"""Voila with the dashboard on a free port, once for all browser tests, and Chromium to visit it."""

import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from elnes_lab.dashboard.serving import voila_settings

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--enable-unsafe-swiftshader",  # there is no GPU: 3-D views, and they alone, are drawn by an emulated one
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 120  # s for a page to be usable; the machine may be busy
WITHOUT_WEBGL = (
    "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = "
    "function (kind, ...rest) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };"
)


def pytest_collection_modifyitems(items):
    """The layout first, as its pictures show pages that nobody has used; it shares its page with what follows."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent == here and item.path.name != "test_layout.py")


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
    """Function that opens the dashboard and waits until it is usable; the page notes problems and foreign requests.

    first: as somebody who has never been here, whom the tour greets. Structures are drawn only without `without_webgl`,
    which costs a core some seconds.
    """

    def visit(query="", *, without_webgl=True, first=False, **options):
        options = {"viewport": {"width": 1366, "height": 768}, "color_scheme": "light"} | options
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE * 1000)
        if not first:
            page.add_init_script("localStorage.setItem('elnes-lab-toured', '1')")
        if without_webgl:
            page.add_init_script(WITHOUT_WEBGL)
        page.problems, page.foreign = [], []
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: foreign(request.url) and page.foreign.append(request.url))
        page.goto(f"{address}?{query}" if query else address)
        if "page=" in query:  # Browse is built, but not seen
            return page
        page.wait_for_selector(".elnes-spectra .main-svg", timeout=PATIENCE * 1000)
        page.wait_for_selector(".elnes-structure canvas, .elnes-scene .widget-html", timeout=PATIENCE * 1000)
        return page

    def foreign(url):
        parts = urlsplit(url)
        return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"

    return visit


@pytest.fixture(scope="session")
def without_webgl():
    """Script of a page for which there is no WebGL, so that no structure is drawn."""
    return WITHOUT_WEBGL


@pytest.fixture(scope="session")
def shared(visit):
    return visit(without_webgl=False)


@pytest.fixture(scope="session")
def front(visit):
    """Function that brings a page other than Browse to the front of a window that the tests of all of them share: to open
    one takes seconds, and so do the networks, which its kernel has once they are open.
    """
    pages = []

    def front(title):
        pages[:] = pages or [visit(without_webgl=False)]
        page = pages[0]
        page.set_viewport_size({"width": 1366, "height": 768})
        lit = page.locator(".elnes-theme", has_text=re.compile("^Light$"))
        if lit.count():
            lit.click()
        page.problems.clear()
        page.get_by_role("navigation", name="Pages").get_by_role("button", name=title, exact=True).click()
        return page

    return front


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


# Waits until every plot has the size of its card, and no card changes any more.
SETTLED = """() => {
    const plots = [...document.querySelectorAll('.js-plotly-plot')].filter((e) => e.getClientRects().length);
    const state = plots.map((e) => [e.clientWidth, e.clientHeight, e.querySelector('.main-svg')?.clientWidth]).join();
    const still = state === window.elnesLastSeen;
    window.elnesLastSeen = state;
    return still && plots.every((e) => Math.abs(e.querySelector('.main-svg')?.clientWidth - e.clientWidth) <= 3);
}"""
# What sticks out of a card, is cut in it without a way to scroll there, or out of a figure. Measured on every card.
CUT = """(panel) => {
    const seen = (e) => e.getClientRects().length && e.getBoundingClientRect().width > 0;
    const found = [], say = (what, e) => found.push(`${what}: ${e.tagName} ${e.className?.baseVal ?? e.className} ` +
        `"${e.textContent.trim().slice(0, 40)}"`);
    const scrolls = (e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
    for (const card of document.querySelectorAll(`${panel} .elnes-card, .elnes-top, .elnes-nav, .elnes-foot`)) {
        if (!seen(card)) continue;
        const box = card.getBoundingClientRect();
        if (box.left < -1 || box.right > document.documentElement.clientWidth + 1) say('outside the window', card);
        for (const e of card.querySelectorAll('*')) {
            if (!seen(e) || e.closest('svg') !== null && !e.matches('.main-svg') || e.closest('.weas-widget, dialog, option')) continue;
            let inner = e.parentElement, reached = false;
            for (; inner !== card.parentElement && !reached; inner = inner.parentElement) reached = scrolls(inner);
            const r = e.getBoundingClientRect(), style = getComputedStyle(e);
            if (!reached && (r.right > box.right + 1 || r.left < box.left - 1)) say('out of its card', e);
            const hides = ['hidden', 'clip'].includes(style.overflowX) && style.textOverflow !== 'ellipsis';
            if (hides && e.scrollWidth > e.clientWidth + 1 && !e.matches('.elnes-scene, input, select, .progress') &&
                !e.closest('.js-plotly-plot')) say('cut', e);
        }
        for (const list of card.querySelectorAll('.elnes-table .body'))  // its cells have no room
            if (seen(list) && list.scrollWidth > list.clientWidth + 1) say('scrolls sideways', list);
        for (const plot of card.querySelectorAll('.js-plotly-plot')) {
            if (!seen(plot)) continue;
            const frame = plot.getBoundingClientRect();
            const bars = [...plot.querySelectorAll('.modebar-group')].map((e) => e.getBoundingClientRect());
            const titles = [...plot.querySelectorAll('[class*=ytitle]')].map((e) => e.getBoundingClientRect());
            for (const text of plot.querySelectorAll('.legend:not(.legend2) .traces')) {
                const r = text.getBoundingClientRect();
                if (titles.some((title) => r.left < title.right && r.right > title.left && r.top + 2 < title.bottom &&
                    r.bottom - 2 > title.top)) say('across the title of an axis', text);
            }
            for (const text of plot.querySelectorAll('.legendtext')) {
                const r = text.getBoundingClientRect();
                if (bars.some((bar) => bar.width && r.right > bar.left + 2 && r.left < bar.right && r.bottom > bar.top + 2 &&
                    r.top < bar.bottom)) say('below the buttons of its figure', text);
            }
            for (const text of plot.querySelectorAll('.infolayer text, .xtick text, .ytick text')) {
                if (!seen(text) || text.closest('[style*="display: none"]')) continue;
                const r = text.getBoundingClientRect();
                if (r.right > frame.right + 2 || r.left < frame.left - 2) say('out of its figure', text);
            }
        }
    }
    return [...new Set(found)];
}"""


@pytest.fixture(scope="session")
def look():
    """Function: bring a page to a size and a theme (or to both), save pictures, and check what every panel promises there.

    No horizontal scrolling and no horizontal cut on any card, type of 14 px, what `inside` selects lies in the window, and
    the page is at most `tall` windows high. panel: selector of the panel; name: of the pictures; scheme: "light", "dark" or
    "both", where what does not depend on colours is measured once.
    """

    def look(
        page,
        panel,
        *,
        width,
        height,
        scheme,
        name,
        inside=(),
        tall=2.2,
    ):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(SETTLED, polling=150)
        scene = page.locator(f"{panel} .elnes-scene canvas").filter(visible=True).count()
        button = page.locator(".elnes-theme", has_text=re.compile("^(Light|Dark)$"))
        for theme in ("light", "dark") if scheme == "both" else (scheme,):
            if button.inner_text().casefold() == theme:
                button.click()
                if scene:
                    page.wait_for_timeout(250)  # the kernel colours the 3-D view
            page.wait_for_function(f"document.documentElement.dataset.elnesTheme === '{theme}'")
            page.screenshot(path=ARTIFACTS / f"{name}-{width}-{theme}.png", full_page=True)
            background = page.locator(".elnes").evaluate("e => getComputedStyle(e).backgroundColor")
            bright = sum(int(part) for part in background[4:-1].split(",")) / 3
            assert (bright > 200) == (theme == "light")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.scrollHeight") <= tall * height
        assert page.evaluate(CUT, panel) == []
        assert page.locator(panel).get_by_text("That did not work").filter(visible=True).count() == 0
        for selector in inside:
            box = page.locator(selector).first.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, selector
        for plot in page.locator(panel).locator(".js-plotly-plot:visible").all():
            drawn, card = plot.locator(".main-svg").first.bounding_box(), plot.bounding_box()
            assert drawn["width"] == pytest.approx(card["width"], abs=3)
        small = page.evaluate(f"""[...document.querySelectorAll('{panel} *')]
            .filter((e) => e.offsetParent && !e.closest('.weas-widget'))
            .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
            .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 13.9)
            .filter((e) => !'▲▼●'.includes(e.textContent.trim()))
            .map((e) => e.className + ': ' + e.textContent)""")
        assert small == []

    return look


@pytest.fixture(scope="session")
def helped():
    """Function: every control of a page's panel has a line of help, a title on it or on what surrounds it."""

    def helped(page, panel):
        bare = page.evaluate(f"""[...document.querySelectorAll('{panel} :is(select, input, button, .noUi-target)')]
            .filter((e) => !e.closest('.weas-widget, .modebar') && !e.hidden)
            .filter((e) => !e.closest('.elnes-control')?.querySelector('.widget-label [title]'))
            .filter((e) => {{ while (e && !e.classList.contains('elnes-card')) {{
                if (e.title && e.title !== 'null') return false; e = e.parentElement; }} return true; }})
            .map((e) => e.outerHTML)""")
        assert bare == []

    return helped


@pytest.fixture(scope="session")
def named():
    """Function: every control of a page's panel has a name for those who hear the page, and every slider a value."""

    def named(page, panel):
        bare = page.evaluate(f"""[...document.querySelectorAll(
                '{panel} :is(select, input, textarea, button, [role=slider], [role=grid], [role=region], [role=group])')]
            .filter((e) => e.getClientRects().length && !e.closest('.weas-widget, .modebar'))
            .filter((e) => !(e.getAttribute('aria-label') || [...(e.labels ?? [])].some((l) => l.textContent.trim()) ||
                e.title && e.title !== 'null' ||
                e.matches('button') && e.textContent.trim()) || e.matches('[role=slider]:not([aria-valuenow])'))
            .map((e) => e.outerHTML.slice(0, 200))""")
        assert bare == []

    return named


@pytest.fixture
def kernels():
    """Function: process ids of the living kernels that this test run has started."""

    def living(process):
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("elnes-")
        except psutil.NoSuchProcess:  # ended in the meantime
            return False

    return lambda: {child.pid for child in psutil.Process().children(recursive=True) if living(child)}
