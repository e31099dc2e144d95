"""What pages are made of besides pictures: tables, and plots with what their lines are, as plain values."""

from dataclasses import dataclass
from typing import Literal

from detbench.pages.plot import Pen, Plot

Tone = Literal["", "better", "worse"]


@dataclass(frozen=True)
class Heading:
    """The head of a row or column: its words, a smaller `note` beside them, and what it means."""

    text: str
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class Cell:
    """One number as text; `tone` is the direction of a difference."""

    text: str
    interval: str = ""
    title: str = ""
    best: bool = False
    tone: Tone = ""


@dataclass(frozen=True)
class Row:
    """A heading and one cell per column."""

    heading: Heading
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows of equal length under their columns' headings; `corner` heads the rows' own headings."""

    corner: str
    columns: tuple[Heading, ...]
    rows: tuple[Row, ...]

    def transposed(self, corner: str) -> "Table":
        """The same cells with rows and columns exchanged."""
        columns = tuple(row.heading for row in self.rows)
        cells = zip(*(row.cells for row in self.rows), strict=True)
        return Table(corner, columns, tuple(Row(*pair) for pair in zip(self.columns, cells, strict=True)))


@dataclass(frozen=True)
class KeyEntry:
    """What one pen stands for; a `note` beside the name gives a number of its own."""

    name: str
    pen: Pen
    has_marker: bool = False
    note: str = ""


@dataclass(frozen=True)
class Exhibit:
    """A plot (an SVG element) with its title, what must be known to read it, its key, and the table behind it."""

    title: str
    note: str
    key: tuple[KeyEntry, ...]
    plot: Plot
    table: Table | None
