"""PatchGAN: a critic that scores patches of a picture, as most of the networks here are trained against.

Isola, Zhu, Zhou, Efros: "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv 1611.07004.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import initialise


class PatchGAN(nn.Module):
    """Convolutions with kernel 4, each followed by a LeakyReLU, all but the first also normalised; then one to scores.

    The first has `width` channels, each further one twice as many, up to eight times; `strides` are those of all but
    the last, whose stride is 1. Scores have no bound.
    """

    def __init__(self, channels: int, width: int, strides: Sequence[int], padding: int) -> None:
        super().__init__()
        widths = [channels, *(width * min(2**index, 8) for index in range(len(strides)))]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=stride, padding=padding)
            for (before, after), stride in zip(pairwise(widths), strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.InstanceNorm2d(width) for width in widths[2:])
        self.leave = nn.Conv2d(widths[-1], 1, 4, padding=padding)
        self.apply(initialise)

    def forward(self, pictures: Tensor) -> Tensor:
        """Values in -1..1, shape (N, channels, H, W), to scores (N, 1, h, w)."""
        features = F.leaky_relu(self.convs[0](pictures), 0.2)
        for conv, norm in zip(list(self.convs)[1:], self.norms, strict=True):
            features = F.leaky_relu(norm(conv(features)), 0.2)
        scores: Tensor = self.leave(features)
        return scores
