"""The New structure panel, used as a person would use it: files dropped, a text pasted, sites chosen, a file saved."""

import io
from pathlib import Path

import numpy as np
import pytest

import elnes_lab
from elnes_lab.io.structure_files import render_cif

SLOW = 120_000  # ms on a busy machine
FIGURE = "document.querySelector('.elnes-predicted')"
TRACE = f"(meta) => {{ const t = {FIGURE}.data.find((t) => t.meta === meta); return t.visible ? [...t.y] : null; }}"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const card = document.querySelector('.elnes-newstructure .elnes-drop');
  for (const kind of ['dragover', 'drop']) card.dispatchEvent(
    new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def db():
    return elnes_lab.open_database()


@pytest.fixture(scope="module")
def page(front):
    page = front("New structure")
    page.wait_for_function(f"{FIGURE}?.data?.find((t) => t.meta === 'average')?.y?.length > 10", timeout=SLOW)
    yield page
    assert page.problems == [] and page.foreign == []


@pytest.fixture
def panel(page):
    return page.locator(".elnes-newstructure")


def dropped(page, name, text, heading):
    page.evaluate(DROP, [name, text])
    page.locator(".elnes-newstructure .elnes-heading", has_text=heading).wait_for(timeout=SLOW)
    page.locator(".elnes-newstructure .elnes-wait").wait_for(state="hidden", timeout=SLOW)
    page.locator(".elnes-newstructure .elnes-table .row").first.wait_for(timeout=SLOW)


def test_three_files_are_dropped_one_after_another(page, panel, db):
    from ase.io import write

    cif = render_cif(db[["quartz-alpha/O3"]])["quartz-alpha"].decode()
    dropped(page, "my quartz.cif", cif, "my quartz.cif")
    assert panel.get_by_text("quartz-alpha of the database, which the models were trained on").is_visible()
    assert panel.get_by_text("Full calculations are off on this server").is_visible()
    assert not panel.get_by_role("button", name="Compute").is_visible()
    assert panel.get_by_text("SiO2, 9 atoms").is_visible() and panel.locator(".elnes-table .row").count() == 1
    first = page.evaluate(TRACE, "average")
    assert np.mean(first) == pytest.approx(1, abs=0.05)

    swollen, poscar = db.atoms("coesite"), io.StringIO()
    swollen.set_cell(swollen.cell * 1.09, scale_atoms=True)
    write(poscar, swollen, format="vasp")
    dropped(page, "POSCAR", poscar.getvalue(), "POSCAR")
    assert panel.locator(".elnes-warn", has_text="outside the training data").count() > 0
    assert panel.locator(".elnes-table .row").count() == 5
    second = page.evaluate(TRACE, "average")
    assert np.abs(np.subtract(first, second)).max() > 0.05

    broken = db.atoms("coesite")
    broken.symbols[0] = "Ti"
    text = io.StringIO()
    write(text, broken, format="extxyz")
    page.evaluate(DROP, ["with titanium.xyz", text.getvalue()])
    panel.get_by_role("alert").filter(has_text="contains Ti").wait_for(timeout=SLOW)
    assert panel.get_by_text("Still shown: POSCAR").is_visible() and page.evaluate(TRACE, "average") == second


def test_sites_are_drawn_with_their_interval_and_the_computed_spectrum(page, panel, db):
    panel.get_by_title("Or one of the database").select_option(label="coesite")
    panel.locator(".elnes-heading", has_text="coesite").wait_for(timeout=SLOW)
    panel.locator(".elnes-table .row").nth(1).click()
    page.wait_for_function(f"{FIGURE}.data.find((t) => t.meta === 'site.0').visible", timeout=SLOW)
    page.wait_for_function(f"{FIGURE}.data.find((t) => t.meta === 'other.0').name.includes('O10')", timeout=SLOW)
    page.wait_for_function(
        f"{FIGURE}.data.find((t) => t.meta === 'route.pdos').name === 'PDOS route, O10'", timeout=SLOW
    )
    assert panel.get_by_text("by models that never saw this net").is_visible()
    assert panel.get_by_role("row").filter(has_text="PDOS route").is_visible()
    predicted, computed = page.evaluate(TRACE, "site.0"), page.evaluate(TRACE, "other.0")
    by_pdos = page.evaluate(TRACE, "route.pdos")
    assert np.mean(np.subtract(by_pdos, computed) ** 2) < 0.05
    band = page.evaluate(TRACE, "band.site")
    upper, lower = np.split(np.array(band), 2)
    assert (upper >= predicted).all() and (lower[::-1] <= predicted).all()
    assert np.mean((np.array(computed) <= upper) & (np.array(computed) >= lower[::-1])) > 0.5
    panel.get_by_role("button", name="Average", exact=True).click()
    page.wait_for_function(f"!{FIGURE}.data.find((t) => t.meta === 'site.0').visible", timeout=SLOW)


def test_a_pasted_text_and_the_file_that_is_saved(page, panel, db, tmp_path):
    from ase.io import write

    text = io.StringIO()
    write(text, db.atoms("cristobalite"), format="extxyz")
    panel.get_by_role("button", name="Paste", exact=True).click()
    panel.locator("textarea").fill(text.getvalue())
    panel.get_by_role("button", name="Read the text").click()
    panel.locator(".elnes-heading", has_text="pasted text").wait_for(timeout=SLOW)
    assert panel.get_by_role("alert").count() == 0
    with page.expect_download() as event:
        panel.get_by_role("button", name="CSV", exact=True).click()
    content = Path(event.value.path()).read_text()
    assert "structure route" in content and "own edge" in content and "average upper" in content
    panel.get_by_role("button", name="Paste", exact=True).click()
