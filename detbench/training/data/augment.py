"""Variants of a crop that keep sharp and blurred picture in step, as Nah et al. (arXiv 1612.02177) train on them."""

import numpy as np
from numpy.typing import NDArray

from detbench.training.data.crops import Crop
from detbench.types import Image

SATURATION_RANGE = (0.5, 1.5)

NOISE_DEVIATION = 2.0
"""Of the crop's noise level, in grey levels; the level itself is drawn."""


def augment(crop: Crop, generator: np.random.Generator) -> Crop:
    """The crop turned by a random number of quarters, its channels permuted, its saturation scaled, noise added."""
    turns, channels = int(generator.integers(4)), generator.permutation(3)
    factor = generator.uniform(*SATURATION_RANGE)
    scene, sharp = (saturated(np.rot90(image, turns)[..., channels], factor) for image in (crop.scene, crop.sharp))
    kernel: NDArray[np.float32] = np.ascontiguousarray(np.rot90(crop.kernel, turns))
    noise = np.hypot(crop.noise, generator.normal(0, NOISE_DEVIATION))
    return crop._replace(scene=scene, sharp=sharp, kernel=kernel, noise=np.float32(noise))


def saturated(image: Image, factor: float) -> Image:
    """The picture with `factor` times the saturation of the HSV model: its brightest channel stays, others move."""
    value = image.max(axis=2, keepdims=True).astype(np.float32)
    scaled: Image = np.rint((value - factor * (value - image)).clip(0, 255)).astype(np.uint8)
    return scaled
