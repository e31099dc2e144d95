"""The kernel of a drawn camera shake."""

import numpy as np
from numpy.typing import NDArray


def path_kernel() -> NDArray[np.uint8]:
    """A lopsided kernel's picture, its centroid off the middle."""
    weights = np.zeros((11, 11), np.uint8)
    weights[2, 1:7] = 120
    weights[3:8, 6] = 255
    return weights
