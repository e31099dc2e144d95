import json
from pathlib import Path

import pytest

from detbench.datasets.coco_file import read_annotations
from detbench.errors import DataError

SOURCE = Path("some/annotations.json")


def content(bbox: list[float]) -> bytes:
    """One picture with one box."""
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 20}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": bbox}],
        "categories": [{"id": 1, "name": "car"}],
    }
    return json.dumps(document).encode()


def test_a_box_outside_is_refused_or_repaired() -> None:
    """Without `repair` a box that reaches out is refused, with the remedy; with it, it is clipped and noted."""
    with pytest.raises(DataError, match=r"reaches more than 1 px out.*let --repair clip or --repair drop do so"):
        read_annotations(content([30, 5, 20, 5]), SOURCE)
    clipped = read_annotations(content([30, 5, 20, 5]), SOURCE, "clip")
    assert clipped.annotations[0]["bbox"] == [30, 5, 10, 5]
    assert clipped.notes == ("1 boxes clipped to their pictures",)


def test_what_no_repair_can_read_is_refused_all_the_same() -> None:
    """A box that is no list of numbers is a fault with `repair` too."""
    with pytest.raises(DataError, match=r"annotations\[0\] \(id 1\): bbox is \[1, 2, 3\]"):
        read_annotations(content([1, 2, 3]), SOURCE, "drop")
