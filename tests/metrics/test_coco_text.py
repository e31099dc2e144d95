"""COCO's JSON, read straight into columns."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from detbench.metrics.coco_text import found_columns_of, true_columns_of
from detbench.metrics.columns import found_columns, true_columns

TRUTH: dict[str, Any] = {
    "info": {"year": 2024},
    "images": [{"id": 7, "file_name": "a.png", "width": 64, "height": 48}, {"id": 3, "file_name": "b.png"}],
    "categories": [{"id": 90, "name": "car"}, {"id": 1, "name": "bus"}],
    "annotations": [
        {"id": 5, "image_id": 3, "category_id": 90, "bbox": [1, 2.5, 30, 0.1], "area": 3, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0.1, 0, 1e-3, 4], "area": 0.7, "iscrowd": 1},
    ],
}
FOUND: list[dict[str, Any]] = [
    {"image_id": 7, "category_id": 1, "bbox": [0.30000000000000004, 1, 2, 3], "score": 0.1},
    {"image_id": 3, "category_id": 90, "bbox": [4, 5, 6, 7], "score": 1, "id": 8},
]


def same(one: Any, other: Any) -> None:
    """Equal to the last bit, kinds of numbers included."""
    for key, column in asdict(one).items():
        np.testing.assert_array_equal(column, asdict(other)[key], strict=True)


def test_columns_of_a_text_are_those_of_its_document() -> None:
    """True and found boxes, whole numbers among the sides, keys that nothing reads, and ids in any order."""
    truth = true_columns_of(json.dumps(TRUTH).encode())
    same(truth, true_columns(TRUTH))
    assert truth.crowd.tolist() == [False, True]
    same(found_columns_of(json.dumps(FOUND, indent=1).encode(), truth), found_columns(FOUND, truth))


def test_an_empty_list_has_no_boxes() -> None:
    """A detector may find nothing."""
    assert found_columns_of(b"[]", true_columns(TRUTH)).boxes_xywh.shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_id": 8}, "image_id 8 is not in the truth"),
        ({"category_id": 2}, "category_id 2 is not in the truth"),
        ({"bbox": [1, 2, 3]}, "length 4"),
        ({"score": "high"}, "Expected `float`, got `str`"),
        ({"score": float("nan")}, "malformed"),
    ],
    ids=["picture", "category", "three sides", "word", "NaN"],
)
def test_what_is_no_result_is_refused(change: dict[str, Any], said: str) -> None:
    """With ValueError, which says what is wrong."""
    with pytest.raises(ValueError, match=said):
        found_columns_of(json.dumps([{**FOUND[0], **change}]).encode(), true_columns(TRUTH))
