"""What the site takes from the code: command line, columns, modules, data card, changes. Nothing here is written twice.

A page asks for it with a comment, `<!-- generated: command line -->`; `filled` puts Markdown in its place while the site is
built. On a page that is read as a file, without the site, the sentence before the comment says where the same is found.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from elnes_lab.cli.program import parser
from elnes_lab.schema import CHANNELS, COLUMNS, POLARIZATIONS

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"^<!-- generated: ([^>]+?) -->$", re.M)


def filled(text: str, page: str) -> str:
    """The page `page` ("reference/columns") with what its marks ask for. Raises KeyError for a mark that nothing answers."""

    def found(match: re.Match) -> str:
        what, _, rest = match[1].partition(": ")
        return ANSWERS[what](rest, page) if rest else ANSWERS[what](page)

    return MARK.sub(found, text)


def plain(text: str) -> str:
    """Text of the program as Markdown that shows it as it is; `code` in backticks stays code."""
    parts = text.split("`")
    escape = lambda part: re.sub(r"([\\*_\[\]<>#|~$])", r"\\\1", part)
    return "`".join(escape(part) if i % 2 == 0 else part for i, part in enumerate(parts))


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":")) else ".")


# The command line


def commands(program: argparse.ArgumentParser, about: str = "") -> list[tuple[argparse.ArgumentParser, str]]:
    """Every command that does something, with its help: those below others in the place of these."""
    below = [action for action in program._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        return [(program, about)]
    helps = {choice.dest: choice.help for choice in below[0]._choices_actions}
    return [one for name, sub in below[0].choices.items() for one in commands(sub, helps.get(name) or about)]


def option(program: argparse.ArgumentParser, action: argparse.Action) -> list[str]:
    """One entry of a definition list: the option with what it takes, and what it means."""
    formatter = program._get_formatter()
    takes = (
        formatter._format_args(action, formatter._get_default_metavar_for_optional(action)) if action.nargs != 0 else ""
    )
    if action.option_strings:
        names = action.option_strings
        shown = ", ".join(f"{name} {takes}".strip() for name in names)
    else:
        shown = formatter._format_args(action, action.dest)
    words = sentence(formatter._expand_help(action)) if action.help else "As it says."
    return [f"`{shown}`", f": {plain(words)}", ""]


def command_line(page: str) -> str:
    lines = []
    for program, about in commands(parser()):
        usage = program.format_usage().removeprefix("usage: ").strip()
        lines += [f"## {program.prog}", "", plain(sentence(about)), "", "```text", usage, "```", ""]
        for action in program._actions:
            if not isinstance(action, argparse._HelpAction):
                lines += option(program, action)
    return "\n".join(lines)


# The database


def columns(page: str) -> str:
    """The columns as a list of definitions: name, type and unit, what it is."""
    lines = []
    for name, column in COLUMNS.items():
        kind = "text" if column.dtype == "str" else column.dtype
        unit = "" if column.units in ("", "1") else f", {column.units}"
        what = column.long_name + (f": {column.comment}" if column.comment else "")
        lines += [f"`{name}` ({plain(kind + unit)})", f": {plain(sentence(what))}", ""]
    return "\n".join(lines)


def axes(page: str) -> str:
    listed = lambda names: ", ".join(f"`{name}`" for name in names)
    return f"Polarizations: {listed(POLARIZATIONS)}. Channels of the PDOS: {listed(CHANNELS)}."


# Other files of the repository


def card(page: str) -> str:
    """data/README.md, its links to docs/ seen from here."""
    return (ROOT / "data" / "README.md").read_text().replace("](../docs/", "](" + "../" * page.count("/"))


def changes(page: str) -> str:
    return (ROOT / "CHANGELOG.md").read_text()


# The API


def module(name: str, page: str) -> str:
    return "\n".join(["```{eval-rst}", f".. automodule:: {name}", "```"])


def as_rst(app, what: str, name: str, of, options, lines: list[str]) -> None:
    """Docstrings are plain text: paragraphs, examples after >>>, indented tables. As reStructuredText that shows them so."""
    made = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        rows = paragraph.split("\n")
        if rows[0].lstrip().startswith(">>>"):
            made += [row.strip() if row.lstrip().startswith((">>>", "...")) else row for row in rows]
        elif rows[0].startswith(" "):
            made += ["::", "", *("    " + row for row in rows)]
        else:
            parts = " ".join(row.strip() for row in rows).split("`")
            escape = lambda part: re.sub(r"([\\*|])|(?<=\w)(_)(?!\w)", r"\\\1\2", part)
            made.append("".join(escape(part) if i % 2 == 0 else f"``{part}``" for i, part in enumerate(parts)))
        made.append("")
    lines[:] = made


ANSWERS: dict[str, Callable[..., str]] = {
    "command line": command_line,
    "columns": columns,
    "axes": axes,
    "data card": card,
    "changes": changes,
    "module": module,
}
