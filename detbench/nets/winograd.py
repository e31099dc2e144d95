"""3x3 convolutions with a quarter of the multiplications, for processors.

Winograd's F(4x4, 3x3), as Lavin & Gray: "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
arXiv 1509.09308, give it: squares of 4x4 outputs are computed from tiles of 6x6 inputs, as
Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A, so that 36 products stand for 144. Between its transforms it is 36 matrix products. In
single precision it differs from the direct convolution by some 1e-5 of the largest value.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from detbench.nets.layers import is_computed_on_processor

SIDE = 4
"""Outputs along a tile's side; its inputs are two more."""

BAND_TILES = 256
"""Tiles that are computed together where no gradient is wanted: what they take stays in a processor's cache."""

_POINTS = (SIDE + 2) ** 2

_B = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float32,
)
_G = torch.tensor([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float32) / 24
_A = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]).float()

# Both sides of a transform at once, on tiles laid out as one axis: (M d Mᵀ) flattened is kron(M, M) · flattened d.
_TO_POINTS, _WEIGHT_TO_POINTS, _FROM_POINTS = (torch.kron(matrix, matrix) for matrix in (_B, _G, _A))


class ReflectedConv3x3(nn.Conv2d):
    """`nn.Conv2d(c, k, 3, padding=1, padding_mode="reflect")`, by Winograd's way where that is the faster one.

    That is in single precision on a processor. Elsewhere, and while the network is exported, it is the direct one.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, K, H, W); H, W >= 2."""
        if _pays(features):
            assert self.bias is not None
            return conv3x3(F.pad(features, (1, 1, 1, 1), mode="reflect"), self.weight, self.bias)
        return super().forward(features)


def conv3x3(bordered: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`F.conv2d` of (N, C, H + 2, W + 2) by (K, C, 3, 3): (N, K, H, W), channels_last; gradients flow once."""
    height, width = (side - 2 for side in bordered.shape[2:])
    filled = F.pad(bordered, (0, -width % SIDE, 0, -height % SIDE))
    if torch.is_grad_enabled():
        convolved: Tensor = _Winograd.apply(filled, weight, bias)
    else:
        convolved = _in_bands(filled, weight).add_(bias[:, None, None])
    return convolved[:, :, :height, :width]


def _pays(features: Tensor) -> bool:
    is_single = features.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_single and is_computed_on_processor(features)


class _Winograd(torch.autograd.Function):
    """The convolution of sides that are two more than a multiple of SIDE, and its gradients by the same transforms."""

    @staticmethod
    def forward(ctx: Any, bordered: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        tiles = _tiles(bordered)
        points, weights = _points_of_tiles(tiles), _points_of_weight(weight)
        ctx.save_for_backward(points, weights)
        ctx.bordered_shape = bordered.shape
        return _from_squares(_squares(points, weights, tiles.shape)).add_(bias[:, None, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, weights = ctx.saved_tensors
        channels_in, channels_out = weights.shape[1:]
        squares = _to_squares(gradient)
        products = (_FROM_POINTS.T @ squares.reshape(SIDE**2, -1)).view(_POINTS, -1, channels_out)
        of_weights = torch.bmm(points.transpose(1, 2), products).view(_POINTS, -1)
        of_weight = (_WEIGHT_TO_POINTS.T @ of_weights).view(3, 3, channels_in, channels_out).permute(3, 2, 0, 1)
        of_points = torch.bmm(products, weights.transpose(1, 2)).view(_POINTS, -1)
        of_tiles = (_TO_POINTS.T @ of_points).view(SIDE + 2, SIDE + 2, *squares.shape[2:5], channels_in)
        return _summed(of_tiles, ctx.bordered_shape), of_weight, gradient.sum((0, 2, 3))


def _in_bands(bordered: Tensor, weight: Tensor) -> Tensor:
    """The convolution without its bias and its gradient, a few rows of tiles at a time."""
    tiles, weights = _tiles(bordered), _points_of_weight(weight)
    count, rows, columns = tiles.shape[2:5]
    convolved = tiles.new_empty(count, weight.shape[0], rows * SIDE, columns * SIDE).to(
        memory_format=torch.channels_last
    )
    squares, band = _to_squares(convolved), max(1, BAND_TILES // (count * columns))
    for row in range(0, rows, band):
        some = tiles[:, :, :, row : row + band]
        squares[:, :, :, row : row + band] = _squares(_points_of_tiles(some), weights, some.shape)
    return convolved


def _points_of_tiles(tiles: Tensor) -> Tensor:
    """Tiles (6, 6, N, h, w, C) transformed, (36, N·h·w, C)."""
    return (_TO_POINTS @ tiles.reshape(_POINTS, -1)).view(_POINTS, -1, tiles.shape[-1])


def _points_of_weight(weight: Tensor) -> Tensor:
    """A weight (K, C, 3, 3) transformed, (36, C, K)."""
    return (_WEIGHT_TO_POINTS @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(_POINTS, *weight.shape[1::-1])


def _squares(points: Tensor, weights: Tensor, shape: torch.Size) -> Tensor:
    """What transformed tiles and weight give, (4, 4, N, h, w, K); `shape` is the tiles', (6, 6, N, h, w, C)."""
    products = torch.bmm(points, weights).view(_POINTS, -1)
    return (_FROM_POINTS @ products).view(SIDE, SIDE, *shape[2:5], -1)


def _tiles(bordered: Tensor) -> Tensor:
    """(N, C, 4h + 2, 4w + 2) as overlapping tiles (6, 6, N, h, w, C); a view."""
    return bordered.unfold(2, SIDE + 2, SIDE).unfold(3, SIDE + 2, SIDE).permute(4, 5, 0, 2, 3, 1)


def _summed(tiles: Tensor, shape: torch.Size) -> Tensor:
    """What tiles (6, 6, N, h, w, C) add up to where they overlap; `shape` is (N, C, 4h + 2, 4w + 2)."""
    total = tiles.new_zeros(shape).to(memory_format=torch.channels_last)
    rows, columns = tiles.shape[3:5]
    for row in range(SIDE + 2):
        for column in range(SIDE + 2):
            covered = total[:, :, row : row + SIDE * rows : SIDE, column : column + SIDE * columns : SIDE]
            covered += tiles[row, column].permute(0, 3, 1, 2)
    return total


def _to_squares(pictures: Tensor) -> Tensor:
    """(N, K, 4h, 4w) as squares (4, 4, N, h, w, K); a view."""
    return pictures.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE).permute(4, 5, 0, 2, 3, 1)


def _from_squares(squares: Tensor) -> Tensor:
    """The inverse, channels_last."""
    count, rows, columns, channels = squares.shape[2:]
    laid_out = squares.permute(2, 3, 0, 4, 1, 5).reshape(count, rows * SIDE, columns * SIDE, channels)
    return laid_out.permute(0, 3, 1, 2)
