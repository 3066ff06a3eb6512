"""The code of the pages and of README.md, for the tests that run it and for the picture that is made from it.

A block that cannot be run has a comment before it, which the page does not show: `<!-- not run: why -->`.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

DOCS = Path(__file__).resolve().parent
WRITTEN_BY_COMMANDS = ("learning.md", "quantify.md", "physics.md", "robustness.md")
MARK = re.compile(r"<!-- not run: (.+?) -->\s*")


class Block(NamedTuple):
    """line: of the page, from 1; language: "python", "sh", "text" ..., "" for a block that is only indented; not_run: why, or ""."""

    line: int
    language: str
    text: str
    not_run: str


def pages() -> list[Path]:
    """README.md and the pages that people write."""
    return [DOCS.parent / "README.md", *sorted(p for p in DOCS.rglob("*.md") if p.name not in WRITTEN_BY_COMMANDS)]


def blocks(page: Path) -> list[Block]:
    """All blocks of code of a page, in their order; those of the site's own directives left out."""
    found, why = [], ""
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "html_block" and (mark := MARK.fullmatch(token.content)):
            why = mark[1]
        elif token.type in ("fence", "code_block"):
            if not token.info.startswith("{"):
                found.append(Block(token.map[0] + 1, token.info.strip(), token.content, why))
            why = ""
        elif not token.type.endswith("_close"):
            why = ""
    return found


def commands(block: Block) -> list[list[str]]:
    """The commands of a block of the shell as lists of words, without comments, variables set before and `.venv/bin/`."""
    found = []
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            one = words[:end]
            while one and re.fullmatch(r"[A-Z_]+=.*", one[0]):
                one = one[1:]
            if one:
                found.append([one[0].removeprefix(".venv/bin/"), *one[1:]])
            words = words[end + 1 :]
    return found
