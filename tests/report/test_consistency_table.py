"""detbench.report.consistency_table: what arms share, as a table."""

from collections.abc import Callable
from dataclasses import replace

from detbench.report.consistency_table import consistency_table
from detbench.results.schema import Consistency, RunResult


def test_a_row_has_boxes_confidence_and_shares(result: Callable[..., RunResult]) -> None:
    """The place of an arm beside itself is empty, and what is undefined is a dash."""
    found = (Consistency("blurred", 1.5, 0.5, {"wiener": None}), Consistency("wiener", 0.0, None, {"blurred": 0.0}))
    table = consistency_table(replace(result(maps={"blurred": None, "wiener": None}), consistency=found))
    assert [column.text for column in table.columns] == [
        "Boxes per picture", "Mean confidence", "of blurred", "of wiener",
    ]  # fmt: skip
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells == [["1.50", ".500", "", "–"], ["0.00", "–", "0\xa0%", ""]]


def test_with_truth_there_are_no_rows(result: Callable[..., RunResult]) -> None:
    """Then the metrics say more."""
    assert consistency_table(result(maps={"blurred": 0.2, "wiener": 0.3})).rows == ()
