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


def test_a_box_without_height_is_refused_or_dropped() -> None:
    """COCO's train2017 has a box of height 0: refused with the remedy, which leaves that box out and says so."""
    document = json.loads(content([30, 5, 10, 5]))
    document["annotations"].append({"id": 918, "image_id": 1, "category_id": 1, "bbox": [2, 5, 1.03, 0.0]})
    with pytest.raises(DataError, match=r"annotations\[1\] \(id 918\): bbox .*--repair drop leaves empty boxes out"):
        read_annotations(json.dumps(document).encode(), SOURCE)
    records = read_annotations(json.dumps(document).encode(), SOURCE, "drop")
    assert [annotation["id"] for annotation in records.annotations] == [1]
    assert records.notes == ("1 boxes dropped that have no area or lie outside their picture",)


def test_boxes_are_repaired_by_ids_that_are_text() -> None:
    """Repair knows the picture of a box whose ids are text: the whole numbers are made first."""
    document = json.loads(content([30, 5, 20, 5]))
    document["images"][0]["id"] = document["annotations"][0]["image_id"] = "0001"
    records = read_annotations(json.dumps(document).encode(), SOURCE, "clip")
    assert records.annotations[0]["bbox"] == [30, 5, 10, 5]
    assert records.annotations[0]["image_id"] == 1
    assert len(records.notes) == 2
