"""Flicker of a video: what changes from frame to frame besides what moves.

The warping error of Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, as a mean absolute difference
in grey levels: each frame is held against the frame before it, moved along by the optical flow; pixels that were hidden
before do not count (the test of Sundaram et al., ECCV 2010, on flow forth and back).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.core.optical_flow import flow_px
from detbench.types import Image

_HIDDEN_SHARE, _HIDDEN_PX2 = 0.01, 0.5
"""A pixel is hidden where the square of what is left of its way back and forth exceeds this share of the squares of
both ways, and so many square pixels.
"""


@dataclass(frozen=True, eq=False)
class Motion:
    """From one frame to the next: `source_xy` (H, W, 2) is where each pixel of the later frame was in the earlier one,
    in pixels, and `visible` (H, W) says whether it was in sight there.
    """

    source_xy: NDArray[np.float32]
    visible: NDArray[np.bool_]


def motion_between(before: Image, after: Image) -> Motion:
    """The motion between two frames (H, W, 3) of one size."""
    back, forth = flow_px(after, before), flow_px(before, after)
    height, width = back.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source = np.stack([x, y], axis=2) + back
    there = _sampled(forth, source)
    left_over = ((back + there) ** 2).sum(axis=2)
    ways = (back**2).sum(axis=2) + (there**2).sum(axis=2)
    inside = ((source >= 0) & (source <= (width - 1, height - 1))).all(axis=2)
    return Motion(source, inside & (left_over <= _HIDDEN_SHARE * ways + _HIDDEN_PX2))


def flicker_levels(before: Image, after: Image, motion: Motion) -> float | None:
    """Mean absolute difference of `after` from `before` moved along `motion`, in grey levels 0..255 over all channels.

    0 where nothing changes but what moves; None where no pixel was in sight before. Both frames are (H, W, 3), and may
    be others of the same scene than those of the motion.
    """
    if not motion.visible.any():
        return None
    moved = _sampled(before.astype(np.float32), motion.source_xy)
    return float(np.abs(after - moved)[motion.visible].mean())


def _sampled(values: NDArray[np.float32], at_xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """`values` (H, W, C) between pixels, linearly, at (H, W, 2)."""
    x, y = at_xy[..., 0], at_xy[..., 1]
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
