"""Box formats and areas. Arrays of boxes are (N, 4) float64; the name of a format lists the four columns."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import Boxes


def xyxy_to_xywh(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    """Corners (x1, y1, x2, y2) to COCO's left, top, width, height; all in pixels."""
    return np.concatenate([boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]], axis=1)


def xywh_to_xyxy(boxes_xywh: NDArray[np.float64]) -> Boxes:
    """COCO's left, top, width, height to corners (x1, y1, x2, y2); all in pixels."""
    return np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)


def area(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    """Area of each box in square pixels, shape (N,)."""
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
