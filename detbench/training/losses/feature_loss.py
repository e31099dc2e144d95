"""The features' loss: pictures compared by what frozen detectors and classifiers make of them.

A deblurrer is here to help a detector find more. Several unlike networks alternate, one a step, so that more of them
cost no more. Each sees both pictures at another size and in another light, or else the deblurrer would learn what
fools one network at one size. Evaluate the result with a detector that is not among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from detbench.training.data.jitter import draw_jitter
from detbench.training.losses.target import Target


@dataclass(frozen=True)
class FeatureLoss:
    """The distance of the features of restored and sharp pictures, by one of the networks, in order of the steps.

    `networks` take RGB in -1..1 and give a list of feature maps; `seed` is the recipe's.
    """

    networks: Sequence[nn.Module]
    seed: int

    def __call__(self, restored: Sequence[Tensor], target: Target) -> Tensor:
        """One number for the pictures at the finest scale."""
        network = self.networks[target.step % len(self.networks)]
        jitter = draw_jitter(self.seed, target.step)
        ours, theirs = (
            network(jitter(pictures).contiguous(memory_format=torch.channels_last))
            for pictures in (restored[0], target.sharp)
        )
        return feature_distance(ours, theirs)


def feature_distance(restored: Sequence[Tensor], sharp: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of feature maps, each in units of the sharp one's mean size; 0 where they agree."""
    pairs = [(one.float(), other.float()) for one, other in zip(restored, sharp, strict=True)]
    return torch.stack([(one - other).abs().mean() / other.abs().mean() for one, other in pairs]).mean()
