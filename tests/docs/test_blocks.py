"""Every block of code on the pages and in README.md runs as it stands, in order, in one namespace a page and an empty folder.

What cannot be run says why in the page's source; its commands are at least read by the parser, its Python compiled, and its
targets of make exist.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import Block, blocks, commands, pages

from elnes_lab.cli.program import main, parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
NOT_CODE = ("text", "ini")
# What README.md takes for granted: a structure and a spectrum of the reader.
OF_THE_READER = {
    "my-structure.cif": ["--site", "stishovite/O2"],
    "my-spectrum.msa": ["--site", "coesite/O8", "--zero", "loss", "--fwhm", "0.8"],
}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))


def to_run(page: Path) -> list[Block]:
    return [block for block in blocks(page) if not block.not_run and block.language not in NOT_CODE]


def test_every_block_says_what_it_is():
    """None is merely indented: such a one would escape the others of these tests."""
    wrong = [
        f"{name}:{block.line}: {block.language or 'indented'}"
        for name, page in PAGES.items()
        for block in blocks(page)
        if block.language not in ("python", "sh", *NOT_CODE)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if to_run(page)])
def test_the_blocks_of_a_page_run(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if name == "README.md":
        for file, options in OF_THE_READER.items():
            assert main(["export", file, *options]) == 0
    namespace = {"__name__": "page"}
    for block in to_run(PAGES[name]):
        if block.language == "python":
            exec(compile("\n" * block.line + block.text, name, "exec"), namespace)
            continue
        for command, *words in commands(block):
            assert command == "elnes-lab", f"{name}:{block.line}: {command} cannot be run here; say why in a comment"
            assert main(words) == 0, f"{name}:{block.line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if any(b.not_run for b in blocks(page))])
def test_what_is_not_run_can_be_read(name):
    for block in blocks(PAGES[name]):
        if not block.not_run:
            continue
        if block.language == "python":
            compile(block.text, f"{name}:{block.line}", "exec")
        for command, *words in commands(block) if block.language == "sh" else []:
            if command == "elnes-lab":
                parser().parse_args(words)
            elif command == "make":
                assert set(words) <= TARGETS, f"{name}:{block.line}: make {' '.join(words)}"


def test_a_block_that_fails_would_be_found(tmp_path):
    """The reader of the pages sees blocks, comments and commands as they are meant."""
    page = tmp_path / "page.md"
    page.write_text(
        "# T\n\n```python\na = 1\n```\n\n<!-- not run: hours -->\n```sh\nX=1 elnes-lab serve  # waits\ncd a && make b\n```\n"
        "\n    indented\n\n<!-- not run: of another -->\n\nText.\n\n```sh\nelnes-lab info\n```\n"
    )
    found = blocks(page)
    assert [(block.language, block.not_run) for block in found] == [
        ("python", ""),
        ("sh", "hours"),
        ("", ""),
        ("sh", ""),
    ]
    assert commands(found[1]) == [["elnes-lab", "serve"], ["cd", "a"], ["make", "b"]]


def test_the_program_is_the_command_that_the_pages_name():
    """`elnes-lab` of the pages is `main`, which the other tests call in this process."""
    said = subprocess.run(
        [sys.executable, "-m", "elnes_lab.cli", "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    assert said.returncode == 0 and said.stdout.strip()
