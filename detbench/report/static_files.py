"""A report's plots and tables as files to paste into papers, slides and spreadsheets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.pages.figure_files import figure_files
from detbench.pages.parts import Exhibit, Table
from detbench.pages.table_files import csv_of, latex_of
from detbench.report.comparison import ComparisonView
from detbench.report.view import ReportView


def write_static(folder: Path, exhibits: Sequence[Exhibit], tables: Mapping[str, Table]) -> None:
    """Write each plot as SVG, PNG and PDF, and each table as CSV and LaTeX, into a folder that is made if need be.

    Files are named for what they show. The same plots and tables give the same bytes; other files there stay.
    """
    for exhibit in exhibits:
        for suffix, content in figure_files(exhibit).items():
            write_atomically(folder / f"{_stem(exhibit.title)}.{suffix}", content)
    for name, table in {**tables, **dict(_tables_behind(exhibits))}.items():
        if table.rows and table.columns:
            write_atomically(folder / f"{_stem(name)}.csv", csv_of(table))
            write_atomically(folder / f"{_stem(name)}.tex", latex_of(table))


def tables_of_run(view: ReportView) -> dict[str, Table]:
    """A run's tables by name, but for those behind its plots."""
    return {
        "arms": view.main,
        "differences": view.differences,
        "all metrics": view.all_metrics,
        "all differences": view.all_differences,
        "boxes that changed hands": view.flips,
    }


def tables_of_comparison(view: ComparisonView) -> dict[str, Table]:
    """Those of several runs."""
    pairs = {} if view.pairs is None else {"paired differences": view.pairs}
    grounds = {f"arms {place} {ground.title}": ground.table for place, ground in enumerate(view.grounds, 1)}
    return {"matrix": view.matrix, **pairs, **grounds}


def _tables_behind(exhibits: Sequence[Exhibit]) -> Iterator[tuple[str, Table]]:
    yield from ((exhibit.title, exhibit.table) for exhibit in exhibits if exhibit.table is not None)


def _stem(name: str) -> str:
    """A file's name for any system: By class is by-class."""
    return "-".join(re.findall(r"\w+", name.lower()))
