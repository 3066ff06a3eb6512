"""The documentation site: `make docs` writes build/docs. Pages are Markdown (MyST); what is generated comes from `generated`.

Nothing is fetched, neither while it is built nor by the pages: no CDN, no fonts of others, no mathematics that needs a script.
"""

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
sys.path.insert(0, str(ROOT))
os.environ["COLUMNS"] = "88"  # argparse folds usage lines there, whatever the terminal

import generated  # noqa: E402
from pygments.lexer import RegexLexer  # noqa: E402
from pygments.token import Comment, Text  # noqa: E402

from elnes_lab.version import VERSION  # noqa: E402

project = "ELNES Lab"
author = "the ELNES Lab authors"
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_static"]
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
default_role = "code"  # docstrings write `code` with single backticks
maximum_signature_line_length = 90
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "ELNES Lab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005f9e", "color-brand-content": "#005f9e"},
    "dark_css_variables": {"color-brand-primary": "#6db3e8", "color-brand-content": "#6db3e8"},
}
html_copy_source = html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
pygments_style, pygments_dark_style = "friendly", "monokai"


class Commands(RegexLexer):
    """Lines of a shell: comments are set apart; the usual one colours `export` and every number."""

    name = "commands"
    tokens = {"root": [(r"(?<![^\s])#.*$", Comment), (r"[^#\n]+|#|\n", Text)]}


def fill_in(app, name: str, source: list[str]) -> None:
    """What stands in a page as `<!-- generated: ... -->` becomes what it says."""
    source[0] = generated.filled(source[0], name)


def setup(app) -> None:
    learning = importlib.import_module("elnes_lab.learning")
    vars(learning).update({name: getattr(learning, name) for name in learning.__all__})  # autodoc sees what is loaded
    app.add_lexer("sh", Commands)
    app.connect("source-read", fill_in)
    app.connect("autodoc-process-docstring", generated.as_rst)
