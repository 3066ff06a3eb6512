"""The Browse panel, used as a person would use it."""

from pathlib import Path

import pytest

import elnes_lab

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
CURVES = """(() => document.querySelector('.elnes-spectra').data.filter((t) => t.visible)
    .map((t) => ({name: t.name, x: [...t.x], y: [...t.y], color: t.line.color, axis: t.yaxis})))()"""


@pytest.fixture(scope="module")
def db():
    return elnes_lab.open_database()


def curves(page):
    """Drawn curves: those of the spectra, then those of the PDOS."""
    return page.evaluate(CURVES)


def wait_for_curves(page, count):
    page.wait_for_function(
        f"document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === {2 * count}"
    )


def listed(page):
    return int(page.locator(".elnes-table .body").get_attribute("aria-rowcount"))


def wait_for_rows(page, count):
    page.wait_for_selector(f".elnes-table .body[aria-rowcount='{count}']")


def control(page, label):
    """The select or input below a label."""
    return page.locator(".elnes-control", has=page.locator(f".widget-label:has-text('{label}')"))


def pick(page, row, **options):
    page.locator(".elnes-table .row").nth(row).click(**options)


def test_first_paint_shows_spectra_with_their_pdos_and_the_structure(page, db):
    drawn = curves(page)
    assert len(drawn) == 6 and all(len(curve["x"]) > 100 for curve in drawn)
    assert max(drawn[0]["y"]) > 1  # in the unit of the axis
    assert len({curve["color"] for curve in drawn[:3]}) == 3
    assert [curve["color"] for curve in drawn[:3]] == [curve["color"] for curve in drawn[3:]]
    assert f"{len(db):,} of {len(db):,} spectra listed" in page.locator(".elnes-count").inner_text().replace(
        "\xa0", " "
    )
    canvas = page.locator(".elnes-scene canvas").first.bounding_box()
    assert canvas["width"] > 200 and canvas["height"] > 100
    assert "Å" in page.locator(".elnes-facts").inner_text()
    assert db.version in page.locator(".elnes-foot").inner_text()


def test_one_selection_has_one_colour_in_table_map_and_plot(page):
    drawn = curves(page)[:3]
    page.locator(".elnes-table .head .mark").click()
    swatches = page.locator(".elnes-table .row.on line").evaluate_all("all => all.map((l) => l.getAttribute('stroke'))")
    points = page.evaluate("document.querySelectorAll('.elnes-figure')[0].data[1].marker.color")
    page.locator(".elnes-table .head .mark").click()
    assert sorted(swatches) == sorted(points) == sorted(curve["color"] for curve in drawn)


def test_filter_by_kind_text_and_reset(page, db):
    control(page, "Kind").locator("select").select_option(index=0)
    options = control(page, "Kind").locator("option").all_inner_texts()
    amorphous = next(text for text in options if text.startswith("amorphous"))
    control(page, "Kind").locator("select").select_option(label=amorphous)
    wait_for_rows(page, int((db["kind"] == "amorphous").sum()))
    assert "crystal" not in page.locator(".elnes-table .rows").inner_text()
    page.get_by_role("button", name="Reset filters").click()
    wait_for_rows(page, len(db))
    control(page, "Search").locator("input").fill("quartz")
    expected = sum("quartz" in f"{site} {name}".casefold() for site, name in zip(db.sites, db["name"]))
    assert 0 < expected < len(db)
    wait_for_rows(page, expected)
    control(page, "Search").locator("input").fill("no such mineral __import__('os')")
    page.get_by_text("No spectrum passes these filters").wait_for()
    page.get_by_role("button", name="Reset filters").click()
    wait_for_rows(page, len(db))
    assert control(page, "Search").locator("input").input_value() == ""


def test_range_slider_filters(page, db):
    handle = control(page, "Band gap").locator(".noUi-handle-lower")
    handle.focus()
    for _ in range(10):
        handle.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('.elnes-table .body').getAttribute('aria-rowcount') < {len(db)}")
    for _ in range(300):  # the label and the table follow ten key presses
        low = float(control(page, "Band gap").locator("output").inner_text().split("–")[0])
        if listed(page) == (db["band_gap"] >= low - 1e-5).sum():
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail(f"{listed(page)} rows are listed from {low} eV")


def test_sorting_by_a_column(page, db):
    head = page.locator(".elnes-table .head button[data-column=band_gap]")

    def first():
        return float(page.locator(".elnes-table .row").first.locator(".cell").nth(8).inner_text())

    head.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert first() == pytest.approx(db["band_gap"].min(), abs=0.006)
    head.click()
    assert first() == pytest.approx(db["band_gap"].max(), abs=0.006)
    head.click()
    assert head.get_attribute("aria-sort") == "none"


