"""Every page at five widths, at two of them in the dark, too: pictures in artifacts/, nothing cut on any card, everything named and explained.

One page is opened for all; between two pictures only its window and its theme change.
"""

import pytest

SLOW = 120_000  # ms until networks are open on a busy machine
SIZES = ((1920, 1080), (1366, 768), (1024, 768), (820, 1180), (390, 844))
DARK = (1366, 390)
# Title: class of the panel, its first figure of spectra, what says that it is ready, what lies in the window.
PAGES = {
    "Browse": (
        ".elnes-browse:has(.elnes-spectra)",
        ".elnes-spectra",
        "true",
        (".elnes-table", ".elnes-filters", ".elnes-scene"),
    ),
    "Train": (
        ".elnes-train",
        ".elnes-windows",
        "document.querySelector('.elnes-windows .main-svg')",
        (".elnes-windows", ".elnes-loss", ".elnes-trio", ".elnes-runs"),
    ),
    "Inspect": (
        ".elnes-inspect",
        ".elnes-prediction",
        "document.querySelector('.elnes-inspect .elnes-errors')?.data?.[0]?.x?.length > 10",
        (".elnes-inspect .elnes-errors", ".elnes-prediction"),
    ),
    "Core hole": (
        ".elnes-corehole",
        ".elnes-change",
        "document.querySelector('.elnes-change')?.data?.find((t) => t.meta === 'predicted.0')?.x?.length > 10",
        (".elnes-change", ".elnes-learnt"),
    ),
    "New structure": (
        ".elnes-newstructure",
        ".elnes-predicted",
        "document.querySelector('.elnes-predicted')?.data?.find((t) => t.meta === 'average')?.y?.length > 10",
        (".elnes-predicted", ".elnes-newstructure .elnes-scene"),
    ),
    "My spectrum": (
        ".elnes-measured",
        ".elnes-beside",
        "!document.querySelector('.elnes-quantified [role=status]')",
        (".elnes-beside", ".elnes-steps"),
    ),
}
# Names of networks that do not fit into their field.
SHORT = """(css) => [...document.querySelectorAll(`${css} .elnes-model select`)].filter((e) => {
    const pen = document.createElement('canvas').getContext('2d'), style = getComputedStyle(e);
    pen.font = style.font;
    return pen.measureText(e.selectedOptions[0].label).width >
        e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
}).map((e) => e.selectedOptions[0].label)"""

# Kinds that the distributions of errors are named after; plotly leaves out what would end beyond the figure.
KINDS = """() => [...document.querySelectorAll('.elnes-inspect .elnes-errors .x2tick text')]
    .filter((e) => getComputedStyle(e).display !== 'none').map((e) => e.textContent.match(/[a-z.]+/)[0])"""


@pytest.mark.parametrize("title", PAGES)
def test_every_page_fits_every_window(front, look, helped, named, title):
    page, (panel, spectrum, ready, inside) = front(title), PAGES[title]
    page.locator(panel).wait_for(timeout=SLOW)  # else the page before would be judged
    page.wait_for_function(ready, timeout=SLOW)
    for cover in page.locator(f"{panel} .elnes-empty.elnes-wait").all():
        cover.wait_for(state="hidden", timeout=SLOW)
    for width, height in SIZES:
        tall = {1920: 1, 390: 9, 820: 4}.get(width, 2.2)  # a telephone scrolls, a large screen does not
        name = title.casefold().replace(" ", "-")
        scheme = "both" if width in DARK else "light"  # what is cut in the dark is cut in the light
        look(page, panel, width=width, height=height, scheme=scheme, name=name, inside=inside, tall=tall)
        assert page.evaluate(SHORT, panel) == []
        if title == "Inspect":
            assert page.evaluate(KINDS) == ["crystal", "amorph."]
        if width == 390:
            page.evaluate("scrollTo(0, 0)")
            box = page.locator(spectrum).first.bounding_box()
            assert box["y"] + 0.6 * box["height"] <= height, "a telephone shows no spectrum in its first screen"
    helped(page, panel)
    named(page, ".elnes")
    assert page.problems == [] and page.foreign == []
