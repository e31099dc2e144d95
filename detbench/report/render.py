"""From a run folder to its page and its summary, and from several runs to one page."""

from collections.abc import Sequence
from pathlib import Path

from detbench.errors import UsageError
from detbench.images import write_atomically
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.pages import rendered
from detbench.report.comparison import comparison_of
from detbench.report.summary import summary_of
from detbench.report.view import view_of

TEMPLATES = Path(__file__).parent / "templates"


def render_report(folder: Path) -> Path:
    """Write `report.html` and `summary.md` into a run folder, from its other files alone; returns the page's path.

    The same files give the same bytes. Raises DataError naming a file that is missing or damaged.
    """
    view = view_of(folder)
    page = folder / "report.html"
    write_atomically(page, rendered(TEMPLATES / "report.html.j2", view=view, confidence=CONFIDENCE, iou=MATCH_IOU))
    write_atomically(folder / "summary.md", summary_of(view))
    return page


def render_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Write one page with the arms of several runs below each other; returns its path.

    Raises UsageError where there is no run, DataError naming a result that is missing or damaged.
    """
    if not folders:
        raise UsageError("no runs to compare: name at least one run folder")
    write_atomically(out, rendered(TEMPLATES / "comparison.html.j2", view=comparison_of(folders)))
    return out
