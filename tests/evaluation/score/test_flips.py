"""Which true boxes change hands between two arms."""

import numpy as np
import pytest

from detbench.core.images import picture_from_image
from detbench.evaluation.measure.packed_detections import PackedDetections
from detbench.evaluation.measure.rows import ArmPicture
from detbench.evaluation.score.flips import flip_rows
from detbench.types import Detections, GroundTruth, Sample

BOXES = np.array([[0, 0, 20, 10], [40, 0, 60, 30], [0, 50, 90, 70]], np.float64)
PICTURE = picture_from_image(np.zeros((80, 100, 3), np.uint8))
TRUTH = GroundTruth(BOXES, np.array([1, 2, 2]), np.array([False, False, True]), np.ones(3), np.array([11, 12, 13]))


def arm(name: str, *found: int, score: float = 0.9) -> list[ArmPicture]:
    """One picture in which an arm finds those true boxes."""
    boxes = Detections(BOXES[list(found)], np.full(len(found), score), TRUTH.labels[list(found)])
    return [
        ArmPicture(name, Sample(5, "a.png", PICTURE, PICTURE, TRUTH), PICTURE, PackedDetections.of(boxes), {}, None)
    ]


def changes(**arms: list[ArmPicture]) -> list[tuple[str, str, int, str]]:
    """Every flip in short."""
    rows = flip_rows(arms, list(arms), {1: "car", 2: "bus"})
    assert all(row["image_id"] == 5 and row["class"] == {11: "car", 12: "bus"}[row["annotation_id"]] for row in rows)
    return [(row["arm"], row["against"], row["annotation_id"], row["change"]) for row in rows]


def test_lost_by_blur_regained_and_lost_again() -> None:
    """Blur is held against the sharp picture, a deblurrer against the blurred one; each change is a row."""
    flips = changes(sharp=arm("sharp", 0, 1), blurred=arm("blurred", 1), net=arm("net", 0))
    assert flips == [
        ("blurred", "sharp", 11, "lost"),
        ("net", "blurred", 11, "gained"),
        ("net", "blurred", 12, "lost"),
    ]


@pytest.mark.parametrize("arms", [{"blurred": arm("blurred", 0), "net": arm("net", 0)}, {"blurred": arm("blurred")}])
def test_what_stays_is_no_flip(arms: dict[str, list[ArmPicture]]) -> None:
    """Boxes that both arms find or both miss are not listed; without sharp pictures blur is not judged."""
    assert changes(**arms) == []


def test_only_sure_boxes_count() -> None:
    """A box below the stated confidence is missed, and a crowd region is neither found nor missed."""
    assert changes(blurred=arm("blurred", 0), net=arm("net", 0, score=0.2)) == [("net", "blurred", 11, "lost")]
    assert changes(blurred=arm("blurred"), net=arm("net", 2)) == []
