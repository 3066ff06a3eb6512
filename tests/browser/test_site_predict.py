"""The page Predict of the pages as files: its networks are the package's, whatever the PDOS comes from."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from elnes_lab.site import build_site
from elnes_lab.site.networks import trained

sys.path.insert(0, str(Path(__file__).parent))
from served_site import opener, serving  # noqa: E402

LEVEL = 0.9


@pytest.fixture(scope="module")
def page(browser, shipped, nets, tmp_path_factory):
    """The page over the whole database, as it opens, with these networks."""
    folder = tmp_path_factory.mktemp("www") / "pages"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("elnes_lab.site.networks.trained", lambda db: nets)  # not trained a second time
        build_site(shipped, folder)
    with serving(folder.parent) as url:
        page = opener(browser, url)("pages/?page=predict")
        yield page
        assert page.problems == [] and page.foreign == []
        page.context.close()


@pytest.fixture(scope="module")
def nets(shipped):
    """Both networks as `trained` gives them."""
    return list(trained(shipped))


def shown(page, meta, axis="y"):
    """A curve of the figure."""
    script = "([meta, axis]) => document.querySelector('.elnes-own').data.find((t) => t.meta === meta)[axis]"
    return np.array(page.evaluate(script, [meta, axis]), float)


def follow(page, label):
    """Another site, by a link within the page."""
    page.goto(re.sub(r"\?.*", f"?page=predict&site={label}", page.url))
    page.wait_for_selector("html[data-elnes-loaded=all]", state="attached")
    page.wait_for_function("document.querySelector('.elnes-own').data?.some((t) => t.meta === 'mean.1' && t.y.length)")


def row(page, number):
    return page.locator(".elnes-predict .elnes-numbers tr").nth(2 + number).locator("td").all_inner_texts()


@pytest.mark.parametrize("label", ["coesite/O16", "stishovite/O2", "glass-200/O30"])
def test_a_site_is_predicted_as_by_the_package(page, nets, label):
    follow(page, label)
    for k, (model, domain, data, *_) in enumerate(nets):
        one = data.subset(np.flatnonzero(data.sites == label))
        wanted = model.predict(one, level=LEVEL)
        assert shown(page, f"mean.{k}", "x") == pytest.approx(wanted.energy, abs=1e-6)
        # Curves, weights and bins are rounded: 1.5e-5 of the highest value, and the bins of the PDOS 4e-4.
        assert shown(page, f"mean.{k}") == pytest.approx(wanted.mean[0], abs=4e-3)
        ends = shown(page, f"band.{k}")
        half = len(ends) // 2
        assert ends[:half] == pytest.approx(wanted.upper[0], abs=4e-3)
        assert ends[half:][::-1] == pytest.approx(wanted.lower[0], abs=4e-3)
        score, *_, error = row(page, k)
        assert float(score) == pytest.approx(float(domain.score(one)[0]), abs=0.02)
        assert float(error) == pytest.approx(float(((wanted.mean - one.targets) ** 2).mean()), rel=0.08)
    assert shown(page, "input.0") == pytest.approx(nets[0][2].inputs[data.sites == label][0, 0], abs=2e-3)


def test_what_is_saved_is_read_again(page, tmp_path):
    follow(page, "coesite/O16")
    before = shown(page, "mean.1")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save", exact=True).click()
    text = waiting.value.path().read_text()
    saved = pd.read_csv(waiting.value.path(), comment="#")
    assert list(saved.columns) == ["energy", "O p", "Si p"]
    # Coarser, other columns first, decimal commas, from the conduction band: the same but for the digits.
    gap = float(re.search(r"band gap: ([\d.]+)", text)[1])
    other = tmp_path / "own.csv"
    rows = saved[(saved["energy"] > gap - 6) & (saved["energy"] < gap + 17)].iloc[::2]
    lines = [f"{i}; {e - gap:.4f}; {s:.6f}; {o:.6f}" for i, (e, o, s) in enumerate(rows.to_numpy())]
    other.write_text("number; energy; Si p; O p\n" + "\n".join(lines).replace(".", ","))
    page.locator(".elnes-predict input[type=file]").set_input_files(waiting.value.path())
    page.wait_for_function("document.querySelector('.elnes-count').textContent.startsWith('Your own')")
    assert shown(page, "mean.1") == pytest.approx(before, abs=1e-4)
    assert "site=" not in page.url
    page.get_by_label("Energies from").select_option("conduction-band minimum")
    page.locator(".elnes-predict input[type=file]").set_input_files(other)
    page.get_by_text("own.csv", exact=True).wait_for()
    assert shown(page, "mean.1") == pytest.approx(before, abs=0.02)
    page.locator(".elnes-gap input").fill("")
    page.wait_for_function("!document.querySelector('.elnes-own').data.find((t) => t.meta === 'mean.1').visible")
    assert shown(page, "mean.0").size and "needs the band gap" in page.locator(".elnes-predict").inner_text()


@pytest.mark.parametrize(
    "text, says",
    [
        ("hello", "No line has two numbers"),
        ("\n".join(f"{i} 1" for i in range(50)), "There are 2 columns, and 3 are needed: energy, O p, Si p"),
        ("\n".join(f"{i % 7} 1 1" for i in range(50)), "up and down"),
        ("\n".join(f"{i} 1 1" for i in range(9)), "at least 30"),
        ("\n".join(f"{i / 10} 1 1" for i in range(90)), "are needed. Compute more empty bands"),
        ("\n".join(f"{i - 20} 1 1" for i in range(90)), "1.00 eV apart"),
        ("\n".join(f"{i / 10 - 20} -1 1" for i in range(900)), "negative"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(page, text, says):
    follow(page, "coesite/O16")
    page.get_by_label("PDOS as text").fill(text)
    page.locator(".elnes-predict .elnes-empty:not(.elnes-hidden)", has_text=says).wait_for()
    page.get_by_role("button", name="Example").click()
    page.wait_for_function("document.querySelector('.elnes-predict .elnes-empty').classList.contains('elnes-hidden')")


def test_inputs_unlike_all_others_are_called_so(page):
    follow(page, "coesite/O16")
    text = "\n".join(f"{i / 10 - 5} {2 + np.sin(i / 3):.3f} 3" for i in range(400))
    page.get_by_label("PDOS as text").fill(text)
    page.locator(".elnes-predict .elnes-warn", has_text="Out of domain").wait_for()
    assert float(row(page, 0)[0]) > 2


def test_files_that_cannot_be_used(page, tmp_path):
    follow(page, "coesite/O16")
    chooser = page.locator(".elnes-predict input[type=file]")
    for name, content, says in (
        ("empty.csv", b"", "empty.csv is empty"),
        ("huge.csv", b"0 1 1\n" * 1_500_000, "huge.csv has 9 MB; 8 MB are the most"),
        ("picture.txt", bytes(range(256)) * 9, "No line has two numbers"),
    ):
        (tmp_path / name).write_bytes(content)
        for _ in range(2):  # the same file again, too
            chooser.set_input_files(tmp_path / name)
            page.locator(".elnes-predict .elnes-empty:not(.elnes-hidden)", has_text=says).wait_for()