def test_selecting_rows_by_mouse_and_keyboard(page):
    pick(page, 1)
    wait_for_curves(page, 1)
    pick(page, 3, modifiers=["Control"])
    wait_for_curves(page, 2)
    page.wait_for_function("document.querySelector('.elnes-count').textContent.includes('2 selected')")
    page.screenshot(path=ARTIFACTS / "browse-two-selected.png", full_page=True)
    body = page.locator(".elnes-table .body")
    body.press("ArrowDown")
    body.press(" ")
    wait_for_curves(page, 3)
    body.press("Enter")
    wait_for_curves(page, 1)
    body.press("Escape")
    page.get_by_text("No spectrum is selected").wait_for()


def test_a_click_counts_though_the_table_is_drawn_anew_meanwhile(page):
    page.locator(".elnes-table .body").press("Home")
    row = page.locator(".elnes-table .row[aria-rowindex='2']")
    while (box := row.bounding_box()) is None:  # the key draws the rows anew, too
        pass
    page.mouse.move(box["x"] + 80, box["y"] + 10)
    page.mouse.down()
    page.evaluate("document.querySelector('.elnes-table .body').dispatchEvent(new Event('scroll'))")  # draws the rows
    page.wait_for_timeout(200)
    page.mouse.up()
    wait_for_curves(page, 1)


def test_broadening_zero_and_polarization_change_the_curves(page):
    pick(page, 0)
    wait_for_curves(page, 1)
    sharp = curves(page)[0]
    handle = control(page, "Broadening").locator(".noUi-handle")
    handle.focus()
    for _ in range(10):
        handle.press("ArrowRight")
    page.wait_for_function(
        f"Math.max(...document.querySelector('.elnes-spectra').data[0].y) < {0.99 * max(sharp['y'])}"
    )
    for _ in range(10):
        handle.press("ArrowLeft")
    page.wait_for_function(
        f"Math.abs(Math.max(...document.querySelector('.elnes-spectra').data[0].y) - {max(sharp['y'])}) < 1e-6"
    )
    zero = control(page, "Energy zero")
    zero.get_by_role("button", name="edge").click()
    page.wait_for_function(f"document.querySelector('.elnes-spectra').data[0].x[0] < {sharp['x'][0] - 2}")
    assert "conduction-band edge" in page.locator(".elnes-spectra .infolayer").last.text_content()
    zero.get_by_role("button", name="valence band").click()
    page.wait_for_function(f"document.querySelector('.elnes-spectra').data[0].x[0] === {sharp['x'][0]}")
    page.get_by_role("button", name="z", exact=True).click()
    page.wait_for_function(
        f"Math.abs(Math.max(...document.querySelector('.elnes-spectra').data[0].y) - {max(sharp['y'])}) > 1e-3"
    )
    page.get_by_role("button", name="mean", exact=True).click()


def test_an_instrument_is_a_width_and_another_width_none(page):
    instrument, width = control(page, "Instrument").locator("select"), control(page, "Broadening").locator("output")
    sharp = max(curves(page)[0]["y"])
    instrument.select_option(label="Schottky, 0.8 eV")
    page.wait_for_function(f"Math.max(...document.querySelector('.elnes-spectra').data[0].y) < {0.99 * sharp}")
    assert width.inner_text() == "0.8 eV"
    handle = control(page, "Broadening").locator(".noUi-handle")
    page.wait_for_function("(e) => Number(e.getAttribute('aria-valuenow')) === 0.8", arg=handle.element_handle())
    handle.press("ArrowRight")
    page.wait_for_function(
        "(e) => e.selectedOptions[0].text.replace(/\\s/g, ' ') === 'another width'", arg=instrument.element_handle()
    )
    instrument.select_option(label="none")
    page.wait_for_function(
        f"Math.abs(Math.max(...document.querySelector('.elnes-spectra').data[0].y) - {sharp}) < 1e-6"
    )


def test_one_click_shows_what_a_broad_beam_sees(page):
    shown = control(page, "Curves")
    shown.get_by_role("button", name="averages").click()
    page.wait_for_function("document.querySelector('.elnes-spectra').data[0].name.includes('of its O')")
    names = [curve["name"] for curve in curves(page)[:3]]
    assert len(names) == 3 and all("of its O" in name for name in names)
    assert control(page, "Polarization").get_by_role("button", name="x", exact=True).is_disabled()
    legend = page.locator(".elnes-spectra .legend").bounding_box()
    axes = page.locator(".elnes-spectra .nsewdrag").first.bounding_box()
    assert legend["y"] + legend["height"] <= axes["y"] + 1, "the legend covers the curves"
    page.screenshot(path=ARTIFACTS / "browse-averages.png", full_page=True)
    shown.get_by_role("button", name="sites").click()
    page.wait_for_function("!document.querySelector('.elnes-spectra').data[0].name.includes('of its O')")


