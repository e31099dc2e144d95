"""The deblurrer that does nothing: what every other has to beat."""

from detbench.types import Image


def identity(blurred: Image) -> Image:
    """Return the picture itself, shape (H, W, 3)."""
    return blurred
