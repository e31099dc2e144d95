"""A report's plots and tables as files to paste into papers, slides and spreadsheets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.pages.figure_files import figure_files
from detbench.pages.parts import Exhibit, KeyEntry, Table
from detbench.pages.table_files import csv_of, latex_of
from detbench.report.comparison import ComparisonView
from detbench.report.figure_nine import figure_nine
from detbench.report.plots import Draw
from detbench.report.shown import read_shown
from detbench.report.view import ReportView
from detbench.results.folder import RunFolder


def write_static(folder: Path, exhibits: Sequence[Exhibit], tables: Mapping[str, Table]) -> None:
    """Write each plot as SVG, PNG and PDF, and each table as CSV and LaTeX, into a folder that is made if need be.

    Files are named for what they show. The same plots and tables give the same bytes; other files there stay.
    """
    for exhibit in exhibits:
        _write_figure(folder, _stem(exhibit.title), exhibit.plot.draw, exhibit.plot.height_in, exhibit.key)
    for name, table in {**tables, **dict(_tables_behind(exhibits))}.items():
        if table.rows and table.columns:
            write_atomically(folder / f"{_stem(name)}.csv", csv_of(table))
            write_atomically(folder / f"{_stem(name)}.tex", latex_of(table))


def write_figure_nine(folder: Path, run: RunFolder) -> None:
    """Write the paper's figure 9 of a run, where there is one to draw; raises DataError naming a damaged file."""
    result = run.read_result()
    nine = figure_nine(result, *read_shown(run, result, run.read_images()))
    if nine is not None:
        _write_figure(folder, "figure-9", *nine)


def _write_figure(folder: Path, stem: str, draw: Draw, height_in: float, key: Sequence[KeyEntry] = ()) -> None:
    for suffix, content in figure_files(draw, height_in, key).items():
        write_atomically(folder / f"{stem}.{suffix}", content)


def plots_of_run(view: ReportView) -> tuple[Exhibit, ...]:
    """A run's plots."""
    return view.figures if view.when_to_deblur is None else (view.when_to_deblur.plot, *view.figures)


def tables_of_run(view: ReportView) -> dict[str, Table]:
    """A run's tables by name, but for those behind its plots."""
    selective = {} if view.when_to_deblur is None else {"when to deblur": view.when_to_deblur.table}
    over_time = {} if view.over_time is None else {"over time": view.over_time.table}
    return {
        **selective,
        "arms": view.main,
        **({} if view.claims is None else {"claimed and measured": view.claims}),
        "differences": view.differences,
        "all metrics": view.all_metrics,
        "all differences": view.all_differences,
        "boxes that changed hands": view.flips,
        **over_time,
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
