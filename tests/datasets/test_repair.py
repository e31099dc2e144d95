from typing import Any

import pytest

from detbench.datasets.coco_records import CocoRecords
from detbench.datasets.repair import Repair, repaired

IMAGES = [{"id": 1, "file_name": "a.png", "width": 40, "height": 20}]
BOXES: list[Any] = [
    [4, 2, 10, 5],  # inside
    [-0.5, 0, 10, 10],  # out by less than a pixel, which a reader takes
    [-5, 5, 20, 10],  # out to the left
    [30, 10, 20, 20],  # out at the right and below
    [50, 5, 10, 10],  # wholly outside
    [4, 4, 10, 0],  # without area
]


def records() -> CocoRecords:
    """One picture with a box of each kind, all of area 1,000 but the first, whose outline is smaller than its box."""
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": box, "area": 41.5 if number == 1 else 1000}
        for number, box in enumerate(BOXES, start=1)
    ]
    return CocoRecords(IMAGES, annotations, [{"id": 1, "name": "car"}], ("given",))


def test_nothing_happens_without_a_wish() -> None:
    """Without `how` the very records come back."""
    given = records()
    assert repaired(given, None) is given


def test_clip_cuts_at_the_borders_and_drops_what_is_left_empty() -> None:
    """A clipped box is the part inside; its outline's area is at most that of the box; the rest is as it was."""
    clipped = repaired(records(), "clip")
    assert [annotation["id"] for annotation in clipped.annotations] == [1, 2, 3, 4]
    assert [annotation["bbox"] for annotation in clipped.annotations] == [*BOXES[:2], [0, 5, 15, 10], [30, 10, 10, 10]]
    assert [annotation["area"] for annotation in clipped.annotations] == [41.5, 1000, 150, 100]
    assert clipped.notes == (
        "given",
        "2 boxes clipped to their pictures",
        "2 boxes dropped that have no area or lie outside their picture",
    )


def test_drop_leaves_out_what_a_reader_would_refuse() -> None:
    """Every box that reaches out or has no area goes, whole."""
    dropped = repaired(records(), "drop")
    assert [annotation["id"] for annotation in dropped.annotations] == [1, 2]
    assert dropped.notes == ("given", "4 boxes dropped that have no area or lie outside their picture")


@pytest.mark.parametrize("how", ["clip", "drop"])
@pytest.mark.parametrize("odd", [7, {"id": 9}, {"id": 9, "image_id": 5, "bbox": [0, 0, -1, 1]}, {"bbox": "wide"}])
def test_what_cannot_be_read_stays_for_the_check(how: Repair, odd: object) -> None:
    """A record without a readable box, or of no known picture, is not dropped in silence."""
    given = CocoRecords(IMAGES, [odd], [])  # type: ignore[list-item]
    assert repaired(given, how).annotations == [odd]
