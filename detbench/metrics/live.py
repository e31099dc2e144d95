"""A deblurrer behind a live camera: which frames come too late, and which are dropped.

Frame i arrives i / fps seconds after the first. The deblurrer works on one frame at a time; what arrives while it is
busy is dropped, and the boxes of the last frame that it did restore stand. A simpler reckoning than the streaming
accuracy of Li et al., "Towards Streaming Perception", ECCV 2020: boxes count at once, not after their delay.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SAME_S = 1e-9
"""A frame that arrives as the one before is done is not dropped for the last bit of a sum."""


def late_frames(restore_ms: Sequence[float], fps: float) -> NDArray[np.bool_]:
    """Which frames take longer than the time to the next one, (N,)."""
    return np.asarray(np.array(restore_ms, np.float64) / 1e3 > 1 / fps + _SAME_S)


def restored_frames(restore_ms: Sequence[float], fps: float) -> NDArray[np.bool_]:
    """Which frames of one clip are restored when it plays at `fps`, (N,), the first one always; others are dropped."""
    kept = np.zeros(len(restore_ms), np.bool_)
    free_s = 0.0
    for place, milliseconds in enumerate(restore_ms):
        if place / fps >= free_s - _SAME_S:
            kept[place], free_s = True, place / fps + milliseconds / 1e3
    return kept


def standing_frames(restored: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each frame of one clip the place of the frame whose boxes stand, (N,): its own, or the last one restored."""
    return np.asarray(np.maximum.accumulate(np.where(restored, np.arange(len(restored)), 0)), np.int64)
