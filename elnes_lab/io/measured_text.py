"""Tables of text as spectra: CSV, .xdi and their like, and EMSA/MSA (through RosettaSciIO).

Separators are semicolons, tabs, commas or spaces; decimals may have a comma where that leaves no doubt; lines before the
first of numbers, and those that begin with a sign of a comment, are headings.
"""

import io
import re

import numpy as np

from ..errors import DataError

COMMENT = ("#", "%", "!", "//", "*", "'", '"')
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
MOST_COLUMNS = 500
LONGEST_LINE = 20_000
MOST_LINES = 500_000  # more than twice the points that a spectrum may have
# Column names of absorption spectra, best first: what stands for the spectrum itself.
SPECTRA = (
    "norm",
    "nor",
    "flat",
    "xmu",
    "mutrans",
    "mufluor",
    "mu",
    "mutey",
    "tey",
    "intensity",
    "counts",
    "absorption",
)
ENERGIES = ("energy", "e", "ev", "energy_ev", "energyloss", "energy loss")


def read(name: str, content: bytes, item: int | None) -> dict:
    """Arguments of `measured.tidy` from the bytes of a text file. DataError if there is no spectrum in it."""
    text = decoded(name, content)
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise DataError(
            f"{name} has {len(lines):,} lines, more than any spectrum ({MOST_LINES:,} at most). Save the spectrum alone."
        )
    if any(line.upper().startswith("#FORMAT") and "EMSA" in line.upper() for line in lines[:5]):
        return read_msa(name, lines)
    return read_table(name, lines, item)


def decoded(name: str, content: bytes) -> str:
    """The text: UTF-8, UTF-16 where its mark says so, else Latin-1. DataError for what is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    sample = text[:4000]
    strange = sum(not letter.isprintable() and letter not in "\r\n\t\f" for letter in sample)
    if "\0" in text or strange > 0.05 * len(sample):
        raise DataError(
            f"{name} is no text and no format that is known here. Give DM3, DM4, EMSA/MSA, HyperSpy, NeXus, .xdi "
            "or a table of text with two columns."
        )
    return text


def read_msa(name: str, lines: list[str]) -> dict:
    """An EMSA/MAS file. The energies of data written as X, Y pairs are used where they differ from the header's scale."""
    from rsciio.msa import parse_msa_string

    try:
        with np.errstate(all="ignore"):
            (signal,) = parse_msa_string(io.StringIO("".join(line + "\n" for line in lines if line.strip())))
        axis, header = signal["axes"][0], signal["original_metadata"]
        values = np.asarray(signal["data"], float)
        energy = float(axis["offset"]) + float(axis["scale"]) * np.arange(len(values))
        unit = str(axis["units"] or "").strip()
        columns = int(float(header.get("NCOLUMNS") or 1))
        declared = int(float(header.get("NPOINTS") or len(values)))
    except Exception as problem:
        raise DataError(
            f"{name} begins as an EMSA/MSA file and cannot be read as one ({short(problem)}). "
            "Save it again, or give a table of two columns."
        ) from None
    notes, paired = [], str(header.get("DATATYPE") or "").strip().upper() == "XY"
    if paired:
        pairs = msa_pairs(lines)
        if columns == 1 and len(pairs) == len(values):
            if np.abs(pairs - energy).max(initial=0) > 0.5 * abs(float(axis["scale"])):
                notes.append(
                    "The energies beside the data differ from the scale in the header; those beside the data were used."
                )
            energy = pairs
    if declared != len(values):
        notes.append(f"The header announces {declared} points, there are {len(values)}.")
    written = re.search(r"\b[km]?eV\b", unit, re.IGNORECASE)  # "Energy Loss (eV)" too
    unit = written[0] if written else unit
    facts = {key.lower(): str(header[key])[:200] for key in ("TITLE", "OWNER", "DATE") if header.get(key)}
    return {
        "kind": "EMSA/MSA",
        "energy": energy,
        "intensity": values,
        "energy_unit": unit,
        "notes": notes,
        "facts": facts,
        "unit": str(header.get("YUNITS") or "")[:40],
    }


def msa_pairs(lines: list[str]) -> np.ndarray:
    """The first column of the data of an EMSA/MSA file of pairs; as far as its lines are numbers."""
    found, inside = [], False
    for line in lines:
        if line.startswith("#"):
            inside = line.upper().startswith("#SPECTRUM")
        elif inside and line.strip():
            try:
                found.append(float(line.replace(",", " ").split()[0]))
            except ValueError:
                return np.empty(0)
    return np.array(found)


