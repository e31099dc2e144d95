"""PSNR of a picture that may be shifted against its sharp reference."""

import math
from collections.abc import Iterable
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

MOST_SHIFT_PX = 5
STEPS_PER_PX = 4
BORDER_PX = 15
"""What Levin et al. chose, and every table on their pictures since."""

Values = NDArray[np.float32]


def shifted_psnr_db(image: Image, reference: Image) -> float | None:
    """PSNR 10·log10(255² / MSE) in dB at the best shift: a blind deblurrer cannot know where the scene lay.

    MSE is the least mean of (x(p + δ) − r(p))² over all shifts δ of at most 5 px in either direction, in steps of a
    quarter pixel; x is the picture, interpolated bilinearly, r the reference, and p runs over the pixels at least 15 px
    from every edge and over the channels. Both are (H, W, 3) of one size, 0..255. None where the ratio is infinite, and
    for a side below 31 px, of which the border leaves nothing. Equals the search over all 41·41 shifts.

    A. Levin, Y. Weiss, F. Durand, W. T. Freeman, "Understanding and evaluating blind deconvolution algorithms", CVPR
    2009. D. Ren et al., "Neural Blind Deconvolution Using Deep Priors" (SelfDeblur), CVPR 2020, has it in its tables.
    """
    inner = reference[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX].astype(np.float32)
    if inner.size == 0:
        return None
    reach = BORDER_PX - MOST_SHIFT_PX
    around = image[reach:-reach, reach:-reach].astype(np.float32)
    parts = np.arange(STEPS_PER_PX) / STEPS_PER_PX
    squared = min(_least_squared_error(_moved(around, down, right), inner) for down, right in product(parts, parts))
    return 10 * math.log10(255.0**2 * inner.size / squared) if squared else None


def grey_shifted_psnr_db(image: Image, references: Iterable[Image]) -> float | None:
    """`shifted_psnr_db` of the picture in grey against the first of the references: Levin et al.'s pictures are grey,
    and a tint is not what is measured. None without a reference.
    """
    reference = next(iter(references), None)
    if reference is None:
        return None
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return shifted_psnr_db(np.asarray(grey, np.uint8), reference)


def _least_squared_error(around: Values, inner: Values) -> float:
    """Over all places of the reference (H, W, 3) in a picture that is larger, the least sum of squared differences."""
    height, width = inner.shape[:2]
    places = product(range(len(around) - height + 1), range(around.shape[1] - width + 1))
    return min(
        float(cv2.norm(around[top : top + height, left : left + width], inner, cv2.NORM_L2SQR)) for top, left in places
    )


def _moved(picture: Values, down: float, right: float) -> Values:
    """The picture at p + (down, right), parts of a pixel: (H, W, 3), one row and column less where there is a part."""
    rows = picture if down == 0 else (1 - down) * picture[:-1] + down * picture[1:]
    moved = rows if right == 0 else (1 - right) * rows[:, :-1] + right * rows[:, 1:]
    return np.asarray(moved, np.float32)
