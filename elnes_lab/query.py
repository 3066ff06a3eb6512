"""The language of filters: true or false for each row, from column names, constants and a few operations.

>>> mask("kind == 'crystal' and 5 < band_gap < 6", columns, columns.get)

It is what pandas' `query` understands, less all that could run something: comparisons (chained too), and, or, not
(also &, |, ~), + - * /, `in` and `not in` a list, parentheses, and texts' contains and startswith. A filter is read by
Python's parser and walked; whatever else it holds is refused by its name before anything is computed. As in pandas,
& and | bind like `and` and `or`, NaN compares false, and == with a list means `in`.
"""

import ast
from collections.abc import Callable, Iterable

import numpy as np

from .errors import DataError
from .filter_syntax import (
    ARITHMETIC,
    COMPARISONS,
    EXAMPLE,
    MEMBERSHIP,
    Search,
    failed,
    parse,
    searched,
    short,
    shown,
)

NUMBER, TEXT, TRUTH = "a number", "a text", "true or false"
NEEDS = {
    NUMBER: "+, -, * and / take numbers",
    TEXT: "contains and startswith look into texts",
    TRUTH: "and, or and not take comparisons; after ~ they stand in parentheses",
}


def mask(text: str, known: Iterable[str], column: Callable[[str], np.ndarray]) -> np.ndarray:
    """Boolean array (n,): where the filter `text` is true. known: names of columns; column: name -> array (n,).

    Raises DataError for what is not in the language, unknown columns, texts compared with numbers, and a filter that is
    not true or false for each row. Columns that are not named are not asked for.
    """
    tree = parse(text, known)
    columns = {node.id: column(node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    try:
        with np.errstate(all="ignore"):  # 0/0 is NaN, and NaN compares false
            result = value(tree, columns)
    except DataError:
        raise
    except (ArithmeticError, TypeError, ValueError) as problem:
        raise failed(text, str(problem)) from None
    if not (isinstance(result, np.ndarray) and result.dtype == bool):
        raise DataError(
            f"The filter {shown(text)} is not true or false for each row. "
            'Compare a column with something, like "band_gap > 5".'
        )
    return result


def value(node: ast.expr, columns: dict):
    """Array (n,) or constant that a checked tree stands for."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return columns[node.id]
        case ast.Call():
            return found(searched(node, ""), columns)
        case ast.BoolOp():
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            parts = [of_kind(part, columns, TRUTH) for part in node.values]
            result = parts[0]
            for part in parts[1:]:
                result = join(result, part)
            return result
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return np.logical_not(of_kind(node.operand, columns, TRUTH))
        case ast.UnaryOp():
            operand = wide(of_kind(node.operand, columns, NUMBER))
            return -operand if isinstance(node.op, ast.USub) else operand
        case ast.BinOp():
            return ARITHMETIC[type(node.op)](*(wide(of_kind(x, columns, NUMBER)) for x in (node.left, node.right)))
        case _:
            return compared(node, columns)


def compared(node: ast.Compare, columns: dict):
    """A comparison, chained (a < b < c: a < b and b < c), the last one perhaps with a list."""
    left, place, result = value(node.left, columns), node.left, True
    for op, right in zip(node.ops, node.comparators):
        if isinstance(right, (ast.List, ast.Tuple)):
            return np.logical_and(result, np.equal(member(left, place, right.elts), MEMBERSHIP[type(op)]))
        other = value(right, columns)
        alike(left, place, other, right)
        part = COMPARISONS[type(op)](left, other)
        result = part if result is True else np.logical_and(result, part)
        left, place = other, right
    return result


def member(left, place: ast.expr, items: list[ast.expr]):
    """Where `left` equals one of the constants."""
    wanted = [-item.operand.value if isinstance(item, ast.UnaryOp) else item.value for item in items]
    for item, one in zip(items, wanted):
        alike(left, place, one, item)
    if kind(left) == TEXT and isinstance(left, np.ndarray):
        wanted = set(wanted)
        return np.fromiter((text in wanted for text in left), bool, len(left))
    result = np.zeros(np.shape(left), bool)
    for one in wanted:
        result = result | (left == one)
    return result


def found(search: Search, columns: dict) -> np.ndarray:
    """Where the text of a search occurs in (or begins) the column."""
    column = of_kind(ast.Name(search.column), columns, TEXT)
    fold = str if search.case else str.casefold
    word = fold(search.text)
    if search.method == "contains":
        return np.fromiter((word in fold(text) for text in column), bool, len(column))
    return np.fromiter((fold(text).startswith(word) for text in column), bool, len(column))


def kind(value) -> str:
    """NUMBER, TEXT or TRUTH."""
    letter = np.asarray(value).dtype.kind
    return TRUTH if letter == "b" else NUMBER if letter in "iuf" else TEXT


def of_kind(node: ast.expr, columns: dict, wanted: str):
    """The value of a node; DataError unless it is of that kind."""
    result = value(node, columns)
    if kind(result) != wanted:
        raise DataError(f"In the filter, {short(node)} is {kind(result)}, but {NEEDS[wanted]}. {EXAMPLE}")
    return result


def alike(left, place: ast.expr, right, other: ast.expr) -> None:
    """DataError for a comparison of two kinds."""
    if kind(left) != kind(right):
        raise DataError(
            f"The filter compares {short(place)}, which is {kind(left)}, with {short(other)}, which is "
            f"{kind(right)}. Texts stand in quotes, numbers without."
        )


def wide(number):
    """Whole numbers as floating point, exact up to 2**53: a product of small integers must not go over its edge."""
    if isinstance(number, np.ndarray):
        return number.astype(float) if number.dtype.kind in "iu" else number
    return float(number)
