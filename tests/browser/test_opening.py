"""A page comes alive however slow, late or lossy its connection is, or says what is the matter and offers a way out."""

import re

import pytest

ALIVE = "document.querySelector('.elnes-spectra .main-svg') && !document.querySelector('#elnes-skeleton')"
CURVES = "document.querySelector('.elnes-spectra').data.filter((trace) => trace.visible).length"
PATIENCE = 120_000
# Calls window.received(text, deliver) for each message of the kernel, which delivers it or not.
TAP = """
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  set onmessage(listener) {
    super.onmessage = (event) => window.received(new TextDecoder().decode(event.data), () => listener(event));
  }
};
"""
# The widget manager's timers come late, as in a tab in the background, and the models between two of them.
LATE = """
const plain = window.setTimeout, begin = performance.now();
window.setTimeout = (call, delay, ...rest) =>
  plain(call, delay >= 50 && delay <= 100 && performance.now() - begin < 40000 ? 6000 : delay, ...rest);
const waits = () => document.querySelector('#rendered_cells')?.textContent.includes('Loading widget');
window.received = async (text, deliver) => {
  if (text.includes('update_states')) {
    while (!waits()) await new Promise((resolve) => plain(resolve, 20));
    await new Promise((resolve) => plain(resolve, 1000));
    window.late = true;
  }
  deliver();
};
"""
# The first two answers with all states are lost on the way, and so is one to a question for a single model.
LOSSY = """
window.lost = 0;
let single = 0;
window.received = (text, deliver) => {
  if (text.includes('update_states') && window.lost < 2) { window.lost += 1; return; }
  if (window.lost && text.includes('"method": "update"') && single++ === 0) return;
  deliver();
};
"""
# No answer with all states ever comes.
SILENT = "window.received = (text, deliver) => { if (!text.includes('update_states')) deliver(); };"
# The time that anywidget gives a widget is over before it has begun, as where the browser has no time for it.
HURRIED = """
const plain = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (time) => plain(time === 2000 ? 0 : time);
"""


@pytest.fixture
def opened(address, browser, without_webgl):
    """Function that asks for the dashboard in a new window after `prepare(page)`; does not wait until it is usable."""
    pages = []

    def opened(script="", prepare=None):
        page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        pages.append(page)
        page.navigations = []
        # Asked of the server: a change of the address alone, which Back and Forward need, loads nothing.
        page.on("request", lambda request: request.is_navigation_request() and page.navigations.append(request.url))
        page.add_init_script(script or without_webgl)  # what takes long and is not looked at is not drawn
        if prepare:
            prepare(page)
        page.goto(address, timeout=PATIENCE)
        return page

    yield opened
    for page in pages:
        page.close(run_before_unload=True)
        page.context.close()


@pytest.mark.parametrize(
    ("script", "proof"), [(TAP + LATE, "window.late"), (TAP + LOSSY, "window.lost === 2")], ids=["late", "lossy"]
)
def test_models_that_come_late_or_get_lost_are_shown(opened, script, proof):
    page = opened(script)
    page.wait_for_function(ALIVE, timeout=PATIENCE)
    assert page.evaluate(proof)
    assert len(page.navigations) == 1  # without being loaded anew
    assert "model not found" not in page.inner_text("body")


def test_widgets_that_come_alive_late_hear_what_the_kernel_says(opened, without_webgl):
    errors = []
    page = opened(
        HURRIED + without_webgl, prepare=lambda page: page.on("pageerror", lambda error: errors.append(str(error)))
    )
    page.wait_for_function(ALIVE, timeout=PATIENCE)
    before = page.evaluate(CURVES)
    page.locator(".elnes-table .row[aria-selected=false]").first.click()
    page.wait_for_function(f"{CURVES} !== {before}", timeout=PATIENCE)
    assert errors == []


@pytest.mark.parametrize(
    "part", ["**/jupyterlab-manager/static/remoteEntry*.js", "**/api/kernels/*?*"], ids=["script", "kernel"]
)
def test_a_page_that_lacks_a_part_loads_itself_anew_once(opened, part):
    def once(page):
        page.route(part, lambda route: route.fulfill(status=404), times=1)

    page = opened(prepare=once)
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'", timeout=PATIENCE)
    page.wait_for_function(ALIVE, timeout=PATIENCE)
    assert len(page.navigations) == 2
    page.wait_for_function("sessionStorage.getItem('elnes-lab-reloaded') === null")  # so that it may do so another time


def test_a_page_that_comes_without_its_cell_loads_itself_anew_once(opened, address):
    def empty(route):
        response = route.fetch(timeout=PATIENCE)
        plain = re.sub(r"<script type=\"application/vnd.voila.cell-output.*?</script>", "", response.text(), flags=re.S)
        assert len(plain) < len(response.text())
        route.fulfill(response=response, body=plain)

    page = opened(prepare=lambda page: page.route(address, empty, times=1))
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'", timeout=PATIENCE)
    page.wait_for_function(ALIVE, timeout=PATIENCE)
    assert len(page.navigations) == 2


def test_a_page_without_progress_offers_a_button_though_it_asks_for_its_kernel(opened):
    page = opened(TAP + SILENT)
    page.get_by_text("This takes longer than usual").wait_for(timeout=PATIENCE)
    assert page.get_by_role("button", name="Reload the page").is_visible()
    assert page.evaluate("performance.getEntriesByType('resource').some(({ name }) => name.includes('/api/kernels/'))")


def test_a_page_that_cannot_be_opened_says_so_and_offers_to_reload(opened):
    part = "**/voila/static/voila.js"
    page = opened(prepare=lambda page: page.route(part, lambda route: route.abort()))
    page.get_by_text("The page could not be opened").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(5000)
    assert len(page.navigations) == 2
    page.unroute(part)
    page.get_by_role("button", name="Reload the page").click()
    page.wait_for_function(ALIVE, timeout=PATIENCE)
