"""Frame averaging: a long exposure from consecutive frames of a fast camera, as GoPro is made (Nah et al., CVPR 2017).

The sharp picture of a window of frames is its middle frame.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detbench.blur.light import to_levels, to_light
from detbench.blur.trajectory import severity_px
from detbench.core.images import read_image
from detbench.core.optical_flow import flow_px
from detbench.errors import DataError
from detbench.types import Image, Light

FLOW_STRIDE = 4


def read_frames(paths: Sequence[Path]) -> list[Image]:
    """Decode the frames of one window. Raises DataError, naming the frame, where one differs in size from the first."""
    frames = [read_image(path) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame.shape != frames[0].shape:
            raise DataError(
                f"{path} is {_size(frame)} but {paths[0].name} is {_size(frames[0])}; "
                "frames of one folder share a size: move the odd ones out or export them again"
            )
    return frames


def average_frames(frames: Sequence[Image], light: Light) -> NDArray[np.float64]:
    """Average frames of one shape (H, W, 3) in `light`: grey levels 0..255, not yet rounded.

    GoPro calls the linear one `blur_gamma`, as it undoes the gamma, and the plain mean `blur`.
    """
    exposed = np.zeros(frames[0].shape)
    for frame in frames:
        exposed += to_light(frame, light)
    return to_levels(exposed / len(frames), light)


def flow_severity_px(frames: Sequence[Image]) -> float:
    """Mean over every fourth pixel of `severity_px` of its motion, by dense optical flow from frame to frame.

    Steps are summed with their direction, so that the tremble of the flow on a still picture does not add up to a
    motion.
    """
    start = np.zeros((*frames[0].shape[:2], 2), np.float32)
    steps = [start, *(flow_px(before, after) for before, after in pairwise(frames))]
    path = np.cumsum([step[::FLOW_STRIDE, ::FLOW_STRIDE] for step in steps], axis=0)
    return float(severity_px(path[..., 0] + 1j * path[..., 1]).mean())


def _size(frame: Image) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
