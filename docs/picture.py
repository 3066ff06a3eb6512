"""docs/tutorial/spectrum.png: the figure that the code of the first lesson draws, as Chromium shows it. `make picture` runs it."""

import os
import tempfile
from pathlib import Path

from blocks import DOCS, blocks
from playwright.sync_api import sync_playwright

LESSON = DOCS / "tutorial" / "spectrum.md"


def main() -> None:
    namespace = {}
    for block in blocks(LESSON):
        if block.language == "python":
            exec(block.text, namespace)
            if "figure" in namespace:
                break
    figure = namespace["figure"].update_layout(paper_bgcolor="white", plot_bgcolor="white", width=760, height=520)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        page_file = Path(folder) / "figure.html"
        figure.write_html(page_file, include_plotlyjs=True, config={"displayModeBar": False})
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"] * (os.geteuid() == 0))
        page = browser.new_page(device_scale_factor=2)
        page.goto(page_file.as_uri())
        page.locator(".plotly-graph-div").screenshot(path=LESSON.with_suffix(".png"))
        browser.close()


if __name__ == "__main__":
    main()
