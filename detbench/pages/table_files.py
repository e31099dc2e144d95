"""A table as text for other programs: CSV for a spreadsheet, LaTeX for a paper."""

import csv
import io
from collections.abc import Iterator

from detbench.pages.parts import Cell, Heading, Table

_CSV = str.maketrans({"−": "-", "\N{NO-BREAK SPACE}": " "})
_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "%&#$_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "[": "{[}", "]": "{]}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "*": "{*}"}
    | {"−": "$-$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "≥": r"$\geq$", "ρ": r"$\rho$"}
    | {"–": "--", "†": r"\textdagger{}", "·": r"\textperiodcentered{}", "’": "'", "²": r"\textsuperscript{2}"}
    | {"\N{NO-BREAK SPACE}": "~", "…": r"\ldots{}", "\t": " ", "\n": " ", "\r": " "}
)


def csv_of(table: Table) -> str:
    """A line per row. A column whose cells have intervals has them in a column of their own, so that a program reads
    the numbers as numbers: with an ASCII minus.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    has_interval = [any(row.cells[place].interval for row in table.rows) for place in range(len(table.columns))]
    heads = zip(map(_named, table.columns), has_interval, strict=True)
    writer.writerow([table.corner, *(name for head, more in heads for name in (head, f"{head}: interval")[: 1 + more])])
    for row in table.rows:
        cells = zip(row.cells, has_interval, strict=True)
        words = (word for cell, more in cells for word in (cell.text, cell.interval)[: 1 + more])
        writer.writerow([each.translate(_CSV) for each in (_named(row.heading), *words)])
    return stream.getvalue()


def latex_of(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs. In bold is what has a colour on the page or stands out there;
    every letter that LaTeX would obey is escaped.
    """
    return "\n".join(_latex_lines(table)) + "\n"


def _latex_lines(table: Table) -> Iterator[str]:
    yield r"% Needs \usepackage{booktabs}. Bold: more than chance."
    yield rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}"
    yield r"\toprule"
    yield _latex_row([_escaped(table.corner), *map(_latex_heading, table.columns)])
    yield r"\midrule"
    for row in table.rows:
        yield _latex_row([_latex_heading(row.heading), *map(_latex_cell, row.cells)])
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _latex_row(cells: list[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _latex_heading(heading: Heading) -> str:
    return _with_small(_escaped(heading.text), heading.note)


def _latex_cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    return _with_small(rf"\textbf{{{text}}}" if cell.best or cell.tone else text, cell.interval)


def _with_small(text: str, small: str) -> str:
    return rf"{text} {{\footnotesize {_escaped(small)}}}" if small else text


def _escaped(text: str) -> str:
    """Any text as plain words of one LaTeX cell."""
    return "".join(letter for letter in text.translate(_LATEX) if letter.isprintable())


def _named(heading: Heading) -> str:
    return f"{heading.text} {heading.note}".strip()
