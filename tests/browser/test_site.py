"""The pages as files, in Chromium: served at a sub-path by a plain web server, every other host blocked, the network gone after
loading. Waits are for states of the page."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from elnes_lab.database import open_database
from elnes_lab.site import build_site
from elnes_lab.site.pack import STEPS, read

sys.path.insert(0, str(Path(__file__).parent))
from served_site import opener, serving  # noqa: E402

PANELS = (
    ("Browse", ".elnes-browse:has(.elnes-spectra)"),
    ("Inspect", ".elnes-inspect"),
    ("Core hole", ".elnes-corehole"),
    ("Predict", ".elnes-predict"),
)


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    """Two versions below a folder that is served: with and without predictions."""
    top = tmp_path_factory.mktemp("www")
    with open_database(built) as db:
        build_site(db, top / "some" / "where")
        build_site(db, top / "plain", models=False)
    return top


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder) as url:
        yield url


@pytest.fixture(scope="module")
def opened(browser, server):
    """Function that opens an address below the server and waits until all is loaded."""
    return opener(browser, server)


@pytest.fixture(scope="module")
def shared(opened):
    return opened()


@pytest.fixture
def page(shared, server):
    """The shared page as it is first opened; nothing went wrong on it in the end."""
    shared.goto(f"{server}some/where/")
    shared.wait_for_selector("html[data-elnes-loaded=all]", state="attached")
    yield shared
    assert shared.problems == []
    assert shared.foreign == []


def show(page, title):
    page.get_by_role("navigation").get_by_role("button", name=title, exact=True).click()
    page.wait_for_function("(name) => document.querySelector('.elnes-nav .mod-active').textContent === name", arg=title)


def drawn(page, style, meta, attribute):
    """An attribute of the trace of a figure with that meta, as numbers."""
    script = (
        "([style, meta, name]) => [...(document.querySelector(style).data.find((t) => t.meta === meta)?.[name] ?? [])]"
    )
    return np.array(page.evaluate(script, [style, meta, attribute]), float)


def choose(page, *labels):
    """Select sites in the table by the keys of the search and the row; the first alone, the others added."""
    for i, label in enumerate(labels):
        structure, atom = label.split("/")
        page.locator(".elnes-filters:visible input[type=text]").fill(structure)
        row = page.locator(".elnes-table .row", has=page.locator(".cell.short", has_text=atom)).first
        row.click(modifiers=["Control"] if i else [])
    page.locator(".elnes-filters:visible input[type=text]").fill("")
    page.wait_for_function("(n) => document.querySelectorAll('.elnes-table .keep').length === n", arg=len(labels))


def downloaded(page, button):
    with page.expect_download() as waiting:
        button.click()
    return waiting.value.path()


def test_a_download_is_what_the_database_has(page, small):
    """Two sites, two polarizations of the page: as computed, and normalised with a broadening, against `Database.curves`."""
    labels = [str(small.sites[0]), str(small.sites[-1])]
    choose(page, *labels)
    rows = small[labels]
    save = page.get_by_role("button", name="Download", exact=True)
    table = pd.read_csv(downloaded(page, save), comment="#", index_col="energy")
    assert list(table.columns) == labels
    assert table.index.to_numpy() == pytest.approx(rows.energy, abs=1e-4)
    wanted = rows.curves()[1]
    assert table.to_numpy().T == pytest.approx(wanted, abs=0.6 * float(wanted.max()) / STEPS)

    page.get_by_role("button", name="normalised").filter(visible=True).click()
    page.get_by_role("button", name="x", exact=True).click()
    page.locator(".elnes-control", has_text="Broadening").locator("input").fill("0.6")
    table = pd.read_csv(downloaded(page, save), comment="#", index_col="energy")
    wanted = rows.curves(polarization="x", normalized=True, fwhm=0.6)[1]
    assert list(table.columns) == [f"{label} x" for label in labels]
    assert table.to_numpy().T == pytest.approx(wanted, abs=1e-3)
    drawn_now = drawn(page, ".elnes-spectra", "1.0", "y")
    assert drawn_now == pytest.approx(wanted[0], abs=1e-3)

    page.get_by_role("button", name="energy loss").filter(visible=True).click()
    loss = rows.energy + rows.shifts("loss")[0]
    assert drawn(page, ".elnes-spectra", "1.0", "x") == pytest.approx(loss, abs=1e-3)
    assert "Energy loss" in page.locator(".elnes-spectra .infolayer").text_content()


def test_the_pdos_below_is_that_of_the_channel(page, small):
    label = str(small.sites[0])
    choose(page, label)
    page.locator(".elnes-control", has_text="PDOS").locator("select").select_option("Si p")
    wanted = small[[label]].pdos_curves("Si p")[1][0]
    found = drawn(page, ".elnes-spectra", "2.0", "y")
    assert found == pytest.approx(wanted[np.isfinite(wanted)], abs=0.6 * float(np.nanmax(small[[label]].pdos)) / STEPS)


def test_a_figure_is_saved_as_it_is_drawn(page, small):
    labels = [str(small.sites[0]), str(small.sites[-1])]
    choose(page, *labels)
    bar = page.locator(".elnes-card", has=page.locator(".elnes-spectra")).locator(".elnes-saving")
    table = pd.read_csv(downloaded(page, bar.get_by_role("button", name="CSV")), comment="#")
    assert table.shape[1] >= 5 and table.columns[0].startswith("Energy above the valence-band maximum")
    factor = table.iloc[:, 1].dropna().max() / small[labels].curves()[1][0].max()  # the axis has a power of ten
    assert np.log10(factor) == pytest.approx(round(np.log10(factor)), abs=1e-4)
    text = downloaded(page, bar.get_by_role("button", name="SVG")).read_text()
    assert text.lstrip().startswith("<svg") and "ELNES (" in text
    assert downloaded(page, bar.get_by_role("button", name="PNG")).read_bytes().startswith(b"\x89PNG")


def test_filters_keys_and_the_address(page, small, opened):
    page.locator(".elnes-filters:visible input[type=text]").fill("stishovite")
    number = int((small["structure"] == "stishovite").sum())
    page.wait_for_function("(n) => document.querySelectorAll('.elnes-table .rows .row').length === n", arg=number)
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.elnes-spectra').data.length === 2")
    assert page.locator(".elnes-structure:visible .elnes-heading").inner_text().startswith("Structure: stishovite")
    page.get_by_role("button", name="edge", exact=True).filter(visible=True).click()
    page.wait_for_function("location.search.includes('zero=onset') && location.search.includes('stishovite')")
    address = page.url

    page.locator(".elnes-filters:visible").get_by_label(re.compile("^Band gap .*lower end")).fill(
        "99"
    )  # as far as the other handle
    page.wait_for_function("location.search.includes('band_gap=')")
    page.get_by_role("button", name="Reset filters").filter(visible=True).click()
    page.wait_for_function(
        "(n) => document.querySelector('.elnes-count').textContent.startsWith(n)", arg=f"{len(small)} of"
    )

    again = opened(address[len(page.evaluate("location.origin")) + 1 :])
    assert again.locator(".elnes-filters:visible input[type=text]").input_value() == "stishovite"
    assert (
        again.get_by_role("button", name="edge", exact=True).filter(visible=True).get_attribute("aria-pressed")
        == "true"
    )
    assert again.evaluate("document.querySelector('.elnes-spectra').data.length") == 2
    assert again.problems == []
    again.context.close()


def test_a_click_on_an_error_shows_its_spectrum(page, folder):
    manifest = page.evaluate("fetch('data/site.json').then((answer) => answer.json())")
    found = read(folder / "some" / "where" / "data", manifest["packs"]["predictions"])
    table = read(folder / "some" / "where" / "data", manifest["packs"]["table"])["table"]
    show(page, "Inspect")
    rows = found["inspect"]["kinds"]["all"]["rows"]
    points = page.locator(".elnes-all .scatterlayer .trace .points path.point")
    page.wait_for_function(
        "document.querySelector('.elnes-all')?.data && document.querySelector('.elnes-prediction')?.data"
    )
    box = points.nth(0).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    name = table["names"][rows[0]]
    page.wait_for_function(
        "(name) => document.querySelector('.elnes-inspect .elnes-walk').previousSibling.textContent.startsWith(name)",
        arg=name,
    )
    at = found["row.0"][rows[0]]
    assert drawn(page, ".elnes-prediction", "mean.0", "y") == pytest.approx(found["predicted.0"][at], abs=1e-6)
    half = drawn(page, ".elnes-prediction", "band.0", "y")
    assert half[: len(half) // 2] == pytest.approx(found["upper.0"][at], abs=1e-6)
    assert half[len(half) // 2 :][::-1] == pytest.approx(found["lower.0"][at], abs=1e-6)

    page.get_by_role("button", name="Worst", exact=True).click()
    before = page.url
    page.locator("body").press("ArrowRight")
    page.wait_for_function("(before) => location.href !== before", arg=before)
    assert " 2 of " in page.locator(".elnes-inspect .elnes-walk").evaluate("e => e.previousSibling.textContent")
    text = pd.read_csv(
        downloaded(page, page.locator(".elnes-card", has=page.locator(".elnes-all")).get_by_role("button", name="CSV")),
        comment="#",
    )
    assert len(text) == len(rows) and text["mse_1"].tolist() == pytest.approx(
        [found["inspect"]["mse"][0][i] for i in rows]
    )

    page.locator(".elnes-filters:visible input[type=text]").fill("stishovite")
    count = sum("stishovite" in table["texts"][i] for i in rows)
    page.wait_for_function("(n) => document.querySelector('.elnes-count').textContent.startsWith(n)", arg=f"{count} of")
    shown = page.evaluate(
        "document.querySelector('.elnes-all').data.find((t) => t.meta === 'errors.0').y.filter((y) => y !== null).length"
    )
    assert shown == count
    errors = [found["inspect"]["mse"][0][i] for i in rows if "stishovite" in table["texts"][i]]
    cell = page.locator(".elnes-inspect .elnes-numbers", has_text="crystals").locator("td").first.inner_text()
    assert float(cell) == pytest.approx(np.median(errors), rel=0.06)  # two digits


def test_core_hole_and_back(page):
    show(page, "Inspect")
    site = page.evaluate("new URLSearchParams(location.search).get('site')")
    show(page, "Core hole")
    page.wait_for_function(
        "document.querySelector('.elnes-change')?.data?.some((t) => t.meta === 'predicted.0' && t.y.length > 100)"
    )
    x, change = (drawn(page, ".elnes-change", "computed change", name) for name in "xy")
    computed, ground = (drawn(page, ".elnes-change", name, "y") for name in ("computed", "ground"))
    assert change == pytest.approx(computed - ground) and x[0] == -2
    assert "%" in page.locator(".elnes-corehole .elnes-numbers").first.inner_text()
    marked = page.evaluate("document.querySelector('.elnes-learnt').data.find((t) => t.meta === 'marked.0').y.length")
    assert site and marked > 0
    page.go_back()
    page.wait_for_function("document.querySelector('.elnes-nav .mod-active').textContent === 'Inspect'")
    assert page.evaluate("new URLSearchParams(location.search).get('site')") == site


def test_everything_works_with_the_network_unplugged(opened, helped, named):
    page = opened()
    page.context.set_offline(True)
    for title, panel in PANELS:
        show(page, title)
        figure = page.locator(f"{panel} .js-plotly-plot:visible .main-svg").first
        figure.wait_for()
        helped(page, panel)
        named(page, panel)
    show(page, "Browse")
    page.get_by_role("button", name="Unit cell").filter(visible=True).click()
    page.wait_for_function("document.querySelector('.elnes-structure .elnes-scene').data?.length > 8")
    page.get_by_role("button", name="Help").click()
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.problems == [] and page.foreign == []
    page.context.close()


@pytest.mark.parametrize("width, height", [(1366, 768), (820, 1180), (390, 844)])
def test_layout(shared, look, width, height):
    for title, panel in PANELS:
        shared.set_viewport_size({"width": width, "height": height})
        show(shared, title)
        name = f"site-{title.lower().replace(' ', '-')}"
        look(shared, panel, width=width, height=height, scheme="both", name=name, tall=2.2 if width > 1000 else 4.5)
    assert shared.problems == []
    shared.set_viewport_size({"width": 1366, "height": 768})


def test_without_predictions_the_pages_say_so(opened):
    page = opened("plain/?page=inspect")
    assert page.locator(".elnes-inspect .elnes-empty").first.inner_text().startswith("Nothing can be shown.")
    show(page, "Browse")
    page.wait_for_function("document.querySelector('.elnes-spectra').data?.length > 0")
    assert page.problems == [] and page.foreign == []
    page.context.close()
