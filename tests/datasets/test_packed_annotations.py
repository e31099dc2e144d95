import pytest

from detbench.datasets.packed_annotations import PackedAnnotations

WITH_AREA = {"id": 5, "image_id": 20, "category_id": 2, "bbox": [1.0, 2.0, 10.0, 4.5], "iscrowd": 1, "area": 30.25}
BARE = {"id": 2**53 - 1, "image_id": 3, "category_id": 1, "bbox": [0.1, 1.0, 2.0, 3.0]}


def test_records_come_back_as_they_were() -> None:
    """Ids, boxes and areas are exact; an area that was absent stays so, and a box that is no crowd says 0."""
    packed = PackedAnnotations([WITH_AREA, {**BARE, "segmentation": [[0, 0, 1, 1]]}])
    assert list(packed) == [WITH_AREA, {**BARE, "iscrowd": 0}]
    assert packed[1:] == [{**BARE, "iscrowd": 0}]


def test_an_index_beyond_the_end_is_an_error() -> None:
    """Iteration over a sequence ends by it."""
    with pytest.raises(IndexError):
        PackedAnnotations([WITH_AREA])[1]
