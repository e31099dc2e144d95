"""The deblurrer that changes nothing: the floor for every other."""

from detbench.types import Image


def identity(blurred: Image) -> Image:
    """Return the picture itself, shape (H, W, 3)."""
    return blurred
