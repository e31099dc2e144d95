"""Box formats and overlaps. Arrays of boxes are (N, 4) float64; the name of a format lists the four columns."""

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


def iou(found_xyxy: Boxes, true_xyxy: Boxes, crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Overlap of each found box with each true box, shape (N found, M true), values 0..1.

    Intersection over union; against a crowd region, intersection over the found box's own area, as COCO has it
    (Lin et al. 2014, the `iou` of its mask API). Boxes without area overlap nothing.
    """
    top_left = np.maximum(found_xyxy[:, None, :2], true_xyxy[None, :, :2])
    bottom_right = np.minimum(found_xyxy[:, None, 2:], true_xyxy[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    found_area, true_area = area(found_xyxy)[:, None], area(true_xyxy)[None, :]
    union = np.where(crowd[None, :], found_area, found_area + true_area - intersection)
    return np.asarray(np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0))
