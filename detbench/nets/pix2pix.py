"""The U-Net of pix2pix.

Isola, Zhu, Zhou, Efros: "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv 1611.07004.

Theirs: eight stride-2 convolutions with kernel 4 down to 1x1 of a crop of 256, eight transposed ones up, each seeing
the features of its own size on the way down; LeakyReLU down, ReLU up, dropout in the three innermost, tanh; a critic
of pairs that sees 70x70. Chosen here: widths of 36, 48, 96 and 192 instead of 64, 128, 256 and 512, a seventh of the
weights; instance norm in place of batch norm, which at their batch of one is the same; no norm at the innermost, where
one pixel would be normalised to nothing.
"""

from itertools import pairwise, product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import RestorationNet, initialise, zero_outputs_
from detbench.nets.patchgan import PatchGAN

WIDTHS = (36, 48, 96, 192, 192, 192, 192, 192)
"""Channels after each convolution down. The first hold three to each of the twelve values that they see anew."""

MULTIPLE = 2 ** len(WIDTHS)
"""Sides of pictures must divide by it."""


class UNet(RestorationNet):
    """Blurred picture to restored picture; no skip around the whole. 7,684,203 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.downs = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in pairwise([3, *WIDTHS])
        )
        self.down_norms = nn.ModuleList(nn.InstanceNorm2d(width) for width in WIDTHS[1:-1])
        outward = [*WIDTHS[-2::-1], 3]
        seen = [WIDTHS[-1], *(2 * width for width in outward[:-1])]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in zip(seen, outward, strict=True)
        )
        self.up_norms = nn.ModuleList(nn.InstanceNorm2d(width) for width in outward[:-1])
        self.dropout = nn.Dropout(0.5)
        self.apply(initialise)

    def forward(self, blurred: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to the same; H and W are multiples of 256."""
        levels = [self.downs[0](blurred)]
        for down, norm in zip(list(self.downs)[1:-1], self.down_norms, strict=True):
            levels.append(norm(down(F.leaky_relu(levels[-1], 0.2))))
        features = self.downs[-1](F.leaky_relu(levels[-1], 0.2))
        for index, (up, norm) in enumerate(zip(list(self.ups)[:-1], self.up_norms, strict=True)):
            features = norm(up(F.relu(features)))
            features = self.dropout(features) if index < 3 else features
            features = torch.cat([features, levels[-1 - index]], dim=1)
        return torch.tanh(self.ups[-1](F.relu(features)))

    @torch.no_grad()
    def init_as_identity(self) -> None:
        """Within .06, by the outermost skip: ReLUs of each of 2x2 pixels' colours bend it as what undoes the tanh does.

        With 1.1 x + 2 (ReLU(x - .66) - ReLU(-x - .66)) in place of artanh(x) the mean squared error is least.
        """
        bend = 0.66
        zero_outputs_(self.downs[0])
        zero_outputs_(self.ups[-1])
        down, bias = (self.downs[0].get_parameter(name) for name in ("weight", "bias"))
        up, offset = (self.ups[-1].get_parameter(name) for name in ("weight", "bias"))
        for value, (colour, row, column) in enumerate(product(range(3), (1, 2), (1, 2))):
            for channel, sign, lift, share in (
                (value, 1, 1, 1.1),
                (value + 12, 1, -bend, 2),
                (value + 24, -1, -bend, -2),
            ):
                down[channel, colour, row, column] = sign
                bias[channel] = lift
                up[WIDTHS[0] + channel, colour, row, column] = share
        offset.fill_(-1.1)


class Critic(PatchGAN):
    """Scores 70x70 patches of a picture beside the blurred one, six channels together. 2,767,809 parameters."""

    def __init__(self) -> None:
        super().__init__(channels=6, width=64, strides=(2, 2, 2, 1), padding=1)
