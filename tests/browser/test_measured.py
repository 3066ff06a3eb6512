"""The My spectrum panel, used as a person would use it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import TimeoutError

import elnes_lab
from elnes_lab.dashboard.measured.model import MeasuredModel
from elnes_lab.io.measured import read
from elnes_lab.measured.example import example

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))
from dm_file import dm_file  # noqa: E402

SLOW = 120_000  # ms; the machine may be busy
BESIDE = "document.querySelector('.elnes-beside')?.data"
COMPUTED = f"{BESIDE}?.find((t) => t.meta === 'computed')"


@pytest.fixture(scope="module")
def raw():
    return example(elnes_lab.open_database(), seed=3)


@pytest.fixture(scope="module")
def opened(front):
    page = front("My spectrum")
    page.wait_for_function(f"{COMPUTED}?.x?.length > 10", timeout=SLOW)
    return page


@pytest.fixture
def page(opened):
    yield opened
    assert opened.problems == []
    assert opened.foreign == []


def control(page, label):
    return page.locator(".elnes-measured .elnes-control", has=page.locator(f".widget-label:has-text('{label}')"))


def lay(page, **which):
    """Click the first of these rows of the table; again, if the list, or the row, was another one just then."""
    rows = page.locator(".elnes-measured .elnes-table .row", **which)
    for _ in range(6):
        try:
            name = rows.first.inner_text(timeout=20_000).split("\n")[0]
            rows.first.click(timeout=20_000)
            return page.get_by_text(f"Beside {name}", exact=True).wait_for(timeout=20_000)
        except TimeoutError:
            continue
    pytest.fail(f"no row {which} is laid over the measured spectrum")


def saved(page, format, folder):
    with page.expect_download() as waiting:
        page.locator(".elnes-measured").get_by_role("button", name=format, exact=True).click()
    waiting.value.save_as(folder / waiting.value.suggested_filename)
    return folder / waiting.value.suggested_filename


def test_it_opens_with_an_example_that_says_so(page):
    panel = page.locator(".elnes-measured")
    assert "An example, not a measurement" in panel.inner_text() and "A good match proves nothing" in panel.inner_text()
    assert panel.locator(".elnes-table .row.on").inner_text().startswith("coesite")


def test_upload_fit_quantify_and_export(page, raw, tmp_path):
    path = tmp_path / "my quartz.csv"
    path.write_text(
        "".join(f"{energy + 0.3:.2f};{counts:.0f}\n" for energy, counts in zip(raw.energy, raw.intensity)).replace(
            ".", ","
        )
    )
    page.locator(".elnes-measured .elnes-drop input[type=file]").set_input_files(path)
    page.get_by_text("my quartz.csv").first.wait_for(timeout=SLOW)
    lay(page, has_not_text="coesite")
    lay(page, has_text="coesite")
    page.locator(".elnes-measured").get_by_role("button", name="Fit", exact=True).click()
    page.wait_for_function("document.querySelector('.elnes-measured').innerText.includes('Rms residual: 0.0')")
    if MeasuredModel.can_quantify():
        page.locator(".elnes-quantified .elnes-numbers").wait_for(timeout=SLOW)
        assert "Si-O-Si angle" in page.locator(".elnes-quantified").inner_text()
    about = json.loads(saved(page, "JSON", tmp_path).read_text())
    assert about["read"]["file"] == "my quartz.csv" and about["overlay"]["label"] == "coesite"
    assert [step["step"] for step in about["steps"]] == [
        "as read",
        "crop",
        "background",
        "calibration",
        "normalization",
    ]
    drawn = page.evaluate(f"(() => {{ const t = {COMPUTED}; return {{x: [...t.x], y: [...t.y]}}; }})()")
    table = read(saved(page, "CSV", tmp_path))
    shown = np.interp(drawn["x"], table.energy, table.intensity)
    assert np.corrcoef(shown, drawn["y"])[0, 1] > 0.99
    if MeasuredModel.can_quantify():
        assert {one["key"] for one in about["quantification"]["properties"]} >= {"si_o_si_angle", "density"}


def test_a_box_on_a_spectrum_image_adds_up_its_pixels(page, raw, tmp_path):
    weight = 1 + np.arange(24.0).reshape(4, 6)
    cube = np.round(raw.intensity[:, None, None] * weight).astype("float32")
    path = tmp_path / "image.dm4"
    path.write_bytes(dm_file(cube, offset=505, scale=0.2, version=4))
    page.locator(".elnes-measured .elnes-drop input[type=file]").set_input_files(path)
    page.get_by_text("Sum over 24 pixels of a spectrum image of 4 times 6").wait_for(timeout=SLOW)
    page.locator(
        ".elnes-picture .nsewdrag"
    ).first.scroll_into_view_if_needed()  # the mouse reaches what is in the window
    page.wait_for_function("document.querySelector('.elnes-picture').data[0].z?.length === 4")
    box = page.locator(".elnes-picture .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])  # columns 3 to 5, rows 2 and 3
    page.mouse.down()
    page.mouse.move(box["x"] + 0.99 * box["width"], box["y"] + 0.95 * box["height"], steps=8)
    page.mouse.up()
    page.get_by_text("Sum over").filter(has_text="of 4 times 6").filter(has_not_text="24 pixels").first.wait_for(
        timeout=SLOW
    )
    about = json.loads(saved(page, "JSON", tmp_path).read_text())
    top, bottom, left, right = about["read"]["region_top_bottom_left_right"]
    assert 0 < top < bottom == 4 and 0 < left < right == 6
    page.locator(".elnes-measured").get_by_role("button", name="Example", exact=True).click()
    page.get_by_text("example (coesite)").first.wait_for()


def test_a_step_is_changed_undone_and_refused(page):
    field = control(page, "fitted from").locator("input")
    before = field.input_value()
    field.fill("515")
    field.press("Enter")
    page.get_by_text("515 to 527 eV").wait_for()
    field.fill("530")
    field.press("Enter")
    page.locator(".elnes-measured [role=alert]", has_text="The window of the background").wait_for()
    page.wait_for_function("(e) => Number(e.value) === 515", arg=field.element_handle())
    page.locator(".elnes-measured").get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_function("([e, v]) => Number(e.value) === Number(v)", arg=[field.element_handle(), before])


def test_numbers_are_pasted_and_words_are_refused(page, raw):
    page.locator(".elnes-measured").get_by_role("button", name="Paste", exact=True).click()
    field = page.locator(".elnes-measured textarea")
    field.fill("no numbers at all")
    page.get_by_role("button", name="Use these numbers").click()
    page.locator(".elnes-measured [role=alert]", has_text="no two columns").wait_for()
    field.fill("".join(f"{energy:.1f} {counts:.0f}\n" for energy, counts in zip(raw.energy, raw.intensity)))
    page.get_by_role("button", name="Use these numbers").click()
    page.get_by_text("pasted numbers").first.wait_for()
    page.locator(".elnes-measured").get_by_role("button", name="Paste", exact=True).click()
    page.locator(".elnes-measured").get_by_role("button", name="Example", exact=True).click()
    page.get_by_text("example (coesite)").first.wait_for()
