"""The data card says what the database holds, whatever it holds."""

import re

import numpy as np

from elnes_lab.reports.card import markdown, numbers


def row(text, *cells):
    """Cells of the first row of a table that begins with these."""
    line = next(line for line in text.splitlines() if line.startswith("| " + " | ".join(cells) + " |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_counts_and_distributions_are_those_of_the_table(shipped):
    text, table = markdown(numbers(shipped)), shipped.table
    assert f"Data version `{shipped.version}`: {len(table)} spectra" in text
    for source, rows in table.groupby("source"):
        assert row(text, source)[2:5] == [
            str(rows["structure"].nunique()),
            str(len(rows)),
            str(rows["multiplicity"].sum()),
        ]
    angle = table["si_o_si_angle"].dropna()
    assert row(text, "Si-O-Si angle (degree)", "all")[2:] == [
        f"{len(angle)} sites",
        *(f"{x:.1f}" for x in (angle.min(), np.median(angle.astype(float)), angle.max())),
    ]
    gap = table.groupby("structure")["band_gap"].first()
    assert row(text, "Band gap (eV)", "all")[2:] == [
        f"{len(gap)} structures",
        *(f"{x:.2f}" for x in (gap.min(), gap.median(), gap.max())),
    ]


def test_every_missing_site_is_counted_once(shipped):
    found = numbers(shipped)
    assert sum(found["untouched"].values()) + sum(found["partial"].values()) == len(shipped.missing)
    assert not set(found["untouched"]) & set(shipped.structures) and set(found["partial"]) <= set(shipped.structures)
    text = markdown(found)
    part = text[text.index("## What is missing") : text.index("## Files")]
    assert sum(map(int, re.findall(r"\((\d+)\)", part))) == len(shipped.missing)


def test_a_complete_database_without_glass_says_so(small):
    text = markdown(numbers(small))
    assert "Nothing: every planned site is a row" in text and "No amorphous structure yet" in text
    assert not re.search(r"\bnan\b", text)