def read_table(name: str, lines: list[str], item: int | None) -> dict:
    """A table of numbers: energies in the first column, or the one called so, and the column `item` beside it."""
    scheme, start = find_scheme(lines)
    if scheme is None:
        raise DataError(
            f"{name} has no two columns of numbers. Give a table with the energy in eV in the first column and the "
            "intensity in the second."
        )
    rows, skipped = [], 0
    width = len(scheme(lines[start]))
    for line in lines[start:]:
        row = scheme(line) if len(line) < LONGEST_LINE else None
        if row is not None and len(row) >= 2:
            rows.append(row)
        elif line.strip() and not line.lstrip().startswith(COMMENT):
            skipped += 1
    width = max(set(map(len, rows)), key=[len(row) for row in rows].count) if rows else width
    whole = [row for row in rows if len(row) == width]
    skipped += len(rows) - len(whole)
    notes = [f"{skipped} line{'' if skipped == 1 else 's'} that fit no table left out."] if skipped else []
    table, names = np.array(whole), headings(lines[:start], scheme, width)
    # a separator at the end of each line makes an empty column
    filled = [k for k in range(width) if k < 2 or not np.isnan(table[:, k]).all()]
    table, names, width = table[:, filled], [names[k] for k in filled], len(filled)
    energy = next((k for k, text in enumerate(names) if text.casefold().split("(")[0].strip() in ENERGIES), 0)
    rest = [k for k in range(width) if k != energy]
    xas = any("xdi" in line.casefold() for line in lines[:1]) or {"i0", "itrans"} <= {n.casefold() for n in names}
    items = [names[k] or f"column {k + 1}" for k in rest]
    values = {label: table[:, k] for label, k in zip(items, rest)}
    derived, note = absorption({label.casefold(): column for label, column in values.items()}) if xas else (None, "")
    lower = [text.casefold() for text in items]
    best = next((lower.index(wanted) for wanted in SPECTRA if wanted in lower), None)
    if best is None and derived is not None:
        items, values, best = [note, *items], {note: derived} | values, 0
    chosen = (best or 0) if item is None else item
    if not 0 <= chosen < len(items):
        raise DataError(
            f"{name} has {len(items)} columns beside the energy; number {chosen} is none of them. Give 0 to "
            f"{len(items) - 1}."
        )
    unit = next((u for u in ("keV", "eV") if names[energy].casefold().rstrip(")] ").endswith(u.casefold())), "")
    if len(items) > 1:
        notes.append(f"Of {len(items)} columns '{items[chosen][:60]}' was taken.")
    return {
        "kind": "XDI table" if xas else "table of text",
        "energy": table[:, energy],
        "intensity": list(values.values())[chosen] if len(values) == len(items) else table[:, rest[chosen]],
        "energy_unit": unit,
        "items": tuple(items),
        "item": chosen,
        "notes": notes,
        "facts": {"signal": "absorption"} if xas else {},
    }


def absorption(columns: dict) -> tuple[np.ndarray | None, str]:
    """(mu, what it is) from the currents of an absorption measurement, or (None, "")."""
    with np.errstate(all="ignore"):
        if {"i0", "itrans"} <= columns.keys():
            return np.log(columns["i0"] / columns["itrans"]), "ln(i0/itrans)"
        if {"i0", "ifluor"} <= columns.keys():
            return columns["ifluor"] / columns["i0"], "ifluor/i0"
    return None, ""


def headings(lines: list[str], scheme, width: int) -> list[str]:
    """Names of the columns: those that .xdi declares, else the last heading with as many words as there are columns."""
    declared = [re.match(r"#\s*Column\.(\d{1,4})\s*:\s*(.+)", line) for line in lines]
    found = {int(m[1]): m[2].strip() for m in declared if m}
    if found:
        names = [found.get(k + 1, "") for k in range(width)]
        return [n.split()[0] + (" (eV)" if n.casefold().endswith(" ev") else "") if n else "" for n in names]
    for line in reversed(lines):
        plain = line.strip().lstrip("#%!*").strip()
        for separator in (";", "\t", ",", None):
            words = [word.strip().strip('"') for word in plain.split(separator)]
            if len(words) == width and all(words):
                return words
    return [""] * width


def find_scheme(lines: list[str]):
    """(function line -> numbers or None, number of the first line of numbers); (None, 0) if no way to read most lines."""
    best, most, start = None, 0, 0
    for scheme in (semicolons, tabs, decimal_commas, commas, spaces):
        first, count = None, 0
        for k, line in enumerate(lines[:3000]):
            row = scheme(line) if len(line) < LONGEST_LINE else None
            if row is not None and len(row) >= 2:
                first = k if first is None else first
                count += 1
        if count > most:
            best, most, start = scheme, count, first
    return best, start


def semicolons(line):
    return split_numbers(line, ";", comma=True) if ";" in line else None


def tabs(line):
    return split_numbers(line, "\t", comma=True) if "\t" in line else None


def decimal_commas(line):
    words = line.split()
    if len(words) < 2 or "." in line or not any(DECIMAL_COMMA.fullmatch(word) for word in words):
        return None
    return split_numbers(line, None, comma=True)


def commas(line):
    return split_numbers(line, ",") if "," in line else None


def spaces(line):
    return split_numbers(line, None)


def split_numbers(line: str, separator, comma=False):
    """The numbers of a line, an empty cell as NaN; None if anything else stands there."""
    words = line.strip().split(separator)
    if not 1 < len(words) <= MOST_COLUMNS:
        return None
    found = []
    for word in words:
        word = word.strip().strip('"')
        if comma and "." not in word:
            word = word.replace(",", ".")
        if not word:
            found.append(np.nan)
        elif NUMBER.fullmatch(word):
            found.append(float(word.replace("d", "e").replace("D", "e")))
        else:
            return None
    return found


def short(problem: Exception) -> str:
    """The first line of an exception, in printable letters."""
    text = (str(problem).splitlines() or [""])[0] or type(problem).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in text[:120]).rstrip(". ")
