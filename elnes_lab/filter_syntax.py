"""The syntax of filters: a text is read by Python's parser, and whatever is not in the language is refused by its name.

`query` says what the language is, and evaluates what passes here.
"""

import ast
import io
import operator
import tokenize
import warnings
from collections.abc import Iterable
from typing import NamedTuple

from .errors import DataError, unknown

LONGEST, DEEPEST = 10_000, 40  # characters, levels of the tree
LARGEST = 1e18  # constant; no column has such values
SEARCHES = ("contains", "startswith")
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
MEMBERSHIP = {ast.In: True, ast.NotIn: False, ast.Eq: True, ast.NotEq: False}
ALLOWED = (
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.Invert,
    ast.USub,
    ast.UAdd,
    ast.BinOp,
    ast.Compare,
    ast.Name,
    ast.Load,
    ast.Constant,
    *ARITHMETIC,
    *COMPARISONS,
)
SYMBOLS = {
    ast.Pow: "**",
    ast.Mod: "%",
    ast.FloorDiv: "//",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitXor: "^",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.Subscript: "[...]",
    ast.Lambda: "lambda",
    ast.NamedExpr: ":=",
    ast.JoinedStr: "f'...'",
    ast.IfExp: "if ... else",
    ast.Starred: "*",
    ast.Dict: "{...}",
    ast.Set: "{...}",
    ast.ListComp: "for",
    ast.SetComp: "for",
    ast.DictComp: "for",
    ast.GeneratorExp: "for",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.List: "a list without in",
    ast.Tuple: "a list without in",
    ast.In: "in without a list of constants",
    ast.NotIn: "not in without a list of constants",
}
EXAMPLE = "Write it like \"kind == 'crystal' and si_o_si_angle > 150\"."
WORDS = (
    "Filters take column names, numbers, texts, comparisons, and, or, not, in, + - * /, parentheses, "
    "name.contains('quartz') and name.startswith('quartz')."
)


class Search(NamedTuple):
    """column.contains(text) or column.startswith(text)."""

    column: str
    method: str
    text: str
    case: bool


def parse(text: str, known: Iterable[str]) -> ast.expr:
    """The tree of a filter that holds nothing but the language above and known column names; DataError otherwise."""
    if not isinstance(text, str):
        raise DataError(f"A filter is a text, not {type(text).__name__}. {EXAMPLE}")
    if not text.strip():
        raise DataError(f"The filter is empty. {EXAMPLE} Without a filter all rows are taken.")
    if len(text) > LONGEST:
        raise DataError(
            f"The filter has {len(text):,} characters, {LONGEST:,} are the most. Select in several steps, "
            "or by a list of labels."
        )
    try:
        with warnings.catch_warnings():  # of backslashes in texts
            warnings.simplefilter("ignore")
            tree = ast.parse(python(text), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError, tokenize.TokenError) as problem:
        if isinstance(problem, DataError):
            raise
        reason = (
            "it is nested too deeply"
            if isinstance(problem, (MemoryError, RecursionError))
            else "a parenthesis or a text has no end"
            if isinstance(problem, tokenize.TokenError)
            else "it holds bytes that are no text"
            if isinstance(problem, UnicodeError)
            else str(problem.args[0])
        )
        raise failed(text, reason) from None
    level, nodes = 0, [tree]
    while nodes:
        level, nodes = level + 1, [child for node in nodes for child in ast.iter_child_nodes(node)]
    if level > DEEPEST:
        raise failed(text, "it is nested too deeply")
    check(tree, text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in known:
            raise unknown(node.id, known, "column")
    return tree


def python(text: str) -> str:
    """The filter on one line with `and` for & and `or` for |, which have another precedence in Python."""
    words, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
        word = {"&": "and", "|": "or"}.get(token.string, token.string)
        if word == "@" or token.type == tokenize.NUMBER and len(word) > 40:
            raise refused(text, word)
        depth += (word in "([{") - (word in ")]}") if token.type == tokenize.OP else 0
        if depth > DEEPEST:
            raise failed(text, "it is nested too deeply")
        if word == "=" and not depth:
            raise failed(text, "= assigns; compare with ==")
        if token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            words.append(word)
    return " ".join(words).strip()


def check(node: ast.AST, text: str) -> None:
    """DataError for the first thing in a tree that is not in the language."""
    if isinstance(node, ast.Call):
        searched(node, text)
        return
    if isinstance(node, ast.Constant):
        constant(node, text)
    elif isinstance(node, ast.Compare):
        listed = isinstance(node.comparators[-1], (ast.List, ast.Tuple)) and type(node.ops[-1]) in MEMBERSHIP
        for op in node.ops[:-1] if listed else node.ops:
            check(op, text)
        for operand in [node.left, *(node.comparators[:-1] if listed else node.comparators)]:
            check(operand, text)
        for item in node.comparators[-1].elts if listed else ():
            constant(item.operand if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub) else item, text)
        return
    elif not isinstance(node, ALLOWED):
        name = f".{node.attr}" if isinstance(node, ast.Attribute) else type(node).__name__
        raise refused(text, SYMBOLS.get(type(node), name))
    for child in ast.iter_child_nodes(node):
        check(child, text)


def constant(node: ast.AST, text: str) -> None:
    """DataError unless the node is a number of reasonable size, a text, True or False."""
    if not isinstance(node, ast.Constant):
        raise refused(text, f"{short(node)} in a list")
    number = isinstance(node.value, (int, float))  # True and False too
    if not number and not isinstance(node.value, str) or number and abs(node.value) > LARGEST:
        raise refused(text, short(node))


def searched(node: ast.Call, text: str) -> Search:
    """What a call asks for, if it is column.contains('text') or column.startswith('text'), with or without pandas'
    `.str`; DataError for any other call.
    """
    function, options = node.func, {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    method = function.attr if isinstance(function, ast.Attribute) else ""
    owner = function.value if method else None
    pandas = isinstance(owner, ast.Attribute) and owner.attr == "str"
    owner = owner.value if pandas else owner
    if method not in SEARCHES or not isinstance(owner, ast.Name):
        raise refused(text, f"{short(function)}(...)")
    word = node.args[0].value if len(node.args) == 1 and isinstance(node.args[0], ast.Constant) else None
    known = options.keys() <= {"case", "regex"} and set(map(type, options.values())) <= {bool}
    if not isinstance(word, str) or not known:
        raise DataError(
            f"In the filter {shown(text)}, {method} takes one text in quotes, and case=False if "
            f"capitals do not matter, as in name.{method}('quartz')."
        )
    pattern = pandas and method == "contains" and "regex" not in options and set(word) & set("\\.^$*+?{}[]|()")
    if options.get("regex") or pattern:
        raise DataError(
            f"In the filter {shown(text)}, {word!r} would be a pattern in pandas; filters look for a "
            f"text as it stands. Write {owner.id}.contains({word!r}), or several joined by `or`."
        )
    return Search(owner.id, method, word, options.get("case", True))


def short(node: ast.AST) -> str:
    """The node as it is written, cut after 60 characters."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."


def shown(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:117] + "...")


def refused(text: str, what: str) -> DataError:
    return DataError(
        f"The filter {shown(text)} uses {what[:80]}, which filters do not know; nothing of it was run. " + WORDS
    )


def failed(text: str, reason: str) -> DataError:
    return DataError(f"The filter {shown(text)} cannot be evaluated: {reason.rstrip('.')}. {EXAMPLE}")
