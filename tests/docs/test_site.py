"""The site: built without a warning, complete, loads nothing from another host, and every link within it leads somewhere."""

import argparse
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urlsplit

import blocks
import generated
import pytest

from elnes_lab.cli.program import parser
from elnes_lab.schema import COLUMNS

LOADS = {  # what a browser fetches by itself: element -> attributes
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}


# What styles and scripts fetch when they are read.
FETCHED = re.compile(r"""(url\(|@import|fetch\(|import\(|importScripts\()\s*["'`]?\s*(https?:)?//""")


def foreign(address: str) -> bool:
    """Whether an address, or the first of a srcset, names a host."""
    return bool(urlsplit(address.strip()).netloc)


class Page(HTMLParser):
    """Links, what is loaded, and the places of a page that links can lead to."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.loaded, self.places, self.text = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        self.loaded += [attributes[name] for name in LOADS.get(tag, ()) if attributes.get(name)]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_there_and_listed(site, pages):
    written = {path.relative_to(blocks.DOCS).with_suffix(".html") for path in blocks.DOCS.rglob("*.md")}
    assert {site / path for path in written} <= set(pages)
    start = {unquote(urldefrag(link).url) for link in pages[site / "index.html"].links}
    unlisted = {str(path) for path in written if len(path.parts) < 3} - start - {"index.html"}
    assert unlisted == set(), "pages that the start page does not lead to"


def test_nothing_is_loaded_from_another_host(site, pages):
    assert [(path.name, address) for path, page in pages.items() for address in page.loaded if foreign(address)] == []
    for path in [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.js")]:
        assert not FETCHED.search(path.read_text()), path.name


def test_what_loads_from_another_host_would_be_found():
    page = Page(
        '<link href="//a/b.css"><img srcset="https://a/b.png 2x"><script src="x.js"></script><a href="https://a/">'
    )
    assert [foreign(address) for address in page.loaded] == [True, True, False] and page.links == ["https://a/"]
    for text in ("url( 'https://a/f.woff2' )", '@import "//a/b.css"', "fetch('http://a')", 'import("https://a/b.js")'):
        assert FETCHED.search(text), text


def test_every_link_within_leads_somewhere(site, pages):
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            address, place = urldefrag(link)
            if urlsplit(address).scheme or urlsplit(address).netloc:
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            if not target.is_file() or (place and target in pages and unquote(place) not in pages[target].places):
                wrong.append(f"{path.relative_to(site)}: {link}")
    assert wrong == []


def test_what_is_generated_is_complete(site, pages):
    said = "".join(pages[site / "reference" / "columns.html"].text)
    assert [name for name in COLUMNS if name not in said] == []
    said = "".join(pages[site / "reference" / "command-line.html"].text)
    for program, _ in generated.commands(parser()):
        assert program.prog in said
        assert [word for action in program._actions for word in action.option_strings if word not in said] == []
    api = "".join(text for path, page in pages.items() if path.parent.name == "api" for text in page.text)
    for name in (
        "open_database",
        "predict_structure",
        "quantify",
        "spectrum_overlay",
        "check_glass",
        "Broadening",
        "mixture",
    ):
        assert name in api
    assert "generated:" not in "".join(path.read_text() for path in pages)


def test_help_is_shown_as_it_is():
    """A text of the program is no Markdown: what it holds is seen, code in backticks stays code."""
    assert generated.plain("<structure>/O<i>.npz * a_b | `x_y`") == r"\<structure\>/O\<i\>.npz \* a\_b \| `x_y`"
    program = argparse.ArgumentParser(prog="p")
    action = program.add_argument("--top", default=3, type=int, metavar="N", help="most (default: %(default)s)")
    assert generated.option(program, action) == ["`--top N`", ": Most (default: 3).", ""]


def test_a_page_that_asks_for_what_is_not_there_fails():
    with pytest.raises(KeyError):
        generated.filled("<!-- generated: nonsense -->", "page")
