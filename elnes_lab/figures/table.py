"""The numbers that a figure shows, as a table for other programs."""

import csv
import io

import numpy as np


def figure_csv(figure, *, notes=()):
    """CSV (bytes) of the visible curves and points of a figure: a column for each, after the column of its x values.

    Headings are the title of the axis and the name of the curve; a shaded band becomes its lower and its upper end. Curves
    with the same x values share their column. notes: texts for lines that begin with #. Marks without a name are left out.
    """
    columns, last = [], None
    for trace in figure.data:
        x, y, name = trace.x, trace.y, plain(trace.name)
        if trace.visible is False or x is None or y is None or not len(x) or all(value is None for value in x):
            continue
        if getattr(trace, "fill", None) == "toself":
            band = halves(np.asarray(x), np.asarray(y))
            if band is None or str(trace.meta).startswith("spread"):
                continue
            x, (upper, lower) = band
            found = [(name or "upper end of the interval", upper), (name or "lower end of the interval", lower)]
        elif name:
            texts = trace.text if trace.text is not None and len(np.atleast_1d(trace.text)) == len(x) else None
            found = [(f"{name}, of", texts)] * (texts is not None) + [(name, y)]
        else:
            continue
        x, xtitle = np.asarray(x), title(figure, "x", trace)
        if last is None or last[0] != xtitle or len(last[1]) != len(x) or not (last[1] == x).all():
            columns.append((xtitle, x))
            last = (xtitle, x)
        columns += [(f"{title(figure, 'y', trace)}: {heading}", values) for heading, values in found]
    text = io.StringIO()
    for note in notes:
        text.write(f"# {' '.join(str(note).split())}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([heading for heading, _ in columns])
    for i in range(max((len(values) for _, values in columns), default=0)):
        writer.writerow([cell(values[i]) if i < len(values) else "" for _, values in columns])
    return text.getvalue().encode()


def cell(value):
    """A value as it is written: six digits and more of a number, nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.7g}" if np.isfinite(value) else ""
    return value


def halves(x, y):
    """(x of one side, (y there, y back)) of an outline that goes along x and returns the same way; None for any other."""
    half = len(x) // 2
    if len(x) % 2 or not (x[:half] == x[half:][::-1]).all():
        return None
    return x[:half], (y[:half], y[half:][::-1])


def plain(text):
    """A text of a figure without its marks of HTML."""
    return " ".join(str(text or "").replace("<br>", " ").replace("<b>", "").replace("</b>", "").split())


def title(figure, letter, trace):
    """Title of the axis that a trace is drawn against; of axes that share one, the one that has it."""
    name = getattr(trace, f"{letter}axis", None) or letter
    own = figure.layout[f"{letter}axis{name[1:]}"].title.text
    others = (figure.layout[key].title.text for key in figure.layout if key.startswith(f"{letter}axis"))
    return plain(own or next(filter(None, others), letter))
