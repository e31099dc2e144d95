"""The blur effect: how little a picture changes when it is blurred once more. It needs no sharp reference."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_TAPS = 9

Values = NDArray[np.float32]


def blur_effect(image: Image) -> float | None:
    """No-reference blur of Crete et al. 2007, 0 for the sharpest picture, 1 for one that blurring does not change.

    Σ min(d, b) / Σ d in luminance (BT.601): d is the absolute difference of neighbours, b the same after a mean over 9
    pixels in their direction, and the sum is over the differences whose means lie inside the picture. The larger of
    both directions counts. (The paper writes 1 − Σ max(0, d − b) / Σ d, which is the same.) A step between two flat
    areas gives 1/9, a ramp 1. (H, W, 3), 0..255. None where the picture is flat in both directions, and where no side
    has 10 pixels.

    It is a share of the picture's own edges. So contrast and the number of edges do not decide, as they do for the
    variance of the Laplacian. Noise and ringing still count as sharpness: read it beside a metric that has a reference.

    F. Crete, T. Dolmiere, P. Ladret, M. Nicolas, "The blur effect: perception and estimation with a new no-reference
    perceptual blur metric", SPIE 6492, 2007 (doi 10.1117/12.702790).
    """
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shares = [_unchanged(direction) for direction in (luminance, np.ascontiguousarray(luminance.T))]
    return max((share for share in shares if share is not None), default=None)


def _unchanged(values: Values) -> float | None:
    """The share of the differences from row to row that a mean over rows leaves; None where there are none."""
    inside = values[_TAPS // 2 : len(values) - _TAPS // 2]
    if len(inside) < 2:
        return None
    blurred = cv2.blur(values, (1, _TAPS))[_TAPS // 2 : len(values) - _TAPS // 2]
    edges, edges_left = (cv2.absdiff(each[1:], each[:-1]) for each in (inside, blurred))
    total = cv2.sumElems(edges)[0]
    return cv2.sumElems(cv2.min(edges, edges_left))[0] / total if total else None
