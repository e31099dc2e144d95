"""Which true boxes change hands between two arms."""

import numpy as np
import pytest

from detbench.core.arm import Arm
from detbench.evaluation.score.flips import flip_rows
from detbench.metrics.columns import FoundColumns, true_columns
from detbench.metrics.matching import match
from detbench.metrics.specs import CONFIDENCE

BOXES = np.array([[0, 0, 20, 10], [40, 0, 20, 30], [0, 50, 90, 20]], np.float64)
CAR, BUS = 3, 7
LABELS = (CAR, BUS, BUS)
TRUTH = true_columns(
    {
        "images": [{"id": 5}],
        "categories": [{"id": CAR}, {"id": BUS}],
        "annotations": [
            {"id": n, "image_id": 5, "category_id": label, "bbox": box, "area": 1.0, "iscrowd": int(n == 13)}
            for n, label, box in zip((11, 12, 13), LABELS, BOXES.tolist(), strict=True)
        ],
    }
)


def arm(*found: int, score: float = 0.9) -> np.ndarray:
    """Which true boxes an arm takes that finds boxes in those places."""
    count, places = len(found), list(found)
    boxes = FoundColumns(np.zeros(count, int), TRUTH.category[places], BOXES[places], np.full(count, score))
    return match(TRUTH, boxes).is_taken(CONFIDENCE)


def changes(**arms: np.ndarray) -> list[tuple[str, str, int, str]]:
    """Every flip in short."""
    by_arm = {Arm.named(name): is_taken for name, is_taken in arms.items()}
    rows = flip_rows(by_arm, by_arm, TRUTH, {CAR: "car", BUS: "bus"})
    assert all(row["image_id"] == 5 and row["class"] == {11: "car", 12: "bus"}[row["annotation_id"]] for row in rows)
    return [(row["arm"], row["against"], row["annotation_id"], row["change"]) for row in rows]


def test_lost_by_blur_regained_and_lost_again() -> None:
    """Blur is held against the sharp picture, a deblurrer against the blurred one; each change is a row."""
    flips = changes(sharp=arm(0, 1), blurred=arm(1), net=arm(0))
    assert flips == [
        ("blurred", "sharp", 11, "lost"),
        ("net", "blurred", 11, "gained"),
        ("net", "blurred", 12, "lost"),
    ]


@pytest.mark.parametrize("arms", [{"blurred": arm(0), "net": arm(0)}, {"blurred": arm()}])
def test_what_stays_is_no_flip(arms: dict[str, np.ndarray]) -> None:
    """Boxes that both arms find or both miss are not listed; without sharp pictures blur is not judged."""
    assert changes(**arms) == []


def test_only_sure_boxes_count() -> None:
    """A box below the stated confidence is missed, and a crowd region is neither found nor missed."""
    assert changes(blurred=arm(0), net=arm(0, score=0.2)) == [("net", "blurred", 11, "lost")]
    assert changes(blurred=arm(), net=arm(2)) == []
