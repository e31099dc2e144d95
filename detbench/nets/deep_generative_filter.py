"""The densely connected generator of Ramakrishnan et al.

Ramakrishnan, Pachori, Gangopadhyay, Raman: "Deep Generative Filter for Motion Deblurring", ICCV Workshops 2017,
arXiv 1709.03481, and the code that its first author published.

Theirs: a 3x3 head to 4 g channels, g = 64; ten densely connected layers of g channels each, every one LeakyReLU,
1x1 convolution to 4 g, norm, LeakyReLU, 3x3 convolution, norm, seeing the outputs of all before it; a tail of
LeakyReLU, 1x1 convolution to 4 g, norm and dropout; the head's features added to it, the global skip; two 3x3
convolutions and a tanh; everything at full resolution. A critic of pairs with 48 channels and four strides.

Chosen here, because paper, code and others' accounts disagree or are silent: every second layer is dilated by 1, 2, 3,
2, 1 (the paper lets dilation grow; the published code keeps it at 2); instance norm in place of batch norm, which at
the authors' batch of one is the same in training and, unlike it, stays so when restoring; borders are reflected.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import RestorationNet, initialise, zero_outputs_
from detbench.nets.patchgan import PatchGAN

GROWTH = 64
"""Channels that each layer adds."""

DILATIONS = (1, 1, 1, 2, 1, 3, 1, 2, 1, 1)
"""Of each layer's 3x3 convolution."""

_HEAD = 4 * GROWTH


class DenseLayer(nn.Module):
    """A bottleneck to 4 g channels and a 3x3 convolution to g, each normalised."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, 4 * GROWTH, 1)
        self.narrow_norm = nn.InstanceNorm2d(4 * GROWTH)
        self.conv = _conv3(4 * GROWTH, GROWTH, dilation)
        self.conv_norm = nn.InstanceNorm2d(GROWTH)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, channels, H, W) to (N, g, H, W), both after their LeakyReLU."""
        narrowed = F.leaky_relu(self.narrow_norm(self.narrow(features)), 0.2, inplace=True)
        return F.leaky_relu(self.conv_norm(self.conv(narrowed)), 0.2, inplace=True)


class DenseBlock(nn.ModuleList):
    """Layers that each see the features and what all layers before it have added."""

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, C + L g, H, W) after L layers."""
        for layer in self:
            features = torch.cat([features, layer(features)], dim=1)
        return features


class DenseGenerator(RestorationNet):
    """Blurred picture to restored picture, through features at full resolution. 3,256,451 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = _conv3(3, _HEAD)
        self.layers = DenseBlock(
            DenseLayer(_HEAD + index * GROWTH, dilation) for index, dilation in enumerate(DILATIONS)
        )
        self.narrow = nn.Conv2d(_HEAD + len(DILATIONS) * GROWTH, _HEAD, 1)
        self.narrow_norm = nn.InstanceNorm2d(_HEAD)
        self.dropout = nn.Dropout(0.5)
        self.merge = _conv3(_HEAD, GROWTH)
        self.leave = _conv3(GROWTH, 3)
        self.apply(initialise)

    def forward(self, blurred: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to the same; H and W are at least 4."""
        head = self.enter(blurred)
        tail = self.dropout(self.narrow_norm(self.narrow(self.layers(F.leaky_relu(head, 0.2)))))
        return torch.tanh(self.leave(F.leaky_relu(self.merge(head + tail), 0.2)))

    @torch.no_grad()
    def init_as_identity(self) -> None:
        """Within .025: LeakyReLUs of colours less a threshold add up to straight pieces of what undoes the tanh.

        The norm makes much of any tail however small, so none is set to 0: a colour is the difference of two channels
        with the same tail.
        """
        thresholds, shares = _straight_pieces(torch.tensor([0.0, 0.5, 1.0, 1.5, 2.3]))
        zero_outputs_(self.enter, slice(6))
        zero_outputs_(self.merge, slice(6 * len(thresholds)))
        zero_outputs_(self.leave)
        self.narrow.weight[3:6] = self.narrow.weight[:3]
        for channel in range(6):
            colour, sign = channel % 3, 1 if channel < 3 else -1
            self.enter.weight[channel, colour, 1, 1] = sign
            pieces = slice(channel, 6 * len(thresholds), 6)
            self.merge.weight[pieces, colour, 1, 1] = sign / 2
            self.merge.weight[pieces, colour + 3, 1, 1] = -sign / 2
            self.merge.get_parameter("bias")[pieces] = -thresholds
            self.leave.weight[colour, pieces, 1, 1] = sign * shares


def _straight_pieces(heights: Tensor) -> tuple[Tensor, Tensor]:
    """Thresholds t and shares a: the sum of a (LeakyReLU(x - t) - LeakyReLU(-x - t)) meets artanh(x) at heights.

    The last of the heights is met at x = 1. Each term has slope .4 where abs(x) < t, and 1.2 beyond.
    """
    places = torch.cat([torch.tanh(heights[:-1]), torch.ones(1)])
    slopes = heights.diff() / places.diff()
    later = slopes.diff() / 0.8
    first = (slopes[:1] - 0.4 * later.sum()) / 1.2
    return places[:-1], torch.cat([first, later])


class Critic(PatchGAN):
    """Scores patches of a picture beside the blurred one, six channels together."""

    def __init__(self) -> None:
        super().__init__(channels=6, width=48, strides=(2, 2, 2, 2), padding=1)


def _conv3(channels_in: int, channels_out: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=dilation, dilation=dilation, padding_mode="reflect")
