from collections.abc import Callable
from pathlib import Path

from detbench.report.losses import Titled
from detbench.report.render import render_report
from detbench.report.tables import Cell, Table
from detbench.report.view import ReportView, view_of

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}


def table(items: tuple[Titled, ...], title: str) -> Table:
    """The table whose title begins so."""
    return next(item.table for item in items if item.title.startswith(title))


def view(write: Write) -> ReportView:
    """The view of a small run."""
    return view_of(write(maps=MAPS))


def test_every_kind_of_error_has_its_cost_and_count(write: Write) -> None:
    """Arms are rows, kinds are columns, each with what it means."""
    errors = table(view(write).losses, "What each kind")
    assert [row.heading.text for row in errors.rows] == list(MAPS)
    assert errors.rows[0].cells[1] == Cell(".010", "1 box")
    assert all(column.title for column in errors.columns)


def test_boxes_that_changed_hands_are_counted(write: Write) -> None:
    """Lost and gained boxes of each arm, against whom they are counted."""
    flips = table(view(write).losses, "True boxes")
    (row,) = flips.rows
    assert (row.heading.text, row.heading.note) == ("wiener", "against blurred")
    assert [cell.text for cell in row.cells] == ["1", "2"]


def test_bins_without_pictures_are_left_out(write: Write) -> None:
    """A bin says its bounds and its pictures; an empty one says nothing."""
    (row,) = table(view(write).losses, "mAP by the strength").rows
    assert (row.heading.text, row.heading.note) == ("0 to 8 px", "2 pictures")
    assert [(cell.text, cell.interval) for cell in row.cells] == [(".300", "[.200, .400]")] * 3


def test_classes_come_with_boxes_and_intervals(write: Write) -> None:
    """Classes are rows in the order of their names, arms are columns."""
    classes = table(view(write).details, "mAP of each class")
    assert [(row.heading.text, row.heading.note) for row in classes.rows] == [("car", "2 boxes"), ("person", "2 boxes")]
    assert [column.text for column in classes.columns] == list(MAPS)
    assert classes.rows[0].cells[0].interval == "[.200, .400]"


def test_curves_are_read_at_round_places(write: Write) -> None:
    """Precision stands at every tenth of recall; the best F1 of the sweep stands out, an undefined one is a dash."""
    details = view(write).details
    assert [row.cells[0].text for row in table(details, "Precision").rows][:3] == ["1.000", ".900", ".800"]
    sweep = table(details, "F1").rows
    assert [(row.heading.text, row.cells[0].text, row.cells[0].best) for row in sweep] == [
        ("0.25", ".600", False),
        ("0.50", ".700", True),
        ("0.75", "–", False),
    ]


def test_the_page_shows_them(write: Write) -> None:
    """Every table's title stands on the page."""
    page = render_report(write(maps=MAPS)).read_text()
    assert all(word in page for word in ("What each kind of error costs", "changed hands", "F1 at each confidence"))
