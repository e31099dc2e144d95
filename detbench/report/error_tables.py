"""Where mAP is won and lost, as tables: kinds of errors, boxes that changed hands, classes, and the curves.

`analysis` is the content of `analysis.json`, by arm, `flips` the rows of `flips.csv`. Raises KeyError where a kind of
error is missing, ValueError where arms have other classes or bins.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from detbench.metrics.error_kinds import KINDS
from detbench.metrics.specs import CONFIDENCE, METRICS
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, plural, share
from detbench.report.tables import value_cell
from detbench.results.analysis_schema import ArmAnalysis, BlurBin, ErrorCost, OperatingPoint, SweepPoint

_SHOWN_RECALLS = range(0, 101, 10)
_CHANGES = ("lost", "gained")


def error_table(analysis: Mapping[str, ArmAnalysis]) -> Table:
    """Arms × kinds of error: the mAP50 that each costs, and how many there are."""
    columns = tuple(Heading(kind, title=meaning) for kind, meaning in KINDS.items())
    rows = (
        Row(Heading(arm), tuple(error_cell(record.errors[kind]) for kind in KINDS)) for arm, record in analysis.items()
    )
    return Table("Arm", columns, tuple(rows))


def error_cell(error: ErrorCost) -> Cell:
    """One kind of error: the mAP50 that it costs, and how many there are."""
    return Cell(_share(error.cost), plural(error.count, "box", "boxes"))


def flip_table(flips: pd.DataFrame) -> Table:
    """True boxes that changed hands, by arm and what it is held against."""
    counts = Counter(zip(flips["arm"], flips["against"], flips["change"], strict=True))
    rows = (
        Row(Heading(arm, f"against {against}"), tuple(Cell(f"{counts[arm, against, change]:,}") for change in _CHANGES))
        for arm, against in dict.fromkeys((arm, against) for arm, against, _ in counts)
    )
    return Table("Arm", tuple(Heading(change) for change in _CHANGES), tuple(rows))


def bin_name(each: BlurBin) -> str:
    """The bounds of a bin of blur: 8 to 18 px, 30 and more px."""
    below = "and more" if each.to_px is None else f"to {each.to_px:g}"
    return f"{each.from_px:g} {below} px"


def class_table(analysis: Mapping[str, ArmAnalysis]) -> Table:
    """mAP: classes × arms."""
    cells = {
        arm: [
            (Heading(name, plural(each.boxes, "box", "boxes")), value_cell(METRICS["map"], each.map))
            for name, each in sorted(record.classes.items())
        ]
        for arm, record in analysis.items()
    }
    return _by_arm("Class", analysis, cells)


def precision_recall_table(analysis: Mapping[str, ArmAnalysis]) -> Table:
    """Precision: recalls × arms."""
    cells = {
        arm: [
            (Heading(f"{recall / 100:.1f}"), Cell(UNDEFINED if curve is None else share(curve[recall])))
            for recall in _SHOWN_RECALLS
        ]
        for arm, curve in ((arm, record.precision_recall) for arm, record in analysis.items())
    }
    return _by_arm("Recall", analysis, cells)


def sweep_table(analysis: Mapping[str, ArmAnalysis]) -> Table:
    """F1, precision and recall: confidences × arms."""
    cells = {
        arm: [(Heading(f"{point.confidence:.2f}"), _sweep_cell(point)) for point in record.confidence_sweep]
        for arm, record in analysis.items()
    }
    return _by_arm("Confidence", analysis, cells)


def _sweep_cell(point: SweepPoint) -> Cell:
    return Cell(_share(point.f1), f"{_share(point.precision)} / {_share(point.recall)}")


def operating_table(points: Mapping[str, OperatingPoint]) -> Table:
    """Arms × what they reach at a confidence of their own, and how far their confidences are off."""
    columns = (
        Heading("Best confidence", title="from which on a box counts where F1 is highest"),
        Heading("F1 there", "↑", "chosen on these pictures, so it is the best case; its interval holds it fixed"),
        Heading("Recall at blurred's precision", "↑", f"blurred's precision at confidence {CONFIDENCE:g}"),
        Heading("Calibration error", "↓", "mean distance of confidence from the share of true boxes, in ten bins"),
    )
    rows = (Row(Heading(arm), tuple(_operating_cells(point))) for arm, point in points.items())
    return Table("Arm", columns, tuple(rows))


def _operating_cells(point: OperatingPoint) -> Iterator[Cell]:
    yield Cell(_share(point.best_confidence))
    yield value_cell(METRICS["f1"], point.f1)
    yield Cell(_share(point.recall_at_blurred_precision))
    yield Cell(_share(point.calibration_error))


def _by_arm(
    corner: str, analysis: Mapping[str, ArmAnalysis], cells: Mapping[str, Sequence[tuple[Heading, Cell]]]
) -> Table:
    """A table of arms as columns, from each arm's cells under the same headings."""
    lines = zip(*cells.values(), strict=True)
    rows = (Row(line[0][0], tuple(cell for _, cell in line)) for line in lines)
    return Table(corner, tuple(Heading(arm) for arm in analysis), tuple(rows))


def _share(value: float | None) -> str:
    return UNDEFINED if value is None else share(value)
