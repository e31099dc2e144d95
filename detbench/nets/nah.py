"""The multi-scale deblurring network of Nah et al.

Nah, Kim, Lee: "Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring", CVPR 2017,
arXiv 1612.02177.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import RestorationNet, zero_outputs_

SCALES = 3


def gaussian_pyramid(pictures: Tensor, scales: int = SCALES) -> list[Tensor]:
    """Pictures at so many sizes, each half the one before, finest first; any value range.

    Shape (N, C, H, W) with H and W multiples of 2^(scales - 1). Each level is low-passed by the binomial kernel
    1-3-3-1 (a Gaussian of sigma 0.87 px) and sampled between pixels, so that all levels cover the same area without a
    shift.
    """
    taps = pictures.new_tensor([1.0, 3.0, 3.0, 1.0]) / 8
    channels = pictures.shape[1]
    kernel = torch.outer(taps, taps).expand(channels, 1, 4, 4)
    levels = [pictures]
    while len(levels) < scales:
        bordered = F.pad(levels[-1], (1, 1, 1, 1), mode="replicate")
        levels.append(F.conv2d(bordered, kernel, stride=2, groups=channels))
    return levels


class ResBlock(nn.Module):
    """x + f(x), where f is conv, ReLU, conv; no normalisation, nothing follows the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv5(64, 64)
        self.conv2 = _conv5(64, 64)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, 64, H, W) in and out."""
        change: Tensor = self.conv2(F.relu(self.conv1(features)))
        return features + change


class ScaleNet(nn.Module):
    """One scale: conv, 19 ResBlocks, conv; no skip around the whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = _conv5(channels, 64)
        self.blocks = nn.Sequential(*(ResBlock() for _ in range(19)))
        self.leave = _conv5(64, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, channels, H, W) to (N, 3, H, W)."""
        restored: Tensor = self.leave(self.blocks(self.enter(pictures)))
        return restored

    @torch.no_grad()
    def init_as_identity(self) -> None:
        """Three channels carry the picture through blocks that change nothing yet."""
        zero_outputs_(self.enter, slice(3))
        zero_outputs_(self.leave)
        for block in self.blocks:
            zero_outputs_(block.get_submodule("conv2"))
        for colour in range(3):
            self.enter.weight[colour, colour, 2, 2] = self.leave.weight[colour, colour, 2, 2] = 1


class MultiScaleNet(RestorationNet):
    """Restores a picture from coarse to fine; each finer scale also sees the coarser result, enlarged.

    11,721,321 parameters. `scales` and `ups` are numbered finest first, as the results are; `ups[i]` enlarges the
    result of `scales[i + 1]` for `scales[i]`. Zero padding, as in the paper.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList(ScaleNet(3 if coarsest else 6) for coarsest in (False, False, True))
        self.ups = nn.ModuleList(_conv5(3, 12) for _ in range(SCALES - 1))

    def forward(self, blurred: Tensor) -> list[Tensor]:
        """RGB minus its mean, -0.5..0.5, shape (N, 3, H, W), H and W multiples of 4, to SCALES restored pictures.

        Finest first: (N, 3, H, W), then half, then quarter size, in the same range but not clamped to it.
        """
        levels = gaussian_pyramid(blurred)
        restored = [self.scales[-1](levels[-1])]
        for index in reversed(range(SCALES - 1)):
            enlarged = F.pixel_shuffle(self.ups[index](restored[0]), 2)
            restored.insert(0, self.scales[index](torch.cat([levels[index], enlarged], dim=1)))
        return restored

    def init_as_identity(self) -> None:
        """Exactly, at each scale."""
        for scale in self.scales:
            cast(ScaleNet, scale).init_as_identity()


class Critic(nn.Module):
    """How real a whole picture is: one score for a crop of 256, by convolutions of growing width and stride.

    Without normalisation and without biases, as the authors' later port has it. The last convolution is padded by a
    pixel, which the port's is not, so that crops of 128 have a score too. 10,725,216 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 32, 64, 64, 128, 128, 256, 256, 512)
        strides = (1, 2, 1, 2, 1, 4, 1, 4, 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 5, stride=stride, padding=2, bias=False)
            for before, after, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.convs.append(nn.Conv2d(512, 512, 4, stride=4, padding=1, bias=False))
        self.leave = nn.Conv2d(512, 1, 1, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to scores (N, 1, h, w); H and W are multiples of 128."""
        features = pictures
        for conv in self.convs:
            features = F.leaky_relu(conv(features), 0.2)
        scores: Tensor = self.leave(features)
        return scores


def _conv5(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 5, padding=2)
