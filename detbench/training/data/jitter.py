"""Random changes of size and light, so that no loss is learned by heart at one size."""

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from detbench.blur.recipes import log_uniform
from detbench.training.data.draws import JITTER

SCALES, GAINS, OFFSETS = (0.7, 1.5), (0.85, 1.15), (-0.1, 0.1)
"""Between which a jitter is drawn: scale evenly in its logarithm, gain for each channel, offset in -1..1 values."""

SIDES = 32
"""Pixels that the sides of scaled pictures are multiples of, as detectors take them."""


@dataclass(frozen=True)
class Jitter:
    """One change of size and light, the same for all pictures of a step."""

    scale: float
    gains: tuple[float, float, float]  # of red, green and blue
    offset: float

    def __call__(self, pictures: Tensor) -> Tensor:
        """RGB, shape (N, 3, H, W), to (N, 3, h, w) at the scale, h and w rounded to multiples of SIDES."""
        sides = [max(1, round(side * self.scale / SIDES)) * SIDES for side in pictures.shape[2:]]
        scaled = F.interpolate(pictures.float(), sides, mode="bilinear", antialias=True)
        return scaled * scaled.new_tensor(self.gains)[:, None, None] + self.offset


def draw_jitter(seed: int, step: int) -> Jitter:
    """That of a step: the same on every device and in every process."""
    generator = np.random.default_rng((seed, JITTER, step))
    red, green, blue = generator.uniform(*GAINS, 3).tolist()
    return Jitter(log_uniform(SCALES, generator), (red, green, blue), float(generator.uniform(*OFFSETS)))
