"""Motion from one picture to the next at every pixel: OpenCV's DIS flow (Kroeger et al., ECCV 2016)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.core.images import pad_to_multiple
from detbench.types import Image

_SMALLEST_SIDE = 16


def flow_px(before: Image, after: Image) -> NDArray[np.float32]:
    """Where each pixel of `before` is in `after`, as an offset right and down in pixels: shape (H, W, 2).

    Both are (H, W, 3).
    """
    greys = [cv2.cvtColor(pad_to_multiple(each, _SMALLEST_SIDE), cv2.COLOR_RGB2GRAY) for each in (before, after)]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = flow.calc(greys[0], greys[1], np.zeros((*greys[0].shape, 2), np.float32))
    height, width = before.shape[:2]
    return np.asarray(found[:height, :width], np.float32)
