import numpy as np

from detbench.core.instances import instances
from detbench.types import GroundTruth, Picture, Sample


def test_boxes_become_left_top_width_height_of_their_picture() -> None:
    """The document has each picture's sides and each box with its own id, class, area and crowd mark."""
    truth = GroundTruth(
        np.array([[1.0, 2.0, 11.0, 7.0]]), np.array([4]), np.array([True]), np.array([33.0]), np.array([8])
    )
    picture = Picture("", 40, 20, lambda: np.zeros((20, 40, 3), np.uint8))
    assert instances([Sample(3, "a.png", None, picture, truth)], {4: "car"}) == {
        "images": [{"id": 3, "file_name": "a.png", "width": 40, "height": 20}],
        "categories": [{"id": 4, "name": "car"}],
        "annotations": [
            {"id": 8, "image_id": 3, "category_id": 4, "bbox": [1.0, 2.0, 10.0, 5.0], "area": 33.0, "iscrowd": 1}
        ],
    }
