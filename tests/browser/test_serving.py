"""Links, closing, and what goes wrong on the way, in a real browser."""

import time
from pathlib import Path

import pytest

import elnes_lab

PATIENCE = 60  # s; the machine may be busy
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


@pytest.fixture(scope="module")
def db():
    return elnes_lab.open_database()


@pytest.fixture
def opened(visit):
    """Function that opens the dashboard in a window of its own, at a query, and waits until it is usable."""
    pages = []

    def opened(query="", **options):
        pages.append(visit(query, **options))
        return pages[-1]

    yield opened
    for page in pages:
        assert page.foreign == [] and page.problems == []
        page.context.close()


def drawn(page):
    return page.evaluate("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).map((t) => t.name)")


def test_a_shared_link_shows_the_same_elsewhere(opened, db):
    first = opened()
    first.context.grant_permissions(["clipboard-read", "clipboard-write"])
    control = first.locator(".elnes-control", has=first.locator(".widget-label:has-text('Kind')")).locator("select")
    kind = next(text for text in control.locator("option").all_inner_texts() if text.startswith("crystal"))
    control.select_option(label=kind)
    first.get_by_role("button", name="energy loss").click()
    first.locator(".elnes-table .row").nth(2).click()
    first.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")
    first.get_by_role("button", name="Share").click()
    first.get_by_text("The link to this page is copied").wait_for()
    link = first.evaluate("navigator.clipboard.readText()")
    assert link == first.url and link == first.get_by_label("Link to this page").input_value()
    first.screenshot(path=ARTIFACTS / "share.png")
    second = opened(link.partition("?")[2])
    second.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")
    assert drawn(second) == drawn(first)
    crystals = int((db["kind"] == "crystal").sum())
    second.wait_for_selector(f".elnes-table .body[aria-rowcount='{crystals}']")
    assert second.locator(".elnes-notice").count() == 0
    assert second.evaluate("document.querySelector('.elnes-spectra').data.find((t) => t.visible).x[0]") > 500
    second.reload()  # the address has the selection
    second.wait_for_selector(".elnes-spectra .main-svg", timeout=120_000)
    second.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")


def test_a_link_that_is_partly_wrong_says_so(opened):
    page = opened("sites=stishovite/O2,atlantis/O7&band_gap=99~98&fwhm=1.5<script>")
    line = page.locator(".elnes-notice")
    line.wait_for()
    assert all(part in line.inner_text() for part in ("atlantis/O7", "band_gap=99~98", "<script>"))
    page.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")
    assert "O2" in drawn(page)[0]
    page.screenshot(path=ARTIFACTS / "share-wrong.png")
    line.get_by_role("button", name="Close").click()
    assert page.locator(".elnes-notice").count() == 0


def test_a_file_that_is_too_large_is_not_sent(page, tmp_path):
    page.evaluate("""() => {
        document.querySelector('.elnes').insertAdjacentHTML('beforeend', "<input type='file' id='upload'>");
        window.taken = 0;
        document.querySelector('#upload').onchange = (event) => { window.taken += event.target.files.length; }; }""")
    large = tmp_path / "holiday.mov"
    with large.open("wb") as file:
        file.truncate(33 * 2**20)
    page.locator("#upload").set_input_files(large)
    page.get_by_text("“holiday.mov” has 33 MiB. Files up to 32 MiB can be uploaded; nothing was sent.").wait_for()
    assert page.evaluate("window.taken") == 0
    small = tmp_path / "model.zip"
    small.write_bytes(b"x")
    page.locator("#upload").set_input_files(small)
    assert page.evaluate("window.taken") > 0
    page.evaluate("document.querySelector('#upload').remove()")


def test_a_text_that_is_too_long_is_not_sent(page):
    page.evaluate("""() => document.querySelector('.elnes').insertAdjacentHTML(
        'beforeend', "<textarea id='pasted'></textarea>")""")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    field = page.locator("#pasted")

    def paste(text):
        page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        field.focus()
        page.keyboard.press("Control+V")

    paste("533 0.12\n" * 200_000)
    told = "This text would have 1,800,000 letters. A field takes 1,048,576; upload the text as a file. Nothing was changed."
    page.get_by_text(told).wait_for()
    assert field.input_value() == ""
    page.get_by_role("button", name="Close").click()
    half = "533 0.12\n" * 100_000
    paste(half)
    assert field.input_value() == half
    paste(half)  # twice is too much, too
    page.get_by_text(told).wait_for()
    assert field.input_value() == half
    field.select_text()
    paste("533 0.12\n")  # in place of all
    assert field.input_value() == "533 0.12\n"
    page.evaluate("document.querySelector('#pasted').remove()")


def test_closing_the_page_ends_its_kernel(visit, kernels):
    before = kernels()
    page = visit()
    own = kernels() - before
    assert own
    with page.expect_event("close"):  # the window takes the message to the server with it if it is closed at once
        page.close(run_before_unload=True)
    end = time.monotonic() + PATIENCE
    while own & kernels() and time.monotonic() < end:
        time.sleep(0.3)
    assert not own & kernels()
    page.context.close()
