"""NAFNet at half resolution.

Chen, Chu, Zhang, Sun: "Simple Baselines for Image Restoration", ECCV 2022, arXiv 2204.04676.

Theirs: a U-Net of blocks without a nonlinear activation, where two halves of the channels are multiplied instead; width
32, its picture at full resolution, down by four convolutions of 2x2. Chosen here: the picture's squares of 2x2 pixels
become twelve channels first and pixels again at the end, which quarters the cost; one level less; 2, 2, 4 blocks down,
8 in the middle, 2, 2, 2 up. Channel attention averages over windows as large as the crops of the training, as in Chu,
Chen, Chen, Lu: "Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022, arXiv 2112.04491.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import RestorationNet, zero_outputs_

WIDTH = 32
"""Channels at the finest level; each level down has twice as many."""

BLOCKS_DOWN, BLOCKS_MIDDLE, BLOCKS_UP = (2, 2, 4), 8, (2, 2, 2)
"""Blocks of each level, in the order in which features pass them."""

SHUFFLE = 2
"""Side of the squares of pixels that become channels."""

MULTIPLE = SHUFFLE * 2 ** len(BLOCKS_DOWN)
"""Sides of pictures must divide by it."""

CELL_PX = MULTIPLE
"""Side of the squares whose means make up those of attention's windows."""

WINDOW_CELLS = 9
"""Side of a window: 144 px. On streets, weights that were trained on crops of 128 px lose .15 dB and .010 mAP where
attention averages over the whole picture.
"""


class LayerNorm2d(nn.Module):
    """Each pixel's channels to mean 0 and variance 1, then a weight and a bias a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out, channels_last."""
        affine = (self.weight.to(features.dtype), self.bias.to(features.dtype))
        return F.layer_norm(features.permute(0, 2, 3, 1), self.weight.shape, *affine).permute(0, 3, 1, 2)


class SpatialMixing(nn.Module):
    """x + scale · f(x): what a block does between pixels, by a 3x3 convolution of each channel and by attention.

    Attention weighs the channels by one 1x1 convolution of their means over a window around each pixel.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = LayerNorm2d(channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.attention = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.cell = CELL_PX * WIDTH // (SHUFFLE * channels)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out."""
        gated = gate(self.depthwise(self.expand(self.norm(features))))
        change: Tensor = self.project(gated * self.attended(gated))
        return features + change * self.scale.to(features.dtype)

    def attended(self, gated: Tensor) -> Tensor:
        """What attention multiplies the features by: their shape, or (N, C, 1, 1) where a picture is one window."""
        cells = F.avg_pool2d(gated, self.cell)
        if torch.compiler.is_exporting():
            weights: Tensor = self.attention(window_means_of_any_size(cells))
            return F.interpolate(weights, gated.shape[2:], mode="bilinear")
        weights = self.attention(window_means(cells))
        return weights if weights.shape[2:] == (1, 1) else F.interpolate(weights, gated.shape[2:], mode="bilinear")


class ChannelMixing(nn.Module):
    """x + scale · f(x): what a block does within each pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = LayerNorm2d(channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out."""
        change: Tensor = self.project(gate(self.expand(self.norm(features))))
        return features + change * self.scale.to(features.dtype)


class Block(nn.Module):
    """Spatial mixing, then channel mixing. It starts as the identity, its scales being 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial, self.channel = SpatialMixing(channels), ChannelMixing(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out."""
        mixed: Tensor = self.channel(self.spatial(features))
        return mixed


class Up(nn.Sequential):
    """Twice the height and width, half the channels: a 1x1 convolution whose channels become 2x2 pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.PixelShuffle(2))


class NAFNet(RestorationNet):
    """Blurred picture to restored picture; a skip around the whole. 4,958,572 parameters."""

    def __init__(self) -> None:
        super().__init__()
        widths = [WIDTH << level for level in range(len(BLOCKS_DOWN))]
        colours = 3 * SHUFFLE**2
        self.enter = nn.Conv2d(colours, WIDTH, 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(*level) for level in zip(widths, BLOCKS_DOWN, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, stride=2) for width in widths)
        self.middle = _blocks(2 * widths[-1], BLOCKS_MIDDLE)
        self.ups = nn.ModuleList(Up(2 * width) for width in reversed(widths))
        self.decoder = nn.ModuleList(_blocks(*level) for level in zip(reversed(widths), BLOCKS_UP, strict=True))
        self.leave = nn.Conv2d(WIDTH, colours, 3, padding=1)

    def forward(self, blurred: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to the same, not clamped to it; H and W are multiples of 16."""
        features = self.between(self.enter(F.pixel_unshuffle(blurred, SHUFFLE)))
        return blurred + F.pixel_shuffle(self.leave(features), SHUFFLE)

    def between(self, entered: Tensor) -> Tensor:
        """Features at a quarter of the pixels, through encoder, middle and decoder; (N, WIDTH, H, W) in and out."""
        features: Tensor = entered
        skips: list[Tensor] = []
        for blocks, down in zip(self.encoder, self.downs, strict=True):
            skips.append(blocks(features))
            features = down(skips[-1])
        features = self.middle(features)
        for up, blocks in zip(self.ups, self.decoder, strict=True):
            features = blocks(up(features) + skips.pop())
        return features

    def init_as_identity(self) -> None:
        """Exactly, by the skip around the whole alone."""
        zero_outputs_(self.leave)


def gate(features: Tensor) -> Tensor:
    """The two halves of the channels, multiplied: (N, 2 C, H, W) to (N, C, H, W)."""
    one, other = features.chunk(2, dim=1)
    return one * other


def window_means(cells: Tensor) -> Tensor:
    """The means over WINDOW_CELLS cells a side around each, or as near to that as the picture has so many.

    Shape (N, C, h, w) in and out; (N, C, 1, 1) where a picture is no larger than a window.
    """
    sides = [min(WINDOW_CELLS, side) for side in cells.shape[2:]]
    means = F.avg_pool2d(cells, sides, stride=1)
    if means.shape[2:] == (1, 1):
        return means
    before = [(side - 1) // 2 for side in sides]
    after = [side - 1 - margin for side, margin in zip(sides, before, strict=True)]
    return F.pad(means, (before[1], after[1], before[0], after[0]), mode="replicate")


def window_means_of_any_size(cells: Tensor) -> Tensor:
    """As `window_means`, of shape (N, C, h, w) always, by two matrix products: no step depends on how large h and w
    are, so that a graph of it takes pictures of any size.
    """
    down, across = (_window_matrix(side, cells) for side in cells.shape[2:])
    return down @ cells @ across.T


def _window_matrix(side: int, like: Tensor) -> Tensor:
    """The means over windows of WINDOW_CELLS in a row of so many cells, shape (side, side): a window per row of it."""
    places = torch.arange(side, device=like.device)
    width = torch.clamp(torch.ones_like(places).sum(), max=WINDOW_CELLS)
    starts = torch.minimum((places - (width - 1) // 2).clamp(min=0), side - width)[:, None]
    is_inside = (places >= starts) & (places < starts + width)
    return is_inside.to(like.dtype) / width


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels) for _ in range(count)))
