"""Between the pixel values that a file stores and the light that a sensor adds up during an exposure."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import Image, Light

DISPLAY_GAMMA = 2.2
"""Stored value = light ** (1 / 2.2): the curve that GoPro's authors assume (Nah et al., CVPR 2017)."""


def to_light(image: Image, light: Light) -> NDArray[np.float64]:
    """Convert stored values 0..255 to what a blur averages, 0..1, of the same shape.

    `linear` is scene light, (value / 255) ** 2.2; `gamma` is the stored value itself, value / 255.
    """
    levels = np.arange(256) / 255
    return (levels**DISPLAY_GAMMA if light == "linear" else levels)[image]


def to_levels(averaged: NDArray[np.float64], light: Light) -> NDArray[np.float64]:
    """Undo `to_light`: 0..1 to grey levels 0..255, not yet rounded, so that noise can be added first."""
    # A Fourier transform leaves zeros at about -1e-17, which has no real 2.2nd root.
    bounded = np.clip(averaged, 0, 1)
    return (bounded ** (1 / DISPLAY_GAMMA) if light == "linear" else bounded) * 255
