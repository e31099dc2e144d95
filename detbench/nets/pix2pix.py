"""The U-Net of pix2pix.

Isola, Zhu, Zhou, Efros: "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv 1611.07004.

Theirs: eight stride-2 convolutions with kernel 4 down to 1x1 of a crop of 256, eight transposed ones up, each seeing
the features of its own size on the way down; LeakyReLU down, ReLU up, dropout in the three innermost, tanh; a critic
of pairs that sees 70x70. Chosen here: 24 channels at the widest resolution instead of 64, a seventh of the weights;
instance norm in place of batch norm, which at their batch of one is the same; no norm at the innermost, where one
pixel would be normalised to nothing.
"""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import RestorationNet, initialise, instance_norm, silence
from detbench.nets.patchgan import PatchGAN

WIDTH = 24
"""Channels after the first convolution."""

LEVELS = 8

MULTIPLE = 2**LEVELS
"""Sides of pictures must divide by it."""

_WIDTHS = [WIDTH * min(2**level, 8) for level in range(LEVELS)]


class UNet(RestorationNet):
    """Blurred picture to restored picture; no skip around the whole. 7,654,803 parameters."""

    def __init__(self) -> None:
        super().__init__()
        inward = [3, *_WIDTHS]
        self.downs = nn.ModuleList(
            nn.Conv2d(inward[level], inward[level + 1], 4, stride=2, padding=1) for level in range(LEVELS)
        )
        outward = [*_WIDTHS[-2::-1], 3]
        seen = [_WIDTHS[-1], *(2 * width for width in outward[:-1])]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in zip(seen, outward, strict=True)
        )
        self.dropout = nn.Dropout(0.5)
        self.apply(initialise)

    def forward(self, blurred: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to the same; H and W are multiples of 256."""
        levels = [self.downs[0](blurred)]
        for down in list(self.downs)[1:-1]:
            levels.append(instance_norm(down(F.leaky_relu(levels[-1], 0.2))))
        features = self.downs[-1](F.leaky_relu(levels[-1], 0.2))
        for index, up in enumerate(list(self.ups)[:-1]):
            features = instance_norm(up(F.relu(features)))
            features = self.dropout(features) if index < 3 else features
            features = torch.cat([features, levels[-1 - index]], dim=1)
        return torch.tanh(self.ups[-1](F.relu(features)))

    @torch.no_grad()
    def begin_as_input(self) -> None:
        """But for the tanh: of the outermost skip, 24 channels carry the colours of 2x2 pixels and their negatives.

        The tanh of 1.2 times the picture is within .17 of it, within .04 at middle values.
        """
        silence(self.downs[0], slice(24))
        silence(self.ups[-1])
        down, up = (conv.get_parameter("weight") for conv in (self.downs[0], self.ups[-1]))
        places = product((1, -1), range(3), (1, 2), (1, 2))
        for channel, (sign, colour, row, column) in enumerate(places):
            down[channel, colour, row, column] = sign
            up[WIDTH + channel, colour, row, column] = 1.2 * sign


class Critic(PatchGAN):
    """Scores 70x70 patches of a picture beside the blurred one, six channels together. 2,767,809 parameters."""

    def __init__(self) -> None:
        super().__init__(channels=6, width=64, strides=(2, 2, 2, 1), padding=1)
