"""The Train panel, used as a person would use it."""

import io
import json
import time
import zipfile
from pathlib import Path

import pytest

from elnes_lab.learning.studies.shipped import FOLDERS
from elnes_lab.store import data_directory

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PATIENCE = 120_000  # ms for a training; the machine may be busy
LOSS = "document.querySelector('.elnes-loss').data[0]"
SHIPPED = sum((data_directory() / "models" / name).is_dir() for name in FOLDERS.values())
TRIO = "document.querySelector('.elnes-trio').data"


@pytest.fixture(scope="module")
def opened(front):
    page = front("Train")
    page.wait_for_selector(".elnes-windows .main-svg", timeout=PATIENCE)
    return page


@pytest.fixture
def page(opened):
    yield opened
    assert opened.problems == []
    assert opened.foreign == []


def control(page, label):
    """The control below a label in the Train panel."""
    return page.locator(".elnes-train .elnes-control", has=page.locator(f".widget-label:has-text('{label}')"))


def go(page):
    return page.locator(".elnes-go")


def wait_for_button(page, text):
    page.wait_for_function(f"document.querySelector('.elnes-go').textContent.trim() === '{text}'", timeout=PATIENCE)


def train(page):
    go(page).click()
    wait_for_button(page, "Stop")
    wait_for_button(page, "Train")


def message(page):
    return page.locator(".elnes-message").inner_text()


def models(page):
    return page.locator(".elnes-runs tbody tr")


def set_epochs(page, count):
    handle = control(page, "Epochs").locator(".noUi-handle")
    handle.focus()
    for _ in range(80):
        now = int(control(page, "Epochs").locator("output").inner_text())
        if now == count:
            return
        handle.press("ArrowRight" if now < count else "ArrowLeft")
        following = now + (5 if now < count else -5)
        page.wait_for_function(
            f"[...document.querySelectorAll('.elnes-train output')].some((o) => o.textContent === '{following}')"
        )


def test_the_panel_opens_with_a_drawing_and_says_what_to_do(page):
    shapes = page.evaluate("document.querySelector('.elnes-windows').layout.shapes.map((s) => [s.x0, s.x1])")
    assert shapes == [[-2, 15], [-2, 30]]
    assert page.get_by_text("Nothing has been trained on this page yet").is_visible()
    assert models(page).count() == SHIPPED
    page.screenshot(path=ARTIFACTS / "train-first.png", full_page=True)


