"""Pictures of blur kernels, which show what a blind deblurrer found."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

MIN_WIDTH_PX = 130
"""A kernel has a few dozen weights a side; shown one to one it would be a speck."""

SEPARATOR_VALUE = 96
"""Grey of the lines between the cells of a grid: it is seen beside black, and is not taken for the brightest weight."""


def kernel_picture(kernels: NDArray[np.float64]) -> Image:
    """Grey picture of one kernel, or of a grid of them with lines of one pixel between the cells.

    `kernels` is (rows, columns, K, K), see `BlurEstimate.kernels`. Each weight is a square of equal grey, the largest
    of all kernels white, so that cells can be compared. The result is RGB and at least MIN_WIDTH_PX wide.
    Raises ValueError for another shape, or where no weight is positive.
    """
    if kernels.ndim != 4 or 0 in kernels.shape:
        raise ValueError(f"kernels have shape (rows, columns, K, K), not {kernels.shape}")
    largest = float(kernels.max())
    if not largest > 0:
        raise ValueError(f"a kernel has a positive weight; the largest here is {largest}")
    grey = np.rint(kernels.clip(min=0) * (255 / largest)).astype(np.uint8)
    columns, side = kernels.shape[1], kernels.shape[3]
    factor = -(-(MIN_WIDTH_PX - (columns - 1)) // (columns * side))
    magnified = grey.repeat(max(factor, 1), axis=2).repeat(max(factor, 1), axis=3)
    return np.repeat(_joined(magnified)[:, :, None], 3, axis=2)


def _joined(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cells (rows, columns, H, W) beside and below each other, with separators between them."""
    lined = np.pad(cells, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=SEPARATOR_VALUE)
    rows, columns, height, width = lined.shape
    return lined.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)[:-1, :-1]
