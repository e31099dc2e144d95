"""A deblurrer for detbench in one file: sharpening by an unsharp mask.

It needs nothing of detbench: a callable from picture to picture is a deblurrer.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


class Unsharp:
    """Adds what a blur of `radius_px` takes away, `percent` of it."""

    def __init__(self, radius_px: float = 2.0, percent: int = 80) -> None:
        self.mask = ImageFilter.UnsharpMask(radius_px, percent, threshold=0)

    def __call__(self, blurred: NDArray[np.uint8], /) -> NDArray[np.uint8]:
        """RGB, shape (H, W, 3), in and out."""
        return np.asarray(Image.fromarray(blurred).filter(self.mask))
