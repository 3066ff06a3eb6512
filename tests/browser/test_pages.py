"""What holds between the pages: Back and Forward, links, reloads, and figures that are the same whichever way one came."""

import re
import xml.etree.ElementTree
from pathlib import Path

PATIENCE = 120_000  # ms; the machine may be busy
FRONT = "[...document.querySelectorAll('.elnes-nav button')].find((b) => b.classList.contains('mod-active'))?.textContent.trim()"
AXES = """['.elnes-prediction', '.elnes-inspect .elnes-errors'].map((figure) => {
    const l = document.querySelector(figure)._fullLayout; return ['xaxis', 'xaxis2', 'yaxis', 'yaxis2'].map((name) =>
    [...l[name].range.map((v) => Math.round(v * 100) / 100), l[name].title.text]); })"""
DRAWN = "document.querySelector('.elnes-inspect .elnes-errors')?.data?.[0]?.x?.length > 10"
READY = "[...document.querySelectorAll('.elnes-inspect .elnes-empty')].every((e) => !e.offsetParent)"


def front(page, title):
    page.wait_for_function(f"{FRONT} === '{title}'", timeout=PATIENCE)


def inspect_drawn(page):
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    page.wait_for_function(READY, timeout=PATIENCE)
    page.wait_for_timeout(1500)


def test_pages_links_and_models_survive(visit):
    page = visit("sites=stishovite/O2")
    # Back and Forward
    page.get_by_role("button", name="Train", exact=True).first.click()
    front(page, "Train")
    page.wait_for_selector(".elnes-windows .main-svg", timeout=PATIENCE)
    assert page.url.endswith("?page=train")
    page.go_back()
    front(page, "Browse")
    assert page.url.endswith("?sites=stishovite/O2")
    page.go_forward()
    front(page, "Train")
    # a model trained here is there after F5, under its name, and the page asks before a training is lost
    page.locator(".elnes-go").click()
    page.wait_for_function("document.querySelector('.elnes-go').textContent.trim() === 'Stop'", timeout=PATIENCE)
    prevented = "(() => { const e = new Event('beforeunload', { cancelable: true }); window.dispatchEvent(e); return e.defaultPrevented; })()"
    assert page.evaluate(prevented)
    page.wait_for_timeout(1000)  # a second click at once is meant for Train
    page.locator(".elnes-go").click()
    page.wait_for_function("document.querySelector('.elnes-go').textContent.trim() === 'Train'", timeout=PATIENCE)
    page.wait_for_function(
        "!window.elnesLabLeave(new Event('beforeunload'))", timeout=PATIENCE
    )  # not Voila's: it would end the page
    name = "[...document.querySelectorAll('.elnes-runs tbody tr')].map((r) => r.innerText).find((t) => t.includes('Run 1:'))"
    page.wait_for_function(name, timeout=PATIENCE)  # listed after the button is Train again
    before = page.evaluate(name)
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector(".elnes-windows .main-svg", timeout=PATIENCE)  # the address names the page
    front(page, "Train")
    page.wait_for_function(name, timeout=PATIENCE)
    assert page.evaluate(name).split("\t")[:-1] == before.split("\t")[:-1]  # all but the time, which no card has
    # Inspect after Train has the axes of Inspect opened directly
    page.get_by_role("button", name="Inspect", exact=True).first.click()
    inspect_drawn(page)
    after_train = page.evaluate(AXES)
    site = page.locator(".elnes-inspect .elnes-heading").nth(1).inner_text()
    page.get_by_role("button", name="Share").click()
    link = page.locator(".elnes-notice input").input_value()
    assert "page=inspect" in link and "site=" in link
    assert page.problems == []
    page.context.close()
    direct = visit(link.partition("?")[2])
    inspect_drawn(direct)
    front(direct, "Inspect")
    assert direct.locator(".elnes-inspect .elnes-heading").nth(1).inner_text() == site
    assert direct.evaluate(AXES) == after_train
    # the figure of the site, saved: its name in the file's name and above the curves, the legend too, no marks of the page
    card = direct.locator(".elnes-inspect .elnes-card", has=direct.locator(".elnes-prediction"))
    card.get_by_role("combobox", name="Size and letters").select_option("Slide")
    with direct.expect_download() as waiting:
        card.get_by_role("button", name="SVG", exact=True).click()
    name = re.sub("[^A-Za-z0-9]+", "-", site.removeprefix("Structure: "))
    drawing = xml.etree.ElementTree.parse(waiting.value.path()).getroot()
    texts = "".join(drawing.itertext())
    assert waiting.value.suggested_filename.startswith(f"elnes-{name}-predicted") and drawing.get("width") == "1280"
    assert (
        "computed and predicted ELNES" in texts and site.removeprefix("Structure: ") in texts and "predicted" in texts
    )
    with direct.expect_download() as waiting:
        card.get_by_role("button", name="CSV", exact=True).click()
    assert "predicted" in Path(waiting.value.path()).read_text(encoding="utf-8")
    assert direct.evaluate("document.querySelector('.elnes-prediction').layout.title?.text ?? ''") == ""
    assert direct.problems == []
    direct.context.close()


def test_the_page_can_be_heard_and_used_with_keys(page):
    """Every control has a name, headings and the navigation have roles, and the keyboard reaches the page in front."""
    page.wait_for_function("document.querySelector('.elnes-heading[role=heading]')")
    page.get_by_role("navigation", name="Pages").get_by_role("button", name="Browse").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "ELNES Lab"
    assert page.get_by_role("heading", level=2).count() >= 3
    page.get_by_role("slider", name="Band gap").first.wait_for()
    bare = page.evaluate("""[...document.querySelectorAll('.elnes :is(select, input, button, [role=slider])')]
        .filter((e) => e.getClientRects().length && !e.closest('.weas-widget, .modebar'))
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length || e.title))
        .map((e) => e.outerHTML.slice(0, 200))""")
    assert bare == []
    current = "document.querySelector('.elnes-nav [aria-current=page]')?.textContent.trim()"
    page.get_by_role("button", name="Train", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{current} === 'Train'", timeout=PATIENCE)
    assert page.evaluate("document.activeElement.textContent.trim()") == "Train"
    page.get_by_role("button", name="Browse", exact=True).first.click()
