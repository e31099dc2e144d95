"""The features' loss: pictures compared by what frozen detectors and classifiers make of them.

What a restorer is for here is that a detector finds more. Several unlike networks take turns, one a step, so that more
of them cost no more; each sees both pictures at another size and in another light, or else the restorer learns what
one network falls for at one size. Judge what comes of it with a detector that was not among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.blur.recipes import log_uniform
from detbench.training.draws import jitter_generator
from detbench.training.plan import Target

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


def draw_jitter(generator: np.random.Generator) -> Jitter:
    """A random one."""
    red, green, blue = generator.uniform(*GAINS, 3).tolist()
    return Jitter(log_uniform(SCALES, generator), (red, green, blue), float(generator.uniform(*OFFSETS)))


@dataclass(frozen=True)
class FeatureLoss:
    """The distance of the features of restored and sharp pictures, by the network whose turn it is.

    `networks` take RGB in -1..1 and give a list of feature maps; `seed` is the recipe's.
    """

    networks: Sequence[nn.Module]
    seed: int

    def __call__(self, restored: Sequence[Tensor], target: Target) -> Tensor:
        """One number for the pictures at the finest scale."""
        network = self.networks[target.step % len(self.networks)]
        jitter = draw_jitter(jitter_generator(self.seed, target.step))
        ours, theirs = (
            network(jitter(pictures).contiguous(memory_format=torch.channels_last))
            for pictures in (restored[0], target.sharp)
        )
        return feature_distance(ours, theirs)


def feature_distance(restored: Sequence[Tensor], sharp: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of feature maps, each in units of the sharp one's mean size; 0 where they agree."""
    pairs = [(one.float(), other.float()) for one, other in zip(restored, sharp, strict=True)]
    return torch.stack([(one - other).abs().mean() / other.abs().mean() for one, other in pairs]).mean()
