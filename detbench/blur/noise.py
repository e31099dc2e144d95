"""Sensor noise, and the only step from grey levels back to a picture."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import Image


def add_noise(levels: NDArray[np.float64], sigma: float, generator: np.random.Generator) -> Image:
    """Add Gaussian noise of standard deviation `sigma` grey levels to levels 0..255, and round.

    The noise is that of stored values, after gamma, and independent in each pixel and channel.
    """
    return to_image(levels + sigma * generator.standard_normal(levels.shape))


def to_image(levels: NDArray[np.float64]) -> Image:
    """Grey levels to 0..255 whole numbers: rounded, as truncation would darken by half a level, and clipped."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
