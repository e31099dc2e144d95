"""What arms find and share where there is no truth, as a table."""

from collections.abc import Mapping

from detbench.metrics.specs import CONFIDENCE
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, percent, share
from detbench.results.schema import Consistency, RunResult

NO_TRUTH = (
    "There are no true boxes, so there is no mAP and no yes or no: more boxes are not better boxes, and boxes that "
    "arms share may be wrong in both. The numbers say what changes, and the pictures where to look."
)
"""What can and cannot be concluded."""


def consistency_table(result: RunResult) -> Table:
    """Arms × boxes per picture, mean confidence, and the share of each other arm's boxes; no rows where there is truth.

    The order is that of the result's arms.
    """
    by_arm = {each.arm: each for each in result.consistency}
    rows = [by_arm[arm.name] for arm in result.arms if arm.name in by_arm]
    names = [each.arm for each in rows]
    columns = (
        Heading("Boxes per picture", f"from {CONFIDENCE:g} on"),
        Heading("Mean confidence", f"from {CONFIDENCE:g} on"),
        *(Heading(f"of {name}", "shared") for name in names),
    )
    return Table("Arm", columns, tuple(_row(each, names) for each in rows))


def _row(each: Consistency, names: list[str]) -> Row:
    mean = UNDEFINED if each.mean_confidence is None else share(each.mean_confidence)
    shared = (_share(each.shared, name) for name in names)
    return Row(Heading(each.arm), (Cell(f"{each.boxes_per_picture:.2f}"), Cell(mean), *shared))


def _share(shared: Mapping[str, float | None], name: str) -> Cell:
    if name not in shared:
        return Cell("")  # the arm itself
    value = shared[name]
    return Cell(UNDEFINED if value is None else percent(value))
