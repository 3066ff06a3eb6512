"""Energy loss and normalised intensity: one click, the same on all pages, there again after a reload, and in a link."""

import pytest

AXES = """(() => { const l = document.querySelector('.elnes-spectra').layout;
    return [l.xaxis2.title.text, l.yaxis.title.text]; })()"""
CHOSEN = ["Energy loss (eV)", "ELNES (mean = 1)"]


def wait_for_axes(page, axes):
    page.wait_for_function(f"(wanted) => JSON.stringify({AXES}) === JSON.stringify(wanted)", arg=axes)


def wait_until_kept(page, text):
    """Until the browser's storage holds a text: it writes on its own time."""
    page.wait_for_function(
        """(text) => new Promise((done) => { const open = indexedDB.open('elnes-lab', 1);
            open.onsuccess = () => { const all = open.result.transaction('files').objectStore('files').getAll();
                all.onsuccess = () => { open.result.close();
                    done(all.result.some((one) => new TextDecoder().decode(one.content) === text)); }; }; })""",
        arg=text,
    )


def pressed(page, panel):
    """Texts of the buttons that are down in the visible groups of a panel."""
    return page.locator(f"{panel} .elnes-control .widget-toggle-buttons button.mod-active:visible").all_inner_texts()


@pytest.fixture
def own(visit):
    page = visit()
    yield page
    page.context.close()


def test_a_choice_is_kept_over_a_reload_and_from_page_to_page_and_a_link_has_it(own, visit):
    page = own
    before = page.evaluate(AXES)
    assert before != CHOSEN
    page.get_by_role("button", name="energy loss").click()
    page.get_by_role("button", name="normalised").click()
    wait_for_axes(page, CHOSEN)
    page.locator(".elnes-nav").get_by_role("button", name="Inspect").click()
    page.wait_for_function(
        """document.querySelector('.elnes-prediction')?.layout?.xaxis?.title?.text === 'Energy loss (eV)'"""
    )
    assert {"energy loss", "normalised"} <= set(pressed(page, ".elnes-inspect"))
    page.locator(".elnes-inspect").get_by_role("button", name="per eV").click()
    page.wait_for_function("document.querySelector('.elnes-prediction').layout.yaxis.title.text.includes('bohr')")
    page.locator(".elnes-nav").get_by_role("button", name="Browse").click()
    page.wait_for_function("document.querySelector('.elnes-spectra').layout.yaxis.title.text.includes('bohr')")
    # Of Browse, not of Inspect, which stays in sight until the kernel has brought Browse to the front.
    page.locator(".elnes-browse:has(.elnes-spectra)").get_by_role("button", name="normalised").click()
    wait_for_axes(page, CHOSEN)
    wait_until_kept(page, '{"zero": "loss", "intensity": "mean"}')
    page.reload()
    page.wait_for_selector(".elnes-spectra .main-svg")
    wait_for_axes(page, CHOSEN)
    page.get_by_role("button", name="Share").click()
    link = page.locator(".elnes-notice input")
    link.wait_for()
    query = link.input_value().partition("?")[2]
    assert "zero=loss" in query and "intensity=mean" in query
    other = visit(query)
    wait_for_axes(other, CHOSEN)
    other.context.close()
    assert page.problems == []


def test_a_link_without_a_choice_shows_what_it_was_made_of_to_who_has_chosen_otherwise(own, address):
    page = own
    page.get_by_role("button", name="energy loss").click()
    page.wait_for_function(f"{AXES}[0] === 'Energy loss (eV)'")
    page.goto(f"{address}?sites=quartz-alpha/O3")
    page.wait_for_selector(".elnes-spectra .main-svg")
    page.wait_for_function("document.querySelector('.elnes-spectra').data.filter((t) => t.visible).length === 2")
    page.wait_for_function(f"{AXES}[0].includes('valence-band')")
