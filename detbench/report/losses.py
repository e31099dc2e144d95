"""Where mAP is won and lost, as tables: kinds of errors, boxes that changed hands, blur, classes, and the curves."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from detbench.metrics.error_kinds import BACKGROUND_IOU, FOREGROUND_IOU, KINDS
from detbench.metrics.specs import CONFIDENCE, METRICS
from detbench.report.tables import Cell, Heading, Row, Table, value_cell
from detbench.report.text import UNDEFINED, plural, share
from detbench.types import Estimate

_Record = Mapping[str, Any]
_SHOWN_RECALLS = range(0, 101, 10)
_CHANGES = ("lost", "gained")


@dataclass(frozen=True)
class Titled:
    """A table with its title and what must be known to read it."""

    title: str
    note: str
    table: Table


def losses_of(analysis: Mapping[str, _Record], flips: pd.DataFrame) -> tuple[Titled, ...]:
    """What stands open in the report: errors, flips, and mAP by blur where its strength is known.

    `analysis` is `analysis.json`, by arm; `flips` the rows of `flips.csv`. Raises KeyError, TypeError or ValueError for
    anything else.
    """
    errors = Titled(
        "What each kind of error costs",
        "The mAP50 that would be gained if the errors of one kind alone were put right (after TIDE), and how many "
        f"there are at any confidence. A box meets a true one from IoU {FOREGROUND_IOU:g} on and none below "
        f"{BACKGROUND_IOU:g}.",
        _errors(analysis),
    )
    changed = Titled(
        "True boxes that changed hands",
        f"Found in the one arm and missed in the other, at confidence ≥ {CONFIDENCE:g}; flips.csv lists them.",
        _flips(flips),
    )
    blur = Titled("mAP by the strength of the blur", "Pictures by the length of their blur.", _blur(analysis))
    return tuple(titled for titled in (errors, changed, blur) if titled.table.rows)


def details_of(analysis: Mapping[str, _Record]) -> tuple[Titled, ...]:
    """What is folded: classes, the precision–recall curve and the confidence sweep."""
    return (
        Titled("mAP of each class", "", _classes(analysis)),
        Titled(
            "Precision at each recall",
            "IoU .5, mean over classes, interpolated as COCO does; 0 where the recall is never reached.",
            _precision_recall(analysis),
        ),
        Titled(
            "F1 at each confidence",
            f"With precision / recall; everywhere else in this report the confidence is {CONFIDENCE:g}.",
            _sweep(analysis),
        ),
    )


def _errors(analysis: Mapping[str, _Record]) -> Table:
    columns = tuple(Heading(kind, title=meaning) for kind, meaning in KINDS.items())
    rows = (
        Row(Heading(arm), tuple(_error(record["errors"][kind]) for kind in KINDS)) for arm, record in analysis.items()
    )
    return Table("Arm", columns, tuple(rows))


def _error(error: _Record) -> Cell:
    return Cell(_share(error["cost"]), plural(error["count"], "box", "boxes"))


def _flips(flips: pd.DataFrame) -> Table:
    counts = Counter(zip(flips["arm"], flips["against"], flips["change"], strict=True))
    rows = (
        Row(Heading(arm, f"against {against}"), tuple(Cell(f"{counts[arm, against, change]:,}") for change in _CHANGES))
        for arm, against in dict.fromkeys((arm, against) for arm, against, _ in counts)
    )
    return Table("Arm", tuple(Heading(change) for change in _CHANGES), tuple(rows))


def _blur(analysis: Mapping[str, _Record]) -> Table:
    """Bins × arms; bins without pictures are left out."""
    return _by_arm("Blur", analysis, {arm: list(_bins(record["blur"])) for arm, record in analysis.items()})


def _bins(bins: Sequence[_Record]) -> Iterator[tuple[Heading, Cell]]:
    for each in bins:
        if each["pictures"]:
            below = "and more" if each["to_px"] is None else f"to {each['to_px']:g}"
            heading = Heading(f"{each['from_px']:g} {below} px", plural(each["pictures"], "picture", "pictures"))
            yield heading, value_cell(METRICS["map"], Estimate(**each["map"]))


def _classes(analysis: Mapping[str, _Record]) -> Table:
    cells = {
        arm: [
            (Heading(name, plural(each["boxes"], "box", "boxes")), value_cell(METRICS["map"], Estimate(**each["map"])))
            for name, each in sorted(record["classes"].items())
        ]
        for arm, record in analysis.items()
    }
    return _by_arm("Class", analysis, cells)


def _precision_recall(analysis: Mapping[str, _Record]) -> Table:
    cells = {
        arm: [
            (Heading(f"{recall / 100:.1f}"), Cell(UNDEFINED if curve is None else share(curve[recall])))
            for recall in _SHOWN_RECALLS
        ]
        for arm, curve in ((arm, record["precision_recall"]) for arm, record in analysis.items())
    }
    return _by_arm("Recall", analysis, cells)


def _sweep(analysis: Mapping[str, _Record]) -> Table:
    """Confidences × arms; the best F1 of each arm stands out."""
    cells = {}
    for arm, record in analysis.items():
        points = record["confidence_sweep"]
        best = max((point["f1"] for point in points if point["f1"] is not None), default=None)
        cells[arm] = [(Heading(f"{point['confidence']:.2f}"), _sweep_cell(point, best)) for point in points]
    return _by_arm("Confidence", analysis, cells)


def _sweep_cell(point: _Record, best: float | None) -> Cell:
    f1, ratios = point["f1"], f"{_share(point['precision'])} / {_share(point['recall'])}"
    return Cell(_share(f1), ratios, best=f1 is not None and f1 == best)


def _by_arm(corner: str, analysis: Mapping[str, _Record], cells: Mapping[str, Sequence[tuple[Heading, Cell]]]) -> Table:
    """A table of arms as columns, from each arm's cells under the same headings."""
    lines = zip(*cells.values(), strict=True)
    rows = (Row(line[0][0], tuple(cell for _, cell in line)) for line in lines)
    return Table(corner, tuple(Heading(arm) for arm in analysis), tuple(rows))


def _share(value: float | None) -> str:
    return UNDEFINED if value is None else share(value)
