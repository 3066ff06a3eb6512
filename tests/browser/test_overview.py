"""The overview of the Browse panel, its map and its histograms, used as a person would use them."""

from pathlib import Path

import pytest

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


def test_the_colour_bar_names_the_kinds_in_their_colours(page):
    color = page.locator(".elnes-control", has=page.locator(".widget-label:has-text('Colour')")).locator("select")
    color.select_option(label="Kind")
    page.wait_for_function(
        "document.querySelectorAll('.elnes-figure')[0].querySelectorAll('.colorbar .cbaxis text').length === 2"
    )
    texts = page.locator(".elnes-figure").first.locator(".colorbar .cbaxis text").all_text_contents()
    assert sorted(texts) == ["amorphous", "crystal"]
    found = page.evaluate("""(() => { const g = document.querySelectorAll('.elnes-figure')[0];
        const painted = (selector, name) => [...g.querySelectorAll(selector)].map((e) => getComputedStyle(e)[name]);
        return { points: [...new Set(painted('.scatterlayer .trace:first-child .point', 'fill'))],
            bar: [...painted('.cbfill', 'fill'), ...painted('linearGradient stop', 'stopColor')] }; })()""")
    assert len(found["points"]) == 2 and set(found["points"]) <= set(found["bar"])
    color.select_option(label="Si-O-Si angle")
    page.wait_for_function(
        "document.querySelectorAll('.elnes-figure')[0].querySelectorAll('.colorbar .cbaxis text').length > 2"
    )


def test_clicking_and_boxing_points_of_the_map_selects(page):
    spot = """(i) => { const g = document.querySelectorAll('.elnes-figure')[0], t = g.data[0], l = g._fullLayout,
        b = g.getBoundingClientRect();
        return [b.x + l._size.l + l.xaxis.l2p(t.x[i]), b.y + l._size.t + l.yaxis.l2p(t.y[i])]; }"""
    page.locator(".elnes-figure").first.scroll_into_view_if_needed()
    farthest = page.evaluate(
        "(() => { const y = document.querySelectorAll('.elnes-figure')[0].data[0].y; "
        "return y.indexOf(Math.max(...y)); })()"
    )
    page.locator(".elnes-table .row").first.click()
    page.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")
    x, y = page.evaluate(spot, farthest)
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    page.wait_for_timeout(300)  # plotly knows a point by hovering
    page.mouse.click(x, y)
    page.wait_for_function(f"document.querySelectorAll('.elnes-figure')[0].data[1].customdata[0] === {farthest}")
    page.locator(f".elnes-table .row.on[data-site='{farthest}']").wait_for()
    box = page.locator(".elnes-figure").first.locator(".nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4, steps=8)
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('.elnes-figure')[0].data[1].x.length > 10")
    page.wait_for_function("document.querySelector('.elnes-spectra').layout.showlegend === false")
    assert page.evaluate("""(() => { const g = document.querySelectorAll('.elnes-figure')[0];
        return [...g.querySelectorAll('.scatterlayer .trace:first-child .point')].every((e) => e.style.opacity > 0.5); })()""")


def test_histograms_select_too(page):
    page.get_by_role("button", name="Histograms").click()
    page.locator(".elnes-figure .bars").first.wait_for()
    page.wait_for_timeout(1000)  # the plot takes the width of its card
    figure = page.locator(".elnes-figure:has(.bars)")
    assert figure.locator(".main-svg").first.bounding_box()["width"] == pytest.approx(
        figure.bounding_box()["width"], abs=3
    )
    page.screenshot(path=ARTIFACTS / "browse-histograms.png", full_page=True)
    bar = page.evaluate("""(() => { const t = document.querySelector('.elnes-figure:has(.bars)').data[0];
        const i = t.y.indexOf(Math.max(...t.y)); return [i, t.y[i]]; })()""")
    page.locator(".elnes-figure .bars").first.locator(".point").nth(bar[0]).click(force=True)  # under the drag layer
    page.wait_for_function(f"document.querySelector('.elnes-count').innerText.includes('{bar[1]} selected')")
    page.get_by_role("button", name="Map", exact=True).click()
    page.wait_for_function(f"document.querySelectorAll('.elnes-figure')[0].data[1].x.length === {bar[1]}")