def test_the_drawing_follows_channels_and_windows(page):
    shown = "document.querySelector('.elnes-windows').data.filter((t) => t.visible).map((t) => t.name)"
    assert page.evaluate(shown) == ["O p", "Si p", "ELNES"]
    page.get_by_role("button", name="O s", exact=True).click()
    page.wait_for_function(f"{shown}.length === 4")
    assert page.locator(".elnes-train .mod-active", has_text="Own").count() == 1
    handle = control(page, "Window").first.locator(".noUi-handle-upper")
    handle.focus()
    handle.press("ArrowLeft")
    page.wait_for_function("document.querySelector('.elnes-windows').layout.shapes[0].x1 === 14.5")
    for name in ("O s", "O p", "Si p"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_text("No PDOS channel is chosen").wait_for()
    assert go(page).is_disabled()
    page.get_by_role("button", name="Fast", exact=True).click()
    page.wait_for_function(f"{shown}.length === 3")
    page.wait_for_function("document.querySelector('.elnes-windows').layout.shapes[0].x1 === 15")
    page.wait_for_function("!document.querySelector('.elnes-go').disabled")


def test_a_training_runs_to_its_end_and_joins_the_list(page):
    train(page)
    page.wait_for_function(f"document.querySelectorAll('.elnes-runs tbody tr').length === {SHIPPED + 1}")
    page.get_by_text("finished after 25 of 25 epochs").first.wait_for()
    assert "Run 1" in message(page) and "finished after 25 of 25 epochs" in message(page)
    page.wait_for_function(f"{LOSS}.y.length === 25")
    assert page.evaluate("document.querySelector('.elnes-loss').layout.yaxis.type") == "log"
    assert page.evaluate(f"{TRIO}.filter((t) => t.visible).length") == 9  # computed, first and predicted of three sites
    page.wait_for_timeout(500)
    page.screenshot(path=ARTIFACTS / "train-done.png", full_page=True)
    cells = models(page).nth(SHIPPED).locator("td").all_inner_texts()
    assert 0 < float(cells[7]) < 0.2 and 0 < float(cells[8]) < 0.2


def test_a_slider_moves_and_spectra_improve_while_training_then_stop_keeps_the_best(page):
    page.get_by_role("button", name="As published", exact=True).click()
    page.wait_for_function("[...document.querySelectorAll('.elnes-train output')].some((o) => o.textContent === '100')")
    control(page, "Members").locator("select").select_option(label="20")
    set_epochs(page, 300)
    before = models(page).count()
    go(page).dblclick()  # the second of two quick clicks does nothing
    wait_for_button(page, "Stop")
    page.wait_for_function("document.querySelector('.elnes-loss').layout.xaxis.range[1] > 300", timeout=PATIENCE)
    assert "s left" in page.locator(".elnes-train").inner_text()
    first = page.evaluate(f"[...{TRIO}[3].y]")
    handle = control(page, "Window").nth(1).locator(".noUi-handle-upper")
    handle.focus()
    begin = time.monotonic()
    handle.press("ArrowLeft")
    page.wait_for_function("document.querySelector('.elnes-windows').layout.shapes[1].x1 === 29.5", polling=20)
    print(f"slider to drawing while training: {1000 * (time.monotonic() - begin):.0f} ms")
    assert go(page).inner_text() == "Stop"
    done = page.evaluate(f"{LOSS}.y.length")
    page.wait_for_function(f"{LOSS}.y.length > {done + 5}", timeout=PATIENCE)
    assert page.evaluate(f"[...{TRIO}[3].y]") != first
    page.screenshot(path=ARTIFACTS / "train-running.png", full_page=True)
    go(page).click()
    wait_for_button(page, "Train")
    page.wait_for_function(f"document.querySelectorAll('.elnes-runs tbody tr').length === {before + 1}")
    assert "stopped after" in message(page) and "the best, are kept" in message(page)


def test_two_ticked_models_are_compared(page):
    for row in range(models(page).count()):
        box = models(page).nth(row).locator("input")
        if box.is_checked():
            box.click()
            page.wait_for_function(f"!document.querySelectorAll('.elnes-runs tbody input')[{row}].checked")
    page.get_by_text("No model is ticked").wait_for()
    models(page).nth(1).locator("input").click()
    page.get_by_text("spectra of structures it never saw").wait_for(timeout=PATIENCE)
    models(page).nth(SHIPPED).locator("input").click()
    page.get_by_text("Median MSE on spectra new to both").wait_for(timeout=PATIENCE)
    assert page.evaluate(f"{TRIO}.filter((t) => t.visible).length") == 9
    page.wait_for_timeout(500)
    page.screenshot(path=ARTIFACTS / "train-compared.png", full_page=True)


def test_a_model_is_downloaded_and_uploaded_again(page, tmp_path):
    with page.expect_download() as waiting:
        page.locator(".elnes-train button", has_text="Download Run 1").click()
    name = waiting.value.suggested_filename
    path = tmp_path / name
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as file:
        assert sorted(file.namelist()) == ["card.json", "model.safetensors"]
        assert json.loads(file.read("card.json"))["hyper_parameters"]["members"] == 5
    before = models(page).count()
    page.locator(".elnes-train input[type=file]").set_input_files(path)
    page.wait_for_function(
        f"document.querySelectorAll('.elnes-runs tbody tr').length === {before + 1}", timeout=PATIENCE
    )
    page.get_by_text("was added").wait_for()
    assert "Uploaded run-1" in models(page).last.inner_text()
    again = models(page).last.locator("td").all_inner_texts()
    assert again[2:9] == models(page).nth(SHIPPED).locator("td").all_inner_texts()[2:9]


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("spectrum.csv", b"energy,intensity\n1,2\n", "spectrum.csv is not a whole zip file"),
        ("huge.zip", bytes(21 * 2**20), "a file of at most 20 MB is accepted here"),
        ("other.zip", None, "other.zip is not a model"),
    ],
)
def test_a_wrong_file_gets_a_sentence(page, tmp_path, name, content, sentence):
    if content is None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("readme.txt", "hello")
        content = stream.getvalue()
    (tmp_path / name).write_bytes(content)
    before = models(page).count()
    page.locator(".elnes-train input[type=file]").set_input_files(tmp_path / name)
    page.get_by_text(sentence).wait_for()
    assert models(page).count() == before
    assert page.locator(".elnes-message [role=alert]").count() == 1