def test_selected_rows_stay_in_sight_above_the_list(page, db):
    kept, body = page.locator(".elnes-table .keep"), page.locator(".elnes-table .body")
    names = kept.locator(".wide").all_inner_texts()
    assert len(names) == 3
    head = page.locator(".elnes-table .head button[data-column=band_gap]")
    head.click()
    control(page, "Search").locator("input").fill("stishovite")
    wait_for_rows(page, sum("stishovite" in f"{site} {name}".casefold() for site, name in zip(db.sites, db["name"])))
    assert kept.locator(".wide").all_inner_texts() == names and all(one.is_visible() for one in kept.all())
    page.wait_for_function("document.querySelectorAll('.elnes-table .keep.out').length === 2")
    page.get_by_role("button", name="Reset filters").click()
    wait_for_rows(page, len(db))
    head.click()
    head.click()
    kept.locator(".wide").nth(1).click()  # brings it into sight in the list, too
    site = kept.nth(1).get_attribute("data-kept")
    row = page.locator(f".elnes-table .row.on[data-site='{site}']")
    row.wait_for()
    assert (
        body.bounding_box()["y"] <= row.bounding_box()["y"] <= body.bounding_box()["y"] + body.bounding_box()["height"]
    )
    before = body.bounding_box()["y"] + body.bounding_box()["height"]
    kept.nth(0).get_by_role("button", name="Remove from the plot").click()
    wait_for_curves(page, 2)
    assert kept.count() == 2
    assert body.bounding_box()["y"] + body.bounding_box()["height"] == pytest.approx(before, abs=1)  # nothing jumps


def test_a_row_stays_under_the_mouse_while_rows_are_added_one_after_another(page):
    page.get_by_role("button", name="Clear", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.elnes-table .keep').length === 0")
    page.locator(".elnes-table .body").press("Home")
    place = (
        "document.querySelector(`.elnes-table .row[aria-rowindex='6']`).getBoundingClientRect().y"  # rows are made anew
    )
    before = page.evaluate(place)
    for count in (1, 2):
        page.locator(f".elnes-table .row[aria-rowindex='{5 + count}'] .mark").click()
        wait_for_curves(page, count)
    page.wait_for_function("document.querySelectorAll('.elnes-table .keep').length === 2")
    assert page.evaluate(place) == pytest.approx(before, abs=1)


def test_another_drawing_leaves_nothing_of_the_one_before(page):
    # weas-widget's own handle of its last viewer: drawn arrows (a shaft and a head for x, y, z, a, b, c), polyhedra, atoms.
    drawn = """() => { const found = { arrow: 0, anyMesh: 0 };
        window.editor.tjs.scene.traverse((o) => { if (o.visible && o.count !== 0 && o.userData.type in found) found[o.userData.type]++; });
        return { ...found, atoms: JSON.stringify(window.editor.avr.atoms.positions) }; }"""
    what = page.locator(".elnes-structure .elnes-what")
    steps = (
        lambda: what.get_by_role("button", name="Unit cell").click(),
        lambda: pick(page, 5),
        lambda: what.get_by_role("button", name="Cluster").click(),
        lambda: pick(page, 1),
    )
    atoms = page.evaluate(drawn)["atoms"]
    for step in steps:
        step()
        page.wait_for_function("(before) => JSON.stringify(window.editor.avr.atoms.positions) !== before", arg=atoms)
        page.wait_for_function(f"({drawn})().anyMesh > 0 && ({drawn})().arrow === 12")
        page.wait_for_timeout(300)  # what is drawn late would stay
        found = page.evaluate(drawn)
        assert found["arrow"] == 12 and found["anyMesh"] > 0
        atoms = found["atoms"]


def test_empty_selection_offers_an_example(page):
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("No spectrum is selected").wait_for()
    assert curves(page) == [] or page.wait_for_function(
        "document.querySelector('.elnes-spectra').data.every((t) => !t.visible)"
    )
    page.screenshot(path=ARTIFACTS / "browse-empty.png", full_page=True)
    page.get_by_role("button", name="Show alpha-quartz").click()
    wait_for_curves(page, 3)


def test_every_control_has_a_line_of_help(page, helped):
    helped(page, ".elnes")


def test_dark_system_without_webgl_keeps_the_caption(visit):
    page = visit(color_scheme="dark", without_webgl=True)
    assert page.evaluate("document.documentElement.dataset.elnesTheme") == "dark"
    page.get_by_text("This browser offers no WebGL").wait_for()
    assert "Å" in page.locator(".elnes-facts").inner_text()
    assert page.problems == []
    page.context.close()
