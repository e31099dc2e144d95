"""From a run folder to its page and its summary, and from several runs to one page."""

from collections.abc import Sequence
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.errors import UsageError
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.pages.html import rendered
from detbench.pages.parts import Table
from detbench.pages.text import plural
from detbench.report.comparison import comparison_of
from detbench.report.files_view import files_view
from detbench.report.static_files import (
    plots_of_run,
    tables_of_comparison,
    tables_of_run,
    write_figure_nine,
    write_static,
)
from detbench.report.summary import summary_of
from detbench.report.tables import arm_table, main_specs
from detbench.report.verdict import verdict_sentences
from detbench.report.view import TERMS, view_of
from detbench.results.compared_files import FilesCompared
from detbench.results.folder import RunFolder
from detbench.results.schema import RunResult

TEMPLATES = Path(__file__).parent / "templates"


def render_report(
    folder: Path, out: Path | None = None, figures: Path | None = None, budget: float | None = None
) -> Path:
    """Write a run's page, `report.html` in its folder unless `out` names another file, and `summary.md` in the folder.

    `figures` is a folder for each plot and table as files of their own. All are made from the folder's other files
    alone: the same files give the same bytes. `budget` is the largest time for a megapixel that will do, in seconds:
    the page marks what is slower. Returns the page's path.
    Raises DataError naming a file that is missing or damaged.
    """
    page = out or folder / "report.html"
    view = view_of(folder, is_beside=out is None, budget=budget)
    write_atomically(
        page, rendered(TEMPLATES / "report.html.j2", view=view, terms=TERMS, confidence=CONFIDENCE, iou=MATCH_IOU)
    )
    write_atomically(folder / "summary.md", summary_of(view))
    if figures is not None:
        write_static(figures, plots_of_run(view), tables_of_run(view))
        write_figure_nine(figures, RunFolder(folder))
    return page


def render_comparison(folders: Sequence[Path], out: Path, figures: Path | None = None) -> Path:
    """Write one page of several runs, and with `figures` its plots and tables into that folder; returns its path.

    Raises UsageError where there is no run, DataError naming a result that is missing or damaged.
    """
    if not folders:
        raise UsageError("no runs to compare: name at least one run folder")
    view = comparison_of(folders, out)
    write_atomically(out, rendered(TEMPLATES / "comparison.html.j2", view=view))
    if figures is not None:
        write_static(figures, view.exhibits, tables_of_comparison(view))
    return out


def render_compared(compared: FilesCompared, page: Path) -> None:
    """Write the page of results files that were held against each other."""
    template = TEMPLATES / "files.html.j2"
    write_atomically(page, rendered(template, view=files_view(compared), confidence=CONFIDENCE, iou=MATCH_IOU))


def run_fragment(result: RunResult) -> str:
    """A run's verdict and main table as a piece of HTML without a style, as a notebook shows it below a cell."""
    table = arm_table(result.arms, main_specs(result.arms), result.differences)
    return _fragment(verdict_sentences(result), table, f"Arms over {plural(result.data.images, 'picture', 'pictures')}")


def compared_fragment(compared: FilesCompared) -> str:
    """What is said of results files, and their scores, as a piece of HTML without a style."""
    view = files_view(compared)
    return _fragment(view.sentences, view.scores, view.ground)


def _fragment(sentences: Sequence[str], table: Table, label: str) -> str:
    return rendered(TEMPLATES / "fragment.html.j2", sentences=sentences, table=table, label=label)