def test_every_control_has_a_line_of_help(page, helped):
    helped(page, ".elnes-train")


def test_the_panel_keeps_its_state_while_another_is_shown(page):
    count = models(page).count()
    page.get_by_role("button", name="Browse", exact=True).click()
    page.locator(".elnes-train").wait_for(state="hidden")
    page.get_by_role("button", name="Train", exact=True).first.click()
    page.locator(".elnes-train").wait_for(state="visible")
    assert models(page).count() == count


def test_a_run_trained_here_is_shown_in_inspect(page):
    errors = "document.querySelector('.elnes-inspect .elnes-errors')"
    page.get_by_role("button", name="Inspect", exact=True).click()  # open before there is the run
    page.wait_for_function(f"{errors}?.data?.[0]?.x?.length > 10", timeout=PATIENCE)
    page.get_by_role("button", name="Train", exact=True).first.click()
    page.get_by_role("button", name="Fast", exact=True).click()
    # Its epochs are there, too: until then a key would move the slider of before.
    page.wait_for_function("[...document.querySelectorAll('.elnes-train output')].some((o) => o.textContent === '25')")
    control(page, "Members").locator("select").select_option(label="1")
    set_epochs(page, 5)
    before = models(page).count()
    train(page)
    page.wait_for_function(f"document.querySelectorAll('.elnes-runs tbody tr').length === {before + 1}")
    cells = models(page).last.locator("td").all_inner_texts()
    page.get_by_role("button", name="Inspect", exact=True).click()
    panel = page.locator(".elnes-inspect")
    first, second = panel.locator(".elnes-model select").all()
    second.select_option(label="none")
    page.wait_for_function(f"!{errors}.data[1].visible", timeout=PATIENCE)
    first.select_option(label=cells[1])
    page.wait_for_function(
        "(name) => document.querySelector('.elnes-errors').data[0].name === name", arg=cells[1], timeout=PATIENCE
    )
    assert page.evaluate(f"{errors}.data[0].y.length") > 10
    symbols = page.evaluate(f"{errors}.data[0].marker.symbol")
    assert 0 < sum("open" in symbol for symbol in symbols) < len(symbols)  # trained on, and new
    # The error that the list of runs gives for crystals it never saw, in as many digits as are written here.
    table = panel.locator(".elnes-numbers").first
    median = table.locator("tr", has_text="crystals").locator("td").first.inner_text()
    assert float(median) == pytest.approx(float(cells[7]), rel=0.05)
    assert cells[1] in table.inner_text()
    page.get_by_role("button", name="Train", exact=True).first.click()


def test_closing_the_page_in_mid_training_ends_its_kernel(visit, kernels):
    before = kernels()
    page = visit()
    own = kernels() - before
    assert own
    page.get_by_role("button", name="Train", exact=True).first.click()
    page.wait_for_selector(".elnes-windows .main-svg", timeout=PATIENCE)
    page.get_by_role("button", name="As published", exact=True).click()
    control(page, "Members").locator("select").select_option(label="20")
    go(page).click()
    page.wait_for_function(f"{LOSS}.y && {LOSS}.y.length >= 2", timeout=PATIENCE)
    page.close(run_before_unload=True)
    end = time.monotonic() + PATIENCE / 1000
    while own & kernels():
        assert time.monotonic() < end, "the kernel of a closed page is still there"
        time.sleep(0.5)
