"""From a run folder to its page and its summary, and from several runs to one page."""

from collections.abc import Sequence
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.errors import UsageError
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.pages.html import rendered
from detbench.report.comparison import comparison_of
from detbench.report.files_view import files_view
from detbench.report.summary import summary_of
from detbench.report.view import TERMS, view_of
from detbench.results.compared_files import FilesCompared

TEMPLATES = Path(__file__).parent / "templates"


def render_report(folder: Path, out: Path | None = None, budget: float | None = None) -> Path:
    """Write a run's page, `report.html` in its folder unless `out` names another file, and `summary.md` in the folder.

    Both are made from the folder's other files alone: the same files give the same bytes. `budget` is the largest time
    for a megapixel that will do, in seconds: the page marks what is slower. Returns the page's path.
    Raises DataError naming a file that is missing or damaged.
    """
    page = out or folder / "report.html"
    view = view_of(folder, is_beside=out is None, budget=budget)
    write_atomically(
        page, rendered(TEMPLATES / "report.html.j2", view=view, terms=TERMS, confidence=CONFIDENCE, iou=MATCH_IOU)
    )
    write_atomically(folder / "summary.md", summary_of(view))
    return page


def render_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Write one page with the arms of several runs below each other; returns its path.

    Raises UsageError where there is no run, DataError naming a result that is missing or damaged.
    """
    if not folders:
        raise UsageError("no runs to compare: name at least one run folder")
    write_atomically(out, rendered(TEMPLATES / "comparison.html.j2", view=comparison_of(folders, out)))
    return out


def render_compared(compared: FilesCompared, page: Path) -> None:
    """Write the page of results files that were held against each other."""
    template = TEMPLATES / "files.html.j2"
    write_atomically(page, rendered(template, view=files_view(compared), confidence=CONFIDENCE, iou=MATCH_IOU))
