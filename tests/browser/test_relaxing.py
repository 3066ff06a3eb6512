"""Relaxation on the New structure page, in the browser: asked for, watched, undone, saved."""

import io
from pathlib import Path

import pytest

import elnes_lab
from elnes_lab.sources.potential import universal

pytestmark = pytest.mark.skipif(bool(universal.missing()), reason=universal.INSTALL)
SLOW = 180_000  # ms on a busy machine
FIGURE = "document.querySelector('.elnes-predicted')"
AVERAGE = f"() => {{ const t = {FIGURE}?.data?.find((t) => t.meta === 'average'); return t?.y?.length > 10 ? [...t.y] : null; }}"
OTHER = (
    f"(first) => {{ const y = ({AVERAGE})(); return y && y.some((value, i) => Math.abs(value - first[i]) > 1e-4); }}"
)
SAME = (
    f"(first) => {{ const y = ({AVERAGE})(); return y && y.every((value, i) => Math.abs(value - first[i]) < 1e-9); }}"
)


@pytest.fixture(scope="module")
def page(front):
    from ase.io import write

    with elnes_lab.open_database() as db:
        swollen = db.atoms("quartz-alpha")
    swollen.set_cell(swollen.cell * 1.02, scale_atoms=True)
    text = io.StringIO()
    write(text, swollen, format="extxyz")
    page = front("New structure")
    page.wait_for_function(AVERAGE, timeout=SLOW)
    before = page.evaluate(AVERAGE)  # of whatever was shown last, maybe a pasted text, too
    panel = page.locator(".elnes-newstructure")
    panel.get_by_role("button", name="Paste", exact=True).click()
    panel.locator("textarea").fill(text.getvalue())
    panel.get_by_role("button", name="Read the text").click()
    panel.locator(".elnes-heading", has_text="pasted text").wait_for(timeout=SLOW)
    page.wait_for_function(OTHER, arg=before, timeout=SLOW)
    panel.locator(".elnes-wait").wait_for(state="hidden", timeout=SLOW)
    panel.get_by_role("button", name="Paste", exact=True).click()
    yield page
    assert page.problems == [] and page.foreign == []


def test_it_is_off_then_relaxes_then_leads_back(page, look, helped):
    panel = page.locator(".elnes-newstructure")
    assert panel.get_by_role("button", name="Stop", exact=True).count() == 0
    given = page.evaluate(AVERAGE)
    panel.get_by_role("button", name="Relax", exact=True).click()
    panel.get_by_role("status").filter(has_text="Relaxing").wait_for(timeout=SLOW)
    panel.locator(".elnes-relaxing", has_text="Relaxed with CHGNet 0.3.0").wait_for(timeout=SLOW)
    page.wait_for_function(OTHER, arg=given, timeout=SLOW)
    assert panel.locator(".elnes-relaxing tr").count() == 6
    for width, scheme in ((1366, "light"), (1024, "dark")):
        look(page, ".elnes-newstructure", width=width, height=768, scheme=scheme, name="relaxed")
    helped(page, ".elnes-newstructure")
    with page.expect_download() as event:
        panel.get_by_role("button", name="CSV", exact=True).first.click()
    assert event.value.suggested_filename.endswith("-relaxed.csv")
    assert "Relaxed with CHGNet" in Path(event.value.path()).read_text()
    with page.expect_download() as event:
        panel.get_by_role("button", name="CIF", exact=True).click()
    assert "Relaxed with CHGNet" in Path(event.value.path()).read_text()
    panel.get_by_role("button", name="Back to the original").click()
    page.wait_for_function(SAME, arg=given, timeout=SLOW)
    panel.get_by_role("button", name="Show the relaxed one").click()
    page.wait_for_function(OTHER, arg=given, timeout=SLOW)
