from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from detbench.pages.parts import Cell
from detbench.report.error_tables import (
    class_table,
    error_table,
    flip_table,
    operating_table,
    precision_recall_table,
    sweep_table,
)
from detbench.results.analysis_schema import ArmAnalysis, analysis_from_json
from detbench.results.folder import RunFolder

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}


@pytest.fixture
def folder(write: Write) -> Path:
    """A small run."""
    return write(maps=MAPS)


@pytest.fixture
def analysis(folder: Path) -> Mapping[str, ArmAnalysis]:
    """Its `analysis.json`."""
    return analysis_from_json(RunFolder(folder).read_json("analysis.json"), MAPS, "analysis.json")


def test_each_arm_stands_at_its_own_confidence(analysis: Mapping[str, ArmAnalysis]) -> None:
    """Arms are rows: the confidence of the best F1, F1 there with its interval, recall at blurred's precision, which
    may be undefined, and the calibration error.
    """
    points = {arm: record.operating_point for arm, record in analysis.items() if record.operating_point is not None}
    table = operating_table(points)
    assert [row.heading.text for row in table.rows] == list(MAPS)
    assert table.rows[2].cells == (
        Cell(".400"),
        Cell(".300", "[.200,\xa0.400]", "F1 over 2 pictures"),
        Cell("–"),
        Cell(".150"),
    )


def test_every_kind_of_error_has_its_cost_and_count(analysis: Mapping[str, ArmAnalysis]) -> None:
    """Arms are rows, kinds are columns, each with what it means."""
    errors = error_table(analysis)
    assert [row.heading.text for row in errors.rows] == list(MAPS)
    assert errors.rows[0].cells[1] == Cell(".010", "1 box")
    assert all(column.title for column in errors.columns)


def test_boxes_that_changed_hands_are_counted(folder: Path) -> None:
    """Lost and gained boxes of each arm, against whom they are counted."""
    (row,) = flip_table(RunFolder(folder).read_flips()).rows
    assert (row.heading.text, row.heading.note) == ("wiener", "against blurred")
    assert [cell.text for cell in row.cells] == ["1", "2"]


def test_classes_come_with_boxes_and_intervals(analysis: Mapping[str, ArmAnalysis]) -> None:
    """Classes are rows in the order of their names, arms are columns."""
    classes = class_table(analysis)
    assert [(row.heading.text, row.heading.note) for row in classes.rows] == [("car", "2 boxes"), ("person", "2 boxes")]
    assert [column.text for column in classes.columns] == list(MAPS)
    assert classes.rows[0].cells[0].interval == "[.200,\xa0.400]"


def test_curves_are_read_at_round_places(analysis: Mapping[str, ArmAnalysis]) -> None:
    """Precision stands at every tenth of recall; the F1 of the sweep beside it, an undefined one is a dash."""
    assert [row.cells[0].text for row in precision_recall_table(analysis).rows][:3] == ["1.000", ".900", ".800"]
    assert [(row.heading.text, row.cells[0].text) for row in sweep_table(analysis).rows] == [
        ("0.25", ".600"),
        ("0.50", ".700"),
        ("0.75", "–"),
    ]
