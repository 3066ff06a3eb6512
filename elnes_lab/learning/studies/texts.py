"""Pieces of Markdown and wording that the parts of the report share."""

WORD = {"lower": "lower", "higher": "higher", "undecided": "not measurably different"}
GROUPS = {"crystal": "held-out crystals", "amorphous": "the amorphous spectra"}


def table(head: str, rows: list[list[str]]) -> list[str]:
    """A Markdown table; head: the columns' names, separated as they will be."""
    return [f"| {head} |", "| --- " * (head.count(" | ") + 1) + "|", *(f"| {' | '.join(cells)} |" for cells in rows)]


def counted(e: dict, group: str) -> str:
    return f"{e[group]['spectra']} {group} spectra of {plural(e[group]['structures'], 'structure')}"


def plural(n: int, word: str) -> str:
    return f"{n} {word}" + ("" if n == 1 else "s")


def span(choice: dict) -> str:
    return "{:g} to {:g} eV".format(*choice["window"]) + f" (zero: {choice['alignment']})"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.0f} %"


def measured_percent(share: float | None) -> str:
    """With one decimal: beside a limit in whole percent, 92.4 is not 92."""
    return "" if share is None else f"{share * 100:.1f} %"


def fixed(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
